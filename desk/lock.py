# SPDX-License-Identifier: AGPL-3.0-or-later
"""One desk program at a time. The kernel holds the lock, so a killed program leaves none behind."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desk.errors import VaultLocked
from intake import files

MAX_LOCK_BYTES = 100


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` (process id and boot id are written into it); raises VaultLocked, NotStored."""
    entered = False
    try:
        with files.locked(path, wait=False, note=f"{os.getpid()} {_boot_id()}\n".encode()):
            entered = True
            yield
    except BlockingIOError:
        if entered:
            raise
        raise VaultLocked(_holder(path)) from None


def _holder(path: Path) -> str:
    words = files.read(path, MAX_LOCK_BYTES).decode("ascii", "replace").split()
    here = len(words) == 2 and words[0].isdecimal() and words[1] == _boot_id()
    return words[0] if here else "unknown"


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"
