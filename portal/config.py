# SPDX-License-Identifier: AGPL-3.0-or-later
"""The portal's settings: one frozen `Config`, read once from the portal's folder.

Unknown words, missing files and key files that others can read stop the start, with the name of the setting.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from crypto.errors import CryptoError
from crypto.signature import SigningKey
from intake.errors import Exit, UndersealError
from intake.files import FileMissing, read
from intake.limits import KEY_FILE_MAX_BYTES, OFFICE_MAX_BYTES
from intake.office import Office, read_office
from intake.strictjson import JsonRefused, read_json

MAX_SETTINGS_BYTES = 16_384
MAX_HOSTS = 16
DEFAULT_FULL_PERCENT = 90  # of the disk in use, from which on no letter is taken
DEFAULT_FLOOR_MIB = 256  # free room below which no letter is taken either: holds first on disks below 2.5 GiB
DEFAULT_BALLAST_MIB = 64  # kept back for deleting on a full disk
DEFAULT_CEILING_MIB = 4_096  # size of a PostgreSQL database from which on no letter is taken: some 150,000 letters
_ADDED = {"store": None, "gate": True, "ceiling_mib": DEFAULT_CEILING_MIB}  # words that older folders do not have
_MOST_MIB = 1_048_576
_NUMBERS = {
    "full_percent": (50, 100),
    "floor_mib": (0, _MOST_MIB),
    "ballast_mib": (16, _MOST_MIB),
    "ceiling_mib": (1, _MOST_MIB),
}
LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
GATE_HOST = "gate"  # the name a courier uses over a unix socket
_STORE_DRIVER = "postgresql+psycopg"
_STORE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)


class SettingRefused(UndersealError):
    """the setting {} is refused: {}"""

    exit_code = Exit.MISSING
    hint = "underseal portal init makes a folder with settings that work"


@dataclass(frozen=True, slots=True)
class Config:
    """What the portal was told. Nothing in it is secret; the key file is read by the gate alone."""

    directory: Path
    office: Office
    hosts: tuple[str, ...]
    gate_hosts: tuple[str, ...]
    https: bool
    onion: str | None
    full_percent: int
    floor_mib: int
    ballast_mib: int
    ceiling_mib: int
    gate: bool
    store: str | None = field(repr=False)

    @property
    def public(self) -> Path:
        """The folder with what the ceremony published."""
        return self.directory / "public"

    @property
    def shelf_url(self) -> str:
        """The database as SQLAlchemy names it: the one of the settings, else a SQLite file in the portal's folder."""
        return self.store or f"sqlite:///{self.directory.resolve() / 'shelf.sqlite'}"

    @property
    def shelf_name(self) -> str:
        """What may be said of the database."""
        return make_url(self.shelf_url).database or "" if self.store else "shelf.sqlite"

    @property
    def turn_file(self) -> Path:
        """Locked by whoever writes to the shelf; made beforehand, so that its times tell of no letter."""
        return self.directory / "counter.lock"

    @property
    def gate_socket(self) -> Path:
        """Where the courier's gate listens unless a port is given."""
        return self.directory / "gate.sock"

    def is_https(self, host: str) -> bool:
        """Return whether who names this host came over https: with it all do, but for those of an onion service."""
        return self.https and not host.lower().partition(":")[0].endswith(".onion")


def load_config(directory: Path) -> Config:
    """Return the settings in `directory`/config.json. Raises SettingRefused."""
    words = _read_settings(directory)
    try:
        office = read_office(read(directory / "public" / "office.json", OFFICE_MAX_BYTES))
    except UndersealError as error:
        raise SettingRefused("office.json", "the file is missing or not one of this version") from error
    return Config(
        directory,
        office,
        hosts=_hosts(words, "hosts"),
        gate_hosts=_hosts(words, "gate_hosts"),
        https=_boolean(words, "https"),
        onion=_onion(words),
        **{name: _number(words, name) for name in _NUMBERS},
        gate=_boolean(words, "gate"),
        store=None if words["store"] is None else read_store_url(words["store"]),
    )


