// SPDX-License-Identifier: AGPL-3.0-or-later
import { digest } from "./bytes.mjs";
import { Malformed, Untrusted } from "./faults.mjs";
import { checkEnvelope, LETTER_BYTES } from "./header.mjs";
import { weekOfKit } from "./kit.mjs";
import { readKeyList, weekOf } from "./keylist.mjs";
import { sealReport } from "./report.mjs";
import { parsePublicKey } from "./sshsig.mjs";

export const WAIT_SECONDS = 60; // for one answer of the portal, on a slow onion circuit
const KEYS_MAX_BYTES = 262144; // FORMAT.md 4
const ANSWER_MAX_BYTES = 2048; // a digest, or one plain sentence

/** @typedef {{ office: string, root: string, floor: number, throwaway: boolean, collect_days: number,
 *    regions: { id: string, label: string }[], contacts: { label: string, value: string }[] }} Office
 *  @typedef {import("./report.mjs").Sealed & { written: string, to: string }} Held a sealed report, what it was and to whom
 *  @typedef {"none" | "refused" | "unsure"} Sent what became of the words */

/** A report that is not known to have arrived: `sent` says what became of it, `why` names the reason's sentence.
 * What the portal wrote is never shown: it could ask an officer for anything, in a page whose bytes are as signed. */
export class Setback extends Error {
  /** @param {Sent} sent @param {string} why @param {number} after how many seconds the portal asked to wait */
  constructor(sent, why, after = 0) {
    super(why);
    this.sent = sent;
    this.why = why;
    this.after = after;
  }

  /** Whether it may pass: nothing has answered, or the portal could not take it. */
  get passes() {
    return this.sent !== "refused" && this.why !== "stranger";
  }
}

/** The way to the portal: fetches keys, seals once, and sends the same bytes until they are known to be kept. */
export class Sending {
  /** @param {Office} office @param {import("./questionnaire.mjs").Questionnaire} questionnaire
   *  @param {readonly import("./kit.mjs").Carried[]} [kit] the lists that a kit carries: it has no portal */
  constructor(office, questionnaire, kit) {
    this.kit = kit;
    this.office = office;
    this.questionnaire = questionnaire;
    this.floor = office.floor;
    /** @type {Held | null} */
    this.held = null;
    this.unsure = false;
  }

  /** The week of the portal's key list that covers a day. A list older than one already seen is refused.
   * @param {string} today @throws {Setback} @throws {Untrusted} */
  async askKeys(today) {
    if (this.kit) return weekOfKit(this.kit, parsePublicKey(this.office.root), this.floor, today);
    return weekOf(await this.fetchKeys(), today);
  }

  /** The portal's key list, of whatever weeks. @throws {Setback} @throws {Untrusted} */
  async fetchKeys() {
    const [list, signature] = await Promise.all(["/keys.txt", "/keys.txt.sig"].map((path) => ask(path, {}, KEYS_MAX_BYTES)));
    if (list.status !== 200 || signature.status !== 200) throw new Setback("none", "unreachable");
    const keys = readKeyList(list.body, decode(signature.body), parsePublicKey(this.office.root), this.floor);
    this.floor = keys.sequence;
    return keys;
  }

  /** Send a report. Returns the words of its receipt once the portal has answered that it is stored.
   * In a kit, once it is sealed: `held` is what the officer saves.
   * The same report to the same keys stays the same sealed bytes, so that a retry is kept once.
   * @param {import("./letter.mjs").Report} report @param {string} today @param {() => void} sealed
   * @returns {Promise<string[]>} @throws {Setback} @throws {Untrusted} @throws {import("./faults.mjs").Malformed} */
  async send(report, today, sealed) {
    const written = JSON.stringify(report);
    if (this.held?.written !== written) this.drop();
    const { recipients } = await this.askKeys(today);
    const to = recipients.join();
    if (this.held?.to !== to) {
      this.drop();
      const regions = this.office.regions.map(({ id }) => id);
      this.held = { written, to, ...(await sealReport(report, this.questionnaire, regions, recipients)) };
    }
    sealed();
    if (this.kit) return this.held.words;
    try {
      await post(this.held);
    } catch (error) {
      this.unsure ||= error instanceof Setback && error.sent === "unsure";
      throw error;
    }
    return this.held.words;
  }

  /** Send a letter that was sealed before, as it is. Returns once the portal has answered that it is stored.
   * @param {Uint8Array} envelope @throws {Setback} @throws {Untrusted} @throws {Malformed} before anything is sent */
  async handIn(envelope) {
    const { slots } = await this.fetchKeys();
    const { plaintextBytes } = checkEnvelope(envelope, slots);
    if (plaintextBytes !== LETTER_BYTES) throw new Malformed("size", "the file is not of the length of a letter");
    await post({ envelope, digest: digest(envelope) });
  }

  /** Give up what was sealed; whether it has arrived may stay unknown. */
  drop() {
    this.held?.envelope.fill(0);
    this.held = null;
  }

  /** Forget the report, and what became of it. */
  forget() {
    this.drop();
    this.unsure = false;
  }
}

/** Returns only when the portal says that it keeps exactly these bytes.
 * @param {{ envelope: Uint8Array, digest: string }} held @throws {Setback} */
async function post({ envelope, digest }) {
  const headers = { "content-type": "application/octet-stream" };
  const options = { method: "POST", headers, body: /** @type {BodyInit} */ (envelope) };
  const { status, body, after } = await ask("/envelopes", options, ANSWER_MAX_BYTES).catch((error) => {
    throw error instanceof Setback ? new Setback("unsure", error.why) : error;
  });
  if (status === 201 && decode(body).trim() === digest) return;
  if (status === 413) throw new Setback("refused", "large");
  if (status >= 400 && status < 500) throw new Setback("refused", "refused");
  if (status === 503) throw new Setback("unsure", "full", after);
  throw new Setback("unsure", status >= 500 ? "error" : "stranger", after);
}

/** One request with a time limit; an answer longer than the limit is cut.
 * @param {string} path @param {RequestInit} options @param {number} maxBytes
 * @returns {Promise<{ status: number, body: Uint8Array, after: number }>} `after` the seconds of Retry-After, else 0
 * @throws {Setback} */
async function ask(path, options, maxBytes) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), WAIT_SECONDS * 1000);
  try {
    const response = await fetch(path, {
      credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "same-origin", ...options, signal: limit.signal,
    });
    const after = Number(response.headers.get("retry-after")) || 0;
    return { status: response.status, body: await readUpTo(response, maxBytes), after };
  } catch {
    if (limit.signal.aborted) throw new Setback("none", "timeout");
    if (navigator.onLine === false) throw new Setback("none", "offline"); // a reason once it failed, never a cause
    throw new Setback("none", options.method === "POST" ? "cut" : "unreachable");
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Response} response @param {number} maxBytes */
async function readUpTo(response, maxBytes) {
  const reader = response.body?.getReader();
  const body = new Uint8Array(maxBytes + 1); // one more, so that a longer answer is seen to be longer
  let at = 0;
  while (reader && at < body.length) {
    const { done, value } = await reader.read();
    if (done) break;
    body.set(value.subarray(0, body.length - at), at);
    at = Math.min(body.length, at + value.length);
  }
  if (at === body.length) await reader?.cancel();
  return body.slice(0, at);
}

/** @param {Uint8Array} bytes */
const decode = (bytes) => new TextDecoder().decode(bytes);
