// SPDX-License-Identifier: AGPL-3.0-or-later

/** What went wrong with foreign bytes: `fault` is a word of FORMAT.md, the message one lower-case sentence. */
export class Fault extends Error {
  /** @param {string} fault @param {string} sentence */
  constructor(fault, sentence) {
    super(sentence);
    this.fault = fault;
  }
}

/** Not of the exact shape: nothing was opened. */
export class Malformed extends Fault {}

/** Well formed, and no identity of ours opens it: try the next. */
export class NotForUs extends Fault {}

/** Ours, and altered: stop and say so. */
export class Broken extends Fault {}

/** A signature, key list or date that this reader does not trust. */
export class Untrusted extends Fault {}
