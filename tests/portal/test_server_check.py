# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the running server is set to: refused where words are lost or a network is reached, named where traces stay."""

import re
from pathlib import Path

import pytest
from hostkit import free_ports
from portalkit import end, serve, underseal
from storekit import EXECUTE, INITDB, MEMBERSHIP, SOURCE, PostgresqlKit, on_postgresql

from portal.config import Config
from portal.server_check import NEEDED, WANTED, Differences, differences

pytestmark = on_postgresql
FILE = (SOURCE / "deploy/host/postgresql.conf").read_text()
UNITS = {"64MB": "64", "32MB": "32", "5min": "300"}
BAD = {
    "data_sync_retry": "on",
    "fsync": "off",
    "full_page_writes": "off",
    "ignore_checksum_failure": "on",
    "listen_addresses": "127.0.0.1",
    "synchronous_commit": "off",
    "zero_damaged_pages": "on",
}
TALKATIVE = {
    "log_connections": "on",
    "log_min_duration_statement": "0",
    "log_min_error_statement": "error",
    "log_statement": "all",
    "max_wal_size": "1024",
    "shared_preload_libraries": "auto_explain",
    "track_activities": "on",
    "track_commit_timestamp": "on",
    "wal_level": "replica",
    "wal_recycle": "on",
}


def test_shipped_file_says_the_same(config: Config) -> None:
    """deploy/host/postgresql.conf sets what the program looks for, and a server with it differs in nothing."""
    lines = re.findall(r"^(\w+) = '?([^'\n]*)'?$", FILE, re.MULTILINE)
    said = {name: UNITS.get(value, value) for name, value in lines}
    wanted = {name: value for name, value in {**NEEDED, **WANTED}.items() if name != "data_checksums"}  # by initdb
    assert wanted == {name: said[name] for name in said.keys() & wanted.keys()}
    assert {"jit", "log_destination", "max_connections"} == said.keys() - wanted.keys()
    assert Differences((), ()) == differences(config)


def test_runbook_sets_up_the_same(config: Config) -> None:
    """The server that these tests start is made as the RUNBOOK makes it, with the same rights and no others."""
    runbook = (SOURCE / "deploy/RUNBOOK.md").read_text("utf-8")
    for words in (*INITDB, f"GRANT {MEMBERSHIP} TO underseal;", f"GRANT {EXECUTE} TO underseal;"):
        assert words in runbook
    assert 2 == runbook.count("GRANT ")


@pytest.mark.parametrize("name", BAD)
def test_dangerous_setting_stops_start(store: PostgresqlKit, folder: Path, name: str) -> None:
    """`serve` and `init` refuse, with the setting's name; `status` says it too."""
    port = free_ports(1)[0]
    change = (folder / "config.json").read_text()
    with store.server.changed():
        store.server.stop()
        store.server.start(f"{name}={BAD[name]}", f"port={port}")
        (folder / "config.json").write_text(change.replace("?host", f"?port={port}&host"))
        ran = underseal("portal", "serve", "--dir", folder, "--port", 0)
        told = underseal("portal", "status", "--dir", folder)
    sentence = f"{name} is {BAD[name]}, not {NEEDED[name] or 'empty'}"
    assert (1, f"portal: the database server is refused: {sentence}") == (ran.code, ran.err.split("\n")[0])
    assert (0, True) == (told.code, f"portal: the database server: {sentence}\n" in told.err)


def test_no_password_is_sent(store: PostgresqlKit, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that asks for a password gets none, though the right one stands there: the portal goes away."""
    rules = store.server.folder / "pg_hba.conf"
    shipped = rules.read_text()
    with store.server.connect(store.database) as connection:
        connection.execute("ALTER ROLE CURRENT_USER PASSWORD '5w0rd-fish'")
    with store.server.changed():
        store.server.stop()
        rules.write_text("local all all password\n")
        store.server.start("log_min_messages=debug1")
        monkeypatch.setenv("PGPASSWORD", "5w0rd-fish")
        ran = underseal("portal", "status", "--dir", folder)
        rules.write_text(shipped)
        monkeypatch.delenv("PGPASSWORD")
    assert (7, True) == (ran.code, "does not answer" in ran.err)
    assert "5w0rd" not in ran.err + (store.server.folder / "log").read_text()


def test_setting_of_the_role_counts(store: PostgresqlKit, folder: Path) -> None:
    """What the role brings, and not the server's file, is found too."""
    with store.server.connect(store.database) as connection:
        connection.execute("ALTER ROLE CURRENT_USER SET synchronous_commit = off")
        ran = underseal("portal", "serve", "--dir", folder, "--port", 0)
        connection.execute("ALTER ROLE CURRENT_USER RESET synchronous_commit")
    assert (1, True) == (ran.code, "synchronous_commit is off, not on" in ran.err)


def test_traces_are_named(store: PostgresqlKit, folder: Path) -> None:
    """A server that keeps more than it should serves, and each setting is named, by `serve` and by `status`."""
    with store.server.changed():
        store.server.stop()
        store.server.start(*(f"{name}={value}" for name, value in TALKATIVE.items()))
        told = underseal("portal", "status", "--dir", folder)
        served = serve(folder)
        said = served.said()
        end(served)
    named = [f"{name} is {value}, not {WANTED[name] or 'empty'}" for name, value in TALKATIVE.items()]
    assert [] == [sentence for sentence in named if sentence not in told.err]
    assert [] == [sentence for sentence in named if f"keeps more than it should: {sentence}\n" not in said + "\n"]


@pytest.mark.parametrize(
    "verb", [("serve", "--port", "0"), ("nightly",), ("status",), ("migrate",)], ids=lambda v: v[0]
)
def test_server_away_is_told(store: PostgresqlKit, folder: Path, verb: tuple[str, ...]) -> None:
    """Without its server each verb ends with one sentence, which has the database's name and no path."""
    with store.server.changed():
        store.server.stop()
        ran = underseal("portal", *verb, "--dir", folder)
    assert (7, f"portal: the database does not answer ({store.database}); nothing was changed\n") == (ran.code, ran.err)
