# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many at once, assignments, the next report, links and sources, filters, templates."""

import json
from pathlib import Path

import pytest
from deskkit import PASSPHRASE, Desk, Office, day, letter, typed
from terminal import in_terminal
from workkit import IDS, file_six, join

from desk import saved
from desk.events import Kind
from desk.vault import open_vault, read_header


@pytest.fixture
def filed(desk: Desk, office: Office) -> Desk:
    """A desk with six reports."""
    return file_six(desk, office)


def _statuses(desk: Desk) -> list[str]:
    return [report["status"] for report in desk("list", "--json").json]


@pytest.mark.parametrize(
    "arguments",
    [("template", "save", "No Name"), ("note", "0000", "--template", "none"), ("note", "ffff")],
    ids=["bad name", "no such template", "no such report"],
)
def test_names_are_checked_before_a_text_is_asked_for(filed: Desk, arguments: tuple[str, ...]) -> None:
    """A wrong name costs nobody what they typed."""
    run = filed(*arguments, typed="a long text\n")
    assert (True, "a long text\n") == (run.code in (2, 3), run.left)


def test_many_are_tagged(filed: Desk) -> None:
    """Named or chosen, all get the code, and the count is said."""
    assert "desk: 2 reports tagged OTH.OUT\n" in filed("tag", "0000", "0101", "OTH.OUT").err
    run = filed("tag", "--kind", "REV", "OTH.OUT")
    assert ["desk: 4 reports", "desk: 2 reports tagged OTH.OUT"] == run.err.strip().split("\n")[1:]  # few are warned of
    assert "desk: 4 reports untagged OTH.OUT\n" in filed("untag", "--code", "OTH.OUT", "OTH.OUT").err
    assert 0 == filed("verify").code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("tag", "0000", "abcd", "OTH.OUT"), 3),
        (("tag", "0000", "0101", "OTH.OVT"), 2),
        (("tag", "--kind", "HRM", "OTH.OUT"), 2),
        (("tag", "OTH.OUT"), 2),
        (("status", "0000", "abcd", "done"), 3),
        (("status", "0000", "0101"), 2),
        (("status", "--kind", "REV"), 2),
        (("assign", "0000", "Nobody Known"), 3),
        (("assign",), 2),
        (("link", "0000", "0101"), 2),
        (("link", "0000", "0000", "--same-source"), 2),
        (("link", "0000", "0101", "abcd", "--same-source"), 3),
        (("filter", "save", "x", "--kind", "XXX"), 2),
        (("filter", "save", "Not A Name", "--kind", "REV"), 2),
        (("filter", "save", "all"), 2),
        (("filter", "save"), 2),
        (("filter", "drop", "absent"), 3),
        (("list", "--filter", "absent"), 3),
        (("note", "0000", "--template", "absent"), 3),
        (("note", "0000", "-", "--template", "absent"), 2),
        (("undo",), 3),
        (("redo",), 3),
    ],
    ids=str,
)
def test_all_or_none(filed: Desk, arguments: tuple[str, ...], code: int) -> None:
    """Where one of them cannot be meant, nothing is recorded, and one sentence says so."""
    before = filed("verify").out
    run = filed(*arguments)
    assert (code, "") == (run.code, run.out)
    assert before == filed("verify").out


def test_closed_in_bulk_with_reason(filed: Desk) -> None:
    """Each report closed has its own copy of the reason."""
    filed("status", "--kind", "REV", "closed", typed="one campaign")
    assert ["closed"] * 3 + ["new"] * 2 + ["closed"] == _statuses(filed)
    assert ["one campaign"] == [item["text"] for item in filed("show", "0505", "--json").json["reasons"]]
    assert 0 == filed("verify").code


def test_many_are_asked_about(desk: Desk, office: Office) -> None:
    """More than twenty reports need --yes, or an answer at the terminal."""
    texts = [f"{number} lamps" for number in range(21)]
    desk.receive(office.bundle([office.envelope(letter(text)) for text in texts]))
    assert 2 == desk("status", "--month", "2026-03", "reviewing").code
    code, printed = in_terminal(desk.arguments("status", "--month", "2026-03", "reviewing"), ["n"])
    assert (1, True) == (code, b"reviewing: set all 21 reports [y/N]: " in printed)
    assert {"new"} == set(_statuses(desk))
    assert 0 == desk("status", "--month", "2026-03", "reviewing", "--yes").code
    assert {"reviewing"} == set(_statuses(desk))


