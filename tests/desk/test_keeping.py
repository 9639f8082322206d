# SPDX-License-Identifier: AGPL-3.0-or-later
"""Kept and erased: by the schedule, never under a hold, with two people where the desk says so; a tombstone stays."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from deskkit import PASSPHRASE, Desk, Office, day, letter, letter_value, manifest_digest, typed

from desk import holds, purge, review, second, session, undo
from desk.errors import Held, NotDue, RoleMissing
from desk.junk import decide
from desk.keeping_errors import OwnRequest, SecondNeeded
from desk.roles import Role, people, written
from desk.second import Guarded
from desk.vault import Vault, open_vault, read_header
from desk.verify import verify_vault

RECORD, OPEN, OUT = "01" * 16, "02" * 16, "03" * 16


@contextmanager
def _later(desk: Desk, days: int, passphrase: str = PASSPHRASE) -> Iterator[Vault]:
    """Yield the vault so many days later, after a bundle that the portal made on that day."""
    last = (desk.stick / "bundle").read_bytes()
    pull = json.loads(last[: last.index(b"\n")])["pull"] + 1
    after = desk.office.bundle([], pull, manifest_digest(last), pulled=day() + timedelta(days=days))
    assert 0 == desk.receive(after).code
    with open_vault(desk.folder, read_header(desk.folder), typed(passphrase), day() + timedelta(days=days)) as vault:
        yield vault


@pytest.fixture
def kept(desk: Desk, office: Office) -> Desk:
    """A desk with a report for the record only, one with more consent, one out of scope, and one junk envelope."""
    more = letter_value()["consent"] | {"counsel": True}
    letters = [
        letter("for the record", id=RECORD),
        letter("more than that", id=OPEN, consent=more),
        letter("buy my lamps", id=OUT, consent=more),
    ]
    desk.receive(office.bundle([*(office.envelope(each) for each in letters), bytes(21_157)]))
    desk("tag", "0303", "OTH.OUT")
    desk("note", "0303", typed="an advertisement")
    return desk


@pytest.fixture
def second_person(kept: Desk, tmp_path: Path) -> str:
    """The passphrase of an approver who has joined."""
    secret = tmp_path / "approver"
    secret.write_text("nine bells at the harbour\n")
    assert 0 == kept("join", "Ben Example", "--role", "approver", "--new-passphrase-file", str(secret)).code
    return "nine bells at the harbour"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (29, {}),
        (30, {OUT: "out_of_scope"}),
        (364, {OUT: "out_of_scope"}),
        (365, {OUT: "out_of_scope", RECORD: "record_only"}),
        (730, {OUT: "out_of_scope", RECORD: "record_only", OPEN: "unused"}),
    ],
    ids=["29 days", "30 days", "364 days", "a year", "two years"],
)
def test_schedule(kept: Desk, days: int, expected: dict[str, str]) -> None:
    """A report is due on the day its rule says, not a day before."""
    with _later(kept, days) as vault:
        assert expected == {one.subject: one.rule.id for one in purge.due(vault)}


def test_what_was_worked_on_is_counted_from_the_last_work(kept: Desk) -> None:
    """A code of today makes nothing due that is two years old, and what ever had a code or a note waits for its end."""
    with _later(kept, 800) as vault:
        review.tag(vault, [RECORD], ["OTH.OUT"])
        review.untag(vault, [RECORD], ["OTH.OUT"])
        review.tag(vault, [OPEN], ["OTH.OUT"])
        assert [OUT] == [one.subject for one in purge.due(vault)]
    with _later(kept, 830) as vault:
        assert {OUT, OPEN} == {one.subject for one in purge.due(vault)}
        review.tag(vault, [OPEN], ["REV.OVER"])
        assert [OUT] == [one.subject for one in purge.due(vault)]
    with _later(kept, 3000) as vault:
        assert {OUT: "out_of_scope", RECORD: "record_only"} == {one.subject: one.rule.id for one in purge.due(vault)}


def test_closed_is_counted_from_the_closing(kept: Desk) -> None:
    """What was closed today stays for two years more; undoing that and doing it again begins anew."""
    with _later(kept, 800) as vault:
        review.set_status(vault, [OPEN], review.Status.REVIEWING)
        review.set_status(vault, [OPEN], review.Status.CLOSED, "the award came")
        assert OPEN not in {one.subject for one in purge.due(vault)}
    with _later(kept, 900) as vault:
        undo.undo(vault)
        undo.redo(vault)
    with _later(kept, 1629) as vault:
        assert OPEN not in {one.subject for one in purge.due(vault)}
    with _later(kept, 1630) as vault:
        assert OPEN in {one.subject for one in purge.due(vault)}


def test_openings_and_views_are_no_work(kept: Desk) -> None:
    """Looking at a report keeps it no longer."""
    with _later(kept, 360) as vault:
        review.see(vault, RECORD)
    with _later(kept, 365) as vault:
        assert RECORD in {one.subject for one in purge.due(vault)}


def test_clock_that_was_behind_makes_nothing_due(desk: Desk, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk whose clock stood years behind when it filed counts from the portal's day of the bundle."""
    with monkeypatch.context() as patched:
        patched.setattr(session, "today", lambda: day() - timedelta(days=1100))
        assert 0 == desk.receive(office.bundle([office.envelope(letter("for the record", id=RECORD))])).code
    assert [] == desk("retention", "--json").json["due"]
    with _later(desk, 365) as vault:
        assert [RECORD] == [one.subject for one in purge.due(vault)]


