// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { ROOT } from "./project.mjs";

const MODULE = pathToFileURL(join(ROOT, "portal/page/selftest.mjs")).href;
const MAX_MS = 1000; // One second of computing from press to receipt, without a compiler

/** The fastest of three self-tests, in milliseconds, in an engine without what we must not need. */
function milliseconds(flags) {
  // Node's own fetch compiles WebAssembly behind Response; that one rejection is Node's, and nothing else may pass.
  const program = `
    process.on("unhandledRejection", (error) => { if (!/WebAssembly/.test(error.message)) throw error; });
    Object.defineProperty(globalThis.crypto, "subtle", { get() { throw new Error("crypto.subtle was used"); } });
    delete globalThis.WebAssembly;
    const { selfTest } = await import(${JSON.stringify(MODULE)});
    const times = [];
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      await selfTest();
      times.push(performance.now() - start);
    }
    console.log(Math.min(...times));`;
  const args = [...flags, "--input-type=module", "--eval", program];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

test("the self-test passes without crypto.subtle and WebAssembly", () => {
  assert.ok(milliseconds([]) > 0);
});

test("the self-test passes without JIT within a second", () => {
  const ms = milliseconds(["--jitless"]);
  assert.ok(ms > 0 && ms < MAX_MS, `${ms} ms`);
});
