// What the script says stands on the page, so that it is translated with it.
const words = document.getElementById("desk-words");

export const word = (name) => words?.dataset[name] || "";

/** A page's document, its status and whether it was moved; throws when the program does not answer. */
export async function page(address, options = {}) {
  const answer = await fetch(address, { credentials: "same-origin", ...options });
  const text = await answer.text();
  return {
    ok: answer.ok,
    status: answer.status,
    path: new URL(answer.url).pathname,
    moved: answer.redirected,
    text,
    dom: () => new DOMParser().parseFromString(text, "text/html"),
  };
}

export const signedOut = (answer) => answer.status === 401 || (answer.moved && answer.path === "/sign-in");

const SAID = "main .govuk-notification-banner__content, main .govuk-error-summary, main h1";

/** What a page says has happened. */
export const said = (dom) => dom.querySelector(SAID)?.textContent.trim() || "";
