// SPDX-License-Identifier: AGPL-3.0-or-later
// Routes and their days, counted here from a day that is never sent. What counts is data: intake/deadlines.
import { dayOf, isWorkday, monthsAfter, numberOf, workdaysAfter } from "./calendar.mjs";
import { Fault } from "./faults.mjs";

/** One route. `due`: you file by then. `opens`: you may file from the day after. `answer`: others answer by then.
 * `soft`: no fixed day, and yet not for ever. Without a count the contract says it.
 * @typedef {{ id: string, trigger: string, sense: "due" | "opens" | "answer" | "soft", count: number | null,
 *   unit: "calendar_days" | "workdays" | "months", roll: "none" | "next_workday", basis: string, verified: boolean,
 *   needs?: "chapter71", configured?: boolean, owner?: "desk" | "union" }} Route
 * @typedef {{ id: string, routes: string[], basis: string, verified: boolean }} Election
 * @typedef {{ profile: string, as_of: string, chapter71: "in_force" | "excluded", disputed: boolean, notes: string[],
 *   holidays: import("./calendar.mjs").Holidays, routes: Route[], elections: Election[] }} Profile
 * The day counted to, the last day that still holds, and the workday on which to have filed.
 * @typedef {{ unrolled: string, hard_due: string, file_by: string }} Due
 * @typedef {{ file_by: string, open_until_at_least: string, certainly_past_after: string }} Span
 * What the page shows of one route: `state` and `standing` are keys of words.
 * @typedef {{ route: Route, state: "open" | "maybe" | "passed" | "date" | "contract", standing: Standing,
 *   due: Due | null, span: Span | null }} Outlook
 * @typedef {"open" | "disputed" | "closed"} Standing */

/** The days of a route that began on this day. Day 1 is the day after.
 * @param {Profile} profile @param {Route} route one with a count @param {string} day @returns {Due}
 * @throws {Fault} `day`: not a day from 1990 to 2100 */
export function dueFrom({ holidays }, route, day) {
  const unrolled = counted(holidays, route, numberOf(day));
  return {
    unrolled: dayOf(unrolled),
    hard_due: dayOf(route.roll === "next_workday" ? nearest(holidays, unrolled, 1) : unrolled),
    file_by: dayOf(nearest(holidays, unrolled, -1)),
  };
}

/** The workday on which to have filed, at or before the day counted to. @param {Profile} profile @param {Route} route @param {string} day */
export const fileBy = (profile, route, day) => dueFrom(profile, route, day).file_by;

/** The last day that holds, by the route's own rule. @param {Profile} profile @param {Route} route @param {string} day */
export const hardDue = (profile, route, day) => dueFrom(profile, route, day).hard_due;

/** What is known of a route's days when only the month is: act on the first, despair not before the last.
 * @param {Profile} profile @param {Route} route @param {string} month `YYYY-MM` @returns {Span} @throws {Fault} `day` */
export function spanFrom(profile, route, month) {
  const first = `${month}-01`;
  const last = dayOf(monthsAfter(numberOf(first), 1) - 1);
  const { file_by, hard_due } = dueFrom(profile, route, first);
  return { file_by, open_until_at_least: hard_due, certainly_past_after: hardDue(profile, route, last) };
}

/** Every route that begins so, those to file first in the order of the days to file by.
 * @param {Profile} profile @param {string} trigger @param {string} when a day or a month @param {string} today
 * @returns {Outlook[]} @throws {Fault} `day` */
export function outlook(profile, trigger, when, today) {
  for (const day of [today, when.length === 7 ? `${when}-01` : when]) numberOf(day);
  const rows = profile.routes.filter((route) => route.trigger === trigger).map((route) => lookOut(profile, route, when, today));
  const key = (/** @type {Outlook} */ { due, span, route }) => (route.sense === "due" ? due?.file_by ?? span?.file_by : undefined) ?? "later";
  return rows.sort((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
}

/** Whether this regime knows the route: a contested one is shown with its days, since they run whoever is right.
 * @param {Profile} profile @param {Route} route @returns {Standing} */
export function standing({ chapter71, disputed }, { needs }) {
  if (needs !== "chapter71" || chapter71 === "in_force") return "open";
  return disputed ? "disputed" : "closed";
}

/** Warnings about routes of which the first one filed shuts the others. @param {Profile} profile @param {readonly string[]} ids */
export const elections = (profile, ids) => profile.elections.filter(({ routes }) => {
  const open = profile.routes.filter((route) => routes.includes(route.id) && standing(profile, route) !== "closed");
  return open.length > 1 && open.some(({ id }) => ids.includes(id));
});

/** The keys of what to say about a route, in order. @param {Outlook} outlook @returns {string[]} */
export function wordsOf({ route, state, standing: stands }) {
  return [
    `deadline.${route.id}`, state === "date" ? `deadline.sense.${route.sense}` : `deadline.state.${state}`,
    ...(stands === "open" ? [] : [`deadline.standing.${stands}`]), ...(route.configured ? ["deadline.configured"] : []),
    ...(route.verified ? [] : ["deadline.unverified"]), `deadline.${route.id}.hint`,
  ];
}

/** @param {Profile} profile @param {Route} route @param {string} when @param {string} today @returns {Outlook} */
function lookOut(profile, route, when, today) {
  const row = { route, standing: standing(profile, route), due: null, span: null };
  if (route.count === null) return { ...row, state: "contract" };
  if (when.length === 7) {
    const span = spanFrom(profile, route, when);
    return { ...row, span, state: stateOf(route, today, span.open_until_at_least, span.certainly_past_after) };
  }
  const due = dueFrom(profile, route, when);
  return { ...row, due, state: stateOf(route, today, due.hard_due, due.hard_due) };
}

/** @param {Route} route @param {string} today @param {string} surely @param {string} possibly */
function stateOf({ sense }, today, surely, possibly) {
  if (sense !== "due") return "date";
  if (today <= surely) return "open";
  return today <= possibly ? "maybe" : "passed";
}

/** @param {Profile["holidays"]} holidays @param {Route} route @param {number} from */
function counted(holidays, { id, count, unit }, from) {
  if (count === null) throw new Fault("route", `the contract says the days of ${id}`);
  if (unit === "months") return monthsAfter(from, count);
  return unit === "workdays" ? workdaysAfter(holidays, from, count) : from + count;
}

/** The nearest workday on this day or, by step, after or before it. @param {Profile["holidays"]} holidays @param {number} day @param {1 | -1} step */
function nearest(holidays, day, step) {
  let at = day;
  while (!isWorkday(holidays, at)) at += step;
  return at;
}
