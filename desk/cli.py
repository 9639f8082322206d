# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal desk`: set up, receive, verify. The verbs for reports stand in reading_cli.py and review_cli.py."""

from collections import Counter
from pathlib import Path

import click

from crypto.secret.identity import HybridIdentity
from desk import reading_cli, review_cli
from desk.errors import DeskKeyDiffers, NameRefused, VerifyFailed
from desk.filing import Judge, Opener, Outcome
from desk.offline import refuse_network
from desk.passphrase import Passphrases
from desk.receive import Examined, Place, acknowledge, examine, file_bundle, known_bundles, tally
from desk.secretfiles import open_identities, open_signing_key
from desk.session import FOLDER_VARIABLE, VOICE, Desk, Where, leave_no_traces, today, with_desk
from desk.settings import gather_settings
from desk.showing import missing
from desk.vault import check_empty, make_vault
from desk.verify import SHOWN, rebuild_tables, verify_vault
from intake import files
from intake.console import one_line

MAX_NAME_CHARACTERS = 80


@click.group()
def desk() -> None:
    """Receive, read, tag and summarize. Use a computer that is never online."""


for verb in (*reading_cli.VERBS, *review_cli.VERBS):
    desk.add_command(verb)


@desk.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    envvar=FOLDER_VARIABLE,
    show_envvar=True,
    required=True,
    help="Folder to make for the vault.",
)
@click.option(
    "--office", "public", type=click.Path(path_type=Path), required=True, help="The ceremony's folder public."
)
@click.option("--portal-key", type=click.Path(path_type=Path), required=True, help="portal.pub, from the portal.")
@click.option("--desk-key", type=click.Path(path_type=Path), required=True, help="desk.age, from the ceremony.")
@click.option("--holder", type=click.Path(path_type=Path), required=True, help="A holder's weekly identities.")
@click.option("--identity", type=click.Path(path_type=Path), help="The key for raw words  [custodian.age beside those]")
@click.option("--reviewer", required=True, help="Your name, as the log will have it.")
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="One passphrase for all (throwaway only).")
def init(
    folder: Path,
    public: Path,
    portal_key: Path,
    desk_key: Path,
    holder: Path,
    identity: Path | None,
    reviewer: str,
    passphrase_file: Path | None,
) -> None:
    """Make the vault of an office.

    The reviewer's signing key is made inside it.

    \b
    Example:
      underseal desk init --dir desk --office office/public --portal-key portal.pub \\
          --desk-key office/secret/desk.age --holder office/secret/holder-custodian.age \\
          --reviewer "A. Reviewer"
    """
    leave_no_traces()
    check_empty(folder)
    if not 1 <= len(reviewer.strip()) <= MAX_NAME_CHARACTERS or one_line(reviewer) != reviewer:
        raise NameRefused
    settings = gather_settings(public, portal_key, holder, identity)
    if not settings.office.throwaway:
        refuse_network()
    passphrases = Passphrases(passphrase_file, settings.office.throwaway)
    key = open_signing_key(desk_key, passphrases)
    if key.public != settings.desk:
        raise DeskKeyDiffers(desk_key.name)
    made = make_vault(folder, passphrases.new("of the vault"), settings, key, reviewer, today())
    if settings.office.throwaway:
        VOICE.say("THROWAWAY OFFICE: this vault is weak on purpose and protects nobody")
    VOICE.say(f"made a vault in {folder}; {reviewer} signs as {made.fingerprint}")
    VOICE.hint("underseal desk receive BUNDLE files what the courier brought")


@desk.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--outgoing", type=click.Path(path_type=Path), help="Folder on the stick for the acknowledgement.")
@click.option("--holder", type=click.Path(path_type=Path), help="A holder's weekly identities  [as given at init]")
@with_desk
def receive(where: Where, bundle: Path, outgoing: Path | None, holder: Path | None) -> None:
    """Open a bundle and file its reports.

    The bundle is verified whole before anything is stored, and acknowledged after everything is.
    A bad envelope is set aside and stops nothing. Running it again is harmless.

    \b
    Example:
      underseal desk receive stick/pull-000007.bundle --outgoing stick/outgoing
    """
    with where.open() as here, files.opened(bundle) as file:
        vault = here.vault
        found = examine(file, vault.settings, known_bundles(vault))
        _say_found(found)
        if found.place in (Place.NEXT, Place.AFTER_GAP):
            opener = Opener(_identities(here, holder), vault.settings.slots)
            filing = file_bundle(vault, file, found, Judge(opener, vault.settings))
            outcomes = Counter(VOICE.counted(filing, len(found.manifest.envelopes), "envelopes"))
            VOICE.say(tally(outcomes))
            _say_next(outcomes)
        if outgoing is None:
            VOICE.hint("no acknowledgement was written: run again with --outgoing, so that the portal can delete")
        else:
            VOICE.say(f"acknowledgement for the courier: {acknowledge(vault, found, outgoing)}")


def _identities(here: Desk, holder: Path | None) -> tuple[HybridIdentity, ...]:
    return open_identities(holder or here.vault.settings.holder, here.passphrases)


def _say_found(found: Examined) -> None:
    number, count = found.manifest.pull, len(found.manifest.envelopes)
    VOICE.say(f"bundle {number} of {count} envelopes, signed by our portal")
    if found.place is Place.AFTER_GAP:
        gap = missing(found.missing_from or 1, number)
        VOICE.say(f"gap: bundle {gap} never came here; the portal keeps what this desk has not signed for")
        VOICE.hint("ask the courier where that stick is; its envelopes come again with a later bundle")
    elif found.place is Place.LAST_AGAIN:
        VOICE.say("received already: nothing changed")
    elif found.place is Place.EARLIER_AGAIN:
        VOICE.say("an earlier bundle, received already: nothing changed")


def _say_next(outcomes: Counter[Outcome]) -> None:
    if outcomes[Outcome.SET_ASIDE]:
        VOICE.hint("underseal desk set-aside names what could not be filed")
    if outcomes[Outcome.FILED]:
        VOICE.hint("underseal desk list --status new shows what is new")


@desk.command()
@click.option("--rebuild", is_flag=True, help="Make the tables anew, where only they are wrong.")
@with_desk
def verify(where: Where, rebuild: bool) -> None:
    """Recompute everything in the vault.

    Every chain, signature, digest and table; the first bad event is named, and the exit code is 4.

    \b
    Example:
      underseal desk verify
    """
    with where.open() as here:
        checked = verify_vault(here.vault)
        if rebuild and checked.faults and all(fault.startswith("table ") for fault in checked.faults):
            rebuild_tables(here.vault, checked)
            VOICE.say(f"{len(checked.faults)} tables were made anew from the log")
            checked = verify_vault(here.vault)
        for fault in checked.faults[1:]:
            VOICE.say(fault)
        if checked.faults:
            raise VerifyFailed(checked.faults[0])
        for reviewer, head in checked.heads.items():
            VOICE.answer(f"{reviewer} {head.number} {head.digest}")
        VOICE.say(f"{len(checked.events)} events hold together, and everything they name")
        VOICE.hint(f"write down the first {SHOWN} digits of the last digest: it shows later that nothing was cut off")
