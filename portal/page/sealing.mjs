// SPDX-License-Identifier: AGPL-3.0-or-later
import { Again } from "./again.mjs";
import { enterPresses, find, make } from "./dom.mjs";
import { Malformed, Untrusted } from "./faults.mjs";
import { addDays, daysBetween, isDay } from "./keylist.mjs";
import { selfTest } from "./selftest.mjs";
import { Setback, WAIT_SECONDS } from "./sending.mjs";

/** The last step before the receipt: is sealing sound, are the keys good, what became of the words. */
export class Sealing {
  /** @param {HTMLElement} root @param {import("./sending.mjs").Sending} sending @param {import("./form.mjs").Form} form
   *  @param {import("./steps.mjs").Steps} steps @param {import("./dom.mjs").Say} say
   *  @param {(words: string[], saved?: boolean) => void} arrived or, if they were `saved`, given to the officer as a file */
  constructor(root, sending, form, steps, say, arrived) {
    this.root = root;
    this.sending = sending;
    this.form = form;
    this.steps = steps;
    this.say = say;
    this.arrived = arrived;
    this.button = find(root, "[data-seal]", HTMLButtonElement);
    this.outcome = find(root, "[data-outcome]", HTMLElement);
    this.dateInput = find(root, "[data-today]", HTMLInputElement);
    this.offsetDays = 0;
    this.dateAsked = Boolean(sending.kit); // nothing else tells a kit whether the device's date is right
    /** @type {import("./keylist.mjs").Week | undefined} */
    this.week = undefined;
    /** @type {Map<string, [string, Record<string, string>?]>} */
    this.said = new Map();
    this.again = new Again((seconds) => this.state("again", "retry.in", { time: minutes(seconds) }), () => this.press(true));
    this.waiting = find(root, "[data-again]", HTMLElement);
    find(root, "[data-try]", HTMLElement).addEventListener("click", () => this.press());
    this.keep = find(root, "[data-keep]", HTMLElement);
    this.keep.addEventListener("click", () => this.sending.held && this.arrived(this.sending.held.words, true));
    const useDate = find(root, "[data-use-date]", HTMLElement);
    useDate.addEventListener("click", () => this.correctDate());
    enterPresses(this.dateInput, useDate);
  }

  /** The day by this device, in UTC, set right by as many days as the officer said: it goes on while the page is open. */
  get today() {
    return addDays(deviceDay(), this.offsetDays);
  }

  /** Test sealing on this device; only then does the button work. Returns whether it passed. */
  async test() {
    this.state("test", "test.running");
    try {
      await selfTest(pause);
    } catch {
      this.state("test", "test.failed");
      return false;
    }
    this.state("test", "test.passed");
    this.button.addEventListener("click", () => this.press());
    this.button.disabled = false;
    return true;
  }

  /** Fetch the keys early, so that a wrong date or a wrong portal is known before anything is typed. */
  async askKeys() {
    if (this.dateAsked) return this.askDate("kit.date");
    this.state("keys", "keys.asking");
    try {
      this.week = await this.sending.askKeys(this.today);
      const { first, last } = this.week;
      this.state("keys", "keys.good", { first, last });
      find(this.root, "[data-date]", HTMLElement).hidden = true;
    } catch (error) {
      this.state("keys", error instanceof Untrusted ? "keys.untrusted" : "keys.unreachable");
      if (isAboutDate(error)) this.askDate();
    }
  }

