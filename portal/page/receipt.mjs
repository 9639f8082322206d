// SPDX-License-Identifier: AGPL-3.0-or-later
import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, randomBytes } from "@noble/hashes/utils.js";
import { bech32 } from "@scure/base";
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { identityToRecipient } from "age-encryption";
import { utf8 } from "./bytes.mjs";
import { Malformed } from "./faults.mjs";

const WORDS = 13; // FORMAT.md 5: twelve of BIP39 and a check word
const RUN_WORDS = 4; // so many words of the receipt in a row in a text are no accident

/** 16 fresh random bytes. */
export const newReceipt = () => randomBytes(16);

/** The thirteen words of a receipt. @param {Uint8Array} secret 16 bytes */
export const receiptWords = (secret) => [...entropyToMnemonic(secret, wordlist).split(" "), checkWord(secret)];

/** The secret of a receipt as typed: case, white space and all after a word's fourth letter are forgiven.
 * @param {string} text @throws {Malformed} with the fault `receipt` */
export function readReceipt(text) {
  const words = text.trim().toLowerCase().split(/\s+/).map(knownWord);
  const last = words.pop();
  const refuse = new Malformed("receipt", "these are not the thirteen words of a receipt");
  if (words.length !== WORDS - 1 || last === undefined) throw refuse;
  let secret;
  try {
    secret = mnemonicToEntropy(words.join(" "), wordlist);
  } catch {
    throw refuse;
  }
  if (checkWord(secret) !== last) throw refuse;
  return secret;
}

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
export const replyIdentity = (secret) =>
  bech32.encodeFromBytes("AGE-SECRET-KEY-PQ-", derive(secret, "reply-identity", 32)).toUpperCase();

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

/** @param {Uint8Array} secret */
function checkWord(secret) {
  const [high, low] = derive(secret, "receipt-check", 2);
  return wordlist[(high * 256 + low) >> 5];
}

/** @param {Uint8Array} secret @param {string} label @param {number} bytes */
const derive = (secret, label, bytes) => hkdf(sha256, secret, undefined, utf8("underseal/v1/" + label), bytes);

/** English BIP39 words differ within their first four letters. @param {string} typed */
const knownWord = (typed) =>
  wordlist.find((word) => word === typed || (typed.length === 4 && word.startsWith(typed))) ?? "";
