// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf, load } from "./project.mjs";

const { holdsReceipt, newReceipt, pickTwo, readReceipt, receiptWords, returnOf, sameWord } = await load("receipt.mjs");
const zero = new Uint8Array(16);
const words = receiptWords(zero);

test("sixteen zero bytes give known words", () => {
  assert.equal(words.join(" "), "abandon ".repeat(11) + "about lens");
});

test("sixteen zero bytes give known derivations", async () => {
  const { tag_key, recipient, thread_key } = await returnOf(zero);
  assert.equal(tag_key.slice(0, 16), "d8dfd82e1c7bde7f");
  assert.equal(recipient.slice(0, 40), "age1pq10v4sta064u9ke9hjg72g3gqhndpkgmnys");
  assert.equal(recipient.length, 1959);
  assert.equal(thread_key.slice(0, 16), "50225e93f1151660");
});

test("words and secret go both ways", () => {
  for (let i = 0; i < 50; i++) {
    const secret = newReceipt();
    assert.deepEqual(readReceipt(receiptWords(secret).join(" ")), secret);
  }
});

test("case, space and four letters are forgiven", () => {
  const typed = words.map((word) => word.slice(0, 4).toUpperCase()).join(" \n\t ");
  assert.deepEqual(readReceipt(`  ${typed} `), zero);
});

test("wrong receipts are refused", async () => {
  const wrong = [
    "", words.slice(0, 12).join(" "), [...words, "zoo"].join(" "), [...words.slice(0, 12), "zoo"].join(" "),
    ["zoo", ...words.slice(1)].join(" "), words.join(" ").replace("about", "aboutt"), words.join(" ").replace("about", "abo"),
  ];
  for (const text of wrong) assert.equal(await faultOf(() => readReceipt(text)), "receipt");
});

test("a text that holds its receipt is known", () => {
  const one = receiptWords(Uint8Array.from({ length: 16 }, (_, i) => i * 13));
  assert.equal(holdsReceipt(`my words are ${one.join(", ")}!`, one), true);
  assert.equal(holdsReceipt(one.slice(5, 9).join("\n").toUpperCase(), one), true);
  assert.equal(holdsReceipt(one.slice(5, 8).join(" "), one), false);
  assert.equal(holdsReceipt("an ordinary sentence about a review", one), false);
});

test("two places are asked, different and in order", () => {
  for (let i = 0; i < 500; i++) {
    const [one, two] = pickTwo(13);
    assert.ok(one >= 0 && one < two && two < 13);
  }
});

test("typed words are compared as receipts are read", () => {
  assert.deepEqual([sameWord(" ABAN ", "abandon"), sameWord("abandon", "abandon"), sameWord("aba", "abandon"), sameWord("", "abandon")],
    [true, true, false, false]);
});
