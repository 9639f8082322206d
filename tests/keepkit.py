# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reports of three fates, and the vault some days later."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from deskkit import PASSPHRASE, Desk, day, manifest_digest, typed

from desk.vault import Vault, open_vault, read_header

RECORD, OPEN, OUT = "01" * 16, "02" * 16, "03" * 16


@contextmanager
def later(desk: Desk, days: int, passphrase: str = PASSPHRASE) -> Iterator[Vault]:
    """Yield the vault so many days later, after a bundle that the portal made on that day."""
    last = (desk.stick / "bundle").read_bytes()
    pull = json.loads(last[: last.index(b"\n")])["pull"] + 1
    after = desk.office.bundle([], pull, manifest_digest(last), pulled=day() + timedelta(days=days))
    assert 0 == desk.receive(after).code
    with open_vault(desk.folder, read_header(desk.folder), typed(passphrase), day() + timedelta(days=days)) as vault:
        yield vault
