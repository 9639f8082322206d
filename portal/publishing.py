# SPDX-License-Identifier: AGPL-3.0-or-later
"""What everyone may read: the page's files, checked against their signed digests, and the signed key lists.

`SHA256SUMS` names every file of the page; the root's signature over it is checked before a file is served.
Nothing here goes back: a page or a list that is older than what was served is refused, whoever brings it.
"""

import contextlib
import gzip
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from crypto.errors import CryptoError
from crypto.handedon import Roots, roots_after
from crypto.keylist import MAX_LIST_BYTES, KeyList
from crypto.primitives import sha256
from crypto.signature import SIGNATURE_CHARACTERS, PublicKey
from intake.errors import Exit, UndersealError
from intake.files import read
from intake.office import Office
from intake.page import INDEX, SUMS
from intake.signedpage import SIGNATURE, PageUntrusted, SignedPage, read_page
from portal.shelf import HeldList, Published, Shelf, Writing

LOOK_SECONDS = 1.0
SETTLE_SECONDS = 1.5  # a look, and the time to read and pack a page
PAGE, STATEMENTS = "page", "handed-on"  # what they are called on the shelf
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
PLAIN_TEXT = "text/plain; charset=utf-8"


class ListRefused(UndersealError):
    """the key list is refused: {}"""

    exit_code = Exit.UNTRUSTED


class PageMissing(UndersealError):
    """there is no page on the shelf"""

    exit_code = Exit.MISSING


class NotPublished(UndersealError):
    """storage did not take all of it ({}); what was served stays"""

    exit_code = Exit.STORAGE
    hint = "once it is well again, run the same line again: what is there already does no harm"


