// SPDX-License-Identifier: AGPL-3.0-or-later
import { digest } from "./bytes.mjs";
import { seal } from "./envelope.mjs";
import { writeLetter } from "./letter.mjs";
import { newReceipt, receiptWords, returnOf } from "./receipt.mjs";

/** A report, sealed: what may be sent, and the receipt that may only be shown.
 * @typedef {{ envelope: Uint8Array, digest: string, words: string[] }} Sealed */

/** Seal a report under a fresh receipt. The receipt's secret is not kept beyond its words.
 * @param {import("./letter.mjs").Report} report @param {import("./letter.mjs").Questionnaire} questionnaire
 * @param {readonly string[]} regions @param {readonly string[]} recipients of the week
 * @returns {Promise<Sealed>} @throws {import("./faults.mjs").Malformed} */
export async function sealReport(report, questionnaire, regions, recipients) {
  const secret = newReceipt();
  const words = receiptWords(secret);
  const letter = writeLetter(report, await returnOf(secret), questionnaire, regions, words);
  const envelope = await seal(letter, recipients);
  letter.fill(0);
  secret.fill(0);
  return { envelope, digest: digest(envelope), words };
}
