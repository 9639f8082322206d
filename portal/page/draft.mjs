// SPDX-License-Identifier: AGPL-3.0-or-later
// A draft in a file that only its thirteen words open. FORMAT.md 11. Page and kit are the same code here.
import { randomBytes } from "@noble/hashes/utils.js";
import { identityToRecipient } from "age-encryption";
import { sameBytes, utf8, wellFormed } from "./bytes.mjs";
import { checkWord, codeWords, hybridIdentity, readCode } from "./codewords.mjs";
import { open, seal } from "./envelope.mjs";
import { Malformed } from "./faults.mjs";
import { LETTER_BYTES } from "./header.mjs";
import { readReceipt, RECEIPT } from "./receipt.mjs";

/** What an officer has filled in so far; nothing in it belongs to a receipt.
 * @typedef {{ questionnaire: { id: string, version: string }, lang: string, text: string,
 *   answers: import("./questionnaire.mjs").Answers, consent: import("./questionnaire.mjs").Consent }} Draft */

/** @type {import("./codewords.mjs").Kind} */
const DRAFT = { check: "draft-check", fault: "draft-code", sentence: "these are not the thirteen words of a draft" };
const SLOTS = 1;
const SPACE = 0x20;
const LOTS = 9; // one lot in 2,048 could be read as a receipt too, and is not drawn
const NAME = /^[a-z][a-z0-9_]{0,63}$/;

/** The thirteen words of a fresh code. No receipt ever has the same words. @returns {string[]} */
export function newDraftCode() {
  const secret = Array.from({ length: LOTS }, () => randomBytes(16)).find(isOurs);
  if (!secret) throw new Malformed("draft-code", "the random numbers of this device are not random");
  return codeWords(secret, DRAFT);
}

/** The draft as a file for the words of one code. Every draft's file has the same length.
 * @param {Draft} draft @param {readonly string[]} words from `newDraftCode`
 * @returns {Promise<Uint8Array>} @throws {Malformed} `draft-code`, `draft-fields` or `draft-size` */
export async function lockDraft(draft, words) {
  const recipient = await identityToRecipient(identityOf(words.join(" ")));
  checkDraft(draft);
  const plaintext = plaintextOf(draft);
  const file = await seal(plaintext, [recipient]);
  plaintext.fill(0);
  return file;
}

/** The draft that these words open.
 * @param {Uint8Array} file @param {string} typed the thirteen words, as typed @returns {Promise<Draft>}
 * @throws {Malformed} `draft-code` a word is mistyped; `draft-receipt` these are a receipt's words;
 *   `draft-version` a newer page's; any other fault: not the file of a draft
 * @throws {import("./faults.mjs").NotForUs} another code's, or its key part was altered
 * @throws {import("./faults.mjs").Broken} this code's, and altered */
export async function openDraft(file, typed) {
  const plaintext = await open(file, identityOf(typed), SLOTS);
  const draft = readDraft(plaintext);
  plaintext.fill(0);
  return draft;
}

/** @param {string} typed */
function identityOf(typed) {
  if (isReceipt(typed)) throw new Malformed("draft-receipt", "these are the words of a receipt, not of a draft");
  return hybridIdentity(readCode(typed, DRAFT), "draft-identity");
}

/** Whether no reader could take this code for a receipt. @param {Uint8Array} secret */
const isOurs = (secret) => checkWord(secret, DRAFT) !== checkWord(secret, RECEIPT);

/** @param {string} typed */
function isReceipt(typed) {
  try {
    return readReceipt(typed).length > 0;
  } catch {
    return false;
  }
}

/** JSON, then spaces to exactly LETTER_BYTES: the one text of this draft. @param {Draft} draft */
function plaintextOf({ questionnaire: { id, version }, lang, answers, text, consent }) {
  const draft = { v: 1, kind: "draft", questionnaire: { id, version }, lang, answers, text: wellFormed(text), consent };
  const written = utf8(JSON.stringify(draft));
  if (written.length > LETTER_BYTES) throw new Malformed("draft-size", "the text is longer than a draft holds");
  const plaintext = new Uint8Array(LETTER_BYTES).fill(SPACE);
  plaintext.set(written);
  return plaintext;
}

/** The draft of a plaintext that is, byte for byte, what `lockDraft` writes. @param {Uint8Array} plaintext @returns {Draft} */
function readDraft(plaintext) {
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plaintext));
  } catch {
    throw new Malformed("draft-json", "the draft is not JSON");
  }
  if (Number.isInteger(value?.v) && value.v > 1) throw new Malformed("draft-version", "a newer page locked this draft");
  checkDraft(value);
  if (!sameBytes(plaintext, plaintextOf(value))) throw new Malformed("draft-fields", "the fields are not those of a draft");
  const { questionnaire, lang, answers, text, consent } = value;
  return { questionnaire, lang, answers, text, consent };
}

/** Passes when every field is there, of its type. Whether the form still asks it is the form's to say. @param {any} value */
function checkDraft(value) {
  const isText = (/** @type {unknown} */ one) => typeof one === "string";
  const named = (/** @type {any} */ some, /** @type {(one: any) => boolean} */ good) => some !== null && typeof some === "object"
    && !Array.isArray(some) && Object.entries(some).every(([name, one]) => NAME.test(name) && good(one));
  const good = [value?.questionnaire?.id, value?.questionnaire?.version, value?.lang, value?.text].every(isText)
    && named(value.answers, (one) => isText(one) || (Array.isArray(one) && one.every(isText)))
    && named(value.consent, (one) => isText(one) || typeof one === "boolean");
  if (!good) throw new Malformed("draft-fields", "the fields are not those of a draft");
}
