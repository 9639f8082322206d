// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./project.mjs";

const { pauseSeconds } = await load("again.mjs");
const pauses = (after, chance) => [0, 1, 2, 3, 4, 5].map((tries) => pauseSeconds(tries, after, chance));

test("pauses grow, to five minutes at most and half an hour in all", () => {
  assert.deepEqual(pauses(0, 0), [10, 20, 40, 80, 150, 150]);
  assert.deepEqual(pauses(0, 1), [20, 40, 80, 160, 300, 300]);
  assert.equal(pauses(86_400, 1).reduce((sum, pause) => sum + pause), 1800);
});

test("what the portal asks for is waited for, up to a limit", () => {
  assert.deepEqual(pauses(60, 0), [60, 60, 60, 80, 150, 150]);
  assert.deepEqual(pauses(1e9, 0), [150, 150, 150, 150, 150, 150]);
  assert.deepEqual(pauses(-5, 0), pauses(0, 0));
});

test("many pages that fail at one moment come back over the whole range", () => {
  const chances = Array.from({ length: 1000 }, () => crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32);
  const seconds = chances.map((chance) => Math.floor(pauseSeconds(4, 0, chance)));
  assert.ok(new Set(seconds).size > 120, "they come in " + new Set(seconds).size + " different seconds of 150");
});
