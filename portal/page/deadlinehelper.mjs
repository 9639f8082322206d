// SPDX-License-Identifier: AGPL-3.0-or-later
import { elections, outlook, wordsOf } from "./deadlines.mjs";
import { carried, enterPresses, find, make } from "./dom.mjs";
import { Fault } from "./faults.mjs";

const EXAMPLE = { day: "2031-05-06", month: "2031-05" };

/** Counts the days of the routes that begin with what happened: here, and for this screen only. */
export class DeadlineHelper {
  /** @param {HTMLElement} root @param {import("./dom.mjs").Say} say @param {() => string} today */
  constructor(root, say, today) {
    /** @type {import("./deadlines.mjs").Profile} */
    this.profile = carried("deadlines");
    this.say = say;
    this.today = today;
    this.trigger = find(root, "#deadline-trigger", HTMLSelectElement);
    this.day = find(root, "#deadline-day", HTMLInputElement);
    this.error = find(root, "#deadline-error", HTMLElement);
    this.routes = find(root, "[data-routes]", HTMLElement);
    const button = find(root, "[data-count-days]", HTMLElement);
    button.addEventListener("click", () => this.count());
    enterPresses(this.day, button);
  }

  /** Forget what was counted. */
  clear() {
    this.complain("");
    this.routes.replaceChildren();
  }

  count() {
    this.clear();
    const when = this.day.value.trim();
    try {
      this.show(when, outlook(this.profile, this.trigger.value, when, this.today()));
      this.routes.focus();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.complain(this.say("deadline.day.error", EXAMPLE));
      this.day.focus();
    }
  }

  /** @param {string} sentence none when nothing is wrong */
  complain(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = !sentence;
    this.day.setAttribute("aria-invalid", String(sentence !== ""));
  }

  /** @param {string} when @param {import("./deadlines.mjs").Outlook[]} rows */
  show(when, rows) {
    const { say, profile } = this;
    const choices = elections(profile, rows.map(({ route }) => route.id));
    const unproved = choices.some(({ verified }) => !verified);
    const warnings = choices.map(({ id, basis }) => make("p", say(`deadline.election.${id}`, { basis })));
    this.routes.append(make("p", say("deadline.from", { day: written(when) })), ...rows.map((row) => this.routeOf(row)));
    if (warnings.length) this.routes.append(block(say("deadline.election"), warnings, unproved ? say("deadline.unverified") : ""));
    this.routes.append(
      ...profile.notes.map((note) => make("p", say(`deadline.note.${note}`))),
      make("p", say("deadline.profile", { profile: profile.profile, as_of: written(profile.as_of) }), "hint"),
    );
  }

  /** @param {import("./deadlines.mjs").Outlook} row */
  routeOf(row) {
    const { id, count, unit, sense } = row.route;
    const basis = row.route.basis.replace(/^[a-z]+/, (word) => this.say(`deadline.basis.${word}`)); // a citation has no translation
    const { due, span } = row;
    const day = written((sense === "soft" ? span?.open_until_at_least : span?.certainly_past_after) ?? due?.hard_due ?? "");
    const [title, ...keys] = wordsOf(row);
    const sentences = keys.map((key) => make("p", this.say(key, { day }), key.includes(".sense.") ? "route__day" : ""));
    const days = sense === "due" ? this.daysOf(row).map((sentence) => make("p", sentence, "route__day")) : [];
    const rule = count === null ? this.say("deadline.rule.contract", { id, basis })
      : this.say("deadline.rule", { id, count, unit: this.say(`deadline.unit.${unit}`), basis });
    return block(this.say(title), [...days, ...sentences], rule);
  }

  /** The days of a route on which to have filed; one that is gone is not asked for. @param {import("./deadlines.mjs").Outlook} row */
  daysOf({ due, span }) {
    const file_by = (due ?? span)?.file_by ?? "";
    const sentences = file_by >= this.today() ? [this.say("deadline.file_by", { day: written(file_by) })] : [];
    if (span) {
      const { open_until_at_least: first, certainly_past_after: last } = span;
      sentences.push(this.say("deadline.span", { first: written(first), last: written(last) }));
    } else if (due && (!sentences.length || due.hard_due !== file_by)) {
      sentences.push(this.say("deadline.hard_due", { day: written(due.hard_due) }));
    }
    return sentences;
  }
}

/** @param {string} title @param {HTMLElement[]} paragraphs @param {string} hint */
function block(title, paragraphs, hint) {
  const element = make("div", "", "route");
  element.append(make("h2", title), ...paragraphs, ...(hint ? [make("p", hint, "hint")] : []));
  return element;
}

/** A day or a month, written out in the language of the page. @param {string} when */
const written = (when) => when && new Intl.DateTimeFormat(document.documentElement.lang, {
  ...(when.length > 7 && { weekday: "long", day: "numeric" }), month: "long", year: "numeric", timeZone: "UTC",
}).format(new Date(when));
