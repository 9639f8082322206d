// SPDX-License-Identifier: AGPL-3.0-or-later
import { all, find, make } from "./dom.mjs";

/** Something the officer must mend: the id of the field, and the sentence. @typedef {{ id: string, sentence: string }} Problem */

/** The steps of the form: one is shown, or something aside of them; nothing tells the network which. */
export class Steps {
  /** @param {HTMLElement} root @param {(step: HTMLElement) => Problem[]} check run before a step is left forwards
   *  @param {(step: HTMLElement) => boolean} asked whether a step stands on this officer's path
   *  @param {(name: string) => void} shown @param {import("./dom.mjs").Say} say */
  constructor(root, check, asked, shown, say) {
    this.steps = all(root, "[data-step]");
    this.asides = all(root, "[data-aside]");
    this.name = this.steps[0].dataset.step ?? "";
    this.asked = asked;
    /** @type {HTMLElement[] | undefined} */
    this.walked = undefined;
    this.say = say;
    this.errors = find(root, "[data-errors]", HTMLElement);
    this.check = check;
    this.shown = shown;
    for (const button of all(root, "[data-go]")) {
      button.hidden = false;
      button.addEventListener("click", () => this.move(button.dataset.go === "next" ? 1 : -1));
    }
    for (const button of all(root, "[data-open]")) {
      button.hidden = false;
      button.addEventListener("click", () => this.open(button.dataset.open ?? ""));
    }
    for (const button of all(root, "[data-close]")) button.addEventListener("click", () => this.close());
  }

  /** The steps of this officer's path. */
  get path() {
    return this.walked ?? this.steps.filter(this.asked);
  }

  get current() {
    return this.path.findIndex((step) => step.dataset.step === this.name);
  }

  /** Keep the path as it was walked: the form that it followed is about to be emptied. */
  keep() {
    this.walked = this.path;
  }

  /** Go on or back; an answer can lead aside instead. @param {number} by */
  move(by) {
    const problems = by > 0 ? this.check(this.path[this.current]) : [];
    const stop = this.path[this.current].querySelector("[data-stops]:checked");
    if (problems.length) this.complain(problems);
    else if (by > 0 && stop instanceof HTMLElement) this.open(stop.dataset.stops ?? "");
    else this.show(this.path[this.current + by].dataset.step ?? "");
  }

  /** Show a step and give its heading the focus. @param {string} name */
  show(name) {
    this.name = name;
    this.turn(this.path[this.current]);
    this.count();
    this.shown(name);
  }

  /** Show something aside of the path; the step that it was opened from waits. @param {string} name */
  open(name) {
    const opener = document.activeElement;
    this.turn(find(document, `[data-aside="${name}"]`, HTMLElement));
    this.opener = opener instanceof HTMLElement ? opener : undefined;
    this.shown(name);
  }

  /** Go back to the step, and to what opened the aside. */
  close() {
    const opener = this.opener;
    this.show(this.name);
    if (opener?.offsetParent) opener.focus();
  }

  /** @param {HTMLElement} section the one to be seen */
  turn(section) {
    this.errors.hidden = true;
    for (const one of [...this.steps, ...this.asides]) one.hidden = one !== section;
    window.scrollTo(0, 0);
    find(section, "[data-heading]", HTMLElement).focus();
  }

  /** Say how far this is; the way grows and shrinks with what is chosen. */
  count() {
    const { path, current } = this;
    find(path[current], "[data-count]", HTMLElement).textContent = this.say("progress", { n: current + 1, all: path.length });
  }

  /** Every problem of the form, from the first step that has one. True when there was one. */
  complainOfAny() {
    for (const step of this.path) {
      const problems = this.check(step);
      if (!problems.length) continue;
      this.show(step.dataset.step ?? "");
      this.complain(problems);
      return true;
    }
    return false;
  }

  /** The summary of problems takes the focus and leads to each field. @param {Problem[]} problems */
  complain(problems) {
    find(this.errors, "[data-errors-list]", HTMLElement).replaceChildren(...problems.map(({ id, sentence }) => {
      const item = make("li");
      const link = make("a", sentence);
      link.href = "#" + id;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        document.getElementById(id)?.focus();
      });
      item.append(link);
      return item;
    }));
    this.errors.hidden = false;
    this.errors.focus();
  }
}
