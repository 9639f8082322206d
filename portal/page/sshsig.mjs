// SPDX-License-Identifier: AGPL-3.0-or-later
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { base64, base64nopad } from "@scure/base";
import { concat, sameBytes, utf8 } from "./bytes.mjs";
import { Untrusted } from "./faults.mjs";

const BEGIN = "-----BEGIN SSH SIGNATURE-----\n";
const END = "-----END SSH SIGNATURE-----\n";
const COLUMNS = 70; // as ssh-keygen -Y sign writes them
const SIGNATURE_BYTES = 64;

/** @typedef {{ raw: Uint8Array, text: string, blob: Uint8Array, fingerprint: string }} PublicKey */

/** @param {string} text `ssh-ed25519 AAAA...`, no comment @returns {PublicKey} @throws {Untrusted} */
export function parsePublicKey(text) {
  const found = /^ssh-ed25519 ([A-Za-z0-9+/]{68})$/.exec(text);
  const blob = found && base64nopad.decode(found[1]);
  const raw = blob?.subarray(19);
  if (!blob || !raw || !sameBytes(blob, keyBlob(raw))) throw new Untrusted("signature", "not an ed25519 key of OpenSSH");
  return { raw, text, blob, fingerprint: "SHA256:" + base64nopad.encode(sha256(blob)) };
}

/** Passes when the key signed the message in this namespace, in the one form that a writer makes. FORMAT.md 3.
 * @param {Uint8Array} message @param {string} signature armored @param {PublicKey} key @param {string} namespace
 * @throws {Untrusted} */
export function verify(message, signature, key, namespace) {
  const refuse = new Untrusted("signature", "the signature is not the expected key's over these bytes");
  const blob = unarmor(signature);
  // Everything in the blob but the last 64 bytes is known beforehand: nothing of it is parsed, it must be equal.
  const known = concat(
    utf8("SSHSIG"), uint32(1), string(key.blob), string(utf8(namespace)), string(utf8("")), string(utf8("sha512")),
    uint32(4 + 11 + 4 + SIGNATURE_BYTES), string(utf8("ssh-ed25519")), uint32(SIGNATURE_BYTES),
  );
  if (!blob || blob.length !== known.length + SIGNATURE_BYTES) throw refuse;
  if (!sameBytes(blob.subarray(0, known.length), known) || armor(blob) !== signature) throw refuse;
  const signed = concat(
    utf8("SSHSIG"), string(utf8(namespace)), string(utf8("")), string(utf8("sha512")), string(sha512(message)),
  );
  if (!ed25519.verify(blob.subarray(known.length), signed, key.raw, { zip215: false })) throw refuse;
}

/** @param {Uint8Array} blob */
function armor(blob) {
  const lines = base64.encode(blob).match(new RegExp(`.{1,${COLUMNS}}`, "g")) ?? [];
  return BEGIN + lines.map((line) => line + "\n").join("") + END;
}

/** @param {string} signature */
function unarmor(signature) {
  if (signature.length > 4096 || !signature.startsWith(BEGIN) || !signature.endsWith(END)) return null;
  try {
    return base64.decode(signature.slice(BEGIN.length, -END.length).replaceAll("\n", ""));
  } catch {
    return null;
  }
}

/** @param {Uint8Array} raw */
const keyBlob = (raw) => concat(string(utf8("ssh-ed25519")), string(raw));

/** @param {Uint8Array} data */
const string = (data) => concat(uint32(data.length), data);

/** @param {number} n */
const uint32 = (n) => Uint8Array.of(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);

/** A fingerprint as the union's card shows it: in groups of four. @param {string} fingerprint */
export const inGroups = (fingerprint) => "SHA256: " + (fingerprint.slice("SHA256:".length).match(/.{1,4}/g) ?? []).join(" ");
