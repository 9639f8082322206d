// SPDX-License-Identifier: AGPL-3.0-or-later
import { bytesToHex, randomBytes } from "@noble/hashes/utils.js";
import { utf8, wellFormed } from "./bytes.mjs";
import { Malformed } from "./faults.mjs";
import { LETTER_BYTES } from "./header.mjs";
import { checkAnswers } from "./questionnaire.mjs";
import { holdsReceipt } from "./receipt.mjs";

/** What the officer filled in, before anything is sealed.
 * @typedef {{ answers: import("./questionnaire.mjs").Answers, text: string,
 *   consent: import("./questionnaire.mjs").Consent, lang: string }} Report
 * @typedef {{ tag_key: string, recipient: string, thread_key: string }} Return
 * @typedef {import("./questionnaire.mjs").Questionnaire} Questionnaire */

const SPACE = 0x20;
const HEX_32 = "0".repeat(32);
/** A return of the length that every return has, for measuring. @type {Return} */
const ANY_RETURN = { tag_key: HEX_32 + HEX_32, recipient: "a".repeat(1959), thread_key: HEX_32 + HEX_32 };

/** The plaintext of a letter: JSON, then spaces to exactly LETTER_BYTES. FORMAT.md 6.
 * @param {Report} report @param {Return} back @param {Questionnaire} questionnaire
 * @param {readonly string[]} regions the office's region ids
 * @param {readonly string[]} words of the receipt, which the text must not hold
 * @throws {Malformed} `letter-answers`, `letter-size` or `letter-receipt` */
export function writeLetter(report, back, questionnaire, regions, words) {
  checkAnswers(questionnaire, report.answers, report.consent, regions);
  if (roomLeft(report, questionnaire) < 0) throw new Malformed("letter-size", "the text is longer than a letter holds");
  if (holdsReceipt(report.text, words)) throw new Malformed("letter-receipt", "the text holds words of the receipt");
  const letter = new Uint8Array(LETTER_BYTES).fill(SPACE);
  letter.set(utf8(json(report, bytesToHex(randomBytes(16)), back, questionnaire)));
  return letter;
}

/** Bytes that the text may still grow by; negative when it is too long.
 * @param {Report} report @param {Questionnaire} questionnaire */
export function roomLeft(report, questionnaire) {
  const inLetter = LETTER_BYTES - utf8(json(report, HEX_32, ANY_RETURN, questionnaire)).length;
  return Math.min(inLetter, questionnaire.text_max_bytes - utf8(report.text).length);
}

/** @param {Report} report @param {string} id @param {Return} back @param {Questionnaire} questionnaire */
const json = ({ answers, text, consent, lang }, id, back, questionnaire) => JSON.stringify({
  v: 1,
  kind: "report",
  id,
  questionnaire: { id: questionnaire.id, version: questionnaire.version },
  lang,
  answers,
  text: wellFormed(text).replaceAll("\0", "\ufffd"),
  consent,
  attachments: [],
  return: back,
});
