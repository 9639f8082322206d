# SPDX-License-Identifier: AGPL-3.0-or-later
"""An office for the session; a portal's folder, an app and a running portal for each test.

What is marked with `@both` runs twice: with a SQLite file, and with a database of a real PostgreSQL server.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from portalkit import PortalOffice, Served, end, make_portal, make_portal_office, serve
from storekit import Kit, PostgresqlKit, PostgresqlServer, SqliteKit, move, running_server

from portal.app import create_app
from portal.config import Config, load_config
from portal.shelf import Shelf


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> PortalOffice:
    """A throwaway office."""
    return make_portal_office(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="session")
def empty_portal(office: PortalOffice, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portal's folder as `init` made it; tests work on copies."""
    return make_portal(office, tmp_path_factory.mktemp("made") / "portal")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server; each test works on a database of its own."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def made(office: PortalOffice, postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database as `init --store` made it; tests work on copies."""
    database = postgresql.create()
    make_portal(office, tmp_path_factory.mktemp("made") / "portal", "--store", postgresql.url(database))
    return database


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    """The store of the test, seen from outside: a SQLite file unless the test is marked otherwise."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield SqliteKit(tmp_path / "portal")
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    database = server.create(request.getfixturevalue("made"))
    yield PostgresqlKit(server, database)
    server.drop(database)


@pytest.fixture
def folder(empty_portal: Path, tmp_path: Path, store: Kit) -> Path:
    """A portal's folder with an empty shelf."""
    made = shutil.copytree(empty_portal, tmp_path / "portal")
    move(made, store)
    return made


@pytest.fixture
def config(folder: Path) -> Config:
    """Its settings."""
    return load_config(folder)


@pytest.fixture
def shelf(config: Config) -> Iterator[Shelf]:
    """Its shelf."""
    made = Shelf(config.shelf_url)
    yield made
    made.close()


@pytest.fixture
def client_of(config: Config) -> Iterator[Callable[..., FlaskClient]]:
    """Makes clients of the officer's side in this process, with changes to its settings."""
    apps = []

    def make(today: Any = None, **changes: Any) -> FlaskClient:
        app = create_app(replace(config, **changes), *([today] if today else []))
        apps.append(app)
        return app.test_client(use_cookies=False)

    yield make
    for app in apps:
        app.extensions["underseal"].shelf.close()


@pytest.fixture
def client(client_of: Callable[..., FlaskClient]) -> FlaskClient:
    """A client of the officer's side in this process."""
    return client_of()


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    """A running portal."""
    running = serve(folder)
    yield running
    end(running)
