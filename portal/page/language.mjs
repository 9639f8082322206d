// SPDX-License-Identifier: AGPL-3.0-or-later
// The languages of the page: all ride in it, so that choosing one asks nobody for anything.
import { SHOWN } from "./detectors.mjs";
import { carried } from "./dom.mjs";

const FIRST = document.documentElement.lang;
/** @type {Text[]} */
const nodes = [];
const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const { currentNode: node } = walker;
  if (node instanceof Text && node.data.trim() && !node.parentElement?.matches("script, style")) nodes.push(node);
}
const texts = nodes.map(({ data }) => data.trim());

// The names of what the script says, as render.py orders them: those that the page carries, then two for each sentence
// with a hint, of rules and of routes.
const { routes } = /** @type {import("./deadlines.mjs").Profile} */ (carried("deadlines"));
const hinted = [...SHOWN.map((id) => `detector.${id}`), ...routes.map(({ id }) => `deadline.${id}`)];
const names = [...attribute("names").split(" "), ...hinted.flatMap((name) => [name, name + ".hint"])];
/** @type {Record<string, string>} */
const words = {};

/** The codes of the languages that the page speaks, its first one in front. */
export const LANGUAGES = attribute("languages").split(" ");

/** Says a sentence in the language that is chosen. @type {import("./dom.mjs").Say} */
export const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

/** Speak a language of the page; what the script has said before is the caller's to say again. @param {string} code */
export function speak(code) {
  const lines = attribute("words-" + code).split("\n"); // what the script says, then every text of the page in its order
  const page = code === FIRST ? texts : lines.slice(names.length);
  document.documentElement.lang = code;
  nodes.forEach((node, i) => {
    node.data = node.data.replace(node.data.trim(), () => page[i]);
  });
  names.forEach((name, i) => {
    words[name] = lines[i];
  });
}

speak(FIRST);

/** @param {string} name of what the page's body carries */
function attribute(name) {
  return document.body.getAttribute("data-" + name) ?? "";
}
