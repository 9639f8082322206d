# SPDX-License-Identifier: AGPL-3.0-or-later
"""Settings that cannot be right stop the start, with their name."""

import json
from pathlib import Path
from typing import Any

import pytest
from portalkit import underseal

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
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_setting_stops_start(folder: Path, name: str) -> None:
    """The portal does not start, and says which setting it refuses."""
    word, value = WRONG[name]
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), word: value}))
    ran = underseal("portal", "serve", "--dir", folder, "--port", 0)
    named = word if word in SETTINGS else "config.json"
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
