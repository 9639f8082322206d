// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { faultOf, load, newRecipient, SshKey } from "./project.mjs";

const { handInBy, weekOfKit } = await load("kit.mjs");
const { addDays } = await load("keylist.mjs");
const { parsePublicKey } = await load("sshsig.mjs");

const root = new SshKey();
const stranger = new SshKey();
after(() => [root, stranger].forEach((one) => one.discard()));
const key = parsePublicKey(root.text);
const recipients = await Promise.all([1, 2, 3].map(newRecipient));

/** A signed list of one recipient a week. */
function list(sequence, first, own, signer = root) {
  const weeks = own.flatMap((recipient, i) => [`week ${addDays(first, 7 * i)} ${addDays(first, 7 * i + 6)}`, `recipient ${recipient}`]);
  const text = [
    "underseal keys v1", "office Example Local 1", `sequence ${sequence}`, `issued ${first}`,
    `expires ${addDays(first, 7 * own.length - 1)}`, "slots 1", `desk ${root.text}`, `courier ${root.text}`,
    `counsel ${recipients[0]}`, ...weeks,
  ].join("\n") + "\n";
  return [text, signer.sign(text, "keys@underseal")];
}

const lists = [list(7, "2031-05-05", recipients.slice(0, 2)), list(8, "2031-05-12", recipients.slice(1, 3))];

test("each day of the lists has its week, and the last list that has it counts", async () => {
  assert.deepEqual(weekOfKit(lists, key, 1, "2031-05-11").recipients, [recipients[0]]);
  assert.deepEqual(weekOfKit(lists, key, 1, "2031-05-25").recipients, [recipients[2]]);
  const renewed = [list(7, "2031-05-05", [recipients[0]]), list(8, "2031-05-05", [recipients[1]])];
  assert.deepEqual(weekOfKit(renewed, key, 1, "2031-05-05").recipients, [recipients[1]]);
});

test("a day before or after all lists has none, and a kit without lists has none at all", async () => {
  assert.match(await faultOf(() => weekOfKit(lists, key, 1, "2031-05-04")), /^keys-(week|expired)$/);
  assert.match(await faultOf(() => weekOfKit(lists, key, 1, "2031-05-26")), /^keys-(week|expired)$/);
  assert.equal(await faultOf(() => weekOfKit([], key, 1, "2031-05-05")), "keys-week");
});

test("a list that the root did not sign stops everything, even when another covers the day", async () => {
  const forged = [list(7, "2031-05-05", recipients.slice(0, 2), stranger), lists[1]];
  assert.equal(await faultOf(() => weekOfKit(forged, key, 1, "2031-05-05")), "keys-signature");
  const replaced = [lists[0], list(9, "2031-05-05", [recipients[2]], stranger)];
  assert.equal(await faultOf(() => weekOfKit(replaced, key, 1, "2031-05-05")), "keys-signature");
});

test("a list below the floor ends a kit, whatever stands behind it: it was replaced", async () => {
  assert.deepEqual(weekOfKit(lists, key, 8, "2031-05-18").recipients, [recipients[1]]);
  assert.equal(await faultOf(() => weekOfKit(lists, key, 8, "2031-05-11")), "keys-sequence");
  assert.equal(await faultOf(() => weekOfKit(lists, key, 9, "2031-05-18")), "keys-sequence");
});

test("a letter is handed in before its keys go, with time for the courier", () => {
  assert.equal(handInBy({ last: "2031-05-11" }, 7), "2031-05-18");
  assert.equal(handInBy({ last: "2031-02-23" }, 3), "2031-03-06");
  assert.equal(handInBy({ last: "2031-05-11" }, 90), "2031-05-11");
});
