// SPDX-License-Identifier: AGPL-3.0-or-later
import { bech32 } from "@scure/base";
import { Untrusted } from "./faults.mjs";
import { parsePublicKey, verify } from "./sshsig.mjs";

const MAX_BYTES = 262144; // FORMAT.md 4
const NAMESPACE = "keys@underseal";
const DAY_MS = 86400000;

/** @typedef {{ first: string, last: string, recipients: string[] }} Week
 *  @typedef {{ office: string, sequence: number, issued: string, expires: string, slots: number, desk: string,
 *    couriers: string[], counsel: string, weeks: Week[] }} KeyList */

/** The key list that the root signed. The signature is checked before the text is read. FORMAT.md 4.
 * @param {Uint8Array} data @param {string} signature @param {import("./sshsig.mjs").PublicKey} root
 * @param {number} floor the lowest sequence this reader accepts
 * @returns {KeyList} @throws {Untrusted} */
export function readKeyList(data, signature, root, floor = 1) {
  const text = decode(data);
  try {
    verify(data, signature, root, NAMESPACE);
  } catch {
    throw new Untrusted("keys-signature", "the key list is not signed by this office's root");
  }
  const list = parse(text);
  if (list.sequence < floor) throw new Untrusted("keys-sequence", "the key list is older than one already known");
  return list;
}

/** The week that covers a day. @param {KeyList} list @param {string} today YYYY-MM-DD @throws {Untrusted} */
export function weekOf(list, today) {
  if (!isDay(today)) throw new Untrusted("keys-week", "not a day of the calendar");
  if (today > list.expires) throw new Untrusted("keys-expired", "the key list has expired");
  const week = list.weeks.find(({ first, last }) => first <= today && today <= last);
  if (!week) throw new Untrusted("keys-week", "no week of the key list covers this day");
  return week;
}

/** @param {Uint8Array} data */
function decode(data) {
  const refuse = new Untrusted("keys-size", "the key list is too long or is not text");
  if (data.length > MAX_BYTES) throw refuse;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw refuse;
  }
}

/** @param {string} text @returns {KeyList} */
function parse(text) {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.shift() !== "underseal keys v1") throw grammar();
  const line = reader(lines);
  const list = {
    office: line("office", isOffice),
    sequence: Number(line("sequence", (word) => /^[1-9][0-9]{0,5}$/.test(word))),
    issued: line("issued", isDay),
    expires: line("expires", isDay),
    slots: Number(line("slots", (word) => /^[1-6]$/.test(word))),
    desk: line("desk", isKey),
    couriers: many(() => (lines[0]?.startsWith("courier ") ? line("courier", isKey) : null)),
    counsel: line("counsel", isRecipient),
    weeks: /** @type {Week[]} */ ([]),
  };
  list.weeks = many(() => (lines.length ? readWeek(line, list.slots) : null));
  checkWeeks(list);
  return list;
}

/** @param {string[]} lines @returns {(name: string, good: (value: string) => boolean) => string} */
const reader = (lines) => (name, good) => {
  const next = lines.shift();
  if (!next?.startsWith(name + " ") || !good(next.slice(name.length + 1))) throw grammar();
  return next.slice(name.length + 1);
};

/** @template T @param {() => T | null} next @returns {T[]} */
function many(next) {
  const found = [];
  for (let one = next(); one !== null; one = next()) found.push(one);
  return found;
}

/** @param {ReturnType<typeof reader>} line @param {number} slots @returns {Week} */
function readWeek(line, slots) {
  const [first, last] = line("week", (value) => value.split(" ").every(isDay) && value.length === 21).split(" ");
  const recipients = Array.from({ length: slots }, () => line("recipient", isRecipient));
  if (new Set(recipients).size !== slots) throw grammar();
  return { first, last, recipients };
}

/** @param {KeyList} list */
function checkWeeks({ weeks, couriers, issued, expires }) {
  const good = weeks.every(({ first, last }, i) =>
    new Date(first).getUTCDay() === 1 && addDays(first, 6) === last && (i === 0 || addDays(weeks[i - 1].last, 1) === first));
  const counts = weeks.length >= 1 && weeks.length <= 14 && couriers.length >= 1 && couriers.length <= 4;
  if (!good || !counts || weeks[weeks.length - 1].last !== expires || issued > expires) throw grammar();
}

/** @param {string} day @param {number} days */
export const addDays = (day, days) => new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);

/** @param {string} from @param {string} to */
export const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);

/** A real day of the calendar, YYYY-MM-DD. @param {string} text */
export const isDay = (text) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) && !text.startsWith("0000")
  && !Number.isNaN(Date.parse(text)) && addDays(text, 0) === text;

/** @param {string} text */
const isOffice = (text) => /^(?:[^\p{C}\p{Z}]| ){1,80}$/u.test(text) && text === text.trim();

/** @param {string} text */
const isKey = (text) => passes(() => parsePublicKey(text));

/** @param {string} text */
const isRecipient = (text) => text.startsWith("age1pq1") && passes(() => {
  const { prefix, words } = bech32.decode(/** @type {`age1pq1${string}`} */ (text), false);
  if (String(prefix) !== "age1pq" || bech32.fromWords(words).length !== 1216) throw grammar();
});

/** @param {() => unknown} check */
function passes(check) {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

const grammar = () => new Untrusted("keys-grammar", "the key list does not follow its grammar");
