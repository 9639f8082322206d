# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal keys`, where the root signs who can open which week: sign, and rotate for the next quarter."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import click

from crypto.handedon import Roots
from crypto.keylist import MAX_LIST_BYTES, KeyList
from crypto.primitives import digest
from crypto.signature import SIGNATURE_CHARACTERS, Namespace, PublicKey, SigningKey, verify
from desk.asking import VOICE, ShareSource, begin, confirm, join_root, with_shares
from desk.ceremony import signed_page
from desk.ceremony_errors import SheetsThere, SigningRefused
from desk.describe import Rows, signing_rows
from desk.folders import public_files, refuse_there, write_folder
from desk.halves import MAX_WEEKS, Half, Role, mondays, spoken
from desk.keymaking import COUNSEL
from desk.keys_people_cli import DAY, day_of, read_half_file, today
from desk.keys_root_cli import ROOT, SHEETS
from desk.kit import SignedList, leading_to, raised_floor, signed_lists_among
from desk.pagefolder import online_files, read_lists, sums_of
from desk.rootfile import OFFICE, RootFacts, last_list_known, last_page_known, read_root, root_files
from desk.signing import (
    COUNSEL_FIRST,
    RECIPIENTS,
    Request,
    Signing,
    lists_of,
    plan_signing,
    signed_facts,
    signed_lists,
)
from intake.files import read
from intake.office import Office
from intake.page import KIT, built_page

_MAX_RECIPIENTS_BYTES = 20_000
_PATH = click.Path(path_type=Path)
_HOLDERS = click.option("--holder", "holders", type=_PATH, multiple=True, help="A holder's public half; repeat it.")
_COUNSEL = click.option("--counsel", type=_PATH, help="Counsel's half for raw words  [counsel's holder half]")
_FROM = click.option("--from", "first_day", type=DAY, help="A day of the first week  [default: after the last list]")
_WEEKS = click.option(
    "--weeks", type=click.IntRange(1, MAX_WEEKS), default=MAX_WEEKS, show_default=True, help="Weeks to sign."
)
_TO = click.option("--to", "stick", type=_PATH, help="Folder to make on the stick, for courier and desk.")
Brought = list[tuple[Half, str]]


def _with(*options: Callable[[Callable[..., None]], Callable[..., None]]) -> Callable[..., Callable[..., None]]:
    def give(verb: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            verb = option(verb)
        return verb

    return give


@click.command("sign")
@_with(ROOT, _HOLDERS)
@click.option("--desk", "desk_half", type=_PATH, required=True, help="The desk's public half.")
@click.option("--courier", "couriers", type=_PATH, multiple=True, required=True, help="A courier's; repeat it.")
@_with(_COUNSEL, _FROM, _WEEKS)
@click.option("--after", type=_PATH, help="The last list signed before; its .sig beside it.")
@click.option("--counsel-first", is_flag=True, help="Seal all letters to counsel's keys alone.")
@_TO
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
    stick: Path | None,
    shares: ShareSource,
) -> None:
    """Sign the key lists of a quarter, all in one sitting.

    Everything that will be signed is shown first; somebody types the office's name to agree, then two keepers type
    their shares. The page is signed with them, and its kit, which has these lists inside; both refuse lists that are
    older than the one in force. The result is a folder signed-NUMBER in the root's folder, with public/ for courier
    and desk, and record.txt for the office's minutes.

    With --counsel-first only counsel's batches are taken (counsel and counsel-recovery, both made and kept by
    counsel): nobody else can open a letter.

    \b
    Example:
      underseal keys sign --dir root --holder custodian.holder.txt --holder counsel.holder.txt \\
          --holder recovery.holder.txt --desk desk.public.txt --courier courier.public.txt
    """
    facts = _ready(folder, stick, shares)
    last = last_list(folder, after, facts.roots)
    brought = [read_half_file(path) for path in (*holders, desk_half, *couriers, *([counsel] if counsel else []))]
    halves = [half for half, _ in brought]
    request = _request(
        facts,
        last,
        _firsts(facts, last, first_day, weeks),
        holders=tuple(halves[: len(holders)]),
        desk=halves[len(holders)],
        couriers=tuple(halves[len(holders) + 1 : len(holders) + 1 + len(couriers)]),
        counsel=halves[-1] if counsel else None,
        counsel_first=counsel_first,
    )
    _sign(folder, facts, request, brought, after.parent if after else None, shares, stick)


