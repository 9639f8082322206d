# SPDX-License-Identifier: AGPL-3.0-or-later
"""What everyone may read, and what the portal refuses to publish."""

import gzip
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import brotli
import pytest
from flask.testing import FlaskClient
from portalkit import OCTETS, PortalOffice, underseal

from crypto.handedon import Roots
from crypto.primitives import digest
from crypto.signature import Namespace, SigningKey, sign
from intake.signedpage import read_page_folder
from portal.migrating import migrate
from portal.publishing import ListRefused, Lists, take_list
from portal.shelf import Shelf

WEEK = timedelta(days=7)


def test_page_is_as_signed(client: FlaskClient, office: PortalOffice) -> None:
    """Every file that SHA256SUMS names is served under its name, with that digest."""
    head, *lines = client.get("/SHA256SUMS").text.splitlines()
    named = {name: value for value, name in (line.split("  ") for line in lines)}
    served = {}
    for name in named:
        path = "/" + name.removesuffix(".br").replace("index.html", "")
        answer = client.get(path, headers={"Accept-Encoding": "br" if name.endswith(".br") else "identity"})
        served[name] = digest(answer.data)
    assert ("# page 1", 9) == (head, len(named))
    assert named == served
    assert client.get("/").data == brotli.decompress(client.get("/", headers={"Accept-Encoding": "br"}).data)
    assert (office.public / "page" / "SHA256SUMS.sig").read_bytes() == client.get("/SHA256SUMS.sig").data


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None), ("", None)],
)
def test_prebuilt_forms_served(client: FlaskClient, office: PortalOffice, accepted: str, coding: str | None) -> None:
    """The script comes in the form that was compressed beforehand, if the browser takes it."""
    path = next((office.public / "page").glob("*.js"))
    answer = client.get(f"/{path.name}", headers={"Accept-Encoding": accepted})
    script = path.read_bytes()
    expected = {"br": path.with_name(path.name + ".br").read_bytes(), "gzip": gzip.compress(script, 9, mtime=0)}
    assert coding == answer.headers.get("Content-Encoding")
    assert expected.get(coding or "", script) == answer.data


def test_nothing_unsigned_is_served(office: PortalOffice, tmp_path: Path) -> None:
    """What SHA256SUMS does not name stays where it is, a packed form too: nobody has signed it."""
    public = shutil.copytree(office.public, tmp_path / "public")
    (public / "page" / "kit.html.br").write_bytes(brotli.compress(b"another"))
    (public / "page" / "more.html").write_bytes(b"more")
    page = read_page_folder(public / "page", office.root.public)
    assert {"kit.html.br", "more.html"} & set(page.files) == set()
    assert {path.name for path in (office.public / "page").iterdir()} == {*page.files, "SHA256SUMS", "SHA256SUMS.sig"}


def test_same_bytes_for_all(client: FlaskClient) -> None:
    """Who asks, from where and how does not change a byte of the page."""
    asked = [{}, {"User-Agent": "one"}, {"Cookie": "a=b"}, {"Accept-Language": "es"}, {"Referer": "http://x/"}]
    answers = {
        (client.get("/", headers=headers).data, str(client.get("/", headers=headers).headers)) for headers in asked
    }
    assert 1 == len(answers)


def test_kit_is_a_download(client: FlaskClient) -> None:
    """A browser saves the kit in place of showing it, under its own name; nothing else asks for that."""
    paths = [f"/{line.split('  ')[1]}" for line in client.get("/SHA256SUMS").text.splitlines()[1:]]
    answers = {path: client.get(path).headers.get("Content-Disposition") for path in ["/", *paths]}
    assert {"/kit.html": "attachment"} == {path: value for path, value in answers.items() if value}


def test_packages_stay_private(client: FlaskClient) -> None:
    """The settings, the key, the shelf and the compressed forms have no address."""
    paths = [
        "config.json",
        "portal.key",
        "shelf.sqlite",
        "office.json",
        "index.html",
        "../portal.key",
        "%2e%2e/portal.key",
    ]
    assert {404} == {client.get(f"/{path}").status_code for path in paths}


