# SPDX-License-Identifier: AGPL-3.0-or-later
"""Drills: what CEREMONY.md says for a bad day, done with the real commands, a running portal, a courier and a desk."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from deskkit import letter
from keyskit import MACHINES, Machines, keys
from portalkit import Ran, Served, end, serve, underseal
from storekit import SqliteKit

from crypto.envelope import seal
from crypto.errors import NotForUs
from crypto.keylist import KeyList, read_key_list
from crypto.primitives import digest
from crypto.secret.opening import open_envelope
from desk.kit import lists_of_kit
from intake.office import Office, office_of_page, write_office
from intake.page import page_number
from portal.shelf import Shelf

TODAY = datetime.now(UTC).date()
MONDAY = TODAY - timedelta(days=TODAY.weekday())
HOLDERS = MACHINES[:3]
LAST = "keys-000013.txt"


@dataclass(slots=True)
class Local:
    """A local at work: its machines, a running portal, a courier and a desk."""

    machines: Machines
    served: Served
    courier: str = "courier"

    @property
    def base(self) -> Path:
        return self.machines.base

    @property
    def stick(self) -> Path:
        return self.base / "stick"

    def public(self, signing: int) -> Path:
        """Return what that signing published."""
        return self.machines.root / f"signed-{signing:06}" / "public"

    def run(self, group: str, verb: str, *words: object) -> Ran:
        """Run a verb of the courier or the desk, whichever is at work now."""
        folder = self.base / f"{self.courier}-folder" if group == "courier" else self.base / "vault"
        passphrase = ("--passphrase-file", self.base / "passphrase")
        return underseal(group, verb, "--dir", folder, *words, *passphrase)

    def make_courier(self) -> Ran:
        """Set up the laptop of the courier who is at work now."""
        folder, key = self.base / f"{self.courier}-folder", self.machines.folder(self.courier) / "courier.key"
        return underseal(
            *("courier", "init", "--dir", folder, "--portal", f"http://127.0.0.1:{self.served.port}"),
            *("--gate", f"unix:{self.served.folder / 'gate.sock'}", "--portal-key", self.served.folder / "portal.pub"),
            *("--office", self.machines.root / "office.json", "--key", key),
        )

    def list_served(self) -> KeyList:
        """Return the key list that everyone gets now."""
        text, signature = (self.served.request("GET", f"/keys.txt{end}").body for end in ("", ".sig"))
        return read_key_list(text, signature.decode(), self.machines.root_key())

    def send(self) -> bytes:
        """Seal a letter to the list that is served, send it, and return it."""
        envelope = seal(letter(), self.list_served().check_today(TODAY).recipients)
        assert self.served.post(envelope).status == 201
        return envelope

    def carry(self) -> tuple[Ran, Ran]:
        """Pull and receive, and push what the desk signs."""
        pulled = self.run("courier", "pull", "--to", self.stick)
        received = self.run("desk", "receive", pulled.out.strip(), "--outgoing", self.stick / "outgoing")
        assert self.run("courier", "push", "--from", self.stick / "outgoing").code == 0
        return pulled, received

    def push(self, signing: int) -> list[str]:
        """Let the courier push what a signing published, and return what became of each file."""
        return self.run("courier", "push", "--from", self.public(signing)).out.splitlines()

    def page_served(self) -> tuple[int, Office]:
        """Return the number of the page that everyone gets now, and the office that it carries."""
        sums, page = self.served.request("GET", "/SHA256SUMS").body, self.served.request("GET", "/").body
        assert f"{digest(page)}  index.html\n".encode() in sums
        return page_number(sums), office_of_page(page)

    def kit_served(self) -> list[int]:
        """Return the sequences of the lists in the kit that everyone gets now."""
        kit, office = self.served.request("GET", "/kit.html").body, self.page_served()[1]
        return [each.says.sequence for each in lists_of_kit(kit, office)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.served.port}"

    def desk_status(self) -> dict[str, object]:
        status: dict[str, object] = json.loads(self.run("desk", "status", "--json").out)
        return status

    def published(self, day: date) -> int:
        """Return the sequence of the list that the portal serves on a day."""
        shelf = Shelf(f"sqlite:///{self.served.folder / 'shelf.sqlite'}")
        held = shelf.list_for(day)
        shelf.close()
        assert held is not None
        return held.sequence

    def remake(self, name: str, *words: object) -> str:
        """Let a holder make keys anew, in another folder, and return its name."""
        folder = f"{name}-2"
        run = self.machines.make_holder(name, folder, *words)
        assert run.code == 0, run.err
        return folder


@pytest.fixture
def local(copy: Machines) -> Iterator[Local]:
    """A local whose first quarter is signed and published."""
    folder = copy.base / "portal"
    made = underseal("portal", "init", "--public", copy.public, "--dir", folder)
    assert made.code == 0, made.err
    running = Local(copy, serve(folder))
    (running.stick / "outgoing").mkdir(parents=True)
    holder = copy.folder("custodian") / "holder-custodian.age"
    secrets = ("--desk-key", copy.folder("desk") / "desk.age", "--holder", holder)
    facts = ("--office", copy.public, "--portal-key", folder / "portal.pub", *secrets, "--reviewer", "Ana Example")
    runs = [running.make_courier(), running.run("desk", "init", *facts)]
    yield running if [run.code for run in runs] == [0, 0] else pytest.fail(runs[-1].err)
    end(running.served)


def test_lost_holder(local: Local) -> None:
    """Letters sealed before are opened by the others; from the week on that was signed anew, by the new keys too."""
    start = MONDAY + timedelta(weeks=2)
    before = local.send()
    new = local.remake("recovery", "--from", start, "--weeks", 11)
    by = [open_envelope(before, local.machines.identities(name), 4) for name in HOLDERS[:2]]
    assert by[0] == by[1]
    signed = local.machines.sign((*HOLDERS[:2], new), "--after", local.public(1) / LAST, "--from", start, "--weeks", 11)
    assert signed.code == 0, signed.err
    assert local.run("courier", "push", "--from", local.public(14)).code == 0
    assert (2, 1) == (local.page_served()[0], local.page_served()[1].floor)  # list 1 is in force until that week
    assert local.run("desk", "renew", "--office", local.public(14)).code == 0
    assert [1, 14, 15] == [local.published(day) for day in (TODAY, start, start + timedelta(weeks=1))]
    later = seal(letter(), local.machines.lists("signed-000014")[0].weeks[0].recipients)
    for folder, name in zip((*HOLDERS[:2], new), HOLDERS, strict=True):
        assert open_envelope(later, local.machines.identities(folder, name), 4)
    with pytest.raises(NotForUs):
        open_envelope(later, local.machines.identities("recovery"), 4)
    assert "1 opened" in local.carry()[1].err


def test_stolen_batch(local: Local, officer) -> None:
    """Higher sequences replace every list at once; nobody takes an old one again, and a thief opens nothing new."""
    before = local.send()
    old = [(local.public(1) / f"keys-000001.txt{end}").read_text() for end in ("", ".sig")]
    new = local.remake("custodian")
    signed = local.machines.sign((new, *HOLDERS[1:]), "--after", local.public(1) / LAST, "--from", MONDAY)
    assert signed.code == 0, signed.err
    assert "page: number 2 is served" == local.push(14)[-1]
    await_list(local, 14)
    number, office = local.page_served()
    assert (2, 14, local.machines.root_key()) == (number, office.floor, office.root)
    assert local.kit_served() == list(range(14, 27, 2))
    refused = local.push(1)
    assert 14 == len(refused)
    assert {"it is not as new as the page that the portal serves; nothing was sent"} == {
        line.partition(": refused: ")[2] for line in refused[:-1]
    }
    by_hand = underseal("portal", "publish", "--dir", local.served.folder, "--public", local.public(1))
    assert (4, 14, 2) == (by_hand.code, local.published(TODAY), local.page_served()[0])
    new_list = [local.served.request("GET", f"/keys.txt{end}").body.decode() for end in ("", ".sig")]
    facts = {"office": write_office(office).decode(), "today": str(TODAY)}
    answers = [
        officer.ask(do="keylist", keys=text, signature=signature, **facts) for text, signature in (old, new_list)
    ]
    assert ["keys-sequence", None] == [answer.get("fault") for answer in answers]
    offices = [local.machines.root / "office.json", local.public(14) / "office.json"]
    assert [0, 0] == [underseal("portal", "verify", local.url, "--office", path).code for path in offices]
    batch = local.machines.folder(new) / "holder-custodian.age"
    renewed = local.run("desk", "renew", "--office", local.public(14), "--holder", batch)
    assert renewed.code == 0, renewed.err
    after = local.send()
    stolen = local.machines.identities("custodian")
    assert open_envelope(before, stolen, 4)
    with pytest.raises(NotForUs):
        open_envelope(after, stolen, 4)
    assert "2 opened, 0 already here, 0 set aside" in local.carry()[1].err


def await_list(local: Local, sequence: int) -> None:
    """Return once everyone gets the list: the portal looks for a new one every second."""
    end_of_patience = time.monotonic() + 20
    while local.list_served().sequence != sequence:
        assert time.monotonic() < end_of_patience


@pytest.mark.parametrize("stick_lost", [False, True])
def test_new_courier_laptop(local: Local, stick_lost: bool) -> None:
    """The laptop is gone, with its key: a new one goes on with the chain, and the desk names no gap that is none."""
    local.send()
    local.carry()
    local.send()
    if stick_lost:
        local.run("courier", "pull", "--to", local.stick)
    old = local.courier
    made = keys("courier", "--dir", local.machines.folder("courier-2"), *local.machines.throwaway())
    assert made.code == 0, made.err
    words = ("--after", local.public(1) / LAST, "--from", MONDAY)
    signed = local.machines.sign(HOLDERS, *words, courier="courier-2")
    assert signed.code == 0, signed.err
    published = underseal("portal", "publish", "--dir", local.served.folder, "--public", local.public(14))
    assert (0, True) == (published.code, "page 2 is served" in published.err), published.err
    local.courier = "courier-2"
    assert local.make_courier().code == 0
    await_list(local, 14)
    pulled, received = local.carry()
    assert "this is the first pull of this folder" in pulled.err
    assert (stick_lost, False) == ("gap: bundle 2 never came" in received.err, "fork" in received.err)
    assert "1 opened, 0 already here, 0 set aside" in received.err
    assert 0 == local.run("desk", "verify").code
    local.courier = old
    assert local.run("courier", "status").code != 0


def test_next_quarter(local: Local) -> None:
    """Thirteen weeks more in one sitting, pushed with page and kit by the courier, taken by the desk as it is."""
    first = local.desk_status()
    new = tuple(local.remake(name, "--after", local.machines.half(name)) for name in HOLDERS)
    rotated = local.machines.rotate(new, "--to", local.stick / "public")
    assert rotated.code == 0, rotated.err
    pushed = local.run("courier", "push", "--from", local.stick / "public")
    assert (0, "page: number 2 is served") == (pushed.code, pushed.out.splitlines()[-1]), pushed.out
    number, office = local.page_served()
    assert (2, 1) == (number, office.floor)  # the list of this week is still the first
    assert local.kit_served() == [1, 3, 5, 7, 9, 11, 14, 16, 18, 20, 22, 24, 26]
    batch = local.machines.folder(new[0]) / "holder-custodian.age"
    renewed = local.run("desk", "renew", "--office", local.public(14), "--holder", batch)
    assert renewed.code == 0, renewed.err
    assert f"holder-custodian.age opens letters of {MONDAY + timedelta(weeks=13)} to " in renewed.err
    assert [12, 25] == [status["weeks_left"] for status in (first, local.desk_status())]
    later = seal(letter(), local.machines.lists("signed-000014")[3].weeks[0].recipients)
    (local.stick / "letter.age").write_bytes(later)
    assert 0 == local.run("desk", "receive", "--file", local.stick / "letter.age").code
    local.send()
    assert "1 opened" in local.carry()[1].err
    again = local.run("desk", "renew", "--office", local.public(14))
    older = local.run("desk", "renew", "--office", local.public(1))
    assert (0, True, 4) == (again.code, "nothing changed" in again.err, older.code)
    assert "these key lists end with 13, and this desk knows lists up to 27" in older.err
    assert 0 == local.run("desk", "verify").code


def test_lost_share(copy: Machines, tmp_path: Path) -> None:
    """Two of three sign and renew; after that the lost one joins with none, and the card stays true."""
    sheets, root = copy.root / "sheets", copy.root_key()
    (sheets / "share-1.txt").rename(tmp_path / "share-1.txt")
    signed = copy.sign(HOLDERS, "--after", copy.public / LAST, "--from", MONDAY, sheets=(2, 3))
    assert signed.code == 0, signed.err
    sheets.rename(tmp_path / "old")
    old = [("--shares-file", tmp_path / "old" / f"share-{number}.txt") for number in (2, 3)]
    assert keys("shares", "renew", "--dir", copy.root, *old[0], *old[1]).code == 0
    mixed = ("--shares-file", tmp_path / "share-1.txt", "--shares-file", sheets / "share-2.txt")
    assert keys("shares", "check", "--dir", copy.root, *mixed).code != 0
    again = copy.sign(HOLDERS, "--after", copy.root / "signed-000014/public/keys-000026.txt", "--from", MONDAY)
    assert (0, root) == (again.code, copy.root_key()), again.err


def handed_on(machines: Machines, *words: object) -> Ran:
    """Let the keepers of two shares hand the root on to a new one, in the folder root-2."""
    return keys("hand-on", "--dir", machines.root, "--to", machines.base / "root-2", *machines.shares(), *words)


def test_root_handed_on(local: Local) -> None:
    """The whole office goes on under a new root: portal, page, kit, desk, couriers; nothing that was sealed is lost."""
    before, old_root, old_kit = local.send(), local.machines.root_key(), local.served.request("GET", "/kit.html").body
    assert handed_on(local.machines).code == 0
    first = local.machines
    local.machines = replace(first, root_name="root-2")
    signed = local.machines.sign(HOLDERS, "--after", first.public / LAST)
    assert signed.code == 0, signed.err
    checked = keys("verify", local.public(14))
    assert (0, True) == (checked.code, f"{old_root.in_groups} until {TODAY}" in checked.out), checked.out
    new_root = local.machines.root_key()
    pushed = local.push(14)
    assert f"handed-on: the root is now {new_root.fingerprint}" == pushed[0]
    assert (15, "page: number 2 is served") == (len(pushed), pushed[-1])
    await_list(local, 14)
    number, office = local.page_served()
    assert (2, 14, new_root) == (number, office.floor, office.root)
    assert pushed == local.push(14)
    assert {True} == {"refused" in line for line in replace_machines(local, first).push(1)}
    renewed = local.run("desk", "renew", "--office", local.public(14))
    assert (0, True) == (renewed.code, f"the new one is {new_root.in_groups}" in renewed.err), renewed.err
    after = local.send()
    assert open_envelope(before, local.machines.identities("counsel"), 4)
    assert open_envelope(after, local.machines.identities("counsel"), 4)
    assert "2 opened, 0 already here, 0 set aside" in local.carry()[1].err
    in_kit = lists_of_kit(old_kit, office_of_page(old_kit))[0].says
    (local.stick / "letter.age").write_bytes(seal(letter(), in_kit.check_today(TODAY).recipients))
    assert 0 == local.run("desk", "receive", "--file", local.stick / "letter.age").code
    assert 0 == local.run("desk", "verify").code
    assert 0 == underseal("portal", "verify", local.url, "--office", local.public(14) / "office.json").code
    assert 4 == underseal("portal", "verify", local.url, "--office", first.root / "office.json").code


def test_handed_on_root_signs_no_more(local: Local) -> None:
    """After it was handed on, the old root's folder signs nothing, and what it signs elsewhere nobody takes."""
    copy = replace(local.machines, root_name="root-kept")
    shutil.copytree(local.machines.root, copy.root)
    assert handed_on(local.machines).code == 0
    again = handed_on(local.machines, "--no-pdf")
    words = ("--after", copy.public / LAST, "--from", MONDAY)
    runs = [local.machines.sign(HOLDERS, *words), again]
    assert [(1, True)] * 2 == [(run.code, "this root was handed on to another" in run.err) for run in runs]
    assert copy.sign(HOLDERS, *words).code == 0
    local.machines = replace(local.machines, root_name="root-2")
    assert local.machines.sign(HOLDERS, "--after", copy.public / LAST).code == 0
    assert "page: number 2 is served" == local.push(14)[-1]
    rogue = local.run("courier", "push", "--from", copy.root / "signed-000014" / "public")
    assert (1, {True}) == (rogue.code, {"refused" in line for line in rogue.out.splitlines()})
    by_hand = underseal(
        "portal", "publish", "--dir", local.served.folder, "--public", copy.root / "signed-000014" / "public"
    )
    assert (4, local.machines.root_key()) == (by_hand.code, local.page_served()[1].root)


