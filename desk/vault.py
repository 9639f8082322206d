# SPDX-License-Identifier: AGPL-3.0-or-later
"""The vault: one SQLCipher file under a key that only the passphrase gives, and the log inside it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher  # type: ignore[import-untyped]
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event, func, insert, select, update
from sqlalchemy.exc import DatabaseError, NoResultFound, OperationalError

from crypto.errors import CryptoError
from crypto.primitives import digest, random_bytes
from crypto.signature import PublicKey, SigningKey
from desk import index, projections, tables
from desk.decisions import Topic, after, standing
from desk.errors import (
    Damaged,
    NewerVault,
    NotStored,
    NoVault,
    VaultCut,
    VaultFileRefused,
    VaultThere,
    WrongVaultPassphrase,
)
from desk.events import Event, EventRefused, Head, Kind, Signed, Value, next_event, read_event
from desk.lock import locked
from desk.settings import Settings, read_settings
from desk.vaultfile import KEY_BYTES, MAX_BYTES, Keys, VaultFile, read_vault_file, write_vault_file
from intake import files
from intake.office import OfficeRefused

VAULT_JSON, VAULT_SQLITE, LOCK = "vault.json", "vault.sqlite", "lock"
_PART = re.compile(r"\.[0-9a-f]{16}\.part", re.ASCII)  # a file that was being written
AHEAD = timedelta(days=2)  # of this machine's day, at most, is the portal's: any later one tells nothing
TEXT_SALT_BYTES = 32  # a short note must not be guessable from its digest after it is erased
PRAGMAS = (
    "cipher_memory_security = ON",
    "temp_store = MEMORY",
    "secure_delete = ON",
    "foreign_keys = ON",
    "journal_mode = DELETE",
    "synchronous = EXTRA",
    "cell_size_check = ON",
    "trusted_schema = OFF",
)


def _engine(path: Path, key: bytes) -> Engine:
    def connect() -> Any:
        connection = sqlcipher.connect(str(path), isolation_level=None)
        connection.execute("PRAGMA cipher_log_level = NONE")  # it would write to standard error past our one door
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = create_engine("sqlite://", module=sqlcipher, creator=connect, poolclass=StaticPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@dataclass(frozen=True, slots=True)
class Opened:
    """A vault's database, and the key of the person whose passphrase opened it."""

    engine: Engine
    database_key: bytes
    key: SigningKey


Unlocked = Callable[[Callable[[str], Opened]], Opened]


class Writer:
    """One transaction: everything written through it becomes true together, or not at all."""

    def __init__(self, connection: Connection, key: SigningKey, day: date) -> None:
        self.connection = connection
        self._key = key
        self.day = day
        self._head = chain_head(connection, key.public.fingerprint)
        self.touched: set[str] = set()  # reports whose lines in lists and search are to be made anew

    def text(self, text: str) -> str:
        """Store an erasable text and return the id by which events name it."""
        salt = random_bytes(TEXT_SALT_BYTES)
        name = text_id(salt, text)
        self.connection.execute(insert(tables.texts), {"id": name, "salt": salt, "text": text})
        return name

    def record(self, kind: Kind, **fields: Value) -> Event:
        """Add an event to the reviewer's chain, and do to the tables what it says."""
        signed = next_event(self._head, self._key, self.day, kind, fields)
        self.connection.execute(insert(tables.events), _event_row(signed))
        projections.apply(self.connection, signed.event)
        self.touched |= {str(fields[name]) for name in ("report", "other") if fields.get(name)}
        self._head = Head(signed.event.number, signed.digest)
        return signed.event

    def act(self, verb: str, steps: Sequence[tuple[Kind, Mapping[str, Value]]]) -> None:
        """Add the events of one act of a reviewer, which are undone together."""
        if len(steps) > 1:
            self.record(Kind.BULK, verb=verb, events=len(steps))
        for kind, fields in steps:
            self.record(kind, **fields)

    def office(self, settings: Settings) -> None:
        """Write the desk's settings in place of those before. The vault shows them from its next opening on."""
        text = settings.text()
        chosen = update(tables.settings).where(tables.settings.c.name == "office")
        self.connection.execute(chosen.values(value=text))
        stands = after(standing(self.connection, Topic.OFFICE, Topic.OFFICE))
        self.record(Kind.OFFICE, settings=digest(text.encode()), after=stands)


