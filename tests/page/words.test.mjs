// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { load, questionnaire, QUESTIONNAIRES, readProject, ROOT } from "./project.mjs";

const { RULES } = await load("detectors.mjs");
const { fieldsOf } = await load("questionnaire.mjs");

const PAGE_MODULES = [
  "deadlinehelper", "dom", "drafting", "form", "handin", "handover", "language", "main", "sealing", "sending", "steps", "summary",
  "warnings",
];
const TOOLS = ["build", "officer"];
const words = JSON.parse(readProject("intake/words/en.json"));
const said = Object.keys(words).filter((key) => key.startsWith("say.")).map((key) => key.slice(4));
const modules = readdirSync(join(ROOT, "portal/page")).filter((name) => name.endsWith(".mjs")).map((name) => name.slice(0, -4));
const code = (name) => readProject(`portal/page/${name}.mjs`).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
const page = PAGE_MODULES.map(code).join("\n");

test("every sentence of the script is said somewhere", () => {
  const quoted = (key) => page.includes(`"${key}"`);
  const rule = (key) => key.startsWith("detector.");
  const reason = (key) => key.startsWith("why.") && quoted(key.replace(/^why\.|\.said$/g, ""));
  const fault = (key) => key.startsWith("draft.fault.") && quoted(key.replace("draft.fault.", ""));
  assert.deepEqual(said.filter((key) => !quoted(key) && !reason(key) && !fault(key) && !rule(key) && !key.startsWith("deadline.")), []);
});

test("every sentence that the script says exists", () => {
  const asked = [...page.matchAll(/\b(?:say\(|state\("\w+", )[^"()]*"([\w.]+)"/g)].map(([, key]) => key);
  const setbacks = [...page.matchAll(/new Setback\("\w+", "(\w+)"/g)].map(([, key]) => `why.${key}`);
  assert.ok(asked.length > 10 && setbacks.length > 2);
  assert.deepEqual([...asked, ...setbacks].filter((key) => !said.includes(key)), []);
});

test("every detector explains itself and says what to do, and no other does", () => {
  const rules = [...RULES.filter(({ quiet }) => !quiet).map(({ id }) => id), "combination"];
  assert.deepEqual(said.filter((key) => key.startsWith("detector.")).sort(), rules.flatMap((id) => [`detector.${id}`, `detector.${id}.hint`]).sort());
});

test("every route, choice and note of the profiles has its words, and no other has", () => {
  const profiles = readdirSync(join(ROOT, "intake/deadlines")).map((name) => JSON.parse(readProject(`intake/deadlines/${name}`)));
  const routes = profiles.flatMap((profile) => profile.routes).filter(({ owner }) => !owner);
  const parts = [
    ...routes.flatMap(({ id }) => [id, `${id}.hint`]), ...routes.map(({ unit }) => `unit.${unit}`),
    ...routes.flatMap(({ basis }) => basis.match(/^[a-z]+/) ?? []).map((word) => `basis.${word}`),
    ...["open", "maybe", "passed", "contract"].map((state) => `state.${state}`),
    ...routes.filter(({ sense }) => sense !== "due").map(({ sense }) => `sense.${sense}`),
    "standing.disputed", "standing.closed", "configured", "unverified",
    ...profiles.flatMap((profile) => [...profile.elections.map(({ id }) => `election.${id}`), ...profile.notes.map((id) => `note.${id}`)]),
  ].map((part) => `deadline.${part}`);
  const own = said.filter((key) => key.startsWith("deadline.") && code("deadlinehelper").includes(`"${key}"`));
  assert.deepEqual(said.filter((key) => key.startsWith("deadline.")).sort(), [...new Set([...parts, ...own])].sort());
  const triggers = Object.keys(words).filter((key) => key.startsWith("deadline.trigger."));
  assert.deepEqual(triggers.sort(), [...new Set(routes.map(({ trigger }) => `deadline.trigger.${trigger}`))].sort());
});

for (const id of QUESTIONNAIRES) {
  const asked = questionnaire(id);
  const has = { ...words, ...JSON.parse(readProject(`intake/words/${id}/en.json`)) };

  test(`every question and option of ${id} has its words`, () => {
    const labelled = (field, option) => has[`option.${field}.${option}`] ?? has[`option.${option}`];
    const fields = [...fieldsOf(asked), ...asked.consent.modifiers];
    const unlabelled = fields.flatMap((field) => field.options.filter((option) => !labelled(field.id, option)));
    const keys = [
      ...fields.map(({ id }) => `field.${id}`), ...Object.keys(asked.facts).map((code) => `option.codes.${code}`),
      ...asked.groups.flatMap(({ id, checks = [] }) => [`step.${id}`, ...checks.map((check) => `check.${check.id}`)]),
      ...asked.consent.switches.flatMap(({ id }) => [`switch.${id}`, `switch.${id}.hint`]),
    ];
    assert.deepEqual([...keys.filter((key) => !has[key]), ...unlabelled], []);
  });
}

test("pure modules name no document, window, request or storage", () => {
  const pure = modules.filter((name) => !PAGE_MODULES.includes(name) && !TOOLS.includes(name));
  const named = pure.filter((name) => /\b(document|window|fetch|navigator|location|localStorage|sessionStorage|indexedDB)\b/.test(code(name)));
  assert.ok(pure.length > 10);
  assert.deepEqual(named, []);
});

test("page modules name no primitive", () => {
  const named = PAGE_MODULES.filter((name) => /@noble|@scure|age-encryption|sha256|ed25519|crypto\./.test(code(name)));
  assert.deepEqual(named, []);
});

test("no module says anything on its own", () => {
  const loud = modules.filter((name) => /\bconsole\b|Math\.random|innerHTML|insertAdjacentHTML|\beval\b|new Function/.test(code(name)));
  assert.deepEqual(loud, []);
});
