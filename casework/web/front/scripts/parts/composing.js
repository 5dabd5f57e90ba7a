// A Chinese input method's keystrokes are not input until a word is chosen: nobody hears of them, then once of the word.
let composing = false;

addEventListener("compositionstart", () => (composing = true), true);
addEventListener(
  "compositionend",
  (event) => {
    composing = false;
    event.target.dispatchEvent(new InputEvent("input", { bubbles: true, data: event.data }));
  },
  true,
);
addEventListener(
  "input",
  (event) => {
    if (composing || event.isComposing) event.stopImmediatePropagation();
  },
  true,
);
