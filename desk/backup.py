# SPDX-License-Identifier: AGPL-3.0-or-later
"""A copy of the vault, sealed to the custodian and to counsel, and the way back from it.

The copy is an age file. Inside: one line of JSON, the database as it lies on disk (still under its own key), and
zeros up to a whole MiB, so that its length tells little. Each person's passphrase opens the restored vault as before.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, select

from crypto.envelope import seal_stream
from crypto.errors import Broken, CryptoError, NotForUs
from crypto.primitives import digest
from crypto.secret.identity import HybridIdentity
from crypto.secret.opening import open_stream
from desk import tables
from desk.decisions import Topic, after, standing
from desk.errors import CopyDiffers, CopyRefused, NotOurKey
from desk.events import Kind
from desk.vault import VAULT_JSON, VAULT_SQLITE, Vault, chain_head, check_empty
from desk.vaultfile import MAX_BYTES, read_vault_file
from intake import files

MIB = 1 << 20
MAX_LINE_BYTES = 16_384
READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class About:
    """What a copy says of itself: whose it is, of which day, and where each person's chain ended."""

    office: str
    day: str
    heads: dict[str, tuple[int, str]]
    last_pull: int
    vault_json: str
    database_bytes: int

    @property
    def events(self) -> int:
        """How many events it holds."""
        return sum(number for number, _ in self.heads.values())

    def line(self) -> bytes:
        """Return it as the first line of a copy."""
        body = {
            "v": 1,
            "office": self.office,
            "day": self.day,
            "heads": {name: list(head) for name, head in self.heads.items()},
            "last_pull": self.last_pull,
            "vault_json": self.vault_json,
            "database_bytes": self.database_bytes,
        }
        return json.dumps(body, sort_keys=True).encode() + b"\n"


def backup(vault: Vault, folder: Path, out: Path, watched: Callable[[Iterator[bytes], int], Iterator[bytes]]) -> About:
    """Write a sealed copy of the vault to a new file, and return what it says of itself.

    That a copy was made is recorded first, so that the copy knows of itself. Raises FileThere, NotStored.
    watched  passes the pieces on, and may show how far it is; the number is how many there will be
    """
    with vault.writing() as writer:
        heads = json.dumps(_heads(writer.connection), sort_keys=True)
        stands = after(standing(writer.connection, Topic.BACKUP, Topic.BACKUP))
        writer.record(Kind.BACKED_UP, heads=digest(heads.encode()), after=stands)
    with vault.reading() as connection, files.opened(folder / VAULT_SQLITE) as database, files.new_file(out) as file:
        about = _about(vault, connection, folder, database)  # the transaction keeps the file as it is
        plain = _Plain(about.line(), database, about.database_bytes)
        for piece in watched(seal_stream(plain.read, vault.settings.long_lived), plain.length // READ_BYTES):
            file.write(piece)
    return about


def _heads(connection: Connection) -> dict[str, tuple[int, str]]:
    names = connection.execute(select(tables.reviewers.c.fingerprint)).scalars().all()
    heads = {name: chain_head(connection, name) for name in names}
    return {name: (head.number, head.digest or "") for name, head in heads.items()}


def _about(vault: Vault, connection: Connection, folder: Path, database: BinaryIO) -> About:
    pulls = connection.execute(select(tables.bundles.c.pull)).scalars().all()
    length = database.seek(0, 2)
    database.seek(0)
    return About(
        vault.settings.office.root.fingerprint,
        vault.day.isoformat(),
        _heads(connection),
        max(pulls, default=0),
        files.read(folder / VAULT_JSON, MAX_BYTES).decode("ascii"),
        length,
    )


class _Plain:
    """The contents of a copy, read piece by piece: line, database, zeros up to a whole MiB."""

    def __init__(self, line: bytes, database: BinaryIO, database_bytes: int) -> None:
        self.length = -(-(len(line) + database_bytes) // MIB) * MIB
        self._parts: list[bytes | BinaryIO] = [line, database, bytes(self.length - len(line) - database_bytes)]
        self._left = b""

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer only at the end."""
        while len(self._left) < size and self._parts:
            part = self._parts[0]
            more = part if isinstance(part, bytes) else part.read(READ_BYTES)
            if isinstance(part, bytes) or not more:
                self._parts.pop(0)
            self._left += more
        piece, self._left = self._left[:size], self._left[size:]
        return piece


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy opened, its first line read. `rest` are the bytes after that line, verified piece by piece."""

    about: About
    rest: Iterator[bytes]


def open_copy(file: BinaryIO, identities: Sequence[HybridIdentity], key_name: str) -> Copy:
    """Return what a copy says of itself. Raises CopyRefused, NotOurKey."""
    try:
        pieces = open_stream(file.read, identities)
        first = next(pieces)
    except NotForUs:
        raise NotOurKey(key_name) from None
    except (CryptoError, StopIteration):
        raise CopyRefused("it is not an age file, or was altered") from None
    line, found, left = first.partition(b"\n")
    if not found or len(line) > MAX_LINE_BYTES:
        raise CopyRefused("its first line is missing")
    return Copy(_read_about(line), _chained(left, pieces))


def _chained(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _read_about(line: bytes) -> About:
    try:
        body = json.loads(line)
        if body["v"] != 1 or len(body) != 7:
            raise ValueError
        heads = {str(name): (int(number), str(last)) for name, (number, last) in body["heads"].items()}
        read_vault_file(body["vault_json"].encode("ascii"))
        counts = int(body["last_pull"]), int(body["database_bytes"])
        return About(str(body["office"]), str(body["day"]), heads, counts[0], body["vault_json"], counts[1])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CopyRefused("its first line is not one that desk backup writes") from None


def restore(copy: Copy, folder: Path) -> None:
    """Write the vault of a copy into a new or empty folder. vault.json comes last, after all of it was verified.

    Raises VaultThere, CopyRefused, NotStored; then there is no vault in the folder.
    """
    check_empty(folder)
    files.make_folder(folder)
    folder.chmod(0o700)
    with files.new_file(folder / VAULT_SQLITE) as file:
        left = copy.about.database_bytes
        try:
            for piece in copy.rest:
                file.write(piece[:left])
                left -= min(left, len(piece))
        except Broken:
            raise CopyRefused("it was altered or cut short") from None
        if left:
            raise CopyRefused("it is shorter than it says")
    files.write_new(folder / VAULT_JSON, copy.about.vault_json.encode("ascii"))


def refuse_if_older(about: About, expected: str) -> None:
    """Raise CopyDiffers unless the copy ends with this: the first digits of a last digest, as it was written down."""
    wanted = expected.strip().lower()
    if len(wanted) < 8 or not any(last.startswith(wanted) for _, last in about.heads.values()):
        raise CopyDiffers(about.day)
