// SPDX-License-Identifier: AGPL-3.0-or-later
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** @param {string} text */
export const utf8 = (text) => new TextEncoder().encode(text);

/** Text as it arrives after UTF-8: a lone surrogate becomes U+FFFD. @param {string} text */
export const wellFormed = (text) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(utf8(text));

/** @param {...Uint8Array} parts */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Equality of public bytes; takes no care to hide where they differ. @param {Uint8Array} a @param {Uint8Array} b */
export const sameBytes = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** SHA-256 as 64 hexadecimal digits. @param {Uint8Array} data */
export const digest = (data) => bytesToHex(sha256(data));
