// SPDX-License-Identifier: AGPL-3.0-or-later
import { DeadlineHelper } from "./deadlinehelper.mjs";
import { all, carried, find, make, saveFile } from "./dom.mjs";
import { Drafting } from "./drafting.mjs";
import { Form, reset } from "./form.mjs";
import { HandIn } from "./handin.mjs";
import { handOver } from "./handover.mjs";
import { handInBy } from "./kit.mjs";
import { LANGUAGES, say, speak } from "./language.mjs";
import { Sealing } from "./sealing.mjs";
import { Sending } from "./sending.mjs";
import { inGroups, parsePublicKey } from "./sshsig.mjs";
import { Steps } from "./steps.mjs";
import { showSummary } from "./summary.mjs";

/** @type {import("./sending.mjs").Office} */
const office = carried("office");
const root = find(document, "[data-module=report]", HTMLElement);
const sending = new Sending(office, carried("questionnaire"), "kit" in document.documentElement.dataset ? carried("kit") : undefined);
const form = new Form(root, sending.questionnaire, office.regions, say);
const steps = new Steps(root, (step) => form.problems(step), (step) => form.asks(step), shown, say);
const sealing = new Sealing(root, sending, form, steps, say, arrived);
const deadlines = new DeadlineHelper(root, say, () => sealing.today);
const drafting = new Drafting(root, form, say, opened);
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
find(root, "#device", HTMLElement).hidden = false; // nothing is asked by a page that cannot heed the answer
window.addEventListener("beforeunload", warn);
for (const part of all(root, "[data-kit]")) part.hidden = !sending.kit;
for (const part of all(root, "[data-online]")) part.hidden = Boolean(sending.kit);
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
  deadlines.clear();
  if (sending.kit) sealing.button.textContent = say("kit.seal");
  steps.count();
  warnOfTest(!testFailed);
}

/** @param {string} name of the step, or of what is aside, that is shown */
function shown(name) {
  find(root, "[data-opened]", HTMLElement).replaceChildren();
  drafting.turn(name);
  if (name !== "check") sealing.rest();
  if (name === "check") showSummary(root, form, steps, say);
  if (name === "hand_in") handIn.begin();
}

/** The form is the draft's; the device is asked about as ever. @param {import("./draft.mjs").Draft} draft */
function opened(draft) {
  sending.forget();
  if (LANGUAGES.includes(draft.lang)) useLanguage(draft.lang);
  const whole = form.fill(draft);
  const asked = form.chosen("device").length > 0; // else the first step waits for the answer
  steps.show("before");
  if (asked) steps.move(1);
  const sentences = ["draft.opened", ...(whole ? [] : ["draft.missed"]), ...(asked ? [] : ["draft.device"])];
  find(root, "[data-opened]", HTMLElement).append(...sentences.map((key) => make("p", say(key))));
}

/** The portal keeps the report, or the officer does: its words leave the page, and the receipt is shown.
 * @param {string[]} words */
function arrived(words, saved = Boolean(sending.kit)) {
  if (saved) saveSealed();
  steps.keep();
  clear();
  receiptUnchecked = true;
  handOver(root, words, say, () => {
    receiptUnchecked = false;
    find(root, "[data-state=leaving]", HTMLElement).replaceChildren();
  });
  steps.show("receipt");
}

/** Nothing has arrived yet: the officer saves the sealed report, and learns how and by when to hand it in. */
function saveSealed() {
  const file = sending.held?.envelope.slice() ?? new Uint8Array();
  const save = find(root, "[data-save-sealed]", HTMLElement);
  const section = find(root, "[data-step=receipt]", HTMLElement);
  find(section, "[data-heading]", HTMLElement).textContent = say("kit.receipt");
  find(section, ".lead", HTMLElement).textContent = say("kit.lead");
  find(root, "[data-hand-in-by]", HTMLElement).textContent =
    say("kit.by", { date: handInBy(sealing.week ?? { last: sealing.today }, office.collect_days) });
  for (const part of all(section, "[data-kit]")) part.hidden = false;
  save.addEventListener("click", () => saveFile(file, "letter.age"));
  saveFile(file, "letter.age");
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
  if (form.begun || receiptUnchecked || sending.kit && steps.walked) event.preventDefault(); // a kit's file may not be saved yet
}

/** Forget everything at once and go; only an unchecked receipt asks for a second press. */
function leave() {
  if (receiptUnchecked) {
    receiptUnchecked = false;
    steps.show("receipt"); // the warning stands there, whatever is aside of it now
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
  sealing.rest();
  sending.forget();
  drafting.forget();
  for (const input of all(root, "input, textarea, select")) reset(input);
  form.unfold();
  deadlines.clear();
  for (const copy of all(root, "[data-summary], [data-warnings-list]")) copy.replaceChildren();
}
