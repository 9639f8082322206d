# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which letters are received for certain, and with that which weeks' keys may be destroyed (FORMAT.md 8)."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select

from desk import tables
from desk.vault import Vault
from intake.limits import BUNDLE_MAX_ENVELOPES

KEEP_DAYS = 14  # FORMAT.md 8 and 9: the page's kit counts with the same number
GRACE_DAYS = 1  # a letter sealed in a week's last minute is on its way for some time
VALID_DAYS = 2  # of a signed text: a hold may have come since, and no machine elsewhere would know
MAX_RECEIVED_BYTES = 1_000
_DAY = timedelta(days=1)
_FORM = re.compile(
    r"underseal received v1\n"
    r'# Keys of weeks that ended on or before the day in "until" may be destroyed; no hold is known\.\n'
    r"office (?P<office>[^\n]{1,200})\n"
    r"signed (?P<signed>\d{4}-\d{2}-\d{2})\nbefore (?P<before>\d{4}-\d{2}-\d{2})\nuntil (?P<until>\d{4}-\d{2}-\d{2})\n",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Received:
    """Every letter that reached the portal before `before` is here; weeks that ended by `until` may go."""

    office: str
    signed: date
    before: date
    until: date


def letters_before(vault: Vault) -> date | None:
    """Return the day before which every letter at the portal has been received; None before the first bundle.

    A gap between bundles is none in this: the portal sends again what no acknowledgement has named.
    """
    bundles = tables.bundles.c
    earlier = func.min(bundles.pulled, bundles.day)  # of portal's and desk's clock: one of them may be wrong
    query = select(func.max(earlier)).where(bundles.envelopes < BUNDLE_MAX_ENVELOPES)
    with vault.reading() as connection:
        day = connection.execute(query).scalar_one()
    return None if day is None else date.fromisoformat(day)


def may_go_until(before: date, collect_days: int, today: date) -> date:
    """Return the last day on which a week may have ended whose keys may be destroyed today.

    before        see Received
    collect_days  of the office: a kit's letter can be handed in until KEEP_DAYS minus these after its week
    """
    handed_in = timedelta(days=max(GRACE_DAYS, KEEP_DAYS - collect_days))
    return min(today - (KEEP_DAYS + 1) * _DAY, before - handed_in - _DAY)


def week_end(until: date) -> date:
    """Return the last Sunday by a day: what two people agree to is weeks, and does not change overnight."""
    return until - (until.weekday() + 1) % 7 * _DAY


def write_received(received: Received) -> bytes:
    """Return the text that the desk signs."""
    return (
        "underseal received v1\n"
        '# Keys of weeks that ended on or before the day in "until" may be destroyed; no hold is known.\n'
        f"office {received.office}\nsigned {received.signed}\nbefore {received.before}\nuntil {received.until}\n"
    ).encode()


def read_received(data: bytes) -> Received:
    """Return what a text says. Raises ValueError for one that `write_received` does not write."""
    match = _FORM.fullmatch(data.decode("utf-8"))
    if match is None:
        raise ValueError("not written as this version reads it")
    signed, before, until = (date.fromisoformat(match[name]) for name in ("signed", "before", "until"))
    return Received(match["office"], signed, before, until)
