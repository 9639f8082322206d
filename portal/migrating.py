# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bringing the shelf's tables up to date, by Alembic, in one transaction: all of it, or nothing.

The revisions lie in migrations/. A shelf from before revisions had names is taken for the first one, after its tables
were compared with what the first one makes.
"""

import io
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from intake.errors import Exit, UndersealError
from portal.pagefiles import PageFiles
from portal.revisions import ShelfNewer
from portal.shelf import Writing
from portal.store import open_store

FOLDER = Path(__file__).parent / "migrations"
FIRST = "0001"
_FIRST_TABLES = {  # what a shelf had before revisions had names
    "envelopes": {"digest", "size_class", "day", "body"},
    "damaged": {"digest", "day", "body"},
    "manifests": {"pull", "digest", "previous", "day", "line", "signature"},
    "key_lists": {"sequence", "text", "signature", "first", "last"},
    "nonces": {"nonce", "day"},
    "days": {"largest"},
}


class ShelfInUse(UndersealError):
    """another program uses the shelf; nothing was changed"""

    hint = "stop every front end first"


class RevisionUnknown(UndersealError):
    """this program knows no revision {}; nothing was changed"""

    exit_code = Exit.USAGE


class StrangeTables(UndersealError):
    """the database holds tables that are no shelf's; nothing was changed"""

    exit_code = Exit.REFUSED


def migrate(
    url: str, *, to: str = "head", folders: Iterable[Path] = (FOLDER,), files: PageFiles | None = None
) -> tuple[str | None, str | None]:
    """Bring the tables to a revision, in one transaction; return the revision before, and after.

    to       a revision, or "head" for the last one; below the one that is here, it goes back
    folders  where the revisions lie
    files    of the portal's folder: what the first revision keeps in them moves to the shelf, and back
    A store without tables gets them. Raises ShelfNewer, ShelfInUse, StrangeTables, RevisionUnknown; then nothing was
    changed. So does whatever `files` raises.
    """
    script = _script(folders)
    store = open_store(url)
    try:
        # On SQLite it begins with BEGIN IMMEDIATE, on PostgreSQL with the writers' lock.
        with store.engine.begin() as connection, Writing(nullcontext(connection)) as writing:
            before = _adopted(connection, script)
            if before != _target(script, to) and store.in_use(connection):
                raise ShelfInUse
            if files and before != FIRST and _target(script, to) == FIRST:
                files.give_back(writing)
            _run(script, _way(script, before, to), connection=connection)
            after = MigrationContext.configure(connection).get_current_revision()
            if files and after != FIRST:
                files.take_in(writing)
        if files and after != FIRST:
            files.clear()
    finally:
        store.engine.dispose()
        store.wrote()
    return before, after


def preview(url: str, *, to: str = "head", folders: Iterable[Path] = (FOLDER,)) -> str:
    """Return the SQL that `migrate` would run now, or nothing where nothing is to be done. Raises as `migrate` does."""
    script = _script(folders)
    store = open_store(url)
    try:
        with store.engine.execution_options(reading=True).begin() as connection:
            before, named = _found(connection, script)
        dialect = store.engine.dialect.name
    finally:
        store.engine.dispose()
    said = io.StringIO()
    if before is not None and not named:
        said.write(f"-- the tables that are here are taken for revision {before}\n")
    elif before == script.as_revision_number(to):
        return ""
    _run(script, _way(script, before, to), dialect_name=dialect, as_sql=True, output_buffer=said, starting_rev=before)
    return said.getvalue()


def _script(folders: Iterable[Path]) -> ScriptDirectory:
    config = AlembicConfig()
    places = [str(folder) for folder in folders]
    config.set_main_option("script_location", places[0].replace("%", "%%"))
    return ScriptDirectory(places[0], version_locations=places)


def _found(connection: Connection, script: ScriptDirectory) -> tuple[str | None, bool]:
    """Return the revision that is here, and whether it stands written. Raises ShelfNewer, StrangeTables."""
    found = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if found is not None:
        if found not in known:
            raise ShelfNewer
        return found, True
    inspector = inspect(connection)
    tables = set(inspector.get_table_names()) - {"alembic_version"}
    if not tables:
        return None, False
    here = {table: {column["name"] for column in inspector.get_columns(table)} for table in tables}
    if here != _FIRST_TABLES:
        raise StrangeTables
    return FIRST, False


def _adopted(connection: Connection, script: ScriptDirectory) -> str | None:
    """Return the revision that is here; one that has no name yet is written down."""
    found, named = _found(connection, script)
    if found is not None and not named:
        MigrationContext.configure(connection).stamp(script, found)
    return found


def _way(script: ScriptDirectory, before: str | None, to: str) -> Callable[[Any, Any], Any]:
    """Return what Alembic calls for the steps: up to a revision, or down to it."""
    target = _target(script, to)
    down = before is not None and before != target and _is_below(script, target, before)

    def steps(revision: Any, _context: Any) -> Any:
        return (script._downgrade_revs if down else script._upgrade_revs)(target, revision)

    return steps


def _target(script: ScriptDirectory, to: str) -> str:
    if to == "head":
        return script.get_current_head() or to
    if to not in {revision.revision for revision in script.walk_revisions()}:
        raise RevisionUnknown(to)
    return to


def _is_below(script: ScriptDirectory, low: str, high: str) -> bool:
    return any(revision.revision == low for revision in script.iterate_revisions(high, "base"))


def _run(script: ScriptDirectory, steps: Callable[[Any, Any], Any], **options: Any) -> None:
    """Run the steps in the transaction that is open, or write their SQL."""
    context_options = {name: options.pop(name) for name in ("as_sql", "starting_rev") if name in options}
    with EnvironmentContext(AlembicConfig(), script, fn=steps, **context_options) as environment:
        environment.configure(transactional_ddl=True, **options)
        with environment.begin_transaction():
            environment.run_migrations()
