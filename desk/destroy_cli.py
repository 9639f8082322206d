# SPDX-License-Identifier: AGPL-3.0-or-later
"""The desk's verbs that destroy a week's keys: received-until, destroy-weeks."""

import functools
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import click

from crypto.signature import Namespace, sign
from desk.destruction import Going, destroy, going, record_text, without
from desk.errors import NothingMayGo
from desk.events import Kind
from desk.filing import Judge, Opener
from desk.halves import short
from desk.holds import refuse_while_any
from desk.keymaking import weeks_of
from desk.reading import list_asides, reviewer_name
from desk.receive import retry_kept, tally
from desk.received import Received, letters_before, may_go_until, week_end, write_received
from desk.roles import Act, refuse_unless
from desk.second import Guarded, agreed, use_up
from desk.secretfiles import HolderFile, open_holder
from desk.session import VOICE, Desk, Where, today, typed, unasked, with_desk
from desk.vault import Vault
from intake import files
from intake.console import Voice

HOLDS = "if a lawsuit is under way or may come, ask counsel first, and begin a hold: underseal desk hold --all"
_PATH = click.Path(path_type=Path)
DRY_RUN = click.option("--dry-run", is_flag=True, help="Show what would go, and destroy nothing.")


@click.command("received-until")
@click.option("--out", type=_PATH, required=True, help="File to make, such as received.txt; its .sig beside it.")
@with_desk
def received_until(where: Where, out: Path) -> None:
    """Sign which weeks' keys may be destroyed, for holders on their own machines.

    A week may go 14 days after its end, once a bundle pulled after its last letters were due is received. The text
    holds for 2 days: make it when the holders are ready.

    \b
    Example:
      underseal desk received-until --out stick/received.txt
    """
    with where.open() as here:
        received = _received(here.vault)
        agreement = agreed(here.vault, Guarded.KEYS, {"received_until": str(week_end(received.until))})
        data = write_received(received)
        signature = sign(data, here.vault.desk_key(), Namespace.RECEIVED).encode("ascii")
        files.write_new(out, data, 0o644)
        files.write_new(out.with_name(out.name + ".sig"), signature, 0o644)
        with here.vault.writing() as writer:
            use_up(writer, agreement)
    VOICE.say(f"keys of weeks that ended on or before {received.until} may be destroyed; the text is in {out}")
    VOICE.say(HOLDS)
    VOICE.hint("at a holder's machine: underseal keys destroy-weeks FILE --received received.txt --office public")


@click.command("destroy-weeks")
@DRY_RUN
@with_desk
def desk_destroy(where: Where, dry_run: bool) -> None:
    """Destroy the keys of weeks that are over and received, in the holders' files of this desk.

    What was set aside is tried once more with them before they go. The record is printed, written beside each
    file, and kept in the log.

    \b
    Example:
      underseal desk destroy-weeks --dry-run
      underseal desk destroy-weeks
    """
    with where.open() as here:
        received = _received(here.vault)
        opened = [open_holder(path, here.passphrases) for path in here.vault.settings.holders]
        plans = shown_plans(opened, received.until, VOICE)
        if dry_run or not plans:
            return
        agreement = agreed(here.vault, Guarded.KEYS, {"until": str(max(each.until for each in plans))})
        _try_once_more(here, opened)
        agree(plans, where.passphrase_file)
        by = reviewer_name(here.vault)
        for number, each in enumerate(plans, start=1):
            record = record_text(each, office=received.office, today=today(), by=by, before=received.before)
            kept = destroy(each, record, functools.partial(_note, here.vault, plans[:number]))
            tell_record(record, kept, VOICE)
        with here.vault.writing() as writer:
            use_up(writer, agreement)


def _received(vault: Vault) -> Received:
    """Return what may go by this desk. Raises NothingMayGo, and whatever a hold raises."""
    refuse_unless(vault, Act.KEYS)
    refuse_while_any(vault)
    before, office = letters_before(vault), vault.settings.office
    if before is None:
        raise NothingMayGo("no bundle was received")
    return Received(office.office, today(), before, may_go_until(before, office.collect_days, today()))


def shown_plans(opened: list[HolderFile], until: date, voice: Voice) -> list[Going]:
    """Return what goes, and show it."""
    plans = [each for each in (going(file, until) for file in opened) if each is not None]
    if not plans:
        voice.say(f"nothing to destroy: no key is left of a week that ended on or before {until}")
        return []
    rows = [
        (each.file.path.name, f"{week.first} to {week.last}", short(week.recipient))
        for each in plans
        for week in weeks_of(each.gone)
    ]
    voice.say("these keys go; whatever is sealed to them and not received can then be opened by nobody with this file:")
    voice.table(("file", "week", "key"), rows)
    voice.say(HOLDS)
    return plans


def _try_once_more(here: Desk, opened: list[HolderFile]) -> None:
    """Try what was set aside with the identities that go, as long as there are any."""
    identities = [identity for file in opened for identity in file.batch.values()]
    settings = here.vault.settings
    outcomes = Counter(retry_kept(here.vault, Judge(Opener(identities, settings.slots), settings)))
    if outcomes:
        VOICE.say(f"what was set aside was tried once more: {tally(outcomes)}")
    unopened = sum(not aside.opened for aside in list_asides(here.vault))
    if unopened:
        VOICE.say(f"{unopened} set aside were opened by none of the desk's keys, and never will be by those that go")


def agree(plans: list[Going], passphrase_file: Path | None) -> None:
    """Return once the person has typed the last day. Raises NotAgreed."""
    if not unasked(passphrase_file):
        typed(str(max(each.until for each in plans)), "to destroy the keys of the weeks up to that day")


def _note(vault: Vault, done: list[Going], record: str) -> None:
    """Write a record into the log, and forget the files that are gone."""
    with vault.writing() as writer:
        writer.record(Kind.DESTROYED, until=str(done[-1].until), text=writer.text(record))
        holders = without(vault.settings.holders, done)
        if holders != vault.settings.holders:
            writer.office(replace(vault.settings, holders=holders))


def tell_record(record: str, kept: Path, voice: Voice) -> None:
    voice.answer(record.rstrip("\n"))
    voice.say(f"the record is in {kept}: for the office's minutes")


VERBS = (received_until, desk_destroy)
