// SPDX-License-Identifier: AGPL-3.0-or-later
import { all, carried, find, make } from "./dom.mjs";
import { Form } from "./form.mjs";
import { HandIn } from "./handin.mjs";
import { handOver } from "./handover.mjs";
import { say, speak } from "./language.mjs";
import { Sealing } from "./sealing.mjs";
import { Sending } from "./sending.mjs";
import { inGroups, parsePublicKey } from "./sshsig.mjs";
import { Steps } from "./steps.mjs";
import { showSummary } from "./summary.mjs";

/** @type {import("./sending.mjs").Office} */
const office = carried("office");
const root = find(document, "[data-module=report]", HTMLElement);
const sending = new Sending(office, carried("questionnaire"));
const form = new Form(root, sending.questionnaire, office.regions, say);
const steps = new Steps(root, (step) => form.problems(step), (step) => form.asks(step), shown, say);
const sealing = new Sealing(root, sending, form, steps, say, arrived);
const handIn = new HandIn(root, sending, say);
let receiptUnchecked = false;
let testFailed = false;

showOffice();
useLanguage(document.documentElement.lang);
root.addEventListener("change", () => steps.count()); // what is chosen opens and closes steps
for (const button of all(document, "[data-leave]")) {
  button.hidden = false;
  button.addEventListener("click", leave);
}
for (const button of all(root, "[data-speak]")) {
  button.addEventListener("click", () => {
    useLanguage(button.lang);
    steps.show("before");
  });
}
window.addEventListener("beforeunload", warn);
find(root, "[data-starting]", HTMLElement).hidden = true;
await Promise.all([sealing.askKeys(), sealing.test().then(warnOfTest)]);

function showOffice() {
  find(document, "[data-office-name]", HTMLElement).textContent = office.office;
  find(root, "[data-trial]", HTMLElement).hidden = !office.throwaway;
  find(root, "[data-fingerprint]", HTMLElement).textContent = inGroups(parsePublicKey(office.root).fingerprint);
  find(root, "[data-card]", HTMLElement).hidden = false;
  const contacts = find(root, "[data-contacts]", HTMLElement);
  contacts.append(...office.contacts.flatMap(({ label, value }) => [make("dt", label), make("dd", value)]));
  contacts.hidden = office.contacts.length === 0;
}

/** Speak a language, and say again in it what the script has said. @param {string} lang */
function useLanguage(lang) {
  speak(lang);
  for (const button of all(root, "[data-speak]")) button.hidden = button.lang === lang;
  find(root, "[data-collect]", HTMLElement).textContent = say("collect", { days: office.collect_days });
  form.nameMonths();
  form.measure();
  sealing.sayAgain();
  steps.count();
  warnOfTest(!testFailed);
}

/** @param {string} name of the step that is shown */
function shown(name) {
  if (name === "check") showSummary(root, form, steps, say);
  if (name === "hand_in") handIn.begin();
}

/** The portal keeps the report: its words leave the page, and the receipt is shown. @param {string[]} words */
function arrived(words) {
  clear();
  receiptUnchecked = true;
  handOver(root, words, say, () => {
    receiptUnchecked = false;
  });
  steps.show("receipt");
}

/** Before a word is typed, not after: what this browser cannot do. @param {boolean} passed the self-test */
function warnOfTest(passed) {
  testFailed = !passed;
  if (passed) return;
  const notice = find(root, "[data-starting]", HTMLElement);
  notice.replaceChildren(make("p", say("test.failed"), "notice__title"));
  notice.hidden = false;
}

/** @param {BeforeUnloadEvent} event */
function warn(event) {
  if (form.begun || receiptUnchecked) event.preventDefault();
}

/** Forget everything at once and go; only an unchecked receipt asks for a second press. */
function leave() {
  if (receiptUnchecked) {
    receiptUnchecked = false;
    const warning = find(root, "[data-state=leaving]", HTMLElement);
    warning.replaceChildren(make("p", say("leave.first")));
    warning.focus();
    return;
  }
  window.removeEventListener("beforeunload", warn);
  clear();
  document.body.replaceChildren();
  location.replace("about:blank");
}

/** Empty every field, and forget what was sealed. */
function clear() {
  sending.forget();
  for (const input of all(root, "input, textarea, select")) {
    if (input instanceof HTMLSelectElement) input.selectedIndex = Array.from(input.options).findIndex((o) => o.defaultSelected);
    else if (input instanceof HTMLTextAreaElement) input.value = "";
    else if (input instanceof HTMLInputElement && /text|file/.test(input.type)) input.value = "";
    else if (input instanceof HTMLInputElement) input.checked = input.defaultChecked;
  }
  form.unfold();
  for (const copy of all(root, "[data-summary], [data-warnings-list]")) copy.replaceChildren();
}
