# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tags, notes, summaries, status, filters: what reviewers do all day."""

from pathlib import Path

import click
import pytest
from click.shell_completion import CompletionItem
from deskkit import CANARY, PASSPHRASE, Desk, Office, letter

from crypto.secret.secretfile import seal_secret
from desk.codebook import load_codebook
from desk.reading_cli import list_
from desk.review_cli import tag
from desk.stricter import RULES


@pytest.fixture
def filed(desk: Desk, office: Office) -> Desk:
    """A desk with six reports: one of each kind and month below."""
    kinds, months = ("REV", "REV", "STD", "REV", "REV", "REV"), ("01", "02", "02", "03", "04", "05")
    letters = [
        letter(CANARY, id=f"{number}{number}" * 16, answers={"kinds": [kind], "event_month": f"2026-{month}"})
        for number, (kind, month) in enumerate(zip(kinds, months, strict=True))
    ]
    desk.receive(office.bundle([office.envelope(plaintext) for plaintext in letters]))
    return desk


def _codes(desk: Desk, report: str = "0000") -> list[str]:
    codes: list[str] = desk("show", report, "--json").json["codes"]
    return codes


def test_tag_and_untag(filed: Desk) -> None:
    """Codes come and go; what the officer chose stays."""
    assert "desk: 00000000 tagged REV.OVER, STD.NEXUS\n" == filed("tag", "0000", "rev.over", "STD.NEXUS").err
    assert ["REV.OVER", "STD.NEXUS"] == _codes(filed)
    assert "desk: 00000000 untagged REV.OVER\n" == filed("untag", "0000", "REV.OVER").err
    assert ["STD.NEXUS"] == _codes(filed)
    assert ["REV"] == filed("show", "0000", "--json").json["answers"]["kinds"]


def test_tag_twice_harmless(filed: Desk) -> None:
    """The second time nothing is recorded."""
    filed("tag", "0000", "REV.OVER")
    before = filed("verify").out
    run = filed("tag", "0000", "REV.OVER", "REV.OVER")
    assert (0, "desk: 00000000 has these codes already: nothing changed\n") == (run.code, run.err)
    assert before == filed("verify").out


def test_untag_absent_says_so(filed: Desk) -> None:
    """What is not there cannot be taken off, and the log stays as it is."""
    before = filed("verify").out
    run = filed("untag", "0000", "REV.OVER")
    assert (0, "desk: 00000000 does not have REV.OVER from you") == (run.code, run.err.split("\n")[0])
    assert before == filed("verify").out


def test_unknown_code_suggests(filed: Desk) -> None:
    """A near miss is answered with what was probably meant; none of the codes is applied."""
    run = filed("tag", "0000", "STD.NEXUS", "REV.OVR")
    assert 2 == run.code
    assert "REV.OVR is not a code of the codebook; near it: REV.OVER" in run.err
    assert [] == _codes(filed)


def test_kind_is_no_code(filed: Desk) -> None:
    """A top-level kind is never applied as a code."""
    run = filed("tag", "0000", "STD")
    assert 2 == run.code
    assert "desk: STD is a kind, not a code: choose one or more of STD.RAISE, STD.BASIS" in run.err


def test_note_is_kept(filed: Desk) -> None:
    """Notes add up, with their author and day."""
    filed("note", "0000", typed="first\nline two\n")
    filed("note", "0000", "-", typed="second")
    notes = filed("show", "0000", "--json").json["notes"]
    assert ["first\nline two", "second"] == [item["text"] for item in notes]
    assert ["Ana Example"] * 2 == [item["reviewer"] for item in notes]


def test_summary_is_replaced(filed: Desk) -> None:
    """The later summary stands; the same again records nothing."""
    filed("summarize", "0000", typed="one")
    filed("summarize", "0000", typed="two")
    assert "nothing changed" in filed("summarize", "0000", typed="two\n").err
    assert ["two"] == [item["text"] for item in filed("show", "0000", "--json").json["summaries"]]