class StatementRefused(UndersealError):
    """the root is not handed on: {}"""

    exit_code = Exit.UNTRUSTED


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file as everyone gets it: its bytes, and the same compressed beforehand where that exists."""

    type: str
    body: bytes
    compressed: Mapping[str, bytes]


class Pages:
    """The page as a process of the portal serves it: the one of the shelf, the same for all front ends.

    Which page it is, is asked for at most once in LOOK_SECONDS, and at once for a name that is not known: a page that
    another process has handed out a moment ago may name it. Only a change reads the page itself.
    """

    def __init__(self, shelf: Shelf, first: PublicKey) -> None:
        """Read the page. A database that does not answer yet is no fault. Raises PageUntrusted, PageMissing."""
        self._shelf = shelf
        self._first = first
        self._turn = threading.Lock()
        self._looked = float("-inf")
        self._seen: bytes | None = None
        self._served: dict[str, PublicFile] = {}
        with contextlib.suppress(SQLAlchemyError):
            self._look()

    def find(self, path: str) -> PublicFile | None:
        """Return a file by its path, `/` for the page itself, None if there is none.

        Script, style and icon of the page before stay: their names are their digests, and a visitor may still ask for
        them. While the database does not answer, or its page is damaged, the page that was served stays. Raises
        SQLAlchemyError only where none was read yet.
        """
        known = path in self._served
        if (not known or time.monotonic() - self._looked >= LOOK_SECONDS) and self._turn.acquire(blocking=not known):
            try:
                self._look()
            except SQLAlchemyError:
                if not self._served:
                    raise
            finally:
                self._turn.release()
        return self._served.get(path)

    def _look(self) -> None:
        self._looked = time.monotonic()
        digest = self._shelf.published_digest(PAGE)
        if self._served and digest == self._seen:
            return
        try:
            page = kept_page(self._shelf, self._first)
        except (UndersealError, CryptoError):
            if not self._served:
                raise
            sys.stderr.write("portal: the page on the shelf is not as signed; the page before is served\n")
        else:
            named = {path: file for path, file in self._served.items() if path.startswith("/underseal.")}
            self._served = {**named, **_public_files(page)}
        self._seen = digest


def roots_of(held: Shelf | Writing, first: PublicKey) -> Roots:
    """Return the roots of the office: `first`, and what the shelf says was handed on since. Raises Untrusted."""
    statements = held.published(STATEMENTS)
    return Roots(first) if statements is None else roots_after(statements.body, first)


def kept_page(held: Shelf | Writing, first: PublicKey) -> SignedPage:
    """Return the page of the shelf. Raises PageUntrusted where it is not as signed, PageMissing."""
    kept = held.published(PAGE)
    if kept is None:
        raise PageMissing
    return read_kept(kept.body, roots_of(held, first))


def read_kept(data: bytes, roots: Roots) -> SignedPage:
    """Return a page in one piece, by the root that signs now or one before. Raises PageUntrusted."""
    *newer, first = roots.newest_first()
    for root in newer:
        with contextlib.suppress(PageUntrusted):
            return read_page(data, root)
    return read_page(data, first)


def put_page(writing: Writing, page: SignedPage) -> None:
    """Put a page on the shelf, whatever was there."""
    writing.publish(PAGE, page.number, page.whole)


def take_page(shelf: Shelf, office: Office, page: SignedPage, today: date) -> None:
    """Serve a page from now on, in the place of an older one; the same page again changes nothing.

    Returns once every front end that visitors ask has had the time to switch. Raises PageUntrusted for an older page,
    or for one that would refuse the key list of today; SQLAlchemyError, CommitUnsettled where storage takes it not.
    """
    held = Lists(shelf, office.root, office.floor).trusted(today)
    with shelf.begin() as writing:
        kept, roots = writing.published(PAGE), roots_of(writing, office.root)
        if kept is None:
            raise PageMissing
        if page.office.root != roots.now:
            raise PageUntrusted(f"{SUMS} is not signed by this office's root")
        _check_follows(page, kept, roots)
        if held is None or held.sequence < page.office.floor:
            raise PageUntrusted("it needs newer key lists than the portal holds: they come first")
        if kept.body == page.whole:
            return
        put_page(writing, page)
    time.sleep(SETTLE_SECONDS)


def _check_follows(page: SignedPage, kept: Published, roots: Roots) -> None:
    """Raise PageUntrusted unless a page is newer than the one kept, or the same.

    One whose bytes were damaged on the disk gives way to the same page again, and to one with a higher number.
    """
    try:
        before = read_kept(kept.body, roots)
    except PageUntrusted:
        if page.number <= kept.number and sha256(page.whole) != kept.digest:
            raise PageUntrusted(f"page {page.number} is older than page {kept.number}") from None
    else:
        page.check_follows(before)


def take_statements(shelf: Shelf, office: Office, statements: bytes) -> Roots:
    """Keep what hands the root on; the same again changes nothing. Raises StatementRefused, or as `take_page`.

    From then on new lists and pages are the new root's. What the portal holds of the old one stays until it ends.
    """
    with shelf.begin() as writing:
        kept, held = writing.published(STATEMENTS), writing.highest_sequence()
        try:
            before, roots = roots_of(writing, office.root), roots_after(statements, office.root)
        except CryptoError as error:
            raise StatementRefused(str(error)) from error
        new = roots.handed[len(before.handed) :]
        begins = kept is None or not new or statements.startswith(kept.body)  # a front end may know later roots only
        if roots.handed[: len(before.handed)] != before.handed or not begins:
            raise StatementRefused("it does not begin with the roots that this portal knows")
        if any(each.office != office.office or each.sequence <= held for each in new):
            raise StatementRefused("it is of another office, or about lists that the portal holds already")
        if new:
            writing.publish(STATEMENTS, len(roots.handed), statements)
    return roots


def _public_files(page: SignedPage) -> dict[str, PublicFile]:
    """Return what is served of a page: files of a known type, packed by gzip here, and in brotli as it was signed."""
    files = {
        f"/{SUMS}": PublicFile(PLAIN_TEXT, page.sums, {}),
        f"/{SIGNATURE}": PublicFile(PLAIN_TEXT, page.signature.encode("ascii"), {}),
    }
    for name, body in page.files.items():
        if Path(name).suffix in _TYPES:
            brotli = {"br": page.files[name + ".br"]} if name + ".br" in page.files else {}
            packed = {**brotli, "gzip": gzip.compress(body, 9, mtime=0)}
            files["/" if name == INDEX else f"/{name}"] = PublicFile(_TYPES[Path(name).suffix], body, packed)
    return files


def take_list(shelf: Shelf, text: bytes, signature: str, roots: Roots, floor: int) -> KeyList:
    """Keep a signed list; the same list again changes nothing. Raises ListRefused.

    A sequence that is held has one text forever, and no list below the highest one held is taken any more.
    """
    try:
        key_list = roots.read_list(text, signature, floor=floor)
    except CryptoError as error:
        raise ListRefused(str(error)) from error
    first, last = key_list.weeks[0].first, key_list.weeks[-1].last
    with shelf.begin() as writing:
        held = writing.held_list(key_list.sequence)
        if held is None and key_list.sequence < writing.highest_sequence():
            raise ListRefused("its sequence is lower than one the portal already holds")
        if held is not None and held.text != text:
            raise ListRefused("the portal holds another list with the same sequence")
        if held is None:
            writing.keep_list(HeldList(key_list.sequence, text, signature, first, last))
    return key_list


class Lists:
    """The key lists as the portal uses them. Each is verified again when a process first reads it from the shelf."""

    def __init__(self, shelf: Shelf, first: PublicKey, floor: int) -> None:
        self._shelf = shelf
        self._first = first
        self._floor = floor
        self._read: dict[int, KeyList] = {}
        self._looked: tuple[date, float, KeyList | None] | None = None

    def in_force(self, today: date) -> KeyList | None:
        """Return the list that the portal serves today, None if it has none; at most LOOK_SECONDS old.

        Looking for every letter would make readers and the one writer wait for each other.
        """
        looked, now = self._looked, time.monotonic()
        if looked is None or looked[0] != today or now - looked[1] > LOOK_SECONDS:
            held = self._shelf.list_for(today)
            looked = self._looked = (today, now, None if held is None else self._verified(held))
        return looked[2]

    def trusted(self, today: date) -> KeyList | None:
        """Return the list in force, else the last one held: couriers and desk must reach a portal whose lists ended."""
        held = self._shelf.list_for(today) or self._shelf.last_list()
        return None if held is None else self._verified(held)

    def _verified(self, held: HeldList) -> KeyList:
        if held.sequence not in self._read:
            self._read[held.sequence] = roots_of(self._shelf, self._first).read_list(
                held.text, held.signature, floor=self._floor
            )
        return self._read[held.sequence]


def read_list_files(folder: Path) -> list[tuple[bytes, str]]:
    """Return text and signature of every `keys-*.txt` in a folder, in the order of their names."""
    paths = sorted(folder.glob("keys-*.txt"))
    return [
        (
            read(path, MAX_LIST_BYTES),
            read(path.with_name(path.name + ".sig"), SIGNATURE_CHARACTERS).decode("ascii", "replace"),
        )
        for path in paths
    ]
