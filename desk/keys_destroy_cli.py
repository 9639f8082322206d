# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys destroy-weeks`: a week's keys destroyed on a holder's own machine."""

from pathlib import Path

import click

from crypto.errors import Untrusted
from crypto.signature import SIGNATURE_CHARACTERS, Namespace, verify
from desk.asking import VOICE, begin
from desk.destroy_cli import DRY_RUN, agree, shown_plans, tell_record
from desk.destruction import destroy, record_text
from desk.errors import ReceivedRefused
from desk.keys_people_cli import today
from desk.passphrase import Passphrases
from desk.received import MAX_RECEIVED_BYTES, VALID_DAYS, Received, may_go_until, read_received
from desk.secretfiles import open_ours
from desk.settings import Published, read_published
from intake import files
from intake.console import one_line

_PATH = click.Path(path_type=Path)


@click.command("destroy-weeks")
@click.argument("holders", type=_PATH, nargs=-1, required=True, metavar="FILE...")
@click.option("--received", "text", type=_PATH, required=True, help="The desk's received.txt; its .sig beside it.")
@click.option("--office", "public", type=_PATH, required=True, help="The public folder signed with these keys.")
@click.option("--by", required=True, help="Your name, for the record.")
@DRY_RUN
@click.option("--passphrase-file", type=_PATH, help="One passphrase for all (throwaway only).")
def keys_destroy(
    holders: tuple[Path, ...], text: Path, public: Path, by: str, dry_run: bool, passphrase_file: Path | None
) -> None:
    """Destroy the keys of weeks that are over and received, on a holder's own machine.

    FILE is holder-NAME.age; give every copy. The desk says with received.txt which weeks may go. The record is
    printed, and written beside each file.

    \b
    Example:
      underseal keys destroy-weeks counsel-keys/holder-counsel.age --received received.txt \\
          --office public --by "C. Counsel"
    """
    published = read_published(public)
    begin(throwaway=published.office.throwaway, passphrase_file=passphrase_file)
    received = _verified(text, published)
    VOICE.say(f"root, as on the card: {published.office.root.in_groups}")
    passphrases = Passphrases(passphrase_file, published.office.throwaway)
    opened = [open_ours(path, passphrases, published, public) for path in holders]
    until = min(received.until, may_go_until(received.before, published.office.collect_days, today()))
    plans = shown_plans(opened, until, VOICE)
    if dry_run or not plans:
        return
    agree(plans, passphrase_file)
    for each in plans:
        record = record_text(each, office=received.office, today=today(), by=one_line(by), before=received.before)
        tell_record(record, destroy(each, record, lambda _: None), VOICE)


def _verified(path: Path, published: Published) -> Received:
    """Return what the desk signed. Raises ReceivedRefused, FileMissing."""
    data = files.read(path, MAX_RECEIVED_BYTES)
    signature = files.read(path.with_name(path.name + ".sig"), SIGNATURE_CHARACTERS).decode("ascii", "replace")
    try:
        verify(data, signature, published.lists[0].desk, Namespace.RECEIVED)
        received = read_received(data)
    except Untrusted:
        raise ReceivedRefused(path.name, "the desk of this office has not signed it") from None
    except ValueError as error:
        raise ReceivedRefused(path.name, str(error)) from None
    age = (today() - received.signed).days
    if received.office != published.office.office or not 0 <= age <= VALID_DAYS:
        raise ReceivedRefused(path.name, f"it is of {received.signed}; it holds for {VALID_DAYS} days, for its office")
    return received
