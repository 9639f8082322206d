# SPDX-License-Identifier: AGPL-3.0-or-later
"""Marks that a visitor leaves, and a search for them in everything that a host keeps: files, open files, memory.

A mark is searched as UTF-8, UTF-16, hex, base64 at each of its three alignments and percent-encoded; an address also
in the form that sockets have. Four bare bytes would be found by chance among sealed letters: in the shelf and in memory
an address counts only where it stands in a socket's address.
"""

import base64
import contextlib
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from crypto.primitives import random_bytes

NETWORK = "127.77."
PACKED = bytes([127, 77])
_CHUNK = 1_048_576
_OVERLAP = 4_096  # more than any mark in any spelling


def _aligned(shift: int) -> Callable[[bytes], bytes]:
    """Return what base64 makes of a text at one alignment, without the characters that its neighbours decide."""

    def spell(text: bytes) -> bytes:
        lead = b"\0" * shift
        whole = (shift + len(text)) // 3 * 3
        return base64.b64encode((lead + text)[:whole])[(shift + 2) // 3 * 4 :]

    return spell


SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "utf-8": bytes,
    "utf-16": lambda text: text.decode().encode("utf-16-le")[:-1],  # and big-endian, from its second byte
    "hex": lambda text: text.hex().encode(),
    "HEX": lambda text: text.hex().upper().encode(),
    "base64-0": _aligned(0),
    "base64-1": _aligned(1),
    "base64-2": _aligned(2),
    "percent": lambda text: b"".join(b"%%%02X" % byte for byte in text),
}


@dataclass(frozen=True, slots=True)
class Marks:
    """Words that all begin alike, by the kind of place they are put in, and addresses of one network."""

    stem: str = field(default_factory=lambda: "Zq" + random_bytes(8).hex())
    addresses: tuple[str, ...] = field(
        default_factory=lambda: tuple(NETWORK + f"{byte | 16}.{byte ^ 85}" for byte in random_bytes(6))
    )
    made: float = field(default_factory=time.time)  # nothing that was last changed before can hold them

    def word(self, kind: str) -> str:
        """Return the mark of a kind."""
        return f"{self.stem}-{kind}-end"

    def found(self, data: bytes, *, sealed_noise: bool) -> set[str]:
        """Return the kinds of marks in some bytes, each with its spelling."""
        return {*self._words(data), *self._addresses(data), *self._sockets(data, sealed_noise)}

    def _words(self, data: bytes) -> Iterator[str]:
        for name, spell in SPELLINGS.items():
            stem = spell(self.stem.encode())
            for at in _places(data, stem):
                around = data[at : at + 400]
                yield f"{_kind(around, self.stem, name)} as {name}"

    def _addresses(self, data: bytes) -> Iterator[str]:
        for name, spell in SPELLINGS.items():
            whole = [spell(address.encode()) for address in self.addresses]
            if any(_places(data, spell(NETWORK.encode()))) and any(address in data for address in whole):
                yield f"address as {name}"

    def _sockets(self, data: bytes, sealed_noise: bool) -> Iterator[str]:
        packed = {IPv4Address(address).packed for address in self.addresses}
        for at in _places(data, PACKED):
            if data[at : at + 4] not in packed:
                continue
            before = data[max(0, at - 4) : at]
            if not sealed_noise or before[:2] == b"\x02\0" or before[-2:] == b"\xff\xff":
                yield "address as packed"


def _kind(around: bytes, stem: str, spelling: str) -> str:
    """Return the kind of a mark whose stem was found, as far as it can be read there."""
    if spelling.startswith("utf-16"):
        around = around.replace(b"\0", b"")
    elif spelling.lower() == "hex":
        digits = re.match(rb"(?:[0-9a-fA-F]{2})+", around)
        around = bytes.fromhex(digits[0].decode()) if digits else around
    elif spelling == "percent":
        around = bytes(int(pair, 16) for pair in re.findall(rb"%([0-9A-F]{2})", around))
    match = re.match(re.escape(stem).encode() + rb"-([a-z_]+)-", around)
    return match[1].decode() if match else "mark"


def _places(data: bytes, needle: bytes) -> Iterator[int]:
    at = data.find(needle)
    while at >= 0:
        yield at
        at = data.find(needle, at + 1)


def files_below(folders: Iterable[Path]) -> list[Path]:
    """Return every regular file below some folders; none for what is not there."""
    paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*"))]
    return [path for path in paths if not path.is_symlink() and path.is_file()]


def changed_since(moment: float, paths: Iterable[Path]) -> list[Path]:
    """Return those of these files that were made, written or renamed since then, to a second; none that has gone."""
    found = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_ctime >= moment - 1:
                found.append(path)
    return found


def in_files(marks: Marks, paths: Iterable[Path]) -> set[str]:
    """Return what is found in files: their names and their contents."""
    found = set()
    for path in paths:
        noise = path.name.startswith("shelf.sqlite")
        kinds = marks.found(str(path).encode(), sealed_noise=True)
        with contextlib.suppress(FileNotFoundError):
            kinds |= _in_stream(marks, path, noise)
        found |= {f"{kind} in {path.name}" for kind in kinds}
    return found


def in_open_files(marks: Marks, pids: Iterable[int]) -> set[str]:
    """Return what is found in the files that processes have open, those without a name too."""
    found = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if stat.S_ISREG(link.stat().st_mode):
                    kinds = _in_stream(marks, link, noise=True)
                    found |= {f"{kind} in an open file of {pid}" for kind in kinds}
    return found


def in_memory(marks: Marks, pids: Iterable[int]) -> set[str]:
    """Return what is found in the memory of processes: all that can be read of it, and it must be some MiB."""
    found: set[str] = set()
    for pid in pids:
        seen = 0
        with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
            for start, end in _mappings(pid):
                for at in range(start, end, _CHUNK):
                    with contextlib.suppress(OSError):  # a mapping that has gone meanwhile
                        memory.seek(at)
                        data = memory.read(min(_CHUNK + _OVERLAP, end - at))
                        seen += len(data)
                        if data.count(0) == len(data):
                            continue
                        found |= marks.found(data, sealed_noise=True)
        assert seen > 1_000_000, f"the memory of {pid} could not be read"
    return found


def _mappings(pid: int) -> Iterator[tuple[int, int]]:
    """Yield what a process can write, or once could: marks cannot stand in its program's own files."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r(.)(.)(.) \S+ \S+ (\d+)", line)
        if match and "[v" not in line and (match[3] == "w" or match[6] == "0"):
            yield int(match[1], 16), int(match[2], 16)


def _in_stream(marks: Marks, path: Path, noise: bool) -> set[str]:
    found: set[str] = set()
    kept = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            data = kept + chunk
            found |= marks.found(data, sealed_noise=noise)
            kept = data[-_OVERLAP:]
    return found


def family(pid: int) -> list[int]:
    """Return a process and all that it started, as far as they live."""
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{found[-1]}/task").iterdir():
                queue += map(int, (task / "children").read_text().split())
    return found