def test_one_wrong_clock_erases_nothing(kept: Desk) -> None:
    """A machine set years ahead finds nothing due that the portal's bundles do not confirm."""
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day() + timedelta(days=4000)) as vault:
        assert [OUT] == [one.subject for one in purge.due(vault)]  # a month for the courier, and no more


def test_purge_erases_and_leaves_a_tombstone(kept: Desk) -> None:
    """Letter, masked words, notes and answers go; the log holds together, and says what went, why and when."""
    with _later(kept, 31) as vault:
        assert [OUT] == [one.subject for one in purge.purge(vault, [OUT])]
        with vault.reading() as connection:
            names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
            dump = repr([connection.exec_driver_sql(f"SELECT * FROM {name}").fetchall() for name in names])
        assert [] == [word for word in ("lamps", "advertisement") if word in dump]
        assert [] == verify_vault(vault).faults
        (stone,) = purge.tombstones(vault)
    assert (OUT, "all", "out_of_scope") == (stone["subject"], stone["what"], stone["rule"])
    assert [RECORD, OPEN] == kept.ids()
    assert 3 == kept("show", "0303").code


def test_purged_junk_is_not_tried_again(kept: Desk) -> None:
    """What was decided to be junk goes after its days; retry passes over what is gone."""
    (name,) = [aside["envelope"] for aside in kept("set-aside", "--json").json]
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day() - timedelta(days=31)) as vault:
        assert 1 == decide(vault, [name], junk=True)
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day()) as vault:
        assert [name] == [one.subject for one in purge.purge(vault, [name])]
        assert [] == verify_vault(vault).faults
    assert 0 == kept("retry").code
    assert 0 == kept("verify").code


def test_unused_words_go_and_facts_stay(kept: Desk) -> None:
    """Two years after the closing the words go; answers and codes stay, and the raw words are said to be erased."""
    kept("tag", "0202", "REV.OVER")
    kept("status", "0202", "closed", typed="the award came")
    with _later(kept, 730) as vault:
        purge.purge(vault, [OPEN])
        assert [] == verify_vault(vault).faults
        assert OPEN not in {one.subject for one in purge.due(vault)}
    shown = kept("show", "0202")
    assert "words: erased by the schedule" in shown.out.split("\n")
    assert "  region: west" in shown.out.split("\n")
    run = kept("show", "0202", "--words")
    assert (3, True) == (run.code, "erased by the schedule" in run.err)


def test_purge_of_what_is_not_due_erases_nothing(kept: Desk) -> None:
    """All or nothing: one that is not due keeps the others."""
    with _later(kept, 31) as vault:
        with pytest.raises(NotDue):
            purge.purge(vault, [OUT, RECORD])
        assert [OUT] == [one.subject for one in purge.due(vault)]


