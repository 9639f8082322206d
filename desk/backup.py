# SPDX-License-Identifier: AGPL-3.0-or-later
"""A copy of the vault, sealed to the custodian and to counsel, and the way back from it.

The copy is an age file. Inside: one line of JSON, the database as it lies on disk (still under its own key), and
zeros up to a whole MiB, so that its length tells little. Each person's passphrase opens the restored vault as before.
The line holds the digest of the database, and is signed by the desk's key: whoever knows to whom copies are sealed
can seal one, but not put another database under a line, nor another line over it.
"""

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, select

from crypto.envelope import seal_stream
from crypto.errors import Broken, CryptoError, NotForUs, Untrusted
from crypto.primitives import digest, running_digest
from crypto.secret.identity import HybridIdentity
from crypto.secret.opening import open_stream
from crypto.signature import SIGNATURE_CHARACTERS, Namespace, sign, verify
from desk import tables
from desk.decisions import Topic, after, standing
from desk.errors import CopyDiffers, CopyRefused, CopyTooWide, NotOurKey, VaultFileRefused
from desk.events import Kind
from desk.vault import LOCK, VAULT_JSON, VAULT_SQLITE, Unlocked, Vault, chain_head, check_empty, open_vault
from desk.vaultfile import MAX_BYTES, read_vault_file
from intake import files
from intake.strictjson import JsonRefused, read_json

MIB = 1 << 20
MAX_LINE_BYTES = 60_000  # some 450 people; a copy is read in pieces of 65,536 bytes, and the line is in the first
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SIGNED = b"copy of a vault "  # before the line, in the namespace of events: no event begins so
READ_BYTES = 1 << 16
LEAST_DIGITS = 8  # of a digest that was written down


@dataclass(frozen=True, slots=True)
class About:
    """What a copy says of itself: whose it is, of which day, and where each person's chain ended.

    database   digest of the database
    signature  by the desk's key, over all the rest
    """

    office: str
    day: str
    heads: dict[str, tuple[int, str]]
    last_pull: int
    vault_json: str
    database_bytes: int
    database: str
    signature: str = ""

    @property
    def events(self) -> int:
        """How many events it holds."""
        return sum(number for number, _ in self.heads.values())

    @property
    def end(self) -> str:
        """The digest of where all chains end: what people write down."""
        return end_of(self.heads)

    def signed(self) -> bytes:
        """Return what the signature is over."""
        return _SIGNED + _line(self._body())

    def line(self) -> bytes:
        """Return it as the first line of a copy."""
        return _line({**self._body(), "signature": self.signature})

    def _body(self) -> dict[str, object]:
        return {
            "v": 2,
            "office": self.office,
            "day": self.day,
            "heads": {name: list(head) for name, head in self.heads.items()},
            "last_pull": self.last_pull,
            "vault_json": self.vault_json,
            "database_bytes": self.database_bytes,
            "database": self.database,
        }


def _line(body: dict[str, object]) -> bytes:
    return json.dumps(body, sort_keys=True).encode() + b"\n"


