// Four corners over a picture, moved by mouse, finger or arrow keys, with a magnifier while one of them moves.
import { SCALE, WHOLE, isSheet } from "./quad.js";

const STEP = 20;
const LARGE_STEP = 200;
const LENS_PIXELS = 132;
const ZOOM = 2.5;
const SVG = "http://www.w3.org/2000/svg";
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (value) => Math.max(0, Math.min(SCALE, Math.round(value)));

function svgPart(name, parent) {
  const part = document.createElementNS(SVG, name);
  parent.append(part);
  return part;
}

// `box` holds the picture (an image or a canvas). `names` are the four words for the corners.
export function cornerEditor(box, picture, names, changed = () => {}) {
  let corners = WHOLE;
  const svg = svgPart("svg", box);
  svg.setAttribute("viewBox", `0 0 ${SCALE} ${SCALE}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const shade = svgPart("path", svg);
  shade.setAttribute("class", "corners-shade");
  const line = svgPart("path", svg);
  line.setAttribute("class", "corners-line");
  const lens = document.createElement("canvas");
  lens.width = lens.height = LENS_PIXELS;
  lens.className = "corners-lens";
  lens.hidden = true;
  box.append(lens);

  const handles = names.map((name, number) => {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = "corners-handle";
    handle.setAttribute("aria-label", name);
    handle.addEventListener("pointerdown", (event) => drag(event, number));
    handle.addEventListener("keydown", (event) => step(event, number));
    handle.addEventListener("blur", () => (lens.hidden = true));
    box.append(handle);
    return handle;
  });

  function draw() {
    const ring = "M" + corners.map((corner) => corner.join(" ")).join("L") + "Z";
    shade.setAttribute("d", `M0 0H${SCALE}V${SCALE}H0Z${ring}`);
    line.setAttribute("d", ring);
    handles.forEach((handle, number) => {
      handle.style.left = `${corners[number][0] / 100}%`;
      handle.style.top = `${corners[number][1] / 100}%`;
    });
  }

  function look(number) {
    const [x, y] = corners[number];
    const width = picture.naturalWidth || picture.width;
    const height = picture.naturalHeight || picture.height;
    const seen = (LENS_PIXELS / ZOOM) * (width / box.clientWidth);
    const pen = lens.getContext("2d");
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, LENS_PIXELS, LENS_PIXELS);
    pen.drawImage(
      picture,
      (x / SCALE) * width - seen / 2,
      (y / SCALE) * height - seen / 2,
      seen,
      seen,
      0,
      0,
      LENS_PIXELS,
      LENS_PIXELS,
    );
    pen.strokeStyle = "#d4351c";
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(LENS_PIXELS / 2, 0);
    pen.lineTo(LENS_PIXELS / 2, LENS_PIXELS);
    pen.moveTo(0, LENS_PIXELS / 2);
    pen.lineTo(LENS_PIXELS, LENS_PIXELS / 2);
    pen.stroke();
    lens.classList.toggle("corners-lens-right", x < SCALE / 2);
    lens.hidden = false;
  }

  // Where the corner cannot go without the sheet crossing itself, it stays.
  function move(number, x, y) {
    const next = corners.map((corner, at) => (at === number ? [within(x), within(y)] : corner));
    if (isSheet(next)) corners = next;
    draw();
    look(number);
  }

  function drag(down, number) {
    const handle = handles[number];
    const [startX, startY] = corners[number];
    const seen = box.getBoundingClientRect();
    const before = corners;
    handle.setPointerCapture(down.pointerId);
    const go = (event) =>
      move(
        number,
        startX + ((event.clientX - down.clientX) / seen.width) * SCALE,
        startY + ((event.clientY - down.clientY) / seen.height) * SCALE,
      );
    const drop = () => {
      handle.removeEventListener("pointermove", go);
      lens.hidden = true;
      if (corners !== before) changed(corners);
    };
    handle.addEventListener("pointermove", go);
    handle.addEventListener("lostpointercapture", drop, { once: true });
    look(number);
  }

  function step(event, number) {
    const way = KEYS[event.key];
    if (!way) return;
    event.preventDefault();
    const far = event.shiftKey ? LARGE_STEP : STEP;
    const [x, y] = corners[number];
    move(number, x + way[0] * far, y + way[1] * far);
    changed(corners);
  }

  draw();
  return {
    set(next) {
      corners = next;
      draw();
    },
    get: () => corners,
    remove() {
      [svg, lens, ...handles].forEach((part) => part.remove());
    },
  };
}