class Vault:
    """An open vault. `day` stands in the events that are recorded; nothing finer than a day does.

    `reviewer` is the fingerprint of the person who opened it, and whose key signs. `database_key` goes behind the
    doors of people who join.
    """

    def __init__(self, opened: Opened, day: date) -> None:
        self._engine, self._key, self.database_key = opened.engine, opened.key, opened.database_key
        self.day, self.reviewer = day, opened.key.public.fingerprint
        joined = select(tables.reviewers.c.fingerprint).where(tables.reviewers.c.fingerprint == self.reviewer)
        try:
            with self.reading() as connection:
                self.settings: Settings = read_settings(_setting(connection, "office"))
                connection.execute(joined).scalar_one()
        except (NoResultFound, ValueError, KeyError, TypeError, CryptoError, OfficeRefused):
            raise Damaged("its settings or keys are not there, or not as this program writes them") from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection inside one transaction, for reading."""
        with _damage_named(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Yield a writer; on stable storage when the block has ended."""
        with _damage_named(), self._engine.begin() as connection:
            writer = Writer(connection, self._key, self.day)
            yield writer
            index.refresh(connection, writer.touched)

    def newest_day(self) -> date:
        """Return the latest day that the ends of the chains and the portal's bundles tell: no earlier one is today.

        What was altered tells none; naming it is the log's check. Nor does a bundle of a day that is no portal's yet.
        """
        column, newest = tables.events.c, date.min
        latest = select(column.body).order_by(column.number.desc()).limit(1)
        with self.reading() as connection:
            names = connection.execute(select(tables.reviewers.c.fingerprint)).scalars().all()
            ends = [connection.execute(latest.where(column.reviewer == name)).scalar_one_or_none() for name in names]
            pulled = self.newest_pull(connection)
        for body in ends:
            with suppress(EventRefused, ValueError):
                newest = max(newest, date.fromisoformat(read_event(body or "").day))
        return max(newest, pulled or date.min)

    @property
    def last_day(self) -> date:
        """The last day that a bundle may be of: a portal's clock may be a little ahead of this machine's."""
        return self.day + AHEAD

    def newest_pull(self, connection: Connection) -> date | None:
        """Return the portal's day of the newest bundle, of those that are of no day to come; None without one."""
        pulled = tables.bundles.c.pulled
        newest = select(func.max(pulled)).where(pulled <= self.last_day.isoformat())
        with suppress(ValueError):
            return date.fromisoformat(connection.execute(newest).scalar_one() or "")
        return None

    def desk_key(self) -> SigningKey:
        """Return the key that signs acknowledgements."""
        with self.reading() as connection:
            return SigningKey(_seed(connection, self.settings.desk.fingerprint))


@contextmanager
def _damage_named() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:  # no room, no permission, a stick pulled out
        raise NotStored(str(error.orig)) from None
    except DatabaseError as error:
        raise Damaged(str(error.orig)) from None


def text_id(salt: bytes, text: str) -> str:
    """Return the id of a text: the digest of its salt and itself."""
    return digest(salt + text.encode())


def _event_row(signed: Signed) -> Mapping[str, Value]:
    event = signed.event
    return {
        "reviewer": event.reviewer,
        "number": event.number,
        "digest": signed.digest,
        "body": signed.body,
        "signature": signed.signature,
    }


def chain_head(connection: Connection, reviewer: str) -> Head:
    """Return the end of a reviewer's chain."""
    chain = select(tables.events.c.number, tables.events.c.digest).where(tables.events.c.reviewer == reviewer)
    row = connection.execute(chain.order_by(tables.events.c.number.desc()).limit(1)).one_or_none()
    return Head(row.number, row.digest) if row else Head()


def _setting(connection: Connection, name: str) -> str:
    chosen = select(tables.settings.c.value).where(tables.settings.c.name == name)
    return str(connection.execute(chosen).scalar_one())


def _seed(connection: Connection, fingerprint: str) -> bytes:
    chosen = select(tables.secrets.c.seed).where(tables.secrets.c.fingerprint == fingerprint)
    return bytes(connection.execute(chosen).scalar_one())


