# SPDX-License-Identifier: AGPL-3.0-or-later
"""The key list, keys.txt: who can open what is sealed this week (FORMAT.md 4).

Rules, in this order: length, the root's signature, the grammar, the reader's floor. A list is read only after its
signature has been verified. Whether it serves today is a second question, `check_today`: callers own the clock.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from crypto.envelope import MAX_SLOTS
from crypto.errors import Malformed, Untrusted
from crypto.recipient import Recipient
from crypto.signature import Namespace, PublicKey, verify

MAX_LIST_BYTES = 262_144
MAX_WEEKS = 14
MAX_COURIERS = 4
MAX_SEQUENCE = 999_999
_VERSION_LINE = "underseal keys v1"


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday, and the recipients of that week in the order of their stanzas."""

    first: date
    last: date
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class KeyList:
    """A key list whose grammar holds. Only `read_key_list` gives one that can be trusted."""

    office: str
    sequence: int
    issued: date
    expires: date
    slots: int
    desk: PublicKey
    couriers: tuple[PublicKey, ...]
    counsel: Recipient
    weeks: tuple[Week, ...]

    def check_today(self, today: date) -> Week:
        """Return the week that covers today (UTC). Raises Untrusted: `keys-expired` or `keys-week`."""
        if today > self.expires:
            raise Untrusted("keys-expired", "the key list has expired")
        for week in self.weeks:
            if week.first <= today <= week.last:
                return week
        raise Untrusted("keys-week", "no week of the key list covers this day")


def read_key_list(data: bytes, signature: str, root: PublicKey, *, floor: int = 1) -> KeyList:
    """Return the list that the root signed. Raises Untrusted with the first rule that does not hold."""
    if len(data) > MAX_LIST_BYTES:
        raise Untrusted("keys-size", "the key list is too long")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Untrusted("keys-size", "the key list is not text") from error
    try:
        verify(data, signature, root, Namespace.KEYS)
    except Untrusted as error:
        raise Untrusted("keys-signature", "the key list is not signed by this office's root") from error
    try:
        key_list = _parse(text)
    except (ValueError, OverflowError, Malformed) as error:
        raise Untrusted("keys-grammar", "the key list is signed, but not written as this version reads it") from error
    if key_list.sequence < floor:
        raise Untrusted("keys-sequence", "the key list is older than one already known")
    return key_list


def write_key_list(key_list: KeyList) -> bytes:
    """Return the text of a list, ready to be signed. Raises ValueError for one that readers would refuse."""
    lines = [
        _VERSION_LINE,
        f"office {key_list.office}",
        f"sequence {key_list.sequence}",
        f"issued {key_list.issued}",
        f"expires {key_list.expires}",
        f"slots {key_list.slots}",
        f"desk {key_list.desk.text}",
        *(f"courier {courier.text}" for courier in key_list.couriers),
        f"counsel {key_list.counsel.text}",
    ]
    for week in key_list.weeks:
        lines.append(f"week {week.first} {week.last}")
        lines += [f"recipient {recipient.text}" for recipient in week.recipients]
    text = "\n".join(lines) + "\n"
    if _parse(text) != key_list:
        raise ValueError("the list does not read back as it was written")
    return text.encode("utf-8")


class _Words:
    """The lines of a list as (keyword, rest), read one after the other."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def take(self, keyword: str) -> str:
        if not self.next_is(keyword):
            raise ValueError("a line is missing, unknown or out of order")
        return self._lines.pop(0)[len(keyword) + 1 :]

    def next_is(self, keyword: str) -> bool:
        return bool(self._lines) and self._lines[0].startswith(keyword + " ")

    def take_all(self, keyword: str) -> Iterator[str]:
        while self.next_is(keyword):
            yield self.take(keyword)

    def __bool__(self) -> bool:
        return bool(self._lines)


def _parse(text: str) -> KeyList:
    lines = text.split("\n")
    if lines[0] != _VERSION_LINE or lines[-1] != "":
        raise ValueError("not a key list of this version")
    words = _Words(lines[1:-1])
    office = check_office(words.take("office"))
    sequence = _number(words.take("sequence"), MAX_SEQUENCE)
    issued, expires = _day(words.take("issued")), _day(words.take("expires"))
    slots = _number(words.take("slots"), MAX_SLOTS)
    desk = PublicKey.parse(words.take("desk"))
    couriers = tuple(PublicKey.parse(text) for text in words.take_all("courier"))
    counsel = Recipient.parse(words.take("counsel"))
    weeks = tuple(_weeks(words, slots))
    if words or not 1 <= len(couriers) <= MAX_COURIERS or not 1 <= len(weeks) <= MAX_WEEKS:
        raise ValueError("too few or too many lines")
    if expires != weeks[-1].last or issued > expires or not _contiguous(weeks):
        raise ValueError("the days do not fit together")
    return KeyList(office, sequence, issued, expires, slots, desk, couriers, counsel, weeks)


def _weeks(words: _Words, slots: int) -> Iterator[Week]:
    for line in words.take_all("week"):
        first, last = (_day(day) for day in line.split(" "))
        recipients = tuple(Recipient.parse(text) for text in words.take_all("recipient"))
        if len(recipients) != slots or len(set(recipients)) != slots:
            raise ValueError("a week has too few, too many or repeated recipients")
        if first.weekday() != 0 or last != first + timedelta(days=6):
            raise ValueError("a week does not run from Monday to Sunday")
        yield Week(first, last, recipients)


def _contiguous(weeks: tuple[Week, ...]) -> bool:
    return all(b.first == a.last + timedelta(days=1) for a, b in zip(weeks, weeks[1:], strict=False))


def check_office(text: str) -> str:
    """Return the text if it can be an office's name. Raises ValueError."""
    printable = all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in text)
    if not 1 <= len(text) <= 80 or text != text.strip(" ") or not printable:
        raise ValueError("the office's name is not 1 to 80 printable characters")
    return text


def _number(text: str, limit: int) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text, re.ASCII) or int(text) > limit:
        raise ValueError("not a number in range")
    return int(text)


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        raise ValueError("not a day")
    return date.fromisoformat(text)
