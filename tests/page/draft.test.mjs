// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { faultOf, load, loadPackage, report, ROOT } from "./project.mjs";

const { lockDraft, newDraftCode, openDraft } = await load("draft.mjs");
const { codeWords, hybridIdentity, readCode } = await load("codewords.mjs");
const { seal } = await load("envelope.mjs");
const { newReceipt, readReceipt, receiptWords } = await load("receipt.mjs");
const { identityToRecipient } = await loadPackage("age-encryption/dist/index.js");

const KIND = { check: "draft-check", fault: "draft-code", sentence: "wrong" };
const KNOWN = "abandon math mimic master filter design carbon crystal rookie group knife young inmate";
const MAX_MS = 2000; // one to lock and one to open, without a compiler
const { answers, consent, lang } = report();
const draft = { questionnaire: { id: "asylum-officer", version: "1" }, lang, text: "Half a thought.", answers, consent };
const code = newDraftCode();
const words = code.join(" ");
const file = await lockDraft(draft, code);

const opened = (bytes, typed = words) => faultOf(() => openDraft(bytes, typed));
const flipped = (at, bit = 1) => Uint8Array.from(file, (byte, i) => (i === at ? byte ^ bit : byte));
const fields = { v: 1, kind: "draft", questionnaire: draft.questionnaire, lang, answers, text: draft.text, consent };

/** The fault of opening a file of our own code that holds this text. */
async function holding(text, bytes = 16384) {
  const plaintext = new Uint8Array(bytes).fill(0x20);
  plaintext.set(typeof text === "string" ? new TextEncoder().encode(text) : text);
  return opened(await seal(plaintext, [await identityToRecipient(hybridIdentity(readCode(words, KIND), "draft-identity"))]));
}

const TEXTS = {
  empty: "", full: "a".repeat(12000), emoji: "👩🏽‍⚖️🙂".repeat(400), combining: "e\u0301\u0323".repeat(2000),
  right_to_left: "שלום עולם \u202e".repeat(300), quotes: "\"\\\n\t".repeat(1500), controls: "\0\u0001\u001b[2J".repeat(200),
};

for (const [name, text] of Object.entries(TEXTS)) {
  test(`a draft of ${name} text comes back whole from 18,043 bytes`, async () => {
    const locked = await lockDraft({ ...draft, text }, code);
    assert.equal(locked.length, 18043);
    assert.deepEqual(await openDraft(locked, words), { ...draft, text });
  });
}

test("half-filled drafts come back", async () => {
  const few = { ...draft, text: "", answers: {}, consent: {} };
  assert.deepEqual(await openDraft(await lockDraft(few, code), words), few);
});

test("nothing of the words stands in the file", () => {
  const text = Buffer.from(file).toString("latin1");
  assert.ok(!text.includes("thought") && !code.some((word) => word.length > 4 && text.includes(word)));
});

test("typing habits are forgiven", async () => {
  const typed = code.map((word) => word.slice(0, 4).toUpperCase()).join("\n ");
  assert.deepEqual(await openDraft(file, `  ${typed} `), draft);
});

test("a mistyped word is told from another code", async () => {
  const known = KNOWN.split(" ");
  const typed = [known.slice(0, 12).join(" "), KNOWN + " zoo", KNOWN.replace("group", "zzz"), KNOWN.replace("inmate", "zoo"),
    KNOWN.replace("math mimic", "mimic math"), ""];
  for (const wrong of typed) assert.equal(await opened(file, wrong), "draft-code", wrong);
  assert.equal(await opened(file, KNOWN), "no-match");
  assert.equal(await opened(file, newDraftCode().join(" ")), "no-match");
});

test("a receipt is no draft code and a draft code no receipt", async () => {
  for (let i = 0; i < 40; i++) {
    assert.equal(await faultOf(() => readReceipt(newDraftCode().join(" "))), "receipt");
    assert.equal(await opened(file, receiptWords(newReceipt()).join(" ")), "draft-receipt");
  }
});

test("words that both kinds could read count as a receipt's", async () => {
  const both = "abandon ".repeat(10) + "advice inner enforce";
  assert.equal(readReceipt(both).length, 16);
  assert.equal(codeWords(readReceipt(both), KIND).join(" "), both);
  assert.equal(await faultOf(() => lockDraft(draft, both.split(" "))), "draft-receipt");
});

