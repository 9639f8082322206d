// SPDX-License-Identifier: AGPL-3.0-or-later
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bech32 } from "@scure/base";
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { utf8 } from "./bytes.mjs";
import { Malformed } from "./faults.mjs";

/** A kind of code: `check` labels its thirteenth word, the rest says what went wrong with words that are not one.
 * @typedef {{ check: string, fault: string, sentence: string }} Kind */

const WORDS = 13; // FORMAT.md 5: twelve of BIP39 and a check word

/** The thirteen words of a code. @param {Uint8Array} secret 16 bytes @param {Kind} kind */
export const codeWords = (secret, kind) => [...entropyToMnemonic(secret, wordlist).split(" "), checkWord(secret, kind)];

/** The secret of a code as typed: case, white space and all after a word's fourth letter are forgiven.
 * @param {string} text @param {Kind} kind @throws {Malformed} with the kind's fault */
export function readCode(text, kind) {
  const words = text.trim().toLowerCase().split(/\s+/).map(knownWord);
  const last = words.pop();
  const refuse = new Malformed(kind.fault, kind.sentence);
  if (words.length !== WORDS - 1 || last === undefined) throw refuse;
  let secret;
  try {
    secret = mnemonicToEntropy(words.join(" "), wordlist);
  } catch {
    throw refuse;
  }
  if (checkWord(secret, kind) !== last) throw refuse;
  return secret;
}

/** The word that ends a code of this kind. @param {Uint8Array} secret @param {Kind} kind */
export function checkWord(secret, { check }) {
  const [high, low] = derive(secret, check, 2);
  return wordlist[(high * 256 + low) >> 5];
}

/** English BIP39 words differ within their first four letters. @param {string} typed in lower case */
export const knownWord = (typed) =>
  wordlist.find((word) => word === typed || (typed.length === 4 && word.startsWith(typed))) ?? "";

/** Bytes that only the secret gives. @param {Uint8Array} secret @param {string} label @param {number} bytes */
export const derive = (secret, label, bytes) => hkdf(sha256, secret, undefined, utf8("underseal/v1/" + label), bytes);

/** The hybrid identity that the secret gives, `AGE-SECRET-KEY-PQ-1...`. @param {Uint8Array} secret @param {string} label */
export const hybridIdentity = (secret, label) =>
  bech32.encodeFromBytes("AGE-SECRET-KEY-PQ-", derive(secret, label, 32)).toUpperCase();
