# SPDX-License-Identifier: AGPL-3.0-or-later
"""A signed page in one piece, as a courier brings it and a portal keeps it (FORMAT.md 9).

SHA256SUMS, the root's signature over it, and each file that it names: its length in digits, a line end, its bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crypto.errors import CryptoError
from crypto.primitives import digest
from crypto.signature import SIGNATURE_CHARACTERS, Namespace, PublicKey, verify
from intake.errors import Exit, UndersealError
from intake.files import read
from intake.limits import KIB, MIB
from intake.office import Office, office_of_page
from intake.page import INDEX, SUMS, SumsRefused, page_number, read_sums

SIGNATURE = SUMS + ".sig"
MAX_SUMS_BYTES = 16 * KIB
MAX_FILE_BYTES = 4 * MIB
MAX_FILES = 20
MAX_PAGE_BYTES = 8 * MIB  # the whole; a page with its kit has about one
_SIGNATURE_START = b"-----BEGIN SSH SIGNATURE-----\n"
_SIGNATURE_END = b"-----END SSH SIGNATURE-----\n"
_DIGITS = 7  # of MAX_FILE_BYTES


class PageUntrusted(UndersealError):
    """the page's files are refused: {}"""

    exit_code = Exit.UNTRUSTED


@dataclass(frozen=True, slots=True)
class SignedPage:
    """A page that an office's root has signed: its number, the office it carries, and its files by name."""

    sums: bytes
    signature: str
    number: int
    office: Office
    files: Mapping[str, bytes]

    @property
    def whole(self) -> bytes:
        """The page in one piece."""
        pieces = (b"%d\n%b" % (len(self.files[name]), self.files[name]) for name in read_sums(self.sums))
        return self.sums + self.signature.encode("ascii") + b"".join(pieces)

    def check_follows(self, before: "SignedPage") -> None:
        """Raise PageUntrusted unless this page may take the place of another: it is newer, or the same."""
        if self.number < before.number or self.office.floor < before.office.floor:
            raise PageUntrusted(f"page {self.number} is older than page {before.number}")
        if self.number == before.number and self.sums != before.sums:
            raise PageUntrusted(f"there is another page with the number {self.number}")


def read_page_folder(folder: Path, root: PublicKey, *, follow: bool = True) -> SignedPage:
    """Return the signed page in a folder; what SHA256SUMS does not name stays there. Raises PageUntrusted, FileMissing.

    follow  as in intake.files: on a stick a link is no file
    """
    sums = read(folder / SUMS, MAX_SUMS_BYTES, follow=follow)
    signature = read(folder / SIGNATURE, SIGNATURE_CHARACTERS, follow=follow).decode("ascii", "replace")
    names = _named(sums, signature, root)
    return _checked(sums, signature, root, {name: read(folder / name, MAX_FILE_BYTES, follow=follow) for name in names})


def read_page(data: bytes, root: PublicKey) -> SignedPage:
    """Return the page of one piece. Raises PageUntrusted unless the root has signed every byte of it."""
    start, stop = data.find(_SIGNATURE_START), data.find(_SIGNATURE_END)
    if not 0 <= start < stop or start > MAX_SUMS_BYTES or len(data) > MAX_PAGE_BYTES:
        raise PageUntrusted("it is no page in one piece")
    stop += len(_SIGNATURE_END)
    sums, signature = data[:start], data[start:stop].decode("ascii", "replace")
    files = {}
    for name in _named(sums, signature, root):
        end = data.find(b"\n", stop, stop + _DIGITS + 1)
        digits = data[stop : max(end, stop)]
        if not digits.isdigit() or int(digits) > MAX_FILE_BYTES:
            raise PageUntrusted(f"{name} is missing")
        stop = end + 1 + int(digits)
        files[name] = data[end + 1 : stop]
    page = _checked(sums, signature, root, files)
    if page.whole != data:
        raise PageUntrusted("more stands in it than a page")
    return page


def _named(sums: bytes, signature: str, root: PublicKey) -> list[str]:
    """Return the names in SHA256SUMS, once the root's signature over it is verified."""
    try:
        verify(sums, signature, root, Namespace.PAGE)
    except CryptoError as error:
        raise PageUntrusted(f"{SUMS} is not signed by this office's root") from error
    try:
        names = list(read_sums(sums))
    except SumsRefused as error:
        raise PageUntrusted(str(error)) from error
    if len(names) > MAX_FILES:
        raise PageUntrusted(f"{SUMS} names more than {MAX_FILES} files")
    return names


def _checked(sums: bytes, signature: str, root: PublicKey, files: Mapping[str, bytes]) -> SignedPage:
    for name, value in read_sums(sums).items():
        if digest(files[name]) != value:
            raise PageUntrusted(f"{name} is not the file that was signed")
    try:
        office = office_of_page(files[INDEX])
    except UndersealError as error:
        raise PageUntrusted(f"{INDEX} carries no office's data") from error
    if office.root != root:
        raise PageUntrusted(f"{INDEX} names another root")
    return SignedPage(sums, signature, page_number(sums), office, files)
