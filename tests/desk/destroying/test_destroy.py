# SPDX-License-Identifier: AGPL-3.0-or-later
"""A week's keys destroyed: when they may go, what is left, what is recorded, and what opens afterwards."""

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from deskkit import (
    PASSPHRASE,
    Desk,
    Office,
    day,
    killed_after,
    letter,
    make_office,
    manifest_digest,
    typed,
)
from destroykit import AGO, ENDED, FAULT, FIRST, batch, holder, vault_texts
from terminal import in_terminal

from crypto.secret.secretfile import open_secret, seal_secret
from desk import second
from desk.destruction import Going, destroy, going
from desk.errors import NotDestroyed, ReasonNeeded
from desk.events import Kind
from desk.keymaking import Sealer
from desk.received import letters_before, may_go_until
from desk.secretfiles import HolderFile
from desk.vault import open_vault, read_header
from intake.limits import BUNDLE_MAX_ENVELOPES


def test_ended_weeks_go(desk: Desk, office: Office, letters: Callable[[int], bytes]) -> None:
    """The file keeps the weeks that are not over, under the same passphrase; the record stands in three places."""
    path, before = holder(office), batch(holder(office))
    desk.receive(office.bundle([letters(0), letters(AGO)]))
    with path.open("rb") as old:
        run = desk("destroy-weeks")
        overwritten = old.read()
    assert 0 == run.code, run.err
    assert [first for first in before if first not in ENDED] == list(batch(path))
    assert all(identity.text == before[first].text for first, identity in batch(path).items())
    assert (0o600, b"age-encryption.org") != (path.stat().st_mode & 0o777, overwritten[:18])
    record = path.with_name(f"holder-custodian-destroyed-{ENDED[-1] + timedelta(days=6)}.txt").read_text()
    assert [record] == vault_texts(desk)
    assert run.out.endswith(record)
    assert [True] * 4 == [word in record for word in ("Ana Example", "Local 1", f"{day()}", f"{ENDED[0]} to ")]
    assert len(ENDED) == record.count("\nweek ")
    assert 0 == desk("verify").code


@pytest.mark.parametrize("point", range(3))
def test_killed_while_destroying(desk: Desk, office: Office, letters: Callable[[int], bytes], point: int) -> None:
    """Killed at any moment, a week's keys are there, or gone with their record in the log; again, and it is done."""
    desk.receive(office.bundle([letters(0), letters(AGO)]))
    path, before = holder(office), batch(holder(office))
    left = [first for first in before if first not in ENDED]
    started = time.monotonic()
    desk("destroy-weeks", "--dry-run")
    killed_after((time.monotonic() - started) * 1.6 * random.uniform(point / 3, (point + 1) / 3), desk, "destroy-weeks")
    assert list(batch(path)) in (list(before), left)
    assert list(batch(path)) == list(before) or vault_texts(desk)
    assert 0 == desk("verify").code
    assert 0 == desk("destroy-weeks").code
    assert (left, True) == (list(batch(path)), bool(vault_texts(desk)))
    assert 0 == desk("verify").code


def test_letter_of_a_destroyed_week(desk: Desk, office: Office, letters: Callable[[int], bytes]) -> None:
    """It is set aside with the one sentence; a letter of this week is opened, and what was filed stays readable."""
    first = office.bundle([letters(0)])
    desk.receive(first)
    desk("destroy-weeks")
    run = desk.receive(office.bundle([letters(0), letters(AGO)], 2, manifest_digest(first)))
    assert "desk: 1 opened, 0 already here, 1 set aside" in run.err.split("\n")
    assert FAULT in desk("set-aside").out
    assert [0, 0] == [desk("show", name, "--words").code for name in desk.ids()]


def test_dry_run_changes_nothing(desk: Desk, office: Office, letters: Callable[[int], bytes]) -> None:
    """It shows what would go, week by week, and touches no file."""
    desk.receive(office.bundle([letters(0)]))
    before, listed = holder(office).read_bytes(), sorted(office.secret.iterdir())
    run = desk("destroy-weeks", "--dry-run")
    assert (0, len(ENDED)) == (run.code, run.out.count("holder-custodian.age"))
    assert "begin a hold" in run.err
    assert (before, listed, []) == (holder(office).read_bytes(), sorted(office.secret.iterdir()), vault_texts(desk))


def test_twice_is_once(desk: Desk, office: Office, letters: Callable[[int], bytes]) -> None:
    """A second run finds nothing to destroy."""
    desk.receive(office.bundle([letters(0)]))
    desk("destroy-weeks")
    before = holder(office).read_bytes()
    run = desk("destroy-weeks")
    assert (0, True) == (run.code, "desk: nothing to destroy" in run.err)
    assert (before, 1) == (holder(office).read_bytes(), len(vault_texts(desk)))


