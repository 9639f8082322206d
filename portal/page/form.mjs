// SPDX-License-Identifier: AGPL-3.0-or-later
import { all, find, make } from "./dom.mjs";
import { roomLeft } from "./letter.mjs";
import { failedChecks, fieldsOf, openAnswers, openGroups } from "./questionnaire.mjs";

const FIELDS = "[data-step]:not([data-step=before]) :is([data-input], [data-switch], select)";
const MONTHS = 24; // as many as the questionnaire's "more than two years" leaves open

/** The questions: what the officer chose and wrote. It knows the questionnaire only as data. */
export class Form {
  /** @param {HTMLElement} root @param {import("./questionnaire.mjs").Questionnaire} questionnaire
   *  @param {{ id: string, label: string }[]} regions @param {import("./dom.mjs").Say} say */
  constructor(root, questionnaire, regions, say) {
    this.root = root;
    this.questionnaire = questionnaire;
    this.say = say;
    this.text = find(root, "[data-text]", HTMLTextAreaElement);
    readOptions(root, questionnaire);
    for (const field of all(root, "[data-options-from=regions]")) addOptions(field, regions);
    for (const field of all(root, "[data-type=month]")) addOptions(field, months(field, new Date()));
    this.nameMonths();
    for (const input of all(root, '[data-input="kinds"]')) input.addEventListener("change", () => this.unfold());
    this.text.addEventListener("input", () => this.measure());
    this.measure();
  }

  /** @returns {import("./letter.mjs").Report} */
  get report() {
    const { consent } = this.questionnaire;
    const switches = consent.switches.map(({ id }) => [id, find(this.root, `[data-switch="${id}"]`, HTMLInputElement).checked]);
    return {
      answers: this.answers,
      text: this.text.value,
      consent: {
        ...Object.fromEntries(switches),
        ...Object.fromEntries(consent.modifiers.map(({ id, type }) => [id, this.answer(id, type)])),
        text_version: consent.text_version,
      },
      lang: document.documentElement.lang,
    };
  }

  /** What is sent of the answers: nothing of a group that what was chosen does not open. */
  get answers() {
    const given = fieldsOf(this.questionnaire).map(({ id, type }) => [id, this.answer(id, type)]);
    return openAnswers(this.questionnaire, Object.fromEntries(given));
  }

  /** The groups that are open. */
  get groups() {
    return openGroups(this.questionnaire, this.answers);
  }

  /** Whether a step stands on the path: all do but closed groups. @param {HTMLElement} step */
  asks(step) {
    const { step: name } = step.dataset;
    return !this.questionnaire.groups.some(({ id }) => id === name) || this.groups.some(({ id }) => id === name);
  }

  /** Show the codes of the kinds that are chosen. */
  unfold() {
    const kinds = this.answer("kinds", "choices");
    for (const codes of all(this.root, "[data-codes-of]")) codes.hidden = !kinds.includes(codes.dataset.codesOf ?? "");
  }

  /** @param {string} id @param {string} type */
  answer(id, type) {
    const values = this.chosen(id).map(({ value }) => value);
    return type === "choices" ? values : values[0];
  }

  /** The chosen options of a field, by value and label. @param {string} id */
  chosen(id) {
    return all(this.root, `[data-input="${id}"], select#${id}`).flatMap((input) => {
      if (input instanceof HTMLSelectElement) return [{ value: input.value, label: input.selectedOptions[0].text }];
      return input instanceof HTMLInputElement && input.checked ? [{ value: input.value, label: input.labels?.[0].textContent ?? "" }] : [];
    });
  }

  /** Name the months in the language of the page. */
  nameMonths() {
    const format = new Intl.DateTimeFormat(document.documentElement.lang, { month: "long", year: "numeric", timeZone: "UTC" });
    for (const option of all(this.root, "[data-type=month] option")) {
      const { value } = /** @type {HTMLOptionElement} */ (option);
      if (/^[0-9]/.test(value)) option.textContent = format.format(new Date(value));
    }
  }

  /** Whether there is anything that leaving would lose. */
  get begun() {
    return this.text.value !== "" || all(this.root, FIELDS).some((input) =>
      input instanceof HTMLInputElement ? input.checked !== input.defaultChecked
        : input instanceof HTMLSelectElement && !input.selectedOptions[0].defaultSelected);
  }

