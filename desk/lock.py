# SPDX-License-Identifier: AGPL-3.0-or-later
"""One desk program at a time. The kernel holds the lock, so a killed program leaves none behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desk.errors import NotStored, VaultLocked

MAX_LOCK_BYTES = 100


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _holder(descriptor: int) -> str:
    words = os.pread(descriptor, MAX_LOCK_BYTES, 0).decode("ascii", "replace").split()
    here = len(words) == 2 and words[0].isdecimal() and words[1] == _boot_id()
    return words[0] if here else "unknown"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` (process id and boot id are written into it); raises VaultLocked, NotStored."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotStored((error.strerror or "unknown reason").lower()) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VaultLocked(_holder(descriptor)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {_boot_id()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
