// SPDX-License-Identifier: AGPL-3.0-or-later
import { Decrypter, Encrypter } from "age-encryption";
import { Broken, Malformed, NotForUs } from "./faults.mjs";
import { checkEnvelope, LETTER_BYTES, PART_BYTES } from "./header.mjs";

/** One envelope that each recipient can open alone. FORMAT.md 2.
 * What the age library wrote passes the same pre-parser as foreign bytes before anyone may send it.
 * @param {Uint8Array} plaintext LETTER_BYTES or PART_BYTES
 * @param {readonly string[]} recipients one to six of `age1pq1...`, as the key list has them
 * @returns {Promise<Uint8Array>} @throws {Malformed} */
export async function seal(plaintext, recipients) {
  if (![LETTER_BYTES, PART_BYTES].includes(plaintext.length)) {
    throw new Malformed("size", "the plaintext has neither of the two sizes");
  }
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    if (!recipient.startsWith("age1pq1")) throw new Malformed("recipient-type", "a recipient is not of the hybrid type");
    encrypter.addRecipient(recipient);
  }
  const envelope = await encrypter.encrypt(plaintext);
  checkEnvelope(envelope, recipients.length);
  return envelope;
}

/** The plaintext of an envelope. FORMAT.md 2.3.
 * @param {Uint8Array} envelope @param {string} identity `AGE-SECRET-KEY-PQ-1...` @param {number} slots
 * @throws {Malformed} not an envelope   @throws {NotForUs} another's   @throws {Broken} ours, and altered */
export async function open(envelope, identity, slots) {
  checkEnvelope(envelope, slots);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  await decrypter.decryptHeader(envelope).catch((error) => {
    throw refusal(error.message);
  });
  try {
    return await decrypter.decrypt(envelope);
  } catch {
    throw new Broken("payload", "the contents were altered or cut");
  }
}

/** The fault behind a sentence of the age library. @param {string} sentence */
function refusal(sentence) {
  if (sentence === "invalid header HMAC") return new Broken("header-mac", "the header was altered");
  if (sentence.startsWith("no identity matched")) return new NotForUs("no-match", "opened by none of these identities");
  return new Malformed("stanza", "a stanza's share is of low order");
}
