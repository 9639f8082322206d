# SPDX-License-Identifier: AGPL-3.0-or-later
"""What reviewers do to reports. Each function is one act, all of it or none, and none where nothing would change."""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import select

from desk import tables
from desk.decisions import Topic, after, standing
from desk.errors import NothingWritten, ReasonNeeded, TextTooLong
from desk.events import Kind
from desk.roles import Act, refuse_unless
from desk.tombstones import erased, refuse_if_erased
from desk.vault import Vault, Writer

MAX_TEXT_BYTES = 64 * 1024


class Status(StrEnum):
    """Where the work on a report stands. `closed` is the end of a report that will not be worked on."""

    NEW = "new"
    REVIEWING = "reviewing"
    DONE = "done"
    CLOSED = "closed"


def _coded(writer: Writer, report: str, code: str, reviewer: str) -> bool:
    codings = tables.codings.c
    mine = select(codings.code).where(codings.report == report, codings.code == code, codings.reviewer == reviewer)
    return writer.connection.execute(mine).one_or_none() is not None


def tag(vault: Vault, reports: Sequence[str], codes: Sequence[str]) -> list[tuple[str, str]]:
    """Apply codes to reports, all or none, and return each (report, code) that was not there before."""
    return _code(vault, reports, codes, on=True)


def untag(vault: Vault, reports: Sequence[str], codes: Sequence[str]) -> list[tuple[str, str]]:
    """Take this reviewer's codes off reports and return each (report, code) that was there."""
    return _code(vault, reports, codes, on=False)


def _code(vault: Vault, reports: Sequence[str], codes: Sequence[str], *, on: bool) -> list[tuple[str, str]]:
    refuse_unless(vault, Act.WORK)
    pairs = [(report, code) for report in dict.fromkeys(reports) for code in dict.fromkeys(codes)]
    with vault.writing() as writer:
        changed = [pair for pair in pairs if _coded(writer, *pair, vault.reviewer) != on]
        kind = Kind.TAGGED if on else Kind.UNTAGGED
        writer.act("tag" if on else "untag", [(kind, {"report": name, "code": code}) for name, code in changed])
    return changed


def checked_text(text: str) -> str:
    """Return a reviewer's text without trailing white space. Raises NothingWritten, TextTooLong."""
    text = text.strip("\n\r\t ")
    if not text:
        raise NothingWritten
    if len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        raise TextTooLong(MAX_TEXT_BYTES)
    return text.encode("utf-8", "replace").decode()


def add_note(vault: Vault, report: str, text: str) -> None:
    """Add a note to a report. The event holds its digest, the words can be erased later. Raises Erased."""
    refuse_unless(vault, Act.WORK)
    refuse_if_erased(vault, report)
    text = checked_text(text)
    with vault.writing() as writer:
        writer.record(Kind.NOTED, report=report, text=writer.text(text))


def summarize(vault: Vault, report: str, text: str) -> bool:
    """Set this reviewer's summary of a report; return False where it already reads so. Raises Erased."""
    refuse_unless(vault, Act.WORK)
    refuse_if_erased(vault, report)
    text = checked_text(text)
    joined = tables.summaries.join(tables.texts, tables.summaries.c.text == tables.texts.c.id)
    mine = (
        select(tables.texts.c.text)
        .select_from(joined)
        .where(tables.summaries.c.report == report, tables.summaries.c.reviewer == vault.reviewer)
    )
    with vault.writing() as writer:
        if writer.connection.execute(mine).scalar_one_or_none() == text:
            return False
        writer.record(Kind.SUMMARIZED, report=report, text=writer.text(text))
    return True


def set_status(vault: Vault, reports: Sequence[str], status: Status, reason: str = "") -> list[str]:
    """Set where the work stands, for all or none; return the reports for which that changed it.

    Closing needs a reason: ReasonNeeded. Each report has its own copy, so that each is erased with its own;
    of a report that was erased already none is kept.
    """
    refuse_unless(vault, Act.WORK)
    if status is Status.CLOSED and not reason.strip():
        raise ReasonNeeded
    text = checked_text(reason) if reason.strip() else None
    statuses = tables.statuses.c
    with vault.writing() as writer:
        changed, steps = [], []
        gone = erased(writer.connection, reports)
        for report in dict.fromkeys(reports):
            mine = select(statuses.status).where(statuses.report == report, statuses.reviewer == vault.reviewer)
            if (writer.connection.execute(mine).scalar_one_or_none() or Status.NEW) == status:
                continue
            changed.append(report)
            named = writer.text(text) if text and report not in gone else None
            steps.append((Kind.STATUS, {"report": report, "status": status.value, "reason": named}))
        writer.act("status", steps)
    return changed


def assign(vault: Vault, reports: Sequence[str], to: str | None) -> list[str]:
    """Give reports to a person, by fingerprint, or to nobody; return those for which that changed anything."""
    refuse_unless(vault, Act.WORK)
    with vault.writing() as writer:
        changed, steps = [], []
        for report in dict.fromkeys(reports):
            stands = standing(writer.connection, Topic.ASSIGNED, report)
            if {one.value for one in stands} == {to or ""} or (not stands and to is None):
                continue
            changed.append(report)
            steps.append((Kind.ASSIGNED, {"report": report, "to": to, "after": after(stands)}))
        writer.act("assign", steps)
    return changed


def see(vault: Vault, report: str) -> None:
    """Note that a report was shown to whoever has the vault open, once."""
    seen = tables.seen.c
    mine = select(seen.day).where(seen.report == report, seen.reviewer == vault.reviewer)
    with vault.reading() as connection:
        if connection.execute(mine).one_or_none() is not None:
            return
    with vault.writing() as writer:
        writer.record(Kind.SEEN, report=report)
