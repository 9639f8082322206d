// SPDX-License-Identifier: AGPL-3.0-or-later
import { Malformed } from "./faults.mjs";

/** A question that is data: its words stand in intake/words, its options here.
 * @typedef {{ id: string, type: "choice" | "choices" | "month" | "number", required?: boolean, options: string[],
 *   options_from?: "regions" | "codes", default?: string, span?: "past" | "future", max?: number }} Field
 * What numbers must hold among themselves: a sum, or none above the next.
 * @typedef {{ id: string, sum?: string[], is?: string, rising?: string[] }} Check
 * The questions of one screen; the letter `facts` opens it, and without one it is always open.
 * @typedef {{ id: string, facts?: string, fields: Field[], checks?: Check[] }} Group
 * @typedef {{ id: string, default: boolean, fixed?: boolean }} Switch
 * With the letters of every code of the kinds offered, from the codebook.
 * @typedef {{ id: string, version: string, attachments: boolean, text_max_bytes: number, text_advised_words: number,
 *   groups: Group[], facts: Record<string, string>,
 *   consent: { text_version: string, switches: Switch[], modifiers: Field[] } }} Questionnaire
 * @typedef {Record<string, string | string[]>} Answers
 * @typedef {Record<string, boolean | string>} Consent
 * @typedef {{ kinds: { id: string, codes: { id: string, facts: string[] }[] }[] }} Codebook */

/** A questionnaire with its codes. @param {any} questionnaire as its file has it @param {Codebook} codebook
 * @returns {Questionnaire} */
export function withCodes(questionnaire, codebook) {
  const offered = fieldsOf(questionnaire).find(({ id }) => id === "kinds")?.options ?? [];
  const codes = codebook.kinds.filter(({ id }) => offered.includes(id)).flatMap((kind) => kind.codes);
  return { ...questionnaire, facts: Object.fromEntries(codes.map(({ id, facts }) => [id, facts.join("")])) };
}

/** Every question. @param {{ groups: Group[] }} questionnaire */
export const fieldsOf = ({ groups }) => groups.flatMap(({ fields }) => fields);

/** The groups that kinds and codes open: a kind without a code opens what any of its codes would.
 * @param {Questionnaire} questionnaire @param {Answers} answers */
export function openGroups({ groups, facts }, answers) {
  const letters = listed(answers.kinds).flatMap((kind) => {
    const codes = Object.keys(facts).filter((code) => kindOf(code) === kind);
    const chosen = codes.filter((code) => listed(answers.codes).includes(code));
    return (chosen.length ? chosen : codes).flatMap((code) => [...facts[code]]);
  });
  return groups.filter((group) => !group.facts || letters.includes(group.facts));
}

/** The answers that are sent: no code without its kind, nothing from a group that is closed.
 * @param {Questionnaire} questionnaire @param {Answers} answers @returns {Answers} */
export function openAnswers(questionnaire, answers) {
  const codes = listed(answers.codes).filter((code) => listed(answers.kinds).includes(kindOf(code)));
  const kept = "codes" in answers ? { ...answers, codes } : answers;
  const asked = openGroups(questionnaire, kept).flatMap(({ fields }) => fields);
  return Object.fromEntries(asked.filter(({ id }) => id in kept).map(({ id }) => [id, kept[id]]));
}

/** The checks of some groups that the numbers fail; one that is not given contradicts nothing.
 * @param {Group[]} groups @param {Answers} answers */
export const failedChecks = (groups, answers) => groups.flatMap(({ checks = [] }) => checks).filter((check) => {
  const numbers = (check.sum ?? check.rising ?? []).map((name) => numberOf(answers[name]));
  const given = numbers.filter((number) => number >= 0);
  if (check.rising) return given.some((number, i) => i > 0 && given[i - 1] > number);
  const total = numberOf(answers[check.is ?? ""]);
  return total >= 0 && given.length === numbers.length && given.reduce((sum, number) => sum + number, 0) !== total;
});

/** Passes when answers and consent are ones the questionnaire allows. FORMAT.md 6, step 6.
 * @param {Questionnaire} questionnaire @param {Answers} answers @param {Consent} consent
 * @param {readonly string[]} regions the office's region ids
 * @throws {Malformed} with the fault `letter-answers` */
export function checkAnswers(questionnaire, answers, consent, regions) {
  const groups = openGroups(questionnaire, answers);
  const fields = groups.flatMap((group) => group.fields);
  checkNames(answers, fields.map(({ id }) => id), fields.filter(({ required }) => required).map(({ id }) => id));
  for (const field of fields) if (field.id in answers) checkAnswer(field, answers[field.id], optionsOf(field, questionnaire, regions));
  if (listed(answers.codes).some((code) => !listed(answers.kinds).includes(kindOf(code)))) throw refuse("codes");
  for (const { id } of failedChecks(groups, answers)) throw refuse(id);
  checkConsent(questionnaire.consent, consent);
}

/** @param {Questionnaire["consent"]} asked @param {Consent} consent */
function checkConsent({ text_version, switches, modifiers }, consent) {
  const names = [...switches, ...modifiers].map(({ id }) => id).concat("text_version");
  checkNames(consent, names, names);
  for (const { id, fixed, default: value } of switches) {
    if (typeof consent[id] !== "boolean" || (fixed && consent[id] !== value)) throw refuse(id);
  }
  for (const modifier of modifiers) checkAnswer(modifier, consent[modifier.id], modifier.options);
  if (consent.text_version !== text_version) throw refuse("text_version");
}

/** @param {Field} field @param {Questionnaire} questionnaire @param {readonly string[]} regions */
function optionsOf({ options_from, options }, { facts }, regions) {
  if (options_from === "codes") return Object.keys(facts);
  return options_from === "regions" ? [...regions, ...options] : options;
}

/** @param {Record<string, unknown>} given @param {string[]} allowed @param {string[]} required */
function checkNames(given, allowed, required) {
  const unknown = Object.keys(given).find((name) => !allowed.includes(name));
  const missing = required.find((name) => !Object.hasOwn(given, name));
  if (unknown ?? missing) throw refuse(unknown ?? missing ?? "");
}

/** @param {Field} field @param {unknown} answer @param {readonly string[]} options */
function checkAnswer(field, answer, options) {
  const several = Array.isArray(answer) && answer.every((one) => options.includes(one))
    && new Set(answer).size === answer.length && (answer.length > 0 || !field.required);
  const one = typeof answer === "string" && (options.includes(answer)
    || (field.type === "month" && /^20[0-9]{2}-(0[1-9]|1[0-2])$/.test(answer))
    || (field.type === "number" && numberOf(answer) >= 0 && numberOf(answer) <= (field.max ?? 0)));
  if (field.type === "choices" ? !several : !one) throw refuse(field.id);
}

/** A small number that was given, or -1. @param {unknown} answer */
const numberOf = (answer) => (typeof answer === "string" && /^(0|[1-9][0-9]?)$/.test(answer) ? Number(answer) : -1);

/** @param {unknown} answer @returns {string[]} */
const listed = (answer) => (Array.isArray(answer) ? answer : []);

/** The kind that a code belongs to. @param {string} code */
export const kindOf = (code) => code.split(".")[0];

/** @param {string} id */
const refuse = (id) => new Malformed("letter-answers", `the answer to ${id} is not one that the questionnaire allows`);
