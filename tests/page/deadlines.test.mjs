// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { faultOf, load, readProject, ROOT } from "./project.mjs";

const { dueFrom, elections, fileBy, hardDue, outlook, spanFrom, standing, wordsOf } = await load("deadlines.mjs");
const { holidaysOf } = await load("calendar.mjs");
const vectors = JSON.parse(readProject("tests/vectors/deadlines.json"));
const profiles = readdirSync(join(ROOT, "intake/deadlines")).sort().map((name) => JSON.parse(readProject(`intake/deadlines/${name}`)));
const [of2019, of2026] = profiles;
const routeOf = (profile, id) => profile.routes.find((route) => route.id === id);
const TODAY = "2026-11-24";

for (const profile of profiles) {
  for (const { name, route, from, ...due } of vectors.dues) {
    test(`${profile.profile}: ${name}`, () => assert.deepEqual(dueFrom(profile, routeOf(profile, route), from), due));
  }
}

for (const [year, days] of Object.entries(vectors.holidays)) {
  test(`holidays of ${year} are kept as published`, () => assert.deepEqual(holidaysOf(of2026.holidays, Number(year)), days));
}

test("the rules of every profile give the holidays that the desk's library knows", () => {
  for (const { holidays } of profiles) {
    const days = Array.from({ length: 28 }, (_, at) => holidaysOf(holidays, 2014 + at)).flat(); // a year's first may be kept before it
    assert.deepEqual(days.filter((day) => "2015" <= day && day < "2041"), vectors.kept);
  }
});

for (const { route, month, ...span } of vectors.months) {
  test(`${route} of ${month} without a day`, () => assert.deepEqual(spanFrom(of2019, routeOf(of2019, route), month), span));
}

for (const { route, when, today, state } of vectors.states) {
  test(`${route} of ${when} on ${today} is ${state}`, () => {
    const { trigger } = routeOf(of2019, route);
    assert.equal(outlook(of2019, trigger, when, today).find((row) => row.route.id === route).state, state);
  });
}

test("single dates are those of the whole", () => {
  const route = routeOf(of2026, "ira_letter");
  assert.deepEqual([fileBy(of2026, route, "2026-04-30"), hardDue(of2026, route, "2026-04-30")], ["2026-07-02", "2026-07-06"]);
});

test("no route ends before it began, and is filed no later than it holds", () => {
  for (const route of of2026.routes.filter(({ count }) => count)) {
    for (let day = 0; day < 800; day++) {
      const from = new Date(Date.UTC(2027, 0, 1 + day)).toISOString().slice(0, 10);
      const { unrolled, hard_due, file_by } = dueFrom(of2026, route, from);
      assert.ok(from < file_by && file_by <= unrolled && unrolled <= hard_due, `${route.id} ${from}`);
    }
  }
});

test("what is no day is refused", async () => {
  for (const day of vectors.no_days) assert.equal(await faultOf(() => dueFrom(of2026, routeOf(of2026, "ulp"), day)), "day", day);
  for (const month of vectors.no_months) assert.equal(await faultOf(() => spanFrom(of2026, routeOf(of2026, "ulp"), month)), "day", month);
  assert.equal(await faultOf(() => outlook(of2026, "event", "2026-05-06", "today")), "day");
});

test("a route of the contract has no day of its own", async () => {
  const rows = outlook(of2019, "step_answer", "2019-05-02", "2019-05-03");
  assert.deepEqual(rows.map(({ state, due }) => [state, due]), Array(3).fill(["contract", null]));
  assert.equal(await faultOf(() => dueFrom(of2019, routeOf(of2019, "arbitration"), "2019-05-02")), "route");
});

test("what is no day and no month is refused, also where the contract counts", async () => {
  for (const when of ["", "May 2026", "2026-13", "2026-02-30", "abcdefg", "1989-12"]) {
    assert.equal(await faultOf(() => outlook(of2019, "step_answer", when, TODAY)), "day", when);
  }
});

test("routes stand in the order of the days to file by", () => {
  const rows = outlook(of2026, "event", "2026-11-02", TODAY);
  assert.deepEqual(rows.map(({ route }) => route.id), ["grievance", "eeo_counselor", "ulp", "osc_reprisal"]);
  assert.deepEqual(rows.slice(0, 3).map(({ due }) => due.file_by), ["2026-11-17", "2026-12-17", "2027-04-30"]);
});

test("a contested route is shown with its days, an excluded one is named", () => {
  const excluded = { ...of2026, disputed: false };
  const grievance = (profile) => standing(profile, routeOf(profile, "grievance"));
  assert.deepEqual([of2019, of2026, excluded].map(grievance), ["open", "disputed", "closed"]);
  assert.equal(standing(excluded, routeOf(excluded, "eeo_counselor")), "open");
});

test("routes that shut each other are warned of", () => {
  const ids = (profile, ...routes) => elections(profile, routes).map(({ id }) => id);
  assert.deepEqual(ids(of2019, "ulp"), ["same_issue"]);
  assert.deepEqual(ids(of2026, "mspb_appeal"), ["prohibited_practice", "adverse_action"]);
  assert.deepEqual(ids({ ...of2026, disputed: false }, "mspb_appeal"), ["prohibited_practice"]);
  assert.deepEqual(ids(of2026, "foia_appeal"), []);
});

test("what is said follows from state, standing and proof", () => {
  const row = outlook(of2026, "event", "2026-05", TODAY).find(({ route }) => route.id === "grievance");
  assert.deepEqual(wordsOf(row), ["deadline.grievance", "deadline.state.passed", "deadline.standing.disputed",
    "deadline.configured", "deadline.unverified", "deadline.grievance.hint"]);
  const eeo = outlook(of2026, "event", "2026-11-20", TODAY).find(({ route }) => route.id === "eeo_counselor");
  assert.deepEqual(wordsOf(eeo), ["deadline.eeo_counselor", "deadline.state.open", "deadline.eeo_counselor.hint"]);
  const [silence] = outlook(of2026, "osc_complaint", "2026-11-20", TODAY);
  assert.deepEqual(wordsOf(silence).slice(0, 2), ["deadline.ira_silence", "deadline.sense.opens"]);
});

test("what a rule rests on is one word, a citation, or both", () => {
  const CITATION = /^([a-z]+; )?([0-9]+ (USC|CFR)|EU) [0-9]/;
  for (const { routes, elections: pairs } of profiles) {
    for (const { id, basis } of [...routes, ...pairs]) assert.ok(/^[a-z]+$/.test(basis) || CITATION.test(basis), id);
    for (const { id, basis } of pairs) assert.match(basis, /^[0-9]/, id);
  }
});

test("profiles are whole", () => {
  const names = ["id", "trigger", "sense", "count", "unit", "roll", "basis", "verified", "needs", "configured", "owner", "file_with"];
  for (const { as_of, routes, elections: pairs, profile } of profiles) {
    assert.match(as_of, /^20[0-9]{2}-[0-9]{2}-[0-9]{2}$/);
    assert.equal(new Set(routes.map(({ id }) => id)).size, routes.length);
    for (const route of routes) assert.deepEqual(Object.keys(route).filter((name) => !names.includes(name)), [], profile);
    for (const route of routes) assert.ok(["due", "opens", "answer", "soft"].includes(route.sense) && ["none", "next_workday"].includes(route.roll));
    for (const { routes: ids } of pairs) assert.ok(ids.length > 1 && ids.every((id) => routes.some((route) => route.id === id)));
  }
  assert.deepEqual(of2019.routes.map(({ id }) => id), of2026.routes.map(({ id }) => id));
});
