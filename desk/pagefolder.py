# SPDX-License-Identifier: AGPL-3.0-or-later
"""The files of one office's page; a folder of them, checked against its digests and the release installed here."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import brotli

from crypto.handedon import Roots
from crypto.keylist import MAX_LIST_BYTES
from crypto.primitives import digest
from desk.ceremony_errors import PageDiffers
from desk.kit import SignedList, kit_of, lists_of_kit, signed_lists_among
from intake.errors import UndersealError
from intake.files import read
from intake.office import Office, office_of_page, render_page
from intake.page import INDEX, INDEX_BR, KIT, SUMS, BuiltPage, SumsRefused, page_number, read_sums, write_sums
from intake.signedpage import MAX_FILE_BYTES, SIGNATURE

_MAX_FILES = 100


def office_page(built: BuiltPage, office: Office, lists: Sequence[SignedList], number: int) -> dict[str, bytes]:
    """Return the files of one office's page by name: page, kit, script, style, icon, brotli forms, SHA256SUMS.

    lists   what the kit carries. Raises PageDiffers when they leave a week out
    number  of this page among all that the root signs
    """
    files = {**online_files(built, office), KIT: kit_of(built, office, lists)}
    return {**files, SUMS: sums_of(files, number)}


def online_files(built: BuiltPage, office: Office) -> dict[str, bytes]:
    """Return the files that an officer's visit needs: those of `office_page` that no key list changes."""
    index = render_page(built.page, office)
    return {INDEX: index, INDEX_BR: brotli.compress(index, quality=11), **built.files}


def sums_of(files: Mapping[str, bytes], number: int) -> bytes:
    """Return SHA256SUMS of all files: what is not named there is served by no portal."""
    return write_sums(number, {name: digest(data) for name, data in files.items()})


def read_page_folder(folder: Path) -> dict[str, bytes]:
    """Return the folder's files by name. Raises FileMissing, or PageDiffers for one that is no page's folder."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        raise PageDiffers("there is no such folder") from None
    if len(paths) > _MAX_FILES:
        raise PageDiffers("the folder has more files than a page")
    return {path.name: read(path, MAX_FILE_BYTES) for path in paths}


def read_lists(public: Path, roots: Roots) -> list[SignedList]:
    """Return the key lists of a public folder. Raises FileMissing, or CryptoError for one the root did not sign."""
    names = [path.name for path in public.glob("keys-*.txt*")]
    return signed_lists_among({name: read(public / name, MAX_LIST_BYTES) for name in names}, roots)


def check_digests(files: Mapping[str, bytes]) -> None:
    """Raise PageDiffers unless every file of SHA256SUMS is there with its digest, and no other."""
    try:
        named = read_sums(files.get(SUMS, b""))
    except SumsRefused as error:
        raise PageDiffers(str(error)) from error
    for name, value in named.items():
        if digest(files.get(name, b"")) != value:
            raise PageDiffers(f"{name} is missing, or does not have the digest that {SUMS} names")
    stray = sorted(files.keys() - named.keys() - {SUMS, SIGNATURE})
    if stray:
        raise PageDiffers(f"{stray[0]} is not named by {SUMS}")


def check_office(files: Mapping[str, bytes], office: Office) -> None:
    """Raise PageDiffers unless page and kit carry this office's data, and the kit lists that its root has signed."""
    for name in (INDEX, KIT):
        try:
            carried = office_of_page(files.get(name, b""))
        except UndersealError:
            carried = None
        if carried != office:
            raise PageDiffers(f"{name} is missing, or carries the data of another office")
    lists_of_kit(files[KIT], office)


def check_release(files: Mapping[str, bytes], built: BuiltPage, office: Office) -> None:
    """Raise PageDiffers unless the files are exactly those that the installed release makes for this office.

    The key lists are those of the kit, each signed by the office's root.
    """
    expected = office_page(built, office, lists_of_kit(files.get(KIT, b""), office), page_number(files[SUMS]))
    for name in sorted({*files, *expected} - {SIGNATURE}):
        if name not in expected:
            raise PageDiffers(f"{name} is no file of the page")
        if files.get(name) != expected[name]:
            raise PageDiffers(f"{name} is not the file that the release installed here makes for this office")
