# SPDX-License-Identifier: AGPL-3.0-or-later
"""Office data: the public facts of one office, made by its ceremony (FORMAT.md 9)."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crypto.errors import Malformed
from crypto.signature import PublicKey
from intake.errors import UndersealError
from intake.limits import OFFICE_MAX_BYTES
from intake.strictjson import JsonRefused, read_json

NO_ANSWER = "no_answer"  # an option of every question that has regions; no region can be named so
_PLACE = re.compile(rb"@(?:OFFICE|KIT)@")
_CARRIED = re.compile(r'data-office="([^"]*)"')


class OfficeRefused(UndersealError):
    """the office data is not written as this version reads it"""


class PageRefused(UndersealError):
    """the built page has no place, or more than one, for what its office adds"""


@dataclass(frozen=True, slots=True)
class Region:
    """A region that officers can choose: an id of a-z, 0-9 and _, and its label."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Contact:
    """Another route, as the page shows it."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Office:
    """One office. `floor` is the lowest key list sequence the page accepts; a courier comes every `collect_days`."""

    office: str
    root: PublicKey
    floor: int
    throwaway: bool
    collect_days: int
    regions: tuple[Region, ...]
    contacts: tuple[Contact, ...]


def read_office(data: bytes) -> Office:
    """Return the office of `office.json`. Raises OfficeRefused."""
    try:
        value = read_json(data, max_bytes=OFFICE_MAX_BYTES)
        if not isinstance(value, dict) or value.pop("v", None) != 1:
            raise OfficeRefused
        value["root"] = PublicKey.parse(value["root"])
        value["regions"] = tuple(Region(**region) for region in value["regions"])
        value["contacts"] = tuple(Contact(**contact) for contact in value["contacts"])
        office = Office(**value)
    except (JsonRefused, Malformed, KeyError, TypeError, AttributeError) as error:
        raise OfficeRefused from error
    if not _is_well_typed(office):
        raise OfficeRefused
    return office


def write_office(office: Office) -> bytes:
    """Return the bytes of `office.json`: indented, for people to read."""
    return (json.dumps(_as_json(office), ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def render_page(built_page: bytes, office: Office) -> bytes:
    """Return the page of this office: the built page, with the office data in its one place for it."""
    return _filled(built_page, {b"@OFFICE@": _as_json(office)})


def render_kit(built_kit: bytes, office: Office, lists: Sequence[tuple[str, str]]) -> bytes:
    """Return the kit of this office: its page as one file, with key lists inside, each a text and its signature."""
    return _filled(built_kit, {b"@OFFICE@": _as_json(office), b"@KIT@": lists})


def office_of_page(page: bytes) -> Office:
    """Return the office whose data a page or kit carries. Raises OfficeRefused."""
    match = _CARRIED.search(page.decode("utf-8", "replace"))
    return read_office(html.unescape(match[1] if match else "").encode("utf-8"))


def _filled(page: bytes, values: Mapping[bytes, object]) -> bytes:
    """Return a page with a value in each of its places: filled all at once, since a name may look like a place."""
    if sorted(_PLACE.findall(page)) != sorted(values):
        raise PageRefused
    data = {place: json.dumps(value, ensure_ascii=False, separators=(",", ":")) for place, value in values.items()}
    return _PLACE.sub(lambda found: html.escape(data[found[0]], quote=True).encode("utf-8"), page)


def _as_json(office: Office) -> dict[str, object]:
    return {
        "v": 1,
        "office": office.office,
        "root": office.root.text,
        "floor": office.floor,
        "throwaway": office.throwaway,
        "collect_days": office.collect_days,
        "regions": [{"id": region.id, "label": region.label} for region in office.regions],
        "contacts": [{"label": contact.label, "value": contact.value} for contact in office.contacts],
    }


def _is_well_typed(office: Office) -> bool:
    texts = [office.office, *(region.label for region in office.regions)]
    texts += [text for contact in office.contacts for text in (contact.label, contact.value)]
    ids = [region.id for region in office.regions]
    return (
        all(isinstance(text, str) and 1 <= len(text) <= 200 for text in texts)
        and NO_ANSWER not in ids
        and all(isinstance(name, str) and re.fullmatch(r"[a-z0-9_]{1,40}", name) for name in ids)
        and len(set(ids)) == len(ids)
        and isinstance(office.throwaway, bool)
        and type(office.floor) is int
        and 1 <= office.floor <= 999_999
        and type(office.collect_days) is int
        and 1 <= office.collect_days <= 90
    )