test("a flipped bit anywhere is refused", async () => {
  const places = Array.from({ length: 120 }, (_, i) => Math.floor((i * file.length) / 120)).concat(0, 21, 22, 40, 1578, 1579, 1626, 1642, file.length - 1);
  for (const at of places) assert.match(String(await opened(flipped(at, 1 << (at % 8)))), /^[a-z-]+$/, `byte ${at}`);
});

test("an altered file is told from another code", async () => {
  assert.equal(await opened(flipped(file.length - 1)), "payload");
  assert.equal(await opened(flipped(1650)), "payload");
  assert.equal(await opened(file.subarray(0, -1)), "size");
  assert.equal(await opened(new Uint8Array(0)), "size");
  assert.equal(await opened(new Uint8Array(18043)), "version");
});

test("a draft of a newer page is named as that", async () => {
  assert.equal(await holding(JSON.stringify({ ...fields, v: 2, more: [] })), "draft-version");
});

test("reading is strict", async () => {
  const wrong = [
    { ...fields, return: {} }, { ...fields, receipt: "x" }, { ...fields, kind: "report" }, { ...fields, v: "1" }, { ...fields, v: 0 },
    { ...fields, text: 1 }, { ...fields, answers: [] }, { ...fields, answers: { kinds: [1] } }, { ...fields, answers: { __proto__: null, ["__proto__"]: "x" } },
    { ...fields, consent: { record: 1 } }, { ...fields, questionnaire: { id: "a", version: "1", more: "x" } }, [], 1, null,
  ];
  for (const value of wrong) assert.equal(await holding(JSON.stringify(value)), "draft-fields", JSON.stringify(value));
  assert.equal(await holding(" " + JSON.stringify(fields)), "draft-fields");
  assert.equal(await holding(JSON.stringify(fields).replace('"lang"', '"lang":"x","lang"')), "draft-fields");
  assert.equal(await holding(JSON.stringify(fields), 262144), "draft-fields");
  for (const text of ["", "{", JSON.stringify(fields) + "x", Uint8Array.of(0xff, 0xfe), "\ufeff" + JSON.stringify(fields)]) {
    assert.equal(await holding(text), "draft-json");
  }
  assert.equal(await holding(JSON.stringify(fields)), null);
});

test("a text too long for a draft is refused, not cut", async () => {
  assert.equal(await faultOf(() => lockDraft({ ...draft, text: "a".repeat(16384) }, code)), "draft-size");
  assert.equal(await faultOf(() => lockDraft({ ...draft, text: undefined }, code)), "draft-fields");
  assert.equal(await faultOf(() => lockDraft(draft, receiptWords(newReceipt()))), "draft-receipt");
});

test("known words give the known check word and open the known file", async () => {
  const secret = readCode(KNOWN, KIND);
  assert.deepEqual([...secret], Array.from({ length: 16 }, (_, i) => i * 17));
  assert.equal(codeWords(new Uint8Array(16), KIND)[12], "swamp");
  const known = await openDraft(new Uint8Array(readFileSync(join(ROOT, "tests/vectors/page-draft.age"))), KNOWN);
  assert.equal(known.text, "Halfway through: é 🙂\n");
});

test("codes differ each time", () => {
  assert.equal(new Set(Array.from({ length: 50 }, () => newDraftCode().join(" "))).size, 50);
});

test("locking and opening need no JIT, WebAssembly or crypto.subtle", () => {
  const program = `
    process.on("unhandledRejection", (error) => { if (!/WebAssembly/.test(error.message)) throw error; });
    Object.defineProperty(globalThis.crypto, "subtle", { get() { throw new Error("crypto.subtle was used"); } });
    delete globalThis.WebAssembly;
    const { lockDraft, newDraftCode, openDraft } = await import(${JSON.stringify(pathToFileURL(join(ROOT, "portal/page/draft.mjs")).href)});
    const draft = ${JSON.stringify(draft)};
    const times = [];
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      const code = newDraftCode();
      const opened = await openDraft(await lockDraft(draft, code), code.join(" "));
      if (opened.text !== draft.text) throw new Error("another draft");
      times.push(performance.now() - start);
    }
    console.log(Math.min(...times));`;
  const said = execFileSync(process.execPath, ["--jitless", "--input-type=module", "--eval", program],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  assert.ok(Number(said) > 0 && Number(said) < MAX_MS, `${said} ms`);
});
