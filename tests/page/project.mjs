// SPDX-License-Identifier: AGPL-3.0-or-later
// Where the project is, and what several tests need of it. UNDERSEAL_SOURCE names the checkout when tests run elsewhere.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = process.env.UNDERSEAL_SOURCE ?? resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** A module of the page. */
export const load = (name) => import(pathToFileURL(join(ROOT, "portal/page", name)).href);

/** What esbuild bundles for Node, as a module of the project's own packages. */
export const loadPackage = (path) => import(pathToFileURL(join(ROOT, "node_modules", path)).href);

/** A fresh hybrid recipient, by the library. */
export async function newRecipient() {
  const { generateHybridIdentity, identityToRecipient } = await loadPackage("age-encryption/dist/index.js");
  return identityToRecipient(await generateHybridIdentity());
}

export const readProject = (path) => readFileSync(join(ROOT, path), "utf8");

const { withCodes } = await load("questionnaire.mjs");
export const CODEBOOK = JSON.parse(readProject("intake/codebook.json"));
export const questionnaire = (id) => withCodes(JSON.parse(readProject(`intake/questionnaires/${id}.json`)), CODEBOOK);
export const QUESTIONNAIRES = readdirSync(join(ROOT, "intake/questionnaires")).map((name) => name.replace(".json", ""));
export const QUESTIONNAIRE = questionnaire("asylum-officer");
export const REGIONS = ["coast", "interior"];

/** A report with every answer in place. */
export const report = (changes = {}) => ({
  answers: { kinds: ["REV"], event_month: "2026-05", region: "coast", role_band: "officer", knows: "saw_myself" },
  text: "What happened.",
  consent: {
    record: true, counsel: false, grievance: false, aggregate: true, oversight: false, litigation: false, press: false,
    quote: "none", min_similar: "0", not_before: "no_answer", text_version: "1",
  },
  lang: "en",
  ...changes,
});

/** The fault of what a function throws, or null. */
export async function faultOf(act) {
  try {
    await act();
    return null;
  } catch (error) {
    return error.fault ?? `no fault: ${error.message}`;
  }
}

/** A fresh OpenSSH key, and signatures by the real ssh-keygen. */
export class SshKey {
  constructor(folder = mkdtempSync(join(tmpdir(), "page-test-"))) {
    this.folder = folder;
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(folder, "key")]);
    this.text = readFileSync(join(folder, "key.pub"), "utf8").trim();
  }

  sign(message, namespace) {
    const path = join(this.folder, "message");
    writeFileSync(path, message);
    execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", join(this.folder, "key"), "-n", namespace, path], { stdio: "ignore" });
    const signature = readFileSync(path + ".sig", "utf8");
    rmSync(path + ".sig");
    return signature;
  }

  discard() {
    rmSync(this.folder, { recursive: true });
  }
}