def backup(vault: Vault, folder: Path, out: Path, watched: Callable[[Iterator[bytes], int], Iterator[bytes]]) -> About:
    """Write a sealed copy of the vault to a new file, and return what it says of itself.

    That a copy is made is recorded once there is a file to write to, so that the copy knows of itself; one that was
    cut short stands in the log, too. Raises CopyTooWide, FileThere, NotStored.
    watched  passes the pieces on, and may show how far it is; the number is how many there will be
    """
    _refuse_if_too_wide(vault, folder)
    with files.new_file(out) as file:
        _note(vault)
        key = vault.desk_key()
        with vault.reading() as connection, files.opened(folder / VAULT_SQLITE) as database:
            unsigned = _about(vault, connection, folder, database)  # the transaction keeps the file as it is
            signature = sign(unsigned.signed(), key, Namespace.EVENT)
            about = replace(unsigned, signature=signature)
            plain = _Plain(about.line(), database, about.database_bytes)
            for piece in watched(seal_stream(plain.read, vault.settings.long_lived), plain.length // READ_BYTES):
                file.write(piece)
    return about


def _note(vault: Vault) -> None:
    with vault.writing() as writer:
        stands = after(standing(writer.connection, Topic.BACKUP, Topic.BACKUP))
        writer.record(Kind.BACKED_UP, heads=end_of(_heads(writer.connection)), after=stands)


def _refuse_if_too_wide(vault: Vault, folder: Path) -> None:
    """Raise CopyTooWide where nobody could read the first line again. A signature's room covers what is to come."""
    with vault.reading() as connection:
        about = _about(vault, connection, folder, io.BytesIO())
    if len(replace(about, signature="=" * SIGNATURE_CHARACTERS).line()) > MAX_LINE_BYTES:
        raise CopyTooWide


def last_copy(connection: Connection) -> str:
    """Return the day on which the last copy was begun, or nothing."""
    return max((one.day for one in standing(connection, Topic.BACKUP, Topic.BACKUP)), default="")


def end_of(heads: Mapping[str, tuple[int, str]]) -> str:
    """Return one digest of where all chains end: any event more, by anybody, gives another.

    heads  number and digest of the last event by person
    """
    return digest(json.dumps(heads, sort_keys=True).encode())


def _heads(connection: Connection) -> dict[str, tuple[int, str]]:
    names = connection.execute(select(tables.reviewers.c.fingerprint)).scalars().all()
    heads = {name: chain_head(connection, name) for name in names}
    return {name: (head.number, head.digest or "") for name, head in heads.items()}


def _about(vault: Vault, connection: Connection, folder: Path, database: BinaryIO) -> About:
    pulls = connection.execute(select(tables.bundles.c.pull)).scalars().all()
    whole, length = running_digest(), 0
    while piece := database.read(READ_BYTES):
        whole.update(piece)
        length += len(piece)
    database.seek(0)
    return About(
        vault.settings.office.root.fingerprint,
        vault.day.isoformat(),
        _heads(connection),
        max(pulls, default=0),
        files.read(folder / VAULT_JSON, MAX_BYTES).decode("ascii"),
        length,
        whole.hexdigest(),
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
    """Return what a line says, which anybody may have written: of it nothing is shown or used before it is checked."""
    try:
        body = read_json(line, max_bytes=MAX_LINE_BYTES)
        heads = {name: (number, last) for name, (number, last) in body["heads"].items()}
        named = {name: body[name] for name in ("office", "day", "last_pull", "vault_json", "database_bytes")}
        about = About(**named, heads=heads, database=body["database"], signature=body["signature"])
        if not _is_well_formed(about) or about.line() != line + b"\n":
            raise ValueError
        read_vault_file(about.vault_json.encode("ascii"))
    except (JsonRefused, VaultFileRefused, ValueError, KeyError, TypeError, AttributeError):
        raise CopyRefused("its first line is not one that desk backup writes") from None
    return about


def _is_well_formed(about: About) -> bool:
    counts = [about.last_pull, about.database_bytes, *(number for number, _ in about.heads.values())]
    return (
        all(_FINGERPRINT.fullmatch(name) for name in (about.office, *about.heads))
        and all(type(count) is int and count >= 0 for count in counts)
        and isinstance(about.signature, str)
        and date.fromisoformat(about.day).isoformat() == about.day
        and all(_DIGEST.fullmatch(name) for name in (about.database, *(last for _, last in about.heads.values())))
    )


def restore(copy: Copy, folder: Path, unlocked: Unlocked, day: date) -> None:
    """Write the vault of a copy into a new or empty folder. vault.json comes last, after all of it was verified.

    unlocked  asks for the passphrase of a person of this vault: with it the database is opened, and it has to end
              where the line says, and to hold the key that signed the line
    Raises VaultThere, CopyRefused, WrongVaultPassphrase, NotStored; then there is no vault in the folder.
    """
    check_empty(folder)
    files.make_folder(folder)
    folder.chmod(0o700)
    with files.new_file(folder / VAULT_SQLITE) as file:
        left, whole = copy.about.database_bytes, running_digest()
        try:
            for piece in copy.rest:
                file.write(piece[:left])
                whole.update(piece[:left])
                left -= min(left, len(piece))
        except Broken:
            raise CopyRefused("it was altered or cut short") from None
        if left:
            raise CopyRefused("it is shorter than it says")
        if whole.hexdigest() != copy.about.database:
            raise CopyRefused("its database is not the one that its first line names")
    try:
        _check_inside(copy.about, folder, unlocked, day)
        files.write_new(folder / VAULT_JSON, copy.about.vault_json.encode("ascii"))
    except BaseException:
        for name in (VAULT_SQLITE, LOCK):
            (folder / name).unlink(missing_ok=True)
        raise


def _check_inside(about: About, folder: Path, unlocked: Unlocked, day: date) -> None:
    file = read_vault_file(about.vault_json.encode("ascii"))
    with open_vault(folder, file, unlocked, day) as vault:
        with vault.reading() as connection:
            heads = _heads(connection)
        try:
            verify(about.signed(), about.signature, vault.settings.desk, Namespace.EVENT)
        except Untrusted:
            raise CopyRefused("its first line is not signed by the desk whose vault it holds") from None
        if heads != about.heads or vault.settings.office.root.fingerprint != about.office:
            raise CopyRefused("its database does not end where its first line says")


def refuse_if_older(about: About, expected: str) -> None:
    """Raise CopyDiffers unless the copy ends here: the first digits of the digest of all ends, as it was written down.

    The end of one person's chain does not do: an old copy has it too, where that person did nothing since.
    """
    wanted = expected.strip().lower()
    if len(wanted) < LEAST_DIGITS or not about.end.startswith(wanted):
        raise CopyDiffers(about.day)
