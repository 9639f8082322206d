# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys`, on the root's machine: root, shares, sign, page, sign-page."""

import io
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import click

from crypto.keylist import MAX_LIST_BYTES, KeyList, read_key_list
from crypto.primitives import digest
from crypto.signature import Namespace, SigningKey, sign
from desk.asking import VOICE, ShareSource, begin, confirm, hand_out, join_root, tell_sheets, with_shares
from desk.ceremony import Plan, check_name, office_of, share_sheets, signed_page
from desk.ceremony_errors import PlanRefused, SheetsThere, SigningRefused
from desk.describe import Rows, page_rows, signing_rows
from desk.folders import public_files, refuse_there, write_folder
from desk.halves import MAX_WEEKS, Half, mondays, spoken
from desk.keys_people_cli import DAY, day_of, read_half_file, today
from desk.kit import SignedList, check_newest, covered_days, leading_to, lists_of_kit, signed_lists_among
from desk.pagefolder import (
    SIGNATURE,
    check_digests,
    check_release,
    office_page,
    online_files,
    read_lists,
    read_page_folder,
    sums_of,
)
from desk.pdf import prints_whole
from desk.rootfile import OFFICE, RootFacts, read_root, root_files
from desk.sheets import card, card_qr
from desk.signing import Request, Signing, plan_signing, signed_facts, signed_lists
from intake.console import Voice
from intake.errors import UndersealError
from intake.files import FileThere, read, write_new
from intake.limits import OFFICE_MAX_BYTES
from intake.office import Contact, Office, Region, read_office, write_office
from intake.page import KIT, SUMS, built_page

SHEETS = "sheets"
_LIST_NAME = re.compile(r"keys-([0-9]{6})\.txt", re.ASCII)
_MAX_SIGNATURE_BYTES = 1_000
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


@click.command("sign")
@ROOT
@click.option(
    "--holder", "--holders", "holders", type=_FOLDER, multiple=True, help="A holder's public half; repeat it."
)
@click.option("--desk", "desk_half", type=_FOLDER, required=True, help="The desk's public half.")
@click.option("--courier", "couriers", type=_FOLDER, multiple=True, required=True, help="A courier's; repeat it.")
@click.option("--counsel", type=_FOLDER, help="Counsel's half for raw words  [counsel's holder half]")
@click.option("--from", "first_day", type=DAY, help="A day of the first week  [default: today, or after --after]")
@click.option("--weeks", type=click.IntRange(1, MAX_WEEKS), default=MAX_WEEKS, show_default=True, help="Weeks to sign.")
@click.option("--after", type=_FOLDER, help="The last list signed before; its .sig beside it.")
@click.option("--counsel-first", is_flag=True, help="Seal all letters to counsel's keys alone.")
@with_shares
def sign_lists(
    folder: Path,
    holders: tuple[Path, ...],
    desk_half: Path,
    couriers: tuple[Path, ...],
    counsel: Path | None,
    first_day: datetime | None,
    weeks: int,
    after: Path | None,
    counsel_first: bool,
    shares: ShareSource,
) -> None:
    """Sign the key lists of a quarter, all in one sitting.

    Everything that will be signed is shown first; somebody types the office's name to agree, then two keepers type
    their shares. The page is signed with them, and its kit, which has these lists inside. The result is a folder
    signed-NUMBER in the root's folder, with public/ for portal and desk, and record.txt for the office's minutes.

    With --counsel-first only counsel's batches are taken (counsel and counsel-recovery, both made and kept by
    counsel): nobody else can open a letter.

    \b
    Example:
      underseal keys sign --dir root --holder custodian.holder.txt --holder counsel.holder.txt \\
          --holder recovery.holder.txt --desk desk.public.txt --courier courier.public.txt
    """
    facts = read_root(folder)
    office = facts.office
    _refuse_sheets(folder, office)
    begin(throwaway=office.throwaway, shares=shares)
    last = _last_list(folder, after, office)
    brought = [read_half_file(path) for path in (*holders, desk_half, *couriers, *([counsel] if counsel else []))]
    halves = [half for half, _ in brought]
    start = day_of(first_day) if first_day else _next_day(last)
    request = Request(
        office=office.office,
        slots=facts.slots,
        throwaway=office.throwaway,
        today=today(),
        firsts=tuple(mondays(start, weeks)),
        holders=tuple(halves[: len(holders)]),
        desk=halves[len(holders)],
        couriers=tuple(halves[len(holders) + 1 : len(holders) + 1 + len(couriers)]),
        counsel=halves[-1] if counsel else None,
        counsel_first=counsel_first,
        after=last,
    )
    earlier = leading_to(request.firsts[0], read_lists(after.parent, office), request.today) if after else []
    _sign(folder, facts, plan_signing(request), brought, earlier, shares)


@click.command()
@click.option("--office", "public", type=_FOLDER, required=True, help="The last signed public folder of the office.")
@click.option("--to", "folder", type=_FOLDER, required=True, help="Folder to make.")
def page(public: Path, folder: Path) -> None:
    """Make the page of an office, and its kit, from the release that is installed here, to be signed.

    The office's data and the key lists that the kit carries are those of the public folder.

    \b
    Example:
      underseal keys page --office root/signed-000001/public --to page-2
    """
    office = read_office(read(public / OFFICE, OFFICE_MAX_BYTES))
    files = office_page(built_page(), office, read_lists(public, office))
    write_folder(folder, public_files(files))
    VOICE.say(f"made the page of {office.office} in {folder}, not signed yet")
    VOICE.hint(f"underseal keys sign-page {folder} --dir ROOT")


