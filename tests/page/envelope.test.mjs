// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { faultOf, load, loadPackage } from "./project.mjs";

const { checkEnvelope, envelopeBytes, LETTER_BYTES, PART_BYTES } = await load("header.mjs");
const { open, seal } = await load("envelope.mjs");
const { generateHybridIdentity, generateX25519Identity, identityToRecipient } = await loadPackage("age-encryption/dist/index.js");

const ids = await Promise.all([1, 2, 3].map(generateHybridIdentity));
const recipients = await Promise.all(ids.map(identityToRecipient));
const letter = new Uint8Array(LETTER_BYTES).map((_, i) => i % 251);
let envelope;

before(async () => {
  envelope = await seal(letter, recipients);
});

/** A copy of the envelope with its header's text changed, and the payload cut or filled so that the length stays. */
function withHeader(change) {
  const { headerBytes } = checkEnvelope(envelope, 3);
  const header = Buffer.from(change(Buffer.from(envelope.subarray(0, headerBytes)).toString("latin1")), "latin1");
  return fitted(Buffer.concat([header, envelope.subarray(headerBytes)]));
}

const fitted = (data) => new Uint8Array(Buffer.concat([data, Buffer.alloc(envelope.length)]).subarray(0, envelope.length));

const flipped = (at) => envelope.map((byte, i) => (i === at ? byte ^ 1 : byte));

const check = (data, slots = 3) => faultOf(() => checkEnvelope(data, slots));

const STANZA = /-> mlkem768x25519 \S+\n\S+\n/g;

test("letters of three slots are 21,157 bytes", () => {
  assert.equal(envelope.length, 21157);
});

test("parts of three slots are 266,965 bytes", async () => {
  assert.equal((await seal(new Uint8Array(PART_BYTES), recipients)).length, 266965);
});

test("each recipient opens alone", async () => {
  for (const identity of ids) assert.deepEqual(await open(envelope, identity, 3), letter);
});

test("a part opens", async () => {
  const part = new Uint8Array(PART_BYTES).fill(7);
  assert.deepEqual(await open(await seal(part, recipients.slice(0, 1)), ids[0], 1), part);
});

test("six slots pass the pre-parser", async () => {
  const six = await seal(letter, [...recipients, ...recipients]);
  assert.equal(six.length, envelopeBytes(LETTER_BYTES, 6));
});

test("other plaintext sizes are not sealed", async () => {
  assert.equal(await faultOf(() => seal(letter.subarray(1), recipients)), "size");
});

test("X25519 recipients are not sealed to", async () => {
  const classic = await identityToRecipient(await generateX25519Identity());
  assert.equal(await faultOf(() => seal(letter, [classic])), "recipient-type");
});

test("size: one byte more or less", async () => {
  assert.equal(await check(envelope.subarray(1)), "size");
  assert.equal(await check(new Uint8Array([...envelope, 0])), "size");
});

test("version: another first line", async () => {
  assert.equal(await check(withHeader((text) => text.replace("v1", "v2"))), "version");
});

test("header-size: a header without end", async () => {
  const body = "A".repeat(64) + "\n";
  const endless = withHeader((text) => text.slice(0, 22) + "-> mlkem768x25519 " + "A".repeat(1494) + "\n" + body.repeat(300));
  assert.equal(await check(endless), "header-size");
});

test("stanza: two spaces, a control character, a long or padded body line", async () => {
  const faulty = [
    (text) => text.replace("-> mlkem", "->  mlkem"),
    (text) => text.replace("x25519 ", "x25519 \x01"),
    (text) => text.replace(/\n(\S{43})\n/, (_, body) => `\n${body}${"A".repeat(22)}\n`),
    (text) => text.replace(/\n(\S{43})\n/, (_, body) => `\n${body}=\n`),
    (text) => text.replace(/\n(\S{43})\n/, "\n\n"),
    (text) => text.replace("-> ", "junk "),
    (text) => text.replace("\n--- ", "\n-- "),
  ];
  for (const change of faulty) assert.equal(await check(withHeader(change)), "stanza");
});

test("stanza: left-over bits in base64", async () => {
  const change = (text) => text.replace(/\n(\S{42})(\S)\n/, (_, most) => `\n${most}B\n`);
  assert.equal(await check(withHeader(change)), "stanza");
});

test("stanza: a short share, a third argument", async () => {
  assert.equal(await check(withHeader((text) => text.replace(/(x25519 \S+)\S{4}\n/, "$1\n"))), "stanza");
  assert.equal(await check(withHeader((text) => text.replace(/(x25519 \S+)\n/, "$1 more\n"))), "stanza");
});

test("recipient-type: another type in the last stanza", async () => {
  const stanzas = (text) => text.match(STANZA);
  const change = (text) => text.replace(stanzas(text)[2], stanzas(text)[2].replace("mlkem768x25519", "mlkem768x25518"));
  assert.equal(await check(withHeader(change)), "recipient-type");
});

test("the first faulty stanza names the fault", async () => {
  const change = (text) => text.replace("mlkem768x25519", "X25519").replace(/\n(\S{43})\n--- /, "\n\n--- ");
  assert.equal(await check(withHeader(change)), "recipient-type");
});

test("slots: one stanza too few or too many", async () => {
  assert.equal(await check(withHeader((text) => text.replace(STANZA, (stanza, at) => (at === 22 ? "" : stanza)))), "slots");
  assert.equal(await check(withHeader((text) => text.replace(STANZA, (stanza, at) => (at === 22 ? stanza + stanza : stanza)))), "slots");
});

test("mac: short, long, or not base64", async () => {
  for (const end of ["--- A\n", `--- ${"A".repeat(44)}\n`, `---${"A".repeat(43)}\n`, `--- ${"*".repeat(43)}\n`]) {
    assert.equal(await check(withHeader((text) => text.replace(/--- \S+\n/, end))), "mac");
  }
});

test("a malformed later stanza refuses what the first would open", async () => {
  const data = withHeader((text) => text.replace(text.match(STANZA)[1], (stanza) => stanza.replace("mlkem768", "mlkem512")));
  assert.equal(await faultOf(() => open(data, ids[0], 3)), "recipient-type");
});

test("no-match: another's identity", async () => {
  const other = await generateHybridIdentity();
  assert.equal(await faultOf(() => open(envelope, other, 3)), "no-match");
});

test("no-match: every identity's stanza altered", async () => {
  const at = Buffer.from(envelope).indexOf("\n", 22) + 1;
  const one = await seal(letter, recipients.slice(0, 1));
  one[at] = one[at] === 65 ? 66 : 65;
  assert.equal(await faultOf(() => open(one, ids[0], 1)), "no-match");
});

test("header-mac: another's stanza altered", async () => {
  const at = Buffer.from(envelope).lastIndexOf("-> ") + 100;
  const data = envelope.slice();
  data[at] = data[at] === 65 ? 66 : 65;
  assert.equal(await faultOf(() => open(data, ids[0], 3)), "header-mac");
});

test("payload: the first or last byte altered", async () => {
  const { headerBytes } = checkEnvelope(envelope, 3);
  assert.equal(await faultOf(() => open(flipped(headerBytes + 16), ids[0], 3)), "payload");
  assert.equal(await faultOf(() => open(flipped(envelope.length - 1), ids[0], 3)), "payload");
});
