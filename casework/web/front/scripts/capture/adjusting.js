// Corners and turn of one photo: on the page of a draft's page, and in a window over a form.
import { cornerEditor } from "./corner_editor.js";
import { WHOLE, cutOf, cutText } from "./quad.js";
import { cornerWords, say, word } from "./words.js";

export function adjustPage(form) {
  const box = form.querySelector("[data-corner-box]");
  const field = form.querySelector("[name=cut]");
  const cut = cutOf(field.value);
  const editor = cornerEditor(box, box.querySelector("img"), cornerWords(), keep);
  function keep(corners) {
    cut.corners = corners;
    field.value = cutText(cut);
  }
  editor.set(cut.corners);
  form.querySelector("[data-whole]").addEventListener("click", (event) => {
    event.preventDefault();
    editor.set(WHOLE);
    keep(WHOLE);
  });
}

export function adjustWindow(dialog, done) {
  const box = dialog.querySelector("[data-corner-box]");
  let shot = null;
  let editor = null;
  let turn = 0;
  dialog.querySelector("[data-whole]").addEventListener("click", () => editor.set(WHOLE));
  dialog.querySelector("[data-rotate]").addEventListener("click", () => {
    turn = (turn + 90) % 360;
    say(word("turned", { n: turn }));
  });
  dialog.querySelector("[data-save]").addEventListener("click", () => {
    done(shot, { corners: editor.get(), turn });
    dialog.close();
  });
  dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  return (wanted) => {
    shot = wanted;
    const cut = shot.cut || { corners: WHOLE, turn: 0 };
    turn = cut.turn;
    box.replaceChildren(shot.canvas);
    editor = cornerEditor(box, shot.canvas, cornerWords());
    editor.set(cut.corners);
    dialog.showModal();
    say(turn ? word("turned", { n: turn }) : "");
  };
}
