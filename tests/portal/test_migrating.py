# SPDX-License-Identifier: AGPL-3.0-or-later
"""Revisions of the tables: whole or not at all, with the letters that are there; no program touches a newer shelf."""

import concurrent.futures
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from portalkit import PortalOffice, Served, end, serve, underseal
from storekit import Kit, SqliteKit, both

from crypto.handedon import HandedOn, write_handed_on
from crypto.primitives import sha256
from crypto.signature import Namespace, SigningKey, sign
from intake.signedpage import read_page
from portal.config import Config
from portal.migrating import FOLDER, StrangeTables, migrate
from portal.publishing import take_page, take_statements
from portal.revisions import REVISION, ShelfNewer
from portal.shelf import Letter, Shelf
from portal.store import open_store
from portal.tables import METADATA

DAY = date(2031, 5, 6)
HEAD = """
import time
from pathlib import Path
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0003", "0002"
"""
GOOD = """
def upgrade():
    op.add_column("damaged", sa.Column("why", sa.Text))
    op.execute("UPDATE envelopes SET size_class = 'another name'")

def downgrade():
    with op.batch_alter_table("damaged") as batch:
        batch.drop_column("why")
    op.execute("UPDATE envelopes SET size_class = 'letter'")
"""
FAILS = GOOD.replace("def downgrade", "    raise ArithmeticError\n\ndef downgrade")
WAITS = GOOD.replace("def downgrade", "    Path(MARKER).touch()\n    time.sleep(60)\n\ndef downgrade")
RUN = """
import sys
from pathlib import Path
from portal.migrating import FOLDER, migrate
migrate(sys.argv[1], folders=(FOLDER, Path(sys.argv[2])))
"""


@pytest.fixture
def later(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """Writes a revision that follows the last one, and returns the folders to take revisions from."""

    def write(body: str) -> tuple[Path, Path]:
        folder = tmp_path / "later"
        folder.mkdir(exist_ok=True)
        (folder / "shelf_0003.py").write_text(HEAD + f"MARKER = {str(tmp_path / 'marker')!r}\n" + body)
        return FOLDER, folder

    return write


def fill(shelf: Shelf, count: int) -> dict[str, bytes]:
    """Put letters on the shelf and return them by digest."""
    bodies = [os.urandom(21_157) for _ in range(count)]
    shelf.put([Letter(sha256(body), "letter", body) for body in bodies], DAY)
    shelf.close()
    return {sha256(body).hex(): body for body in bodies}


def names(store: Kit) -> list[str]:
    """Return the columns of `damaged`, which the later revision changes."""
    query = "SELECT name FROM pragma_table_info('damaged')"
    if not isinstance(store, SqliteKit):
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'damaged'"
    return sorted(name for (name,) in store.rows(query))


def is_as_before(store: Kit, shelf: Shelf, letters: dict[str, bytes]) -> bool:
    """Return whether the shelf is of the last revision that is known, with these letters."""
    sizes = {size for (size,) in store.rows("SELECT size_class FROM envelopes")}
    held = list(shelf.bodies(list(letters)))
    return (["body", "day", "digest"], "0002", {"letter"}, list(letters.values())) == (
        names(store),
        shelf.revision(),
        sizes,
        held,
    )


@both
def test_tables_are_the_programs(config: Config) -> None:
    """What the revisions make is what the program works with, and the last one has the number it looks for."""
    store = open_store(config.shelf_url)
    with store.engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), METADATA)
    store.engine.dispose()
    assert REVISION == ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER)]).get_current_head()


def test_tables_are_the_same_on_disk(store: SqliteKit, folder: Path, tmp_path: Path) -> None:
    """On SQLite they are the same to the letter, WITHOUT ROWID too, as the program before revisions made them."""
    old = open_store(f"sqlite:///{tmp_path / 'old.sqlite'}")
    METADATA.create_all(old.engine)
    query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' ORDER BY name"
    with old.engine.connect() as connection:
        assert [tuple(row) for row in connection.exec_driver_sql(query)] == store.rows(query)
    old.engine.dispose()


