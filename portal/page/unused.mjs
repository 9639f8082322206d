// SPDX-License-Identifier: AGPL-3.0-or-later
// In the page's script this stands where its libraries would bring what no letter, draft or key list uses: P-256, P-384,
// scrypt, and age's other kinds of recipients. Only recipients and identities of the hybrid kind reach the library
// (envelope.mjs, draft.mjs), and whoever came here by another way would stop at once. The self-test seals without them.

/** @returns {never} */
const stop = () => {
  throw new Error("this algorithm is not part of the page");
};

export { stop as HybridTagRecipient, stop as ScryptIdentity, stop as ScryptRecipient, stop as TagRecipient };
export { stop as X25519Identity, stop as X25519Recipient, stop as scalarMult, stop as scalarMultBase };
export { stop as p256, stop as p384, stop as scrypt };
