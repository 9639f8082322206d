# SPDX-License-Identifier: AGPL-3.0-or-later
"""The next quarter in one sitting at the root's machine: what is brought, what stays, what kit and floor are."""

from datetime import UTC, datetime, timedelta

import pytest
from keyskit import MACHINES, Machines, keys

from crypto.recipient import Recipient
from desk.kit import covered_days, lists_of_kit
from intake.office import read_office
from intake.page import page_number

TODAY = datetime.now(UTC).date()
MONDAY = TODAY - timedelta(days=TODAY.weekday())
HOLDERS = MACHINES[:3]


def new_batches(machines: Machines, names: tuple[str, ...] = HOLDERS) -> tuple[str, ...]:
    """Let holders make their next thirteen weeks."""
    runs = [machines.make_holder(name, f"{name}-2", "--after", machines.half(name)) for name in names]
    assert [run.code for run in runs] == [0] * len(names), runs
    return tuple(f"{name}-2" for name in names)


def test_rotation_keeps_what_was(copy: Machines) -> None:
    """Desk, couriers, counsel are those of the last list; the stick has all that is public, and no record."""
    run = copy.rotate(new_batches(copy), "--to", copy.base / "stick")
    assert run.code == 0, run.err
    before, after = copy.lists(), copy.lists("signed-000014")
    assert (14, MONDAY + timedelta(weeks=12)) == (after[0].sequence, after[0].weeks[0].first)
    kept = [{(each.desk, each.couriers, each.counsel, each.slots) for each in lists} for lists in (before, after)]
    assert kept[0] == kept[1]
    public = copy.root / "signed-000014" / "public"
    on_stick = {path.relative_to(copy.base / "stick"): path.read_bytes() for path in stick_files(copy)}
    assert on_stick == {path.relative_to(public): path.read_bytes() for path in public.rglob("*") if path.is_file()}
    assert not [path for path in on_stick if path.name == "record.txt"]
    assert 0 == keys("verify", copy.base / "stick").code
    assert 2 == page_number((public / "page" / "SHA256SUMS").read_bytes())


def stick_files(machines: Machines):
    return [path for path in (machines.base / "stick").rglob("*") if path.is_file()]


def test_rotation_takes_what_is_brought(copy: Machines) -> None:
    """A new courier's half takes the place of the old ones, and its digest is on the screen."""
    assert keys("courier", "--dir", copy.folder("courier-2"), *copy.throwaway()).code == 0
    run = copy.rotate(new_batches(copy), "--courier", copy.half("courier-2"))
    assert run.code == 0, run.err
    assert copy.lists()[0].couriers != copy.lists("signed-000014")[0].couriers
    assert copy.lists()[0].desk == copy.lists("signed-000014")[0].desk


def test_rotation_of_counsel_first(unsigned: Machines, tmp_path) -> None:
    """An office that seals to counsel alone goes on so, without anybody having to think of it."""
    machines = unsigned.copy(tmp_path / "copy")
    names = ("counsel", "counsel-recovery")
    assert machines.make_holder(names[1], names[1]).code == 0
    assert machines.sign(names, "--counsel-first").code == 0
    refused = machines.rotate(new_batches(machines, ("custodian", "counsel")))
    assert (1, True) == (refused.code, "custodian is not counsel" in refused.err)
    machines.folder("counsel-2").rename(machines.folder("away"))
    run = machines.rotate(new_batches(machines, names))
    assert run.code == 0, run.err
    recipients = (machines.root / "signed-000014/public/recipients.txt").read_text()
    assert recipients.startswith("# setting: counsel-first\n")


def test_rotation_without_counsels_weeks(unsigned: Machines, tmp_path) -> None:
    """Where counsel has only the key for raw words, it stays without being brought again."""
    machines = unsigned.copy(tmp_path / "copy")
    machines.folder("counsel").rename(tmp_path / "away")
    assert machines.make_key("counsel").code == 0
    others = ("custodian", "recovery")
    assert machines.sign(others, "--counsel", machines.half("counsel")).code == 0
    run = machines.rotate(new_batches(machines, others))
    assert run.code == 0, run.err
    raw = machines.lists()[0].counsel
    assert isinstance(raw, Recipient)
    assert raw == machines.lists("signed-000014")[0].counsel


def test_first_signing_is_no_rotation(unsigned: Machines, tmp_path) -> None:
    """Before the first signing there is nothing to go on from, and nothing is signed."""
    machines = unsigned.copy(tmp_path / "copy")
    run = machines.rotate(HOLDERS)
    assert (1, True) == (run.code, "the first signing is keys sign" in run.err)
    assert not list(machines.root.glob("signed-*"))


def test_stick_that_has_it_already(copy: Machines) -> None:
    """A folder on the stick is never written over, and that is known before anybody types a share."""
    (copy.base / "stick").mkdir()
    run = copy.rotate(new_batches(copy), "--to", copy.base / "stick")
    assert (1, True) == (run.code, "is there already" in run.err)
    assert not (copy.root / "signed-000014").exists()


def test_third_signing_keeps_kit_and_floor(copy: Machines) -> None:
    """After a rotation a holder's weeks are signed anew from a later one: the kit still begins with this week."""
    new = new_batches(copy)
    assert copy.rotate(new).code == 0
    start = MONDAY + timedelta(weeks=20)
    run = copy.rotate(new, "--from", start, "--weeks", "6")
    assert run.code == 0, run.err
    public = copy.root / "signed-000028" / "public"
    office = read_office((public / "office.json").read_bytes())
    lists = lists_of_kit((public / "page" / "kit.html").read_bytes(), office)
    assert (1, 3) == (office.floor, page_number((public / "page" / "SHA256SUMS").read_bytes()))
    assert covered_days(lists) == (MONDAY, MONDAY + timedelta(weeks=26, days=-1))
    assert start == min(each.says.weeks[0].first for each in lists if each.says.sequence >= 28)


@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_floor_never_falls(copy: Machines, again: bool) -> None:
    """A revocation raises the floor to its first list; what is signed later for later weeks leaves it there."""
    last = copy.public / "keys-000013.txt"
    assert copy.sign(HOLDERS, "--after", last, "--from", MONDAY).code == 0
    folder = "signed-000014"
    if again:
        assert copy.rotate(new_batches(copy)).code == 0
        folder = "signed-000027"
    office = read_office((copy.root / folder / "public" / "office.json").read_bytes())
    assert 14 == office.floor
    shown = keys("show", copy.root / folder / "public" / "office.json").out
    assert "the page refuses key lists below sequence 14" in shown
    assert 0 == keys("verify", copy.root / folder / "public").code


def test_list_below_the_floor_is_no_good_folder(copy: Machines) -> None:
    """A public folder whose lists the page would refuse is WRONG."""
    assert copy.sign(HOLDERS, "--after", copy.public / "keys-000013.txt", "--from", MONDAY).code == 0
    public = copy.root / "signed-000014" / "public"
    for ending in ("", ".sig"):
        (public / f"keys-000013.txt{ending}").write_bytes((copy.public / f"keys-000013.txt{ending}").read_bytes())
    run = keys("verify", public)
    assert (4, True) == (run.code, "the key list is older than one already known" in run.out), run.out
