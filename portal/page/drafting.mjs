// SPDX-License-Identifier: AGPL-3.0-or-later
import { find, make, saveFile } from "./dom.mjs";
import { lockDraft, newDraftCode, openDraft } from "./draft.mjs";
import { Broken, Malformed, NotForUs } from "./faults.mjs";

const FILE_NAME = "draft.age"; // tells nothing
const MOST_BYTES = 32_768; // more than any draft has
const OF_WORDS = ["draft-code", "draft-receipt", "no-match"];

/** The form as a file that the officer keeps, and back. Nothing of it is stored by the page, and nothing is sent. */
export class Drafting {
  /** @param {HTMLElement} root @param {import("./form.mjs").Form} form @param {import("./dom.mjs").Say} say
   *  @param {(draft: import("./draft.mjs").Draft) => void} opened */
  constructor(root, form, say, opened) {
    this.root = root;
    this.form = form;
    this.say = say;
    this.opened = opened;
    /** @type {string[]} */
    this.words = [];
    this.warned = false;
    this.list = find(root, "[data-draft-words]", HTMLElement);
    this.file = find(root, "#draft-file", HTMLInputElement);
    this.typed = find(root, "#draft-typed", HTMLTextAreaElement);
    find(root, "[data-lock]", HTMLElement).addEventListener("click", () => this.save());
    find(root, "[data-unlock]", HTMLElement).addEventListener("click", () => this.press());
  }

  /** A fresh code each time that the officer comes to save; nothing is kept when they go. @param {string} name of what is shown */
  turn(name) {
    this.forget();
    if (name !== "save") return;
    this.words = newDraftCode();
    this.list.replaceChildren(...this.words.map((word) => make("li", word)));
  }

  /** Forget the code that was shown, and the file and the words that were given. */
  forget() {
    this.words = [];
    this.warned = false;
    this.file.value = this.typed.value = "";
    this.list.replaceChildren();
    for (const name of ["save", "open"]) this.state(name);
    this.complain();
  }

  /** Lock the form as it is now, under the code that is shown. */
  async save() {
    const { words } = this;
    try {
      const file = await lockDraft({ ...this.form.report, questionnaire: this.form.questionnaire }, words);
      if (words !== this.words) return; // the officer has gone on, and the code with them
      saveFile(file, FILE_NAME);
      this.state("save", "draft.saved");
    } catch (error) {
      this.state("save", error instanceof Malformed && error.fault === "draft-size" ? "draft.fault.draft-size" : "draft.failed");
    }
  }

  /** Open the draft; what is on screen is replaced only when the button is pressed once more. */
  async press() {
    const [file] = this.file.files ?? [];
    this.state("open");
    this.complain();
    if (!file) return this.complain(this.file, "draft.file");
    if (this.form.begun && !this.warned) {
      this.warned = true;
      return this.state("open", "draft.replace");
    }
    try {
      const bytes = new Uint8Array(await file.slice(0, MOST_BYTES).arrayBuffer());
      const draft = await openDraft(bytes, this.typed.value);
      if (draft.questionnaire.id !== this.form.questionnaire.id) return this.complain(this.file, "draft.fault.other-form");
      if (file === this.file.files?.[0]) this.opened(draft); // else the officer has gone on
    } catch (error) {
      const fault = faultOf(error);
      this.complain(OF_WORDS.includes(fault) ? this.typed : this.file, "draft.fault." + fault);
    }
  }

  /** Show a sentence at the field that it is about, and take it from all others.
   * @param {HTMLElement} [wrong] @param {string} key */
  complain(wrong, key = "") {
    for (const input of [this.file, this.typed]) {
      const error = find(this.root, `#${input.id}-error`, HTMLElement);
      error.hidden = input !== wrong;
      error.textContent = input === wrong ? this.say(key) : "";
      input.parentElement?.classList.toggle("field--wrong", input === wrong);
      input.setAttribute("aria-invalid", String(input === wrong));
    }
    wrong?.focus();
  }

  /** @param {string} name @param {string} [key] */
  state(name, key) {
    const state = find(this.root, `[data-state="${name}"]`, HTMLElement);
    state.replaceChildren(...(key ? [make("p", this.say(key))] : []));
    if (key) state.focus();
  }
}

/** What to say of a draft that does not open. @param {unknown} error */
function faultOf(error) {
  if (error instanceof NotForUs) return "no-match";
  if (error instanceof Broken) return "altered";
  const fault = error instanceof Malformed ? error.fault : "";
  return ["draft-code", "draft-receipt", "draft-version"].includes(fault) ? fault : "not-a-draft";
}
