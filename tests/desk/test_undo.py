# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking back and doing again: one's own acts only, and nothing that others decided on since."""

from collections.abc import Callable
from pathlib import Path

import pytest
from deskkit import PASSPHRASE, Desk, Office, command, day, typed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import Connection
from workkit import IDS, file_six, join

from desk import index, junk, links, projections, review, saved
from desk.acts import NEVER_UNDONE
from desk.review import Status
from desk.roles import people
from desk.sources import Relation
from desk.undo import redo, undo
from desk.vault import Vault, open_vault, read_header
from desk.verify import verify_vault
from desk.work_errors import NothingDone

DECIDED_SINCE = "desk: somebody else has decided on this since; nothing was changed"


@pytest.fixture
def filed(desk: Desk, office: Office) -> Desk:
    """A desk with six reports."""
    return file_six(desk, office)


def test_link_taken_off_by_another(filed: Desk, office: Office, tmp_path: Path) -> None:
    """A link is the desk's, not one person's: whoever works on reports takes it off; then it cannot be undone."""
    filed("link", "0000", "0101", "--same-source")
    other = join(filed, tmp_path)
    assert 0 == other("unlink", "0000", "0101", "--same-source").code
    assert [] == filed("show", "0000", "--json").json["linked"]
    run = filed("undo")
    assert (1, DECIDED_SINCE) == (run.code, run.err.split("\n")[0])


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (("assign", "0000", "Ana Example"), ("assign", "0000", "Ben Example")),
        (("link", "0000", "0101", "--same-source"), ("link", "0101", "0000", "--same-source")),
        (("filter", "save", "one", "--region", "R1"), ("filter", "save", "one", "--region", "R2")),
        (("filter", "save", "new", "--region", "R1"), ("filter", "save", "new", "--region", "R2")),
    ],
    ids=["assign", "link", "filter", "name"],
)
def test_what_was_undone_and_decided_anew_is_not_redone(
    filed: Desk, tmp_path: Path, mine: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    """Redoing it would leave two decisions that do not know of each other."""
    other = join(filed, tmp_path)
    filed("filter", "save", "one", "--region", "R3")
    for arguments in (mine, ("undo",), ("redo",), ("undo",)):
        assert 0 == filed(*arguments).code
    assert 0 == other(*theirs).code
    before = filed("verify").out
    run = filed("redo")
    assert (1, DECIDED_SINCE) == (run.code, run.err.split("\n")[0])
    assert before == filed("verify").out


def test_dropping_is_not_undone_once_the_name_is_another(filed: Desk, tmp_path: Path) -> None:
    """What would come back would stand beside what somebody else has saved under its name since."""
    other = join(filed, tmp_path)
    for arguments in (("save", "one", "--region", "R1"), ("drop", "one")):
        assert 0 == filed("filter", *arguments).code
    assert 0 == filed("undo").code
    assert 0 == filed("redo").code
    assert 0 == other("filter", "save", "one", "--region", "R2").code
    before = filed("verify").out
    run = filed("undo")
    assert (1, DECIDED_SINCE) == (run.code, run.err.split("\n")[0])
    assert before == filed("verify").out
    assert [["region:R2"]] == [one["terms"] for one in filed("filter", "--json").json]


def test_undo_says_what(filed: Desk) -> None:
    """Undo goes back act by act, redo forward; a new act ends the way forward."""
    filed("tag", "0000", "0101", "OTH.OUT", "REV.OVER")
    filed("status", "0000", "reviewing")
    assert "desk: undone: 1 status (00000000)\n" in filed("undo").err
    run = filed("undo")
    assert "desk: undone: 4 tagged (2 reports)\n" in run.err
    assert "never undone by this" in run.err
    shown = " ".join(command("desk", "undo", "--help").out.split())
    assert f"{NEVER_UNDONE.capitalize()} are never undone by this." in shown
    assert "desk: done again: 4 tagged (2 reports)\n" == filed("redo").err
    assert ["OTH.OUT", "REV.OVER"] == filed("show", "0101", "--json").json["codes"]
    filed("note", "0000", typed="first")
    assert 3 == filed("redo").code
    filed("undo")
    assert [] == filed("show", "0000", "--json").json["notes"]
    assert 0 == filed("verify").code


def test_custody_is_not_undone(filed: Desk) -> None:
    """Undo passes over what it does not take back, and leaves it as it is."""
    filed("tag", "0000", "OTH.OUT")
    filed("quarantine", "0000", typed="look")
    assert "1 tagged" in filed("undo").err
    assert "quarantine" == filed("show", "0000", "--json").json["custody"]
    assert 3 == filed("undo").code


def _acts(vault: Vault) -> dict[str, Callable[[str, str], object]]:
    me = people(vault)[0].fingerprint
    (aside,) = junk.in_bin(vault, "letter-fields", junk=False) or [None]
    return {
        "tag": lambda one, other: review.tag(vault, [one, other], ["OTH.OUT", "REV.OVER"]),
        "untag": lambda one, _: review.untag(vault, [one], ["OTH.OUT"]),
        "note": lambda one, _: review.add_note(vault, one, "a note"),
        "summarize": lambda one, other: review.summarize(vault, one, f"about {other[:2]}"),
        "status": lambda one, other: review.set_status(vault, [one, other], Status.REVIEWING),
        "close": lambda one, _: review.set_status(vault, [one], Status.CLOSED, "a reason"),
        "assign": lambda one, other: review.assign(vault, [one, other], me),
        "nobody": lambda one, _: review.assign(vault, [one], None),
        "link": lambda one, other: one != other and links.link(vault, one, [other], Relation.SAME_SOURCE),
        "unlink": lambda one, other: one != other and links.link(vault, one, [other], Relation.SAME_SOURCE, on=False),
        "filter": lambda one, _: saved.save_filter(vault, "a", [f"region:{one[:2]}"]),
        "template": lambda one, _: saved.save_template(vault, "a", one[:2]),
        "discard": lambda *_: aside and junk.decide(vault, [aside], junk=True),
        "keep": lambda *_: aside and junk.decide(vault, [aside], junk=False),
    }


def _state(vault: Vault) -> tuple[object, object]:
    with vault.reading() as connection:
        return projections.stored(connection), _indexed(connection)


def _indexed(connection: Connection) -> object:
    return index.page(connection, []), index.tally(connection, "")


DOING = ("tag", "untag", "note", "summarize", "status", "close", "assign", "nobody", "link", "unlink")
NAMES = (*DOING, "filter", "template", "discard", "keep")
STEPS = some.lists(some.tuples(some.sampled_from(NAMES), some.sampled_from(IDS[:3]), some.sampled_from(IDS[:3])))


def test_undo_restores_what_stood(filed: Desk) -> None:
    """After any acts, as many undos give the tables as they were, and as many redos as they became."""
    with open_vault(filed.folder, read_header(filed.folder), typed(PASSPHRASE), day()) as vault:
        acts = _acts(vault)

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(STEPS)
        def undone(steps: list[tuple[str, str, str]]) -> None:
            states = [_state(vault)]
            for name, one, other in steps:
                acts[name](one, other)
                if _state(vault) != states[-1]:
                    states.append(_state(vault))
            for state in reversed(states[:-1]):
                undo(vault)
                assert state == _state(vault)
            for state in states[1:]:
                redo(vault)
                assert state == _state(vault)
            with pytest.raises(NothingDone):
                redo(vault)
            assert [] == verify_vault(vault).faults

        undone()
