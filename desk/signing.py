# SPDX-License-Identifier: AGPL-3.0-or-later
"""One signing: who can open which week, as key lists that the root signs.

Each list covers a week and the one after it, so that a courier may be a week late. A batch that follows another
begins with a list of that one's last week and its own first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from crypto.envelope import MAX_SLOTS
from crypto.keylist import MAX_COURIERS, MAX_SEQUENCE, KeyList, Week, write_key_list
from crypto.recipient import Recipient
from crypto.secret.identity import HybridIdentity
from crypto.signature import Namespace, PublicKey, SigningKey, sign
from desk.ceremony_errors import SigningRefused
from desk.halves import Half, Role
from desk.keymaking import COUNSEL, COUNSEL_RECOVERY, CUSTODIAN

WEEKS_IN_LIST = 2
RECIPIENTS = "recipients.txt"
COUNSEL_FIRST = "counsel-first"
ANY_HOLDER = "any holder"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What was brought to the root. `after` is the last list signed before, None at the first signing."""

    office: str
    slots: int
    throwaway: bool
    today: date
    firsts: tuple[date, ...]
    holders: tuple[Half, ...]
    desk: Half
    couriers: tuple[Half, ...]
    counsel: Half | None
    counsel_first: bool
    after: KeyList | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """A request that can be signed: `template` has all that does not change, `weeks` all recipients.

    raw      who opens raw words in the vault: the name in recipients.txt, and the key
    fillers  throwaway recipients in every week
    """

    request: Request
    template: KeyList
    weeks: tuple[Week, ...]
    raw: tuple[tuple[str, Recipient], ...]
    fillers: int
    notes: tuple[str, ...]


def plan_signing(request: Request) -> Signing:
    """Return what would be signed, with its fillers. Raises SigningRefused with the first thing that is wrong."""
    _check_halves(request)
    _check_order(request)
    weeks = [_week(request, first) for first in request.firsts]
    counsel = _raw_of(COUNSEL, request)
    if counsel is None:
        raise SigningRefused("counsel's key for raw words is missing: bring counsel's holder file, or give --counsel")
    second, notes = _second_reader(request)
    assert request.desk.signing  # a half of that role has one
    template = KeyList(
        office=request.office,
        sequence=request.after.sequence + 1 if request.after else 1,
        issued=request.today,
        expires=weeks[0].last,
        slots=request.slots,
        desk=request.desk.signing,
        couriers=tuple(half.signing for half in request.couriers if half.signing),
        counsel=counsel,
        weeks=(),
    )
    joins = request.after is not None and request.after.weeks[-1].last + _DAY == weeks[0].first
    before = (request.after.weeks[-1],) if request.after and joins else ()
    if before:
        notes += (f"list {template.sequence} also has the week of {before[0].first}, as it was signed before",)
    fillers = request.slots - len(request.holders)
    raw = ((CUSTODIAN, second), (COUNSEL, counsel))
    return Signing(request, template, (*before, *weeks), raw, fillers, notes)


def lists_of(signing: Signing) -> list[KeyList]:
    """Return the lists, each of two weeks but the last. Raises SigningRefused."""
    lists = []
    for number in range(len(signing.weeks)):
        covered = signing.weeks[number : number + WEEKS_IN_LIST]
        sequence = signing.template.sequence + number
        lists.append(replace(signing.template, sequence=sequence, expires=covered[-1].last, weeks=covered))
    if lists[-1].sequence > MAX_SEQUENCE:
        raise SigningRefused(f"a sequence is at most {MAX_SEQUENCE}")
    return lists


def signed_lists(signing: Signing, root: SigningKey) -> dict[str, bytes]:
    """Return the lists and their signatures by file name. Raises SigningRefused."""
    files = {}
    for key_list in lists_of(signing):
        try:
            text = write_key_list(key_list)
        except ValueError as error:
            raise SigningRefused(str(error)) from error
        name = f"keys-{key_list.sequence:06}.txt"
        files[name] = text
        files[name + ".sig"] = sign(text, root, Namespace.KEYS).encode("ascii")
    return files


def signed_facts(signing: Signing, root: SigningKey, office_json: bytes) -> dict[str, bytes]:
    """Return the other public files of a signing: who reads raw words, signatures over that and the office, key files.

    The desk verifies both signatures before it makes a vault (FORMAT.md 9).
    """
    setting = COUNSEL_FIRST if signing.request.counsel_first else ANY_HOLDER
    lines = [f"# setting: {setting}", f"# {setting_in_words(setting)}", "# Raw words in the vault are sealed to:"]
    lines += [f"{name} {recipient.text}" for name, recipient in signing.raw]
    recipients = ("\n".join(lines) + "\n").encode("ascii")
    return {
        RECIPIENTS: recipients,
        RECIPIENTS + ".sig": sign(recipients, root, Namespace.OFFICE).encode("ascii"),
        "office.json.sig": sign(office_json, root, Namespace.OFFICE).encode("ascii"),
        "allowed_signers": allowed_signers(root.public, signing.template.desk).encode("ascii"),
        "desk.pub": (signing.template.desk.text + "\n").encode("ascii"),
    }


