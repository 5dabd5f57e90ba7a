// Parts of a page that renew themselves: <div data-live="/path" data-every="3">. Without script they stay as they came.
"use strict";
for (const part of document.querySelectorAll("[data-live]")) {
  const seconds = Number(part.dataset.every) || 3;
  let shown = "";
  const renew = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(part.dataset.live, { credentials: "same-origin" });
        if (answer.redirected || answer.status === 401) return location.reload(); // signed out meanwhile
        const text = await answer.text();
        if (answer.ok && text !== shown && !part.contains(document.activeElement)) {
          part.innerHTML = shown = text;
        }
        part.classList.toggle("stale", !answer.ok);
      } catch {
        part.classList.add("stale"); // the program does not answer; what is shown may be old
      }
    }
    setTimeout(renew, seconds * 1000);
  };
  setTimeout(renew, seconds * 1000);
}
