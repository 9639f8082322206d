# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys`, on any machine: card, show, verify. They need no secret."""

from pathlib import Path

import click

from crypto.keylist import MAX_LIST_BYTES
from crypto.signature import SIGNATURE_CHARACTERS
from desk.asking import VOICE
from desk.ceremony_errors import NotAsSigned
from desk.describe import describe
from desk.keys_people_cli import today
from desk.keys_root_cli import print_card
from desk.sheets import grouped
from desk.verify_public import verify_public
from intake.checks import HEADS
from intake.console import one_line
from intake.files import FileMissing, read
from intake.limits import OFFICE_MAX_BYTES
from intake.office import Office, read_office

_FOLDER = click.Path(path_type=Path)


@click.command("card")
@click.argument("office_file", type=_FOLDER)
def show_card(office_file: Path) -> None:
    """Print the root fingerprint card of an office again.

    \b
    Example:
      underseal keys card office/public/office.json
    """
    office = read_office(read(office_file, OFFICE_MAX_BYTES))
    print_card(office.office, office.root.fingerprint)


@click.command()
@click.argument("file", type=_FOLDER)
@click.option("--office", "office_file", type=_FOLDER, help="Whose root must have signed it  [office.json nearby]")
def show(file: Path, office_file: Path | None) -> None:
    """Say in words what a public file holds.

    Key lists, public halves, office.json, root.txt, recipients.txt, SHA256SUMS and .pub files; of a share sheet
    its head alone, never a word. What is signed is shown only if its signature holds.

    \b
    Example:
      underseal keys show custodian.holder.txt
      underseal keys show office/public/keys-000001.txt
    """
    data = read(file, MAX_LIST_BYTES)
    signature_file = file.with_name(file.name + ".sig")
    signature = read(signature_file, SIGNATURE_CHARACTERS) if signature_file.exists() else None
    for what, text in describe(file.name, data, _office(file, office_file), signature):
        VOICE.answer(one_line(f"{what:10} {text}".rstrip()))


@click.command()
@click.argument("folder", type=_FOLDER)
def verify(folder: Path) -> None:
    """Check everything in an office's public folder.

    Signatures, sequences, weeks without a gap, the page's digests, and that all files name one root and one desk.
    Compare the root with the card: a folder made by somebody else holds together as well.

    \b
    Example:
      underseal keys verify office/public
    """
    office, checks = verify_public(folder, today())
    VOICE.answer(f"{one_line(office.office)}{' (THROWAWAY: protects nobody)' if office.throwaway else ''}")
    VOICE.answer(f"root {grouped(office.root.fingerprint)}")
    VOICE.table(HEADS, [each.row for each in checks])
    wrong = sum(not each.right for each in checks)
    if wrong:
        raise NotAsSigned(wrong, len(checks))
    VOICE.hint("compare the root with the card, digit for digit")


def _office(file: Path, given: Path | None) -> Office | None:
    """Return the office of --office, or of an office.json beside the file or one folder up; None without one."""
    for path in [given] if given else [file.with_name("office.json"), file.parent.parent / "office.json"]:
        try:
            return read_office(read(path, OFFICE_MAX_BYTES))
        except FileMissing:
            if given:
                raise
    return None
