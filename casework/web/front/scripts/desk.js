// A queue of cases beside the one that is open: approver's desk, and a township's first review. What it adds to links
// and forms: keys, windows for acts, pages beside the form, news as they come. Addresses stand on #desk.
import { decide } from "./parts/desk/dialog.js";
import { bindKeys } from "./parts/desk/keys.js";
import { listen } from "./parts/desk/live.js";
import { Queue } from "./parts/desk/queue.js";

const desk = document.getElementById("desk");
if (desk) start();

function start() {
  const queue = new Queue(desk);
  const act = (key) => {
    const link = queue.panes?.querySelector(`[data-act="${key}"]`);
    if (link) decide(link, queue);
  };
  const look = (tool) => queue.sheets?.use(tool);
  bindKeys({
    j: () => queue.select(1),
    k: () => queue.select(-1),
    a: () => act("A"),
    s: () => act("S"),
    x: () => act("X"),
    r: () => look("turn"),
    c: () => look("compare"),
    0: () => look("fit"),
    "[Shift]++": () => look("nearer"),
    "[Shift]+=": () => look("nearer"),
    "-": () => look("further"),
    ArrowLeft: () => look("older"),
    ArrowRight: () => look("newer"),
  });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const row = event.target.closest(".queue-row");
    const link = event.target.closest("[data-act]");
    const wanted = row && desk.contains(row) ? () => queue.open(row.dataset.topic) : link && (() => decide(link, queue));
    if (!wanted || (link && link.dataset.plain !== undefined)) return;
    event.preventDefault();
    wanted();
  });
  listen(queue);
}
