// SPDX-License-Identifier: AGPL-3.0-or-later
// The officer without a browser: the page's own pure modules behind one JSON command a line, for demo and tests.
// Each line of standard input gives one line of standard output. Bytes are base64. A refusal is
// {"fault": word of FORMAT.md, "error": sentence}.
//
// {"do":"seal","letter":{answers,text,consent,lang},"questionnaire":{...}|id,"keys":text,"signature":text,
//  "office":{...}|"root":text,"floor":n,"regions":[id],"today":"YYYY-MM-DD"}
//     -> {"envelope","receipt":[13 words],"digest":hex,"id":hex,"slots":n}   (office gives root, floor and regions)
// {"do":"letter","letter":{...},"questionnaire":{...}|id,"regions":[id],"words":receipt}
//     -> {"plaintext","id":hex,"room":bytes}
// {"do":"seal_bytes","plaintext","recipients":[age1pq1...]}          -> {"envelope","digest":hex}
// {"do":"check","envelope","slots":n}                                -> {"fault":null|word}
// {"do":"open","envelope","identity":text,"slots":n}                 -> {"plaintext"}
// {"do":"keylist","keys","signature":text,"root":text,"floor":n,"today":day}
//     -> {"list":{...},"week":{...}|null}   ("keys" is text, or {"base64":...} for bytes that are not UTF-8)
// {"do":"receipt"} or {"do":"receipt","words":text} or {"do":"receipt","secret":hex}
//     -> {"words":[13],"secret":hex,"identity":text,"tag_key":hex,"recipient":text,"thread_key":hex}
// {"do":"verify","message","signature":text,"key":text,"namespace":text}  -> {"fingerprint":text}
// {"do":"detect","text":text,"answers":{...}}
//     -> {"hits":[[rule,start,end]],"units":[[rule,start,end]],"combination":{"parts":[...],"hits":n}|null}
// {"do":"draft","draft":{questionnaire,lang,answers,text,consent}}   -> {"file","words":[13]}
// {"do":"draft","file","words":text}                                 -> {"draft":{...}}
// {"do":"age","file","identities":[text],"passphrases":[text]}       -> {"plaintext"}, age-encryption's own verdict
// {"do":"scrypt","plaintext","passphrase":text,"work":n}             -> {"file"}
// {"do":"identity"}                                                  -> {"identity":text,"recipient":text}
// {"do":"selftest"}                                                  -> {"ms":n}
import { createInterface } from "node:readline";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";
import codebook from "../../intake/codebook.json" with { type: "json" };
import asylumOfficer from "../../intake/questionnaires/asylum-officer.json" with { type: "json" };
import generalGrievance from "../../intake/questionnaires/general-grievance.json" with { type: "json" };
import { digest, utf8 } from "./bytes.mjs";
import { combine, find, inUnits } from "./detectors.mjs";
import { lockDraft, newDraftCode, openDraft } from "./draft.mjs";
import { open, seal } from "./envelope.mjs";
import { Fault, Malformed } from "./faults.mjs";
import { checkEnvelope } from "./header.mjs";
import { readKeyList, weekOf } from "./keylist.mjs";
import { roomLeft, writeLetter } from "./letter.mjs";
import { withCodes } from "./questionnaire.mjs";
import { newReceipt, readReceipt, receiptWords, replyIdentity, returnOf } from "./receipt.mjs";
import { selfTest } from "./selftest.mjs";
import { parsePublicKey, verify } from "./sshsig.mjs";

/** @typedef {Record<string, any>} Command */

const KNOWN = [asylumOfficer, generalGrievance].map((asked) => withCodes(asked, codebook));

