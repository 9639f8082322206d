# SPDX-License-Identifier: AGPL-3.0-or-later
"""Custody: what is found keeps a report from other eyes, masks hide it, and only the right key and hand change that."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from deskkit import PASSPHRASE, Desk, Office, day, letter, typed
from hypothesis import given
from hypothesis import strategies as some

from desk.custody import CHOSEN, Span, State, first_look, joined, masked, read_layer, spans_of_words, write_layer
from desk.vault import open_vault, read_header

SAMPLES = json.loads(resources.files("intake").joinpath("samples.json").read_text("utf-8"))["samples"]
EXPECTED = json.loads((Path(__file__).parents[1] / "vectors" / "custody.json").read_text())
NAMED = "It was Ms. Almanzar, A-123456789. The form was sent back."
SPANS = some.builds(
    lambda start, length, rule: Span(start, start + length, rule),
    some.integers(0, 30),
    some.integers(1, 10),
    some.sampled_from(["name", "date"]),
)


def _dump(desk: Desk) -> str:
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        return repr([connection.exec_driver_sql(f"SELECT * FROM {name}").fetchall() for name in names])


@pytest.fixture
def held(desk: Desk, office: Office) -> Desk:
    """A desk with a report that names an applicant, one with a slighter finding, and one with none."""
    texts = {"00" * 16: NAMED, "11" * 16: "I was on leave the day they trained us.", "22" * 16: "Nothing to find here."}
    desk.receive(office.bundle([office.envelope(letter(text, id=name)) for name, text in texts.items()]))
    return desk


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["id"] for sample in SAMPLES])
def test_samples_end_as_expected(sample: dict[str, Any]) -> None:
    """Each invented report is quarantined or not, as its expected handling says; what must be hidden is."""
    look, expected = first_look(sample["text"], sample["facts"]), EXPECTED[sample["id"]]
    state = State.QUARANTINE if sample["test"]["quarantine"] else State.PASSED
    assert (state, expected["today"]) == (look.state, look.today)
    assert set(expected["flags"]) <= set(look.flags)
    hidden = masked(sample["text"], look.masks)
    assert [word for word in expected["hidden"] if word in hidden or word not in sample["text"]] == []


def test_quarantined_words_are_nowhere(held: Desk) -> None:
    """Until it is passed, the open vault holds no word of it: not for the owner of its passphrase either."""
    shown = held("show", "0000").out
    assert "words: not shown, the report is not passed" in shown.split("\n")
    assert "found by the detectors: a_number, long_number, name" in shown.split("\n")
    assert [word for word in ("Almanzar", "123456789", "sent back") if word in _dump(held) + shown] == []
    assert "found in 0 reports" in held("search", typed="sent back\n").err


def test_slight_finding_is_masked_and_passed(held: Desk) -> None:
    """What only hints at the writer is masked; the rest is read and searched by everybody."""
    assert "  | I was [masked: self_identifying] they trained us." in held("show", "1111").out.split("\n")
    assert ["11" * 16] == [hit["id"] for hit in held("search", "--json", typed="trained us\n").json]
    assert [] == held("search", "--json", typed="leave\n").json


def test_custodian_masks_and_passes(held: Desk) -> None:
    """Words are added to the masks, a false alarm is lifted, and the letter itself stays what it was."""
    assert "desk: 00000000 has 2 masks, and is in quarantine" in held("mask", "0000").err.split("\n")
    run = held("mask", "0000", "--add", "--lift", "2", typed="SENT BACK\n")
    assert "desk: 00000000 has 2 masks, and is in quarantine" in run.err.split("\n")
    assert 0 == held("pass", "0000").code
    assert "  | It was Ms. [masked: name], A-123456789. The form was [masked: chosen]." in held("show", "0000").out
    held("mask", "0000", "--lift", "1", "--lift", "2")
    assert f"  | {NAMED}" in held("show", "0000").out.split("\n")
    assert NAMED == held("show", "0000", "--words", "--json").json["text"]
    assert 0 == held("verify").code


def test_passed_report_can_be_taken_back(held: Desk) -> None:
    """Quarantine needs a reason; then nobody reads or finds the words, until it is passed again."""
    assert 2 == held("quarantine", "2222", typed=" \n").code
    assert 0 == held("quarantine", "2222", typed="a name the detectors missed\n").code
    assert "already: nothing changed" in held("quarantine", "2222", typed="again\n").err
    assert [] == held("search", "--json", typed="nothing\n").json
    assert None is held("show", "2222", "--json").json["masked"]
    assert "mask" not in held("list", "--custody", "quarantine", "--json").json[0]
    held("pass", "2222")
    assert "Nothing to find here." == held("show", "2222", "--json").json["masked"]
    assert 0 == held("verify").code


def test_isolated_is_for_counsel_alone(desk: Desk, office: Office) -> None:
    """A classified marking: the custodian opens nothing and offers no way on; counsel does, by role and by key."""
    marked = letter("(S//NOFORN) the annex says so.", id="33" * 16)
    desk.receive(office.bundle([office.envelope(marked)]))
    counsel = ("--identity", str(office.secret / "counsel.age"))
    for arguments in (["show", "3333", "--words"], ["mask", "3333"], ["pass", "3333"]):
        run = desk(*arguments)
        assert (2, "") == (run.code, run.out)
        assert "call counsel" in run.err
        assert 2 == desk(*arguments, *counsel).code  # the key without the role
    assert 2 == desk("quarantine", "3333", typed="let us see").code
    assert 0 == desk("roles", "Ana Example", "--role", "custodian", "--role", "counsel").code
    assert 2 == desk("show", "3333", "--words").code  # the role without the key
    assert "annex" in desk("show", "3333", "--words", *counsel).out
    assert 0 == desk("pass", "3333", *counsel).code
    assert "annex says so" in desk("show", "3333").out


def test_what_cannot_wait_comes_up(desk: Desk, office: Office) -> None:
    """Removal and distress are marked TODAY in list, report and overview."""
    desk.receive(office.bundle([office.envelope(letter("She will be removed tomorrow.", id="44" * 16))]))
    assert ["44" * 16] == [report["id"] for report in desk("list", "--today", "--json").json]
    assert "TODAY" in desk("list").out
    assert "TODAY: 1 speak of danger, removal or distress" in desk("status").out.split("\n")


def test_lifting_needs_two_where_set(held: Desk) -> None:
    """Once the desk says so, no mask is lifted alone; what is asked for are places and rules, not numbers."""
    held("mask", "0000", "--add", typed="sent\nback\n")
    lift = [word for number in (1, 2, 3) for word in ("--lift", str(number))]
    held("two", "--act", "unmask")
    run = held("mask", "0000", *lift)
    assert (1, True) == (run.code, "second person" in run.err)
    assert "has 4 masks" in held("mask", "0000").err
    assert 1 == held("mask", "0000", *lift[:2]).code
    wanted = sorted(request["what"]["lifted"] for request in held("approve", "--json").json)
    assert [1, 3] == sorted(len(each) for each in wanted)
    assert all(isinstance(rule, str) and start < end for each in wanted for start, end, rule in each)
    assert "has 4 masks" in held("mask", "0000").err


@pytest.mark.parametrize(
    ("arguments", "typed_in", "code"),
    [(("--lift", "9"), "", 3), (("--lift", "0"), "", 3), (("--add",), "no such words", 3)],
    ids=["no mask 9", "no mask 0", "words not there"],
)
def test_bad_masks_change_nothing(held: Desk, arguments: tuple[str, ...], typed_in: str, code: int) -> None:
    """A number or words that are not there: one sentence, and the masks stay."""
    assert code == held("mask", "0000", *arguments, typed=typed_in).code
    assert "has 2 masks" in held("mask", "0000").err


@given(some.text(max_size=40), some.lists(SPANS, max_size=8))
def test_masks_hide_and_nothing_else_changes(text: str, spans: list[Span]) -> None:
    """What is outside of every span stays, in order; what is inside is gone; a layer is read as it was written."""
    spans = [span for span in spans if span.end <= len(text)]
    inside = {place for span in spans for place in range(span.start, span.end)}
    labels = [f"[masked: {span.rule}]" for span in joined(spans)]
    pieces, rest = [], masked(text, spans)
    for label in labels:
        before, rest = rest.split(label, 1)
        pieces.append(before)
    kept = "".join(character for place, character in enumerate(text) if place not in inside)
    assert kept == "".join([*pieces, rest]) or "[masked" in text
    assert tuple(spans) == read_layer(write_layer(spans))
    assert masked(text, joined(spans)) == masked(text, spans)


@given(some.text(max_size=60), some.text(min_size=1, max_size=4))
def test_chosen_words_are_found_wherever_they_stand(text: str, words: str) -> None:
    """Every place of the words is masked, in any capitals, and the masked text holds them no more in that form."""
    spans = spans_of_words(text, words)
    assert all(text[span.start : span.end].lower() == words.lower() or span.rule == CHOSEN for span in spans)
    assert bool(spans) or words not in text
    outside = "\0".join(masked(text, spans).split("[masked: chosen]"))
    assert words not in outside or "[masked" in words + text or any(c in "[masked: chosen]" for c in words)
