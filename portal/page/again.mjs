// SPDX-License-Identifier: AGPL-3.0-or-later
// Trying again by itself: six times, for half an hour at most, after pauses that grow. Each is drawn by chance from
// a wide range, so that many pages do not come at one moment, and no pause tells one page from another.

const TRIES = 6;
const FIRST_SECONDS = 10;
const MOST_SECONDS = 150; // also of what a portal asks for: it must not keep a page waiting all day

/** The pause before a try: at least what has grown or what the portal asked for, and up to twice that.
 * @param {number} tries before it @param {number} after what the portal asked for, in seconds @param {number} chance from 0 to 1 */
export const pauseSeconds = (tries, after, chance) =>
  Math.min(MOST_SECONDS, Math.max(after, FIRST_SECONDS * 2 ** tries)) * (1 + chance);

/** Counts down to the next try. */
export class Again {
  /** @param {(seconds: number) => void} show @param {() => void} act */
  constructor(show, act) {
    this.show = show;
    this.act = act;
    this.tries = 0;
  }

  /** Begin anew: an officer has pressed the button, or has gone. */
  reset() {
    clearInterval(this.timer);
    this.tries = 0;
  }

  /** Plan the next try; returns whether there is one. @param {number} after */
  plan(after) {
    if (this.tries === TRIES) return false;
    const chance = crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32;
    const end = performance.now() + pauseSeconds(this.tries++, after, chance) * 1000;
    const step = matchMedia("(prefers-reduced-motion: reduce)").matches ? 10 : 1;
    const tick = () => {
      const left = end - performance.now();
      if (left > 0) return this.show(Math.ceil(left / step / 1000) * step);
      clearInterval(this.timer);
      this.act();
    };
    this.timer = setInterval(tick, 1000);
    tick();
    return true;
  }
}
