# SPDX-License-Identifier: AGPL-3.0-or-later
"""An office's public folder, checked whole: one row for each thing that is right, or wrong and why."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

from crypto.errors import CryptoError
from crypto.handedon import Roots, roots_before
from crypto.keylist import MAX_LIST_BYTES, KeyList, read_key_list
from crypto.recipient import Recipient
from crypto.signature import Namespace, verify
from desk.kit import check_newest, covered_days, lists_of_kit
from desk.pagefolder import check_digests, check_office, read_lists, read_page_folder
from desk.rootfile import OFFICE, read_root
from desk.sheets import card, grouped
from desk.signing import RECIPIENTS, allowed_signers
from intake.checks import Check, Wrong, run_checks
from intake.files import read
from intake.limits import OFFICE_MAX_BYTES
from intake.office import Office, read_office
from intake.page import KIT, SUMS, page_number
from intake.signedpage import SIGNATURE
from intake.statements import read_statements

_MAX_SMALL = 32_768
_MAX_LISTS = 1_000
_DAY = timedelta(days=1)


def verify_public(folder: Path, today: date) -> tuple[Office, list[Check]]:
    """Return the office of a public folder and every check. Raises FileMissing or OfficeRefused without office.json."""
    office = read_office(read(folder / OFFICE, OFFICE_MAX_BYTES))
    lists: list[KeyList] = []
    steps: list[tuple[str, Callable[[], str]]] = [
        ("root", lambda: _root(folder, office)),
        ("card", lambda: _card(folder, office)),
        ("roots before", lambda: _before(folder, office)),
        ("lists signed", lambda: _signed(folder, office, lists)),
        ("sequences", lambda: _sequences(lists)),
        ("weeks", lambda: _weeks(lists, today)),
        ("one office", lambda: _alike(lists, office)),
        ("desk, stock tools", lambda: _desk(folder, office, lists)),
        ("raw words", lambda: _recipients(folder, office, lists)),
        ("page", lambda: _page(folder, office)),
    ]
    return office, run_checks(steps)


def _root(folder: Path, office: Office) -> str:
    facts = read_root(folder)
    verify(read(folder / OFFICE, OFFICE_MAX_BYTES), _signature(folder / OFFICE), office.root, Namespace.OFFICE)
    if read(folder / "root.pub", _MAX_SMALL) != (office.root.text + "\n").encode("ascii"):
        raise Wrong("root.pub is another key than that of office.json")
    return f"office.json is signed by it, root.txt and root.pub agree; {facts.slots} places in every week"


def _card(folder: Path, office: Office) -> str:
    if read(folder / "card.txt", _MAX_SMALL) != card(office.office, office.root.fingerprint).encode("utf-8"):
        raise Wrong("card.txt does not show this root")
    return "card.txt shows this root"


def _before(folder: Path, office: Office) -> str:
    handed = roots_before(read_statements(folder), office.root).handed
    if not handed:
        return "none: no root was handed on to this one"
    if any(each.office != office.office for each in handed) or handed[-1].sequence > office.floor:
        raise Wrong("the statement is of another office, or the floor lies below what this root signs")
    old = "; ".join(f"{grouped(each.old.fingerprint)} until {each.day}" for each in handed)
    return f"handed on, signed by both: {old}"


def _signed(folder: Path, office: Office, lists: list[KeyList]) -> str:
    paths = sorted(folder.glob("keys-*.txt"))[:_MAX_LISTS]
    for path in paths:
        signature = _signature(path)
        try:
            lists.append(read_key_list(read(path, MAX_LIST_BYTES), signature, office.root, floor=office.floor))
        except CryptoError as error:
            raise Wrong(f"{path.name}: {error}") from error
        if path.name != f"keys-{lists[-1].sequence:06}.txt":
            raise Wrong(f"{path.name} has the sequence {lists[-1].sequence}")
    if not lists:
        raise Wrong("there is no key list")
    return f"{len(lists)} key lists, all by this root"


def _sequences(lists: list[KeyList]) -> str:
    for before, after in _pairs(lists):
        if after.sequence != before.sequence + 1:
            raise Wrong(f"{after.sequence} follows {before.sequence}")
    return f"{lists[0].sequence} to {lists[-1].sequence}, none missing" if lists else _nothing()


def _weeks(lists: list[KeyList], today: date) -> str:
    for before, after in _pairs(lists):
        if after.weeks[0].first > before.weeks[-1].last + _DAY:
            raise Wrong(f"no list covers {before.weeks[-1].last + _DAY}")
        held = {week.first: week for week in before.weeks}
        if any(held.get(week.first, week) != week for week in after.weeks) and after.weeks[0].first in held:
            raise Wrong(f"list {after.sequence} gives a week to others than list {before.sequence}")
    if not lists:
        return _nothing()
    covered = [item.sequence for item in lists if item.weeks[0].first <= today <= item.weeks[-1].last]
    ahead = f"they begin after today, {today}" if today < lists[0].weeks[0].first else f"they are over today, {today}"
    now = f"today, {today}, by list {covered[-1]}" if covered else ahead
    return f"{lists[0].weeks[0].first} to {lists[-1].weeks[-1].last} without a gap; {now}"


def _alike(lists: list[KeyList], office: Office) -> str:
    if not lists:
        return _nothing()
    if {item.office for item in lists} != {office.office}:
        raise Wrong("a list names another office")
    if len({(item.slots, item.desk, item.couriers, item.counsel) for item in lists}) != 1:
        raise Wrong("the lists differ in places, desk, courier or counsel")
    return "all lists name this office, one desk, one counsel, the same couriers"


def _desk(folder: Path, office: Office, lists: list[KeyList]) -> str:
    if not lists:
        return _nothing()
    if read(folder / "desk.pub", _MAX_SMALL) != (lists[0].desk.text + "\n").encode("ascii"):
        raise Wrong("desk.pub is not the desk of the lists")
    if read(folder / "allowed_signers", _MAX_SMALL) != allowed_signers(office.root, lists[0].desk).encode("ascii"):
        raise Wrong("allowed_signers does not name this root and this desk")
    return "desk.pub and allowed_signers name the desk of the lists and this root"


def _recipients(folder: Path, office: Office, lists: list[KeyList]) -> str:
    data = read(folder / RECIPIENTS, _MAX_SMALL)
    verify(data, _signature(folder / RECIPIENTS), office.root, Namespace.OFFICE)
    lines = data.decode("ascii", "replace").split("\n")
    keys = {name: key for name, _, key in (line.partition(" ") for line in lines)}
    if not lists or Recipient.parse(keys.get("counsel", "")) != lists[0].counsel:
        raise Wrong("counsel is another than in the lists")
    return f"{RECIPIENTS} is signed; setting {lines[0].removeprefix('# setting: ')}"


def _page(folder: Path, office: Office) -> str:
    if not (folder / "page").exists():
        return "no page in this folder"
    files = read_page_folder(folder / "page")
    verify(files.get(SUMS, b""), files.get(SIGNATURE, b"").decode("ascii", "replace"), office.root, Namespace.PAGE)
    check_digests(files)
    check_office(files, office)
    lists = lists_of_kit(files[KIT], office)
    check_newest(lists, read_lists(folder, Roots(office.root)))
    first, last = covered_days(lists)
    number = page_number(files[SUMS])
    return f"page {number} is signed, all digests are right, page and kit name this root; kit for {first} to {last}"


def _signature(path: Path) -> str:
    return read(path.with_name(path.name + ".sig"), _MAX_SMALL).decode("ascii", "replace")


def _pairs(lists: list[KeyList]) -> Iterator[tuple[KeyList, KeyList]]:
    return zip(lists, lists[1:], strict=False)


def _nothing() -> str:
    raise Wrong("there is no key list that could be read")