def test_nothing_received_nothing_goes(desk: Desk, office: Office) -> None:
    """Before any bundle, whatever the calendar says."""
    before = holder(office).read_bytes()
    run = desk("destroy-weeks")
    assert (1, "") == (run.code, run.out)
    assert "desk: no week's keys may be destroyed yet: no bundle was received" in run.err
    assert before == holder(office).read_bytes()


@pytest.mark.parametrize(("days", "gone"), [(7, 0), (8, 1), (14, 1), (15, 2)])
def test_bundle_must_be_of_after(
    desk: Desk, office: Office, letters: Callable[[int], bytes], days: int, gone: int
) -> None:
    """A week goes only when a bundle was pulled after its last letters were due, however old the week is."""
    sunday = FIRST + timedelta(days=6)
    desk.receive(office.bundle([letters(0)], pulled=sunday + timedelta(days=days)))
    assert 0 == desk("destroy-weeks").code
    assert 13 - gone == len(batch(holder(office)))


TODAY = date(2031, 6, 2)


@pytest.mark.parametrize(
    ("before", "collect_days", "until"),
    [
        (TODAY, 7, TODAY - timedelta(days=15)),
        (TODAY - timedelta(days=7), 7, TODAY - timedelta(days=15)),
        (TODAY - timedelta(days=8), 7, TODAY - timedelta(days=16)),
        (TODAY, 1, TODAY - timedelta(days=15)),
        (TODAY - timedelta(days=2), 1, TODAY - timedelta(days=16)),
        (TODAY - timedelta(days=13), 14, TODAY - timedelta(days=15)),
        (TODAY - timedelta(days=14), 90, TODAY - timedelta(days=16)),
        (TODAY + timedelta(days=30), 7, TODAY - timedelta(days=15)),
    ],
)
def test_rule_at_its_edges(before: date, collect_days: int, until: date) -> None:
    """14 whole days, and the last letters of a kit received; where couriers come rarely, a day of grace at least."""
    assert until == may_go_until(before, collect_days, TODAY)


def test_one_wrong_clock_moves_nothing(desk: Desk, office: Office) -> None:
    """A bundle counts by the earlier of the portal's day and the desk's; a full one does not count at all."""
    with open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault:
        found = [letters_before(vault)]
        for pull, pulled, envelopes in ((1, -3, 1), (2, 400, 1), (3, 0, BUNDLE_MAX_ENVELOPES)):
            with vault.writing() as writer:
                fields = {"manifest": str(pull), "portal": "p", "pull": pull, "missing_from": None}
                pulled_day = str(day() + timedelta(days=pulled))
                writer.record(Kind.RECEIVED, **fields, pulled=pulled_day, envelopes=envelopes)  # type: ignore[arg-type]
            found.append(letters_before(vault))
    assert [None, day() - timedelta(days=3), day(), day()] == found


def test_full_bundle_alone_does_not_count(desk: Desk) -> None:
    """Where the only bundle was full, more of the same days may still wait at the portal."""
    with open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault:
        with vault.writing() as writer:
            facts = {"manifest": "m", "portal": "p", "pulled": str(day())}
            writer.record(Kind.RECEIVED, **facts, pull=1, missing_from=None, envelopes=BUNDLE_MAX_ENVELOPES)
        assert letters_before(vault) is None


def test_set_aside_is_tried_before(desk: Desk, office: Office, letters: Callable[[int], bytes], tmp_path: Path) -> None:
    """A letter that was received with a wrong file is opened with the right one before its key goes."""
    other = holder(make_office(tmp_path / "other"))
    bundle = tmp_path / "bundle"
    bundle.write_bytes(office.bundle([letters(0)]))
    desk("receive", str(bundle), "--holder", str(other), "--all-junk")
    assert ([], ["no-match"]) == (desk.ids(), desk.asides())
    run = desk("destroy-weeks")
    assert "desk: what was set aside was tried once more: 1 opened, 0 already here, 0 set aside" in run.err
    assert (1, [], 13 - len(ENDED)) == (len(desk.ids()), desk.asides(), len(batch(holder(office))))


def test_last_weeks_take_the_file_along(tmp_path: Path) -> None:
    """When no week is left, the file is gone, and the desk no longer asks for it."""
    office = make_office(tmp_path / "office", weeks_ago=20)
    desk = Desk(office, tmp_path / "desk", tmp_path / "stick")
    desk.stick.mkdir()
    desk.init()
    first = office.bundle([office.envelope(letter())])
    desk.receive(first)
    run = desk("destroy-weeks")
    assert (0, False) == (run.code, holder(office).exists()), run.err
    assert "left       nothing: the file is gone" in run.out
    late = desk.receive(office.bundle([office.envelope(letter())], 2, manifest_digest(first)))
    assert (4, ["no-match"]) == (late.code, desk.asides())
    assert 0 == desk("verify").code