def setting_in_words(setting: str) -> str:
    """Return what a setting means, for people."""
    if setting == COUNSEL_FIRST:
        return "Letters are sealed to counsel's keys alone: nobody else, the custodian included, can open one."
    return "Any one holder can open the letters of a week; a lost key loses nothing."


def allowed_signers(root: PublicKey, desk: PublicKey) -> str:
    """Return the file with which stock `ssh-keygen -Y verify -f` checks this office's signatures."""
    rows = (
        ("root@underseal", (Namespace.KEYS, Namespace.PAGE, Namespace.OFFICE, Namespace.ROOT), root),
        ("desk@underseal", (Namespace.ACK, Namespace.RECEIVED, Namespace.BOARD), desk),
    )
    return "".join(f'{who} namespaces="{",".join(names)}" {key.text}\n' for who, names, key in rows)


def _check_halves(request: Request) -> None:
    """Raise SigningRefused unless each half is of its role, of this kind of office, and there once."""
    expected = [*((half, Role.HOLDER) for half in request.holders), (request.desk, Role.DESK)]
    expected += [(half, Role.COURIER) for half in request.couriers]
    for half, role in expected:
        if half.role is not role:
            raise SigningRefused(f"{half.file_name} is of a {half.role}, where one of a {role} is asked for")
    for half in [half for half, _ in expected] + ([request.counsel] if request.counsel else []):
        if half.throwaway != request.throwaway:
            kind = "a throwaway key" if half.throwaway else "no throwaway key"
            raise SigningRefused(f"{half.file_name} is {kind}, and this office is{'' if request.throwaway else ' not'}")
    names = [half.name for half in request.holders]
    if len(set(names)) != len(names):
        raise SigningRefused("two files are of the same holder")
    if not 1 <= len(request.couriers) <= MAX_COURIERS:
        raise SigningRefused(f"an office has 1 to {MAX_COURIERS} couriers")
    if not 1 <= len(names) <= request.slots <= MAX_SLOTS:
        raise SigningRefused(f"there are {len(names)} holders, and {request.slots} places in a week's list")
    strangers = [name for name in names if name not in (COUNSEL, COUNSEL_RECOVERY)]
    if request.counsel_first and strangers:
        raise SigningRefused(f"counsel-first seals letters to counsel alone, and {strangers[0]} is not counsel")


def _check_order(request: Request) -> None:
    """Raise SigningRefused when the weeks would leave a gap after the last list."""
    if request.after is None:
        return
    next_day = request.after.weeks[-1].last + _DAY
    if request.firsts[0] > next_day:
        raise SigningRefused(f"no list would cover {next_day} to {request.firsts[0] - _DAY}: begin at {next_day}")
    if request.after.slots != request.slots or request.after.office != request.office:
        raise SigningRefused("the list given with --after is of another office, or has another number of places")


def _week(request: Request, first: date) -> Week:
    """Return one week, its holders and fillers in an order that tells nobody which is which."""
    recipients = []
    for half in request.holders:
        own = [week.recipient for week in half.weeks if week.first == first]
        if not own:
            raise SigningRefused(f"{half.file_name} has no key for the week of {first}")
        recipients += own
    recipients += [HybridIdentity.generate().recipient for _ in range(request.slots - len(recipients))]
    return Week(first, first + 6 * _DAY, tuple(sorted(recipients, key=lambda recipient: recipient.raw)))


def _raw_of(name: str, request: Request) -> Recipient | None:
    """Return the long-lived recipient of that name: from its own file if one was brought, else from the holder's."""
    halves: Sequence[Half] = [*([request.counsel] if request.counsel else []), *request.holders]
    return next((half.raw for half in halves if half.name == name and half.raw), None)


def _second_reader(request: Request) -> tuple[Recipient, tuple[str, ...]]:
    """Return who stands beside counsel for raw words, and what the people should know about it."""
    name = COUNSEL_RECOVERY if request.counsel_first else CUSTODIAN
    recipient = _raw_of(name, request)
    if recipient:
        return recipient, ()
    if not request.counsel_first:
        raise SigningRefused("the custodian's key for raw words is missing: bring the custodian's holder file")
    note = "counsel has no second batch (counsel-recovery): if counsel's file or passphrase is lost, so are the letters"
    return HybridIdentity.generate().recipient, (note,)
