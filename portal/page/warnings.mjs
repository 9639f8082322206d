// SPDX-License-Identifier: AGPL-3.0-or-later
import { combine, find as detect, inUnits, RULES } from "./detectors.mjs";
import { find, make } from "./dom.mjs";

const SHOWN_PLACES = 3; // of one kind; the others are marked in the text all the same
const SHOWN_UNITS = 60; // of one place

/** One thing that could harm, and where it stands. @typedef {{ rule: string, urgent: boolean, places: string[] }} Finding
 * @typedef {import("./detectors.mjs").Hit} Hit */

/** What could harm someone in a text: to be told once a kind, what is urgent first, and to be marked in its place.
 * @param {string} text @param {Record<string, unknown>} answers @returns {{ findings: Finding[], hits: Hit[] }} */
export function look(text, answers) {
  const all = detect(text);
  const loud = all.filter(({ rule }) => !RULES.find(({ id }) => id === rule)?.quiet);
  const together = combine(all, answers)?.hits.map((hit) => ({ ...hit, rule: "combination" })) ?? [];
  const hits = inUnits(text, [...loud, ...together]);
  const findings = [...new Set(hits.map(({ rule }) => rule))].map((rule) => ({
    rule,
    urgent: RULES.some(({ id, group }) => id === rule && group === "urgent"),
    places: placesOf(text, hits.filter((hit) => hit.rule === rule)),
  }));
  return { findings: findings.sort((a, b) => Number(b.urgent) - Number(a.urgent)), hits };
}

/** Explain what was found. Nothing is changed, and nothing stands in the way of sending.
 * @param {HTMLElement} root @param {Finding[]} findings @param {import("./dom.mjs").Say} say */
export function showWarnings(root, findings, say) {
  const box = find(root, "[data-warnings]", HTMLElement);
  box.hidden = findings.length === 0;
  find(box, "[data-warnings-list]", HTMLElement).replaceChildren(...findings.map(({ rule, urgent, places }) => {
    const item = make("li", "", urgent ? "warning warning--urgent" : "warning");
    item.dataset.rule = rule;
    item.append(make("p", say(`detector.${rule}`), "warning__title"), make("p", say(`detector.${rule}.hint`)));
    if (places.length) item.append(make("p", places.join(" · "), "hint"));
    return item;
  }));
}

/** The text as it is, with every place that was found inside a mark.
 * @param {string} text @param {readonly Hit[]} hits in units */
export function marked(text, hits) {
  const paragraph = make("p", "", "facts__text");
  let done = 0;
  for (const { start, end } of [...hits].sort((a, b) => a.start - b.start)) {
    if (end <= done) continue;
    paragraph.append(text.slice(done, Math.max(start, done)), make("mark", text.slice(Math.max(start, done), end)));
    done = end;
  }
  paragraph.append(text.slice(done));
  return paragraph;
}

/** The first different places, shortened. @param {string} text @param {Hit[]} hits */
function placesOf(text, hits) {
  const words = hits.map(({ start, end }) => text.slice(start, end).trim().split(/\s+/).join(" ")).filter(Boolean);
  const short = words.map((place) => (place.length > SHOWN_UNITS ? `${place.slice(0, SHOWN_UNITS).trimEnd()} …` : place));
  return [...new Set(short)].slice(0, SHOWN_PLACES);
}
