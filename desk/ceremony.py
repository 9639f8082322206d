# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ceremony: every key of an office, made once, and the lists its root signs. Values in, files out.

Weekly identities come from fresh randomness, never from one another: destroying a week destroys it (FORMAT.md 2.4, 4).
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

import segno

from crypto.envelope import MAX_SLOTS
from crypto.keylist import KeyList, Week, write_key_list
from crypto.secret.identity import HybridIdentity
from crypto.secret.secretfile import WORK_FACTOR, seal_secret
from crypto.signature import Namespace, SigningKey, sign
from intake.office import Contact, Office, Region, write_office
from intake.page import SUMS, BuiltPage, office_page

WEEKS = 13  # a batch: one quarter
WEEKS_IN_LIST = 2  # this week and the next, so that a courier may be a week late
THROWAWAY_WORK_FACTOR = 10  # a thousandth of a second: tests and demonstrations
_WEEK = timedelta(days=7)


class Keeper(StrEnum):
    """Who keeps a passphrase of the ceremony."""

    ROOT = "root"
    DESK = "desk"
    COURIER = "courier"
    CUSTODIAN = "custodian"
    COUNSEL = "counsel"
    RECOVERY = "recovery"


HOLDERS = (Keeper.CUSTODIAN, Keeper.COUNSEL, Keeper.RECOVERY)
RAW_READERS = (Keeper.CUSTODIAN, Keeper.COUNSEL)


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """The files of an office by relative name: public ones for everybody, secret ones for their keepers."""

    public: dict[str, bytes]
    secret: dict[str, bytes]
    fingerprint: str
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class _Keys:
    root: SigningKey = field(default_factory=SigningKey.generate)
    desk: SigningKey = field(default_factory=SigningKey.generate)
    courier: SigningKey = field(default_factory=SigningKey.generate)
    raw: dict[Keeper, HybridIdentity] = field(
        default_factory=lambda: {keeper: HybridIdentity.generate() for keeper in RAW_READERS}
    )
    weekly: dict[Keeper, list[HybridIdentity]] = field(
        default_factory=lambda: {keeper: [HybridIdentity.generate() for _ in range(WEEKS)] for keeper in HOLDERS}
    )


def hold_ceremony(plan: Plan, passphrases: dict[Keeper, str], built: BuiltPage) -> Outcome:
    """Return every file of a new office.

    passphrases  one for each Keeper
    Raises ValueError when `slots` is out of range or the office's name is not one a key list can carry.
    """
    if not len(HOLDERS) <= plan.slots <= MAX_SLOTS:
        raise ValueError(f"slots must be from {len(HOLDERS)} to {MAX_SLOTS}")
    keys = _Keys()
    weeks = _weeks(plan, keys)
    office = Office(
        office=plan.office,
        root=keys.root.public,
        floor=1,
        throwaway=plan.throwaway,
        collect_days=plan.collect_days,
        regions=plan.regions,
        contacts=plan.contacts,
    )
    return Outcome(
        public={**_lists(plan, keys, weeks), **_page(office, built, keys.root), **_facts(office, keys)},
        secret=_secrets(plan, keys, weeks, passphrases),
        fingerprint=keys.root.public.fingerprint,
        first_day=weeks[0].first,
        last_day=weeks[-1].last,
    )


def _weeks(plan: Plan, keys: _Keys) -> list[Week]:
    """Return the batch's weeks from this Monday on; fillers hide how many holders there are, order hides who."""
    monday = plan.today - timedelta(days=plan.today.weekday())
    weeks = []
    for number in range(WEEKS):
        recipients = [keys.weekly[keeper][number].recipient for keeper in HOLDERS]
        recipients += [HybridIdentity.generate().recipient for _ in range(plan.slots - len(recipients))]
        first = monday + number * _WEEK
        weeks.append(Week(first, first + timedelta(days=6), tuple(sorted(recipients, key=lambda r: r.raw))))
    return weeks


