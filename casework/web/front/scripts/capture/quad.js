// Corners and turn of a page, as the node checks them: ten-thousandths of the picture, clockwise from the top left.
export const SCALE = 10000;
const LEAST_SIDE = 300;
const LEAST_AREA = (2 * SCALE * SCALE) / 100;

export const WHOLE = [
  [0, 0],
  [SCALE, 0],
  [SCALE, SCALE],
  [0, SCALE],
];

const bend = (a, b, c) => (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]);

export function isSheet(corners) {
  const at = (n) => corners[n % 4];
  const sides = [0, 1, 2, 3].map((n) => Math.hypot(at(n + 1)[0] - at(n)[0], at(n + 1)[1] - at(n)[1]));
  const bent = [0, 1, 2, 3].every((n) => bend(at(n), at(n + 1), at(n + 2)) > 0);
  const area = bend(at(0), at(1), at(2)) + bend(at(0), at(2), at(3));
  return bent && Math.min(...sides) >= LEAST_SIDE && area >= 2 * LEAST_AREA;
}

export const cutText = ({ corners, turn }) => `${corners.flat().join(",")};${turn}`;

export function cutOf(text) {
  const [numbers, turn] = text.split(";");
  const flat = numbers.split(",").map(Number);
  return { corners: [0, 2, 4, 6].map((n) => [flat[n], flat[n + 1]]), turn: Number(turn || 0) };
}

export const isWhole = ({ corners, turn }) => turn === 0 && corners.flat().join() === WHOLE.flat().join();
