# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two people where the desk says so: asked, agreed to by another, done once."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from deskkit import Desk, day
from keepkit import OUT, RECORD, later

from desk import holds, purge, second, session
from desk.errors import Damaged, Held
from desk.keeping_errors import NoSuchRequest, OwnRequest, SecondNeeded
from desk.roles import Role, people, written
from desk.second import Guarded
from desk.verify import verify_vault


def _agreed(kept: Desk, second_person: str) -> str:
    """Have the erasing of OUT asked for by one person and agreed to by another, and return under which id."""
    with later(kept, 31) as vault, pytest.raises(SecondNeeded) as asked:
        purge.purge(vault, [OUT])
    name = str(asked.value.args[0])
    with later(kept, 31, second_person) as vault:
        second.approve(vault, name)
    return name


def test_two_people_purge(kept: Desk, second_person: str) -> None:
    """Alone it is asked for and refused; the one who asked cannot agree; another can, once, for exactly that."""
    kept("two", "--act", "purge")
    with later(kept, 400) as vault:
        with pytest.raises(SecondNeeded) as asked:
            purge.purge(vault, [OUT])
        name = str(asked.value.args[0])
        with pytest.raises(SecondNeeded):
            purge.purge(vault, [OUT])
        assert [name] == [request.id for request in second.requests(vault)]
        with pytest.raises(OwnRequest):
            second.approve(vault, name)
    with later(kept, 400, second_person) as vault:
        second.approve(vault, name)
    with later(kept, 400) as vault:
        with pytest.raises(SecondNeeded):
            purge.purge(vault, [OUT, RECORD])  # not what was agreed to
        assert 1 == len(purge.purge(vault, [OUT]))
        assert name not in {request.id for request in second.requests(vault)}
        assert [] == verify_vault(vault).faults


def test_loosening_needs_two(kept: Desk, second_person: str) -> None:
    """One person makes the rule; one person alone does not undo it."""
    assert 0 == kept("two", "--act", "purge", "--act", "keys").code
    run = kept("two", "--none")
    assert (1, True) == (run.code, "second person" in run.err)
    with later(kept, 0, second_person) as vault:
        (request,) = second.requests(vault)
        second.approve(vault, request.id)
    assert 0 == kept("two", "--none").code
    assert "nothing needs two people" in kept("two").out


def test_act_that_fails_uses_no_agreement_up(kept: Desk, second_person: str) -> None:
    """An agreement is spent together with what was agreed to, or not at all."""
    kept("two", "--act", "purge")
    with later(kept, 31) as vault, pytest.raises(SecondNeeded) as asked:
        purge.purge(vault, [OUT])
    with later(kept, 31, second_person) as vault:
        second.approve(vault, str(asked.value.args[0]))
    with later(kept, 31) as vault:
        with vault.writing() as writer:
            writer.connection.exec_driver_sql(
                "CREATE TRIGGER stop BEFORE DELETE ON letters BEGIN SELECT RAISE(ABORT, 'stopped'); END"
            )
        with pytest.raises(Damaged):
            purge.purge(vault, [OUT])
        assert ["approved"] == [request.state for request in second.requests(vault)]
        with vault.writing() as writer:
            writer.connection.exec_driver_sql("DROP TRIGGER stop")
        assert ([OUT], []) == ([one.subject for one in purge.purge(vault, [OUT])], second.requests(vault))
        assert [] == verify_vault(vault).faults


def test_agreement_without_the_role_counts_for_nothing(kept: Desk, second_person: str, tmp_path: Path) -> None:
    """Who lost the approver's role since has not agreed."""
    _joined(kept, tmp_path, "Cy Example", "approver", "four gulls on the mast")
    kept("two", "--act", "purge")
    name = _agreed(kept, second_person)
    kept("roles", "Ben Example", "--role", "coder")
    with later(kept, 31) as vault:
        assert written((Role.CODER,)) == " ".join(next(p for p in people(vault) if p.name == "Ben Example").roles)
        assert ["asked"] == [request.state for request in second.requests(vault)]
        with pytest.raises(SecondNeeded):
            purge.purge(vault, [OUT])
    with later(kept, 31, "four gulls on the mast") as vault:
        second.approve(vault, name)  # another takes it up
    with later(kept, 31) as vault:
        assert 1 == len(purge.purge(vault, [OUT]))


