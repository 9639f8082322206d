# SPDX-License-Identifier: AGPL-3.0-or-later
"""Public halves: the readable files that holders, desk, courier and counsel carry to the root. Nothing secret in them.

    underseal public half v1
    # what it is, in words
    role holder
    name custodian
    throwaway no
    signing ssh-ed25519 AAAA...            desk and courier
    raw age1pq1...                         who can open raw words in the vault
    week 2031-05-05 2031-05-11 age1pq1...  holders

A reader accepts only what a writer would write, byte for byte.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from crypto.errors import CryptoError
from crypto.primitives import digest
from crypto.recipient import Recipient
from crypto.signature import PublicKey

HALF_MAX_BYTES = 65_536  # 13 weeks of 2 KiB, and room
MAX_WEEKS = 13
_FIRST_LINE = "underseal public half v1"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)
_WEEK = timedelta(days=7)


class Role(StrEnum):
    """What the keys of a half are for."""

    HOLDER = "holder"
    DESK = "desk"
    COURIER = "courier"
    COUNSEL = "counsel"


_ABOUT = {
    Role.HOLDER: "Letters of each week below can be opened by whoever holds the other half of that week's key.",
    Role.DESK: "The other half signs acknowledgements, replies and the board.",
    Role.COURIER: "The other half lets a courier pull bundles from the portal and push signed files to it.",
    Role.COUNSEL: "The other half opens raw words that rest in the desk's vault.",
}


@dataclass(frozen=True, slots=True)
class HolderWeek:
    """One week of a holder, Monday to Sunday, and the recipient of that week."""

    first: date
    recipient: Recipient

    @property
    def last(self) -> date:
        """The Sunday."""
        return self.first + timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Half:
    """The public half of one person's keys. `raw` opens raw words in the vault; only holders have weeks."""

    role: Role
    name: str
    throwaway: bool
    signing: PublicKey | None = None
    raw: Recipient | None = None
    weeks: tuple[HolderWeek, ...] = ()

    @property
    def file_name(self) -> str:
        """The file that it is carried in."""
        return f"{self.name}.holder.txt" if self.role is Role.HOLDER else f"{self.name}.public.txt"


def is_name(text: str) -> bool:
    """Return whether a holder can be called so: a letter, then letters, digits and hyphens, in small letters."""
    return _NAME.fullmatch(text) is not None


def write_half(half: Half) -> bytes:
    """Return the file's bytes."""
    lines = [
        _FIRST_LINE,
        f"# The public half of {half.name}'s keys. Nothing here is secret. Carry it to the root.",
        f"# {_ABOUT[half.role]}",
        f"role {half.role}",
        f"name {half.name}",
        f"throwaway {'yes' if half.throwaway else 'no'}",
    ]
    if half.signing:
        lines.append(f"signing {half.signing.text}")
    if half.raw:
        lines.append(f"raw {half.raw.text}")
    lines += [f"week {week.first} {week.last} {week.recipient.text}" for week in half.weeks]
    return ("\n".join(lines) + "\n").encode("ascii")


def read_half(data: bytes) -> Half:
    """Return the half of a file. Raises ValueError for anything `write_half` would not write."""
    lines = data.decode("ascii", "replace").split("\n")
    pairs = [(word, rest) for word, _, rest in (line.partition(" ") for line in lines[1:-1]) if word != "#"]
    facts = dict(pairs)
    try:
        half = Half(
            Role(facts["role"]),
            facts["name"],
            facts["throwaway"] == "yes",
            PublicKey.parse(facts["signing"]) if "signing" in facts else None,
            Recipient.parse(facts["raw"]) if "raw" in facts else None,
            tuple(_week(rest) for word, rest in pairs if word == "week"),
        )
        written = write_half(half)
    except (KeyError, ValueError, CryptoError, OverflowError) as error:
        raise ValueError("not a public half") from error
    if len(data) > HALF_MAX_BYTES or written != data or not _is_whole(half):
        raise ValueError("not a public half as it is written")
    return half


def half_digest(data: bytes) -> str:
    """Return what is read aloud where a half is made and where it is signed: 128 bits in eight groups of four."""
    return spoken(digest(data))


def spoken(digits: str) -> str:
    """Return the first 32 of hexadecimal digits in groups of four."""
    return " ".join(digits[i : i + 4] for i in range(0, 32, 4))


def short(recipient: Recipient) -> str:
    """Return a recipient as people compare it: the first half of its digest in groups of four."""
    return spoken(digest(recipient.raw))


def mondays(first: date, weeks: int) -> Sequence[date]:
    """Return the Monday of the week that `first` is in, and the Mondays after it."""
    monday = first - timedelta(days=first.weekday())
    return [monday + number * _WEEK for number in range(weeks)]


def _week(text: str) -> HolderWeek:
    first, _, recipient = text.split(" ")
    return HolderWeek(date.fromisoformat(first), Recipient.parse(recipient))


def _is_whole(half: Half) -> bool:
    firsts = [week.first for week in half.weeks]
    recipients = {week.recipient for week in half.weeks}
    has = (half.signing is not None, half.raw is not None, bool(half.weeks))
    shapes = {
        Role.HOLDER: {(False, False, True), (False, True, True)},
        Role.DESK: {(True, False, False)},
        Role.COURIER: {(True, False, False)},
        Role.COUNSEL: {(False, True, False)},
    }
    return (
        is_name(half.name)
        and has in shapes[half.role]
        and len(firsts) <= MAX_WEEKS
        and len(recipients) == len(firsts)
        and (not firsts or list(mondays(firsts[0], len(firsts))) == firsts)
    )