  /** Seal and send. @param {boolean} itself whether nobody pressed: then the focus stays where it is */
  async press(itself = false) {
    if (!itself) this.rest();
    if (this.steps.complainOfAny()) return;
    const { today } = this;
    if (this.sending.kit && this.week && (today < this.week.first || today > this.week.last)) this.askAgain();
    if (this.dateAsked) {
      this.outcome.replaceChildren(make("p", this.say("kit.date.first")));
      return this.dateInput.focus();
    }
    const { activeElement } = document;
    this.busy(true);
    this.waiting.hidden = true;
    if (!itself) {
      this.outcome.replaceChildren();
      this.state("sending", "sealing");
    }
    try {
      await pause();
      const words = await this.sending.send(this.form.report, today, () => this.state("sending", "sending"));
      this.arrived(words);
    } catch (error) {
      if (isAboutDate(error)) this.askDate();
      this.waiting.hidden = !(error instanceof Setback && error.passes && this.again.plan(error.after));
      this.keep.hidden = !this.sending.held;
      this.tell(error);
      if (!itself) this.outcome.focus();
    } finally {
      this.state("sending", "");
      this.busy(false);
      if (itself && activeElement instanceof HTMLElement) activeElement.focus();
    }
  }

  /** Try no more by itself. */
  rest() {
    this.again.reset();
    this.waiting.hidden = true;
  }

  /** What became of the words, why, and what to do. @param {unknown} error */
  tell(error) {
    const sent = this.sending.unsure ? "unsure" : error instanceof Setback ? error.sent : "none";
    const again = !this.waiting.hidden ? "retry" : sent === "unsure" ? "again.same" : "again";
    const sentences = [this.say(sent), reasonOf(error, this.say), this.say(again)];
    this.outcome.replaceChildren(...sentences.map((sentence) => make("p", sentence)));
  }

  /** Show the date of this device and let the officer correct it. */
  askDate(key = this.sending.kit ? "kit.date.none" : "keys.date") {
    this.state("keys", "");
    this.state("date", key, { today: this.today });
    this.dateInput.value = this.today;
    find(this.root, "[data-date]", HTMLElement).hidden = false;
  }

  /** The week has ended since, or the device's clock was set: the date that was confirmed says nothing any more. */
  askAgain() {
    this.dateAsked = true;
    this.week = undefined;
    this.offsetDays = 0;
    this.askDate("kit.date");
  }

  correctDate() {
    const typed = this.dateInput.value.trim();
    const error = find(this.root, "#today-error", HTMLElement);
    error.hidden = isDay(typed);
    error.textContent = isDay(typed) ? "" : this.say("date.wrong", { example: "2031-05-06" });
    if (!isDay(typed)) return this.dateInput.focus();
    this.offsetDays = daysBetween(deviceDay(), typed);
    this.dateAsked = false;
    this.outcome.replaceChildren();
    return this.askKeys();
  }

  /** @param {boolean} busy */
  busy(busy) {
    for (const button of this.button.closest("section")?.querySelectorAll("button") ?? []) button.disabled = busy;
  }

  /** Say again what stands there, in another language. */
  sayAgain() {
    for (const [name, [key, values]] of this.said) this.state(name, key, values);
  }

  /** @param {string} name @param {string} key @param {Record<string, string>} [values] */
  state(name, key, values) {
    this.said.set(name, [key, values]);
    find(this.root, `[data-state="${name}"]`, HTMLElement).textContent = key && this.say(key, values);
  }
}

/** Why a report did not arrive. @param {unknown} error @param {import("./dom.mjs").Say} say */
export function reasonOf(error, say) {
  if (error instanceof Setback) return say(`why.${error.why}`, { seconds: WAIT_SECONDS });
  if (isAboutDate(error)) return say("why.date");
  if (error instanceof Untrusted) return say("why.keys");
  return say(error instanceof Malformed && error.fault === "letter-receipt" ? "why.receipt" : "why.seal");
}

/** @param {unknown} error */
const isAboutDate = (error) => error instanceof Untrusted && (error.fault === "keys-week" || error.fault === "keys-expired");

/** @param {number} seconds */
const minutes = (seconds) => new Date(seconds * 1000).toISOString().slice(14, 19);

const deviceDay = () => new Date().toISOString().slice(0, 10);

/** Lets the browser paint. @returns {Promise<void>} */
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
