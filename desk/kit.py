# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kit: an office's page as one file, with signed key lists inside, for sealing without a network (FORMAT.md 9)."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from crypto.errors import CryptoError
from crypto.handedon import Roots
from crypto.keylist import KeyList, Week
from desk.ceremony_errors import PageDiffers
from intake.office import Office, render_kit
from intake.page import KIT, BuiltPage
from intake.strictjson import JsonRefused, read_json

_CARRIED = re.compile(r'<html data-kit="([^"]*)"')
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SignedList:
    """A key list whose signature was verified: its text, its signature, and what it says."""

    text: str
    signature: str
    says: KeyList


def signed_list(text: bytes, signature: bytes, roots: Roots) -> SignedList:
    """Return a key list that the root of its sequence has signed. Raises CryptoError."""
    armored = signature.decode("ascii", "replace")
    return SignedList(text.decode("utf-8", "replace"), armored, roots.read_list(text, armored))


def signed_lists_among(files: Mapping[str, bytes], roots: Roots) -> list[SignedList]:
    """Return the lists among the files of a public folder, keys-*.txt with their .sig, in order. Raises CryptoError."""
    names = sorted(name for name in files if re.fullmatch(r"keys-[0-9]{6}\.txt", name))
    return [signed_list(files[name], files.get(name + ".sig", b""), roots) for name in names]


def kit_of(built: BuiltPage, office: Office, lists: Sequence[SignedList]) -> bytes:
    """Return the kit of an office, with as few of the lists as cover their weeks. Raises PageDiffers for a gap.

    Lists below the office's floor are left out: the kit would refuse them.
    """
    taken = _fewest([each for each in lists if _sequence(each) >= office.floor])
    return render_kit(built.kit, office, [(each.text, each.signature) for each in taken])


def lists_of_kit(kit: bytes, office: Office) -> list[SignedList]:
    """Return the lists that a kit carries. Raises PageDiffers unless the root signed each, at the floor or above."""
    match = _CARRIED.search(kit.decode("utf-8", "replace"))
    try:
        carried = read_json(html.unescape(match[1] if match else "").encode("utf-8"), max_bytes=len(kit))
        roots = Roots(office.root)
        lists = [signed_list(text.encode("utf-8"), signature.encode("ascii"), roots) for text, signature in carried]
    except (JsonRefused, ValueError, TypeError, AttributeError, CryptoError) as error:
        raise PageDiffers(f"{KIT} is missing, or carries a key list that this office's root did not sign") from error
    if any(_sequence(each) < office.floor for each in lists):
        raise PageDiffers(f"{KIT} has key lists below the floor, {office.floor}: they were replaced")
    covered_days(lists)
    return lists


def covered_days(lists: Sequence[SignedList]) -> tuple[date, date]:
    """Return the first and last day of the lists' weeks. Raises PageDiffers when no list has one in between."""
    weeks = _weeks(lists)
    if not weeks:
        raise PageDiffers(f"there is no key list for {KIT}")
    for before, after in zip(weeks, weeks[1:], strict=False):
        if after.first != before.last + _DAY:
            raise PageDiffers(f"no key list for {KIT} covers {before.last + _DAY}")
    return weeks[0].first, weeks[-1].last


def leading_to(first: date, lists: Sequence[SignedList], today: date) -> list[SignedList]:
    """Return the lists that a kit needs for the days from today until `first`, as far back as no week is missing."""
    found: list[SignedList] = []
    for each in sorted(lists, key=_sequence, reverse=True):
        weeks = each.says.weeks
        if weeks[-1].last >= today and weeks[0].first < first <= weeks[-1].last + _DAY:
            found.append(each)
            first = weeks[0].first
    return found


def raised_floor(floor: int, lists: Iterable[KeyList], today: date) -> int:
    """Return the lowest sequence that anyone needs from today on: that of the list in force, never less than before.

    A list that was replaced, as after a theft, lies below it; so do those whose weeks are over.
    """
    in_force = [each.sequence for each in lists if each.weeks[0].first <= today <= each.weeks[-1].last]
    return max([floor, *in_force])


def check_newest(lists: Sequence[SignedList], known: Sequence[SignedList]) -> None:
    """Raise PageDiffers if a known list replaces what the kit would seal to in some week (FORMAT.md 4)."""
    for week in _weeks(lists):
        used = max((each for each in lists if week in each.says.weeks), key=_sequence)
        later = sorted((each for each in known if _sequence(each) > _sequence(used)), key=_sequence)
        same_week = [has for each in later for has in each.says.weeks if has.first == week.first]
        replaced = any(each.says.weeks[0].first <= used.says.weeks[0].first for each in later)
        stale = same_week[-1] != week if same_week else replaced
        if stale:
            raise PageDiffers(
                f"{KIT} has the keys of list {_sequence(used)}, which list {_sequence(later[-1])} replaces"
            )


def _weeks(lists: Sequence[SignedList]) -> list[Week]:
    """Return each week once, as the list of the highest sequence has it: a week can have been signed again."""
    in_order = sorted(lists, key=_sequence)
    weeks = {week.first: week for each in in_order for week in each.says.weeks}
    return [weeks[first] for first in sorted(weeks)]


def _fewest(lists: Sequence[SignedList]) -> list[SignedList]:
    """Return as few lists as have every week, in the order of their sequences.

    The page takes the last list that has a week: it finds in these what it would find in all.
    """
    covered_days(lists)
    chosen: list[SignedList] = []
    for week in _weeks(lists):
        if not chosen or week not in chosen[-1].says.weeks:
            chosen.append(max((each for each in lists if week in each.says.weeks), key=_sequence))
    return sorted(chosen, key=_sequence)


def _sequence(each: SignedList) -> int:
    return each.says.sequence
