// A draft: every page goes to the node as soon as it is taken, and is shown once the node has answered with it.
import { cutText } from "./quad.js";
import { Broken, posted, queue } from "./sending.js";
import { say, word } from "./words.js";

const PARTS = ["[data-held]", "[data-see]"];

export function draftDesk(form, { counted }) {
  const line = queue((left) => counted(left));
  const token = form.querySelector("input[type=hidden]");

  const row = (index) => form.querySelector(`[data-material="${index}"]`);
  const last = (index) => {
    const pages = row(index).querySelectorAll("[data-held] [data-page]");
    return pages[pages.length - 1];
  };

  // The node's own rows take the place of ours; what is typed or ticked but not sent stays where nothing changed.
  function show(page) {
    for (const mine of form.querySelectorAll("[data-material]")) {
      const theirs = page.querySelector(`[data-material="${mine.dataset.material}"]`);
      if (!theirs) continue;
      const changed = theirs.querySelector("[data-held]").outerHTML !== mine.querySelector("[data-held]").outerHTML;
      if (changed) PARTS.forEach((part) => replace(mine, theirs, part));
    }
    const summary = page.querySelector("[data-summary]");
    if (summary) document.querySelector("[data-summary]").replaceWith(summary);
    form.dispatchEvent(new CustomEvent("capture:shown"));
  }

  function replace(mine, theirs, part) {
    const [old, next] = [mine.querySelector(part), theirs.querySelector(part)];
    if (old && next) old.replaceWith(next);
  }

  function data(fields) {
    const body = new FormData();
    body.append(token.name, token.value);
    body.append("go", "stay");
    fields.forEach(([name, value]) => body.append(name, value));
    return body;
  }

  function item(index, name) {
    const entry = document.createElement("li");
    const bar = document.createElement("progress");
    const text = document.createElement("span");
    text.textContent = word("waiting", { name });
    entry.append(text, bar);
    row(index).querySelector("[data-sending]").append(entry);
    return {
      progress(loaded, total) {
        bar.max = total;
        bar.value = loaded;
        text.textContent = word(loaded < total ? "sending" : "opening", { name });
      },
      again: (number) => (text.textContent = word("again", { name, n: number })),
      failed(why, retry) {
        bar.remove();
        entry.className = "failed";
        text.textContent = why;
        text.setAttribute("role", "alert");
        const button = document.createElement("button");
        button.type = "button";
        button.className = "button button-plain";
        button.textContent = word("retry");
        button.addEventListener("click", () => (entry.remove(), retry()));
        const drop = button.cloneNode();
        drop.textContent = word("drop");
        drop.addEventListener("click", () => entry.remove());
        entry.append(button, drop);
      },
      done: () => entry.remove(),
    };
  }

  // shot: { index, name, file, cut or null, told(text, stored): what became of it, at: the page it became }
  function add(shot) {
    const shown = item(shot.index, shot.name);
    const again = () => add(shot);
    const job = async () => {
      try {
        const fields = [[`materials.${shot.index}.file`, shot.file]];
        if (shot.cut) fields.push([`materials.${shot.index}.cut`, cutText(shot.cut)]);
        show(await posted(form.action, data(fields), shown));
        shot.at = last(shot.index).dataset.page;
        shot.stored = true;
        shown.done();
        const pages = row(shot.index).querySelectorAll("[data-page]").length;
        (shot.told || say)(word("stored", { material: row(shot.index).dataset.name, n: pages }));
      } catch (error) {
        const why = error instanceof Broken ? word("broken", { name: shot.name }) : error.message;
        shown.failed(why, again);
        if (shot.told) shot.told(why);
        if (error.whole || error instanceof Broken) line.drop().forEach((job) => job.held && job.held());
      }
    };
    // What stands behind a page that could not be sent at all waits for a word from the clerk, not for the same failure.
    job.held = () => shown.failed(word("held-back", { name: shot.name }), again);
    line.add(job);
  }

  async function change(address, fields) {
    const tell = { progress() {}, again: (number) => say(word("again", { name: "", n: number })) };
    try {
      show(await posted(address, data(fields), tell));
      return true;
    } catch (error) {
      say(error instanceof Broken ? word("broken", { name: "" }) : error.message);
      return false;
    }
  }

  const pages = (index) => [...row(index).querySelectorAll("[data-held] [data-page]")].map((one) => one.dataset.page);

  return {
    add,
    recut(shot, cut) {
      shot.cut = cut;
      line.add(async () => {
        if (!shot.stored) return;
        const place = pages(shot.index).indexOf(shot.at);
        const address = form.action.replace(/materials$/, `page/${shot.at}`);
        if (place < 0 || !(await change(address, [["cut", cutText(cut)]]))) return;
        shot.at = pages(shot.index)[place];
        (shot.told || say)(word("recut"));
      });
    },
    remove(shot) {
      line.add(async () => shot.stored && (await change(form.action, [["remove", shot.at]])));
    },
    press: (button) => line.add(() => change(form.action, [[button.name, button.value]])),
    done: line.done,
    get busy() {
      return line.busy;
    },
  };
}