def test_assigned_and_mine(filed: Desk) -> None:
    """A report is given to a person and taken back; --mine shows what is one's own."""
    assert "desk: 2 reports now assigned to Ana Example\n" in filed("assign", "0000", "0101", "Ana Example").err
    assert IDS[:2] == [report["id"] for report in filed("list", "--mine", "--json").json]
    assert "desk: 1 report now nobody's\n" in filed("assign", "0000", "--nobody").err
    assert "nobody's already" in filed("assign", "0000", "--nobody").err
    assert IDS[1:2] == [report["id"] for report in filed("list", "--mine", "--json").json]


def test_next_goes_through_all(filed: Desk) -> None:
    """What is passed comes once each; closed reports and another's do not come, nor what is not passed."""
    filed("status", "0000", "closed", typed="no")
    filed("quarantine", "0101", typed="look")
    shown = [filed("next", "--json").json["id"] for _ in range(4)]
    assert {*IDS[2:]} == set(shown)
    run = filed("next")
    assert (3, "") == (run.code, run.out)


def test_next_begins_with_what_cannot_wait(filed: Desk) -> None:
    """Distress comes before everything else, once it is passed; it is shown as show shows it."""
    filed("pass", "0505", "--yes")
    assert IDS[5] == filed("next", "--json").json["id"]
    assert "report 0" in filed("next").out


def test_shown_is_recorded_once(filed: Desk) -> None:
    """That a person was shown a report stands in the log, once; showing it again adds nothing."""
    filed("show", "0000")
    before = filed("verify").out
    filed("show", "0000")
    assert before == filed("verify").out


def test_sources_count_once(filed: Desk) -> None:
    """Same-source links join reports transitively, wherever they are counted; other links do not."""
    filed("link", "0000", "0101", "--same-source")
    filed("link", "0101", "0202", "--same-source")
    filed("link", "0303", "0404", "--same-event")
    assert "desk: 6 reports from 4 sources\n" in filed("list").err
    assert "reports: 6 from 4 sources" in filed("status").out
    assert "found in 5 reports from 3 sources" in filed("search", typed="decision").err
    assert 4 == filed("status", "--json").json["sources"]
    shown = filed("show", "0101")
    assert {"  same-source  00000000", "  same-source  02020202"} <= set(shown.out.split("\n"))
    assert ["same-event"] == filed("list", "--json").json[3]["links"]
    filed("unlink", "0101", "0000", "--same-source")
    assert "desk: 6 reports from 5 sources\n" in filed("list").err
    assert 0 == filed("verify").code


def test_few_sources_warned(filed: Desk) -> None:
    """Five reports of four sources behind a filter are as telling as four."""
    filed("tag", "0000", "0101", "0202", "0303", "0404", "OTH.OUT")
    assert "only" not in filed("list", "--code", "OTH.OUT").err
    filed("link", "0000", "0101", "--same-source")
    assert "only 4: so few can point at a person" in filed("list", "--code", "OTH.OUT").err


FEW = "desk: only 2: so few can point at a person"


@pytest.mark.parametrize(
    "arguments",
    [
        *(("tag", "--kind", "STD", "OTH.OUT"), ("status", "--kind", "STD", "reviewing")),
        *(("assign", "--kind", "STD", "Ana Example"), ("link", "0000", "--kind", "STD", "--same-event")),
        *(("list", "--kind", "STD"), ("filter",), ("filter", "--json"), ("hold", "--term", "kind:STD")),
        *(("duplicates",), ("duplicates", "0303"), ("duplicates", "--json")),
    ],
    ids=" ".join,
)
def test_few_sources_warned_wherever_counted(desk: Desk, office: Office, arguments: tuple[str, ...]) -> None:
    """Whatever narrows to a few and says how many, warns; what is named by its id, or is of many, does not."""
    texts = [f"{word} decisions of mine were sent back to me last week" for word in ("One", "Two", "Six", "Ten", "No")]
    letters = [
        letter(text, id=f"0{number}" * 16, answers={"kinds": ["REV"], "event_month": "2026-03"})
        for number, text in enumerate(texts)
    ] + [
        letter("The board has moved to the second floor.", id=each * 16, answers={"kinds": ["STD"]})
        for each in ("a0", "a1")
    ]
    desk.receive(office.bundle([office.envelope(plaintext) for plaintext in letters]))
    desk("filter", "save", "std", "--kind", "STD")
    assert FEW in desk(*(word.replace("0303", "a0a0") for word in arguments), typed="a reason\n").err
    for calm in (("tag", "0000", "OTH.OUT"), ("tag", "--kind", "REV", "OTH.OUT"), ("hold", "--report", "0000")):
        run = desk(*calm, typed="a reason\n")
        assert (0, False) == (run.code, "so few" in run.err)


