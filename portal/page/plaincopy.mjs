// SPDX-License-Identifier: AGPL-3.0-or-later
// A plain copy of a text for detectors, and where each of its characters came from; classes of code points.

const OTHER = "\ufffd";
const JOINER = "\u200d"; // joins pictures such as a family; anywhere else it is invisible

/** Text of ASCII and U+FFFD. Character i came from the code points starts[i] to ends[i] of the original.
 * @typedef {{ text: string, lower: string, starts: number[], ends: number[] }} Copy
 * @typedef {[first: string, last: string][]} Ranges  hexadecimal code points
 * @typedef {[start: number, end: number]} Span */

/** NFKC, accents off, dashes and quotes plain, invisible characters left out.
 * @param {string} text @param {RegExp} dropped a global class @param {Map<string, string>} written @returns {Copy} */
export function plainCopy(text, dropped, written) {
  /** @type {Map<string, string>} */
  const known = new Map();
  const starts = [];
  const ends = [];
  let plain = "";
  let at = 0;
  for (const character of text) {
    let folded = known.get(character);
    if (folded === undefined) known.set(character, (folded = fold(character, dropped, written)));
    for (let i = 0; i < folded.length; i++) {
      starts.push(at);
      ends.push(at + 1);
    }
    if (!folded && ends.length) ends[ends.length - 1] = at + 1; // an accent belongs to its letter
    plain += folded;
    at++;
  }
  return { text: plain, lower: plain.toLowerCase(), starts, ends };
}

/** @param {string} character @param {RegExp} dropped @param {Map<string, string>} written */
function fold(character, dropped, written) {
  const known = written.get(character);
  if (known !== undefined) return known;
  if (character < "\u0080") return character;
  if (character.replace(dropped, "") === "") return "";
  const parts = character.normalize("NFKD").replace(dropped, "");
  const folded = Array.from(parts, (part) => written.get(part) ?? part).join("");
  return folded && [...folded].every((part) => part < "\u0080") ? folded : OTHER;
}

/** What matches code points of these ranges. @param {Ranges} ranges @param {string} [times] */
export const characterClass = (ranges, times = "") =>
  new RegExp(`[${ranges.map(([first, last]) => `\\u{${first}}-\\u{${last}}`).join("")}]${times}`, "gu");

/** Where such characters stand, neighbours together; one joiner between two pictures does not count.
 * @param {string} text @param {RegExp} characters @param {RegExp} pictures @returns {Span[]} in UTF-16 units */
export const runs = (text, characters, pictures) => spans(text, characters).filter(([start, end]) => {
  const beside = () => [Array.from(text.slice(Math.max(start - 2, 0), start)).pop() ?? "", Array.from(text.slice(end, end + 2))[0] ?? ""];
  return text.slice(start, end) !== JOINER || !beside().every((character) => character.search(pictures) === 0);
});

/** The words whose letters come from more than one alphabet.
 * @param {string} text @param {RegExp} word @param {RegExp[]} alphabets @returns {Span[]} in UTF-16 units */
export const mixedWords = (text, word, alphabets) => spans(text, word).filter(([start, end]) =>
  alphabets.filter((alphabet) => text.slice(start, end).search(alphabet) >= 0).length > 1);

/** @param {string} text @param {RegExp} pattern @returns {Span[]} */
const spans = (text, pattern) => Array.from(text.matchAll(pattern), ({ 0: found, index = 0 }) => [index, index + found.length]);

/** Places in UTF-16 units for places in code points, in ascending order, or the other way round.
 * @param {string} text @param {number[]} places @param {"units" | "points"} wanted @returns {number[]} */
export function converted(text, places, wanted) {
  let units = 0;
  let points = 0;
  return places.map((place) => {
    while ((wanted === "units" ? points : units) < place) {
      units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
      points++;
    }
    return wanted === "units" ? units : points;
  });
}