@both
def test_up_and_down_with_letters(
    config: Config, shelf: Shelf, store: Kit, later: Callable[[str], tuple[Path, Path]]
) -> None:
    """A later release changes the tables, and its way back brings them back: every letter is there each time."""
    letters = fill(shelf, 30)
    assert ("0002", "0003") == migrate(config.shelf_url, folders=later(GOOD))
    assert ["body", "day", "digest", "why"] == names(store)
    assert list(letters.values()) == list(shelf.bodies(list(letters)))
    shelf.close()
    assert ("0003", "0002") == migrate(config.shelf_url, to="0002", folders=later(GOOD))
    assert is_as_before(store, shelf, letters)


@both
def test_newer_shelf_is_left_alone(
    config: Config, folder: Path, shelf: Shelf, store: Kit, later: Callable[[str], tuple[Path, Path]]
) -> None:
    """A release that is older than the shelf refuses it with one sentence, whatever the verb, and changes nothing."""
    letters = fill(shelf, 3)
    migrate(config.shelf_url, folders=later(GOOD))
    for words in (("serve", "--port", "0"), ("nightly",), ("status",), ("migrate",), ("migrate", "--dry-run")):
        ran = underseal("portal", *words, "--dir", folder)
        assert (1, "") == (ran.code, ran.out)
        assert ran.err.startswith(
            "portal: the shelf was made by a newer underseal than this one; nothing was changed\n"
        )
    with pytest.raises(ShelfNewer):
        migrate(config.shelf_url)
    assert ("0003", list(letters.values())) == (shelf.revision(), list(shelf.bodies(list(letters))))


@both
def test_failed_migration_changes_nothing(
    config: Config, shelf: Shelf, store: Kit, later: Callable[[str], tuple[Path, Path]]
) -> None:
    """A revision that fails at its end leaves the tables and the letters as they were."""
    letters = fill(shelf, 30)
    with pytest.raises(ArithmeticError):
        migrate(config.shelf_url, folders=later(FAILS))
    assert is_as_before(store, shelf, letters)


@both
def test_killed_migration_changes_nothing(
    config: Config, shelf: Shelf, store: Kit, later: Callable[[str], tuple[Path, Path]], tmp_path: Path
) -> None:
    """Killed in the middle, after tables and rows were changed: the old tables are whole; the next time it succeeds."""
    letters = fill(shelf, 200)
    command = [sys.executable, "-c", RUN, config.shelf_url, str(later(WAITS)[1])]
    process = subprocess.Popen(command)
    for _ in range(400):
        if (tmp_path / "marker").exists():
            break
        time.sleep(0.05)
    process.kill()
    process.wait(10)
    assert (tmp_path / "marker").exists()
    if isinstance(store, SqliteKit):
        assert store.path.with_name("shelf.sqlite-journal").stat().st_size > 0  # pages of the file were changed
    assert is_as_before(store, shelf, letters)
    shelf.close()
    assert ("0002", "0003") == migrate(config.shelf_url, folders=later(GOOD))
    assert list(letters.values()) == list(shelf.bodies(list(letters)))


@both
def test_migrations_at_once_are_one(config: Config, store: Kit, later: Callable[[str], tuple[Path, Path]]) -> None:
    """Two that begin at the same moment: one does it; the other finds it done, or that the shelf is in use."""
    later(GOOD)
    command = [sys.executable, "-c", RUN, config.shelf_url, str(later(GOOD)[1])]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True), range(2)))
    assert 0 in {run.returncode for run in runs}
    assert [] == [run.stderr for run in runs if run.returncode and "ShelfInUse" not in run.stderr]
    assert [("0003",)] == store.rows("SELECT version_num FROM alembic_version")


@both
def test_served_shelf_is_not_migrated(served: Served, later: Callable[[str], tuple[Path, Path]], store: Kit) -> None:
    """While a portal serves the shelf nothing is migrated."""
    assert 200 == served.request("GET", "/keys.txt").status
    ran = underseal("portal", "migrate", "--dir", served.folder)
    assert (1, "portal: another program uses the shelf; nothing was changed\n") == (
        ran.code,
        ran.err[: ran.err.index("\n") + 1],
    )


