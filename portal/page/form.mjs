// SPDX-License-Identifier: AGPL-3.0-or-later
import { all, find, make } from "./dom.mjs";
import { roomLeft } from "./letter.mjs";

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
    for (const field of all(root, "[data-options-from=regions]")) addRegions(field, regions);
    for (const field of all(root, "[data-type=month]")) addMonths(field, new Date());
    this.text.addEventListener("input", () => this.measure());
    this.measure();
  }

  /** @returns {import("./letter.mjs").Report} */
  get report() {
    const { fields, consent } = this.questionnaire;
    const switches = consent.switches.map(({ id }) => [id, find(this.root, `[data-switch="${id}"]`, HTMLInputElement).checked]);
    return {
      answers: Object.fromEntries(fields.map(({ id, type }) => [id, this.answer(id, type)])),
      text: this.text.value,
      consent: {
        ...Object.fromEntries(switches),
        ...Object.fromEntries(consent.modifiers.map(({ id, type }) => [id, this.answer(id, type)])),
        text_version: consent.text_version,
      },
      lang: document.documentElement.lang,
    };
  }

  /** @param {string} id @param {string} type */
  answer(id, type) {
    const values = this.chosen(id).map(({ value }) => value);
    return type === "choices" ? values : values[0];
  }

  /** The chosen options of a field, by value and label. @param {string} id */
  chosen(id) {
    const field = find(this.root, `[data-field="${id}"]`, HTMLElement);
    const select = field.querySelector("select");
    if (select) return [{ value: select.value, label: select.selectedOptions[0].text }];
    return all(field, "[data-input]").flatMap((input) => input instanceof HTMLInputElement && input.checked
      ? [{ value: input.value, label: input.labels?.[0].textContent ?? "" }] : []);
  }

  /** Whether there is anything that leaving would lose. */
  get begun() {
    return this.text.value !== "" || all(this.root, "[data-input]").some((input) =>
      input instanceof HTMLInputElement && input.checked !== input.defaultChecked);
  }

  /** Say how much room is left; nothing is ever cut off. */
  measure() {
    const left = roomLeft(this.report, this.questionnaire);
    const words = this.text.value.split(/\s+/).filter(Boolean).length;
    const sentence = left < 0 ? this.say("room.over", { bytes: -left, words }) : this.say("room", { bytes: left, words });
    find(this.root, "[data-room]", HTMLElement).textContent = sentence;
    return left;
  }

  /** What is missing or too long in a step; the sentence by each field is shown or hidden with it.
   * @param {HTMLElement} step @returns {import("./steps.mjs").Problem[]} */
  problems(step) {
    const missing = all(step, "[data-required]").map((field) =>
      problem(field, field.id, this.chosen(field.dataset.field ?? "").length === 0));
    const long = all(step, "[data-field=text]").map((field) => problem(field, this.text.id, this.measure() < 0));
    return [...missing, ...long].flat();
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

/** @param {HTMLElement} field @param {{ id: string, label: string }[]} regions */
function addRegions(field, regions) {
  find(field, "[data-options]", HTMLElement).prepend(...regions.map(({ id, label }) => {
    const name = field.dataset.field ?? "";
    const option = make("div", "", "option");
    const input = make("input");
    Object.assign(input, { type: "radio", name, value: id, id: `${name}-${id}`, autocomplete: "off" });
    input.dataset.input = "";
    const words = make("label", label);
    words.htmlFor = input.id;
    option.append(input, words);
    return option;
  }));
}

/** @param {HTMLElement} field @param {Date} now */
function addMonths(field, now) {
  const step = field.dataset.span === "future" ? 1 : -1;
  const first = field.dataset.span === "future" ? 1 : 0;
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { month: "long", year: "numeric", timeZone: "UTC" });
  const months = Array.from({ length: MONTHS + 1 - first }, (_, i) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + step * (i + first))));
  find(field, "select", HTMLSelectElement).append(...months.map((month) => {
    const option = make("option", format.format(month));
    option.value = month.toISOString().slice(0, 7);
    return option;
  }));
}
