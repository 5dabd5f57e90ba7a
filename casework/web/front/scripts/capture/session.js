// The camera's window: one key per page, through the materials one after the other; the page just taken lies beside the
// live picture with its corners, which can be moved until the next one is taken, and after.
import { camera } from "./camera.js";
import { cornerEditor } from "./corner_editor.js";
import { ofVideo, toFile } from "./pictures.js";
import { WHOLE } from "./quad.js";
import { suggested } from "./suggesting.js";
import { cornerWords, say, word } from "./words.js";

export function session(dialog, form, desk, { detector, pending }) {
  const part = (name) => dialog.querySelector(`[data-camera-${name}]`);
  const [video, material, pane, shutter, onward] = ["video", "material", "pane", "stay", "next"].map(part);
  const eye = camera(video, part("choice"));
  const rows = () => [...form.querySelectorAll("[data-material]")];
  let last = null;
  let editor = null;
  const shot = new Set(); // rows that got a page in this session: the node's word on it may still be on its way
  let taken = 0;
  let working = Promise.resolve();
  let opener = null;
  let unsent = null; // the shot whose corners are still being moved

  const lacks = (row) => {
    if (shot.has(row)) return false;
    const held = row.querySelector("[data-held]");
    return held ? held.dataset.lacks !== "" : !row.querySelector("[data-sending] li");
  };

  function materials(now) {
    material.replaceChildren(
      ...rows().map((row) => new Option(row.dataset.name, row.dataset.material, false, row.dataset.material === now)),
    );
  }

  async function open(index, button) {
    opener = button;
    shot.clear();
    materials(index ?? (rows().find(lacks) || rows()[0]).dataset.material);
    dialog.showModal();
    empty();
    say(word("starting"));
    try {
      await eye.open();
      say(word("ready", { material: chosen().dataset.name }));
      shutter.focus();
    } catch (error) {
      say(word(error.name === "NotAllowedError" ? "not-allowed" : "no-camera"));
    }
  }

  const chosen = () => rows().find((row) => row.dataset.material === material.value);

  function empty() {
    last = null;
    if (editor) editor.remove();
    editor = null;
    pane.replaceChildren();
    part("last").hidden = true;
  }

  // The picture is taken with the key; corners and storing follow in their own time, so that no key is ever lost.
  function shoot(next) {
    if (!eye.live) return;
    if (unsent) send(unsent);
    const row = chosen();
    const canvas = ofVideo(video, eye.turn);
    taken += 1;
    const one = { index: row.dataset.material, canvas, name: word("shot", { material: row.dataset.name, n: taken }) };
    one.told = (text) => tell(one, text);
    last = one;
    shot.add(row);
    dialog.classList.add("flash");
    setTimeout(() => dialog.classList.remove("flash"), 150);
    show(one);
    pending.count += 1;
    working = working
      .then(() => finish(one))
      .catch(() => say(word("lost", { name: one.name })))
      .then(() => (pending.count -= 1));
    if (next) goOn(row);
  }

  async function finish(one) {
    if (one.gone) return;
    const corners = await suggested(one.canvas, detector);
    one.cut ||= { corners, turn: 0 }; // moved meanwhile by hand: that holds
    if (one === last) editor.set(one.cut.corners);
    one.file = await toFile(one.canvas, `${one.name}.jpg`);
    if (!one.gone) desk.add(one);
  }

  function show(one) {
    pane.replaceChildren(one.canvas);
    part("last").hidden = false;
    editor = cornerEditor(pane, one.canvas, cornerWords(), (moved) => recut(moved, turnOf(one)));
    part("name").textContent = one.name;
    part("state").textContent = word("saving");
  }

  // Of the page beside the live picture what became of it stands beside it; a failure is said in any case.
  function tell(one, text) {
    if (one === last) part("state").textContent = text;
    if (!one.stored) say(text);
  }

  const turnOf = (one) => (one.cut ? one.cut.turn : 0);

  function send(one) {
    if (unsent !== one) return;
    unsent = null;
    clearTimeout(one.timer);
    if (!one.gone) desk.recut(one, one.cut);
  }

  function recut(corners, turn) {
    clearTimeout(last.timer);
    const one = last;
    one.cut = { corners, turn };
    part("state").textContent = word("saving");
    one.timer = setTimeout(() => send(one), 400);
    unsent = one;
  }

  // The next material that still lacks something; after the last one the way out is one more Enter.
  function goOn(row) {
    const after = rows().slice(rows().indexOf(row) + 1);
    const next = after.find(lacks) || rows().find((one) => one !== row && lacks(one));
    if (next) {
      material.value = next.dataset.material;
      say(word("onward", { material: next.dataset.name }));
    } else {
      say(word("complete"));
      part("close").focus();
    }
  }

  async function close() {
    eye.close();
    dialog.close();
  }

  dialog.addEventListener("close", () => {
    if (unsent) send(unsent);
    eye.close();
    if (opener) opener.focus();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.target !== shutter && event.target !== onward) return;
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) shoot(event.key === "Enter");
  });
  shutter.addEventListener("click", () => shoot(false));
  onward.addEventListener("click", () => (shoot(true), shutter.focus()));
  part("close").addEventListener("click", close);
  part("turn").addEventListener("click", () => eye.rotate());
  part("whole").addEventListener("click", () => {
    if (!last) return;
    editor.set(WHOLE);
    recut(WHOLE, turnOf(last));
  });
  part("rotate").addEventListener("click", () => {
    if (!last) return;
    recut(editor.get(), (turnOf(last) + 90) % 360);
    say(word("turned", { n: last.cut.turn }));
  });
  part("again").addEventListener("click", () => {
    if (!last) return;
    clearTimeout(last.timer);
    last.gone = true;
    desk.remove(last);
    shot.delete(rows().find((row) => row.dataset.material === last.index));
    material.value = last.index;
    empty();
    say(word("again-shot"));
    shutter.focus();
  });
  material.addEventListener("change", () => shutter.focus());
  return { open };
}
