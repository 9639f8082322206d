# SPDX-License-Identifier: AGPL-3.0-or-later
"""The desk's own rules: what the page lets pass with a warning, or without one, does not pass the custodian unseen."""

import time

import pytest

from desk.custody import State, first_look, masked
from desk.stricter import find_stricter

HELD = (
    "Maria Elena Gutierrez told me at the end that her brothers were killed.",
    "I interviewed Ahmad Hassan Karimi, an Afghan interpreter.",
    "MARIA GUTIERREZ was denied twice.",
    "The Gutierrez case was sent back three times.",
    "the case of Gutierrez-Lopez was reassigned.",
    "the Karimi family; mother and four kids",
    "Re: Hussein, Abdullahi - case returned",
    "denied by SAO Torres",
    "OPLA attorney J. Smith said",
    "el caso de Ramirez se cambio a negativo.",
    "Entrevistamos a Yolanda Pacheco y a su hija.",
    "File 75 559 667 was pulled from my queue.",
    "File 075559667 was pulled.",
    "(A)075559667 was taken from me.",
    "A075/559/667 was my case.",
    "A0 7 5 5 5 9 6 6 7",
    "b. 03/04/1985",
    "85-03-04 dob",
    "fecha de nac. 04/03/1985",
    "nacida el cuatro de marzo de 1985",
    "pasaporte guatemalteco 2456789",
    "SID 1234567 was checked",
    "write to @herons7",
    "U//FOUO the memo",
    "limited official use",
    "this is sensitive security info",
    "CONFIDENTIAL - do not share",
    "VAWA self petition file",
    "her T-visa application was used against her",
    "Victim certification (I-918B) for the woman",
    "grand jury material we used",
)
ISOLATED = (
    "top secret//noforn memo",
    "the email was marked secret",
    "S//NF",
    "- (S) The program",
    "T O P S E C R E T",
)
PASSED = (
    "Two decisions were sent back without reasons, and headquarters gave none.",
    "In my third week a man told me about a stash house; the supervisor agreed with me.",
    "We were trained on Monday. On Tuesday we interviewed under the new standard.",
    "The Asylum Office has no room for a lawyer, we were told to say.",
    "Nos dijeron que no hay que preguntar por el miedo.",
    "See 8 CFR 208.6 and the memo of last year: officer(s) must refer.",
)


@pytest.mark.parametrize("text", HELD)
def test_held_for_the_custodian(text: str) -> None:
    """Names, numbers, birth dates, markings and matters that a statute protects wait for the custodian."""
    assert State.QUARANTINE is first_look(text, {"event_month": "2026-03"}).state


@pytest.mark.parametrize("text", ISOLATED)
def test_isolated(text: str) -> None:
    """A classified marking is one however it is written."""
    assert State.ISOLATED is first_look(text, {}).state


@pytest.mark.parametrize("text", PASSED)
def test_ordinary_reports_pass(text: str) -> None:
    """What an officer says of the work itself needs nobody's leave."""
    assert State.PASSED is first_look(text, {"event_month": "2026-03"}).state


def test_a_found_name_is_masked_wherever_it_stands() -> None:
    """Beside its cue, alone, and in capitals."""
    text = "Applicant Maria Perez said no. Perez then cried. JUAN PEREZ left. Nobody wrote to perez."
    hidden = masked(text, first_look(text, {}).masks)
    assert [] == [word for word in ("Maria", "Perez", "PEREZ", "JUAN", "perez") if word in hidden]
    assert "then cried" in hidden


@pytest.mark.parametrize("unit", ["Ab ", "AB-", "1 ", "a.", "born ", "De la ", "(S) ", "t o p ", "J. Ab, "])
def test_time_grows_with_the_length(unit: str) -> None:
    """Four times the text takes less than ten times as long: no letter can hold up a batch."""

    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        started = time.process_time()
        find_stricter(text)
        return time.process_time() - started

    seconds(1000)
    assert min(seconds(12_000) for _ in range(3)) < 10 * max(min(seconds(3_000) for _ in range(3)), 0.001)
