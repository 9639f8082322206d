# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whole paths, from the first step to the desk: each kind once, the shortest and the longest, in both languages."""

import json
from collections.abc import Iterable
from importlib import resources
from typing import Any

import pytest
from pagedriver import await_receipt, shown, visible

ASKED = json.loads(resources.files("intake").joinpath("questionnaires/asylum-officer.json").read_text("utf-8"))
KINDS = next(field["options"] for field in ASKED["groups"][0]["fields"] if field["id"] == "kinds")
ROLE = next(field["options"] for field in ASKED["groups"][1]["fields"] if field["id"] == "role_band")[-2]
LANGS = ["en", "es"]
MOST_QUESTIONS = 12  # screens that ask something
FIRST, LAST = "before", "check"
READ_A_MINUTE = 200  # words of plain prose, without haste
MINUTES, SAID = 8, {"en": "eight minutes", "es": "ocho minutos"}  # as before.aims promises
WRITING_MINUTES = 1  # thirteen words on paper


def arrive(page, url: str, lang: str) -> None:
    """Open the page in a language."""
    page.goto(url)
    page.wait_for_selector("[data-seal]:not([disabled])", state="attached")
    if lang != "en":
        page.locator(f"[data-speak][lang={lang}]").click()


def begin(page, url: str, lang: str) -> None:
    """Open the page in a language and start."""
    arrive(page, url, lang)
    page.check("#device-no")
    page.locator(visible(FIRST, "[data-go=next]")).click()


def choose(page, kinds: Iterable[str], *, codes: bool) -> None:
    """Choose kinds and, if asked, every code of them."""
    for kind in kinds:
        page.check(f"#kinds-{kind}")
    for code in page.locator("[data-input=codes]:visible").all() if codes else []:
        code.check()


def answer_step(page, step: str) -> None:
    """Give the last option of every menu and list of a step."""
    page.locator(f"[data-step={step}]").evaluate(
        """step => {
        for (const menu of step.querySelectorAll("select")) menu.selectedIndex = menu.options.length - 1;
        for (const box of step.querySelectorAll("input[type=radio]")) box.checked = true;
        step.dispatchEvent(new Event("change", { bubbles: true })); }"""
    )


def walk(page, *, answering: bool) -> list[str]:
    """Go to the check; return the steps on the way."""
    steps = [shown(page)]
    while steps[-1] != LAST and len(steps) <= MOST_QUESTIONS:
        if answering and steps[-1] not in ("kinds", "last_ten", "consent"):
            answer_step(page, steps[-1])
        page.locator(visible(steps[-1], "[data-go=next]")).click()
        steps.append(shown(page))
    assert steps[-1] == LAST
    assert len(steps) - 1 <= MOST_QUESTIONS
    return steps


def words_shown(page) -> int:
    """Return how many words the step shows, its menus closed: of a menu only the answer that is chosen."""
    count: int = page.evaluate(
        """() => {
        const step = document.querySelector("[data-step]:not([hidden])");
        const walker = document.createTreeWalker(step, NodeFilter.SHOW_TEXT);
        let count = 0;
        while (walker.nextNode()) {
          const { parentElement: at, data } = walker.currentNode;
          if (at.closest("[hidden]") || at.matches("option:not(:checked)")) continue;
          count += (data.match(/\\S+/g) ?? []).length;
        }
        return count; }"""
    )
    return count


def minutes_to_read(page, url: str, lang: str, kind: str) -> float:
    """Return how long every step takes to read that a report of one kind shows, from the first to the receipt."""
    arrive(page, url, lang)
    assert SAID[lang] in page.locator(visible(FIRST, "p.hint[data-online]")).inner_text()
    count = words_shown(page)
    page.check("#device-no")
    page.locator(visible(FIRST, "[data-go=next]")).click()
    choose(page, [kind], codes=False)
    while shown(page) != LAST:
        count += words_shown(page)
        page.locator(visible(shown(page), "[data-go=next]")).click()
    count += words_shown(page)
    send(page)
    return (count + words_shown(page)) / READ_A_MINUTE


def send(page) -> None:
    """Seal, and wait for the receipt."""
    page.locator("[data-seal]").click()
    assert len(await_receipt(page)) == 13


def arrived(office, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what reached the desk since."""
    known = {report["id"] for report in before}
    office.carry()
    return [report for report in office.reports() if report["id"] not in known]


@pytest.mark.long
def test_each_kind_reaches_the_desk(office, page):
    """One report of each kind, its open groups answered, in one language and the other, is opened at the desk."""
    before = office.reports()
    for number, kind in enumerate(KINDS):
        begin(page, office.url, LANGS[number % len(LANGS)])
        choose(page, [kind], codes=False)
        walk(page, answering=True)
        send(page)
    reports = arrived(office, before)
    assert sorted(kind for report in reports for kind in report["answers"]["kinds"]) == sorted(KINDS)
    assert {report["answers"]["role_band"] for report in reports} == {ROLE}
    assert {report["lang"] for report in reports} == set(LANGS)


BOTH = [
    ("jit", "es"),
    pytest.param("jit", "en", marks=pytest.mark.long),
    pytest.param("jitless", "es", marks=pytest.mark.long),
    pytest.param("jitless", "en", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("browser", "lang"), BOTH, indirect=["browser"])
def test_shortest_and_longest(office, page, lang):
    """The fewest answers and the most both arrive, within twelve screens that ask."""
    before = office.reports()
    begin(page, office.url, lang)
    choose(page, KINDS[-1:], codes=False)
    short = walk(page, answering=False)
    send(page)
    begin(page, office.url, lang)
    choose(page, KINDS, codes=True)
    long = walk(page, answering=True)
    send(page)
    answers = [report["answers"] for report in arrived(office, before)]
    assert len(short) < len(long)
    assert sorted(len(given["kinds"]) for given in answers) == [1, len(KINDS)]
    assert max(len(given["codes"]) for given in answers) == 64


@pytest.mark.parametrize(("browser", "lang"), BOTH[:2], indirect=["browser"])
def test_read_within_the_minutes_promised(office, page, lang):
    """The shortest report is read with time left to write the receipt down, and one of one kind in all of the time."""
    assert minutes_to_read(page, office.url, lang, KINDS[-1]) <= MINUTES - WRITING_MINUTES
    assert minutes_to_read(page, office.url, lang, KINDS[0]) <= MINUTES
