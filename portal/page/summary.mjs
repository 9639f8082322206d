// SPDX-License-Identifier: AGPL-3.0-or-later
import { find, make } from "./dom.mjs";
import { look, marked, showWarnings } from "./warnings.mjs";

/** One line of the summary, with the way back. @typedef {{ what: string, id: string, values: (string | HTMLElement)[] }} Row */

/** Show what will be sealed and what could harm in it, each answer with a way back to its question; a question left alone is not repeated.
 * @param {HTMLElement} root @param {import("./form.mjs").Form} form @param {import("./steps.mjs").Steps} steps
 * @param {import("./dom.mjs").Say} say */
export function showSummary(root, form, steps, say) {
  const { consent: { switches, modifiers } } = form.questionnaire;
  const agreed = switches.filter(({ id }) => form.report.consent[id]).map(({ id }) => labelOf(root, `switch-${id}`));
  const text = form.text.value;
  const { findings, hits } = look(text, form.answers);
  showWarnings(root, findings, say);
  const rows = [
    ...form.groups.flatMap((group) => rowsOf(root, form, group, say)),
    { what: asked(root, "text"), id: "text", values: [marked(text || say("empty"), text ? hits : [])] },
    { what: asked(root, "consent"), id: "consent", values: agreed },
    ...modifiers.map(({ id }) => ({ what: asked(root, id), id, values: form.chosen(id).map(({ label }) => label) })),
  ];
  find(root, "[data-summary]", HTMLElement).replaceChildren(...rows.flatMap((row) => describe(root, row, steps, say)));
}

/** @param {HTMLElement} root @param {import("./form.mjs").Form} form @param {import("./questionnaire.mjs").Group} group
 *  @param {import("./dom.mjs").Say} say @returns {Row[]} */
function rowsOf(root, form, { id: step, fields }, say) {
  const answered = fields.filter(({ options_from }) => options_from !== "codes")
    .map(({ id }) => ({ id, values: answersTo(form, id) })).filter(({ values }) => values.length);
  if (answered.length) return answered.map(({ id, values }) => ({ what: asked(root, id), id, values }));
  return [{ what: find(root, `#${step}-title`, HTMLElement).textContent ?? "", id: fields[0].id, values: [say("unanswered")] }];
}

/** The labels of what is sent for a field, the default left out; under each kind stand its codes.
 * @param {import("./form.mjs").Form} form @param {string} id */
function answersTo(form, id) {
  const sent = [form.answers[id]].flat();
  const codes = id === "kinds" ? form.chosen("codes") : [];
  return form.chosen(id).filter(({ value }) => value !== "no_answer" && sent.includes(value)).flatMap(({ value, label }) =>
    [label, ...codes.filter((code) => code.value.startsWith(value + ".")).map((code) => make("p", code.label, "hint"))]);
}

/** @param {HTMLElement} root @param {Row} row @param {import("./steps.mjs").Steps} steps @param {import("./dom.mjs").Say} say */
function describe(root, { what, id, values }, steps, say) {
  const answer = make("dd");
  answer.append(...values.map((value) => Object.assign(typeof value === "string" ? make("p", value) : value, { dir: "auto" })));
  const change = make("button", say("change"), "link");
  change.type = "button";
  change.setAttribute("aria-label", say("change.what", { what }));
  change.addEventListener("click", () => {
    const target = find(root, "#" + id, HTMLElement);
    steps.show(target.closest("section")?.dataset.step ?? "");
    target.focus();
  });
  answer.append(change);
  return [make("dt", what), answer];
}

/** The question, as it stands above its field. @param {HTMLElement} root @param {string} id */
function asked(root, id) {
  const legend = root.querySelector(`#${id} > legend`);
  return legend ? firstText(legend) : labelOf(root, id);
}

/** @param {HTMLElement} root @param {string} id */
const labelOf = (root, id) => firstText(find(root, `label[for="${id}"]`, HTMLElement));

/** @param {Element} element */
const firstText = (element) => element.firstChild?.textContent?.trim() ?? "";
