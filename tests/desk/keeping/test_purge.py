# SPDX-License-Identifier: AGPL-3.0-or-later
"""Erased by the schedule and by two clocks, all or nothing; a tombstone stays."""

from datetime import date, timedelta

import pytest
from deskkit import PASSPHRASE, Desk, Office, day, letter, manifest_digest, typed
from keepkit import OPEN, OUT, RECORD, later
from sqlalchemy import insert, select, update

from desk import purge, receive, review, session, tables, undo
from desk.errors import Erased, NotDue
from desk.filing import Judged, file_envelope
from desk.junk import decide
from desk.vault import open_vault, read_header
from desk.verify import verify_vault
from desk.words import aside_words


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
    with later(kept, days) as vault:
        assert expected == {one.subject: one.rule.id for one in purge.due(vault)}


def test_what_was_worked_on_is_counted_from_the_last_work(kept: Desk) -> None:
    """A code of today makes nothing due that is two years old, and what ever had a code or a note waits for its end."""
    with later(kept, 800) as vault:
        review.tag(vault, [RECORD], ["OTH.OUT"])
        review.untag(vault, [RECORD], ["OTH.OUT"])
        review.tag(vault, [OPEN], ["OTH.OUT"])
        assert [OUT] == [one.subject for one in purge.due(vault)]
    with later(kept, 830) as vault:
        assert {OUT, OPEN} == {one.subject for one in purge.due(vault)}
        review.tag(vault, [OPEN], ["REV.OVER"])
        assert [OUT] == [one.subject for one in purge.due(vault)]
    with later(kept, 3000) as vault:
        assert {OUT: "out_of_scope", RECORD: "record_only"} == {one.subject: one.rule.id for one in purge.due(vault)}


def test_closed_is_counted_from_the_closing(kept: Desk) -> None:
    """What was closed today stays for two years more; undoing that and doing it again begins anew."""
    with later(kept, 800) as vault:
        review.set_status(vault, [OPEN], review.Status.REVIEWING)
        review.set_status(vault, [OPEN], review.Status.CLOSED, "the award came")
        assert OPEN not in {one.subject for one in purge.due(vault)}
    with later(kept, 900) as vault:
        undo.undo(vault)
        undo.redo(vault)
    with later(kept, 1629) as vault:
        assert OPEN not in {one.subject for one in purge.due(vault)}
    with later(kept, 1630) as vault:
        assert OPEN in {one.subject for one in purge.due(vault)}


def test_openings_and_views_are_no_work(kept: Desk) -> None:
    """Looking at a report keeps it no longer."""
    with later(kept, 360) as vault:
        review.see(vault, RECORD)
    with later(kept, 365) as vault:
        assert RECORD in {one.subject for one in purge.due(vault)}


def test_running_clock_keeps_a_report(kept: Desk) -> None:
    """What somebody may still file on is not due, whatever the schedule says; once its last day has passed it is."""
    assert 0 == kept("clock", OUT[:8], "ulp", "--day", str(day())).code
    with later(kept, 100) as vault:
        assert [] == purge.due(vault)
    with later(kept, 250) as vault:
        assert [OUT] == [one.subject for one in purge.due(vault)]


def test_closed_clock_keeps_nothing(kept: Desk) -> None:
    """A clock that is done, or was set by mistake, keeps no report."""
    kept("clock", OUT[:8], "ulp", "--day", str(day()))
    assert 0 == kept("clock", OUT[:8], "ulp", "--remove").code
    with later(kept, 100) as vault:
        assert [OUT] == [one.subject for one in purge.due(vault)]


