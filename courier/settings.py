# SPDX-License-Identifier: AGPL-3.0-or-later
"""The courier's folder: where the portal is, whose signature counts, and which bundle was carried last."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from crypto.errors import CryptoError
from crypto.handedon import Roots
from crypto.signature import PublicKey, SigningKey
from intake import files
from intake.errors import Exit, UndersealError
from intake.limits import KEY_FILE_MAX_BYTES, KIB, OFFICE_MAX_BYTES
from intake.office import Office, read_office, write_office
from intake.statements import KEPT, kept_roots
from intake.strictjson import JsonRefused, canonical, read_json

MAX_SETTINGS_BYTES = 16 * KIB
_NAMES = {"v", "portal", "gate", "proxy", "portal_key"}
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class FolderRefused(UndersealError):
    """the courier's {} is missing or not one of this version"""

    exit_code = Exit.MISSING
    hint = "underseal courier init makes the folder"


class AddressRefused(UndersealError):
    """{} is not an address the courier can use: {}"""

    exit_code = Exit.USAGE


class KeyRefused(UndersealError):
    """{} is not a key of the kind that is needed"""

    exit_code = Exit.MISSING


@dataclass(frozen=True, slots=True)
class Settings:
    """`gate` is `unix:` and a path, or a URL; `proxy` a SOCKS proxy for onion addresses, or None."""

    portal: str
    gate: str
    proxy: str | None
    portal_key: PublicKey


@dataclass(frozen=True, slots=True)
class Carried:
    """The last bundle on stable storage: its number and the digest of its manifest."""

    pull: int = 0
    manifest: str | None = None


def make_folder(folder: Path, settings: Settings, office: bytes, key: bytes) -> None:
    """Write a new courier's folder. Raises FileThere if it is one already, and refuses what could not be used."""
    check(settings)
    read_office(office)
    files.make_folder(folder)
    files.write_new(folder / "courier.key", key)
    files.write_new(folder / "office.json", office)
    text = {
        "v": 1,
        "portal": settings.portal,
        "gate": settings.gate,
        "proxy": settings.proxy,
        "portal_key": settings.portal_key.text,
    }
    files.write_new(folder / "settings.json", canonical(text))


def load_settings(folder: Path) -> Settings:
    """Return the settings of a courier's folder. Raises FolderRefused or AddressRefused."""
    try:
        words = read_json(files.read(folder / "settings.json", MAX_SETTINGS_BYTES), max_bytes=MAX_SETTINGS_BYTES)
        if words.keys() != _NAMES or words.pop("v") != 1:
            raise FolderRefused("settings.json")
        settings = Settings(**{**words, "portal_key": PublicKey.parse(words["portal_key"])})
        check(settings)
    except (JsonRefused, files.FileMissing, CryptoError, AttributeError, TypeError) as error:
        raise FolderRefused("settings.json") from error
    return settings


def check(settings: Settings) -> None:
    """Refuse addresses that are not plain. Raises AddressRefused."""
    check_url(settings.portal, {"http", "https"}, settings.proxy)
    if settings.proxy is not None:
        check_url(settings.proxy, {"socks5", "socks5h"}, settings.proxy)
    if not settings.gate.startswith("unix:"):
        check_url(settings.gate, {"http", "https"}, settings.proxy)


def load_office(folder: Path) -> Office:
    """Return the office this courier works for, with the root that signs now and the floor of the page last brought."""
    office = _office(folder)
    return replace(office, root=load_roots(folder).now)


def load_roots(folder: Path) -> Roots:
    """Return the roots of this courier's office, the one of its office.json first. Raises Untrusted."""
    return kept_roots(folder, _office(folder).root)


def keep_statements(folder: Path, statements: bytes) -> None:
    """Remember what handed the root on, once the portal has it."""
    files.replace(folder / KEPT, statements)


def load_page_number(folder: Path) -> int:
    """Return the number of the page brought last, 0 before the first. Raises FolderRefused."""
    path = folder / "page.json"
    if not path.exists():
        return 0
    try:
        words = read_json(files.read(path, MAX_SETTINGS_BYTES), max_bytes=MAX_SETTINGS_BYTES)
    except JsonRefused as error:
        raise FolderRefused("page.json") from error
    if not isinstance(words, dict) or words.keys() != {"number"} or type(words["number"]) is not int:
        raise FolderRefused("page.json")
    return int(words["number"])


def keep_page(folder: Path, office: Office, number: int) -> None:
    """Remember the page that is served: its number, and the office's data in it. The root in office.json stays."""
    files.replace(folder / "page.json", canonical({"number": number}))
    files.replace(folder / "office.json", write_office(replace(office, root=_office(folder).root)))


def _office(folder: Path) -> Office:
    return read_office(files.read(folder / "office.json", OFFICE_MAX_BYTES))


def load_key(folder: Path, passphrase: str) -> SigningKey:
    """Return the courier's key. Raises WrongPassphrase, Malformed or FileMissing."""
    return SigningKey.from_openssh(files.read(folder / "courier.key", KEY_FILE_MAX_BYTES), passphrase)


def read_public_key(path: Path) -> PublicKey:
    """Return the key of a `.pub` file. Raises KeyRefused."""
    try:
        return PublicKey.parse(files.read(path, KEY_FILE_MAX_BYTES).decode("ascii", "replace").rstrip("\n"))
    except CryptoError as error:
        raise KeyRefused(path.name) from error


def load_carried(folder: Path) -> Carried:
    """Return what was carried last; nothing, before the first pull. Raises FolderRefused."""
    path = folder / "courier.json"
    if not path.exists():
        return Carried()
    try:
        carried = Carried(**read_json(files.read(path, MAX_SETTINGS_BYTES), max_bytes=MAX_SETTINGS_BYTES))
        if type(carried.pull) is not int or not _DIGEST.fullmatch(carried.manifest or ""):
            raise FolderRefused("courier.json")
    except (JsonRefused, TypeError) as error:
        raise FolderRefused("courier.json") from error
    return carried


def keep_carried(folder: Path, carried: Carried) -> None:
    """Remember a bundle that is on stable storage."""
    files.replace(folder / "courier.json", canonical({"pull": carried.pull, "manifest": carried.manifest}))


def check_url(text: str, schemes: set[str], proxy: str | None) -> None:
    """Refuse what is not scheme, name and port alone, and an onion address without a proxy. Raises AddressRefused."""
    try:
        parts = urlsplit(text)
        plain = parts.hostname and parts.port != 0 and text == f"{parts.scheme}://{parts.netloc}" and "@" not in text
    except ValueError:
        plain = False
    if not plain or parts.scheme not in schemes:
        raise AddressRefused(text, f"it is written {' or '.join(sorted(schemes))}://name:port")
    if (parts.hostname or "").endswith(".onion") and proxy is None:
        raise AddressRefused(text, "an onion address needs --proxy socks5h://127.0.0.1:9050")