  /** Put a draft in the place of what is on screen. Returns whether all of it is there again: what the page no longer
   * offers stays at its default, and so does every consent that was given to other words.
   * @param {import("./draft.mjs").Draft} draft */
  fill({ answers, text, consent }) {
    const same = consent.text_version === this.questionnaire.consent.text_version;
    const given = same ? { ...answers, ...consent } : answers;
    for (const input of all(this.root, FIELDS)) {
      reset(input);
      choose(input, given[input.dataset.input ?? input.dataset.switch ?? input.id]);
    }
    this.text.value = text;
    this.unfold();
    this.measure();
    const { report } = this;
    /** @type {Record<string, unknown>} */
    const now = { ...report.answers, ...report.consent };
    return same && Object.entries(given).every(([name, value]) => String(now[name]) === String(value));
  }

  /** Say how much room is left; nothing is ever cut off. */
  measure() {
    const left = roomLeft(this.report, this.questionnaire);
    const words = this.text.value.split(/\s+/).filter(Boolean).length;
    const sentence = left < 0 ? this.say("room.over", { bytes: -left, words }) : this.say("room", { bytes: left, words });
    find(this.root, "[data-room]", HTMLElement).textContent = sentence;
    return left;
  }

  /** What is missing, contradicts itself or is too long in a step; the sentence by each field is shown or hidden with it.
   * @param {HTMLElement} step @returns {import("./steps.mjs").Problem[]} */
  problems(step) {
    const failed = failedChecks(this.groups, this.answers).map(({ id }) => id);
    const missing = all(step, "[data-required]").map((field) =>
      problem(field, field.id, this.chosen(field.id).length === 0));
    const unequal = all(step, "[data-holds]").map((check) =>
      problem(check, check.dataset.first ?? "", failed.includes(check.dataset.holds ?? "")));
    const long = all(step, "[data-field=text]").map((field) => problem(field, this.text.id, this.measure() < 0));
    return [...missing, ...unequal, ...long].flat();
  }
}

/** Give a field its default. @param {HTMLElement} input */
export function reset(input) {
  if (input instanceof HTMLSelectElement) input.selectedIndex = Array.from(input.options).findIndex((o) => o.defaultSelected);
  else if (input instanceof HTMLTextAreaElement) input.value = "";
  else if (input instanceof HTMLInputElement && ["file", "text"].includes(input.type)) input.value = "";
  else if (input instanceof HTMLInputElement) input.checked = input.defaultChecked;
}

/** Give a field its part of an answer, if the page offers it. @param {HTMLElement} input @param {unknown} value */
function choose(input, value) {
  if (input instanceof HTMLSelectElement) {
    if (Array.from(input.options).some((option) => option.value === value)) input.value = String(value);
  } else if (input instanceof HTMLInputElement && !input.disabled) {
    if (typeof value === "boolean") input.checked = value;
    else if (Array.isArray(value)) input.checked = value.includes(input.value);
    else if (input.value === value) input.checked = true;
  }
}

/** @param {HTMLElement} field @param {string} id @param {boolean} wrong */
function problem(field, id, wrong) {
  const error = find(field, "[data-error]", HTMLElement);
  error.hidden = !wrong;
  field.classList.toggle("field--wrong", wrong);
  const target = document.getElementById(id);
  if (wrong) target?.setAttribute("aria-invalid", "true");
  else target?.removeAttribute("aria-invalid");
  return wrong ? [{ id, sentence: error.textContent ?? "" }] : [];
}

/** Options stand in the page and nowhere else: each field learns its own, before regions and months join them.
 * @param {HTMLElement} root @param {import("./questionnaire.mjs").Questionnaire} questionnaire */
function readOptions(root, questionnaire) {
  for (const field of [...fieldsOf(questionnaire), ...questionnaire.consent.modifiers]) {
    field.options = all(root, `[data-input="${field.id}"], select#${field.id} option`).map((option) => Object(option).value);
  }
}

/** @param {HTMLElement} field @param {{ id: string, label: string }[]} options */
const addOptions = (field, options) => find(field, "select", HTMLSelectElement).append(...options.map(({ id, label }) => {
  const option = make("option", label);
  option.value = id;
  return option;
}));

/** The months that a field offers; their names come later. @param {HTMLElement} field @param {Date} now */
function months(field, now) {
  const step = field.dataset.span === "future" ? 1 : -1;
  const first = field.dataset.span === "future" ? 1 : 0;
  return Array.from({ length: MONTHS + 1 - first }, (_, i) => {
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + step * (i + first)));
    return { id: month.toISOString().slice(0, 7), label: "" };
  });
}
