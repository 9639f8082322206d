# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal desk`: set up, receive, retry, verify. All other verbs stand in the modules that VERBS names."""

import contextlib
import functools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import click

from desk import (
    backup_cli,
    clocks_cli,
    custody_cli,
    destroy_cli,
    junk_cli,
    keeping_cli,
    people_cli,
    reading_cli,
    renew_cli,
    review_cli,
    roles,
    train_cli,
    work_cli,
)
from desk.backup import end_of
from desk.errors import (
    DeskKeyDiffers,
    FileUnopened,
    FingerprintDiffers,
    OneOrTheOther,
    StickMissing,
    VerifyFailed,
)
from desk.filing import Judge, Opener, Outcome
from desk.offline import refuse_network
from desk.passphrase import Passphrases
from desk.reading import list_asides
from desk.receive import (
    RECEIVED_BEFORE,
    Examined,
    Place,
    acknowledge,
    examine,
    file_bundle,
    file_one,
    filed_envelopes,
    known_bundles,
    read_letter_file,
    retry_kept,
    tally,
)
from desk.secretfiles import open_identities, open_signing_key
from desk.session import FOLDER_VARIABLE, VOICE, Desk, Where, tell_ending, today, with_desk
from desk.settings import Settings, gather_settings, read_published
from desk.showing import missing
from desk.traces import leave_no_traces
from desk.vault import Vault, check_empty, make_vault
from desk.verify import SHOWN, rebuild_tables, verify_vault
from intake import files
from intake.console import PassphraseFileRefused

CARD_CHARACTERS = 8  # of the 43 on the card: 48 bits


@click.group()
def desk() -> None:
    """Receive, read, tag and summarize. Use a computer that is never online."""


VERBS = (
    *reading_cli.VERBS,
    *review_cli.VERBS,
    *junk_cli.VERBS,
    *work_cli.VERBS,
    *custody_cli.VERBS,
    *people_cli.VERBS,
    *keeping_cli.VERBS,
    *backup_cli.VERBS,
    *destroy_cli.VERBS,
    *clocks_cli.VERBS,
    renew_cli.renew,
    train_cli.train,
)
for verb in VERBS:
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
    reviewer = people_cli.checked_name(reviewer)
    settings = gather_settings(read_published(public), portal_key, holder, identity)
    if not settings.office.throwaway:
        refuse_network()
    if passphrase_file is not None and not settings.office.throwaway:
        raise PassphraseFileRefused
    passphrases = Passphrases(passphrase_file, settings.office.throwaway)
    _compare_with_card(settings)
    key = open_signing_key(desk_key, passphrases)
    if key.public != settings.desk:
        raise DeskKeyDiffers(desk_key.name)
    first = roles.written(roles.FIRST)
    made = make_vault(folder, passphrases.new("of the vault"), settings, key, reviewer, first, today())
    if settings.office.throwaway:
        VOICE.say("THROWAWAY OFFICE: this vault is weak on purpose and protects nobody")
    VOICE.say(f"made a vault in {folder}; {reviewer} signs as {made.fingerprint}")
    VOICE.say(f"{reviewer} is {', '.join(roles.FIRST)}; underseal desk join lets others in, each with fewer roles")
    VOICE.hint("underseal desk receive BUNDLE files what the courier brought")


def _compare_with_card(settings: Settings) -> None:
    """Show whose office this is, and let the person compare the root with the card before anything trusts it."""
    root = settings.office.root.fingerprint
    VOICE.say(f"root, as on the card: {settings.office.root.in_groups}")
    VOICE.say(f"portal, as portal init showed it: {settings.portal.in_groups}")
    if settings.office.throwaway:
        return
    typed: str = click.prompt(f"the last {CARD_CHARACTERS} characters of the root fingerprint on the card", err=True)
    if typed.replace(" ", "") != root[-CARD_CHARACTERS:]:
        raise FingerprintDiffers


HOLDER = click.option(
    "--holder",
    "holders",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A holder's weekly identities; repeat it for several batches  [as given at init and renew]",
)


