// Single keys, and the switch that turns them off (WCAG 2.1.4). Never while somebody types or composes.
import { tinykeys } from "tinykeys";

const STORED = "lianban.keys";
const TYPING = "input:not([type=checkbox]):not([type=radio]),select,textarea,[contenteditable]";

const help = document.getElementById("key-dialog");
const box = document.getElementById("keys-on");

function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function store(on) {
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // then it holds for this page
  }
}

export function bindKeys(map) {
  const mark = () => document.documentElement.classList.toggle("keys-off", !box.checked);
  box.checked = stored() !== "off";
  mark();
  box.addEventListener("change", () => {
    store(box.checked);
    mark();
  });
  const ignore = (event) =>
    !box.checked ||
    event.repeat ||
    event.isComposing ||
    event.keyCode === 229 ||
    event.defaultPrevented ||
    Boolean(document.querySelector("dialog[open]")) ||
    event.target.closest?.(TYPING) !== null;
  const press = (handler) => (event) => {
    event.preventDefault();
    handler();
  };
  const every = { ...map, "[Shift]+?": () => open(help) };
  tinykeys(window, Object.fromEntries(Object.entries(every).map(([key, run]) => [key, press(run)])), { ignore });
  for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", () => open(help));
  for (const dialog of document.querySelectorAll("dialog"))
    dialog.addEventListener("click", (event) => event.target.closest("[data-close]") && dialog.close());
}

/** Open a window over the page; the focus comes back to where it was when the window closes. */
export function open(dialog) {
  if (dialog.open) return;
  const before = document.activeElement;
  dialog.addEventListener("close", () => document.body.contains(before) && before.focus(), { once: true });
  dialog.showModal();
}
