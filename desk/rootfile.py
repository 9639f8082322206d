# SPDX-License-Identifier: AGPL-3.0-or-later
"""A root's folder: what stays of a root once its seed is gone, all of it public.

office.json   the office data that page, portal and desk read
root.txt      what the root will sign for, in words: the office, the root, and how many places a week's list has
root.pub      the root as OpenSSH writes it
card.*        the fingerprint, to print
"""

import re
from dataclasses import dataclass
from pathlib import Path

from desk.ceremony_errors import RootRefused
from desk.pdf import card_pdf
from desk.sheets import card, card_svg
from intake.files import read
from intake.limits import OFFICE_MAX_BYTES
from intake.office import Office, read_office, write_office

ROOT_TEXT = "root.txt"
OFFICE = "office.json"
_MAX_BYTES = 4_096
_SLOTS = re.compile(r"^slots ([1-6])$", re.MULTILINE | re.ASCII)


@dataclass(frozen=True, slots=True)
class RootFacts:
    """An office and the number of recipients of every envelope, which never changes: all envelopes are alike."""

    office: Office
    slots: int


def root_text(facts: RootFacts) -> bytes:
    """Return root.txt."""
    lines = (
        "underseal root v1",
        "# The public half of an office's root. Nothing here is secret.",
        f"office {facts.office.office}",
        f"root {facts.office.root.text}",
        f"slots {facts.slots}",
        f"throwaway {'yes' if facts.office.throwaway else 'no'}",
    )
    return ("\n".join(lines) + "\n").encode("utf-8")


def root_files(facts: RootFacts) -> dict[str, bytes]:
    """Return the public files of a root by name."""
    office = facts.office
    return {
        OFFICE: write_office(office),
        ROOT_TEXT: root_text(facts),
        "root.pub": (office.root.text + "\n").encode("ascii"),
        "card.txt": card(office.office, office.root.fingerprint).encode("utf-8"),
        "card.svg": card_svg(office.root.fingerprint),
        "card.pdf": card_pdf(office.office, office.root),
    }


def read_root(folder: Path) -> RootFacts:
    """Return the facts of a root's folder. Raises FileMissing, OfficeRefused or RootRefused."""
    office = read_office(read(folder / OFFICE, OFFICE_MAX_BYTES))
    text = read(folder / ROOT_TEXT, _MAX_BYTES)
    slots = _SLOTS.search(text.decode("utf-8", "replace"))
    facts = RootFacts(office, int(slots[1]) if slots else 0)
    if root_text(facts) != text:
        raise RootRefused(folder.name)
    return facts