def test_clock_that_was_behind_makes_nothing_due(desk: Desk, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk whose clock stood years behind when it filed counts from the portal's day of the bundle."""
    with monkeypatch.context() as patched:
        patched.setattr(session, "today", lambda: day() - timedelta(days=1100))
        patched.setattr(receive, "AHEAD", timedelta(days=2000))  # as earlier programs received it
        assert 0 == desk.receive(office.bundle([office.envelope(letter("for the record", id=RECORD))])).code
    assert [] == desk("retention", "--json").json["due"]
    with later(desk, 365) as vault:
        assert [RECORD] == [one.subject for one in purge.due(vault)]


@pytest.mark.parametrize("pulled", [date(2999, 1, 1), date.max], ids=str)
def test_day_to_come_in_a_vault_tells_nothing(kept: Desk, monkeypatch: pytest.MonkeyPatch, pulled: date) -> None:
    """A bundle of a far day that an earlier program took ends no retention, moves no clock and warns of none."""
    last = manifest_digest((kept.stick / "bundle").read_bytes())
    letters = [kept.office.envelope(letter("for the record", id="0a" * 16))]
    with monkeypatch.context() as patched:
        patched.setattr(receive, "AHEAD", timedelta.max)
        assert 0 == kept.receive(kept.office.bundle(letters, 2, last, pulled=pulled)).code
    for verb in (("list",), ("retention",), ("purge", "--dry-run"), ("clocks",), ("verify",)):
        run = kept(*verb)
        assert (0, False) == (run.code, "WARNING" in run.err), run.err
    assert [] == kept("retention", "--json").json["due"]
    with later(kept, 365) as vault:
        assert {RECORD, OUT, "0a" * 16} == {one.subject for one in purge.due(vault)}


def test_clock_that_is_behind_is_said(kept: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is done while the clock stands before what the vault knows, the desk says so first; else not."""
    assert "WARNING" not in kept("list").err
    monkeypatch.setattr(session, "today", lambda: day() - timedelta(days=1))
    for arguments in (("list",), ("tag", OUT[:8], "REV.OVER"), ("verify",)):
        run = kept(*arguments)
        assert (0, f"desk: WARNING: this machine's clock says {day() - timedelta(days=1)}, and the vault ") == (
            run.code,
            run.err.split("has something")[0],
        )
    monkeypatch.setattr(session, "today", lambda: day() + timedelta(days=1))
    assert "WARNING" not in kept("list").err


def test_rule_that_nothing_follows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule with a name mistyped erases nothing, and says so."""
    monkeypatch.setattr(purge, "FOLLOWED", {**purge.FOLLOWED, "unused": "envelope"})
    with pytest.raises(ValueError, match="unused"):
        purge.schedule()


def test_junk_that_somebody_keeps_is_not_due(kept: Desk) -> None:
    """Of two decisions on one envelope the one that keeps it counts; the days are of the later one."""
    (name,) = [aside["envelope"] for aside in kept("set-aside", "--json").json]
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day() - timedelta(days=31)) as vault:
        decide(vault, [name], junk=True)
        with vault.writing() as writer:
            other = {"envelope": name, "reviewer": "f" * 64, "junk": 0, "day": str(day() - timedelta(days=31))}
            writer.connection.execute(insert(tables.junk), other)
    with later(kept, 31) as vault:
        assert [OUT] == [one.subject for one in purge.due(vault)]
        with vault.writing() as writer:
            writer.connection.execute(update(tables.junk).where(tables.junk.c.junk == 0), {"junk": 1})
        assert sorted([OUT, name]) == [one.subject for one in purge.due(vault)]


def test_one_wrong_clock_erases_nothing(kept: Desk) -> None:
    """A machine set years ahead finds nothing due that the portal's bundles do not confirm."""
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day() + timedelta(days=4000)) as vault:
        assert [OUT] == [one.subject for one in purge.due(vault)]  # a month for the courier, and no more


def test_purge_erases_and_leaves_a_tombstone(kept: Desk) -> None:
    """Letter, masked words, notes and answers go; the log holds together, and says what went, why and when."""
    with later(kept, 31) as vault:
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


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", OUT[:8]),
        ("tag", OUT[:8], "REV.OVER"),
        ("untag", OUT[:8], "OTH.OUT"),
        ("tag", OPEN[:8], OUT[:8], "REV.OVER"),
        ("assign", OUT[:8], "--nobody"),
        ("link", OPEN[:8], OUT[:8], "--same-event"),
        ("status", OUT[:8], "done"),
        ("note", OUT[:8]),
        ("mask", OUT[:8]),
        ("quarantine", OUT[:8]),
        ("clock", OUT[:8], "ulp", "--day", "2026-01-05"),
        ("hold", "--report", OUT[:8]),
    ],
    ids=lambda arguments: " ".join(arguments[:3]),
)
def test_report_that_is_gone_is_so_for_every_verb(kept: Desk, arguments: tuple[str, ...]) -> None:
    """Where the answers went too, nothing is done about the report, by whatever verb; nothing typed is taken."""
    with later(kept, 31) as vault:
        purge.purge(vault, [OUT])
    before = kept("verify").out
    run = kept(*arguments, typed="a long text\n")
    assert (3, True, "a long text\n") == (run.code, "erased by the schedule" in run.err, run.left)
    assert (0, before) == (kept("verify").code, kept("verify").out)


