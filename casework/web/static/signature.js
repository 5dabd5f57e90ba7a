// A signature on the screen, by finger, pen or mouse, that the form sends as one more file. Without script there is none.
"use strict";
const box = document.getElementById("signature-box");
if (box && window.DataTransfer && window.PointerEvent) {
  const canvas = box.querySelector("canvas");
  const input = box.querySelector("input");
  const pen = canvas.getContext("2d");
  const clear = document.createElement("button");
  const said = document.createElement("span");
  let last = null;
  const blank = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    input.value = "";
    said.textContent = "";
  };
  const at = (event) => {
    const seen = canvas.getBoundingClientRect();
    return [
      ((event.clientX - seen.left) * canvas.width) / seen.width,
      ((event.clientY - seen.top) * canvas.height) / seen.height,
    ];
  };
  const draw = (event) => {
    if (!last) return;
    const to = at(event);
    pen.lineWidth = 6;
    pen.lineCap = "round";
    pen.strokeStyle = "#000";
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...to);
    pen.stroke();
    last = to;
    event.preventDefault();
  };
  const lift = () => {
    if (!last) return;
    last = null;
    canvas.toBlob((picture) => {
      const files = new DataTransfer();
      files.items.add(new File([picture], "signature.png", { type: "image/png" }));
      input.files = files.files;
      said.textContent = " " + box.dataset.full;
    }, "image/png");
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    draw(event);
  });
  canvas.addEventListener("pointermove", draw);
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  clear.type = "button";
  clear.className = "button button-plain";
  clear.textContent = box.dataset.clear;
  clear.addEventListener("click", blank);
  said.setAttribute("role", "status");
  box.append(clear, said);
  blank();
  box.hidden = false;
}
