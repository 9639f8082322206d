# SPDX-License-Identifier: AGPL-3.0-or-later
"""Both stores for tests: a SQLite file, and a database of a real PostgreSQL server with the shipped settings.

The server belongs to the test process: its own folder, a Unix socket, no network. It asks the kernel who is there.
"""

import contextlib
import itertools
import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from portal.postgresql_store import _WRITING

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).resolve().parent.parent))
ME = pwd.getpwuid(os.geteuid()).pw_name
INITDB = ("--data-checksums", "--wal-segsize=1", "--encoding=UTF8", "--locale=C", "--auth=peer")
MEMBERSHIP = "pg_checkpoint, pg_read_all_settings"
EXECUTE = "EXECUTE ON FUNCTION pg_switch_wal()"
both = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
slowly_both = pytest.mark.parametrize(
    "store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
)
on_postgresql = pytest.mark.parametrize("store", ["postgresql"], indirect=True)


def programs() -> Path:
    """Return the folder of PostgreSQL's programs, the newest one's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    assert found or on_path, "the tests need a PostgreSQL server: sudo apt-get install postgresql-15"
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


def _base() -> str:
    """Return where a server's folder goes: a socket's path is short; memory is quick, where there is enough."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2**30 else "/tmp"


class PostgresqlServer:
    """A server in a folder of its own, as deploy/host sets it up. Nothing of it is left after `remove`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="underseal-pg-", dir=_base()))
        self._programs = programs()
        self._owner = "postgres" if os.geteuid() == 0 else ME
        self._numbers = itertools.count(1)
        self.folder.chmod(0o755)
        for name in ("postgresql.conf", "pg_hba.conf"):
            shutil.copy(SOURCE / "deploy/host" / name, self.folder / name)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(self._owner)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--no-sync", *INITDB)
        self.alone("postgres", f'CREATE ROLE "{ME}" LOGIN CREATEDB')
        self.alone("postgres", f'GRANT {MEMBERSHIP} TO "{ME}"')
        self.alone("template1", f'GRANT {EXECUTE} TO "{ME}"')

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self.folder / "data"

    def _words(self, *more: str) -> list[str]:
        files = {"config_file": "postgresql.conf", "hba_file": "pg_hba.conf"}
        settings = [f"{name}={self.folder / file}" for name, file in files.items()]
        return [
            word for setting in (*settings, f"unix_socket_directories={self.folder}", *more) for word in ("-c", setting)
        ]

    def _run(self, program: str, *words: str, given: str = "", check: bool = True) -> str:
        command = [str(self._programs / program), *words]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._owner, "--", *command]
        done = subprocess.run(command, input=given, capture_output=True, text=True, cwd=self.folder, timeout=60)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def alone(self, database: str, statement: str) -> None:
        """Run a statement as the superuser, while no server runs: there is no other way to be one."""
        said = self._run("postgres", "--single", "-D", str(self.data), *self._words(), database, given=statement + "\n")
        assert "ERROR" not in said, said

    def start(self, *settings: str) -> "PostgresqlServer":
        """Start the server, with changes to the shipped settings."""
        words = " ".join(self._words(*settings))
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "30", "-l", log, "-o", words, "start")
        return self

    def confined(self, words: Sequence[str]) -> list[str]:
        """Return the command that starts the server behind these words, as its own user and without a network."""
        before = ["unshare", "--net", "runuser", "-u", self._owner, "--"] if os.geteuid() == 0 else []
        return [*before, *words, str(self._programs / "postgres"), "-D", str(self.data), *self._words()]

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` ends connections, `immediate` is a crash."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "30", "-m", mode, "stop")

    @property
    def pid(self) -> int:
        """The server's process id."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    @contextlib.contextmanager
    def changed(self) -> Iterator[None]:
        """Let the block stop and start the server as it will; afterwards it runs with the shipped settings."""
        try:
            yield
        finally:
            self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "30", "-m", "immediate", "stop", check=False)
            self.start()

    def remove(self) -> None:
        """Stop the server, however it is, and remove its folder."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "10", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder)

    def url(self, database: str, role: str = "") -> str:
        """Return the URL of a database, as the portal is told it."""
        return f"postgresql+psycopg://{role + '@' if role else ''}/{database}?host={self.folder}"

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Return a connection on which every statement is a transaction."""
        return psycopg.connect(host=str(self.folder), dbname=database, autocommit=True)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it. A server that is down keeps it."""
        with contextlib.suppress(psycopg.OperationalError), self.connect("postgres") as connection:
            connection.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def create(self, template: str = "template1") -> str:
        """Make a database, a copy of another, and return its name."""
        name = f"t{next(self._numbers)}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name


class SqliteKit:
    """The shelf of a portal's folder, seen from outside."""

    name = "sqlite"
    switching = ("pwrite64", (1, 20, 45, 70, 85, 100))  # calls while `portal publish` writes a page of 100 kB
    url: str | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "shelf.sqlite"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds, days as text."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def tables(self) -> bytes:
        """Return the file in which the letters lie."""
        return self.path.read_bytes()

    def seized(self) -> bytes:
        """Return all that whoever takes the disk finds."""
        return b"".join(path.read_bytes() for path in sorted(self._folder.rglob("*")) if path.is_file())

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other program from writing."""
        with contextlib.closing(
            sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        ) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("COMMIT")

    def spoil_page(self, digest: bytes | None = None) -> None:
        """Cut the page on the shelf by a byte, and give it another digest too, which makes processes look at it."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            change = "UPDATE published SET body = substr(body, 1, length(body) - 1), digest = coalesce(?, digest)"
            connection.execute(change, [digest])
            connection.commit()

    def run(self, statement: str) -> None:
        """Change the database."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.execute(statement)
            connection.commit()

    def spoil(self, body: bytes) -> None:
        """Change one bit of a letter where it lies."""
        raw = bytearray(self.path.read_bytes())
        raw[raw.index(body[-2_000:-1_900]) + 50] ^= 1
        self.path.write_bytes(raw)


class PostgresqlKit:
    """A shelf in a database, seen from outside: by the server's owner, who sees its files."""

    name = "postgresql"
    switching = ("sendto", (41, 42, 43, 44, 45, 46))  # from the writers' lock to the commit

    def __init__(self, server: PostgresqlServer, database: str) -> None:
        self.server = server
        self.database = database
        self.url = server.url(database)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds, days as text."""
        with self.server.connect(self.database) as connection:
            found = connection.execute(query).fetchall()
        return [tuple(str(value) if hasattr(value, "isoformat") else value for value in row) for row in found]

    def file_of(self, table: str) -> bytes:
        """Return a table's file."""
        return (self.server.data / self.rows(f"SELECT pg_relation_filepath('{table}')")[0][0]).read_bytes()

    def tables(self) -> bytes:
        """Return the files in which the letters lie, after what is in memory was written."""
        self.flush()
        query = "SELECT pg_relation_filepath(oid), pg_relation_filepath(reltoastrelid) FROM pg_class"
        (paths,) = self.rows(f"{query} WHERE oid = 'envelopes'::regclass")
        return b"".join((self.server.data / path).read_bytes() for path in paths)

    def flush(self) -> None:
        """Have the server write what it holds in memory."""
        with self.server.connect(self.database) as connection:
            connection.execute("CHECKPOINT")

    def seized(self) -> bytes:
        """Return all that whoever takes the disk finds: every file of the server."""
        paths = [path for path in sorted(self.server.folder.rglob("*")) if path.is_file()]
        return b"".join(path.read_bytes() for path in paths)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other program from writing."""
        with self.server.connect(self.database) as connection:
            connection.execute(f"SELECT pg_advisory_lock({_WRITING})")
            yield

    def spoil_page(self, digest: bytes | None = None) -> None:
        """Cut the page on the shelf by a byte, and give it another digest too, which makes processes look at it."""
        with self.server.connect(self.database) as connection:
            change = "UPDATE published SET body = substr(body, 1, length(body) - 1), digest = coalesce(%s, digest)"
            connection.execute(change, [digest])

    def run(self, statement: str) -> None:
        """Change the database."""
        with self.server.connect(self.database) as connection:
            connection.execute(statement.encode())

    def spoil(self, body: bytes) -> None:
        """Change one bit of a letter, as a fault of memory would: the page's checksum is right again."""
        with self.server.connect(self.database) as connection:
            changed = "set_byte(body, 50, get_byte(body, 50) # 1)"
            connection.execute(f"UPDATE envelopes SET body = {changed} WHERE body = %s", [body])


Kit = SqliteKit | PostgresqlKit


def move(folder: Path, kit: Kit) -> None:
    """Have a portal's folder name a store."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "store": kit.url}))
    if kit.url is not None:
        (folder / "shelf.sqlite").unlink(missing_ok=True)


@contextlib.contextmanager
def running_server(*settings: str) -> Iterator[PostgresqlServer]:
    """Yield a server that runs, and remove it."""
    server = PostgresqlServer()
    try:
        yield server.start(*settings)
    finally:
        server.remove()
