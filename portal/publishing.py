# SPDX-License-Identifier: AGPL-3.0-or-later
"""What everyone may read: the page's files, checked against their signed digests, and the signed key lists.

`SHA256SUMS` names every file of the page; the root's signature over it is checked before a file is served.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crypto.errors import CryptoError
from crypto.keylist import MAX_LIST_BYTES, KeyList, read_key_list
from crypto.primitives import digest
from crypto.signature import Namespace, PublicKey, verify
from intake.errors import Exit, UndersealError
from intake.files import read
from intake.limits import KIB, MIB
from intake.packing import gunzipped
from intake.page import SumsRefused, read_sums
from portal.shelf import HeldList, Shelf

MAX_PAGE_FILE_BYTES = 4 * MIB
MAX_SUMS_BYTES = 16 * KIB
MAX_SIGNATURE_BYTES = 4 * KIB
LOOK_SECONDS = 1.0
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_COMPARED = {".js", ".css"}  # by the browser, with the signed page
PLAIN_TEXT = "text/plain; charset=utf-8"


class PageUntrusted(UndersealError):
    """the page's files are refused: {}"""

    exit_code = Exit.UNTRUSTED


class ListRefused(UndersealError):
    """the key list is refused: {}"""

    exit_code = Exit.UNTRUSTED


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file as everyone gets it: its bytes, and the same compressed beforehand where that exists."""

    type: str
    body: bytes
    compressed: Mapping[str, bytes]


def read_page(folder: Path, root: PublicKey) -> dict[str, PublicFile]:
    """Return the page's files by path, `/` for the page itself. Raises PageUntrusted.

    Every file of SHA256SUMS must be there, of a known type and with that digest; nothing else is served. A gzip form
    must unpack to the same bytes. Nothing here unpacks brotli: that form is served where SHA256SUMS names it too, or
    where the browser compares what it unpacks with the digests in the signed page (subresource integrity).
    """
    sums = read(folder / "SHA256SUMS", MAX_SUMS_BYTES)
    signature = read(folder / "SHA256SUMS.sig", MAX_SIGNATURE_BYTES)
    try:
        verify(sums, signature.decode("ascii", "replace"), root, Namespace.PAGE)
    except CryptoError as error:
        raise PageUntrusted("SHA256SUMS is not signed by this office's root") from error
    files = {"/SHA256SUMS": PublicFile(PLAIN_TEXT, sums, {}), "/SHA256SUMS.sig": PublicFile(PLAIN_TEXT, signature, {})}
    try:
        digests = read_sums(sums)
    except SumsRefused as error:
        raise PageUntrusted(str(error)) from error
    for name in digests:
        if Path(name).suffix in _TYPES:
            files["/" if name == "index.html" else f"/{name}"] = _page_file(folder, name, digests)
    return files


def _page_file(folder: Path, name: str, digests: Mapping[str, str]) -> PublicFile:
    body = read(folder / name, MAX_PAGE_FILE_BYTES)
    if digest(body) != digests[name]:
        raise PageUntrusted(f"{name} is not the file that was signed")
    compressed = {}
    for coding, ending in (("br", ".br"), ("gzip", ".gz")):
        path = folder / (name + ending)
        if not path.exists() or (coding == "br" and path.name not in digests and Path(name).suffix not in _COMPARED):
            continue
        compressed[coding] = read(path, MAX_PAGE_FILE_BYTES)
        if digests.get(path.name, digest(compressed[coding])) != digest(compressed[coding]):
            raise PageUntrusted(f"{path.name} is not the file that was signed")
    if "gzip" in compressed and gunzipped(compressed["gzip"], MAX_PAGE_FILE_BYTES) != body:
        raise PageUntrusted(f"{name}.gz does not unpack to {name}")
    return PublicFile(_TYPES[Path(name).suffix], body, compressed)


def take_list(shelf: Shelf, text: bytes, signature: str, root: PublicKey, floor: int) -> KeyList:
    """Keep a signed list; the same list again changes nothing. Raises ListRefused.

    A sequence that is held has one text forever, and no list below the highest one held is taken any more.
    """
    try:
        key_list = read_key_list(text, signature, root, floor=floor)
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

    def __init__(self, shelf: Shelf, root: PublicKey, floor: int) -> None:
        self._shelf = shelf
        self._root = root
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
            self._read[held.sequence] = read_key_list(held.text, held.signature, self._root, floor=self._floor)
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
