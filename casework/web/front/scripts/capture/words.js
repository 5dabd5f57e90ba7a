// The sentences that the page brings with it for what happens here, in its language: <template id="capture-words">.
export function word(name, values = {}) {
  const found = document.getElementById("capture-words").content.querySelector(`[data-word="${name}"]`);
  return found.textContent.trim().replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
}

export function say(text) {
  const said = document.querySelector("dialog[open] [data-said]") || document.querySelector("main [data-said]");
  if (said) said.textContent = text;
}

export const cornerWords = () => ["top-left", "top-right", "bottom-right", "bottom-left"].map((name) => word(name));
