// SPDX-License-Identifier: AGPL-3.0-or-later
// Days of the calendar as numbers, months that end in time, and the workdays between holidays.
import { Fault } from "./faults.mjs";

/** A holiday by its date, or as the nth weekday (Sunday 0) of a month, -1 the last. `from` is its first year.
 * @typedef {{ id: string, month: number, day?: number, weekday?: number, nth?: number, from?: number }} Holiday
 * One that falls on a Saturday or Sunday is kept so many days later.
 * @typedef {{ basis: string, saturday: number, sunday: number, days: Holiday[] }} Holidays */

const DAY_MS = 86_400_000;
const FIRST_YEAR = 1990; // before, and after, no profile of ours claims to know the holidays
const LAST_YEAR = 2100;
const SATURDAY = 6;

/** @type {WeakMap<Holidays, Map<number, Set<number>>>} */
const years = new WeakMap();

/** A day as a number that grows by one each day. @param {string} day `YYYY-MM-DD` @throws {Fault} `day` */
export function numberOf(day) {
  const number = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(day) ? Date.parse(day) / DAY_MS : NaN;
  if (Number.isNaN(number) || yearOf(number) < FIRST_YEAR || yearOf(number) > LAST_YEAR || dayOf(number) !== day) {
    throw new Fault("day", `not a day from ${FIRST_YEAR} to ${LAST_YEAR}`);
  }
  return number;
}

/** @param {number} number */
export const dayOf = (number) => new Date(number * DAY_MS).toISOString().slice(0, 10);

/** The same day some months on, or the last of a month that is shorter. @param {number} number @param {number} months */
export function monthsAfter(number, months) {
  const date = new Date(number * DAY_MS);
  const at = (/** @type {number} */ month, /** @type {number} */ day) => Date.UTC(date.getUTCFullYear(), month, day) / DAY_MS;
  const month = date.getUTCMonth() + months;
  return Math.min(at(month, date.getUTCDate()), at(month + 1, 0));
}

/** The nth workday after a day. @param {Holidays} holidays @param {number} number @param {number} count */
export function workdaysAfter(holidays, number, count) {
  let at = number;
  for (let left = count; left > 0; ) if (isWorkday(holidays, ++at)) left--;
  return at;
}

/** Whether offices are open: not a Saturday, a Sunday or the day a holiday is kept. @param {Holidays} holidays @param {number} number */
export function isWorkday(holidays, number) {
  const weekday = weekdayOf(number);
  if (weekday === 0 || weekday === SATURDAY) return false;
  const year = yearOf(number);
  return !keptIn(holidays, year).has(number) && !keptIn(holidays, year + 1).has(number); // New Year's Day may be kept in December
}

/** The days on which the holidays of a year are kept, in order. @param {Holidays} holidays @param {number} year */
export const holidaysOf = (holidays, year) => [...keptIn(holidays, year)].sort((a, b) => a - b).map(dayOf);

/** @param {Holidays} holidays @param {number} year @returns {Set<number>} */
function keptIn(holidays, year) {
  const known = years.get(holidays) ?? new Map();
  years.set(holidays, known);
  let kept = known.get(year);
  if (!kept) known.set(year, (kept = new Set(holidays.days.filter(({ from = 0 }) => from <= year).map((day) => keptOn(holidays, day, year)))));
  return kept;
}

/** @param {Holidays} holidays @param {Holiday} holiday @param {number} year */
function keptOn({ saturday, sunday }, { month, day, weekday = 0, nth = 0 }, year) {
  if (day !== undefined) {
    const number = Date.UTC(year, month - 1, day) / DAY_MS;
    const falls = weekdayOf(number);
    return number + (falls === SATURDAY ? saturday : falls === 0 ? sunday : 0);
  }
  const edge = (nth > 0 ? Date.UTC(year, month - 1, 1) : Date.UTC(year, month, 0)) / DAY_MS;
  const toFirst = nth > 0 ? (weekday - weekdayOf(edge) + 7) % 7 : -((weekdayOf(edge) - weekday + 7) % 7);
  return edge + toFirst + (nth > 0 ? nth - 1 : nth + 1) * 7;
}

/** @param {number} number */
const weekdayOf = (number) => (((number + 4) % 7) + 7) % 7; // 1970-01-01 was a Thursday

/** @param {number} number */
const yearOf = (number) => new Date(number * DAY_MS).getUTCFullYear();
