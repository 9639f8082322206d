// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { test } from "node:test";
import { load, questionnaire, QUESTIONNAIRE, QUESTIONNAIRES } from "./project.mjs";

const { failedChecks, fieldsOf, openAnswers, openGroups } = await load("questionnaire.mjs");
const MOST_SCREENS = 12;
const NEVER_ASKED = /name|badge|mail|phone|grade|office$|day|date|family|health|member|nationality|witness|attorney|birth/;

/** Every set of letters that some choice of kinds and codes can open, with such a choice. */
function paths({ facts }) {
  const found = new Map([["", { kinds: [], codes: [] }]]);
  for (const [code, letters] of Object.entries(facts)) {
    for (const [key, { kinds, codes }] of [...found]) {
      const joined = [...new Set([...key, ...letters])].sort().join("");
      if (!found.has(joined)) found.set(joined, { kinds: [...new Set([...kinds, code.split(".")[0]])], codes: [...codes, code] });
    }
  }
  return [...found.values()];
}

for (const id of QUESTIONNAIRES) {
  const asked = questionnaire(id);
  const lengths = paths(asked).map((answers) => openGroups(asked, answers).length + 2); // and text and consent

  test(`no path through ${id} has more than twelve screens`, () => {
    assert.ok(lengths.length > 10);
    assert.equal(Math.min(...lengths), 4);
    assert.ok(Math.max(...lengths) <= MOST_SCREENS, `${Math.max(...lengths)} screens`);
  });

  test(`every group of ${id} is opened by some code`, () => {
    const opened = new Set(paths(asked).flatMap((answers) => openGroups(asked, answers).map((group) => group.id)));
    assert.deepEqual(asked.groups.filter((group) => !opened.has(group.id)), []);
  });

  test(`${id} takes no answer for an answer, and asks for nobody`, () => {
    const single = fieldsOf(asked).filter(({ type }) => type !== "choices");
    assert.deepEqual(single.filter((field) => field.default !== "no_answer" || !field.options.includes("no_answer")), []);
    assert.deepEqual(fieldsOf(asked).map((field) => field.id).filter((name) => NEVER_ASKED.test(name)), []);
    assert.equal(new Set(fieldsOf(asked).map((field) => field.id)).size, fieldsOf(asked).length);
  });
}

const opened = (answers) => openGroups(QUESTIONNAIRE, answers).slice(2).map(({ id }) => id);

test("a code opens its own groups, a kind alone all of them, the last ten first", () => {
  assert.deepEqual(opened({ kinds: ["REV"] }), ["last_ten", "decision", "instruction"]);
  assert.deepEqual(opened({ kinds: ["REV"], codes: ["REV.OVER"] }), ["decision"]);
  assert.deepEqual(opened({ kinds: ["REV", "TRN"], codes: ["REV.ASYM"] }), ["last_ten", "decision", "instruction", "training"]);
  assert.deepEqual(opened({ kinds: ["OTH"] }), []);
});

test("what was answered in a group that closed again is not sent", () => {
  const answers = { kinds: ["REV"], codes: ["TRN.NONE", "REV.OVER"], training_when: "never", decision_issued: "none", event_month: "2026-05" };
  assert.deepEqual(openAnswers(QUESTIONNAIRE, answers),
    { kinds: ["REV"], codes: ["REV.OVER"], event_month: "2026-05", decision_issued: "none" });
});

const tally = (numbers) => failedChecks(QUESTIONNAIRE.groups, Object.fromEntries(
  Object.entries(numbers).map(([name, number]) => [`last_ten_${name}`, String(number)]))).map(({ id }) => id.replace("last_ten_", ""));

test("the last ten add up, and no part is larger than its whole", () => {
  assert.deepEqual(tally({}), []);
  assert.deepEqual(tally({ n: 8, pos: 2, neg: 6, pos_reviewed: 2, pos_changed: 1 }), []);
  assert.deepEqual(tally({ n: 10, pos: 2, neg: 6 }), ["all"]);
  assert.deepEqual(tally({ n: 10, pos: 2 }), []);
  assert.deepEqual(tally({ n: 10, pos: 2, neg: "no_answer" }), []);
  assert.deepEqual(tally({ pos: 2, pos_reviewed: 3 }), ["positive"]);
  assert.deepEqual(tally({ pos: 2, pos_changed: 3 }), ["positive"]);
  assert.deepEqual(tally({ neg_reviewed: 0, neg_changed: 1 }), ["negative"]);
  assert.deepEqual(tally({ n: 1, neg: 2 }), ["negative"]);
});
