# SPDX-License-Identifier: AGPL-3.0-or-later
"""`underseal portal`: make a portal's folder, run it, look at it."""

import os
import secrets
import shutil
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from crypto.errors import CryptoError
from crypto.handedon import Roots
from crypto.keylist import KeyList, read_key_list
from crypto.signature import SigningKey
from intake.console import Voice
from intake.files import FileThere, locked, make_folder, read, write_new
from intake.keydays import covered_until, ending
from intake.limits import MIB, OFFICE_MAX_BYTES
from intake.office import read_office
from intake.signedpage import SignedPage, read_page_folder
from intake.statements import read_statements
from portal.app import utc_today
from portal.config import Config, load_config, load_portal_key, read_store_url, write_settings
from portal.gauge import measured
from portal.listening import Place, take_handed_over
from portal.nightly import tidy
from portal.pagefiles import PageFiles
from portal.publishing import (
    ListRefused,
    Lists,
    NotPublished,
    kept_page,
    put_page,
    read_list_files,
    roots_of,
    take_list,
    take_page,
    take_statements,
)
from portal.revisions import ShelfMissing, ShelfThere, check_file, check_revision, check_shelf, found_revision
from portal.room import Ballast, Word, measure
from portal.server_check import check_server, differences
from portal.shelf import Shelf
from portal.store import CommitUnsettled, ShelfDamaged, StoreAway, storage_corrupt

_VOICE = Voice("portal")
_FOLDER = click.Path(path_type=Path)
_PORT = click.IntRange(0, 65_535)
DEFAULT_PORT = 8000


@click.group()
def portal() -> None:
    """Serve the page and keep sealed envelopes. Nothing here can open one."""


@portal.command()
@click.option("--public", type=_FOLDER, required=True, help="The public folder that the ceremony made.")
@click.option("--dir", "folder", type=_FOLDER, required=True, help="Folder to make for the portal.")
@click.option("--allow-host", "hosts", multiple=True, help="A name the portal answers under; repeat it.")
@click.option("--gate-host", "gate_hosts", multiple=True, help="A name the courier's gate answers under; repeat it.")
@click.option("--https", is_flag=True, help="These names are reached over https only; the onion is not.")
@click.option("--onion", help="The onion address of the same portal, named to visitors over https.")
@click.option("--store", help="URL of a PostgreSQL database, reached over a Unix socket.  [default: a SQLite file]")
@click.option("--no-gate", is_flag=True, help="One more front end: the database has a shelf, another folder its gate.")
def init(
    public: Path,
    folder: Path,
    hosts: tuple[str, ...],
    gate_hosts: tuple[str, ...],
    https: bool,
    onion: str | None,
    store: str | None,
    no_gate: bool,
) -> None:
    """Make a portal's folder from what the ceremony published, after checking every signature in it.

    \b
    Example:
      underseal portal init --public office/public --dir portal --allow-host reports.example.org --https
    """
    os.umask(0o077)
    if no_gate and store is None:
        raise click.UsageError("--no-gate is for one more front end of a database: --store names it")
    url = None if store is None else read_store_url(store)
    office = read_office(read(public / "office.json", OFFICE_MAX_BYTES))
    page = read_page_folder(public / "page", office.root)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileThere(folder.name)
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    make_folder(temporary)
    try:
        settings = write_settings(hosts, gate_hosts, https=https, onion=onion, store=url, gate=not no_gate)
        write_new(temporary / "config.json", settings)
        make_folder(temporary / "public")
        write_new(temporary / "public" / "office.json", read(public / "office.json", OFFICE_MAX_BYTES))
        write_new(temporary / "counter.lock", b"")
        key = SigningKey.generate()
        if not no_gate:
            write_new(temporary / "portal.key", key.to_openssh(None))
            write_new(temporary / "portal.pub", (key.public.text + "\n").encode("ascii"))
        lists = _fill_shelf(load_config(temporary), public, page)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _VOICE.say(f"made {folder}, with {len(lists)} key lists until {lists[-1].expires}")
    if not no_gate:
        _VOICE.say(f"portal key: {key.public.in_groups}")
        _VOICE.answer(key.public.fingerprint)
        _VOICE.hint(f"bring {folder / 'portal.pub'} to courier and desk by hand; compare the fingerprint there")
    _VOICE.hint(f"underseal portal serve --dir {folder}")


