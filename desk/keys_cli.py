# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys`: the ceremony at the terminal."""

import io
import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from desk.ceremony import Keeper, Outcome, Plan, card, card_qr, hold_ceremony
from intake.console import Voice, ask_passphrase
from intake.errors import UndersealError
from intake.files import FileThere, make_folder, read, write_new
from intake.limits import OFFICE_MAX_BYTES
from intake.office import Contact, Region, read_office
from intake.page import built_page

_VOICE = Voice("keys")


class PlanRefused(UndersealError):
    """the ceremony cannot be held so: {}"""


@click.group()
def keys() -> None:
    """Make and sign the keys of an office. Use a computer that is never online."""


@keys.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), required=True, help="Folder to make for the office.")
@click.option("--office", required=True, help="The office's name, as officers will read it.")
@click.option("--region", "regions", multiple=True, metavar="ID=LABEL", help="A region to choose from; repeat it.")
@click.option("--contact", "contacts", multiple=True, metavar="LABEL=TEXT", help="Another route to show; repeat it.")
@click.option("--collect-days", type=click.IntRange(1, 90), default=7, show_default=True, help="Days between couriers.")
@click.option("--slots", type=click.IntRange(3, 6), default=3, show_default=True, help="Recipients of every envelope.")
@click.option("--throwaway", is_flag=True, help="Weak keys for trying things out. Never for real reports.")
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="One passphrase for all (throwaway only).")
def ceremony(
    folder: Path,
    office: str,
    regions: tuple[str, ...],
    contacts: tuple[str, ...],
    collect_days: int,
    slots: int,
    throwaway: bool,
    passphrase_file: Path | None,
) -> None:
    """Make every key of an office, and sign its next 13 weekly key lists.

    Each keeper types their own passphrase: root, desk, courier, custodian, counsel, recovery.

    \b
    Example:
      underseal keys ceremony --dir office --office "Local 1" \\
          --region west="West" --region east="East" --contact "OSC=osc.gov"
    """
    if folder.exists():
        raise FileThere(folder.name)
    plan = Plan(
        office=office,
        regions=tuple(Region(*_pair(text)) for text in regions),
        contacts=tuple(Contact(*_pair(text)) for text in contacts),
        collect_days=collect_days,
        slots=slots,
        throwaway=throwaway,
        today=datetime.now(UTC).date(),
    )
    built = built_page()
    passphrases = {
        keeper: ask_passphrase(f"of {keeper}", passphrase_file=passphrase_file, throwaway=throwaway, new=True)
        for keeper in Keeper
    }
    try:
        outcome = hold_ceremony(plan, passphrases, built)
        read_office(outcome.public["office.json"])
    except (ValueError, UndersealError) as error:
        raise PlanRefused(str(error)) from error
    _write(folder, outcome)
    _tell(folder, plan, outcome)


@keys.command("card")
@click.argument("office_file", type=click.Path(path_type=Path))
def show_card(office_file: Path) -> None:
    """Print the root fingerprint card of an office again.

    \b
    Example:
      underseal keys card office/public/office.json
    """
    office = read_office(read(office_file, OFFICE_MAX_BYTES))
    _print_card(office.office, office.root.fingerprint)


def _pair(text: str) -> tuple[str, str]:
    name, separator, label = text.partition("=")
    if not separator or not name or not label:
        raise PlanRefused("regions and contacts are written NAME=TEXT")
    return name, label


def _write(folder: Path, outcome: Outcome) -> None:
    """Write the whole office under a temporary name, then give it its own: it is there whole, or not at all."""
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    for part, files, mode in (("public", outcome.public, 0o644), ("secret", outcome.secret, 0o600)):
        for name, data in files.items():
            path = temporary / part / name
            make_folder(path.parent)
            write_new(path, data, mode)
    temporary.rename(folder)


def _tell(folder: Path, plan: Plan, outcome: Outcome) -> None:
    if plan.throwaway:
        _VOICE.say("THROWAWAY OFFICE: these keys are weak on purpose and protect nobody")
    _VOICE.say(f"made {len(outcome.secret)} secret files in {folder}/secret; give each to its keeper")
    _VOICE.say(f"signed key lists for {outcome.first_day} to {outcome.last_day} in {folder}/public")
    _VOICE.hint("print the card below, and compare it with what the page shows")
    _print_card(plan.office, outcome.fingerprint)


def _print_card(office: str, fingerprint: str) -> None:
    _VOICE.answer(card(office, fingerprint))
    code = io.StringIO()
    card_qr(fingerprint).terminal(code, compact=True)
    _VOICE.answer(code.getvalue())