def test_root_lost(local: Local) -> None:
    """With one share left no statement is possible, and a new root is a new office to everyone who knew the old one."""
    kept = SqliteKit(local.served.folder)
    before = kept.rows("SELECT name, number, body FROM published")
    (local.machines.root / "sheets" / "share-2.txt").unlink()
    (local.machines.root / "sheets" / "share-3.txt").unlink()
    tried = keys(
        *("hand-on", "--dir", local.machines.root, "--to", local.base / "root-2"),
        *("--shares-file", local.machines.root / "sheets" / "share-1.txt"),
    )
    assert (1, False) == (tried.code, (local.base / "root-2").exists())
    new = replace(local.machines, root_name="root-new")
    assert new.make_root().code == 0
    refused = new.sign(HOLDERS, "--after", local.public(1) / LAST)
    assert (4, False) == (refused.code, (new.root / "signed-000014").exists())
    assert new.sign(HOLDERS).code == 0
    pushed = local.run("courier", "push", "--from", new.public)
    assert (1, {True}) == (pushed.code, {"refused" in line for line in pushed.out.splitlines()})
    by_hand = underseal("portal", "publish", "--dir", local.served.folder, "--public", new.public)
    renewed = local.run("desk", "renew", "--office", new.public)
    assert [4, 4] == [by_hand.code, renewed.code]
    assert "it is of another root than this vault, and none that was handed on to" in renewed.err
    assert (["page"], before) == ([row[0] for row in before], kept.rows("SELECT name, number, body FROM published"))
    local.send()
    assert "1 opened" in local.carry()[1].err


def replace_machines(local: Local, machines: Machines) -> Local:
    """Return the same local, with another root's folder at hand."""
    return replace(local, machines=machines)