@pytest.mark.parametrize("scope", [[], ["kind:REV"], [f"report:{OUT}"], ["region:west", "kind:REV"]], ids=str)
def test_hold_wins(kept: Desk, scope: list[str]) -> None:
    """While a hold covers it, what is due stays, and no key is destroyed; counsel ends it, and it may go."""
    with _later(kept, 31) as vault:
        one = holds.hold(vault, scope, "a lawsuit is expected")
        with pytest.raises(Held):
            purge.purge(vault, [OUT])
        with pytest.raises(Held):
            holds.refuse_while_any(vault)
        with pytest.raises(RoleMissing):
            holds.release(vault, one.id, "over", ())
    assert 1 == kept("destroy-weeks").code
    assert 1 == kept("received-until", "--out", str(kept.stick / "received.txt")).code
    assert 0 == kept("roles", "Ana Example", "--role", "custodian", "--role", "counsel").code
    for key in ((), ("--identity", str(kept.office.secret / "custodian.age"))):
        run = kept("hold", "--release", one.id, *key, typed="over")
        assert (2, True) == (run.code, "counsel's own key" in run.err)  # the role alone
    counsel = ("--identity", str(kept.office.secret / "counsel.age"))
    assert 0 == kept("hold", "--release", one.id, *counsel, typed="over").code
    with _later(kept, 31) as vault:
        assert 1 == len(purge.purge(vault, [OUT]))
        assert [] == verify_vault(vault).faults


def test_hold_elsewhere_keeps_nothing_here(kept: Desk) -> None:
    """A hold on other reports does not stop the schedule."""
    with _later(kept, 31) as vault:
        holds.hold(vault, ["region:east"], "a lawsuit in the east")
        assert 1 == len(purge.purge(vault, [OUT]))


@pytest.mark.parametrize(
    "term",
    [
        *("nonsense", "kind:", "colour:blue", "report", "kind:rev", "kind:REV.OVER", "month:March", "month:2031-13"),
        *("region:Wset", "program:nothing", "flag:nonsense", "code:OTH.OUT", "status:closed", "custody:passed"),
        *("assigned:", "report:ffff"),
    ],
)
def test_mistyped_scope_is_refused(kept: Desk, term: str) -> None:
    """A hold that would cover nothing by a slip, or could cover less tomorrow, is not begun."""
    run = kept("hold", "--term", term, typed="a reason\n")
    assert (True, []) == (run.code in (2, 3), kept("hold", "--json").json)


@pytest.mark.parametrize(
    ("term", "scope", "many"),
    [
        ("report:0303", f"report:{OUT}", 1),
        ("flag:a_number", "flag:a_number", 0),
        ("month:2019-01", "month:2019-01", 0),
        ("region:no_answer", "region:no_answer", 0),
        ("region:west", "region:west", 3),
    ],
)
def test_scope_is_said_with_what_it_covers(kept: Desk, term: str, scope: str, many: int) -> None:
    """The beginning of an id becomes the whole; that nothing is covered today is said loudly."""
    run = kept("hold", "--term", term, typed="a reason\n")
    assert (0, [scope]) == (run.code, [one["scope"] for one in kept("hold", "--json").json])
    assert f"{'' if many else 'LOOK AGAIN: '}it covers {many} reports today" in run.err


def test_hold_needs_a_reason(kept: Desk) -> None:
    """Without a reason there is no hold."""
    assert 2 == kept("hold", "--all", typed="\n").code
    assert 0 == kept("hold", "--all", typed="a lawsuit\n").code
    assert ["everything"] == [one["scope"] for one in kept("hold", "--json").json]


def test_certificate_names_what_is_held(kept: Desk, tmp_path: Path) -> None:
    """Counsel takes away the holds, the digests of what they cover, the heads of the log, and no words."""
    kept("hold", "--report", "0303", typed="a lawsuit\n")
    assert 0 == kept("hold", "--certificate", str(tmp_path / "certificate.txt")).code
    text = (tmp_path / "certificate.txt").read_text()
    assert f"report {OUT} letter " in text
    assert (False, False) == ("lamps" in text, OPEN in text)
    assert "BEGIN SSH SIGNATURE" in text


