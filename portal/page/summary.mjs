// SPDX-License-Identifier: AGPL-3.0-or-later
import { all, find, make } from "./dom.mjs";

/** Show what will be sealed, each answer with a way back to its question.
 * @param {HTMLElement} root @param {import("./form.mjs").Form} form @param {import("./steps.mjs").Steps} steps
 * @param {import("./dom.mjs").Say} say */
export function showSummary(root, form, steps, say) {
  const { fields, consent: { switches, modifiers } } = form.questionnaire;
  const agreed = switches.filter(({ id }) => form.report.consent[id]).map(({ id }) => labelOf(root, `switch-${id}`));
  const rows = [
    ...fields.map(({ id }) => ({ id, values: form.chosen(id).map(({ label }) => label) })),
    { id: "text", values: [form.text.value || say("empty")] },
    { id: "consent", values: agreed },
    ...modifiers.map(({ id }) => ({ id, values: form.chosen(id).map(({ label }) => label) })),
  ];
  find(root, "[data-summary]", HTMLElement).replaceChildren(...rows.flatMap((row) => describe(root, row, steps, say)));
}

/** @param {HTMLElement} root @param {{ id: string, values: string[] }} row @param {import("./steps.mjs").Steps} steps
 *  @param {import("./dom.mjs").Say} say */
function describe(root, { id, values }, steps, say) {
  const target = find(root, "#" + id, HTMLElement);
  const what = (target.querySelector("legend") ?? find(root, `label[for="${id}"]`, HTMLElement)).firstChild?.textContent?.trim() ?? "";
  const answer = make("dd");
  answer.append(...values.map((value) => Object.assign(make("p", value, id === "text" ? "facts__text" : ""), { dir: "auto" })));
  const change = make("button", say("change"), "link");
  change.type = "button";
  change.setAttribute("aria-label", say("change.what", { what }));
  change.addEventListener("click", () => {
    steps.show(target.closest("section")?.dataset.step ?? "");
    target.focus();
  });
  answer.append(change);
  return [make("dt", what), answer];
}

/** @param {HTMLElement} root @param {string} id */
const labelOf = (root, id) => all(root, `label[for="${id}"]`)[0].firstChild?.textContent?.trim() ?? "";
