// News by server-sent events; without them by asking now and then. The list also moves because time passes.
import { word } from "./words.js";

const POLL_MILLIS = 20_000;
const SELDOM_MILLIS = 300_000;
const APART_MILLIS = 2_000;

export function listen(queue) {
  const mark = queue.desk.querySelector(".live-mark");
  let live = false;
  let last = 0;
  let timer = 0;
  let wanted = false;

  const show = (name) => {
    mark.textContent = word(name);
    mark.dataset.now = name;
  };

  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, live ? SELDOM_MILLIS : POLL_MILLIS);
  };

  async function refresh() {
    clearTimeout(timer);
    wanted = false;
    if (!document.hidden) {
      last = Date.now();
      const came = await queue.refresh();
      show(came ? (live ? "live" : "polling") : "unreachable");
    }
    again();
  }

  function soon() {
    if (wanted) return;
    wanted = true;
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(0, last + APART_MILLIS - Date.now()) + Math.random() * 500);
  }

  document.addEventListener("visibilitychange", () => document.hidden || soon());
  show("polling");
  again();
  if (!queue.desk.dataset.events || !window.EventSource) return;
  const source = new EventSource(queue.desk.dataset.events);
  source.addEventListener("ready", () => {
    const back = !live && last;
    live = true;
    show("live");
    again();
    if (back) soon(); // something may have happened while nobody listened
  });
  source.addEventListener("changed", soon);
  source.addEventListener("error", () => {
    live = false;
    again();
  });
  addEventListener("pagehide", () => source.close());
}