@click.command()
@_with(ROOT, _HOLDERS)
@click.option("--desk", "desk_half", type=_PATH, help="A new desk's public half  [default: the desk of the last list]")
@click.option("--courier", "couriers", type=_PATH, multiple=True, help="Each courier's  [default: those of the last]")
@_with(_COUNSEL, _FROM, _WEEKS, _TO)
@with_shares
def rotate(
    folder: Path,
    holders: tuple[Path, ...],
    desk_half: Path | None,
    couriers: tuple[Path, ...],
    counsel: Path | None,
    first_day: datetime | None,
    weeks: int,
    stick: Path | None,
    shares: ShareSource,
) -> None:
    """Sign the next 13 weeks in one sitting, ready to be pushed.

    As `sign`, after the last list in the root's folder, with what stays as it was taken from there: desk, couriers,
    counsel's key for raw words, and whether letters are sealed to counsel alone. Only the holders' new batches are
    brought. With --to, all that is public is also put on the stick: `courier push` brings lists, page and kit to the
    portal from there, and `desk renew` takes it at the desk.

    \b
    Example:
      underseal keys rotate --dir root --holder custodian.holder.txt --holder counsel.holder.txt \\
          --holder recovery.holder.txt --to /media/stick/public
    """
    facts = _ready(folder, stick, shares)
    path = last_list_known(folder)
    if path is None:
        raise SigningRefused("there is no list in this root's folder to go on from: the first signing is keys sign")
    last = read_list(path, facts.roots)
    throwaway = facts.office.throwaway
    own = [read_half_file(each) for each in holders]
    desk, couriers_brought = (
        [read_half_file(each) for each in some] for some in ([desk_half] if desk_half else [], couriers)
    )
    raw = [read_half_file(counsel)] if counsel else []
    kept_counsel = Half(Role.COUNSEL, COUNSEL, throwaway, raw=last.counsel)
    request = _request(
        facts,
        last,
        _firsts(facts, last, first_day, weeks),
        holders=tuple(half for half, _ in own),
        desk=desk[0][0] if desk else Half(Role.DESK, "desk", throwaway, last.desk),
        couriers=tuple(half for half, _ in couriers_brought)
        or tuple(Half(Role.COURIER, "courier", throwaway, key) for key in last.couriers),
        counsel=raw[0][0] if raw else None if any(half.name == COUNSEL for half, _ in own) else kept_counsel,
        counsel_first=_is_counsel_first(path.parent, facts.office.root),
    )
    _sign(folder, facts, request, [*own, *desk, *couriers_brought, *raw], path.parent, shares, stick)


def last_list(folder: Path, after: Path | None, roots: Roots) -> KeyList | None:
    """Return the list to go on from. Raises SigningRefused if this root's folder knows a later one."""
    newest = last_list_known(folder)
    highest = int(newest.name[5:11]) if newest else 0
    if after is None:
        if highest:
            raise SigningRefused(f"lists up to {highest} are signed already: give the last one with --after")
        return None
    last = read_list(after, roots)
    if last.sequence < highest:
        raise SigningRefused(f"list {highest} was signed after list {last.sequence}: give that one with --after")
    return last


def read_list(path: Path, roots: Roots) -> KeyList:
    """Return a signed key list. Raises FileMissing, or Untrusted for one that none of the roots has signed."""
    signature = read(path.with_name(path.name + ".sig"), SIGNATURE_CHARACTERS).decode("ascii", "replace")
    return roots.read_list(read(path, MAX_LIST_BYTES), signature)


def agreed(office: Office, source: ShareSource) -> SigningKey:
    """Return the root, once somebody has agreed and two shares were joined."""
    if not source.files:
        confirm(office.office)
    return join_root(office.root, source)


def tell(rows: Rows) -> None:
    """Show what the root will sign."""
    VOICE.say("this is what the root will sign:")
    VOICE.table(("what", "is"), rows)
    VOICE.say(
        "whoever types a share vouches: I heard each digest read aloud by the person it belongs to, and it is here"
    )


def refuse_sheets(folder: Path, office: Office) -> None:
    """Raise SheetsThere while the share sheets of a real office lie in the root's folder."""
    if not office.throwaway and (folder / SHEETS).exists():
        raise SheetsThere(str(folder / SHEETS))


