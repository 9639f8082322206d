// SPDX-License-Identifier: AGPL-3.0-or-later
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex, randomBytes } from "@noble/hashes/utils.js";
import { identityToRecipient } from "age-encryption";
import { codeWords, derive, hybridIdentity, knownWord, readCode } from "./codewords.mjs";

/** @typedef {import("./codewords.mjs").Kind} Kind */

const RUN_WORDS = 4; // so many words of the receipt in a row in a text are no accident

/** @type {Kind} */
export const RECEIPT = { check: "receipt-check", fault: "receipt", sentence: "these are not the thirteen words of a receipt" };

/** 16 fresh random bytes. */
export const newReceipt = () => randomBytes(16);

/** The thirteen words of a receipt. @param {Uint8Array} secret 16 bytes */
export const receiptWords = (secret) => codeWords(secret, RECEIPT);

/** The secret of a receipt as typed: case, white space and all after a word's fourth letter are forgiven.
 * @param {string} text @throws {import("./faults.mjs").Malformed} with the fault `receipt` */
export const readReceipt = (text) => readCode(text, RECEIPT);

/** What the letter carries of a receipt: public halves and the tag key. FORMAT.md 5.
 * @param {Uint8Array} secret 16 bytes
 * @returns {Promise<{ tag_key: string, recipient: string, thread_key: string }>} */
export async function returnOf(secret) {
  return {
    tag_key: bytesToHex(derive(secret, "reply-tag-key", 32)),
    recipient: await identityToRecipient(replyIdentity(secret)),
    thread_key: bytesToHex(ed25519.getPublicKey(derive(secret, "thread-key", 32))),
  };
}

/** The identity that opens answers to this receipt, `AGE-SECRET-KEY-PQ-1...`. @param {Uint8Array} secret */
export const replyIdentity = (secret) => hybridIdentity(secret, "reply-identity");

/** Whether four words of a receipt stand in a row in a text. @param {string} text @param {readonly string[]} words */
export function holdsReceipt(text, words) {
  const stem = (/** @type {string} */ word) => word.slice(0, RUN_WORDS);
  const said = ` ${(text.toLowerCase().match(/[a-z]+/g) ?? []).map(stem).join(" ")} `;
  const stems = words.map(stem);
  return stems.some((_, i) => i + RUN_WORDS <= stems.length && said.includes(` ${stems.slice(i, i + RUN_WORDS).join(" ")} `));
}

/** Two different places among `count` words, in their order, by lot. @param {number} count @returns {number[]} */
export function pickTwo(count) {
  const [first, step] = randomBytes(2); // the lot only keeps the officer from guessing: its slight skew does not matter
  const one = first % count;
  return [one, (one + 1 + (step % (count - 1))) % count].sort((a, b) => a - b);
}

/** Whether a typed word is the expected one, as `readReceipt` would read it. @param {string} typed @param {string} word */
export const sameWord = (typed, word) => knownWord(typed.trim().toLowerCase()) === word;
