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
from desk.index import search
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
    held("quarantine", "0000", typed="a false alarm")
    held("mask", "0000", "--lift", "1", "--lift", "2")
    assert 0 == held("pass", "0000").code
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


def test_superseded_words_are_nowhere(held: Desk) -> None:
    """What is masked later, and what is taken back, stands in no table of the vault; passed again, it is read again."""
    assert "Nothing to find" in _dump(held)
    held("mask", "2222", "--add", typed="Nothing\n")
    assert "[masked: chosen] to find here." == held("show", "2222", "--json").json["masked"]
    assert "nothing" not in _dump(held).lower()
    for words in (["quarantine", "2222"], ["quarantine", "2222", "--isolate"]):
        held("pass", "1111")
        assert "trained us" in _dump(held)
        assert 0 == held("quarantine", words[1].replace("2", "1"), *words[2:], typed="a name\n").code
        assert [word for word in ("trained", "leave") if word in _dump(held).lower()] == []
        assert 0 == held("verify").code
    assert "to find here" in _dump(held)
    assert (0, 0) == (held("verify", "--rebuild").code, held("verify").code)


def test_only_superseded_words_may_be_missing(held: Desk) -> None:
    """Verify misses the words that everybody should be reading, whatever was masked or taken back before."""
    held("quarantine", "2222", typed="let us see\n")
    held("pass", "2222")
    held("mask", "2222", "--add", typed="find\n")
    assert 0 == held("verify").code
    with (
        open_vault(held.folder, read_header(held.folder), typed(PASSPHRASE), day()) as vault,
        vault.writing() as writer,
    ):
        gone = "DELETE FROM texts WHERE text = 'Nothing to [masked: chosen] here.'"
        assert 1 == writer.connection.exec_driver_sql(gone).rowcount
    run = held("verify")
    assert (4, True) == (run.code, "(masked) is missing" in run.err)


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


def test_isolated_hides_what_was_written_about_it(desk: Desk, office: Office) -> None:
    """Notes, summaries and reasons may quote what is isolated: the custodian reads them no more, counsel does."""
    desk.receive(office.bundle([office.envelope(letter(id="33" * 16))]))
    desk("note", "3333", typed="it says ALPHA")
    desk("summarize", "3333", typed="about BRAVO")
    desk("status", "3333", "closed", typed="as CHARLIE")
    words = ("ALPHA", "BRAVO", "CHARLIE")
    assert words == tuple(word for word in words if word in desk("show", "3333").out)
    desk("quarantine", "3333", typed="look again")
    assert words == tuple(word for word in words if word in desk("show", "3333").out)
    desk("quarantine", "3333", "--isolate", typed="for counsel")
    assert [] == [word for word in words if word in desk("show", "3333").out + desk("show", "3333", "--json").out]
    desk("roles", "Ana Example", "--role", "custodian", "--role", "counsel")
    assert words == tuple(word for word in words if word in desk("show", "3333").out)


@pytest.mark.parametrize("written", ["text", "escaped", "broken"])
def test_marking_in_what_was_set_aside(desk: Desk, office: Office, written: str) -> None:
    """A letter that is not as it must be holds a classified marking: counsel alone sees it, by role and by key."""
    marked = {"text": "TOP SECRET//NOFORN the list.", "escaped": "It is so.\n(S) the list.", "broken": "(S) the list."}
    plaintext = letter(marked[written], extra=1)
    if written == "escaped":
        plaintext = plaintext.replace(b"(S)", b"\\u0028S\\u0029")[: len(plaintext)]
    if written == "broken":
        plaintext = plaintext.replace(b"}", b" ")
    desk.receive(office.bundle([office.envelope(plaintext), office.envelope(letter("No list here.", extra=1))]))
    counsel = ("--identity", str(office.secret / "counsel.age"))
    held, calm = sorted(
        (one["envelope"] for one in desk("set-aside", "--json").json),
        key=lambda name: "No list" in desk("set-aside", name, "--words").out,
    )
    assert "No list here." in desk("set-aside", calm, "--words").out
    for words in ((), counsel):
        run = desk("set-aside", held, "--words", *words)
        assert (2, "", True) == (run.code, run.out, "call counsel" in run.err)
    desk("roles", "Ana Example", "--role", "custodian", "--role", "counsel")
    assert 2 == desk("set-aside", held, "--words").code
    assert "the list" in desk("set-aside", held, "--words", *counsel).out


