# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal courier`: carry bundles from the portal to the desk, and signed files back."""

import contextlib
import os
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from courier.carrying import Pushed, checked_status
from courier.carrying import pull as pull_bundle
from courier.carrying import push as push_files
from courier.line import Line, portal_health
from courier.settings import (
    Settings,
    load_carried,
    load_key,
    load_office,
    load_settings,
    make_folder,
    read_public_key,
)
from intake.console import Voice, ask_passphrase, one_line
from intake.errors import Exit, UndersealError
from intake.files import read
from intake.keydays import covered_until, ending
from intake.limits import KEY_FILE_MAX_BYTES, OFFICE_MAX_BYTES

_VOICE = Voice("courier")
_SKIPPED = "this courier has not carried the pull before this one"
_PATH = click.Path(path_type=Path)
_folder = click.option("--dir", "folder", type=_PATH, required=True, help="The courier's folder.")
_passphrase = click.option("--passphrase-file", type=_PATH, help="Passphrase of the key (throwaway offices only).")


@click.group()
def courier() -> None:
    """Carry bundles from the portal to the desk, and signed files back. Nothing here can open a letter."""


@courier.command()
@_folder
@click.option("--portal", required=True, metavar="URL", help="The portal's address, as officers use it.")
@click.option("--gate", required=True, metavar="URL|unix:PATH", help="The gate's address or socket file.")
@click.option("--portal-key", type=_PATH, required=True, help="portal.pub, brought from the portal by hand.")
@click.option("--office", type=_PATH, required=True, help="office.json of the ceremony.")
@click.option("--key", type=_PATH, required=True, help="courier.key of the ceremony.")
@click.option("--proxy", metavar="URL", help="SOCKS proxy for onion addresses, as socks5h://127.0.0.1:9050.")
def init(folder: Path, portal: str, gate: str, portal_key: Path, office: Path, key: Path, proxy: str | None) -> None:
    """Make a courier's folder.

    \b
    Example:
      underseal courier init --dir courier --portal http://127.0.0.1:8000 \\
          --gate unix:portal/gate.sock --portal-key portal/portal.pub \\
          --office office/public/office.json --key office/secret/courier.key
    """
    os.umask(0o077)
    if gate.startswith("unix:"):
        gate = f"unix:{Path(gate.removeprefix('unix:')).absolute()}"
    settings = Settings(portal.rstrip("/"), gate.rstrip("/"), proxy, read_public_key(portal_key))
    make_folder(folder, settings, read(office, OFFICE_MAX_BYTES), read(key, KEY_FILE_MAX_BYTES))
    _VOICE.say(f"made {folder} for the portal {settings.portal_key.in_groups}")
    _VOICE.hint(f"underseal courier pull --dir {folder} --to STICK")


@courier.command()
@_folder
@click.option("--to", "stick", type=_PATH, required=True, help="Folder on the stick for the bundle.")
@_passphrase
def pull(folder: Path, stick: Path, passphrase_file: Path | None) -> None:
    """Fetch what waits at the portal as one signed bundle. Safe to repeat; nothing is deleted at the portal.

    \b
    Example:
      underseal courier pull --dir courier --to /media/stick
    """
    os.umask(0o077)
    settings, fresh = load_settings(folder), not load_carried(folder).pull

    def steps(envelopes: Iterable[tuple[str, bytes]], count: int) -> Iterable[tuple[str, bytes]]:
        return _VOICE.counted(envelopes, count, "envelopes")

    with _line(folder, settings, passphrase_file) as line:
        pulled = pull_bundle(line, folder, stick, settings.portal_key, steps)
        sentence = _ending(line)
    count = len(pulled.manifest.envelopes)
    _warn(sentence)
    if pulled.skipped:
        before = "this is the first pull of this folder, and the portal has made others" if fresh else _SKIPPED
        _VOICE.say(f"{before}; the desk will name a gap if there is one")
    was = "was on the stick already" if pulled.here_already else "written"
    _VOICE.say(f"pull {pulled.manifest.pull} with {_many(count, 'envelope')} {was}")
    _VOICE.answer(str(pulled.path))
    _VOICE.hint(f"at the desk: underseal desk receive STICK/{pulled.path.name} --outgoing STICK/outgoing")


