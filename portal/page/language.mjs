// SPDX-License-Identifier: AGPL-3.0-or-later
// The languages of the page: all ride in it, so that choosing one asks nobody for anything.
import { carried } from "./dom.mjs";

/** One language: every text of the page in the order of the page, then what the script says in the order of its keys.
 * @typedef {{ page: string[], say: string[] }} Language */

const FIRST = document.documentElement.lang;
/** @type {Text[]} */
const nodes = [];
const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const { currentNode: node } = walker;
  if (node instanceof Text && node.data.trim() && !node.parentElement?.matches("script, style")) nodes.push(node);
}

/** @type {Record<string, string>} */
const words = carried("words");
/** @type {Record<string, Language>} */
const languages = {
  [FIRST]: { page: nodes.map(({ data }) => data.trim()), say: Object.values(words) },
  ...carried("languages"),
};

/** The codes of the languages that the page speaks, its first one in front. */
export const LANGUAGES = Object.keys(languages);

/** Says a sentence in the language that is chosen. @type {import("./dom.mjs").Say} */
export const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

/** Speak a language of the page; what the script has said before is the caller's to say again. @param {string} code */
export function speak(code) {
  const { page, say: sentences } = languages[code];
  document.documentElement.lang = code;
  nodes.forEach((node, i) => {
    node.data = node.data.replace(node.data.trim(), () => page[i]);
  });
  Object.keys(words).forEach((key, i) => {
    words[key] = sentences[i];
  });
}
