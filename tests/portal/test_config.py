# SPDX-License-Identifier: AGPL-3.0-or-later
"""Settings that cannot be right stop the start, with their name."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from portalkit import PortalOffice, underseal

from portal.app import create_app
from portal.config import Config, SettingRefused, load_config, load_portal_key

SETTINGS = ["hosts", "gate_hosts", "https", "onion", "full_percent", "floor_mib", "ballast_mib"]
WRONG: dict[str, tuple[str, Any]] = {
    "unknown word": ("debug", True),
    "no hosts": ("hosts", []),
    "host with port": ("hosts", ["localhost:8000"]),
    "host with scheme": ("hosts", ["http://localhost"]),
    "host in capitals": ("hosts", ["Localhost"]),
    "wildcard": ("hosts", [".example.org"]),
    "gate hosts no list": ("gate_hosts", "gate"),
    "https as text": ("https", "no"),
    "onion of version 2": ("onion", "a" * 16 + ".onion"),
    "floor below zero": ("floor_mib", -1),
    "floor as truth": ("floor_mib", True),
    "full at once": ("full_percent", 0),
    "fuller than full": ("full_percent", 101),
    "ballast too small for a purge": ("ballast_mib", 15),
    "another version": ("v", 2),
    "ceiling below zero": ("ceiling_mib", -1),
    "ceiling of nothing": ("ceiling_mib", 0),
    "gate as text": ("gate", "yes"),
    "store no text": ("store", 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_setting_stops_start(folder: Path, name: str) -> None:
    """The portal does not start, and says which setting it refuses."""
    word, value = WRONG[name]
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), word: value}))
    ran = underseal("portal", "serve", "--dir", folder, "--port", 0)
    named = "config.json" if word in ("debug", "v") else word
    assert 3 == ran.code
    assert ran.err.startswith(f"portal: the setting {named} is refused: ")


@pytest.mark.parametrize("word", SETTINGS)
def test_missing_setting_stops_start(folder: Path, word: str) -> None:
    """There are no defaults behind the file's back."""
    path = folder / "config.json"
    words = json.loads(path.read_text())
    del words[word]
    path.write_text(json.dumps(words))
    with pytest.raises(SettingRefused, match=word):
        load_config(folder)


URL = "postgresql+psycopg:///underseal?host=/run/underseal-store"
STORES = {
    "password": (URL.replace(":///", "://underseal:5w0rd-fish@/"), "has a password"),
    "empty password": (URL.replace(":///", "://underseal:@/"), "has a password"),
    "password in the query": (URL + "&password=5w0rd-fish", "has a password"),
    "password file": (URL + "&passfile=/5w0rd-fish", "has a password"),
    "host": (URL.replace(":///", "://5w0rd-fish.example/"), "no network is used"),
    "loopback": (URL.replace("/run/underseal-store", "127.0.0.1"), "no network is used"),
    "port of a host": (URL.replace(":///", "://:5432/"), "no network is used"),
    "no host": (URL.partition("?")[0], "no network is used"),
    "two hosts": (URL + "&host=/5w0rd-fish", "no network is used"),
    "service": (URL + "&service=5w0rd-fish", "other words"),
    "options": (URL + "&options=-csynchronous_commit%3Doff", "other words"),
    "no database": (URL.replace("underseal?", "?"), "have names of small letters"),
    "database as a phrase": (URL.replace("underseal?", "dbname%3Dx%20password%3D5w0rd-fish?"), "have names of small"),
    "another driver": (URL.replace("psycopg", "psycopg2"), "postgresql+psycopg:///NAME"),
    "no driver": (URL.replace("+psycopg", ""), "postgresql+psycopg:///NAME"),
    "SQLite": ("sqlite:////tmp/5w0rd-fish", "postgresql+psycopg:///NAME"),
    "no URL": ("5w0rd-fish", "postgresql+psycopg:///NAME"),
    "port that is none": (URL.replace(":///", "://h:5w0rd-fish/"), "postgresql+psycopg:///NAME"),
}


@pytest.mark.parametrize("name", STORES)
def test_wrong_store_is_refused(folder: Path, office: PortalOffice, tmp_path: Path, name: str) -> None:
    """A store with a password or a network in it is refused in one sentence, which repeats nothing of it."""
    url, sentence = STORES[name]
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "store": url}))
    target = tmp_path / "second"
    for ran in (
        underseal("portal", "serve", "--dir", folder, "--port", 0),
        underseal("portal", "init", "--public", office.public, "--dir", target, "--store", url),
    ):
        first = ran.err.split("\n")[0]
        assert (3, "") == (ran.code, ran.out)
        assert first.startswith("portal: the setting store is refused: ") and sentence in first
        assert "5w0rd" not in ran.err and "fish" not in ran.err
    assert not target.exists()


def test_store_is_not_shown(folder: Path) -> None:
    """The URL is no part of what the settings show of themselves."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "store": URL}))
    config = load_config(folder)
    assert (URL, "underseal") == (config.shelf_url, config.shelf_name)
    assert "underseal-store" not in repr(config)


def test_missing_driver_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra of PostgreSQL the sentence says which one brings it."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "store": URL}))
    monkeypatch.setitem(sys.modules, "psycopg", None)
    ran = underseal("portal", "status", "--dir", folder)
    assert (3, True) == (ran.code, "pip install 'underseal[postgresql]'" in ran.err), ran.err


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_readable_key_stops_start(folder: Path, mode: int) -> None:
    """A portal key that others can read is refused."""
    (folder / "portal.key").chmod(mode)
    ran = underseal("portal", "serve", "--dir", folder, "--port", 0)
    assert (3, True) == (ran.code, "the setting portal.key is refused: others can read the file" in ran.err)


def test_missing_files_stop_start(folder: Path, tmp_path: Path) -> None:
    """A folder that is no portal's is named as such."""
    with pytest.raises(SettingRefused, match="config.json"):
        load_config(tmp_path)
    (folder / "portal.key").write_bytes(b"no key")
    with pytest.raises(SettingRefused, match="portal.key"):
        load_portal_key(folder)
    (folder / "public" / "office.json").unlink()
    with pytest.raises(SettingRefused, match="office.json"):
        load_config(folder)


def test_debug_is_refused(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flask's debug switch in the environment stops the start."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with pytest.raises(SettingRefused, match="debug"):
        create_app(config)


def test_app_has_no_secret(config: Config) -> None:
    """There is no secret to lose and no session to write."""
    app = create_app(config)
    assert None is app.config["SECRET_KEY"]
    with app.test_request_context("/"):
        assert None is app.session_interface.open_session(app, object())  # type: ignore[arg-type]
    app.extensions["underseal"].shelf.close()


def test_status_tells(folder: Path) -> None:
    """`status` reads the shelf of a portal that may run."""
    ran = underseal("portal", "status", "--dir", folder, "--json")
    facts = json.loads(ran.out)
    assert (0, 0, None, 1) == (ran.code, facts["waiting"], facts["last_pull"], facts["list_in_force"])
