# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reports of three fates, and the vault some days later."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from deskkit import PASSPHRASE, Desk, Run, day, manifest_digest, typed
from sqlalchemy import event

from desk import session
from desk.vault import Vault, open_vault, read_header

RECORD, OPEN, OUT = "01" * 16, "02" * 16, "03" * 16


@contextmanager
def later(desk: Desk, days: int, passphrase: str = PASSPHRASE) -> Iterator[Vault]:
    """Yield the vault so many days later, after a bundle that the portal made on that day."""
    last = (desk.stick / "bundle").read_bytes()
    pull = json.loads(last[: last.index(b"\n")])["pull"] + 1
    after = desk.office.bundle([], pull, manifest_digest(last), pulled=day() + timedelta(days=days))
    assert 0 == receive_on(desk, after, days).code
    with open_vault(desk.folder, read_header(desk.folder), typed(passphrase), day() + timedelta(days=days)) as vault:
        yield vault


def receive_on(desk: Desk, bundle: bytes, days: int) -> Run:
    """Receive a bundle where the machine's clock is so many days later."""
    with patch.object(session, "today", lambda: day() + timedelta(days=days)):
        return desk.receive(bundle)


@contextmanager
def questions(vault: Vault) -> Iterator[list[str]]:
    """Yield a list that gets every statement which the vault's database is asked meanwhile."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    event.listen(vault._engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(vault._engine, "before_cursor_execute", note)
