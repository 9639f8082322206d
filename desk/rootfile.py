# SPDX-License-Identifier: AGPL-3.0-or-later
"""A root's folder: what stays of a root once its seed is gone, all of it public.

office.json   the office data that page, portal and desk read
root.txt      what the root will sign for, in words: the office, the root, and how many places a week's list has
root.pub      the root as OpenSSH writes it
card.*        the fingerprint, to print
handed-on-*   the statements by which the roots before handed on to this one, if there were any
signed-*/     what it has signed: key lists, page, facts
page-*/       the digests of pages that it has signed apart from lists
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from crypto.handedon import Roots, roots_before
from desk.ceremony_errors import RootHandedOn, RootRefused
from desk.pdf import card_pdf
from desk.sheets import card, card_svg
from intake.files import read
from intake.limits import OFFICE_MAX_BYTES
from intake.office import Office, read_office, write_office
from intake.page import SUMS, page_number
from intake.signedpage import MAX_SUMS_BYTES
from intake.statements import statement_files

ROOT_TEXT = "root.txt"
OFFICE = "office.json"
_MAX_BYTES = 4_096
_LIST_NAME = re.compile(r"keys-[0-9]{6}\.txt", re.ASCII)
_SLOTS = re.compile(r"^slots ([1-6])$", re.MULTILINE | re.ASCII)


@dataclass(frozen=True, slots=True)
class RootFacts:
    """An office and the number of recipients of every envelope, which never changes: all envelopes are alike.

    handed  the statements that lead to this root, as files
    """

    office: Office
    slots: int
    handed: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def roots(self) -> Roots:
        """This root and those before it. Raises Untrusted."""
        return roots_before(b"".join(self.handed.values()), self.office.root)


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
        **facts.handed,
    }


def read_root(folder: Path) -> RootFacts:
    """Return the facts of a root's folder, with the floor that its last signing has raised.

    Raises FileMissing, OfficeRefused, RootRefused, RootHandedOn, or Untrusted for statements that lead elsewhere.
    """
    office = read_office(read(folder / OFFICE, OFFICE_MAX_BYTES))
    text = read(folder / ROOT_TEXT, _MAX_BYTES)
    slots = _SLOTS.search(text.decode("utf-8", "replace"))
    facts = RootFacts(office, int(slots[1]) if slots else 0, statement_files(folder))
    if root_text(facts) != text:
        raise RootRefused(folder.name)
    if any(f"\nold {office.root.text}\n".encode() in statement for statement in facts.handed.values()):
        raise RootHandedOn
    if facts.roots.now != office.root:
        raise RootRefused(folder.name)
    signed = [read_office(read(path, OFFICE_MAX_BYTES)) for path in folder.glob(f"signed-*/public/{OFFICE}")]
    floors = [each.floor for each in signed if each.root == office.root]
    return replace(facts, office=replace(office, floor=max([office.floor, *floors])))


def last_list_known(folder: Path) -> Path | None:
    """Return the key list of the highest sequence in a root's folder, None before the first signing."""
    paths = [path for path in folder.glob("signed-*/public/keys-*.txt") if _LIST_NAME.fullmatch(path.name)]
    return max(paths, key=lambda path: path.name, default=None)


def last_page_known(folder: Path, facts: RootFacts) -> int:
    """Return the highest number of a page that this root knows of, 0 before the first. Raises SumsRefused."""
    before = facts.roots.handed[-1].page - 1 if facts.handed else 0
    paths = [*folder.glob(f"signed-*/public/page/{SUMS}"), *folder.glob(f"page-*/{SUMS}")]
    return max([before, *(page_number(read(path, MAX_SUMS_BYTES)) for path in paths)])
