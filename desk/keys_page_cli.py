# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys`, for a new release of the page between two signings of lists: page, sign-page."""

from pathlib import Path

import click

from crypto.handedon import Roots
from crypto.signature import Namespace, sign
from desk.asking import VOICE, ShareSource, begin, with_shares
from desk.ceremony_errors import PageDiffers
from desk.describe import page_rows
from desk.folders import public_files, write_folder
from desk.keys_root_cli import ROOT
from desk.keys_sign_cli import agreed, refuse_sheets, tell
from desk.kit import check_newest, covered_days, lists_of_kit
from desk.pagefolder import check_digests, check_release, office_page, read_lists, read_page_folder
from desk.rootfile import OFFICE, last_page_known, read_root
from intake.files import FileThere, read, write_new
from intake.limits import OFFICE_MAX_BYTES
from intake.office import read_office
from intake.page import KIT, MAX_PAGE_NUMBER, SUMS, built_page, page_number
from intake.signedpage import MAX_SUMS_BYTES, SIGNATURE

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--office", "public", type=_PATH, required=True, help="The last signed public folder of the office.")
@click.option("--to", "folder", type=_PATH, required=True, help="Folder to make.")
@click.option(
    "--number", type=click.IntRange(1, MAX_PAGE_NUMBER), help="Of this page  [default: one above the folder's page]"
)
def page(public: Path, folder: Path, number: int | None) -> None:
    """Make the page of an office, and its kit, from the release that is installed here, to be signed.

    The office's data and the key lists that the kit carries are those of the public folder. No two pages of an
    office have the same number, and nobody takes one with a lower number than the last.

    \b
    Example:
      underseal keys page --office root/signed-000001/public --to page-2
    """
    office = read_office(read(public / OFFICE, OFFICE_MAX_BYTES))
    chosen = number or page_number(read(public / "page" / SUMS, MAX_SUMS_BYTES)) + 1
    files = office_page(built_page(), office, read_lists(public, Roots(office.root)), chosen)
    write_folder(folder, public_files(files))
    VOICE.say(f"made page {chosen} of {office.office} in {folder}, not signed yet")
    VOICE.hint(f"underseal keys sign-page {folder} --dir ROOT")


@click.command("sign-page")
@click.argument("page_folder", type=_PATH)
@ROOT
@with_shares
def sign_page(page_folder: Path, folder: Path, shares: ShareSource) -> None:
    """Sign the digests of a page's files: the release signature.

    First every digest is checked, and every file compared with what the release installed here makes for this
    office: what is signed is what this program is. A kit with keys that a later list of this root's folder replaces
    is refused, and so is a page whose number was used. The root's folder keeps the digests, as page-NUMBER.

    \b
    Example:
      underseal keys sign-page page-2 --dir root
    """
    facts = read_root(folder)
    office = facts.office
    refuse_sheets(folder, office)
    begin(throwaway=office.throwaway, shares=shares)
    if (page_folder / SIGNATURE).exists():
        raise FileThere(SIGNATURE)
    files = read_page_folder(page_folder)
    check_digests(files)
    check_release(files, built_page(), office)
    number, last = page_number(files[SUMS]), last_page_known(folder, facts)
    if number <= last:
        raise PageDiffers(f"page {last} was signed before: make this one with --number {last + 1}")
    lists = lists_of_kit(files[KIT], office)
    known = [each for signed in folder.glob("signed-*") for each in read_lists(signed / "public", facts.roots)]
    check_newest(lists, known)
    first, end = covered_days(lists)
    kit = f"has keys for {first} to {end}, of lists {lists[0].says.sequence} to {lists[-1].says.sequence}"
    tell([("office", office.office), *page_rows(files[SUMS]), ("kit", kit)])
    signature = sign(files[SUMS], agreed(office, shares), Namespace.PAGE).encode("ascii")
    write_folder(folder / f"page-{number:06}", public_files({SUMS: files[SUMS], SIGNATURE: signature}))
    write_new(page_folder / SIGNATURE, signature, 0o644)
    VOICE.say(f"signed {SUMS}; carry {page_folder} to the courier, in a folder of the name page")
