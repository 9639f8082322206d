// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { faultOf, load, SshKey } from "./project.mjs";

const { parsePublicKey, verify } = await load("sshsig.mjs");
const message = new TextEncoder().encode("a list of keys\n");
const signer = new SshKey();
const other = new SshKey();
const key = parsePublicKey(signer.text);
const signature = signer.sign(message, "keys@underseal");
after(() => [signer, other].forEach((one) => one.discard()));

const refused = (changed) => faultOf(() => verify(message, changed, key, "keys@underseal"));

test("a signature by ssh-keygen verifies", () => {
  verify(message, signature, key, "keys@underseal");
});

test("the fingerprint is ssh-keygen's", () => {
  assert.match(key.fingerprint, /^SHA256:[A-Za-z0-9+/]{43}$/);
});

test("another namespace is refused", async () => {
  assert.equal(await faultOf(() => verify(message, signature, key, "page@underseal")), "signature");
});

test("a changed message is refused", async () => {
  assert.equal(await faultOf(() => verify(message.subarray(1), signature, key, "keys@underseal")), "signature");
});

test("another key is refused", async () => {
  assert.equal(await refused(other.sign(message, "keys@underseal")), "signature");
});

test("every armor that no writer makes is refused", async () => {
  const body = signature.split("\n").slice(1, -2).join("");
  const forms = [
    signature.trimEnd(),
    signature + "\n",
    " " + signature,
    signature.replaceAll("\n", "\r\n"),
    `-----BEGIN SSH SIGNATURE-----\n${body}\n-----END SSH SIGNATURE-----\n`,
    `-----BEGIN SSH SIGNATURE-----\n${body.match(/.{1,76}/g).join("\n")}\n-----END SSH SIGNATURE-----\n`,
    "",
    "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
  ];
  for (const form of forms) assert.equal(await refused(form), "signature");
});

test("every changed byte of the blob is refused", async () => {
  const lines = signature.split("\n");
  const blob = Buffer.from(lines.slice(1, -2).join(""), "base64");
  for (let at = 0; at < blob.length; at += 7) {
    const changed = Buffer.from(blob);
    changed[at] ^= 1;
    const armor = [lines[0], ...changed.toString("base64").match(/.{1,70}/g), ...lines.slice(-2)].join("\n");
    assert.equal(await refused(armor), "signature");
  }
});

test("s plus the group order is refused", async () => {
  const lines = signature.split("\n");
  const blob = Buffer.from(lines.slice(1, -2).join(""), "base64");
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  const s = BigInt("0x" + Buffer.from(blob.subarray(-32)).reverse().toString("hex")) + order;
  Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse().copy(blob, blob.length - 32);
  const armor = [lines[0], ...blob.toString("base64").match(/.{1,70}/g), ...lines.slice(-2)].join("\n");
  assert.equal(await refused(armor), "signature");
});

test("keys with a comment, another type or left-over bytes are refused", async () => {
  const forms = [key.text + " me", key.text.replace("ssh-ed25519", "ssh-rsa"), key.text.slice(0, -4), key.text + "AAAA", ""];
  for (const form of forms) assert.equal(await faultOf(() => parsePublicKey(form)), "signature");
});
