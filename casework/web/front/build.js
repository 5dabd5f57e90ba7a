// node build.js SOURCES TARGET: each scripts/NAME.js becomes TARGET/NAME.js and each styles/NAME.scss TARGET/NAME.css,
// for the oldest browser that is served; what begins with "_", or lies in a folder, is only a part of others.
import { readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import * as esbuild from "esbuild";
import * as sass from "sass";

const OLDEST = "chrome86"; // 360 and QQ browsers and old Android WebViews stand about there

const [sources, target] = process.argv.slice(2);
const entries = (folder, suffix) =>
  readdirSync(join(sources, folder)).filter((name) => name.endsWith(suffix) && !name.startsWith("_"));

await esbuild.build({
  entryPoints: entries("scripts", ".js").map((name) => join(sources, "scripts", name)),
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: OLDEST,
  legalComments: "inline",
  logLevel: "warning",
});

for (const name of entries("styles", ".scss")) {
  const { css } = sass.compile(join(sources, "styles", name), {
    loadPaths: [join(sources, "..", "node_modules")],
    quietDeps: true,
  });
  const { code } = await esbuild.transform(css, { loader: "css", minify: true, target: OLDEST });
  writeFileSync(join(target, basename(name, ".scss") + ".css"), code);
}
