// SPDX-License-Identifier: AGPL-3.0-or-later
// What the page's script leaves out of its libraries, for build.mjs: what is sent to everyone and never runs.
// A library that is not as a rule expects it stops the build; the tests in browsers then run what is left.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { wordlist } from "@scure/bip39/wordlists/english.js";

const UNUSED = join(dirname(fileURLToPath(import.meta.url)), "unused.mjs");
const PACKAGES = /\/node_modules\/((?:@noble|@scure|age-encryption)\/.*\.js)$/;

/** What stands in a file of a library, and what stands there in the page. @typedef {{ file: string, found: RegExp, instead: string }} Rule */

/** Functions stop in their first line: the minifier drops the rest, and what only that had used.
 * @param {string} file @param {string[]} names @returns {Rule[]} */
const stopped = (file, ...names) => names.map((name) => ({
  file, found: new RegExp(`^( *(?:export )?(?:async )?(?:function )?${name}\\(.*\\) \\{)$`, "m"), instead: "$1 throw new Error();",
}));

/** Imports are met by unused.mjs. @param {string} file @param {string[]} names @returns {Rule[]} */
const unused = (file, ...names) => names.map((name) => ({
  file, found: new RegExp(`^import ${name.replace("*", "\\*")} from .*;$`, "m"), instead: `import ${name} from "unused";`,
}));

/** What a library makes when it loads is not made. @param {string} file @param {string[]} names @returns {Rule[]} */
const unmade = (file, ...names) => names.map((name) => ({
  file, found: new RegExp(`^export const ${name} = .*;$`, "m"), instead: `export const ${name} = undefined;`,
}));

// The words of an error, which the page never shows. Those of age-encryption stay, since envelope.mjs tells faults by them,
// and "invalid tag", which Firefox tells in its console whenever the self-test opens an altered letter.
const ERROR_WORDS = /(throw new \w*Error)\((?!'invalid tag')(?:'[^'\n]*'|"[^"\n]*"|`[^`\n]*`|[^'"`;\n])*\);/g;

const RULES = [
  ...stopped("@noble/curves/abstract/edwards.js", "sign", "toMontgomery", "toMontgomerySecret"),
  ...stopped("@noble/curves/abstract/fft.js", "bitReversalInplace"),
  ...stopped("@noble/curves/abstract/modular.js", "FpSqrt", "fromBytes", "validateField"),
  ...stopped("@noble/hashes/sha3.js", "_cloneInto"),
  ...stopped("@scure/base/index.js", "convertRadix"),
  ...stopped("age-encryption/dist/io.js", "readAllString"),
  ...stopped("age-encryption/dist/stream.js", "plaintextSize"),
  // Of the kinds of recipients and hybrids, only that of our letters.
  ...unused("age-encryption/dist/index.js", "{ ScryptIdentity, ScryptRecipient }", "{ X25519Identity, X25519Recipient }"),
  ...unused("age-encryption/dist/index.js", "{ TagRecipient, HybridTagRecipient }"),
  ...unused("age-encryption/dist/recipients.js", "{ scrypt }", "{ p256 }", "* as x25519"),
  ...unused("@noble/post-quantum/hybrid.js", "{ p256, p384 }"),
  ...unmade("@noble/post-quantum/hybrid.js", "QSF_ml_kem768_p256", "QSF_ml_kem1024_p384", "KitchenSink_ml_kem768_x25519"),
  ...unmade("@noble/post-quantum/hybrid.js", "ml_kem768_p256", "ml_kem1024_p384"),
];

/** The module of the word list. Each word is written as how many letters it keeps of the word before, and its other ones. */
function folded() {
  const kept = wordlist.map((word, i) => [...word].findIndex((letter, at) => letter !== wordlist[i - 1]?.[at]));
  const list = wordlist.map((word, i) => kept[i] + word.slice(kept[i])).join("");
  return `let word = "";
    export const wordlist = Array.from("${list}".matchAll(/(\\d)(\\D+)/g), ([, kept, others]) => word = word.slice(0, kept) + others);`;
}

/** Leaves out of a script what its libraries bring and it never runs. @returns {import("esbuild").Plugin} */
export const withoutUnused = () => ({
  name: "without-unused",
  setup(steps) {
    const waiting = new Set(RULES);
    steps.onLoad({ filter: /\/@scure\/bip39\/wordlists\/english\.js$/ }, () => ({ contents: folded() }));
    steps.onResolve({ filter: /^unused$/ }, () => ({ path: UNUSED, sideEffects: false }));
    steps.onLoad({ filter: PACKAGES }, ({ path }) => {
      const name = PACKAGES.exec(path)?.[1];
      let contents = readFileSync(path, "utf8");
      for (const rule of RULES.filter(({ file }) => file === name)) {
        if (rule.found.test(contents)) waiting.delete(rule);
        contents = contents.replace(rule.found, rule.instead);
      }
      return { contents: name?.startsWith("age-encryption/") ? contents : contents.replace(ERROR_WORDS, "$1();") };
    });
    steps.onEnd(() => ({ errors: [...waiting].map(({ file, found }) => ({ text: `${file} has no ${found}` })) }));
  },
});