@portal.command()
@click.option("--dir", "folder", type=_FOLDER, required=True, help="The portal's folder.")
@click.option("--port", type=_PORT, help="Port on loopback.  [default: 8000]")
@click.option("--socket", type=_FOLDER, help="Socket file for the officer's side instead of a port.")
@click.option("--gate-port", type=_PORT, help="Port of the courier's gate instead of gate.sock.")
def serve(folder: Path, port: int | None, socket: Path | None, gate_port: int | None) -> None:
    """Run the portal until it is told to stop. A proxy or an onion service stands in front of it.

    Sockets that systemd hands over under the names `officer` and `gate` are taken in place of port and files.

    \b
    Example:
      underseal portal serve --dir portal --port 8000
    """
    from portal.serving import serve as run  # gunicorn is loaded by no other command

    handed = take_handed_over(("officer", "gate"), os.environ)
    if sum(place is not None for place in (port, socket, handed.get("officer"))) > 1:
        raise click.UsageError("the officer's side listens in one place: --port, --socket, or a socket handed over")
    if gate_port is not None and "gate" in handed:
        raise click.UsageError("the gate listens in one place: --gate-port, or a socket handed over")
    config = load_config(folder)
    if config.gate:
        load_portal_key(folder)
    elif gate_port is not None or "gate" in handed:
        raise click.UsageError("this folder has no gate: it was made with --no-gate")
    check_revision(config)
    _check_page(config)
    _name_traces(config)

    def ready(url: str, gate: str) -> None:
        _VOICE.say(f"letters at {url}, couriers at {gate}")
        _VOICE.answer(url)

    officer: Place = handed.get("officer") or socket or (DEFAULT_PORT if port is None else port)
    gate: Place = handed.get("gate") or (config.gate_socket if gate_port is None else gate_port)
    run(config, officer, gate if config.gate else None, ready)


@portal.command()
@click.option("--dir", "folder", type=_FOLDER, required=True, help="The portal's folder.")
def nightly(folder: Path) -> None:
    """Rewrite the shelf in an order that tells nothing, check it whole, with its page, and date files at midnight.

    For a timer, once a night at an hour of no meaning; the portal may run. It deletes no letter.

    \b
    Example:
      underseal portal nightly --dir portal
    """
    os.umask(0o077)
    config = load_config(folder)
    check_revision(config)
    _warn_of_room(config)
    night = tidy(config, utc_today())
    _VOICE.say(f"the shelf is rewritten and whole; envelopes waiting: {night.waiting}")
    if night.damaged:
        _VOICE.say(f"envelopes set aside because their bytes had changed: {night.damaged}")


@portal.command()
@click.option("--dir", "folder", type=_FOLDER, required=True, help="The portal's folder.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one line of JSON.")
def status(folder: Path, as_json: bool) -> None:
    """Show what waits, the last pull, the key lists and the room on the disk. Reads the shelf; the portal may run.

    \b
    Example:
      underseal portal status --dir portal
    """
    config = load_config(folder)
    check_revision(config)
    shelf = Shelf(config.shelf_url)
    waiting, oldest = shelf.waiting()
    last, days, damaged = shelf.last_manifest(), shelf.list_days(), shelf.damaged()
    today = utc_today()
    in_force = Lists(shelf, config.office.root, config.office.floor).in_force(today)
    disk, room = measure(config), measured(config, shelf)(0.0)
    shelf.close()
    facts = {
        "waiting": waiting,
        "damaged": damaged,
        "oldest_day": None if oldest is None else str(oldest),
        "last_pull": None if last is None else last.pull,
        "last_pull_day": None if last is None else str(last.day),
        "list_in_force": None if in_force is None else in_force.sequence,
        "lists_until": str(max(end for _, _, end in days)) if days else None,
        "room": str(room),
        "disk_used": f"{disk.used_percent:.1f} %",
        "free_mib": disk.free // MIB,
        "ballast": "whole" if Ballast(config).is_whole() else "missing",
    }
    _warn_of_room(config)
    if (sentence := ending(covered_until([(first, end) for _, first, end in days], today), today)) is not None:
        _VOICE.say(sentence)
    server = differences(config)
    for sentence in (*server.refused, *server.traces):
        _VOICE.say(f"the database server: {sentence}")
    if as_json:
        _VOICE.answer_json(facts)
        return
    for name, value in facts.items():
        _VOICE.answer(f"{name.replace('_', ' '):14} {'none' if value is None else value}")


@portal.command()
@click.option("--dir", "folder", type=_FOLDER, required=True, help="The portal's folder.")
@click.option("--public", type=_FOLDER, required=True, help="The folder public of the new signing.")
def publish(folder: Path, public: Path) -> None:
    """Take a signing on the portal's own machine: key lists, page and kit, and a root that was handed on.

    The same is checked as when a courier brings it, and nothing older is taken. The portal may run; running this
    twice is harmless. For when no courier that the portal knows is left, or none is at hand.

    \b
    Example:
      underseal portal publish --dir portal --public root/signed-000014/public
    """
    os.umask(0o077)
    config = load_config(folder)
    files, statements, has_page = read_list_files(public), read_statements(public), (public / "page").exists()
    if not files and not has_page:
        raise ListRefused("the public folder holds none, and no page")
    check_revision(config)
    shelf = Shelf(config.shelf_url)
    shelf.open()
    try:
        if statements:
            take_statements(shelf, config.office, statements)
        roots = roots_of(shelf, config.office.root)
        page = read_page_folder(public / "page", roots.now) if has_page else None
        lists = [take_list(shelf, *file, roots, config.office.floor) for file in files]
        if page:
            take_page(shelf, config.office, page, utc_today())
    except (SQLAlchemyError, CommitUnsettled) as error:
        raise NotPublished(type(error).__name__) from error
    finally:
        shelf.close()
    if lists:
        until = f"the last with sequence {lists[-1].sequence}, until {lists[-1].expires}"
        _VOICE.say(f"{len(lists)} key lists are here, {until}")
    if page:
        _VOICE.say(f"page {page.number} is served")