def test_filter_is_saved(filed: Desk) -> None:
    """A filter holds terms, is used by name, narrowed further, replaced and dropped."""
    filed("filter", "save", "rev", "--kind", "rev", "--month", "2026-03")
    (row,) = filed("filter", "--json").json
    assert {"name": "rev", "terms": ["kind:REV", "month:2026-03"], "reports": 4, "sources": 4} == row
    assert 4 == len(filed("list", "--filter", "rev", "--json").json)
    assert [] == filed("list", "--filter", "rev", "--status", "done", "--json").json
    assert "nothing changed" in filed("filter", "save", "rev", "--kind", "REV", "--month", "2026-03").err
    filed("filter", "save", "rev", "--kind", "STD")
    assert IDS[3:5] == [report["id"] for report in filed("list", "--filter", "rev", "--json").json]
    filed("filter", "drop", "rev")
    assert [] == filed("filter", "--json").json
    filed("undo")
    assert ["kind:STD"] == filed("filter", "--json").json[0]["terms"]


def test_mine_is_whoever_asks(filed: Desk, tmp_path: Path) -> None:
    """A saved --mine means the person who uses the filter."""
    filed("filter", "save", "my-own", "--mine")
    other = join(filed, tmp_path)
    filed("assign", "0000", "Ben Example")
    filed("assign", "0101", "Ana Example")
    assert IDS[:1] == [report["id"] for report in other("list", "--filter", "my-own", "--json").json]
    assert IDS[1:2] == [report["id"] for report in filed("list", "--filter", "my-own", "--json").json]


def test_two_of_one_name_are_dropped_and_replaced_together(filed: Desk) -> None:
    """Where two people saved under one name without knowing of each other, the next to decide decides on both."""
    for verb in (("save", "spam"), ("drop", "spam")):
        with open_vault(filed.folder, read_header(filed.folder), typed(PASSPHRASE), day()) as vault:
            with vault.writing() as writer:
                for number in ("aa", "bb"):
                    text = writer.text(json.dumps({"name": "spam", "terms": [], "text": number}))
                    writer.record(Kind.TEMPLATE, template=number * 4, state="on", text=text, after=None)
            assert {"aa", "bb"} <= {one.text for one in saved.saved(vault, saved.Sort.TEMPLATE)}
        assert 0 == filed("template", *verb, typed="as it shall be\n").code
        kept = [one["text"] for one in filed("template", "--json").json]
        assert kept == (["as it shall be"] if verb[0] == "save" else [])


def test_one_of_two_heads_is_replaced_whole(filed: Desk) -> None:
    """Where two saved in place of one without knowing of each other, the next to save leaves one decision standing."""
    with open_vault(filed.folder, read_header(filed.folder), typed(PASSPHRASE), day()) as vault:
        with vault.writing() as writer:
            for number in ("aa", "bb"):
                text = writer.text(json.dumps({"name": "spam", "terms": [], "text": number}))
                writer.record(Kind.TEMPLATE, template="aa" * 4, state="on", text=text, after=None)
        assert saved.save_template(vault, "spam", "as it shall be")
        (one,) = saved.saved(vault, saved.Sort.TEMPLATE)
        assert ("as it shall be", 1) == (one.text, len(one.stands))


def test_template_gives_text(filed: Desk) -> None:
    """A template stands for what would be typed: notes, summaries, reasons."""
    filed("template", "save", "spam", typed="one campaign\nas before\n")
    assert [{"name": "spam", "text": "one campaign\nas before"}] == filed("template", "--json").json
    filed("note", "0000", "--template", "spam")
    filed("summarize", "0000", "--template", "spam")
    filed("status", "0000", "0101", "closed", "--template", "spam")
    shown = filed("show", "0000", "--json").json
    texts = {shown[name][0]["text"] for name in ("notes", "summaries", "reasons")}
    assert {"one campaign\nas before"} == texts
    assert "  | as before" in filed("template").out.split("\n")
    filed("template", "drop", "spam")
    assert 3 == filed("note", "0000", "--template", "spam").code
