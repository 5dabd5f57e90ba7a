// The form of an act in a window over the case. It is the form of the act's own page; sent as that page sends it.
import { open } from "./keys.js";
import { page, said, signedOut, word } from "./words.js";

const WHOLE_PAGES = /\/do\/(correct|supplement|deliver|split)$/; // too much for a window
const ABOVE = "main .govuk-error-summary, main .lead-in, main .notice, main form.reasons";
const dialog = document.getElementById("act-dialog");
const body = dialog?.querySelector(".dialog-body");
const typed = new Map(); // address of the act -> fields, for this case
let queue = null;
let panes = null;

/** Open the form of an act's link, or its page where the window is too small for it. */
export async function decide(link, from) {
  if (WHOLE_PAGES.test(new URL(link.href).pathname)) return void location.assign(link.href);
  if (dialog.open) return;
  queue = from;
  if (panes !== queue.panes) typed.clear();
  panes = queue.panes;
  dialog.querySelector("h2").textContent = word("wait");
  body.replaceChildren();
  open(dialog);
  try {
    const answer = await page(link.href);
    if (!dialog.open) return;
    const found = answer.ok && !answer.moved && show(answer.dom());
    if (!found) leave(signedOut(answer) ? word("signedOut") : said(answer.dom()) || word("cannot"), "attention");
  } catch {
    leave(word("unreachable"), "error");
  }
}

function leave(text, tone) {
  dialog.close();
  queue.say(text, tone);
}

/** Put the form of a page into the window; false when the page has none. */
function show(dom) {
  const form = dom.querySelector('main form[method="post"][action*="/do/"]');
  if (!form) return false;
  if (!readAll(form)) return true;
  dialog.querySelector("h2").textContent = `${dom.querySelector("main h1").textContent} · ${panes.dataset.name}`; // the open case, not the chosen line
  const above = [...dom.querySelectorAll(ABOVE)].filter((one) => !one.closest("details, main form:not(.reasons)"));
  body.replaceChildren(...above, form);
  form.querySelector('[name="story"]').value = panes.dataset.story;
  for (const link of form.querySelectorAll(".form-end a")) link.remove();
  fill(form);
  tidy(form);
  const first = body.querySelector(".govuk-error-summary") || field(form) || form.querySelector("[type=submit]:not([disabled])");
  (first || dialog.querySelector("h2")).focus();
  return true;
}

const FIELDS = "select:not([hidden]),textarea,input:not([type=hidden]):not([type=file])";
const field = (form) => body.querySelector(".reasons select") || form.querySelector(FIELDS);

/** A decision names the pages it rests on: none may be among them that nobody could look at here. */
function readAll(form) {
  const named = [...form.querySelectorAll('[name="seen"]')].map((input) => input.value);
  const readable = queue.sheets?.readable || new Set();
  if (named.every((one) => readable.has(one))) return true;
  queue.renewSheets();
  leave(word("newPages"), "attention");
  return false;
}

function fill(form) {
  const known = typed.get(form.getAttribute("action"));
  if (!known || body.querySelector(".govuk-error-summary")) return;
  for (const [name, value] of known) {
    const input = form.elements.namedItem(name);
    if (input && input.type !== "hidden" && input.type !== "file") input.value = value;
  }
}

/** Of a list of defects only the rows in use and one more. */
function tidy(form) {
  let spare = false;
  for (const row of form.querySelectorAll(".defect")) {
    const used = [...row.querySelectorAll("select,textarea")].some((input) => input.value);
    row.hidden = !used && spare;
    if (!used) spare = true;
  }
}

/** Write a wording into the form: into the first row that is free, or over what stands there. */
function wordIn(choice) {
  const form = body.querySelector('form[method="post"]');
  const { dataset } = choice;
  const rows = [...form.querySelectorAll(".defect")];
  const row = rows.findIndex((one) => [...one.querySelectorAll("select,textarea")].every((input) => !input.value));
  let target = null;
  for (let n = 1; dataset[`field-${n}`] !== undefined || choice.hasAttribute(`data-field-${n}`); n += 1) {
    const name = choice.getAttribute(`data-field-${n}`).replace(".0.", `.${Math.max(row, 0)}.`);
    const input = form.elements.namedItem(name);
    if (!input) continue;
    input.value = choice.getAttribute(`data-text-${n}`);
    if (input.tagName === "TEXTAREA") target = input;
  }
  tidy(form);
  const start = target ? target.value.indexOf("【") : -1;
  if (start < 0) return form.querySelector("[type=submit]").focus();
  target.focus();
  target.setSelectionRange(start, target.value.indexOf("】") + 1);
}

async function send(form) {
  const button = form.querySelector("[type=submit]");
  if (button.disabled) return;
  button.disabled = true;
  const data = new FormData(form);
  const sent = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
  const topic = queue.topic;
  const who = panes.dataset.name;
  const next = queue.neighbour(topic);
  try {
    const answer = await page(form.action, { method: "POST", body: sent });
    if (answer.status === 422 && show(answer.dom())) return;
    if (!answer.ok || signedOut(answer)) throw new Error(String(answer.status));
    typed.delete(form.getAttribute("action"));
    form.dataset.sent = "1";
    dialog.close();
    queue.say(`${who} · ${said(answer.dom())}`);
    await after(topic, next);
  } catch {
    button.disabled = false;
    queue.say(word("failed"), "error");
    body.querySelector(".send-failed")?.remove();
    const line = Object.assign(document.createElement("p"), { className: "notice send-failed", textContent: word("failed") });
    line.setAttribute("role", "alert");
    body.prepend(line);
  }
}

/** The next case opens by itself; what was decided is said above it. */
async function after(topic, next) {
  queue.ahead.delete(topic);
  if (next) return queue.open(next, { keep: true });
  queue.clear();
  return queue.refresh();
}

if (dialog) {
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.matches(".reasons")) {
      const choice = event.target.querySelector("select").selectedOptions[0];
      if (choice?.value) wordIn(choice);
    } else send(event.target);
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    if (event.target.matches(".reasons select")) event.target.form.requestSubmit();
    else if (event.ctrlKey && event.target.form) event.target.form.requestSubmit();
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("close", () => {
    const form = body.querySelector('form[method="post"]');
    if (form && !form.dataset.sent) typed.set(form.getAttribute("action"), [...new FormData(form)]);
  });
}