def _ready(folder: Path, stick: Path | None, shares: ShareSource) -> RootFacts:
    """Return the facts of the root, before anything is asked."""
    facts = read_root(folder)
    refuse_sheets(folder, facts.office)
    if stick:
        refuse_there(stick)
    begin(throwaway=facts.office.throwaway, shares=shares)
    return facts


def _firsts(facts: RootFacts, last: KeyList | None, first_day: datetime | None, weeks: int) -> tuple[date, ...]:
    """Return the Mondays to sign. A root that was handed on and has signed nothing yet begins today."""
    if first_day:
        start = day_of(first_day)
    elif last is None or (facts.handed and last.sequence < facts.roots.handed[-1].sequence):
        start = today()
    else:
        start = date.fromordinal(last.weeks[-1].last.toordinal() + 1)
    return tuple(mondays(start, weeks))


def _request(facts: RootFacts, last: KeyList | None, firsts: tuple[date, ...], **brought: object) -> Request:
    office = facts.office
    return Request(
        office=office.office,
        slots=facts.slots,
        throwaway=office.throwaway,
        today=today(),
        firsts=firsts,
        after=last,
        **brought,  # type: ignore[arg-type]
    )


def _is_counsel_first(public: Path, root: PublicKey) -> bool:
    """Return the setting of the last signing. Raises Untrusted for one that the root has not signed."""
    data = read(public / RECIPIENTS, _MAX_RECIPIENTS_BYTES)
    signature = read(public / f"{RECIPIENTS}.sig", SIGNATURE_CHARACTERS).decode("ascii", "replace")
    verify(data, signature, root, Namespace.OFFICE)
    return data.startswith(f"# setting: {COUNSEL_FIRST}\n".encode())


def _sign(
    folder: Path,
    facts: RootFacts,
    request: Request,
    brought: Brought,
    before: Path | None,
    shares: ShareSource,
    stick: Path | None,
) -> None:
    """Show, agree, join, sign and write. `before` is the public folder of the signing before."""
    signing = plan_signing(request)
    known = _known(folder, before, facts.roots)
    floor = raised_floor(facts.office.floor, [*(each.says for each in known), *lists_of(signing)], request.today)
    facts = replace(facts, office=replace(facts.office, floor=floor))
    office, number, built = facts.office, last_page_known(folder, facts) + 1, built_page()
    rows = signing_rows(signing, brought, office, sums_of(online_files(built, office), number))
    target = folder / f"signed-{signing.template.sequence:06}"
    refuse_there(target)
    tell(rows)
    root = agreed(office, shares)
    lists = signed_lists(signing, root)
    in_kit = [*leading_to(request.firsts[0], known, request.today), *signed_lists_among(lists, facts.roots)]
    public = _public(facts, signing, lists, signed_page(office, built, in_kit, number, root), root)
    rows += [("page", f"{KIT} {spoken(digest(public[f'page/{KIT}']))}")]
    record = "".join(f"{what:10} {text}\n" for what, text in [("signed", str(request.today)), *rows])
    write_folder(
        target,
        public_files({**{f"public/{name}": data for name, data in public.items()}, "record.txt": record.encode()}),
    )
    VOICE.say(f"signed; {target / 'public'} is for courier and desk, {target / 'record.txt'} for the office's minutes")
    if stick:
        write_folder(stick, public_files(public))
        VOICE.say(f"all that is public is in {stick} too")
    VOICE.hint(f"underseal keys verify {stick or target / 'public'} on another machine")
    if request.after:
        VOICE.hint("then underseal courier push --dir courier --from STICK brings lists, page and kit to the portal")


def _known(folder: Path, before: Path | None, roots: Roots) -> list[SignedList]:
    """Return every list that was signed so far, as far as it is at hand: in the root's folder, or brought."""
    folders = [*folder.glob("signed-*/public"), *([before] if before else [])]
    found = {each.says.sequence: each for public in folders for each in read_lists(public, roots)}
    return [found[sequence] for sequence in sorted(found)]


def _public(
    facts: RootFacts, signing: Signing, lists: dict[str, bytes], page: dict[str, bytes], root: SigningKey
) -> dict[str, bytes]:
    files = root_files(facts)
    return {**files, **lists, **signed_facts(signing, root, files[OFFICE]), **page}
