// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { faultOf, load, newRecipient, SshKey } from "./project.mjs";

const { isDay, readKeyList, weekOf } = await load("keylist.mjs");
const { parsePublicKey } = await load("sshsig.mjs");

const root = new SshKey();
const stranger = new SshKey();
after(() => [root, stranger].forEach((one) => one.discard()));
const key = parsePublicKey(root.text);
const recipients = await Promise.all([1, 2, 3].map(newRecipient));

const week = (first, last) => [`week ${first} ${last}`, ...recipients.map((recipient) => `recipient ${recipient}`)];
const lines = [
  "underseal keys v1", "office Example Local 1", "sequence 7", "issued 2031-05-05", "expires 2031-05-18", "slots 3",
  `desk ${root.text}`, `courier ${root.text}`, `counsel ${recipients[0]}`,
  ...week("2031-05-05", "2031-05-11"), ...week("2031-05-12", "2031-05-18"),
];
const good = lines.join("\n") + "\n";

/** Read a text that the root has signed: only what it says can be wrong with it. */
function readSigned(text, floor = 1) {
  const data = new TextEncoder().encode(text);
  return readKeyList(data, root.sign(data, "keys@underseal"), key, floor);
}

test("a signed list reads back", () => {
  const list = readSigned(good);
  assert.deepEqual([list.office, list.sequence, list.slots], ["Example Local 1", 7, 3]);
  assert.deepEqual(list.weeks[1], { first: "2031-05-12", last: "2031-05-18", recipients });
});

test("keys-size: too long, or not UTF-8", async () => {
  const signature = root.sign("x", "keys@underseal");
  assert.equal(await faultOf(() => readKeyList(new Uint8Array(262145), signature, key)), "keys-size");
  assert.equal(await faultOf(() => readKeyList(Uint8Array.of(0xff), signature, key)), "keys-size");
});

test("keys-signature comes before the grammar", async () => {
  const data = new TextEncoder().encode("no list at all");
  assert.equal(await faultOf(() => readKeyList(data, stranger.sign(data, "keys@underseal"), key)), "keys-signature");
  assert.equal(await faultOf(() => readKeyList(data, root.sign(data, "page@underseal"), key)), "keys-signature");
});

test("keys-signature: one recipient changed", async () => {
  const signature = root.sign(good, "keys@underseal");
  const changed = new TextEncoder().encode(good.replace(recipients[1], recipients[0]));
  assert.equal(await faultOf(() => readKeyList(changed, signature, key)), "keys-signature");
});

test("keys-grammar: every line that is missing, doubled or out of order", async () => {
  for (let i = 0; i < lines.length; i++) {
    const without = lines.filter((_, at) => at !== i);
    assert.equal(await faultOf(() => readSigned(without.join("\n") + "\n")), "keys-grammar", `line ${i} missing`);
  }
  const swapped = [lines[0], lines[2], lines[1], ...lines.slice(3)];
  assert.equal(await faultOf(() => readSigned(swapped.join("\n") + "\n")), "keys-grammar");
});

test("keys-grammar: every value that is not of its form", async () => {
  const changes = [
    ["keys v1", "keys v2"], ["office Example", "office  Example"], ["office Example Local 1", "office " + "x".repeat(81)],
    ["Local 1", "Local\u200b1"], ["Local 1", "Local\u00a01"], ["sequence 7", "sequence 07"], ["sequence 7", "sequence 1000000"],
    ["issued 2031-05-05", "issued 2031-05-19"], ["issued 2031-05-05", "issued 2031-02-30"], ["expires 2031-05-18", "expires 2031-05-17"],
    ["slots 3", "slots 2"], ["slots 3", "slots 7"], ["desk ssh-ed25519", "desk ssh-rsa"], ["counsel age1pq1", "counsel AGE1PQ1"],
    ["week 2031-05-12", "week 2031-05-13"], [recipients[2], recipients[1]], ["week 2031-05-05 2031", "week 2031-05-05  2031"],
  ];
  for (const [from, to] of changes) assert.equal(await faultOf(() => readSigned(good.replace(from, to))), "keys-grammar", `${from} to ${to}`);
  assert.equal(await faultOf(() => readSigned(good.trimEnd())), "keys-grammar");
  assert.equal(await faultOf(() => readSigned(good + "\n")), "keys-grammar");
  assert.equal(await faultOf(() => readSigned(good.replaceAll("\n", "\r\n"))), "keys-grammar");
});

test("keys-sequence: below the floor", async () => {
  assert.equal(await faultOf(() => readSigned(good, 8)), "keys-sequence");
  assert.equal(readSigned(good, 7).sequence, 7);
});

test("keys-expired and keys-week", async () => {
  const list = readSigned(good);
  assert.equal(weekOf(list, "2031-05-11").first, "2031-05-05");
  assert.equal(weekOf(list, "2031-05-12").first, "2031-05-12");
  assert.equal(await faultOf(() => weekOf(list, "2031-05-19")), "keys-expired");
  assert.equal(await faultOf(() => weekOf(list, "2031-05-04")), "keys-week");
});

test("days are days of the calendar", () => {
  const bad = ["2031-02-29", "2031-13-01", "2031-5-6", "0000-01-01", "2031-05-06 ", "", "tomorrow"];
  assert.deepEqual(["2032-02-29", ...bad].filter(isDay), ["2032-02-29"]);
});