def _lists(plan: Plan, keys: _Keys, weeks: list[Week]) -> dict[str, bytes]:
    """Return 13 signed lists: the k-th covers week k and the one after it."""
    template = KeyList(
        office=plan.office,
        sequence=1,
        issued=plan.today,
        expires=weeks[0].last,
        slots=plan.slots,
        desk=keys.desk.public,
        couriers=(keys.courier.public,),
        counsel=keys.raw[Keeper.COUNSEL].recipient,
        weeks=(),
    )
    files = {}
    for number in range(WEEKS):
        covered = tuple(weeks[number : number + WEEKS_IN_LIST])
        key_list = replace(template, sequence=number + 1, expires=covered[-1].last, weeks=covered)
        text = write_key_list(key_list)
        name = f"keys-{key_list.sequence:06}.txt"
        files[name] = text
        files[name + ".sig"] = sign(text, keys.root, Namespace.KEYS).encode("ascii")
    return files


def _page(office: Office, built: BuiltPage, root: SigningKey) -> dict[str, bytes]:
    files = office_page(built, office)
    files[SUMS + ".sig"] = sign(files[SUMS], root, Namespace.PAGE).encode("ascii")
    return {f"page/{name}": data for name, data in files.items()}


def _facts(office: Office, keys: _Keys) -> dict[str, bytes]:
    recipients = "".join(f"{keeper} {identity.recipient.text}\n" for keeper, identity in keys.raw.items())
    return {
        "office.json": write_office(office),
        "recipients.txt": recipients.encode("ascii"),
        "allowed_signers": allowed_signers(keys.root, keys.desk).encode("ascii"),
        "desk.pub": (keys.desk.public.text + "\n").encode("ascii"),
        "root.pub": (keys.root.public.text + "\n").encode("ascii"),
        "card.txt": card(office.office, keys.root.public.fingerprint).encode("utf-8"),
        "card.svg": _card_svg(keys.root.public.fingerprint),
    }


def allowed_signers(root: SigningKey, desk: SigningKey) -> str:
    """Return the file with which stock `ssh-keygen -Y verify -f` checks this office's signatures."""
    rows = (
        ("root@underseal", (Namespace.KEYS, Namespace.PAGE), root),
        ("desk@underseal", (Namespace.ACK, Namespace.BOARD), desk),
    )
    return "".join(f'{who} namespaces="{",".join(names)}" {key.public.text}\n' for who, names, key in rows)


def card(office: str, fingerprint: str) -> str:
    """Return the union's card as text: the root's fingerprint in groups of four, as the page shows it."""
    digits = fingerprint.removeprefix("SHA256:")
    groups = " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))
    return f"{office}\n\nThe page of this office shows this root fingerprint:\n\n  SHA256: {groups}\n"


def card_qr(fingerprint: str) -> segno.QRCode:
    """Return the fingerprint as a QR code."""
    return segno.make_qr(fingerprint, error="m")


def _card_svg(fingerprint: str) -> bytes:
    return card_qr(fingerprint).svg_inline(scale=6, border=4).encode("utf-8") + b"\n"


def _secrets(plan: Plan, keys: _Keys, weeks: list[Week], passphrases: dict[Keeper, str]) -> dict[str, bytes]:
    work_factor = THROWAWAY_WORK_FACTOR if plan.throwaway else WORK_FACTOR
    mark = "# THROWAWAY OFFICE: protects nobody\n" if plan.throwaway else ""

    def sealed(text: str, keeper: Keeper) -> bytes:
        return seal_secret((mark + text).encode("ascii"), passphrases[keeper], work_factor=work_factor)

    files = {
        "root.age": sealed(_key_text(keys.root), Keeper.ROOT),
        "desk.age": sealed(_key_text(keys.desk), Keeper.DESK),
        "courier.key": keys.courier.to_openssh(passphrases[Keeper.COURIER]),
    }
    for keeper, identity in keys.raw.items():
        files[f"{keeper}.age"] = sealed(f"# {keeper}, for raw text\n{identity.text}\n", keeper)
    for keeper, batch in keys.weekly.items():
        rows = zip(weeks, batch, strict=True)
        text = "".join(f"# week {week.first} {week.last}\n{identity.text}\n" for week, identity in rows)
        files[f"holder-{keeper}.age"] = sealed(text, keeper)
    return files


def _key_text(key: SigningKey) -> str:
    return key.to_openssh(None).decode("ascii")