def test_file_without_weeks_is_left(desk: Desk, office: Office, letters: Callable[[int], bytes]) -> None:
    """Identities that no line gives a week are not guessed at."""
    desk.receive(office.bundle([letters(0)]))
    text = open_secret(holder(office).read_bytes(), PASSPHRASE).decode()
    bare = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# week"))
    edited = seal_secret(bare.encode(), PASSPHRASE, work_factor=10)
    holder(office).write_bytes(edited)
    run = desk("destroy-weeks")
    assert (4, edited) == (run.code, holder(office).read_bytes())
    assert "does not say which week each of its keys is of" in run.err


@pytest.mark.parametrize("right", [True, False])
def test_day_is_typed(desk: Desk, office: Office, letters: Callable[[int], bytes], right: bool) -> None:
    """At a terminal somebody types the last day; another answer destroys nothing."""
    desk.receive(office.bundle([letters(0)]))
    until = str(ENDED[-1] + timedelta(days=6)) if right else "yes"
    code, printed = in_terminal(["desk", "destroy-weeks", "--dir", str(desk.folder)], [PASSPHRASE, PASSPHRASE, until])
    assert (0 if right else 1, 13 - len(ENDED) if right else 13) == (code, len(batch(holder(office)))), printed


def test_two_people_destroy(desk: Desk, office: Office, letters: Callable[[int], bytes], tmp_path: Path) -> None:
    """Both ways need the second person, each for itself; an answer that is not the day uses no agreement up."""
    desk.receive(office.bundle([letters(0)]))
    secret = tmp_path / "approver"
    secret.write_text("nine bells at the harbour\n")
    assert 0 == desk("join", "Ben Example", "--role", "approver", "--new-passphrase-file", str(secret)).code
    desk("two", "--act", "keys")
    out = ["--out", str(desk.stick / "received.txt")]
    assert [1, 1] == [desk("received-until", *out).code, desk("destroy-weeks").code]
    assert [] == list(desk.stick.glob("received.txt*"))
    with open_vault(desk.folder, read_header(desk.folder), typed("nine bells at the harbour"), day()) as vault:
        for request in second.requests(vault):
            second.approve(vault, request.id)
    taken = desk.stick / "taken.txt"
    taken.write_text("another's")
    assert 1 == desk("received-until", "--out", str(taken)).code  # nothing was signed, and nothing is used up
    assert [0, 1] == [desk("received-until", *out).code, desk("received-until", *out).code]
    until = str(ENDED[-1] + timedelta(days=6))
    for answer, code in (("yes", 1), (until, 0)):
        ended, printed = in_terminal(
            ["desk", "destroy-weeks", "--dir", str(desk.folder)], [PASSPHRASE, PASSPHRASE, answer]
        )
        assert code == ended, printed
    assert 13 - len(ENDED) == len(batch(holder(office)))


def test_link_is_refused(desk: Desk, office: Office, letters: Callable[[int], bytes]) -> None:
    """A link in the file's place is refused before anything is recorded: what it leads to would keep every key."""
    desk.receive(office.bundle([letters(0)]))
    path, real = holder(office), office.secret / "real.age"
    before = path.read_bytes()
    path.rename(real)
    path.symlink_to(real)
    run = desk("destroy-weeks")
    assert (7, before, []) == (run.code, real.read_bytes(), vault_texts(desk))


@pytest.fixture
def plan(office: Office) -> Going:
    """What goes of the custodian's file."""
    made = going(HolderFile(holder(office), batch(holder(office)), Sealer(PASSPHRASE, True)), day())
    assert made is not None
    return made


def test_unrecorded_nothing_goes(office: Office, plan: Going) -> None:
    """Where the log does not take the record, the keys stay."""

    def fail(_: str) -> None:
        raise ReasonNeeded

    before = holder(office).read_bytes()
    with pytest.raises(ReasonNeeded):
        destroy(plan, "record", fail)
    assert before == holder(office).read_bytes()
    assert [] == [path.name for path in office.secret.iterdir() if path.name.endswith(".part")]


def test_recorded_and_not_gone_is_said(office: Office, plan: Going) -> None:
    """Where the file cannot be replaced after all, the sentence says that the keys are still there."""

    def block(_: str) -> None:
        holder(office).rename(office.secret / "kept.age")
        holder(office).mkdir()

    with pytest.raises(NotDestroyed, match="the record is written, and the keys in holder-custodian.age are still"):
        destroy(plan, "record", block)
    assert 13 == len(batch(office.secret / "kept.age"))
