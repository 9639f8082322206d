// SPDX-License-Identifier: AGPL-3.0-or-later
import { enterPresses, find, make } from "./dom.mjs";
import { pickTwo, sameWord } from "./receipt.mjs";

/** Show the words of a receipt, and ask for two of them from the officer's paper.
 * @param {HTMLElement} root @param {string[]} words @param {import("./dom.mjs").Say} say @param {() => void} checked */
export function handOver(root, words, say, checked) {
  find(root, "[data-receipt]", HTMLElement).replaceChildren(...words.map((word) => make("li", word)));
  const asked = pickTwo(words.length).map((index) => askWord(root, index, say));
  const outcome = find(root, "[data-checked]", HTMLElement);
  const button = find(root, "[data-check-words]", HTMLElement);
  for (const { input } of asked) enterPresses(input, button);
  button.addEventListener("click", () => {
    const wrong = asked.filter(({ index, input, error }) => {
      const right = sameWord(input.value, words[index]);
      error.textContent = right ? "" : say("words.wrong", { n: index + 1 });
      error.hidden = right;
      input.setAttribute("aria-invalid", String(!right));
      return !right;
    });
    outcome.replaceChildren(make("p", wrong.length ? say("words.again") : say("words.right")));
    if (wrong.length) return wrong[0].input.focus();
    checked();
    return outcome.focus();
  });
}

/** @param {HTMLElement} root @param {number} index @param {import("./dom.mjs").Say} say */
function askWord(root, index, say) {
  const field = make("div", "", "field");
  const input = make("input");
  const id = `word-${index + 1}`;
  Object.assign(input, { id, type: "text", autocomplete: "off", spellcheck: false, autocapitalize: "off" });
  input.setAttribute("autocorrect", "off");
  input.setAttribute("writingsuggestions", "false");
  input.setAttribute("aria-describedby", id + "-error");
  const label = make("label", say("word", { n: index + 1 }), "field__label");
  label.htmlFor = id;
  const error = make("p", "", "error");
  error.id = id + "-error";
  error.hidden = true;
  field.append(label, error, input);
  find(root, "[data-check]", HTMLElement).append(field);
  return { index, input, error };
}
