# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small file system of its own for tests, mounted where only processes that go through it can see it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_OWN = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
_INTO = ["nsenter"] if os.geteuid() == 0 else ["nsenter", "--preserve-credentials", "--user"]


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A mounted file system: the words that lead to it, and its folder as it is called there."""

    through: list[str]
    folder: Path

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command where the file system is seen, and return what it said."""
        return subprocess.run([*self.through, *map(str, words)], capture_output=True, text=True, timeout=120)

    def fill(self, name: str = "filler") -> None:
        """Fill it to the byte with a file."""
        self.run("sh", "-c", f"cat /dev/zero > {self.folder / name}")
        assert self.free() == 0

    def free(self) -> int:
        """Return how many bytes are left."""
        return int(self.run("stat", "--file-system", "--format=%a", self.folder).stdout) * 4_096


@contextmanager
def small_disk(folder: Path, *mount: str) -> Iterator[SmallDisk]:
    """Mount a file system on a new folder as `mount` says; it goes with the process that holds it."""
    folder.mkdir()
    script = 'mount "$@" && echo mounted && exec cat'
    command = [*_OWN, "sh", "-c", script, "sh", *mount, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin and holder.stdout
        try:
            assert holder.stdout.readline() == b"mounted\n"
            yield SmallDisk([*_INTO, "--mount", "--target", str(holder.pid)], folder)
        finally:
            holder.stdin.close()
