# SPDX-License-Identifier: AGPL-3.0-or-later
"""What everyone may read: the page's files, checked against their signed digests, and the signed key lists.

`SHA256SUMS` names every file of the page; the root's signature over it is checked before a file is served.
Nothing here goes back: a page or a list that is older than what was served is refused, whoever brings it.
"""

import contextlib
import gzip
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crypto.errors import CryptoError
from crypto.handedon import Roots, roots_after
from crypto.keylist import MAX_LIST_BYTES, KeyList
from intake.errors import Exit, UndersealError
from intake.files import locked, read, replace
from intake.limits import KIB
from intake.page import INDEX, SUMS
from intake.signedpage import MAX_PAGE_BYTES, SIGNATURE, PageUntrusted, SignedPage, read_page
from intake.statements import KEPT
from portal.config import Config
from portal.shelf import HeldList, Shelf

MAX_SIGNATURE_BYTES = 4 * KIB
LOOK_SECONDS = 1.0
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
    """The page as every process of the portal serves it: the one file `Config.page_file`, replaced as a whole.

    Which file it is, is asked for every request, so that no visitor gets half of one page and half of another.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._seen: tuple[int, int, int] | None = None
        self._served: dict[str, PublicFile] = {}
        self.current()

    def current(self) -> Mapping[str, PublicFile]:
        """Return the files by path, `/` for the page itself.

        Script, style and icon of the page before stay: their names are their digests, and a visitor may still ask for
        them. A page that cannot be read any more leaves the one that was served. Raises PageUntrusted and FileMissing
        at the start alone.
        """
        seen = _which(self._config.page_file)
        if seen != self._seen:
            try:
                page = kept_page(self._config)
            except (UndersealError, CryptoError):
                if not self._served:
                    raise
                sys.stderr.write("portal: the page's file is damaged; the page before is served\n")
                self._seen = seen
                return self._served
            named = {path: file for path, file in self._served.items() if path.startswith("/underseal.")}
            self._served, self._seen = {**named, **_public_files(page)}, seen
        return self._served


def _which(path: Path) -> tuple[int, int, int]:
    """Return what tells a file from the one that had its name before, zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def kept_page(config: Config) -> SignedPage:
    """Return the page that the portal keeps, by the root that signs now or one before. Raises PageUntrusted."""
    data = read(config.page_file, MAX_PAGE_BYTES)
    roots = config.roots().newest_first()
    for root in roots[:-1]:
        with contextlib.suppress(PageUntrusted):
            return read_page(data, root)
    return read_page(data, roots[-1])


def take_page(config: Config, lists: "Lists", page: SignedPage, today: date) -> None:
    """Serve a page from now on, in the place of an older one; the same page again changes nothing.

    Raises PageUntrusted for an older page, or for one that would refuse the key list of today; NotStored.
    """
    with locked(config.page_file.with_suffix(".lock"), wait=True):
        page.check_follows(kept_page(config))
        held = lists.trusted(today)
        if held is None or held.sequence < page.office.floor:
            raise PageUntrusted("it needs newer key lists than the portal holds: they come first")
        for left in config.directory.glob(".*.part"):  # by a process that was killed: this lock lets no other write
            left.unlink()
        replace(config.page_file, page.whole)


def take_statements(config: Config, shelf: Shelf, statements: bytes) -> Roots:
    """Keep what hands the root on; the same again changes nothing. Raises StatementRefused, NotStored.

    From then on new lists and pages are the new root's. What the portal holds of the old one stays until it ends.
    """
    with locked(config.page_file.with_suffix(".lock"), wait=True):
        try:
            before, roots = config.roots(), roots_after(statements, config.office.root)
        except CryptoError as error:
            raise StatementRefused(str(error)) from error
        new = roots.handed[len(before.handed) :]
        with shelf.begin() as reading:
            held = reading.highest_sequence()
        if roots.handed[: len(before.handed)] != before.handed:
            raise StatementRefused("it does not begin with the roots that this portal knows")
        if any(each.office != config.office.office or each.sequence <= held for each in new):
            raise StatementRefused("it is of another office, or about lists that the portal holds already")
        if new:
            replace(config.directory / KEPT, statements)
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

    def __init__(self, shelf: Shelf, roots: Callable[[], Roots], floor: int) -> None:
        self._shelf = shelf
        self._roots = roots
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
            self._read[held.sequence] = self._roots().read_list(held.text, held.signature, floor=self._floor)
        return self._read[held.sequence]


def read_list_files(folder: Path) -> list[tuple[bytes, str]]:
    """Return text and signature of every `keys-*.txt` in a folder, in the order of their names."""
    paths = sorted(folder.glob("keys-*.txt"))
    return [
        (
            read(path, MAX_LIST_BYTES),
            read(path.with_name(path.name + ".sig"), MAX_SIGNATURE_BYTES).decode("ascii", "replace"),
        )
        for path in paths
    ]
