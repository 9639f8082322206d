// SPDX-License-Identifier: AGPL-3.0-or-later
import { find, make } from "./dom.mjs";
import { Malformed } from "./faults.mjs";
import { reasonOf } from "./sealing.mjs";
import { Setback } from "./sending.mjs";

const MAX_BYTES = 65_536; // more than any letter; a larger file is not read

/** A report that was sealed before: its file goes to the portal as it is. */
export class HandIn {
  /** @param {HTMLElement} root @param {import("./sending.mjs").Sending} sending @param {import("./dom.mjs").Say} say */
  constructor(root, sending, say) {
    this.sending = sending;
    this.say = say;
    this.input = find(root, "[data-sealed]", HTMLInputElement);
    this.error = find(root, "#sealed-error", HTMLElement);
    this.button = find(root, "[data-hand-in]", HTMLButtonElement);
    this.outcome = find(root, "[data-handed]", HTMLElement);
    this.unsure = false;
    this.input.addEventListener("change", () => this.begin());
    this.button.addEventListener("click", () => this.press());
  }

  /** Nothing is known of the file that is chosen now. */
  begin() {
    this.unsure = false;
    this.outcome.replaceChildren();
    this.complain("");
  }

  async press() {
    const file = this.input.files?.[0];
    if (!file) return this.complain("hand_in.choose");
    if (file.size > MAX_BYTES) return this.complain("hand_in.wrong");
    this.button.disabled = this.input.disabled = true;
    this.outcome.replaceChildren(make("p", this.say("hand_in.sending")));
    try {
      await this.sending.handIn(new Uint8Array(await file.arrayBuffer()));
      this.input.value = "";
      this.begin();
      this.tell(["hand_in.arrived"]);
    } catch (error) {
      this.fail(error);
    } finally {
      this.button.disabled = this.input.disabled = false;
      if (!this.error.hidden) this.input.focus();
    }
  }

  /** @param {unknown} error */
  fail(error) {
    this.outcome.replaceChildren();
    if (error instanceof Malformed || error instanceof DOMException) return this.complain("hand_in.wrong");
    const sent = error instanceof Setback ? error.sent : "none";
    this.unsure ||= sent === "unsure";
    return this.tell([this.unsure ? "unsure" : sent, "", "hand_in.again"], error);
  }

  /** Say what became of the file; an empty key stands for the reason. @param {string[]} keys @param {unknown} [error] */
  tell(keys, error) {
    this.outcome.replaceChildren(...keys.map((key) => make("p", key ? this.say(key) : reasonOf(error, this.say))));
    this.outcome.focus();
  }

  /** Say at the field what is wrong with it. @param {string} key of the sentence, or none */
  complain(key) {
    this.error.textContent = key && this.say(key);
    this.error.hidden = !key;
    this.input.setAttribute("aria-invalid", String(!!key));
    if (key) this.input.focus();
  }
}
