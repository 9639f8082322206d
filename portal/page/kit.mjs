// SPDX-License-Identifier: AGPL-3.0-or-later
// What the kit does without a network: the key lists ride in it, signed by the root like those of the portal.
import { utf8 } from "./bytes.mjs";
import { Untrusted } from "./faults.mjs";
import { addDays, readKeyList, weekOf } from "./keylist.mjs";

export const KEPT_DAYS = 14; // a week's identities are destroyed this long after its end

/** A key list as text, and its signature. @typedef {[string, string]} Carried */

/** The week that covers a day, from the last of the lists that has it.
 * @param {readonly Carried[]} lists in the order of their sequences @param {import("./sshsig.mjs").PublicKey} root
 * @param {number} floor @param {string} today
 * @returns {import("./keylist.mjs").Week} @throws {Untrusted} for a list that the root did not sign, or no such week */
export function weekOfKit(lists, root, floor, today) {
  let none = new Untrusted("keys-week", "no list covers this day");
  for (const [text, signature] of [...lists].reverse()) {
    const keys = readKeyList(utf8(text), signature, root, floor);
    try {
      return weekOf(keys, today);
    } catch (error) {
      if (!(error instanceof Untrusted)) throw error;
      none = error;
    }
  }
  throw none;
}

/** The last day on which a letter of this week can be handed in, so that a courier still comes before its keys go:
 * never before the week's end, since the keys also stay until a bundle was received that was pulled after it.
 * @param {{ last: string }} week @param {number} collectDays @returns {string} */
export const handInBy = ({ last }, collectDays) => addDays(last, Math.max(0, KEPT_DAYS - collectDays));