SPOILED: dict[str, Callable[[Path], object]] = {
    "page changed": lambda page: (page / "index.html").write_bytes(b"<html>another</html>"),
    "script changed": lambda page: next(page.glob("*.js")).write_bytes(b"// another"),
    "brotli of other bytes": lambda page: (page / "index.html.br").write_bytes(brotli.compress(b"another")),
    "sums changed": lambda page: (page / "SHA256SUMS").write_bytes((page / "SHA256SUMS").read_bytes() + b"\n"),
    "signature of another": lambda page: (page / "SHA256SUMS.sig").write_text(
        sign((page / "SHA256SUMS").read_bytes(), SigningKey.generate(), Namespace.PAGE)
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_unsigned_page_refused(office: PortalOffice, tmp_path: Path, name: str) -> None:
    """A page that is not the one the root signed makes no portal, and nothing of it stays behind."""
    public = shutil.copytree(office.public, tmp_path / "public")
    SPOILED[name](public / "page")
    ran = underseal("portal", "init", "--public", public, "--dir", tmp_path / "portal")
    assert (4, "") == (ran.code, ran.out)
    assert ran.err.startswith("portal: the page's files are refused: ")
    assert [public] == list(tmp_path.iterdir())


def test_spoiled_list_makes_no_portal(office: PortalOffice, tmp_path: Path) -> None:
    """A list of the ceremony's folder with one changed byte stops the making of a portal, which leaves nothing."""
    public = shutil.copytree(office.public, tmp_path / "public")
    text = (public / "keys-000003.txt").read_bytes()
    (public / "keys-000003.txt").write_bytes(text.replace(b"Local 1", b"Local 2"))
    ran = underseal("portal", "init", "--public", public, "--dir", tmp_path / "portal")
    assert (4, "portal: the key list is refused: the key list is not signed by this office's root\n") == (
        ran.code,
        ran.err,
    )
    assert [public] == list(tmp_path.iterdir())


def test_init_overwrites_nothing(office: PortalOffice, folder: Path) -> None:
    """A second init at the same place is refused, and the portal's key stays."""
    key = (folder / "portal.key").read_bytes()
    ran = underseal("portal", "init", "--public", office.public, "--dir", folder)
    assert (1, "portal: portal is there already, and nothing was overwritten\n") == (ran.code, ran.err)
    assert key == (folder / "portal.key").read_bytes()


def test_files_are_private(folder: Path) -> None:
    """Whatever init makes is for its owner alone."""
    assert {0} == {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))}


def test_lock_is_made_beforehand(folder: Path, client: FlaskClient, office: PortalOffice) -> None:
    """The file by which writers take turns is there from the start: its times are not those of the first letter."""
    lock = folder / "counter.lock"
    os.utime(lock, (0, 0))
    assert 201 == client.post("/envelopes", data=office.envelope(), headers=OCTETS).status_code
    assert (0, 0) == (lock.stat().st_mtime, lock.stat().st_size)


def served_sequence(shelf: Shelf, office: PortalOffice, day: date) -> int | None:
    """Return the sequence that a portal serves on a day."""
    found = Lists(shelf, office.root.public, 1).in_force(day)
    return None if found is None else found.sequence


def test_list_of_the_week_served(shelf: Shelf, office: PortalOffice) -> None:
    """Each week its own list is served; the last one also in its second week, and none before or after."""
    monday = office.key_list.weeks[0].first
    days = [monday - timedelta(days=1), monday, monday + timedelta(days=6), monday + WEEK, monday + 12 * WEEK]
    assert [None, 1, 1, 2, 13] == [served_sequence(shelf, office, day) for day in days]
    assert None is served_sequence(shelf, office, monday + 13 * WEEK)


def test_second_week_serves_without_newer(folder: Path, office: PortalOffice, tmp_path: Path) -> None:
    """When this week's own list is missing, last week's list serves, since it covers today too."""
    migrate(url := f"sqlite:///{tmp_path / 'other.sqlite'}")
    shelf = Shelf(url)
    text, signature = office.signed_list()
    take_list(shelf, text, signature, Roots(office.root.public), 1)
    assert [1, 1] == [served_sequence(shelf, office, week.first) for week in office.key_list.weeks]
    shelf.close()