SEARCHED = {
    "NUL before": ("\0nothing", 0),
    "NUL after": ("nothing\0", 0),
    "half a pair": ("\ud800nothing", 1),
    "byte that is no UTF-8": ("ma\udcf1ana", 1),
}


@pytest.mark.parametrize("name", SEARCHED)
def test_odd_words_are_looked_for(held: Desk, name: str) -> None:
    """Words with a NUL find what they would without; what is no UTF-8 is refused in one sentence."""
    words, code = SEARCHED[name]
    run = held("search", "--json", typed=words)
    assert code == run.code
    if code:
        assert "desk: the words to look for could not be read as UTF-8 text" in run.err.split("\n")
    else:
        assert ["22" * 16] == [hit["id"] for hit in run.json]


def test_search_takes_any_text(held: Desk) -> None:
    """The search itself stumbles over nothing that it is asked for."""
    with (
        open_vault(held.folder, read_header(held.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        found = [search(connection, words, limit=9) for words in ("\ud800x", "\0", "x\0", '"\0"', "\udcf1*")]
    assert [[]] * 5 == found


def test_what_cannot_wait_comes_up(desk: Desk, office: Office) -> None:
    """Removal and distress are marked TODAY in list, report and overview."""
    desk.receive(office.bundle([office.envelope(letter("She will be removed tomorrow.", id="44" * 16))]))
    assert ["44" * 16] == [report["id"] for report in desk("list", "--today", "--json").json]
    assert "TODAY" in desk("list").out
    assert "TODAY: 1 speaks of danger, removal or distress" in desk("status").out.split("\n")


def test_nothing_is_lifted_while_everybody_reads_it(held: Desk) -> None:
    """A mask that is lifted shows words at once: a report that was passed is taken back first."""
    held("pass", "0000", "--yes")
    before = held("show", "0000", "--json").json["masked"]
    run = held("mask", "0000", "--lift", "1")
    assert (2, True) == (run.code, "take it back first with underseal desk quarantine" in run.err)
    assert before == held("show", "0000", "--json").json["masked"]
    held("quarantine", "0000", typed="look again")
    assert 0 == held("mask", "0000", "--lift", "1").code


def test_what_is_closed_waits_no_more(desk: Desk, office: Office) -> None:
    """What cannot wait is counted until it is done or closed."""
    desk.receive(office.bundle([office.envelope(letter("I want to end my life over this.", id="44" * 16))]))
    assert 1 == desk("status", "--json").json["today"]
    desk("status", "4444", "closed", typed="called, and safe")
    assert 0 == desk("status", "--json").json["today"]


def test_lifting_needs_two_where_set(held: Desk) -> None:
    """Once the desk says so, no mask is lifted alone; what is asked for are places and rules, not numbers."""
    held("mask", "0000", "--add", typed="sent\nback\n")
    lift = [word for number in (1, 2, 3) for word in ("--lift", str(number))]
    held("two", "--act", "unmask")
    run = held("mask", "0000", "--add", *lift, typed="form\n")
    assert (1, True, "form\n") == (run.code, "second person" in run.err, run.left)
    assert "has 4 masks" in held("mask", "0000").err
    assert 1 == held("mask", "0000", *lift[:2]).code
    wanted = sorted(request["what"]["lifted"] for request in held("approve", "--json").json)
    assert [1, 3] == sorted(len(each) for each in wanted)
    assert all(isinstance(rule, str) and start < end for each in wanted for start, end, rule in each)
    assert "has 4 masks" in held("mask", "0000").err


@pytest.mark.parametrize(
    ("arguments", "left"),
    [(("--lift", "9", "--add"), "sent\n"), (("--lift", "0", "--add"), "sent\n")],
    ids=["no mask 9", "no mask 0"],
)
def test_bad_masks_change_nothing(held: Desk, arguments: tuple[str, ...], left: str) -> None:
    """A number that is not there: one sentence before any words are asked for, and the masks stay."""
    run = held("mask", "0000", *arguments, typed=left)
    assert (3, left) == (run.code, run.left)
    assert "has 2 masks" in held("mask", "0000").err


@pytest.mark.parametrize(
    ("words", "lift", "masks", "said"),
    [
        ("lamps\n", (), 2, "the words of line 1 are not in this report; nothing was changed"),
        ("lamps\n", ("--lift", "2"), 2, "the words of line 1 are not in this report; nothing was changed"),
        ("sent\n\nlamps\nback\nlanterns\n", (), 4, "the words of line 3, 5 are not in this report; those of the"),
        ("sent\nlamps\n", ("--lift", "2"), 3, "those of the other lines are masked, nothing was lifted"),
    ],
    ids=["none", "none and a lift", "some", "some and a lift"],
)
def test_words_that_are_not_there(held: Desk, words: str, lift: tuple[str, ...], masks: int, said: str) -> None:
    """They are named by their line and not repeated; the other lines count, and no mask is lifted for want of one."""
    run = held("mask", "0000", "--add", *lift, typed=words)
    assert (3, True, False) == (run.code, said in run.err, "lamps" in run.err + run.out)
    assert f"has {masks} masks" in held("mask", "0000").err
    assert 0 == held("verify").code


def test_isolated_is_not_taken_back_after_typing(desk: Desk, office: Office) -> None:
    """That a report is isolated is said before the reason for its quarantine is typed."""
    desk.receive(office.bundle([office.envelope(letter("(S//NOFORN) the annex says so.", id="33" * 16))]))
    run = desk("quarantine", "3333", typed="let us see\n")
    assert (2, True, "let us see\n") == (run.code, "call counsel" in run.err, run.left)


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


WRITTEN = {
    "as it is": "Jos\u00e9 Mej\u00eda",
    "accents apart": "Jose\u0301 Meji\u0301a",
    "no accents": "Jose Mejia",
    "soft hyphen": "Jo\u00ads\u00e9 Mej\u00ad\u00eda",
    "zero width": "Jo\u200bs\u00e9\u2060 Mej\u200d\u00eda",
    "over a line end": "Jos\u00e9\r\n  Mej\u00eda",
    "no-break space": "Jos\u00e9\u00a0Mej\u00eda",
    "capitals": "JOS\u00c9 MEJ\u00cdA",
    "wide letters": "\uff2a\uff4f\uff53\u00e9 Mej\u00eda",
    "accents over the end": "Jos\u00e9 Mejia\u0301\u0301",
}


@pytest.mark.parametrize("chosen", ["as it is", "accents apart", "capitals", "no accents", "over a line end"])
@pytest.mark.parametrize("name", WRITTEN)
def test_chosen_words_are_found_however_written(name: str, chosen: str) -> None:
    """One name in ten writings: all of it is masked, whichever of them the custodian typed."""
    text = f"Then {WRITTEN[name]}, and again {WRITTEN[name]} spoke."
    spans = spans_of_words(text, WRITTEN[chosen])
    assert "Then [masked: chosen], and again [masked: chosen] spoke." == masked(text, spans)


def test_other_scripts_are_told_apart() -> None:
    """Letters that have no ASCII form are themselves, not each other; capitals of theirs make no difference."""
    text = "\u0410\u043d\u043d\u0430 \u0438 \u041e\u043b\u044c\u0433\u0430, \u0410\u041d\u041d\u0410"
    hidden = masked(text, spans_of_words(text, "\u0430\u043d\u043d\u0430"))
    assert "[masked: chosen] \u0438 \u041e\u043b\u044c\u0433\u0430, [masked: chosen]" == hidden
    assert () == spans_of_words(text, "\u0438\u0432\u0430\u043d")


@given(some.text(max_size=60), some.text(min_size=1, max_size=4))
def test_chosen_words_are_found_wherever_they_stand(text: str, words: str) -> None:
    """Every place of the words is masked, in any capitals, and the masked text holds them no more in that form."""
    spans = spans_of_words(text, words)
    assert all(text[span.start : span.end].lower() == words.lower() or span.rule == CHOSEN for span in spans)
    assert bool(spans) or words not in text
    outside = masked(text, spans).split("[masked: chosen]")
    assert not any(words in piece for piece in outside) or "[masked: chosen]" in text