def test_old_folder_is_adopted(folder: Path, shelf: Shelf, store: SqliteKit, office) -> None:
    """A folder from before revisions is refused by `serve`, adopted by `migrate`, and serves its letters then."""
    letters = fill(shelf, 3)
    assert 0 == underseal("portal", "migrate", "--dir", folder, "--to", "0001").code
    store.run("DROP TABLE alembic_version")
    words = json.loads((folder / "config.json").read_text())
    old = {name: value for name, value in words.items() if name not in ("store", "gate", "ceiling_mib")}
    (folder / "config.json").write_text(json.dumps(old))
    ran = underseal("portal", "serve", "--dir", folder, "--port", 0)
    assert (1, "portal: the shelf is older than this program; nothing was changed") == (
        ran.code,
        ran.err.split("\n")[0],
    )
    assert "underseal portal migrate" in ran.err
    shown = underseal("portal", "migrate", "--dir", folder, "--dry-run")
    assert (0, True) == (shown.code, "taken for revision 0001" in shown.out)
    assert "" == shelf.revision()
    assert 0 == underseal("portal", "migrate", "--dir", folder).code
    assert is_as_before(store, shelf, letters)
    again = underseal("portal", "migrate", "--dir", folder)
    assert (0, "portal: the shelf is of revision 0002\n") == (again.code, again.err)
    assert "-- nothing is to be done\n" == underseal("portal", "migrate", "--dir", folder, "--dry-run").out
    assert not (folder / "page.signed").exists()
    served = serve(folder)
    assert 201 == served.post(office.envelope()).status
    end(served)


def page_of(store: Kit) -> list[tuple[object, ...]]:
    """Return what is published on the shelf."""
    return store.rows("SELECT name, number, body FROM published ORDER BY name")


def migrated(folder: Path, *words: str) -> tuple[int, str]:
    """Return what `portal migrate` said."""
    ran = underseal("portal", "migrate", "--dir", folder, *words)
    return ran.code, ran.err


@both
def test_page_moves_with_the_tables(
    folder: Path, config: Config, shelf: Shelf, store: Kit, office: PortalOffice
) -> None:
    """On the way back page and statements are files again, as the release before kept them; then the shelf has them."""
    take_page(shelf, config.office, read_page(gzip.decompress(office.page_pushed(2)), office.root.public), DAY)
    new, day = SigningKey.generate(), office.key_list.issued
    line = write_handed_on(HandedOn("Local 1", office.root.public, new.public, day, 20, 3))
    line += "".join(sign(line, root, Namespace.ROOT) for root in (office.root, new)).encode()
    take_statements(shelf, config.office, line)
    shelf.close()
    before = page_of(store)
    assert [("handed-on", 1, line), ("page", 2)] == [before[0], before[1][:2]]
    assert (0, "portal: the shelf is of revision 0001, and was of 0002\n") == migrated(folder, "--to", "0001")
    assert (before[1][2], line) == ((folder / "page.signed").read_bytes(), (folder / "handed-on").read_bytes())
    assert {0o600} == {(folder / name).stat().st_mode & 0o777 for name in ("page.signed", "handed-on")}
    (folder / "page.lock").touch()
    with pytest.raises(Exception, match="published"):
        page_of(store)
    shown = underseal("portal", "migrate", "--dir", folder, "--dry-run").out
    assert ("CREATE TABLE published" in shown, "page.signed, and" in shown) == (True, True)
    assert (0, "portal: the shelf is of revision 0002, and was of 0001\n") == migrated(folder)
    assert before == page_of(store)
    assert set() == {"page.signed", "page.lock", "handed-on"} & {path.name for path in folder.iterdir()}