def test_exported_log_is_checked_by_stock_tools(kept: Desk, tmp_path: Path) -> None:
    """ssh-keygen verifies an exported event, and refuses it when a letter of it is changed."""
    assert 0 == kept("export-log", str(tmp_path / "log.jsonl")).code
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    (person, *events) = lines
    assert len(events) >= 10
    (tmp_path / "signers").write_text(f"ana {person['key']}\n")
    (tmp_path / "sig").write_text(events[-1]["signature"])
    for body, code in ((events[-1]["event"], 0), (events[-1]["event"].replace("0303", "0304"), 255)):
        call = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "signers", "-I", "ana"]
        run = subprocess.run(
            [*call, "-n", "event@underseal", "-s", tmp_path / "sig"],
            input=body.encode(),
            capture_output=True,
            check=False,
        )
        assert code == run.returncode, run.stderr


def test_two_people_purge(kept: Desk, second_person: str) -> None:
    """Alone it is asked for and refused; the one who asked cannot agree; another can, once, for exactly that."""
    kept("two", "--act", "purge")
    with _later(kept, 400) as vault:
        with pytest.raises(SecondNeeded) as asked:
            purge.purge(vault, [OUT])
        name = str(asked.value.args[0])
        with pytest.raises(SecondNeeded):
            purge.purge(vault, [OUT])
        assert [name] == [request.id for request in second.requests(vault)]
        with pytest.raises(OwnRequest):
            second.approve(vault, name)
    with _later(kept, 400, second_person) as vault:
        second.approve(vault, name)
    with _later(kept, 400) as vault:
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
    with _later(kept, 0, second_person) as vault:
        (request,) = second.requests(vault)
        second.approve(vault, request.id)
    assert 0 == kept("two", "--none").code
    assert "nothing needs two people" in kept("two").out


def test_agreement_without_the_role_counts_for_nothing(kept: Desk, second_person: str, tmp_path: Path) -> None:
    """Who lost the approver's role since has not agreed."""
    _joined(kept, tmp_path, "Cy Example", "approver", "four gulls on the mast")
    kept("two", "--act", "purge")
    with _later(kept, 31) as vault, pytest.raises(SecondNeeded) as asked:
        purge.purge(vault, [OUT])
    name = str(asked.value.args[0])
    with _later(kept, 31, second_person) as vault:
        second.approve(vault, name)
    kept("roles", "Ben Example", "--role", "coder")
    with _later(kept, 31) as vault:
        assert written((Role.CODER,)) == " ".join(next(p for p in people(vault) if p.name == "Ben Example").roles)
        assert ["asked"] == [request.state for request in second.requests(vault)]
        with pytest.raises(SecondNeeded):
            purge.purge(vault, [OUT])
    with _later(kept, 31, "four gulls on the mast") as vault:
        second.approve(vault, name)  # another takes it up
    with _later(kept, 31) as vault:
        assert 1 == len(purge.purge(vault, [OUT]))


def test_agreement_lapses(kept: Desk, second_person: str) -> None:
    """After 14 days an agreement counts no more; it can be given again."""
    kept("two", "--act", "purge")
    with _later(kept, 31) as vault, pytest.raises(SecondNeeded) as asked:
        purge.purge(vault, [OUT])
    name = str(asked.value.args[0])
    with _later(kept, 31, second_person) as vault:
        second.approve(vault, name)
    with _later(kept, 46) as vault, pytest.raises(SecondNeeded):
        purge.purge(vault, [OUT])
    with _later(kept, 46, second_person) as vault:
        second.approve(vault, name)
    with _later(kept, 60) as vault:
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
    with _later(kept, 0, second_person) as vault:
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


def test_purged_letter_put_back_is_named(kept: Desk) -> None:
    """What was erased and is there again is a fault, as is what is missing without a purge."""
    with _later(kept, 31) as vault:
        with vault.reading() as connection:
            row = connection.exec_driver_sql("SELECT sealed FROM letters WHERE report = ?", (OUT,)).scalar_one()
        purge.purge(vault, [OUT])
        with vault.writing() as writer:
            writer.connection.exec_driver_sql("INSERT INTO letters VALUES (?, ?)", (OUT, row))
        assert ["was purged, and is still there"] == [fault[-30:] for fault in verify_vault(vault).faults]


def test_guarded_acts_are_all_known() -> None:
    """The rule names acts that exist."""
    assert {"purge", "keys", "unmask", "people"} == {act.value for act in Guarded}
    assert replace(purge.schedule()[1][0]).after_days == 30
