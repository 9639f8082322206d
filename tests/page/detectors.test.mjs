// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { load, readProject, ROOT } from "./project.mjs";

const { combine, find, inUnits, RULES } = await load("detectors.mjs");
const vectors = JSON.parse(readProject("tests/vectors/detectors.json"));
const samples = JSON.parse(readProject("intake/samples.json")).samples;
const textOf = (id) => samples.find((sample) => sample.id === id).text;
const MAX_MS = 1000; // a slow phone without a compiler: the whole list over one full text, with much to spare

const marked = (rule, text) => find(text).filter((hit) => hit.rule === rule).map(({ start, end }) => [start, end]);
const words = (text) => inUnits(text, find(text)).map(({ rule, start, end }) => `${rule}: ${text.slice(start, end)}`);

for (const { id } of RULES) {
  const { hit, miss } = vectors.rules[id];
  test(`${id} marks what it is for`, () => {
    for (const [text, spans] of hit) assert.deepEqual(marked(id, text), spans, text);
  });
  test(`${id} leaves near misses alone`, () => {
    for (const text of miss) assert.deepEqual(marked(id, text), [], text);
  });
}

test("samples are flagged for what they hold", () => {
  for (const [id, marks] of Object.entries(vectors.samples.must)) {
    const found = words(textOf(id));
    for (const [rule, said] of marks) assert.ok(found.includes(`${rule}: ${said}`), `${id} ${rule}`);
  }
});

test("samples without a trap show nothing", () => {
  const shown = ({ rule }) => !RULES.find(({ id }) => id === rule).quiet;
  for (const id of vectors.samples.quiet) assert.deepEqual(find(textOf(id)).filter(shown), [], id);
});

test("quasi-identifiers are counted together", () => {
  for (const { text, answers, parts } of vectors.combinations) {
    assert.deepEqual(combine(find(text), answers)?.parts ?? null, parts, text);
  }
});

test("places are code points, and UTF-16 units on request", () => {
  const text = "🙂🙂 A 000-555-012 🙂 G-28";
  assert.deepEqual(find(text), [{ rule: "a_number", start: 3, end: 16 }, { rule: "g28", start: 19, end: 23 }]);
  assert.deepEqual(words(text), ["a_number: A 000-555-012", "g28: G-28"]);
});

test("finding twice finds the same", () => {
  const text = textOf("SR-05");
  assert.deepEqual(find(text), find(text));
});

test("hostile texts of 15,000 characters end in time without JIT", () => {
  const program = `
    const { find } = await import(${JSON.stringify(pathToFileURL(join(ROOT, "portal/page/detectors.mjs")).href)});
    let worst = 0;
    for (const bait of ${JSON.stringify(vectors.hostile)}) {
      const text = bait.repeat(15000).slice(0, 15000);
      const start = performance.now();
      find(text);
      worst = Math.max(worst, performance.now() - start);
    }
    process.stdout.write(String(worst));`;
  const said = execFileSync(process.execPath, ["--jitless", "--input-type=module", "--eval", program],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  assert.ok(Number(said) > 0 && Number(said) < MAX_MS, `${said} ms`);
});