@pytest.mark.parametrize("verb", ["note", "summarize"])
@pytest.mark.parametrize("typed", ["", " \n\t\n"], ids=["nothing", "white space"])
def test_empty_text_refused(filed: Desk, verb: str, typed: str) -> None:
    """No text, no event."""
    before = filed("verify").out
    assert (2, "desk: there was no text; nothing was changed\n") == _outcome(filed, verb, "0000", typed=typed)
    assert before == filed("verify").out


def test_long_text_refused(filed: Desk) -> None:
    """A text over the limit is refused, not cut."""
    assert 2 == filed("note", "0000", typed="x" * 70_000).code


def test_status_moves(filed: Desk) -> None:
    """A report goes from new to reviewing to done."""
    assert "new\n" == filed("status", "0000").out
    filed("status", "0000", "reviewing")
    filed("status", "0000", "done")
    assert {"id": "00" * 16, "status": "done"} == filed("status", "0000", "--json").json


def test_closing_needs_reason(filed: Desk) -> None:
    """Without a reason a report stays open."""
    sentence = "desk: closing a report needs a reason; nothing was changed\n"
    assert (2, sentence) == _outcome(filed, "status", "0000", "closed")
    assert "new\n" == filed("status", "0000").out
    filed("status", "0000", "closed", typed="sent by mistake")
    assert ["sent by mistake"] == [reason["text"] for reason in filed("show", "0000", "--json").json["reasons"]]


def test_status_overview(filed: Desk) -> None:
    """Without a report, where the desk stands and what comes next."""
    filed("status", "0000", "done")
    run = filed("status")
    assert "reports: 6, 1 done, 5 new" == run.out.split("\n")[0]
    assert "hint: underseal desk list --status new" in run.err
    assert {"done": 1, "new": 5} == filed("status", "--json").json["statuses"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((), ["00", "11", "22", "33", "44", "55"]),
        (("--kind", "rev"), ["00", "11", "33", "44", "55"]),
        (("--kind", "STD"), ["22"]),
        (("--month", "2026-02"), ["11", "22"]),
        (("--month", "2026-02", "--kind", "REV"), ["11"]),
        (("--code", "REV.OVER"), ["00"]),
        (("--status", "done"), ["55"]),
        (("--status", "new"), ["00", "11", "22", "33", "44"]),
        (("--kind", "HRM"), []),
    ],
    ids=str,
)
def test_list_filters(filed: Desk, arguments: tuple[str, ...], found: list[str]) -> None:
    """Filters narrow together."""
    filed("tag", "0000", "REV.OVER")
    filed("status", "5555", "done")
    assert found == [report["id"][:2] for report in filed("list", "--json", *arguments).json]


def test_few_reports_warned(filed: Desk) -> None:
    """One to four reports behind a filter are close to naming people: said on standard error, also for machines."""
    assert "only 1: so few can point at a person" in filed("list", "--kind", "STD", "--json").err
    assert "only" not in filed("list", "--kind", "REV").err
    assert "only" not in filed("list", "--kind", "HRM").err
    assert "only" not in filed("list").err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("list", "--month", "2026-13"), 2),
        (("list", "--month", "March"), 2),
        (("list", "--kind", "XXX"), 2),
        (("list", "--code", "REV"), 2),
        (("list", "--status", "open"), 2),
        (("show", "000"), 2),
        (("show", "zzzz"), 2),
        (("show", "' OR 1=1 --"), 2),
        (("show", "%%%%"), 2),
        (("show", "abcd"), 3),
        (("tag", "abcd", "REV.OVER"), 3),
        (("tag", "0000"), 2),
        (("status", "0000", "lost"), 2),
        (("set-aside", "abcd"), 3),
    ],
    ids=str,
)
def test_wrong_use_refused(filed: Desk, arguments: tuple[str, ...], code: int) -> None:
    """What cannot be meant is refused with a sentence and its exit code, and nothing is answered."""
    run = filed(*arguments)
    assert (code, "") == (run.code, run.out)
    assert run.err.startswith("desk: ")
    assert "Traceback" not in run.err


def test_ambiguous_prefix_refused(desk: Desk, office: Office) -> None:
    """A prefix of two reports names neither; the list shows enough digits to tell them apart."""
    letters = [letter(id="abcdef0123" + digit * 22) for digit in "12"]
    desk.receive(office.bundle([office.envelope(plaintext) for plaintext in letters]))
    assert (2, "desk: 2 of them begin with abcdef: give more digits\n") == _outcome(desk, "show", "abcdef")
    assert ["abcdef01231", "abcdef01232"] == [line.split()[0] for line in desk("list").out.split("\n")[1:3]]