def test_nothing_is_written_of_what_was_erased(kept: Desk) -> None:
    """Once a report's words are gone no new ones come to it, and what is typed is not taken; facts are worked on."""
    with later(kept, 800) as vault:
        purge.purge(vault, [one.subject for one in purge.due(vault)])
        gone = [(stone["subject"], stone["what"]) for stone in purge.tombstones(vault)]
    assert {(OUT, "all"), (RECORD, "all"), (OPEN, "words")} == set(gone)
    for subject, _ in gone:
        for verb in ("note", "summarize", "quarantine"):
            run = kept(verb, subject[:8], typed="a long text\n")
            assert (3, True, "a long text\n") == (run.code, "erased by the schedule" in run.err, run.left)
    assert 0 == kept("status", OPEN[:8], "closed", typed="why\n").code
    assert [0, 0] == [kept("tag", OPEN[:8], "REV.OVER").code, kept("assign", OPEN[:8], "Ana Example").code]
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day()) as vault:
        assert [] == verify_vault(vault).faults
        with vault.reading() as connection:
            assert [] == [reason for reason in connection.execute(select(tables.statuses.c.reason)).scalars() if reason]


def test_purged_junk_is_not_kept_anew(kept: Desk) -> None:
    """An erased envelope that comes again, and now opens to something that is refused, leaves nothing."""
    (name,) = [aside["envelope"] for aside in kept("set-aside", "--json").json]
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day() - timedelta(days=31)) as vault:
        decide(vault, [name], junk=True)
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day()) as vault:
        purge.purge(vault, [name])
        with vault.writing() as writer:
            file_envelope(writer, name, b"as it came", Judged("letter-json", sealed=b"what it held"))
        assert [] == verify_vault(vault).faults
        with vault.reading() as connection:
            assert [] == connection.execute(select(tables.kept.c.envelope)).scalars().all()


def test_purged_junk_is_set_aside_no_more(kept: Desk) -> None:
    """What was decided to be junk goes after its days; nothing counts, lists or tries again what is gone."""
    (name,) = [aside["envelope"] for aside in kept("set-aside", "--json").json]
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day() - timedelta(days=31)) as vault:
        assert 1 == decide(vault, [name], junk=True)
    with open_vault(kept.folder, read_header(kept.folder), typed(PASSPHRASE), day()) as vault:
        assert [name] == [one.subject for one in purge.purge(vault, [name])]
        assert [] == verify_vault(vault).faults
        with pytest.raises(Erased):
            aside_words(vault, name, (), "custodian.age")
    assert (0, False) == (kept("retry").code, "1 set aside" in kept("retry").err)
    assert ([], []) == (kept.asides(), kept("junk", "--json").json)
    assert 0 == kept("status", "--json").json["set_aside"]
    for arguments in (("set-aside", name, "--words"), ("set-aside", name[:6]), ("junk", name[:8], "--keep")):
        run = kept(*arguments)
        assert (3, True) == (run.code, "erased by the schedule" in run.err)
    assert 0 == kept("verify").code


def test_unused_words_go_and_facts_stay(kept: Desk) -> None:
    """Two years after the closing the words go; answers and codes stay, and the raw words are said to be erased."""
    kept("tag", "0202", "REV.OVER")
    kept("status", "0202", "closed", typed="the award came")
    with later(kept, 730) as vault:
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
    with later(kept, 31) as vault:
        with pytest.raises(NotDue):
            purge.purge(vault, [OUT, RECORD])
        assert [OUT] == [one.subject for one in purge.due(vault)]


def test_purged_letter_put_back_is_named(kept: Desk) -> None:
    """What was erased and is there again is a fault, as is what is missing without a purge."""
    with later(kept, 31) as vault:
        with vault.reading() as connection:
            row = connection.exec_driver_sql("SELECT sealed FROM letters WHERE report = ?", (OUT,)).scalar_one()
        purge.purge(vault, [OUT])
        with vault.writing() as writer:
            writer.connection.exec_driver_sql("INSERT INTO letters VALUES (?, ?)", (OUT, row))
        assert ["was purged, and is still there"] == [fault[-30:] for fault in verify_vault(vault).faults]
