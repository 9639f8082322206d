# SPDX-License-Identifier: AGPL-3.0-or-later
"""What reviewers do to a report. Each function is one event, or none where nothing would change."""

from enum import StrEnum

from sqlalchemy import select

from desk import tables
from desk.errors import NothingWritten, ReasonNeeded, TextTooLong
from desk.events import Kind
from desk.roles import Act, refuse_unless
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


def tag(vault: Vault, report: str, codes: list[str]) -> list[str]:
    """Apply codes to a report, all or none, and return those that were not there before."""
    refuse_unless(vault, Act.WORK)
    with vault.writing() as writer:
        new = [code for code in dict.fromkeys(codes) if not _coded(writer, report, code, vault.reviewer)]
        for code in new:
            writer.record(Kind.TAGGED, report=report, code=code)
    return new


def untag(vault: Vault, report: str, codes: list[str]) -> list[str]:
    """Take this reviewer's codes off a report and return those that were there."""
    refuse_unless(vault, Act.WORK)
    with vault.writing() as writer:
        there = [code for code in dict.fromkeys(codes) if _coded(writer, report, code, vault.reviewer)]
        for code in there:
            writer.record(Kind.UNTAGGED, report=report, code=code)
    return there


def checked_text(text: str) -> str:
    """Return a reviewer's text without trailing white space. Raises NothingWritten, TextTooLong."""
    text = text.strip("\n\r\t ")
    if not text:
        raise NothingWritten
    if len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        raise TextTooLong(MAX_TEXT_BYTES)
    return text.encode("utf-8", "replace").decode()


def add_note(vault: Vault, report: str, text: str) -> None:
    """Add a note to a report. The event holds its digest, the words can be erased later."""
    refuse_unless(vault, Act.WORK)
    text = checked_text(text)
    with vault.writing() as writer:
        writer.record(Kind.NOTED, report=report, text=writer.text(text))


def summarize(vault: Vault, report: str, text: str) -> bool:
    """Set this reviewer's summary of a report; return False where it already reads so."""
    refuse_unless(vault, Act.WORK)
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


def set_status(vault: Vault, report: str, status: Status, reason: str = "") -> bool:
    """Set where the work stands; return False where it stands so already. Closing needs a reason: ReasonNeeded."""
    refuse_unless(vault, Act.WORK)
    if status is Status.CLOSED and not reason.strip():
        raise ReasonNeeded
    statuses = tables.statuses.c
    mine = select(statuses.status).where(statuses.report == report, statuses.reviewer == vault.reviewer)
    with vault.writing() as writer:
        if (writer.connection.execute(mine).scalar_one_or_none() or Status.NEW) == status:
            return False
        named = writer.text(checked_text(reason)) if reason.strip() else None
        writer.record(Kind.STATUS, report=report, status=status.value, reason=named)
    return True