def test_show_gives_masked_words(filed: Desk) -> None:
    """Without --words there is what was passed, with its masks; it opens nothing and needs no key."""
    assert f"  | {CANARY}" in filed("show", "0000").out.split("\n")
    assert CANARY == filed("show", "0000", "--json").json["masked"]
    assert [] == filed("show", "0000", "--json").json["openings"]


def test_words_are_recorded_before_they_are_shown(filed: Desk) -> None:
    """The log says who had the words shown, and the same answer already says so."""
    run = filed("show", "0000", "--words")
    assert "words shown: to Ana Example," in run.out.split("words of the officer")[0]
    assert 2 == run.out.split("\n").count(f"  | {CANARY}")
    assert 1 == len(filed("show", "0000", "--json").json["openings"])


def test_words_need_the_right_key(filed: Desk, tmp_path: Path) -> None:
    """A key of somebody else opens nothing, and nothing is recorded."""
    from crypto.secret.identity import HybridIdentity

    other = tmp_path / "other.age"
    other.write_bytes(seal_secret(HybridIdentity.generate().text.encode(), PASSPHRASE, work_factor=10))
    run = filed("show", "0000", "--words", "--identity", str(other))
    assert (1, "") == (run.code, run.out)
    assert "desk: the key in other.age does not open it" == run.err.split("\n")[0]
    assert [] == filed("show", "0000", "--json").json["openings"]


def test_counsel_opens_too(filed: Desk, office: Office) -> None:
    """Counsel's long-lived key opens the same words."""
    assert CANARY in filed("show", "0000", "--words", "--identity", str(office.secret / "counsel.age")).out


def test_weekly_key_opens_no_words(filed: Desk, office: Office) -> None:
    """Inside the vault the words are no longer sealed to the weekly keys."""
    assert 1 == filed("show", "0000", "--words", "--identity", str(office.secret / "holder-custodian.age")).code


def test_codes_need_no_vault() -> None:
    """The codebook is public."""
    from deskkit import command

    assert 7 == len(command("desk", "codes", "rev", "--json").json)
    assert "    out: " in command("desk", "codes", "REV.ASYM").out
    assert 64 == len(load_codebook().codes)


def test_completion_offers_codes_only() -> None:
    """The shell completes codes; ids of reports never leave the vault for it."""
    assert ["REV.OVER"] == [item.value for item in _complete("rev.ov")]
    assert [] == _complete("00")


def test_completion_offers_every_flag() -> None:
    """The detectors' rules and the desk's own, as lists show them."""
    (flag,) = [option for option in list_.params if option.name == "flag"]
    offered = {item.value for item in flag.shell_complete(click.Context(list_), "")}
    assert {*RULES, "a_number", "combination"} <= offered


@pytest.mark.parametrize(
    "verb",
    ["init", "receive", "list", "show", "tag", "untag", "note", "summarize", "status", "set-aside", "codes", "verify"],
)
def test_help_has_example(verb: str) -> None:
    """Every verb's help ends with how it is typed."""
    from deskkit import command

    assert f"underseal desk {verb}" in command("desk", verb, "--help").out.split("Example:")[1]


def _complete(typed: str) -> list[CompletionItem]:
    """Return what the program itself offers after `underseal desk tag`."""
    (argument,) = [parameter for parameter in tag.params if parameter.name == "words"]
    return argument.shell_complete(click.Context(tag), typed)


def _outcome(desk: Desk, *arguments: str, typed: str = "") -> tuple[int, str]:
    run = desk(*arguments, typed=typed)
    return run.code, run.err


def test_overlay_swaps_labels_only():
    """Another union's codebook has the same codes in its own words."""
    plain, other = load_codebook(), load_codebook("general-grievance")
    assert plain.codes.keys() == other.codes.keys()
    assert plain.codes["WRK.MORAL"].label != other.codes["WRK.MORAL"].label
    assert plain.codes["WRK.LOAD"] == other.codes["WRK.LOAD"]
