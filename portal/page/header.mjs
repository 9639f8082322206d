// SPDX-License-Identifier: AGPL-3.0-or-later
import { base64nopad } from "@scure/base";
import { Malformed } from "./faults.mjs";

export const LETTER_BYTES = 16384; // FORMAT.md 2: plaintext of a letter
export const PART_BYTES = 262144; // FORMAT.md 2: plaintext of a part of an attachment
const HEADER_MAX_BYTES = 16384;
const CHUNK_BYTES = 65536; // age STREAM
const VERSION = "age-encryption.org/v1";
const TYPE = "mlkem768x25519";
const COLUMNS = 64; // base64 columns of a full line of a stanza's body
const LF = 10;

/** Bytes of an envelope around this much plaintext. @param {number} plaintextBytes @param {number} slots */
export const envelopeBytes = (plaintextBytes, slots) =>
  22 + slots * 1557 + 48 + payloadBytes(plaintextBytes);

/** @param {number} plaintextBytes */
const payloadBytes = (plaintextBytes) => 16 + plaintextBytes + 16 * Math.ceil(plaintextBytes / CHUNK_BYTES);

/** The shape of an envelope, checked in one pass before any key or age library sees it. FORMAT.md 2.2.
 * @param {Uint8Array} data @param {number} slots
 * @returns {{ plaintextBytes: number, headerBytes: number }}
 * @throws {Malformed} with the fault that is met first */
export function checkEnvelope(data, slots) {
  const plaintextBytes = [LETTER_BYTES, PART_BYTES].find((bytes) => data.length === envelopeBytes(bytes, slots));
  if (plaintextBytes === undefined) throw new Malformed("size", "the length is not that of an envelope");
  if (latin1(data.subarray(0, 22)) !== VERSION + "\n") throw new Malformed("version", "the first line is not that of age");
  const lines = new Lines(data, 22);
  let line = lines.next();
  let stanzas = 0;
  for (; !line.startsWith("---"); line = lines.next()) {
    checkStanza(line, lines);
    stanzas++;
  }
  if (stanzas === 0) throw new Malformed("stanza", "the header has no stanza");
  if (!line.startsWith("--- ") || canonical(line.slice(4))?.length !== 32) {
    throw new Malformed("mac", "the last line of the header is malformed");
  }
  if (stanzas !== slots) throw new Malformed("slots", "the number of stanzas is not the key list's");
  if (data.length - lines.at !== payloadBytes(plaintextBytes)) {
    throw new Malformed("size", "the payload is not of its exact length");
  }
  return { plaintextBytes, headerBytes: lines.at };
}

/** A cursor over the lines of a header that stops at the header's limit. */
class Lines {
  /** @param {Uint8Array} data @param {number} at */
  constructor(data, at) {
    this.data = data.subarray(0, HEADER_MAX_BYTES);
    this.at = at;
  }

  next() {
    const end = this.data.indexOf(LF, this.at);
    if (end < 0) throw new Malformed("header-size", "the header does not end in time");
    const line = latin1(this.data.subarray(this.at, end));
    this.at = end + 1;
    return line;
  }
}

/** The age grammar of one stanza, then what the hybrid type asks of it. @param {string} first @param {Lines} lines */
function checkStanza(first, lines) {
  const wrong = new Malformed("stanza", "a stanza is malformed");
  const [arrow, type, ...args] = first.split(" ");
  if (arrow !== "->" || ![type, ...args].every((word) => /^[\x21-\x7e]+$/.test(word ?? ""))) throw wrong;
  let bodyBytes = 0;
  for (let full = true; full; ) {
    const line = lines.next();
    const bytes = line.length <= COLUMNS ? canonical(line) : null;
    if (!bytes) throw wrong;
    bodyBytes += bytes.length;
    full = line.length === COLUMNS;
  }
  if (type !== TYPE) throw new Malformed("recipient-type", "a stanza is not of the hybrid type");
  if (args.length !== 1 || canonical(args[0])?.length !== 1120 || bodyBytes !== 32) throw wrong;
}

/** Latin-1, so that each byte stays one character and no byte is lost. @param {Uint8Array} data */
const latin1 = (data) => data.reduce((text, byte) => text + String.fromCharCode(byte), "");

/** The bytes of canonical base64 without padding, or null. @param {string} text */
function canonical(text) {
  try {
    return base64nopad.decode(text);
  } catch {
    return null;
  }
}
