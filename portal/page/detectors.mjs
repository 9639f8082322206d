// SPDX-License-Identifier: AGPL-3.0-or-later
// What in an officer's words could harm someone: found and explained, never changed. The desk runs the same list.
import list from "../../intake/detectors.json" with { type: "json" };
import { characterClass, converted, mixedWords, plainCopy, runs } from "./plaincopy.mjs";

/** One place in a text. `start` and `end` count code points.
 * @typedef {{ rule: string, start: number, end: number }} Hit
 * A quiet rule is shown to nobody alone: it counts in combinations, as its `part`.
 * @typedef {{ id: string, group: string, quiet?: boolean, part?: string, once?: boolean, any?: string[], cased?: string[],
 *   opening?: string[], runs?: "invisible" | "control", mixed?: string,
 *   near?: { one: string[], other: string[], within: number } }} Rule
 * @typedef {import("./plaincopy.mjs").Span} Span
 * @typedef {import("./plaincopy.mjs").Ranges} Ranges */

const COMBINATION_PARTS = 3; // origin, month, place, person and harm: three of them can be enough to know a case

const CLASSES = /** @type {Record<"invisible" | "control" | "pictures", Ranges>} */ (/** @type {unknown} */ (list.classes));
const { min_letters, ...alphabets } = list.alphabets;
const ALPHABETS = /** @type {Ranges[]} */ (Object.values(alphabets));
export const RULES = /** @type {Rule[]} */ (list.rules);
/** What is shown with a sentence and a hint: every rule that is not quiet, then `combine`. */
export const SHOWN = [...RULES.filter(({ quiet }) => !quiet).map(({ id }) => id), "combination"];

const dropped = characterClass([...CLASSES.invisible, .../** @type {Ranges} */ (list.plain.drop)]);
const pictures = characterClass(CLASSES.pictures);
const word = characterClass(ALPHABETS.flat(), `{${min_letters},}`);
const each = ALPHABETS.map((ranges) => characterClass(ranges));
const written = new Map(/** @type {[string, string[]][]} */ (list.plain.as).flatMap(([character, codes]) =>
  codes.map((code) => [String.fromCodePoint(parseInt(code, 16)), character])));
/** @type {Map<string, RegExp>} */
const compiled = new Map();

/** Every hit in the order of the text; time grows with its length and no faster.
 * A hit that begins and ends inside what an earlier rule of the list has marked is left out, unless it is quiet.
 * @param {string} text @returns {Hit[]} */
export function find(text) {
  const copy = plainCopy(text, dropped, written);
  const marked = new Uint8Array(text.length + 1);
  /** @type {(Hit & { order: number })[]} */
  const found = [];
  RULES.forEach((rule, order) => {
    const spans = rule.near ? neighbours(rule.near, found) : joined(spansOf(rule, text, copy));
    for (const [start, end] of rule.near || rule.quiet ? spans : unmarked(spans, marked)) found.push({ rule: rule.id, start, end, order });
  });
  return found.sort(inOrder).map(({ rule, start, end }) => ({ rule, start, end }));
}

/** The hits in UTF-16 units, as JavaScript cuts text. @param {string} text @param {readonly Hit[]} hits @returns {Hit[]} */
export function inUnits(text, hits) {
  const places = [...new Set(hits.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const units = converted(text, places, "units");
  const unit = new Map(places.map((place, i) => [place, units[i]]));
  return hits.map(({ rule, start, end }) => ({ rule, start: unit.get(start) ?? 0, end: unit.get(end) ?? 0 }));
}

/** The quasi-identifiers that together could point to a case, or null when they are few.
 * @param {readonly Hit[]} hits @param {Record<string, unknown>} answers a month given there counts as one in the text
 * @returns {{ parts: string[], hits: Hit[] } | null} */
export function combine(hits, answers) {
  const partOf = (/** @type {Hit} */ { rule }) => RULES.find(({ id }) => id === rule)?.part;
  const counted = hits.filter(partOf);
  const parts = new Set(counted.map((hit) => partOf(hit) ?? ""));
  if (hits.some(({ rule }) => rule === "date") || /^[0-9]{4}-[0-9]{2}$/.test(String(answers.event_month ?? ""))) parts.add("month");
  if (parts.size < COMBINATION_PARTS || !(parts.has("origin") || parts.has("harm")) || !counted.length) return null;
  return { parts: [...parts].sort(), hits: counted };
}

/** @param {Rule} rule @param {string} text @param {import("./plaincopy.mjs").Copy} copy @returns {Span[]} */
function spansOf(rule, text, copy) {
  if (rule.runs) return inPoints(text, runs(text, characterClass(CLASSES[rule.runs], "+"), pictures));
  if (rule.mixed) return inPoints(text, mixedWords(text, word, each));
  const matches = [
    ...(rule.any ?? []).flatMap((source) => [...copy.lower.matchAll(pattern(source))]),
    ...(rule.cased ?? []).flatMap((source) => [...copy.text.matchAll(pattern(source))]),
    ...(rule.opening ?? []).flatMap((source) => [...copy.lower.matchAll(pattern(source))].filter(({ index }) => index === 0)),
  ];
  return (rule.once ? matches.slice(0, 1) : matches).map(({ 0: whole, 2: value = whole, index = 0 }) => {
    const end = index + whole.length;
    return [copy.starts[end - value.length], copy.ends[end - 1]];
  });
}

/** A pattern of the list as this engine reads it. @param {string} source */
function pattern(source) {
  let known = compiled.get(source);
  if (!known) {
    let whole = source;
    while (whole.includes("~")) whole = whole.replace(/~(\w+)~/g, (_, name) => /** @type {Record<string, string>} */ (list.parts)[name]);
    compiled.set(source, (known = new RegExp(whole.replaceAll(" ", "\\s"), "gmu")));
  }
  return known;
}

/** The spans of one rule in order, those that overlap as one. @param {Span[]} spans */
function joined(spans) {
  /** @type {Span[]} */
  const whole = [];
  for (const [start, end] of spans.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = whole[whole.length - 1];
    if (last && start < last[1]) last[1] = Math.max(last[1], end);
    else whole.push([start, end]);
  }
  return whole;
}

/** The spans that say something new, now marked. @param {Span[]} spans @param {Uint8Array} marked */
const unmarked = (spans, marked) => spans.filter(([start, end]) => {
  if (marked[start] && marked[end - 1]) return false;
  marked.fill(1, start, end);
  return true;
});

/** The spans over one of each kind that follow each other with little between.
 * @param {{ one: string[], other: string[], within: number }} near @param {(Hit & { order: number })[]} found @returns {Span[]} */
function neighbours({ one, other, within }, found) {
  const ours = found.filter(({ rule }) => one.includes(rule) || other.includes(rule)).sort(inOrder);
  return ours.slice(1).flatMap((then, i) => {
    const { rule, start, end } = ours[i];
    const close = one.includes(rule) !== one.includes(then.rule) && then.start - end <= within;
    return close ? [/** @type {Span} */ ([start, Math.max(end, then.end)])] : [];
  });
}

/** @param {Hit & { order: number }} a @param {Hit & { order: number }} b */
const inOrder = (a, b) => a.start - b.start || a.end - b.end || a.order - b.order;

/** @param {string} text @param {Span[]} spans @returns {Span[]} */
function inPoints(text, spans) {
  const points = converted(text, spans.flat(), "points");
  return spans.map((_, i) => [points[2 * i], points[2 * i + 1]]);
}