def test_agreed_purge_is_done_when_more_is_due(kept: Desk, second_person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was agreed to goes, and nothing beside it; what came due since is asked for next."""
    kept("two", "--act", "purge")
    with later(kept, 360) as vault, pytest.raises(SecondNeeded) as asked:
        purge.purge(vault, [one.subject for one in purge.ready(vault)[0]])
    name = str(asked.value.args[0])
    with later(kept, 360, second_person) as vault:
        second.approve(vault, name)
        assert None is purge.ready(vault)[1]  # of another person
    with later(kept, 366) as vault:
        assert [RECORD, OUT] == [one.subject for one in purge.due(vault)]
        assert ([OUT], name) == ([one.subject for one in purge.ready(vault)[0]], purge.ready(vault)[1])
    monkeypatch.setattr(session, "today", lambda: day() + timedelta(days=366))
    run = kept("purge")
    assert (0, True) == (run.code, f"this is what was agreed to under {name}" in run.err), run.err
    assert [RECORD] == [one["id"] for one in kept("retention", "--json").json["due"]]
    assert 1 == kept("purge").code


def test_agreed_purge_waits_while_some_of_it_is_held(kept: Desk, second_person: str) -> None:
    """A hold on one of the list keeps the list; what is free beside it is asked for."""
    kept("two", "--act", "purge")
    with later(kept, 366) as vault, pytest.raises(SecondNeeded) as asked:
        purge.purge(vault, [OUT, RECORD])
    with later(kept, 366, second_person) as vault:
        second.approve(vault, str(asked.value.args[0]))
    with later(kept, 366) as vault:
        holds.hold(vault, [f"report:{OUT}"], "a lawsuit")
        going, agreed_to = purge.ready(vault)
        assert ([RECORD], None) == ([one.subject for one in going], agreed_to)
        with pytest.raises(Held):
            purge.purge(vault, [OUT, RECORD])


def test_agreement_lapses(kept: Desk, second_person: str) -> None:
    """After 14 days an agreement counts no more, and waits no more; it is asked for and given anew."""
    kept("two", "--act", "purge")
    name = _agreed(kept, second_person)
    with later(kept, 46) as vault:
        assert [] == second.requests(vault)
        with pytest.raises(SecondNeeded) as asked:
            purge.purge(vault, [OUT])
    with later(kept, 46, second_person) as vault:
        with pytest.raises(NoSuchRequest):
            second.approve(vault, name)
        second.approve(vault, str(asked.value.args[0]))
    with later(kept, 60) as vault:
        assert 1 == len(purge.purge(vault, [OUT]))


def _joined(desk: Desk, folder: Path, name: str, role: str, passphrase: str) -> int:
    secret = folder / role
    secret.write_text(passphrase + "\n")
    return desk("join", name, "--role", role, "--new-passphrase-file", str(secret)).code


@pytest.mark.parametrize("role", ["approver", "counsel", "custodian"])
def test_one_person_does_not_become_two(kept: Desk, second_person: str, tmp_path: Path, role: str) -> None:
    """With a rule of two people, nobody lets in or makes a second one alone, or takes a role; a coder joins freely."""
    kept("two", "--act", "purge")
    before = (kept.folder / "vault.json").read_bytes()
    assert 1 == _joined(kept, tmp_path, "Sock Example", role, "four gulls on the mast")
    assert before == (kept.folder / "vault.json").read_bytes()
    assert 0 == _joined(kept, tmp_path, "Di Example", "coder", "nine gulls on the mast")
    assert 1 == kept("roles", "Di Example", "--role", role).code
    own = [word for name in ("custodian", "coder", "counsel") for word in ("--role", name)]
    run = kept("roles", "Ana Example", *own)
    assert (2, True) == (run.code, "nobody gives themselves a role" in run.err)
    assert 0 == kept("roles", "Ana Example", "--role", "custodian", "--role", "coder").code
    with later(kept, 0, second_person) as vault:
        for request in second.requests(vault):
            second.approve(vault, request.id)
    assert 1 == _joined(kept, tmp_path, "Other Example", role, "four gulls on the mast")  # not who was agreed to
    assert 0 == _joined(kept, tmp_path, "Sock Example", role, "four gulls on the mast")
    assert 0 == kept("verify").code


def test_leaving_does_not_make_a_desk_of_one(kept: Desk, second_person: str, tmp_path: Path) -> None:
    """Who sends the others away is not alone by that."""
    kept("two", "--act", "purge")
    kept("leave", "Ben Example")
    assert 1 == _joined(kept, tmp_path, "Sock Example", "approver", "four gulls on the mast")


def test_first_approver_joins_after_the_rule(desk: Desk, tmp_path: Path) -> None:
    """Before anybody else could agree, the rule of two people keeps nobody out."""
    desk("two", "--act", "purge")
    assert 0 == _joined(desk, tmp_path, "Ben Example", "approver", "four gulls on the mast")
    assert 1 == _joined(desk, tmp_path, "Cy Example", "counsel", "nine gulls on the mast")


def test_guarded_acts_are_all_known() -> None:
    """The rule names acts that exist."""
    assert {"purge", "keys", "unmask", "people"} == {act.value for act in Guarded}
    assert replace(purge.schedule()[1][0]).after_days == 30
