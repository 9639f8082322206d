// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf, load, QUESTIONNAIRE, REGIONS, report } from "./project.mjs";

const { roomLeft, writeLetter } = await load("letter.mjs");
const { newReceipt, receiptWords, returnOf } = await load("receipt.mjs");
const secret = newReceipt();
const words = receiptWords(secret);
const back = await returnOf(secret);

const write = (changes) => writeLetter(report(changes), back, QUESTIONNAIRE, REGIONS, words);
const read = (letter) => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(letter));
const answering = (changes) => ({ answers: { ...report().answers, ...changes } });
const agreeing = (changes) => ({ consent: { ...report().consent, ...changes } });

const TEXTS = {
  empty: "", plain: "a".repeat(12000), emoji: "👩🏽‍⚖️🙂".repeat(400), combining: "e\u0301\u0323".repeat(2000),
  right_to_left: "שלום עולם \u202e".repeat(300), quotes: "\"\\\n\t".repeat(1500), controls: "\u0001\u001b[2J".repeat(200),
};

for (const [name, text] of Object.entries(TEXTS)) {
  test(`a letter of ${name} text is 16,384 bytes and keeps it`, () => {
    const letter = write({ text });
    assert.equal(letter.length, 16384);
    assert.equal(read(letter).text, text);
  });
}

test("a letter has exactly the names of the format", () => {
  const { id, ...letter } = read(write({}));
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.deepEqual(Object.keys(letter), ["v", "kind", "questionnaire", "lang", "answers", "text", "consent", "attachments", "return"]);
  assert.deepEqual(letter.return, back);
});

test("lone surrogates and NUL become U+FFFD", () => {
  assert.equal(read(write({ text: "a\ud800b\0c" })).text, "a\ufffdb\ufffdc");
});

test("room is counted in bytes of UTF-8", () => {
  assert.equal(roomLeft(report({ text: "" }), QUESTIONNAIRE) - roomLeft(report({ text: "🙂é" }), QUESTIONNAIRE), 6);
});

test("a text one byte too long is refused, not cut", async () => {
  assert.equal(await faultOf(() => write({ text: "a".repeat(12001) })), "letter-size");
  const room = roomLeft(report({ text: "\n".repeat(7000) }), QUESTIONNAIRE);
  assert.equal(room < 0, true);
  assert.equal(await faultOf(() => write({ text: "\n".repeat(7000) })), "letter-size");
});

test("a text that holds the receipt is refused", async () => {
  assert.equal(await faultOf(() => write({ text: `keep: ${words.join(" ")}` })), "letter-receipt");
});

test("answers outside the questionnaire are refused", async () => {
  const wrong = [
    answering({ kinds: [] }), answering({ kinds: ["REV", "REV"] }), answering({ kinds: "REV" }), answering({ kinds: ["ZZZ"] }),
    answering({ region: "moon" }), answering({ event_month: "2026-13" }), answering({ event_month: "2026-05-06" }),
    answering({ name: "me" }), { answers: {} }, answering({ role_band: ["officer"] }),
  ];
  for (const changes of wrong) assert.equal(await faultOf(() => write(changes)), "letter-answers");
});

test("consent outside the questionnaire is refused", async () => {
  const wrong = [
    agreeing({ record: false }), agreeing({ press: "yes" }), agreeing({ quote: "all" }), agreeing({ min_similar: 3 }),
    agreeing({ not_before: "soon" }), agreeing({ text_version: "2" }), agreeing({ extra: true }), { consent: {} },
  ];
  for (const changes of wrong) assert.equal(await faultOf(() => write(changes)), "letter-answers");
});