@courier.command()
@_folder
@click.option("--from", "outgoing", type=_PATH, required=True, help="Folder on the stick with the signed files.")
@_passphrase
def push(folder: Path, outgoing: Path, passphrase_file: Path | None) -> None:
    """Bring what the root and the desk have signed to the portal: key lists, page and kit, acknowledgements.

    The folder is the desk's outgoing one, or the folder public of a signing. Everything is checked here and at the
    portal before anything changes there, and nothing older than what is there is taken. Safe to repeat.

    \b
    Examples:
      underseal courier push --dir courier --from /media/stick/outgoing
      underseal courier push --dir courier --from /media/stick/public
    """
    results = []
    with _line(folder, load_settings(folder), passphrase_file) as line:
        for pushed in push_files(line, folder, outgoing):
            results.append(pushed)
            _VOICE.answer(one_line(f"{pushed.name}: {_outcome(pushed)}"))
        sentence = _ending(line) if any(pushed.refusal is None for pushed in results) else None
    _warn(sentence)
    if not results:
        _VOICE.say("there is nothing to bring in this folder")
    if any(pushed.refusal for pushed in results):
        raise SomeRefused(sum(pushed.refusal is not None for pushed in results), len(results))


@courier.command()
@_folder
@click.option("--json", "as_json", is_flag=True, help="Answer with one line of JSON.")
@_passphrase
def status(folder: Path, as_json: bool, passphrase_file: Path | None) -> None:
    """Show what waits at the portal, the last pull, and the age of the oldest letter that no desk has acknowledged.

    \b
    Example:
      underseal courier status --dir courier
    """
    settings = load_settings(folder)
    with _line(folder, settings, passphrase_file) as line:
        remote = checked_status(line)
    _warn(_ending_of(remote))
    oldest = remote["oldest_day"]
    facts = {
        "waiting": remote["waiting"],
        "damaged": remote["damaged"],
        "oldest_days": None if oldest is None else _age(oldest),
        "last_pull": remote["last_pull"],
        "last_pull_day": remote["last_pull_day"],
        "carried_pull": load_carried(folder).pull or None,
        "lists_until": max((held["last"] for held in remote["lists"]), default=None),
        "room": portal_health(settings),
    }
    if as_json:
        _VOICE.answer_json(facts)
        return
    for name, value in facts.items():
        _VOICE.answer(f"{name.replace('_', ' '):14} {'none' if value is None else value}")


class SomeRefused(UndersealError):
    """{} of {} files were refused"""

    exit_code = Exit.REFUSED


def _line(folder: Path, settings: Settings, passphrase_file: Path | None) -> Line:
    throwaway = load_office(folder).throwaway
    passphrase = ask_passphrase("of the courier's key", passphrase_file=passphrase_file, throwaway=throwaway)
    return Line(settings, load_key(folder, passphrase))


def _outcome(pushed: Pushed) -> str:
    if pushed.refusal is not None:
        return f"refused: {pushed.refusal}"
    if "sequence" in pushed.answer:
        return f"published, sequence {pushed.answer['sequence']}"
    if "page" in pushed.answer:
        return f"number {pushed.answer['page']} is served"
    if "root" in pushed.answer:
        return f"the root is now {pushed.answer['root']}"
    deleted, unknown = pushed.answer["deleted"], pushed.answer["unknown"]
    return f"{_many(deleted, 'envelope')} deleted" + (f", {unknown} deleted before" if unknown else "")


def _ending(line: Line) -> str | None:
    """Return what there is to say of the portal's signed weeks; nothing where it does not tell: the work is done."""
    with contextlib.suppress(UndersealError):
        return _ending_of(checked_status(line))
    return None


def _ending_of(status: dict[str, Any]) -> str | None:
    spans = [(date.fromisoformat(held["first"]), date.fromisoformat(held["last"])) for held in status["lists"]]
    return ending(covered_until(spans, _today()), _today())


def _warn(sentence: str | None) -> None:
    if sentence is not None:
        _VOICE.say(sentence)


def _today() -> date:
    return datetime.now(UTC).date()


def _age(day: str) -> int:
    return (_today() - date.fromisoformat(day)).days


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
