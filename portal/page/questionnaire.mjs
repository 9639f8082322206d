// SPDX-License-Identifier: AGPL-3.0-or-later
import { Malformed } from "./faults.mjs";

/** A question that is data: its words stand in intake/words, its options here.
 * @typedef {{ id: string, type: "choice" | "choices" | "month", required?: boolean, options: string[],
 *   options_from?: "regions", default?: string, span?: "past" | "future" }} Field
 * @typedef {{ id: string, default: boolean, fixed?: boolean }} Switch
 * @typedef {{ id: string, version: string, attachments: boolean, text_max_bytes: number, text_advised_words: number,
 *   fields: Field[], consent: { text_version: string, switches: Switch[], modifiers: Field[] } }} Questionnaire
 * @typedef {Record<string, string | string[]>} Answers
 * @typedef {Record<string, boolean | string>} Consent */

/** Passes when answers and consent are ones the questionnaire allows. FORMAT.md 6, step 6.
 * @param {Questionnaire} questionnaire @param {Answers} answers @param {Consent} consent
 * @param {readonly string[]} regions the office's region ids
 * @throws {Malformed} with the fault `letter-answers` */
export function checkAnswers(questionnaire, answers, consent, regions) {
  const { fields, consent: { text_version, switches, modifiers } } = questionnaire;
  checkNames(answers, fields.map(({ id }) => id), fields.filter(({ required }) => required).map(({ id }) => id));
  for (const field of fields) if (field.id in answers) checkAnswer(field, answers[field.id], regions);
  const names = [...switches, ...modifiers].map(({ id }) => id).concat("text_version");
  checkNames(consent, names, names);
  for (const { id, fixed, default: value } of switches) {
    if (typeof consent[id] !== "boolean" || (fixed && consent[id] !== value)) throw refuse(id);
  }
  for (const modifier of modifiers) checkAnswer(modifier, consent[modifier.id], regions);
  if (consent.text_version !== text_version) throw refuse("text_version");
}

/** The options of a field, regions included. @param {Field} field @param {readonly string[]} regions */
export const optionsOf = (field, regions) =>
  field.options_from === "regions" ? [...regions, ...field.options] : field.options;

/** @param {Record<string, unknown>} given @param {string[]} allowed @param {string[]} required */
function checkNames(given, allowed, required) {
  const unknown = Object.keys(given).find((name) => !allowed.includes(name));
  const missing = required.find((name) => !Object.hasOwn(given, name));
  if (unknown ?? missing) throw refuse(unknown ?? missing ?? "");
}

/** @param {Field} field @param {unknown} answer @param {readonly string[]} regions */
function checkAnswer(field, answer, regions) {
  const options = optionsOf(field, regions);
  const several = Array.isArray(answer) && answer.every((one) => options.includes(one))
    && new Set(answer).size === answer.length && (answer.length > 0 || !field.required);
  const one = typeof answer === "string" && (options.includes(answer)
    || (field.type === "month" && /^[0-9]{4}-(0[1-9]|1[0-2])$/.test(answer)));
  if (field.type === "choices" ? !several : !one) throw refuse(field.id);
}

/** @param {string} id */
const refuse = (id) => new Malformed("letter-answers", `the answer to ${id} is not one that the questionnaire allows`);
