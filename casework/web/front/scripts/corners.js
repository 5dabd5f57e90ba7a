// Where a sheet lies on a photo: a suggestion only. Fetched when the first photo is taken; two functions, so that another
// detector can stand in its place. Under our policy without WebAssembly it computes in plain JavaScript, a little slower.
import { Scanner } from "scanic";
import { small } from "./capture/pictures.js";

const LEAST_CONFIDENCE = 0.5; // a sheet found on a dark mat has 0.9, one guessed on a white desk 0.1
const EDGE_PIXELS = 1000;

// Four [x, y] in ten-thousandths of the picture, from the top left clockwise, or null.
async function suggest(picture) {
  const canvas = small(picture, EDGE_PIXELS);
  const found = await new Scanner().scan(canvas, { mode: "detect" });
  if (!found.success || !found.corners || !(found.confidence >= LEAST_CONFIDENCE)) return null;
  const { topLeft, topRight, bottomRight, bottomLeft } = found.corners;
  const of = (value, whole) => Math.max(0, Math.min(10000, Math.round((value / whole) * 10000)));
  return [topLeft, topRight, bottomRight, bottomLeft].map(({ x, y }) => [of(x, canvas.width), of(y, canvas.height)]);
}

// Compiles what the first suggestion needs, on a picture with nothing on it.
const warm = () => suggest(Object.assign(document.createElement("canvas"), { width: 64, height: 64 })).catch(() => null);

globalThis.lianbanCorners = { suggest, warm };
