# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys hand-on`: an old root names a new one, and both sign it."""

from dataclasses import replace
from pathlib import Path

import click

from crypto.handedon import HandedOn, write_handed_on
from crypto.signature import Namespace, SigningKey, sign
from desk.asking import VOICE, ShareSource, begin, hand_out, tell_sheets, with_shares
from desk.ceremony import share_sheets
from desk.ceremony_errors import SigningRefused
from desk.folders import public_files, refuse_there, write_folder
from desk.keys_people_cli import today
from desk.keys_root_cli import NO_PDF, ROOT, print_card
from desk.keys_sign_cli import agreed, read_list, refuse_sheets, tell
from desk.rootfile import RootFacts, last_list_known, last_page_known, read_root, root_files
from desk.sheets import grouped
from intake.files import write_new
from intake.statements import ENDINGS


@click.command("hand-on")
@ROOT
@click.option(
    "--to", "new_folder", type=click.Path(path_type=Path), required=True, help="Folder to make for the new root."
)
@NO_PDF
@with_shares
def hand_on(folder: Path, new_folder: Path, no_pdf: bool, shares: ShareSource) -> None:
    """Make a new root, and have the old one sign that it is the next: for when the keepers change altogether.

    Two keepers of the old root type their shares once; the new root is split into three sheets like any other. Both
    sign a statement that names the new root, and the key list and page from which on it signs. After this the old
    root signs nothing more. Then `underseal keys sign --dir NEW --after LAST` signs the weeks that are left, and
    members need new cards.

    \b
    Example:
      underseal keys hand-on --dir root --to root-2
    """
    facts = read_root(folder)
    office = facts.office
    refuse_sheets(folder, office)
    refuse_there(new_folder)
    begin(throwaway=office.throwaway, shares=shares)
    path = last_list_known(folder)
    if path is None:
        raise SigningRefused("this root has signed no list yet: make another one, and hand out its cards")
    last = read_list(path, facts.roots)
    new = SigningKey.generate()
    number = last_page_known(folder, facts) + 1
    statement = HandedOn(office.office, office.root, new.public, today(), last.sequence + 1, number)
    tell(
        [
            ("office", office.office),
            ("old root", grouped(office.root.fingerprint)),
            ("new root", grouped(new.public.fingerprint)),
            ("lists", f"from sequence {statement.sequence} on, the new root signs"),
            ("pages", f"from number {statement.page} on"),
        ]
    )
    successor = replace(office, root=new.public, floor=statement.sequence)
    sheets = hand_out(share_sheets(successor, new, today()), no_pdf=no_pdf)
    text = write_handed_on(statement)
    name = f"handed-on-{statement.sequence:06}.txt"
    signatures = [sign(text, root, Namespace.ROOT).encode("ascii") for root in (agreed(office, shares), new)]
    files = {name: text, **{name + ending: data for ending, data in zip(ENDINGS, signatures, strict=True)}}
    made = RootFacts(successor, facts.slots, {**facts.handed, **files})
    write_folder(new_folder, {**public_files(root_files(made)), **sheets})
    for each, data in files.items():
        write_new(folder / each, data, 0o644)
    VOICE.say(f"the root was handed on; the folder of the new one is {new_folder}")
    tell_sheets(new_folder, sheets)
    VOICE.hint(f"underseal keys sign --dir {new_folder} --after LAST --from TODAY --weeks LEFT; then new cards")
    print_card(successor.office, successor.root.fingerprint)