@desk.command()
@click.argument("bundles", type=click.Path(path_type=Path), nargs=-1)
@click.option("--file", "letter", type=click.Path(path_type=Path), help="One sealed file, handed in without a bundle.")
@click.option("--outgoing", type=click.Path(path_type=Path), help="Folder on the stick for the acknowledgement.")
@HOLDER
@click.option("--all-junk", is_flag=True, help="Acknowledge a bundle even if none of it opens.")
@with_desk
def receive(
    where: Where,
    bundles: tuple[Path, ...],
    letter: Path | None,
    outgoing: Path | None,
    holders: tuple[Path, ...],
    all_junk: bool,
) -> None:
    """Open bundles, or one sealed file, and file their reports.

    A bundle is verified whole before anything is stored, and acknowledged after everything is.
    A bad envelope is set aside and stops nothing. Running it again is harmless.

    \b
    Example:
      underseal desk receive stick/pull-000007.bundle --outgoing stick/outgoing
      underseal desk receive --file stick/letter.age
    """
    if bool(bundles) == bool(letter) or (letter and (outgoing or all_junk)):
        raise OneOrTheOther
    if letter is not None:
        _receive_letter(where, letter, holders)
        return
    if outgoing is not None and not outgoing.parent.is_dir():
        raise StickMissing(outgoing.parent.name)
    with where.open() as here, contextlib.ExitStack() as open_files:
        judge = functools.cache(lambda: _judge(here, holders))  # asks for passphrases, once and only if needed
        for file in [open_files.enter_context(files.opened(path)) for path in sorted(bundles)]:
            _receive_one(here.vault, file, outgoing, judge, all_junk)
        if outgoing is None:
            VOICE.hint("no acknowledgement was written: run again with --outgoing, so that the portal can delete")
        tell_ending(here.vault)


def _receive_one(
    vault: Vault, file: BinaryIO, outgoing: Path | None, judge: Callable[[], Judge], all_junk: bool
) -> None:
    found = examine(file, vault.settings, known_bundles(vault), vault.day)
    _say_found(found)
    if _has_work(vault, found):
        filing = file_bundle(vault, file, found, judge(), all_junk=all_junk)
        _say_outcomes(Counter(VOICE.counted(filing, len(found.manifest.envelopes), "envelopes")))
    if outgoing is not None:
        VOICE.say(f"acknowledgement for the courier: {acknowledge(vault, found, outgoing)}")


def _receive_letter(where: Where, path: Path, holders: tuple[Path, ...]) -> None:
    with where.open() as here:
        envelope = read_letter_file(path, here.vault.settings.slots)
        outcome = file_one(here.vault, envelope, _judge(here, holders))
        tell_ending(here.vault)
        if outcome is Outcome.UNOPENED:
            raise FileUnopened(path.name)
        _say_outcomes(Counter([outcome]))


@desk.command()
@HOLDER
@with_desk
def retry(where: Where, holders: tuple[Path, ...]) -> None:
    """Try again what was set aside.

    With another holder's file, or after this program was replaced by a newer one.

    \b
    Example:
      underseal desk retry --holder holder-custodian-spring.age
    """
    with where.open() as here:
        count = len(list_asides(here.vault))
        tried = retry_kept(here.vault, _judge(here, holders))
        _say_outcomes(Counter(VOICE.counted(tried, count, "envelopes")))


def _has_work(vault: Vault, found: Examined) -> bool:
    """Return whether a bundle holds anything that is not filed: one received before may, if something was set aside."""
    if found.place not in RECEIVED_BEFORE:
        return True
    return not {name for name, _ in found.manifest.envelopes} <= filed_envelopes(vault)


def _judge(here: Desk, holders: tuple[Path, ...]) -> Judge:
    roles.refuse_unless(here.vault, roles.Act.RECEIVE)
    settings = here.vault.settings
    identities = [
        identity for path in holders or settings.holders for identity in open_identities(path, here.passphrases)
    ]
    return Judge(Opener(identities, settings.slots), settings)


def _say_found(found: Examined) -> None:
    number, count = found.manifest.pull, len(found.manifest.envelopes)
    VOICE.say(f"bundle number {number}, with {count} envelopes, signed by our portal")
    if found.place is Place.AFTER_GAP:
        gap = missing(found.missing_from or 1, number)
        VOICE.say(f"gap: bundle {gap} never came here; the portal keeps what this desk has not signed for")
        VOICE.hint("ask the courier where that stick is; its envelopes come again with a later bundle")
    elif found.place is Place.FROM_GAP:
        VOICE.say("this is the bundle that was missing")
    elif found.place in RECEIVED_BEFORE:
        which = "the last bundle" if found.place is Place.LAST_AGAIN else "an earlier bundle"
        VOICE.say(f"{which}, received already: only what was set aside is tried again")


def _say_outcomes(outcomes: Counter[Outcome]) -> None:
    VOICE.say(tally(outcomes))
    if outcomes[Outcome.UNOPENED]:
        VOICE.hint("underseal desk retry --holder FILE tries them with other identities, while those exist")
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
            VOICE.answer(f"{reviewer}: {head.number} events, the last {head.digest}")
        end = end_of({name: (head.number, head.digest or "") for name, head in checked.heads.items()})
        VOICE.answer(f"the whole: {len(checked.events)} events, ending with {end}")
        VOICE.say(f"{len(checked.events)} events hold together, and everything they name")
        VOICE.hint(f"write down the first {SHOWN} digits of the last line: they show later that nothing was cut off")
