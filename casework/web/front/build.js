// node build.js SOURCES TARGET: each scripts/NAME.js becomes TARGET/NAME.js and each styles/NAME.scss TARGET/NAME.css,
// for the oldest browser that is served; what begins with "_", or lies in a folder, is only a part of others.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import * as sass from "sass";

const OLDEST = "chrome86"; // 360 and QQ browsers and old Android WebViews stand about there

// Variants of govuk-frontend's parts that no page has; a tenth of the bytes of every page's styles.
const NOT_USED = /--small|--inverse|--start|__start-icon|input__(?:prefix|suffix|wrapper)|extra-letter-spacing/;
const withoutUnused = (css) =>
  css.replace(/([^{}]+)\{[^{}]*\}/g, (rule, selectors) => {
    const kept = selectors.split(/,(?![^(]*\))/).filter((selector) => !NOT_USED.test(selector));
    return kept.length ? kept.join(",") + rule.slice(selectors.length) : "";
  });

const [sources, target] = process.argv.slice(2);
const entries = (folder, suffix) =>
  readdirSync(join(sources, folder)).filter((name) => name.endsWith(suffix) && !name.startsWith("_"));

const taken = new Set(); // files of libraries that went into what is built

const { metafile } = await esbuild.build({
  entryPoints: entries("scripts", ".js").map((name) => join(sources, "scripts", name)),
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: OLDEST,
  legalComments: "inline",
  metafile: true,
  logLevel: "warning",
});
for (const path of Object.keys(metafile.inputs)) taken.add(path);

for (const name of entries("styles", ".scss")) {
  const { css, loadedUrls } = sass.compile(join(sources, "styles", name), {
    loadPaths: [join(sources, "..", "node_modules")],
    quietDeps: true,
  });
  for (const url of loadedUrls) if (url.protocol === "file:") taken.add(fileURLToPath(url));
  const { code } = await esbuild.transform(withoutUnused(css), { loader: "css", minify: true, target: OLDEST });
  writeFileSync(join(target, basename(name, ".scss") + ".css"), code);
}

// Their licences ask that the notices travel along. What a package leaves out of itself lies in notices/.
const libraries = new Set([...taken].flatMap((path) => path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []));
const notices = [...libraries].sort().map((name) => {
  const folder = join(sources, "..", "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf-8"));
  const [file] = readdirSync(folder).filter((entry) => /^licen[cs]e/i.test(entry));
  const path = file ? join(folder, file) : join(sources, "notices", `${name}.txt`);
  return `${name} ${version} (${license})\n\n${readFileSync(path, "utf-8").trim()}\n`;
});
writeFileSync(join(target, "LICENSES.txt"), notices.join("\n" + "-".repeat(72) + "\n\n"));
