// SPDX-License-Identifier: AGPL-3.0-or-later
// Drives Firefox through WebDriver BiDi for tests/firefox.py: one JSON command a line, one JSON answer a line.
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

/** What the tests know about: the browser, its one page, what it asked for, what it complained of, what is answered for it. */
const seen = { requests: [], complaints: [], rules: [] };
let browser, page;

const DO = {
  async launch({ executable, profile, prefs, home, preload = [] }) {
    browser = await puppeteer.launch({
      browser: "firefox",
      protocol: "webDriverBiDi",
      executablePath: executable,
      userDataDir: profile,
      extraPrefsFirefox: prefs,
      env: { ...process.env, HOME: home, TMPDIR: home, MOZ_CRASHREPORTER_DISABLE: "1", MOZ_REMOTE_SETTINGS_DEVTOOLS: "1" },
      defaultViewport: null,
      timeout: 60_000,
    });
    page = await browser.newPage(); // a new window has the focus, the first has not: keys would press no button
    page.on("console", (message) => seen.complaints.push(message.text()));
    page.on("pageerror", (error) => seen.complaints.push(String(error)));
    page.on("request", (request) => void answer(request));
    await page.setRequestInterception(true);
    for (const script of preload) await page.evaluateOnNewDocument(script);
    return browser.version();
  },
  goto: ({ url }) => page.goto(url, { waitUntil: "load", timeout: 60_000 }).then(() => null),
  async press({ keys }) {
    for (const key of keys) await chord(key.split("+"));
    return null;
  },
  click: ({ selector }) => page.click(selector).then(() => null),
  upload: ({ selector, path }) => page.$(selector).then((input) => input.uploadFile(path)).then(() => null),
  type: ({ text }) => page.keyboard.type(text).then(() => null),
  evaluate: ({ expression }) => page.evaluate(expression).then((value) => value ?? null),
  rules: ({ rules }) => (seen.rules = rules) && null,
  seen: () => ({ requests: seen.requests, complaints: seen.complaints }),
  kill: () => browser.process().kill("SIGKILL"),
  close: () => browser.close().then(() => null),
};

/** Press a key while others are held, as in "Control+a". @param {string[]} names */
async function chord(names) {
  const held = names.slice(0, -1);
  for (const name of held) await page.keyboard.down(name);
  await page.keyboard.press(names.at(-1));
  for (const name of held.reverse()) await page.keyboard.up(name);
}

/** Note a request; answer it as the first rule whose end fits its address says, else let it go. */
async function answer(request) {
  seen.requests.push([request.method(), request.url()]);
  const rule = seen.rules.find(({ end }) => request.url().endsWith(end));
  try {
    if (rule?.abort) await request.abort();
    else if (rule) await request.respond(rule.respond);
    else await request.continue();
  } catch (error) {
    if (browser.connected) seen.complaints.push(`interception: ${error}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...rest } = JSON.parse(line);
  let reply;
  try {
    reply = { good: await DO[name](rest) };
  } catch (error) {
    reply = { fault: String(error) };
  }
  process.stdout.write(JSON.stringify(reply) + "\n");
}
await browser?.close().catch(() => {});
