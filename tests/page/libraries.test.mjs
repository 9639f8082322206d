// SPDX-License-Identifier: AGPL-3.0-or-later
// The page's libraries, with what it never runs left out: what stays gives the same bytes, and a rule can fail.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { faultOf, load, loadPackage, ROOT } from "./project.mjs";

const { build } = await loadPackage("esbuild/lib/main.js");
const { withoutUnused } = await load("libraries.mjs");
const LETTER = new Uint8Array(16_384).fill(7);
// Of english.txt as BIP39 publishes it: a word on each line.
const ENGLISH = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda";
const SECRET = new Uint8Array(16).fill(9);
const ENTRY = ["selftest", "envelope", "receipt"].map((name) => `export * from "./portal/page/${name}.mjs";`).join("");

/** A script as the page's is made, as a module. */
async function made(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT }, bundle: true, write: false, format: "esm", minifySyntax: true, logLevel: "silent",
    plugins: [withoutUnused()],
  });
  return import("data:text/javascript;base64," + Buffer.from(outputFiles[0].contents).toString("base64"));
}

const page = await made(ENTRY + 'export { wordlist } from "@scure/bip39/wordlists/english.js";');
const [whole, receipt] = [await load("envelope.mjs"), await load("receipt.mjs")];

test("the self-test passes", async () => {
  await page.selfTest();
});

test("the word list unfolds to that of BIP39", () => {
  const text = page.wordlist.map((word) => word + "\n").join("");
  assert.equal(createHash("sha256").update(text).digest("hex"), ENGLISH);
});

test("a receipt gives the same keys", async () => {
  assert.deepEqual(page.receiptWords(SECRET), receipt.receiptWords(SECRET));
  assert.deepEqual(page.readReceipt(page.receiptWords(SECRET).join(" ")), SECRET);
  assert.deepEqual(await page.returnOf(SECRET), await receipt.returnOf(SECRET));
});

test("what one seals the other opens", async () => {
  const { recipient } = await receipt.returnOf(SECRET);
  const identity = receipt.replyIdentity(SECRET);
  assert.deepEqual(await whole.open(await page.seal(LETTER, [recipient]), identity, 1), LETTER);
  assert.deepEqual(await page.open(await whole.seal(LETTER, [recipient]), identity, 1), LETTER);
});

test("what is refused is refused for the same fault", async () => {
  const { recipient } = await receipt.returnOf(SECRET);
  const envelope = await whole.seal(LETTER, [recipient]);
  const altered = envelope.map((byte, i) => byte ^ Number(i === envelope.length - 1));
  const identity = receipt.replyIdentity(SECRET);
  for (const { open, replyIdentity, readReceipt } of [page, { ...whole, ...receipt }]) {
    assert.equal(await faultOf(() => open(altered, identity, 1)), "payload");
    assert.equal(await faultOf(() => open(envelope, replyIdentity(new Uint8Array(16)), 1)), "no-match");
    assert.equal(await faultOf(() => readReceipt("abandon ".repeat(13))), "receipt");
  }
});

test("a library without what a rule names stops the build", async () => {
  await assert.rejects(made('export { sha256 } from "@noble/hashes/sha2.js";'), /edwards\.js has no/);
});
