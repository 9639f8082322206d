# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whole paths through the page, and a clock that is wrong, in whatever browser.

A browser is anything that has `goto`, `click`, `value` and `await_element` as tests/firefox.py does.
"""

import json
import re
from collections.abc import Iterable
from importlib import resources
from typing import Any, Protocol

from simulator import Simulator

LANGS = ["en", "es"]
MOST_QUESTIONS = 12  # screens that ask something
FIRST, LAST = "before", "check"
LEFT_OPEN = ("kinds", "last_ten", "consent")  # chosen one by one, would contradict itself, stays at its defaults
YEAR_OFF = """
const days = %d, Real = Date, shift = days * 86_400_000;
globalThis.Date = class extends Real {
  constructor(...parts) { parts.length ? super(...parts) : super(Real.now() + shift); }
  static now() { return Real.now() + shift; }
};
"""


class Browser(Protocol):
    """One page of a browser."""

    def goto(self, url: str) -> object:
        """Open an address and wait until it is loaded."""

    def click(self, selector: str) -> object:
        """Bring the element into view and click it."""

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the page."""

    def await_element(self, selector: str) -> object:
        """Wait until the page has such an element, seen or not."""


def options(questionnaire: str, field: str) -> list[str]:
    """Return the options of a question."""
    path = resources.files("intake").joinpath("questionnaires", f"{questionnaire}.json")
    groups = json.loads(path.read_text("utf-8"))["groups"]
    found: list[str] = next(one["options"] for group in groups for one in group["fields"] if one["id"] == field)
    return found


def shown(browser: Browser) -> str:
    """Return the name of the step that is shown."""
    name: str = browser.value("document.querySelector('[data-step]:not([hidden])').dataset.step")
    return name


def progress(browser: Browser) -> list[int]:
    """Return the numbers of the step that is shown: which it is, of how many."""
    said = browser.value("document.querySelector('[data-step]:not([hidden]) [data-count]').textContent")
    return [int(number) for number in re.findall(r"\d+", said)]


def begin(browser: Browser, url: str, lang: str) -> None:
    """Open the page in a language and start."""
    browser.goto(url)
    browser.await_element("[data-seal]:not([disabled])")
    if lang != "en":
        browser.click(f"[data-speak][lang={lang}]")
    browser.click("#device-no")
    browser.click(f"[data-step={FIRST}] [data-go=next]")


def choose(browser: Browser, kinds: Iterable[str], *, codes: bool) -> None:
    """Choose kinds and, if asked, every code of them."""
    for kind in kinds:
        browser.click(f"#kinds-{kind}")
    offered = browser.value("[...document.querySelectorAll('[data-codes-of]:not([hidden]) input')].map(one => one.id)")
    for code in offered if codes else []:
        browser.click(f"[id='{code}']")


def answer_step(browser: Browser, step: str) -> None:
    """Give the last option of every menu and list of a step."""
    browser.value(
        f"""(() => {{
        const step = document.querySelector("[data-step={step}]");
        for (const menu of step.querySelectorAll("select")) menu.selectedIndex = menu.options.length - 1;
        for (const box of step.querySelectorAll("input[type=radio]")) box.checked = true;
        step.dispatchEvent(new Event("change", {{ bubbles: true }})); }})()"""
    )


def walk(browser: Browser, *, answering: bool) -> list[str]:
    """Go to the check; return the steps on the way."""
    steps = [shown(browser)]
    while steps[-1] != LAST and len(steps) <= MOST_QUESTIONS:
        if answering and steps[-1] not in LEFT_OPEN:
            answer_step(browser, steps[-1])
        browser.click(f"[data-step={steps[-1]}] [data-go=next]")
        steps.append(shown(browser))
    assert steps[-1] == LAST
    return steps


def send(browser: Browser) -> list[int]:
    """Seal, wait for the receipt and give one of its words; return the numbers of its step."""
    browser.click("[data-seal]")
    browser.await_element("[data-step=receipt]:not([hidden]) [data-receipt] li:nth-child(13)")
    browser.value("document.querySelector('[data-check] input').dispatchEvent(new Event('change', { bubbles: true }))")
    return progress(browser)


def arrived(office: Simulator, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what reached the desk since."""
    known = {report["id"] for report in before}
    office.carry()
    return [office.report(report["id"]) for report in office.reports() if report["id"] not in known]


def shortest(browser: Browser, url: str, lang: str, kind: str) -> list[str]:
    """Send the report with the fewest answers; return its steps."""
    begin(browser, url, lang)
    choose(browser, [kind], codes=False)
    return sent_whole(browser, answering=False)


def longest(browser: Browser, url: str, lang: str, kinds: list[str]) -> list[str]:
    """Send the report with the most answers; return its steps."""
    begin(browser, url, lang)
    choose(browser, kinds, codes=True)
    return sent_whole(browser, answering=True)


def sent_whole(browser: Browser, *, answering: bool) -> list[str]:
    """Walk on to the check and send; the receipt is the last step of the path that was walked."""
    steps = walk(browser, answering=answering)
    assert len(steps) - 1 <= MOST_QUESTIONS
    last = len([FIRST, *steps, "receipt"])
    assert progress(browser) == [last - 1, last]
    assert send(browser) == [last, last]
    return steps


def each_kind(browser: Browser, url: str, kinds: list[str]) -> None:
    """Send one report of each kind, its open groups answered, in one language and the other."""
    for number, kind in enumerate(kinds):
        begin(browser, url, LANGS[number % len(LANGS)])
        choose(browser, [kind], codes=False)
        sent_whole(browser, answering=True)
