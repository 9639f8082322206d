# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys`, on the root's machine: root, shares. Signing stands in keys_sign_cli."""

import io
from collections.abc import Callable
from pathlib import Path

import click

from crypto.signature import SigningKey
from desk.asking import VOICE, ShareSource, begin, hand_out, join_root, tell_sheets, with_shares
from desk.ceremony import Plan, check_name, office_of, share_sheets
from desk.ceremony_errors import PlanRefused
from desk.folders import public_files, refuse_there, write_folder
from desk.keys_people_cli import today
from desk.pdf import prints_whole
from desk.rootfile import RootFacts, read_root, root_files
from desk.sheets import card, card_qr
from intake.errors import UndersealError
from intake.office import Contact, Region, read_office, write_office

SHEETS = "sheets"
_SHORTEST = 3  # places: an office's holders are custodian, counsel and recovery

_FOLDER = click.Path(path_type=Path)
ROOT = click.option("--dir", "folder", type=_FOLDER, required=True, help="The root's folder.")
NO_PDF = click.option("--no-pdf", is_flag=True, help="Show the shares on this screen only, to be copied by hand.")


def with_plan(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of what an office decides at its ceremony."""
    options = (
        click.option("--office", required=True, help="The office's name, as officers will read it."),
        click.option("--region", "regions", multiple=True, metavar="ID=LABEL", help="A region to choose; repeat it."),
        click.option("--contact", "contacts", multiple=True, metavar="LABEL=TEXT", help="Another route; repeat it."),
        click.option(
            "--collect-days", type=click.IntRange(1, 90), default=7, show_default=True, help="Days between couriers."
        ),
        click.option(
            "--slots",
            type=click.IntRange(_SHORTEST, 6),
            default=_SHORTEST,
            show_default=True,
            help="Recipients of every envelope; fillers take the places that no holder has.",
        ),
        click.option("--throwaway", is_flag=True, help="Weak keys for trying things out. Never for real reports."),
        NO_PDF,
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


def make_plan(
    *,
    office: str,
    regions: tuple[str, ...],
    contacts: tuple[str, ...],
    collect_days: int,
    slots: int,
    throwaway: bool,
    counsel_first: bool = False,
) -> Plan:
    """Return the plan of a verb's options. Raises PlanRefused for one that page, portal or desk would not read."""
    plan = Plan(
        office=office,
        regions=tuple(Region(*_pair(text)) for text in regions),
        contacts=tuple(Contact(*_pair(text)) for text in contacts),
        collect_days=collect_days,
        slots=slots,
        throwaway=throwaway,
        today=today(),
        counsel_first=counsel_first,
    )
    try:
        check_name(plan.office, plan.today)
        read_office(write_office(office_of(plan, SigningKey.generate())))
    except (ValueError, UndersealError) as error:
        raise PlanRefused(str(error)) from error
    return plan


@click.command("root")
@click.option("--dir", "folder", type=_FOLDER, required=True, help="Folder to make for what stays of the root.")
@with_plan
def make_root(
    folder: Path,
    office: str,
    regions: tuple[str, ...],
    contacts: tuple[str, ...],
    collect_days: int,
    slots: int,
    throwaway: bool,
    no_pdf: bool,
) -> None:
    """Make an office's root and split it into three shares.

    Any two shares sign; one alone is nothing. The root itself is kept nowhere. What stays in the folder is public:
    the office's data and the fingerprint card. Use a computer that is never online.

    \b
    Example:
      underseal keys root --dir root --office "Local 1" --region west="West" --contact "OSC=osc.gov"
    """
    refuse_there(folder)
    plan = make_plan(
        office=office,
        regions=regions,
        contacts=contacts,
        collect_days=collect_days,
        slots=slots,
        throwaway=throwaway,
    )
    begin(throwaway=throwaway)
    root = SigningKey.generate()
    facts = RootFacts(office_of(plan, root), slots)
    sheets = hand_out(share_sheets(facts.office, root, plan.today), no_pdf=no_pdf)
    write_folder(folder, {**public_files(root_files(facts)), **sheets})
    VOICE.say(f"made a root; its public part is in {folder}")
    tell_sheets(folder, sheets)
    print_card(facts.office.office, root.public.fingerprint)


@click.group()
def shares() -> None:
    """Rehearse with two shares, or make three new ones of the same root."""


@shares.command()
@ROOT
@with_shares
def check(folder: Path, shares: ShareSource) -> None:
    """Rehearse: join two shares, compare with the root, and sign nothing.

    \b
    Example:
      underseal keys shares check --dir root
    """
    office = read_root(folder).office
    begin(throwaway=office.throwaway, shares=shares)
    join_root(office.root, shares)
    VOICE.say("these two shares are the root of this office; nothing was signed or kept")


@shares.command()
@ROOT
@NO_PDF
@with_shares
def renew(folder: Path, no_pdf: bool, shares: ShareSource) -> None:
    """Join two shares and make three new ones of the same root.

    For when a share is lost, or its keeper leaves. The card stays true. Two old shares still join with each
    other: burn those that are left, so that the lost one is worth nothing.

    \b
    Example:
      underseal keys shares renew --dir root
    """
    office = read_root(folder).office
    if not no_pdf:
        refuse_there(folder / SHEETS)
    begin(throwaway=office.throwaway, shares=shares)
    root = join_root(office.root, shares)
    sheets = hand_out(share_sheets(office, root, today()), no_pdf=no_pdf)
    if sheets:
        write_folder(folder / SHEETS, {name.removeprefix(f"{SHEETS}/"): file for name, file in sheets.items()})
    VOICE.say("the old shares do not join with the new ones; burn every old sheet that is left")
    tell_sheets(folder, sheets)


def print_card(office: str, fingerprint: str) -> None:
    """Print the fingerprint card with its QR code."""
    VOICE.hint("print card.pdf, give every member a card, and compare it with what the page shows")
    if not prints_whole(office):
        VOICE.say("the PDF files show some letters of the office's name as question marks; card.txt has them all")
    VOICE.answer(card(office, fingerprint))
    code = io.StringIO()
    card_qr(fingerprint).terminal(code, compact=True)
    VOICE.answer(code.getvalue())


def _pair(text: str) -> tuple[str, str]:
    name, separator, label = text.partition("=")
    if not separator or not name or not label:
        raise PlanRefused("regions and contacts are written NAME=TEXT")
    return name, label