@click.command("sign-page")
@click.argument("page_folder", type=_FOLDER)
@ROOT
@with_shares
def sign_page(page_folder: Path, folder: Path, shares: ShareSource) -> None:
    """Sign the digests of a page's files: the release signature.

    First every digest is checked, and every file compared with what the release installed here makes for this
    office: what is signed is what this program is. A kit with keys that a later list of this root's folder replaces
    is refused.

    \b
    Example:
      underseal keys sign-page page-2 --dir root
    """
    office = read_root(folder).office
    _refuse_sheets(folder, office)
    begin(throwaway=office.throwaway, shares=shares)
    if (page_folder / SIGNATURE).exists():
        raise FileThere(SIGNATURE)
    files = read_page_folder(page_folder)
    check_digests(files)
    check_release(files, built_page(), office)
    lists = lists_of_kit(files[KIT], office)
    check_newest(lists, [each for signed in folder.glob("signed-*") for each in read_lists(signed / "public", office)])
    first, last = covered_days(lists)
    kit = f"has keys for {first} to {last}, of lists {lists[0].says.sequence} to {lists[-1].says.sequence}"
    _tell([("office", office.office), *page_rows(files[SUMS]), ("kit", kit)], VOICE)
    root = _agreed(office, shares)
    write_new(page_folder / SIGNATURE, sign(files[SUMS], root, Namespace.PAGE).encode("ascii"), 0o644)
    VOICE.say(f"signed {SUMS}; carry {page_folder} to the portal")


def print_card(office: str, fingerprint: str) -> None:
    """Print the fingerprint card with its QR code."""
    VOICE.hint("print card.pdf, give every member a card, and compare it with what the page shows")
    if not prints_whole(office):
        VOICE.say("the PDF files show some letters of the office's name as question marks; card.txt has them all")
    VOICE.answer(card(office, fingerprint))
    code = io.StringIO()
    card_qr(fingerprint).terminal(code, compact=True)
    VOICE.answer(code.getvalue())


def _sign(
    folder: Path,
    facts: RootFacts,
    signing: Signing,
    brought: list[tuple[Half, str]],
    earlier: list[SignedList],
    shares: ShareSource,
) -> None:
    """Show, agree, join, sign and write. `earlier` are lists for the kit, of the weeks before the new ones."""
    office = facts.office
    built = built_page()
    rows = signing_rows(signing, brought, office.root, sums_of(online_files(built, office)))
    target = folder / f"signed-{signing.template.sequence:06}"
    refuse_there(target)
    _tell(rows, VOICE)
    root = _agreed(office, shares)
    files = root_files(facts)
    lists = signed_lists(signing, root)
    page_files = signed_page(office, built, [*earlier, *signed_lists_among(lists, office)], root)
    public = {**files, **lists, **signed_facts(signing, root, files[OFFICE]), **page_files}
    rows += [("page", f"{KIT} {spoken(digest(page_files[f'page/{KIT}']))}")]
    record = "".join(f"{what:10} {text}\n" for what, text in [("signed", str(signing.request.today)), *rows])
    write_folder(
        target,
        public_files({**{f"public/{name}": data for name, data in public.items()}, "record.txt": record.encode()}),
    )
    VOICE.say(f"signed; {target / 'public'} is for portal and desk, {target / 'record.txt'} for the office's minutes")
    VOICE.hint(f"underseal keys verify {target / 'public'} on another machine")


def _agreed(office: Office, source: ShareSource) -> SigningKey:
    """Return the root, once somebody has agreed and two shares were joined."""
    if not source.files:
        confirm(office.office)
    return join_root(office.root, source)


def _tell(rows: Rows, voice: Voice) -> None:
    voice.say("this is what the root will sign:")
    voice.table(("what", "is"), rows)
    voice.say(
        "whoever types a share vouches: I heard each digest read aloud by the person it belongs to, and it is here"
    )


def _refuse_sheets(folder: Path, office: Office) -> None:
    if not office.throwaway and (folder / SHEETS).exists():
        raise SheetsThere(str(folder / SHEETS))


def _last_list(folder: Path, after: Path | None, office: Office) -> KeyList | None:
    """Return the list to go on from. Raises SigningRefused if this root's folder knows a later one."""
    names = [_LIST_NAME.fullmatch(path.name) for path in folder.glob("signed-*/public/keys-*.txt")]
    highest = max((int(name[1]) for name in names if name), default=0)
    if after is None:
        if highest:
            raise SigningRefused(f"lists up to {highest} are signed already: give the last one with --after")
        return None
    signature = read(after.with_name(after.name + ".sig"), _MAX_SIGNATURE_BYTES).decode("ascii", "replace")
    last = read_key_list(read(after, MAX_LIST_BYTES), signature, office.root)
    if last.sequence < highest:
        raise SigningRefused(f"list {highest} was signed after list {last.sequence}: give that one with --after")
    return last


def _next_day(last: KeyList | None) -> date:
    return date.fromordinal(last.weeks[-1].last.toordinal() + 1) if last else today()


def _pair(text: str) -> tuple[str, str]:
    name, separator, label = text.partition("=")
    if not separator or not name or not label:
        raise PlanRefused("regions and contacts are written NAME=TEXT")
    return name, label