@portal.command()
@click.option("--dir", "folder", type=_FOLDER, required=True, help="The portal's folder.")
@click.option("--to", default="head", help="A revision to go back to, before an older release.  [default: the last]")
@click.option("--dry-run", is_flag=True, help="Show the SQL that would run, and change nothing.")
def migrate(folder: Path, to: str, dry_run: bool) -> None:
    """Bring the shelf's tables up to date for this release, whole or not at all. The portal must not run.

    \b
    Example:
      underseal portal migrate --dir portal --dry-run
    """
    from portal import migrating  # Alembic is loaded by no command that serves

    os.umask(0o077)
    config = load_config(folder)
    page = PageFiles(config)
    check_file(config)
    if found_revision(config.shelf_url, config.shelf_name) is None:
        raise ShelfMissing(config.shelf_name)
    if dry_run:
        _VOICE.answer(migrating.preview(config.shelf_url, to=to) or "-- nothing is to be done")
        if page.is_there() and to == "head":
            _VOICE.answer("-- page.signed, and what hands the root on, go from the folder to the shelf")
        return
    try:
        with locked(folder / "serve.lock", wait=False):
            before, after = migrating.migrate(config.shelf_url, to=to, files=page)
    except BlockingIOError as error:
        raise migrating.ShelfInUse from error
    _VOICE.say(f"the shelf is of revision {after}" + ("" if before == after else f", and was of {before}"))


def _check_page(config: Config) -> None:
    """Return if the shelf has a page as the root signed it. Raises PageUntrusted, PageMissing, or for the shelf."""
    shelf = Shelf(config.shelf_url)
    try:
        kept_page(shelf, config.office.root)
    except DBAPIError as error:
        if storage_corrupt(error):
            raise ShelfDamaged from error
        raise StoreAway(config.shelf_name) from error
    finally:
        shelf.close()


def _name_traces(config: Config) -> None:
    """Say what of the database's server keeps traces. Raises ServerRefused for what loses words."""
    for sentence in check_server(config):
        _VOICE.say(f"the database server keeps more than it should: {sentence}")


def _warn_of_room(config: Config) -> None:
    """Tell the operator, and nobody else, in figures when room for letters runs out."""
    shelf, disk = Shelf(config.shelf_url), measure(config)
    word = measured(config, shelf)(0.0)
    shelf.close()
    if word == Word.CLOSED:
        what = "disk can only be read" if config.store is None else "database does not answer"
        _VOICE.say(f"the {what}: no letter is taken and nothing is deleted")
    elif word != Word.PLENTY and config.store is not None:
        _VOICE.say(f"the database is {word}: letters stop when it has {config.ceiling_mib} MiB")
    elif word != Word.PLENTY:
        _VOICE.say(
            f"the disk is {word}: {disk.used_percent:.0f} % in use, {disk.free // MIB} MiB free; "
            f"letters stop at {config.full_percent} %, or with {config.floor_mib} MiB free"
        )


def _fill_shelf(config: Config, public: Path, page: SignedPage) -> list[KeyList]:
    """Make the shelf, with the page, or find the one that is there; every key list of the ceremony is on it then.

    One more front end serves the page of the shelf, which may be newer. Raises PageUntrusted for one of another root.
    """
    files, office = read_list_files(public), config.office
    if not files:
        raise ListRefused("the public folder holds none")
    for text, signature in files:  # all of them, before a table is made
        try:
            read_key_list(text, signature, office.root, floor=office.floor)
        except CryptoError as error:
            raise ListRefused(str(error)) from error
    _make_shelf(config)
    shelf = Shelf(config.shelf_url)
    try:
        if config.gate:
            with shelf.begin() as writing:
                put_page(writing, page)
        else:
            kept_page(shelf, office.root)
        return [take_list(shelf, text, signature, Roots(office.root), office.floor) for text, signature in files]
    finally:
        shelf.close()


def _make_shelf(config: Config) -> None:
    """Make the tables; for one more front end, look at those that are there. Raises ShelfThere, ShelfMissing."""
    from portal.migrating import migrate

    check_server(config)
    if not config.gate:
        check_shelf(config.shelf_url, config.shelf_name)
    elif found_revision(config.shelf_url, config.shelf_name) is not None:
        raise ShelfThere(config.shelf_name)
    else:
        migrate(config.shelf_url)
