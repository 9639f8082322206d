# SPDX-License-Identifier: AGPL-3.0-or-later
"""The time that the page asks for: what it shows, counted in words, is read within the minutes promised."""

import json
from importlib import resources

import pytest
from pagedriver import await_receipt, shown, visible

ASKED = json.loads(resources.files("intake").joinpath("questionnaires/asylum-officer.json").read_text("utf-8"))
KINDS = next(field["options"] for field in ASKED["groups"][0]["fields"] if field["id"] == "kinds")
READ_A_MINUTE = 200  # words of plain prose
MINUTES, SAID = 8, {"en": "eight minutes", "es": "ocho minutos"}  # as before.aims promises
WRITING_MINUTES = 1  # thirteen words on paper


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
    page.goto(url)
    page.wait_for_selector("[data-seal]:not([disabled])", state="attached")
    page.locator(f"[data-speak][lang={lang}]").evaluate_all("buttons => buttons.forEach((button) => button.click())")
    assert SAID[lang] in page.locator(visible("before", "p.hint[data-online]")).inner_text()
    count = words_shown(page)
    page.check("#device-no")
    page.locator(visible("before", "[data-go=next]")).press("Enter")
    page.check(f"#kinds-{kind}")
    while shown(page) != "check":
        count += words_shown(page)
        page.locator(visible(shown(page), "[data-go=next]")).press("Enter")
    count += words_shown(page)
    page.locator("[data-seal]").press("Enter")
    assert len(await_receipt(page)) == 13
    return (count + words_shown(page)) / READ_A_MINUTE


BOTH = [("jit", "es"), pytest.param("jit", "en", marks=pytest.mark.long)]


@pytest.mark.parametrize(("browser", "lang"), BOTH, indirect=["browser"])
def test_read_within_the_minutes_promised(office, page, lang):
    """The shortest report is read with time left to write the receipt down, and one of one kind in all of the time."""
    assert minutes_to_read(page, office.url, lang, KINDS[-1]) <= MINUTES - WRITING_MINUTES
    assert minutes_to_read(page, office.url, lang, KINDS[0]) <= MINUTES
