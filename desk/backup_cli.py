# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs backup and restore."""

import functools
from collections.abc import Iterator
from pathlib import Path

import click

from desk import backup as copies
from desk.offline import refuse_network
from desk.passphrase import Passphrases
from desk.roles import Act
from desk.secretfiles import open_identities
from desk.session import FOLDER_VARIABLE, VOICE, Where, today, typed, unasked, with_desk
from desk.traces import leave_no_traces
from desk.vaultfile import read_vault_file
from desk.verify import SHOWN
from intake import files

_PATH = click.Path(path_type=Path)


def _watched(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    return VOICE.counted(pieces, max(count, 1), "pieces")


@click.command()
@click.argument("out", type=_PATH)
@with_desk
def backup(where: Where, out: Path) -> None:
    """Write a sealed copy of the vault, for another place.

    It is sealed to the custodian and to counsel; either key gives it back. Keep it on a stick, away from the desk.

    \b
    Example:
      underseal desk backup stick/desk-2031-05-06.age
    """
    with where.open(Act.COPY) as here:
        about = copies.backup(here.vault, where.folder, out, _watched)
    VOICE.say(f"a copy with {about.events} events, up to bundle {about.last_pull}, is in {out}")
    VOICE.say(f"it ends with {about.end[:SHOWN]}")
    VOICE.hint("write these digits down, away from the desk: restore --expect takes no older copy for this one")


@click.command()
@click.argument("copy", type=_PATH)
@click.option(
    "--dir", "folder", type=_PATH, envvar=FOLDER_VARIABLE, show_envvar=True, required=True, help="Folder to make."
)
@click.option("--identity", type=_PATH, required=True, help="custodian.age, or counsel's.")
@click.option("--expect", metavar="DIGITS", help="The digits that backup or verify showed for the whole.")
@click.option("--passphrase-file", type=_PATH, help="One passphrase for everything (throwaway only).")
def restore(copy: Path, folder: Path, identity: Path, expect: str | None, passphrase_file: Path | None) -> None:
    """Make a vault again from a sealed copy, in a new folder.

    It asks for the passphrase of one person of this vault: with it, what the copy says of itself is checked.
    What was done after the copy is lost with the old vault: the copy says where it ends, and asks before it goes back.

    \b
    Example:
      underseal desk restore stick/desk-2031-05-06.age --dir desk --identity custodian.age --expect 77c1a2b3
    """
    leave_no_traces()
    if passphrase_file is None:
        refuse_network()
    passphrases = Passphrases(passphrase_file, passphrase_file is not None)
    identities = open_identities(identity, passphrases)
    with files.opened(copy) as file:
        opened = copies.open_copy(file, identities, identity.name)
        about = opened.about
        VOICE.say(f"a copy of {about.day}: {about.events} events, bundles up to {about.last_pull}")
        VOICE.say("whatever was done or received after that is not in it; the portal has deleted what was acknowledged")
        if expect is not None:
            copies.refuse_if_older(about, expect)
        elif not unasked(passphrase_file):
            typed(about.day, "to go back to it")
        header = read_vault_file(about.vault_json.encode("ascii"))
        own = Passphrases(passphrase_file, header.throwaway)
        copies.restore(opened, folder, functools.partial(own.opened, "of yours, for the vault"), today())
    VOICE.say(f"the vault is in {folder}; each person's passphrase opens it as before")
    VOICE.hint("underseal desk verify, now; then receive every bundle that is still on a stick")


VERBS = (backup, restore)