@both
def test_page_file_stays_where_it_is_not_taken(folder: Path, store: Kit, office: PortalOffice) -> None:
    """A folder whose page is damaged or missing is not migrated; nothing is changed, and the file is there still."""
    assert 0 == migrated(folder, "--to", "0001")[0]
    page = (folder / "page.signed").read_bytes()
    (folder / "page.signed").write_bytes(page[:-1])
    assert 4 == migrated(folder)[0]
    assert (page[:-1], [("0001",)]) == (
        (folder / "page.signed").read_bytes(),
        store.rows("SELECT version_num FROM alembic_version"),
    )
    (folder / "page.signed").unlink()
    assert (3, "portal: page.signed is not there, or is not a readable file\n") == migrated(folder)
    (folder / "page.signed").write_bytes(page)
    assert 0 == migrated(folder)[0]
    assert [("page", 1, page)] == page_of(store)


@both
@pytest.mark.parametrize(("number", "taken"), [(1, False), (3, True)])
def test_page_file_of_another_folder(
    folder: Path, config: Config, shelf: Shelf, store: Kit, office: PortalOffice, number: int, taken: bool
) -> None:
    """Where the shelf has a page, a file of another front end is taken if it is newer; either way it is gone then."""
    pages = {n: read_page(gzip.decompress(office.page_pushed(n)), office.root.public) for n in (2, number)}
    take_page(shelf, config.office, pages[2], DAY)
    shelf.close()
    (folder / "page.signed").write_bytes(pages[number].whole)
    assert 0 == migrated(folder)[0]
    assert [("page", number if taken else 2)] == [row[:2] for row in page_of(store)]
    assert not (folder / "page.signed").exists()


@pytest.mark.parametrize(
    "verb", [("serve", "--port", "0"), ("nightly",), ("status",), ("migrate",)], ids=lambda v: v[0]
)
def test_missing_shelf_is_not_made(folder: Path, store: SqliteKit, verb: tuple[str, ...]) -> None:
    """Where the shelf's file is gone, no verb makes an empty one in its place."""
    store.path.unlink()
    ran = underseal("portal", *verb, "--dir", folder)
    assert (3, "portal: there is no shelf in shelf.sqlite; nothing was changed\n") == (ran.code, ran.err)
    assert not store.path.exists()


def test_gate_is_needed_without_database(office, tmp_path: Path) -> None:
    """A second front end of a SQLite file is refused."""
    ran = underseal("portal", "init", "--public", office.public, "--dir", tmp_path / "second", "--no-gate")
    assert (2, False) == (ran.code, (tmp_path / "second").exists())


@pytest.mark.parametrize("to", ["0000", "base", "0003", "", "-1"])
def test_unknown_revision_refused(folder: Path, store: SqliteKit, to: str) -> None:
    """There is no way to a revision that is not known, and none to before the first."""
    ran = underseal("portal", "migrate", "--dir", folder, "--to", to)
    assert (2, f"portal: this program knows no revision {to}; nothing was changed\n") == (ran.code, ran.err)
    assert [("0002",)] == store.rows("SELECT version_num FROM alembic_version")


@both
def test_strange_tables_are_left_alone(config: Config, store: Kit, shelf: Shelf) -> None:
    """A database that holds something else is no shelf's, and is not made one."""
    shelf.close()
    engine = open_store(config.shelf_url).engine
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
        connection.exec_driver_sql("ALTER TABLE days RENAME TO weeks")
    engine.dispose()
    with pytest.raises(StrangeTables):
        migrate(config.shelf_url)
    assert "" == shelf.revision()


@both
def test_dry_run_shows_sql(config: Config, store: Kit, later: Callable[[str], tuple[Path, Path]]) -> None:
    """What would run is shown in the words of the store, within one transaction."""
    from portal.migrating import preview

    said = preview(config.shelf_url, folders=later(GOOD))
    assert "BEGIN" in said and "ALTER TABLE damaged ADD COLUMN why TEXT" in said and "COMMIT" in said
    assert "" == preview(config.shelf_url)
    assert [("0002",)] == store.rows("SELECT version_num FROM alembic_version")