def test_newer_list_replaces(shelf: Shelf, office: PortalOffice) -> None:
    """A list with a higher sequence for the same weeks takes over at once, as after a lost key."""
    text, signature = office.signed_list(sequence=14)
    take_list(shelf, text, signature, Roots(office.root.public), 1)
    assert 14 == served_sequence(shelf, office, office.key_list.weeks[0].first)


def test_replaced_list_stays_away(shelf: Shelf, office: PortalOffice) -> None:
    """After a rotation no older list that begins as late comes back, not even when the newer one has ended."""
    courier = SigningKey.generate().public
    text, signature = office.signed_list(sequence=14, couriers=(courier,))
    take_list(shelf, text, signature, Roots(office.root.public), 1)
    monday = office.key_list.weeks[0].first
    assert [14, 14, None] == [served_sequence(shelf, office, monday + week * WEEK) for week in range(3)]
    lists = Lists(shelf, office.root.public, 1)
    trusted = [lists.trusted(monday + week * WEEK) for week in range(3)]
    assert [(courier,)] * 3 == [found and found.couriers for found in trusted]
    assert [14] == [sequence for sequence, _, _ in shelf.list_days()]


def test_later_weeks_are_replaced(shelf: Shelf, office: PortalOffice) -> None:
    """A newer list takes the place of those that begin on its first week or later, and of none before."""
    weeks = office.key_list.weeks
    later = [replace(week, first=week.first + 4 * WEEK, last=week.last + 4 * WEEK) for week in weeks]
    text, signature = office.signed_list(sequence=14, weeks=tuple(later), expires=later[-1].last)
    take_list(shelf, text, signature, Roots(office.root.public), 1)
    days = [weeks[0].first + week * WEEK for week in (3, 4, 5, 6)]
    assert [4, 14, 14, None] == [served_sequence(shelf, office, day) for day in days]


def test_same_list_again_is_no_fault(shelf: Shelf, office: PortalOffice) -> None:
    """A list that is held may come again."""
    text, signature = office.signed_list()
    before = shelf.list_days()
    assert 1 == take_list(shelf, text, signature, Roots(office.root.public), 1).sequence
    assert before == shelf.list_days()


LISTS = {
    "another root": ("is not signed by this office's root", {"root": SigningKey.generate(), "sequence": 20}),
    "sequence held with other text": ("another list with the same sequence", {"slots": 3, "issued": date(2000, 1, 1)}),
}


@pytest.mark.parametrize("name", LISTS)
def test_bad_list_refused(shelf: Shelf, office: PortalOffice, name: str) -> None:
    """A list by another root, or other contents under a sequence that is held, changes nothing."""
    sentence, changes = LISTS[name]
    text, signature = office.signed_list(**changes)
    before = shelf.list_days()
    with pytest.raises(ListRefused, match=sentence):
        take_list(shelf, text, signature, Roots(office.root.public), 1)
    assert before == shelf.list_days()


def test_lower_sequence_refused(office: PortalOffice, tmp_path: Path) -> None:
    """A list below the highest one held is refused, however well it is signed; below the office's floor too."""
    migrate(url := f"sqlite:///{tmp_path / 'other.sqlite'}")
    shelf = Shelf(url)
    take_list(shelf, *office.signed_list(sequence=5), Roots(office.root.public), 1)
    with pytest.raises(ListRefused, match="lower than one the portal already holds"):
        take_list(shelf, *office.signed_list(sequence=4), Roots(office.root.public), 1)
    with pytest.raises(ListRefused, match="older than one already known"):
        take_list(shelf, *office.signed_list(sequence=6), Roots(office.root.public), 7)
    assert [5] == [sequence for sequence, _, _ in shelf.list_days()]
    shelf.close()


def test_changed_recipient_refused(shelf: Shelf, office: PortalOffice) -> None:
    """A list with one recipient exchanged after it was signed is refused."""
    text, signature = office.signed_list(sequence=20)
    theirs = office.key_list.counsel.text.encode()
    ours = office.key_list.weeks[0].recipients[0].text.encode()
    with pytest.raises(ListRefused, match="is not signed by this office's root"):
        take_list(shelf, text.replace(ours, theirs), signature, Roots(office.root.public), 1)
    assert 13 == len(shelf.list_days())