def make_vault(
    folder: Path,
    passphrase: str,
    settings: Settings,
    desk_key: SigningKey,
    reviewer: str,
    roles: str,
    day: date,
) -> PublicKey:
    """Make a vault in an empty or new folder and return the first reviewer's public key. Raises VaultThere.

    roles  what the first reviewer may do, as desk.roles writes them
    vault.json comes last: a folder without it holds no vault.
    """
    check_empty(folder)
    files.make_folder(folder)
    folder.chmod(0o700)
    key = SigningKey.generate()
    keys = Keys(random_bytes(KEY_BYTES), key.seed)
    file = VaultFile.make(throwaway=settings.office.throwaway).with_door(passphrase, key.public.fingerprint, keys)
    database = folder / VAULT_SQLITE
    files.write_new(database, b"")  # so that it is private before SQLite sees it
    engine = _engine(database, keys.vault)
    try:
        with engine.begin() as connection:
            _fill(connection, settings, desk_key, key.public.fingerprint)
            join(connection, key, reviewer, day)
            writer = Writer(connection, key, day)
            writer.record(Kind.OFFICE, settings=digest(settings.text().encode()), after=None)
            writer.record(Kind.ROLES, member=key.public.fingerprint, roles=roles, after=None)
    finally:
        engine.dispose()
    files.write_new(folder / VAULT_JSON, write_vault_file(file))
    return key.public


def _fill(connection: Connection, settings: Settings, desk_key: SigningKey, maker: str) -> None:
    tables.truth.create_all(connection)
    tables.made.create_all(connection)
    index.create(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {tables.VAULT_VERSION}")
    connection.execute(insert(tables.secrets), {"fingerprint": desk_key.public.fingerprint, "seed": desk_key.seed})
    values = {"office": settings.text(), "maker": maker}
    connection.execute(insert(tables.settings), [{"name": name, "value": value} for name, value in values.items()])


def join(connection: Connection, key: SigningKey, name: str, day: date) -> None:
    """Begin a reviewer's chain with their key and name."""
    row = {"fingerprint": key.public.fingerprint, "public": key.public.text, "name": name}
    connection.execute(insert(tables.reviewers), row)
    writer = Writer(connection, key, day)
    writer.record(Kind.JOINED, key=key.public.text, name=writer.text(name))


def check_empty(folder: Path) -> None:
    """Raise VaultThere if the folder holds anything, or VaultCut if that is the beginnings of a vault and no more."""
    if not folder.exists():
        return
    left = {path.name for path in folder.iterdir()} if folder.is_dir() else {folder.name}
    if left and all(name in (VAULT_SQLITE, f"{VAULT_SQLITE}-journal", LOCK) or _PART.fullmatch(name) for name in left):
        raise VaultCut(folder.name)
    if left:
        raise VaultThere(folder.name)


def read_header(folder: Path) -> VaultFile:
    """Return what vault.json says, before any passphrase is asked. Raises NoVault, VaultFileRefused."""
    if not (folder / VAULT_JSON).is_file() or not (folder / VAULT_SQLITE).is_file():
        raise NoVault(folder.name or ".")
    return read_vault_file(files.read(folder / VAULT_JSON, MAX_BYTES))


@contextmanager
def open_vault(folder: Path, file: VaultFile, unlocked: Unlocked, day: date) -> Iterator[Vault]:
    """Yield the vault, for this process alone.

    unlocked  is handed a function that tries one passphrase, and returns what that returned: the caller asks
    Raises VaultLocked, WrongVaultPassphrase, NewerVault, Damaged.
    """

    def attempt(passphrase: str) -> Opened:
        keys = file.opened(passphrase)
        if keys is None:
            raise WrongVaultPassphrase
        engine = _engine(folder / VAULT_SQLITE, keys.vault)
        try:
            _check_version(engine)
        except BaseException:
            engine.dispose()
            raise
        return Opened(engine, keys.vault, SigningKey(keys.seed))

    with locked(folder / LOCK):
        opened = unlocked(attempt)
        try:
            vault = Vault(opened, day)
            if vault.settings.office.throwaway != file.throwaway:
                raise VaultFileRefused("it says throwaway where the vault does not, or the reverse")
            yield vault
        finally:
            opened.engine.dispose()


def _check_version(engine: Engine) -> None:
    try:
        with engine.begin() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            connection.execute(select(func.count()).select_from(tables.settings))
    except OperationalError as error:
        raise NotStored(str(error.orig)) from None
    except DatabaseError:
        raise WrongVaultPassphrase from None
    if version != tables.VAULT_VERSION:
        raise NewerVault(version)
