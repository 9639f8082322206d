# SPDX-License-Identifier: AGPL-3.0-or-later
"""A week's identities destroyed: the holder's file written anew without them, and a record of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from desk.errors import NotDestroyed
from desk.halves import HolderWeek, short
from desk.keymaking import Batch, batch_text, weeks_of
from desk.secretfiles import HolderFile
from intake import files

RULE = (
    "14 days since the week's end have passed; every letter that reached the portal before {} is at the desk; "
    "no hold is known"
)
COPIES = (
    "the old file was overwritten where it lay; an SSD, a stick, a snapshot or a backup may still keep it, "
    "locked by its passphrase: destroy every copy as well"
)


@dataclass(frozen=True, slots=True)
class Going:
    """What of one holder's file goes, and what is left of it."""

    file: HolderFile
    gone: Batch
    left: Batch

    @property
    def until(self) -> date:
        """The last day of the last week that goes."""
        return weeks_of(self.gone)[-1].last

    def sealed(self) -> bytes | None:
        """Return the new file, under the same passphrase; None if nothing is left."""
        return self.file.sealer.seal(batch_text(self.left)) if self.left else None


def going(file: HolderFile, until: date) -> Going | None:
    """Return what goes of a file whose weeks up to a day may go; None if nothing does."""
    ended = {week.first: week.last <= until for week in weeks_of(file.batch)}
    gone = {first: identity for first, identity in file.batch.items() if ended[first]}
    left = {first: identity for first, identity in file.batch.items() if not ended[first]}
    return Going(file, gone, left) if gone else None


def record_text(each: Going, *, office: str, today: date, by: str, before: date) -> str:
    """Return the record of one file's destruction, for the minutes. The digests are those of `keys show`."""
    rows = [
        ("office", office),
        ("file", each.file.path.name),
        ("destroyed", str(today)),
        ("by", by),
        ("rule", RULE.format(before)),
        *(("week", f"{week.first} to {week.last}  {short(week.recipient)}") for week in weeks_of(each.gone)),
        ("left", _span(weeks_of(each.left))),
        ("not said", COPIES),
    ]
    return "".join(f"{what:10} {text}\n" for what, text in rows)


def destroy(each: Going, record: str, note: Callable[[str], None]) -> Path:
    """Write the record beside the file, then put what is left in the file's place, and return the record's path.

    note  called with the record before anything goes, to write it into a log
    In this order: no key is destroyed without a record. Where the second step fails or is cut, the keys are still
    there, and doing it again records it again. Raises NotStored, and NotDestroyed once the record is written.
    """
    path, recorded = each.file.path, False
    try:
        with files.destroying(path, each.sealed()):
            kept = _write_record(path, each.until, record)
            note(record)
            recorded = True
    except files.NotStored as error:
        if recorded:
            raise NotDestroyed(path.name, str(error)) from error
        raise
    return kept


def without(holders: Sequence[Path], done: Sequence[Going]) -> tuple[Path, ...]:
    """Return those of the holders' files that are still there."""
    ended = {each.file.path for each in done if not each.left}
    return tuple(path for path in holders if path not in ended)


def _write_record(path: Path, until: date, record: str) -> Path:
    for number in count(1):
        name = f"{path.stem}-destroyed-{until}{'' if number == 1 else f'-{number}'}.txt"
        try:
            files.write_new(path.with_name(name), record.encode())
        except files.FileThere:  # of an earlier run that was cut: both stay
            continue
        return path.with_name(name)
    raise AssertionError("counting does not end")


def _span(weeks: Sequence[HolderWeek]) -> str:
    return f"{weeks[0].first} to {weeks[-1].last}, {len(weeks)} weeks" if weeks else "nothing: the file is gone"