/** @type {Record<string, (command: Command) => object | Promise<object>>} */
const COMMANDS = {
  async seal(command) {
    const list = trusted(command);
    const { letter, secret } = await newLetter({ ...command, regions: command.regions ?? regionsOf(command.office) });
    const envelope = await seal(letter, weekOf(list, command.today).recipients);
    return { ...sealed(envelope), receipt: receiptWords(secret), id: idOf(letter), slots: list.slots };
  },
  async letter(command) {
    const { letter } = await newLetter(command);
    return { plaintext: base64(letter), id: idOf(letter), room: roomLeft(reportOf(command), questionnaireOf(command)) };
  },
  async seal_bytes({ plaintext, recipients }) {
    return sealed(await seal(bytes(plaintext), recipients));
  },
  check({ envelope, slots }) {
    try {
      checkEnvelope(bytes(envelope), slots);
    } catch (error) {
      if (error instanceof Malformed) return { fault: error.fault, error: error.message };
      throw error;
    }
    return { fault: null };
  },
  async open({ envelope, identity, slots }) {
    return { plaintext: base64(await open(bytes(envelope), identity, slots)) };
  },
  keylist(command) {
    const list = trusted(command);
    return { list, week: command.today ? weekOf(list, command.today) : null };
  },
  async receipt({ words, secret }) {
    const found = words !== undefined ? readReceipt(words) : secret !== undefined ? hexToBytes(secret) : newReceipt();
    const facts = { words: receiptWords(found), secret: bytesToHex(found), identity: replyIdentity(found) };
    return { ...facts, ...(await returnOf(found)) };
  },
  verify({ message, signature, key, namespace }) {
    const signer = parsePublicKey(key);
    verify(bytes(message), signature, signer, namespace);
    return { fingerprint: signer.fingerprint };
  },
  detect({ text, answers = {} }) {
    const hits = find(text);
    const combined = combine(hits, answers);
    const rows = (/** @type {import("./detectors.mjs").Hit[]} */ some) => some.map(({ rule, start, end }) => [rule, start, end]);
    return {
      hits: rows(hits),
      units: rows(inUnits(text, hits)),
      combination: combined && { parts: combined.parts, hits: combined.hits.length },
    };
  },
  async draft({ draft, file, words = newDraftCode() }) {
    if (file !== undefined) return { draft: await openDraft(bytes(file), words) };
    return { file: base64(await lockDraft(draft, words)), words };
  },
  async age({ file, identities = [], passphrases = [] }) {
    const decrypter = new Decrypter();
    for (const identity of identities) decrypter.addIdentity(identity);
    for (const passphrase of passphrases) decrypter.addPassphrase(passphrase);
    return { plaintext: base64(await decrypter.decrypt(bytes(file))) };
  },
  async scrypt({ plaintext, passphrase, work = 18 }) {
    const encrypter = new Encrypter();
    encrypter.setPassphrase(passphrase);
    encrypter.setScryptWorkFactor(work);
    return { file: base64(await encrypter.encrypt(bytes(plaintext))) };
  },
  async identity() {
    const identity = await generateHybridIdentity();
    return { identity, recipient: await identityToRecipient(identity) };
  },
  async selftest() {
    const start = performance.now();
    await selfTest();
    return { ms: Math.round(performance.now() - start) };
  },
};

/** @param {Command} command */
async function newLetter(command) {
  const secret = command.words ? readReceipt(command.words) : newReceipt();
  const back = await returnOf(secret);
  const letter = writeLetter(reportOf(command), back, questionnaireOf(command), command.regions ?? [], receiptWords(secret));
  return { letter, secret };
}

/** The key list of a command, as the page would trust it. @param {Command} command */
function trusted({ keys, signature, office, root, floor }) {
  const facts = typeof office === "string" ? JSON.parse(office) : office;
  const data = typeof keys === "string" ? utf8(keys) : bytes(keys.base64);
  return readKeyList(data, signature, parsePublicKey(root ?? facts.root), floor ?? facts?.floor ?? 1);
}

/** @param {string | { regions: { id: string }[] } | undefined} office @returns {string[]} */
function regionsOf(office) {
  const facts = typeof office === "string" ? JSON.parse(office) : office;
  return facts?.regions?.map((/** @type {{ id: string }} */ { id }) => id) ?? [];
}

/** @param {Command} command @returns {import("./letter.mjs").Report} */
const reportOf = ({ letter: { answers, text, consent, lang = "en" } }) => ({ answers, text, consent, lang });

/** @param {Command} command */
function questionnaireOf({ questionnaire = asylumOfficer.id }) {
  const found = typeof questionnaire === "string" ? KNOWN.find(({ id }) => id === questionnaire) : questionnaire;
  if (!found) throw new Fault("letter-questionnaire", "this questionnaire is not known here");
  return found.facts ? found : withCodes(found, codebook);
}

/** @param {Uint8Array} letter */
const idOf = (letter) => JSON.parse(new TextDecoder().decode(letter)).id;

/** @param {Uint8Array} envelope */
const sealed = (envelope) => ({ envelope: base64(envelope), digest: digest(envelope) });

/** @param {Uint8Array} data */
const base64 = (data) => Buffer.from(data).toString("base64");

/** @param {string} text */
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

/** @param {string} line */
async function answer(line) {
  try {
    const command = JSON.parse(line);
    if (!Object.hasOwn(COMMANDS, command.do)) throw new Fault("command", "this command is not known");
    return await COMMANDS[command.do](command);
  } catch (error) {
    if (error instanceof Fault) return { fault: error.fault, error: error.message };
    return { fault: "error", error: error instanceof Error ? error.message : "failed" };
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(JSON.stringify(await answer(line)) + "\n");
}
