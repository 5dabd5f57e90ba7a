// Keys, and zooming and turning without a reload. Every step is also a link: without this script the links do it.
"use strict";
const sheet = document.getElementById("sheet");
const frame = sheet.querySelector(".frame");
const zooms = sheet.dataset.zooms.split(" ").map(Number);
let zoom = Number(sheet.dataset.zoom);
let turn = Number(sheet.dataset.turned);

function addressed(link) {
  const address = new URL(link, location.href);
  address.search = "";
  if (zoom !== zooms[0]) address.searchParams.set("zoom", zoom);
  if (turn) address.searchParams.set("turn", turn);
  return address.href;
}

function show() {
  const x = (sheet.scrollLeft + sheet.clientWidth / 2) / sheet.scrollWidth;
  const y = (sheet.scrollTop + sheet.clientHeight / 2) / sheet.scrollHeight;
  frame.className = `frame zoom-${zoom} turn-${turn}` + (zoom > zooms[0] ? " draggable" : "");
  sheet.scrollTo(x * sheet.scrollWidth - sheet.clientWidth / 2, y * sheet.scrollHeight - sheet.clientHeight / 2);
  for (const link of document.querySelectorAll("[data-page]")) link.href = addressed(link.href);
  history.replaceState(null, "", addressed(location.href));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || !frame || event.ctrlKey || event.shiftKey) return;
  const { nearer, whole, turn: by } = link.dataset;
  if (nearer) zoom = zooms[Math.min(Math.max(zooms.indexOf(zoom) + Number(nearer), 0), zooms.length - 1)];
  else if (by) turn = (turn + Number(by) + 360) % 360;
  else if (whole !== undefined) [zoom, turn] = [zooms[0], 0];
  else return;
  event.preventDefault();
  show();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const key = { "=": "+", PageUp: "ArrowLeft", PageDown: "ArrowRight" }[event.key] || event.key;
  const sideways = key.startsWith("Arrow") && event.key === key && zoom > zooms[0];
  const link = document.querySelector(`[data-key="${key.length === 1 ? key.toLowerCase() : key}"]`);
  if (!link || sideways) return; // an enlarged sheet is moved with the arrows, and turned over with Page Up and Down
  event.preventDefault();
  link.click();
});

sheet.addEventListener("pointerdown", (event) => {
  if (event.pointerType !== "mouse" || event.button || event.target.closest("a")) return;
  const from = [event.clientX + sheet.scrollLeft, event.clientY + sheet.scrollTop];
  const move = (step) => sheet.scrollTo(from[0] - step.clientX, from[1] - step.clientY);
  event.preventDefault();
  addEventListener("pointermove", move);
  addEventListener("pointerup", () => removeEventListener("pointermove", move), { once: true });
});

if (frame) show();
sheet.focus();
