// A list that is renewed while somebody types (htmx). A part of a page takes only what was meant for it: another page
// (to sign in, or the case of a scanned slip) and an error are loaded whole.
let sent = null; // the form that the browser itself is sending: Enter, the button, a scanner

const away = (form, hidden) => form.querySelector("[data-away]")?.toggleAttribute("hidden", hidden);

addEventListener("htmx:before:response", (event) => {
  const { request, response } = event.detail.ctx;
  if (response.raw.ok && !response.raw.redirected) return;
  event.preventDefault();
  location.assign(response.raw.redirected ? response.raw.url : request.action);
});
addEventListener("htmx:after:swap", (event) => away(event.target, true));
addEventListener("htmx:error", (event) => away(event.target, false));
addEventListener("htmx:after:history:update", () => {
  // Another language or size of type comes back to this search.
  for (const next of document.querySelectorAll(".top [name=next]")) next.value = location.pathname + location.search;
});

addEventListener("submit", (event) => {
  sent = event.target;
  sent.dispatchEvent(new Event("htmx:abort"));
});
addEventListener("htmx:config:request", (event) => {
  if (event.target === sent) event.preventDefault();
});
addEventListener("input", () => (sent = null));
addEventListener("pageshow", () => (sent = null));