def read_store_url(url: object) -> str:
    """Return the URL of a PostgreSQL database that is reached over a Unix socket. Raises SettingRefused.

    Nothing of a URL that is refused is repeated: it may hold a password.
    """
    try:
        parsed = make_url(url) if isinstance(url, str) else None
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername != _STORE_DRIVER:
        raise SettingRefused("store", f"it is {_STORE_DRIVER}:///NAME?host=/FOLDER, or null for SQLite")
    if parsed.password is not None or any("pass" in word for word in parsed.query):
        raise SettingRefused("store", "it has a password; the database is to know its user by the socket (peer)")
    folder, port = parsed.query.get("host"), parsed.query.get("port", "5432")
    if parsed.host or parsed.port or not isinstance(folder, str) or not folder.startswith("/"):
        raise SettingRefused("store", "it does not name the folder of a Unix socket; no network is used")
    if parsed.query.keys() - {"host", "port"} or not isinstance(port, str) or not re.fullmatch(r"[0-9]{1,5}", port):
        raise SettingRefused("store", "it has other words than host and port")
    if not all(_STORE_NAME.fullmatch(name) for name in (parsed.database or "", parsed.username or "_")):
        raise SettingRefused("store", "database and role have names of small letters, digits and underscores")
    return str(url)


def write_settings(
    hosts: tuple[str, ...],
    gate_hosts: tuple[str, ...],
    *,
    https: bool,
    onion: str | None,
    store: str | None = None,
    gate: bool = True,
) -> bytes:
    """Return the contents of config.json."""
    names = (*LOOPBACK_HOSTS, *hosts, *([onion] if onion else []))
    words = {
        "v": 1,
        "hosts": list(dict.fromkeys(names)),
        "gate_hosts": list(dict.fromkeys((GATE_HOST, *LOOPBACK_HOSTS, *gate_hosts))),
        "https": https,
        "onion": onion,
        "full_percent": DEFAULT_FULL_PERCENT,
        "floor_mib": DEFAULT_FLOOR_MIB,
        "ballast_mib": DEFAULT_BALLAST_MIB,
        **_ADDED,
        "store": store,
        "gate": gate,
    }
    _check(words)
    return (json.dumps(words, indent=1) + "\n").encode("ascii")


def load_portal_key(directory: Path) -> SigningKey:
    """Return the key that signs manifests and nothing else. Raises SettingRefused if others could read it."""
    path = directory / "portal.key"
    try:
        if path.stat().st_mode & 0o077:
            raise SettingRefused("portal.key", "others can read the file; chmod 600 portal.key")
        return SigningKey.from_openssh(read(path, KEY_FILE_MAX_BYTES), None)
    except (OSError, FileMissing, CryptoError) as error:
        raise SettingRefused("portal.key", "the file is missing or not an OpenSSH key without passphrase") from error


def _read_settings(directory: Path) -> Mapping[str, Any]:
    try:
        words = read_json(read(directory / "config.json", MAX_SETTINGS_BYTES), max_bytes=MAX_SETTINGS_BYTES)
    except (JsonRefused, UndersealError) as error:
        raise SettingRefused("config.json", "the file is missing or not JSON") from error
    if not isinstance(words, dict) or words.get("v") != 1:
        raise SettingRefused("config.json", "it is not of version 1")
    words = {**_ADDED, **words}
    _check(words)
    return words


def _check(words: Mapping[str, Any]) -> None:
    known = {"v", "hosts", "gate_hosts", "https", "onion", *_NUMBERS, *_ADDED}
    for word in sorted(words.keys() ^ known):
        raise SettingRefused(word if word in known else "config.json", "it is missing, or an unknown word stands there")
    _onion(words)
    _hosts(words, "hosts")
    _hosts(words, "gate_hosts")
    _boolean(words, "https")
    _boolean(words, "gate")
    for name in _NUMBERS:
        _number(words, name)
    if words["store"] is not None:
        read_store_url(words["store"])


def _hosts(words: Mapping[str, Any], name: str) -> tuple[str, ...]:
    hosts = words[name]
    good = isinstance(hosts, list) and 1 <= len(hosts) <= MAX_HOSTS
    if not good or not all(isinstance(host, str) and _HOST.fullmatch(host) for host in hosts):
        raise SettingRefused(name, "it is a list of host names in small letters, without port")
    return tuple(hosts)


def _boolean(words: Mapping[str, Any], name: str) -> bool:
    if not isinstance(words[name], bool):
        raise SettingRefused(name, "it is true or false")
    return bool(words[name])


def _onion(words: Mapping[str, Any]) -> str | None:
    onion = words["onion"]
    if onion is not None and not (isinstance(onion, str) and re.fullmatch(r"[a-z2-7]{56}\.onion", onion)):
        raise SettingRefused("onion", "it is null or an onion address of version 3")
    return onion


def _number(words: Mapping[str, Any], name: str) -> int:
    number, (least, most) = words[name], _NUMBERS[name]
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise SettingRefused(name, f"it is a whole number from {least} to {most}")
    return number
