// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { sameBytes, utf8 } from "./bytes.mjs";
import { open, seal } from "./envelope.mjs";
import { Broken, Fault } from "./faults.mjs";
import { LETTER_BYTES } from "./header.mjs";
import { newReceipt, readReceipt, receiptWords } from "./receipt.mjs";
import { parsePublicKey, verify } from "./sshsig.mjs";
import { KEY, MESSAGE, NAMESPACE, SIGNATURE } from "./knownsignature.mjs";

const RECEIPT = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about lens";

/** Passes when this engine seals, opens, refuses what is altered and knows a signature; throws otherwise.
 * @param {() => Promise<void>} pause lets the page breathe between steps */
export async function selfTest(pause = async () => {}) {
  checkRandomness();
  checkReceipt();
  checkSignature();
  await pause();
  await checkSealing(pause);
}

function checkRandomness() {
  const [one, two] = [newReceipt(), newReceipt()];
  demand(one.length === 16 && !sameBytes(one, two) && one.some((byte) => byte !== 0), "randomness");
}

function checkReceipt() {
  demand(receiptWords(new Uint8Array(16)).join(" ") === RECEIPT, "receipt words");
  demand(sameBytes(readReceipt(RECEIPT), new Uint8Array(16)), "receipt reading");
}

function checkSignature() {
  const key = parsePublicKey(KEY);
  verify(utf8(MESSAGE), SIGNATURE, key, NAMESPACE);
  demand(refuses(() => verify(utf8(MESSAGE + "."), SIGNATURE, key, NAMESPACE)), "signature");
}

/** @param {() => Promise<void>} pause */
async function checkSealing(pause) {
  const identity = await generateHybridIdentity();
  const letter = new Uint8Array(LETTER_BYTES).fill(0x20);
  letter.set(newReceipt());
  const envelope = await seal(letter, [await identityToRecipient(identity)]);
  await pause();
  demand(sameBytes(await open(envelope, identity, 1), letter), "opening");
  await pause();
  envelope[envelope.length - 1] ^= 1;
  const fault = await open(envelope, identity, 1).then(() => null, (error) => error);
  demand(fault instanceof Broken && fault.fault === "payload", "an altered envelope");
}

/** @param {() => void} step */
function refuses(step) {
  try {
    step();
  } catch (error) {
    return error instanceof Fault;
  }
  return false;
}

/** @param {boolean} good @param {string} what */
function demand(good, what) {
  if (!good) throw new Fault("self-test", `the self-test of ${what} failed`);
}
