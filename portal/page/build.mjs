// SPDX-License-Identifier: AGPL-3.0-or-later
// Makes intake/built: one script, one style, one icon, named by their digests, with .br forms beside them,
// and officer.mjs for demo and tests. The same sources give the same bytes in any folder, on any day.
// Usage: node portal/page/build.mjs [folder] [--questionnaire ID], then python portal/page/render.py [folder]
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants } from "node:zlib";
import { build, transform } from "esbuild";
import { minify } from "terser";
import { withoutUnused } from "./libraries.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HERE, "../..");
// The oldest engines with module scripts, TransformStream, Array.prototype.at and Object.hasOwn.
const TARGET = ["firefox115", "chrome109", "safari15.4"];

const OURS = /^(underseal\.[0-9a-f]{12}\.(js|css|svg)(\.br)?|officer\.mjs|built\.json|page\.html|kit\.html)$/;

/** @param {string} entry @param {import("esbuild").BuildOptions} options */
async function bundle(entry, options) {
  const { outputFiles = [], metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`portal/page/${entry}`],
    bundle: true,
    write: false,
    metafile: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    ...options,
  });
  return { bytes: outputFiles[0].contents, inputs: Object.keys(metafile?.inputs ?? {}).sort() };
}

/** @param {string} folder @param {string} type @param {Uint8Array} bytes @returns {string} the file's name */
function writeAsset(folder, type, bytes) {
  const name = `underseal.${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}.${type}`;
  writeFileSync(join(folder, name), bytes);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(join(folder, name + ".br"), brotliCompressSync(bytes, { params }));
  return name;
}

/** A script in fewer words, for engines that know ECMAScript 2020; nothing that terser calls unsafe. @param {string} code */
async function shortened(code) {
  const words = { module: true, toplevel: true, ecma: /** @type {const} */ (2020) };
  const { code: short } = await minify(code, { ...words, compress: { ...words, passes: 3 }, format: { comments: false } });
  if (!short) throw new Error("terser gave nothing");
  return short;
}

// The sentence of a fault, for readers of the source and for officer.mjs: the page tells faults by their word.
const SENTENCES = /(new (?:Fault|Malformed|NotForUs|Broken|Untrusted)\([^,()]+), (?:"[^"]*"|`[^`]*`)\)/g;

/** Leaves out of the page what is written for those who change it. @type {import("esbuild").Plugin} */
const withoutNotes = {
  name: "without-notes",
  setup(steps) {
    steps.onLoad({ filter: /intake\/detectors\.json$/ }, ({ path }) => {
      const { note, version, ...list } = JSON.parse(readFileSync(path, "utf8"));
      return { contents: JSON.stringify(list), loader: "json" };
    });
    steps.onLoad({ filter: /\/portal\/page\/\w+\.mjs$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(SENTENCES, "$1)"),
    }));
  },
};

/** @param {string} folder @param {string} questionnaire the one that the page asks: its id */
export async function buildPage(folder, questionnaire) {
  readFileSync(join(ROOT, "intake/questionnaires", `${questionnaire}.json`)); // a mistyped name stops here
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder).filter((name) => OURS.test(name))) rmSync(join(folder, name));
  const script = await bundle("main.mjs", {
    format: "esm", minifySyntax: true, target: TARGET, plugins: [withoutUnused(), withoutNotes],
  });
  // What only a dropped line had used goes in the second run: the first has counted it already.
  const { code } = await transform(Buffer.from(script.bytes).toString("utf8"), {
    format: "esm", minify: true, treeShaking: true, target: TARGET, charset: "utf8", legalComments: "none",
  });
  const style = await bundle("style.css", { minify: true, target: TARGET });
  const officer = await bundle("officer.mjs", { format: "esm", platform: "node", minify: true, target: "node20" });
  writeFileSync(join(folder, "officer.mjs"), officer.bytes);
  const names = {
    script: writeAsset(folder, "js", Buffer.from(await shortened(code))),
    style: writeAsset(folder, "css", style.bytes),
    icon: writeAsset(folder, "svg", readFileSync(join(HERE, "icon.svg"))),
  };
  writeFileSync(join(folder, "built.json"), JSON.stringify({ ...names, questionnaire }, null, 1) + "\n");
  return { ...names, inputs: script.inputs };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true, options: { questionnaire: { type: "string", default: "asylum-officer" } },
  });
  const folder = resolve(positionals[0] ?? join(ROOT, "intake/built"));
  const { script, style, icon } = await buildPage(folder, values.questionnaire ?? "");
  process.stdout.write(`${script}\n${style}\n${icon}\n`);
}
