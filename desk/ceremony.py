# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ceremony on one machine: every key of an office, made once, and the lists its root signs. Values in, files out.

It is made of the steps that people take on several machines: a root (rootfile), each person's keys (keymaking), and
one signing (signing).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from crypto.envelope import MAX_SLOTS
from crypto.keylist import KeyList, Week, write_key_list
from crypto.secret.identity import HybridIdentity
from crypto.signature import Namespace, SigningKey, sign
from desk.ceremony_errors import SigningRefused
from desk.halves import MAX_WEEKS, mondays
from desk.keymaking import (
    Made,
    Sealer,
    key_text,
    make_courier_key,
    make_desk_key,
    make_holder,
)
from desk.kit import SignedList, signed_lists_among
from desk.pagefolder import office_page
from desk.rootfile import OFFICE, RootFacts, root_files
from desk.shares import split_root
from desk.sheets import ShareSheet
from desk.signing import Request, plan_signing, signed_facts, signed_lists
from intake.office import Contact, Office, Region
from intake.page import SUMS, BuiltPage

WEEKS = MAX_WEEKS  # a batch: one quarter


class Keeper(StrEnum):
    """Who keeps a passphrase of the ceremony."""

    ROOT = "root"
    DESK = "desk"
    COURIER = "courier"
    CUSTODIAN = "custodian"
    COUNSEL = "counsel"
    RECOVERY = "recovery"
    COUNSEL_RECOVERY = "counsel-recovery"


HOLDERS = (Keeper.CUSTODIAN, Keeper.COUNSEL, Keeper.RECOVERY)
COUNSEL_HOLDERS = (Keeper.COUNSEL, Keeper.COUNSEL_RECOVERY)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the people at the ceremony decide. `slots` at least the number of holders, at most MAX_SLOTS."""

    office: str
    regions: tuple[Region, ...]
    contacts: tuple[Contact, ...]
    collect_days: int
    slots: int
    throwaway: bool
    today: date
    counsel_first: bool = False

    @property
    def holders(self) -> tuple[Keeper, ...]:
        """Whose keys letters are sealed to."""
        return COUNSEL_HOLDERS if self.counsel_first else HOLDERS

    @property
    def keepers(self) -> tuple[Keeper, ...]:
        """Who types a passphrase. A real root has none: it is split into shares."""
        root = (Keeper.ROOT,) if self.throwaway else ()
        return (*root, Keeper.DESK, Keeper.COURIER, *self.holders)


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """The files of an office by relative name: public ones for everybody, secret ones for their keepers.

    sheets  the shares of the root, in offices that are not throwaway
    """

    public: dict[str, bytes]
    secret: dict[str, bytes]
    sheets: tuple[ShareSheet, ...]
    fingerprint: str
    first_day: date
    last_day: date


def hold_ceremony(plan: Plan, passphrases: dict[Keeper, str], built: BuiltPage) -> Outcome:
    """Return every file of a new office.

    passphrases  one for each of the plan's keepers
    Raises ValueError when `slots` is out of range or the office's name is not one a key list can carry.
    """
    if not len(plan.holders) <= plan.slots <= MAX_SLOTS:
        raise ValueError(f"slots must be from {len(plan.holders)} to {MAX_SLOTS}")
    root = SigningKey.generate()
    facts = RootFacts(office_of(plan, root), plan.slots)
    firsts = tuple(mondays(plan.today, WEEKS))
    holders = [make_holder(keeper, firsts, _sealer(plan, passphrases[keeper])) for keeper in plan.holders]
    desk = make_desk_key(_sealer(plan, passphrases[Keeper.DESK]))
    courier = make_courier_key(passphrases[Keeper.COURIER], plan.throwaway)
    signing = plan_signing(_request(plan, firsts, holders, desk, courier))
    try:
        lists = signed_lists(signing, root)
    except SigningRefused as error:
        raise ValueError(str(error)) from error
    files = root_files(facts)
    office_facts = signed_facts(signing, root, files[OFFICE])
    page = signed_page(facts.office, built, signed_lists_among(lists, facts.roots), 1, root)
    public = {**files, **lists, **office_facts, **page}
    return Outcome(
        public=public,
        secret={**_root_secret(plan, root, passphrases), **_secrets([desk, courier, *holders])},
        sheets=() if plan.throwaway else share_sheets(facts.office, root, plan.today),
        fingerprint=root.public.fingerprint,
        first_day=signing.weeks[0].first,
        last_day=signing.weeks[-1].last,
    )


def office_of(plan: Plan, root: SigningKey) -> Office:
    """Return the office data of a plan."""
    return Office(
        office=plan.office,
        root=root.public,
        floor=1,
        throwaway=plan.throwaway,
        collect_days=plan.collect_days,
        regions=plan.regions,
        contacts=plan.contacts,
    )


def check_name(office: str, day: date) -> None:
    """Raise ValueError unless a key list can carry this name (FORMAT.md 4)."""
    nobody, recipient = SigningKey.generate().public, HybridIdentity.generate().recipient
    monday = mondays(day, 1)[0]
    week = Week(monday, monday + timedelta(days=6), (recipient,))
    write_key_list(KeyList(office, 1, monday, week.last, 1, nobody, (nobody,), recipient, (week,)))


def share_sheets(office: Office, root: SigningKey, made: date) -> tuple[ShareSheet, ...]:
    """Return a sheet for each share of the root, split afresh and checked. Raises SharesFailed."""
    return tuple(ShareSheet(office.office, root.public, made, office.throwaway, share) for share in split_root(root))


def signed_page(
    office: Office, built: BuiltPage, lists: list[SignedList], number: int, root: SigningKey
) -> dict[str, bytes]:
    """Return the files of the office's page under page/, with the root's signature over their digests.

    lists   the key lists that go into the kit: those of the same signing, and those in force until then
    number  of this page: one more than the last
    """
    files = office_page(built, office, lists, number)
    files[SUMS + ".sig"] = sign(files[SUMS], root, Namespace.PAGE).encode("ascii")
    return {f"page/{name}": data for name, data in files.items()}


def _request(plan: Plan, firsts: tuple[date, ...], holders: list[Made], desk: Made, courier: Made) -> Request:
    return Request(
        office=plan.office,
        slots=plan.slots,
        throwaway=plan.throwaway,
        today=plan.today,
        firsts=firsts,
        holders=tuple(made.half for made in holders),
        desk=desk.half,
        couriers=(courier.half,),
        counsel=None,
        counsel_first=plan.counsel_first,
    )


def _sealer(plan: Plan, passphrase: str) -> Sealer:
    return Sealer(passphrase, plan.throwaway)


def _root_secret(plan: Plan, root: SigningKey, passphrases: dict[Keeper, str]) -> dict[str, bytes]:
    """Return root.age for a throwaway office, whose root must sign without people; nothing for any other."""
    if not plan.throwaway:
        return {}
    return {"root.age": _sealer(plan, passphrases[Keeper.ROOT]).seal(key_text(root))}


def _secrets(made: list[Made]) -> dict[str, bytes]:
    return {name: data for each in made for name, data in each.secret.items()}
