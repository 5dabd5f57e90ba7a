// Fetches the detector of corners when it is first wanted. Without it, or when it is slow, the whole photo is the page.
import { WHOLE, isSheet } from "./quad.js";

const PATIENCE_MS = 2500;
let loading = null;

function load(address) {
  loading ||= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => done(globalThis.lianbanCorners);
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}

export const prepare = (address) => load(address).then((found) => found.warm()).catch(() => null);

export async function suggested(picture, address) {
  const late = new Promise((done) => setTimeout(done, PATIENCE_MS, null));
  const corners = await Promise.race([load(address).then((found) => found.suggest(picture)), late]).catch(() => null);
  return corners && isSheet(corners) ? corners : WHOLE;
}
