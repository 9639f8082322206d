# SPDX-License-Identifier: AGPL-3.0-or-later
"""The officer's page in Firefox as Tor Browser's "Safer" level has it: no compiler, no WebAssembly, no fingerprint."""

import json

import pytest
from anybrowser import YEAR_OFF
from simulator import today

MARKER = "xyzzyMARKERplugh"
WORDS = (
    f"They told me: \u201csign it\u201d, {MARKER}.\n"
    "Second line   and <b>markup</b> & 'quotes'.\n"
    "Ñandú ¿qué? 文字 🦤 e\u0301 العربية"
)
TEXT = f"Words that must stay, {MARKER}."
# The self-test alters an envelope on purpose: the stream that refuses it says so on Firefox's console.
KNOWN = ["Error: Failed to read data from the ReadableStream: \u201cError: invalid tag\u201d."]
SELF_TEST_SECONDS, SEAL_SECONDS = 10, 10  # without a compiler, on a slow machine

# Notes when the page's states change, and how long its thread was held each time.
STOPWATCH = """
globalThis.watched = { states: [], held: [] };
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  if (now - last > 60) watched.held.push([last, now]);
  last = now;
}, 10);
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const state = target.dataset?.state;
    if (state) watched.states.push([state, performance.now(), target.textContent !== ""]);
  }
}).observe(document, { childList: true, subtree: true });
"""


def test_settings_are_safer(firefox):
    """The engine is what it is said to be: no WebAssembly, and a clock that tells no zone."""
    assert firefox.value("typeof WebAssembly") == "undefined"
    assert firefox.value("new Date().getTimezoneOffset()") == 0
    assert firefox.version.startswith("firefox/")


def test_typed_report_arrives(office, firefox):
    """By keyboard alone, letter for letter at the desk; thirteen words after the 201; nothing asked of the world."""
    firefox.write_report(office.url, WORDS)
    assert firefox.posts() == []
    firefox.seal()
    assert len(firefox.await_receipt()) == 13
    assert firefox.posts() == [office.url + "/envelopes"]
    assert MARKER not in json.dumps(firefox.requests())
    assert [said for said in firefox.complaints() if said not in KNOWN] == []
    assert firefox.nowhere.asked == []
    office.carry()
    assert WORDS in [office.report(report["id"])["text"] for report in office.reports()]
    assert office.shelf() == set()


def held(watched, start, end) -> int:
    """Return the milliseconds in which the thread was held between two times."""
    return round(sum(min(b, end) - max(a, start) for a, b in watched["held"] if a < end and b > start))


def when(watched, state, number) -> float:
    return [time for name, time, _ in watched["states"] if name == state][number]


def test_time_without_compiler(office, start, measured):
    """The self-test and a seal take seconds at most without a compiler; the figures are printed."""
    firefox = start(STOPWATCH)
    firefox.write_report(office.url, TEXT, paste=True)
    firefox.seal()
    firefox.await_receipt()
    watched = firefox.value("watched")
    test = when(watched, "test", 0), when(watched, "test", -1)
    seal = when(watched, "sending", 0), when(watched, "sending", 1)
    for name, (begin, end) in {"self-test": test, "seal": seal}.items():
        took, busy = round(end - begin), held(watched, begin, end)
        measured(f"{firefox.version} without JIT: {name} {took} ms, thread held {busy} ms")
    assert 0 < test[1] - test[0] < SELF_TEST_SECONDS * 1000
    assert 0 < seal[1] - seal[0] < SEAL_SECONDS * 1000


def test_without_subtle(office, start):
    """Without WebCrypto the report arrives all the same."""
    firefox = start("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    firefox.write_report(office.url, TEXT, paste=True)
    assert firefox.value("crypto.subtle === undefined")
    firefox.seal()
    assert len(firefox.await_receipt()) == 13


@pytest.mark.parametrize(
    "status, body", [(500, "Broken.\n"), (503, "Full.\n"), (200, "<h1>Log in</h1>"), (201, "0" * 64)]
)
def test_refused_send_keeps_words(office, firefox, status, body):
    """Whatever comes back, no receipt is shown, every word stays, and the next press can succeed."""
    firefox.write_report(office.url, TEXT, paste=True)
    firefox.answer("/envelopes", {"status": status, "contentType": "text/plain", "body": body})
    firefox.seal()
    said = firefox.outcome()
    assert said and body.strip() not in said
    assert firefox.text() == TEXT
    assert firefox.step() == "check"
    firefox.let_through()
    firefox.await_true("!document.querySelector('[data-seal]').disabled")
    firefox.seal()
    assert len(firefox.await_receipt()) == 13


def test_lost_line_keeps_words(office, firefox):
    """A send that is cut loses no word, and the next press can succeed."""
    firefox.write_report(office.url, TEXT, paste=True)
    firefox.answer("/envelopes")
    firefox.seal()
    assert firefox.outcome()
    assert firefox.text() == TEXT
    firefox.let_through()
    firefox.await_true("!document.querySelector('[data-seal]').disabled")
    firefox.seal()
    assert len(firefox.await_receipt()) == 13


PRESS_ALL = """
for (const field of document.querySelectorAll("textarea, input[type=text]")) field.value = "xyzzyMARKERplugh";
for (const button of document.querySelectorAll("button")) { button.disabled = false; button.click(); }
for (const form of document.forms) form.submit();
setTimeout(() => (globalThis.settled = true), 500);
"""
SCRIPTS = {
    "blocked": None,
    "empty": {"status": 200, "contentType": "text/javascript", "body": " "},
    "broken": {"status": 200, "contentType": "text/javascript", "body": "this is not {{ script"},
    "altered": {"status": 200, "contentType": "text/javascript", "body": "fetch('/' + document.body.innerText)"},
}


@pytest.mark.parametrize("how", SCRIPTS)
def test_without_its_script_nothing_is_sent(office, firefox, how):
    """A page whose script is blocked, broken or altered can send nothing, whatever is pressed."""
    firefox.answer(".js", SCRIPTS[how])
    firefox.goto(office.url)
    firefox.await_true("document.querySelector('#text')")
    firefox.value(PRESS_ALL)
    firefox.await_true("globalThis.settled")
    assert any(url.endswith(".js") for _, url in firefox.requests())
    assert firefox.posts() == []
    assert MARKER not in json.dumps(firefox.requests())


@pytest.mark.parametrize("days", [-366, 366])
def test_clock_a_year_off(office, start, days):
    """The page shows the date it has, lets it be corrected, and goes on."""
    firefox = start(YEAR_OFF % days)
    firefox.write_report(office.url, TEXT, paste=True)
    firefox.await_true("!document.querySelector('[data-date]').hidden")
    wrong = firefox.value("new Date().toISOString().slice(0, 10)")
    assert wrong[:4] != today()[:4]
    assert wrong in firefox.value("document.querySelector('[data-state=date]').innerText")
    firefox.seal()
    assert firefox.outcome()
    assert firefox.posts() == []
    firefox.tab_to("[data-today]")
    firefox.keys("Control+a")
    firefox.type(today())
    firefox.press("[data-use-date]")
    firefox.await_true("document.querySelector('[data-date]').hidden")
    firefox.seal()
    assert len(firefox.await_receipt()) == 13
