# SPDX-License-Identifier: AGPL-3.0-or-later
"""Weeks that are over: an office of some weeks ago, its holders' files, and the records of destroyed keys."""

from datetime import timedelta
from pathlib import Path

from deskkit import (
    PASSPHRASE,
    Desk,
    Office,
    day,
    read_log,
    typed,
)
from sqlalchemy import select

from crypto.recipient import Recipient
from crypto.secret.secretfile import open_secret
from desk import tables
from desk.events import Kind
from desk.halves import mondays
from desk.keymaking import Batch, read_batch
from desk.vault import open_vault, read_header

AGO = 8  # weeks since the ceremony
FIRST = mondays(day() - timedelta(weeks=AGO), 1)[0]
ENDED = [first for first in mondays(FIRST, 13) if first + timedelta(days=6) <= day() - timedelta(days=15)]
FAULT = "opened by none of our keys: junk, or sealed to a week already destroyed"


def holder(office: Office, name: str = "custodian") -> Path:
    return office.secret / f"holder-{name}.age"


def batch(path: Path) -> Batch:
    return read_batch(open_secret(path.read_bytes(), PASSPHRASE).decode())


def recipients(path: Path) -> list[Recipient]:
    return [identity.recipient for identity in batch(path).values()]


def vault_texts(desk: Desk) -> list[str]:
    """Return the records in the log."""
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        kept = [row.event.text("text") for row in read_log(connection) if row.event.kind is Kind.DESTROYED]
        texts = tables.texts.c
        return [connection.execute(select(texts.text).where(texts.id == name)).scalar_one() for name in kept]
