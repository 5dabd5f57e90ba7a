// A form without a draft (a supplement): pages wait in the browser, with their corners, until the form is sent whole.
import { small } from "./pictures.js";
import { cutOf, cutText } from "./quad.js";
import { say, word } from "./words.js";

const SEEN_PIXELS = 1200; // enough to set corners by; sixty photos at full size would fill the memory of a weak PC

export function formDesk(form, { adjust }) {
  const held = new Map();
  const row = (index) => form.querySelector(`[data-material="${index}"]`);
  const all = (index) => held.get(index) || [];

  function fill(index) {
    const files = new DataTransfer();
    all(index).forEach((shot) => files.items.add(shot.file));
    row(index).querySelector("input[type=file]:not([capture])").files = files.files;
    const list = row(index).querySelector("[data-sending]");
    list.replaceChildren(...all(index).map((shot) => entry(index, shot)));
  }

  function entry(index, shot) {
    const line = document.createElement("li");
    const cut = document.createElement("input");
    cut.type = "hidden";
    cut.name = `materials.${index}.cut`;
    cut.value = shot.cut ? cutText(shot.cut) : "";
    const name = document.createElement("span");
    name.textContent = word("held", { name: shot.name });
    line.append(cut, thumb(shot), name);
    if (shot.canvas) line.append(act("adjust", () => adjust(shot)));
    line.append(act("drop", () => remove(shot)));
    return line;
  }

  function thumb(shot) {
    if (!shot.canvas) return "";
    const picture = small(shot.canvas, 120);
    picture.setAttribute("aria-hidden", "true");
    return picture;
  }

  function act(name, run) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-plain";
    button.textContent = word(name);
    button.addEventListener("click", run);
    return button;
  }

  function remove(shot) {
    held.set(shot.index, all(shot.index).filter((one) => one !== shot));
    fill(shot.index);
  }

  // Sent here, so that a page which is refused costs nobody the others.
  async function send(button) {
    button.disabled = true;
    say(word("sending-form"));
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
      if (answer.type === "opaqueredirect") return location.assign(form.dataset.after);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      refused(page);
    } catch {
      say(word("broken", { name: "" }));
    }
    button.disabled = false;
  }

  function refused(page) {
    const alert = page.querySelector(".error-summary, .govuk-error-summary") || page.querySelector("main .card");
    document.querySelectorAll("main .error-summary, main .govuk-error-summary").forEach((old) => old.remove());
    form.before(alert);
    alert.tabIndex = -1;
    alert.focus();
    say("");
  }

  form.addEventListener("submit", (event) => {
    if (![...held.values()].some((shots) => shots.length)) return;
    event.preventDefault();
    send(event.submitter || form.querySelector("button[type=submit]"));
  });

  return {
    add(shot) {
      if (shot.canvas) shot.canvas = small(shot.canvas, SEEN_PIXELS);
      held.set(shot.index, [...all(shot.index), shot]);
      fill(shot.index);
      shot.stored = true;
      (shot.told || say)(word("held", { name: shot.name }));
    },
    recut(shot, cut) {
      shot.cut = cutOf(cutText(cut));
      fill(shot.index);
      (shot.told || say)(word("held", { name: shot.name }));
    },
    remove,
    press() {},
    done: () => Promise.resolve(),
    busy: false,
  };
}
