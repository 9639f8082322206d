# SPDX-License-Identifier: AGPL-3.0-or-later
"""Carrying: bundles from the portal to a stick, and signed files from a stick to the portal."""

import contextlib
import functools
import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from courier.line import AnswerStrange, GateRefused, Line
from courier.settings import (
    Carried,
    keep_carried,
    keep_page,
    keep_statements,
    load_carried,
    load_office,
    load_page_number,
    load_roots,
)
from crypto.errors import CryptoError
from crypto.handedon import roots_after
from crypto.keylist import MAX_LIST_BYTES
from crypto.primitives import digest
from crypto.signature import SIGNATURE_CHARACTERS, PublicKey
from intake.acknowledgement import AcknowledgementRefused, read_acknowledgement
from intake.bundle import BundleRefused, Manifest, read_envelopes, read_head
from intake.errors import Exit, UndersealError
from intake.files import FileMissing, FileThere, new_file, opened, read
from intake.limits import ACKNOWLEDGEMENT_MAX_BYTES
from intake.signedpage import PageUntrusted, read_page_folder
from intake.statements import read_statements
from intake.strictjson import canonical

_LEFT_BEHIND = re.compile(r"\.[0-9a-f]{16}\.part", re.ASCII)  # as intake.files names what is not finished
_ARMORED = re.compile(
    r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=]{1,76}\n)+-----END SSH SIGNATURE-----\n", re.ASCII
)
Steps = Callable[[Iterable[tuple[str, bytes]], int], Iterable[tuple[str, bytes]]]


class FileStrange(UndersealError):
    """it is not {}; nothing was sent"""


class StickMissing(UndersealError):
    """{} is not a folder; is the stick in?"""

    exit_code = Exit.MISSING


@dataclass(frozen=True, slots=True)
class Pulled:
    """A bundle on the stick. `skipped` tells that the portal made pulls that this courier has not carried."""

    path: Path
    manifest: Manifest
    here_already: bool
    skipped: bool


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one file: `refusal` None if the portal took it, else its sentence, or ours."""

    name: str
    answer: dict[str, Any]
    refusal: str | None


def pull(line: Line, folder: Path, stick: Path, portal_key: PublicKey, steps: Steps) -> Pulled:
    """Write one bundle to the stick, checked while it arrives, and remember it once it is on stable storage.

    A bundle that is cut or altered leaves no file, and the next pull gets the same manifest.
    Raises BundleRefused, FileThere, Unreachable, StickMissing.
    """
    if not stick.is_dir():
        raise StickMissing(stick.name)
    carried = load_carried(folder)
    _sweep(stick)
    with line.stream("/pull", canonical({"after": carried.manifest})) as arriving:
        manifest, head, signature = read_head(arriving, portal_key)
        path = stick / f"pull-{manifest.pull:06}.bundle"
        here_already = (path.exists() or path.is_symlink()) and _holds(path, head, portal_key)
        if not here_already:
            _write(path, head + signature.encode("ascii"), steps(read_envelopes(arriving, manifest), _count(manifest)))
    keep_carried(folder, Carried(manifest.pull, digest(head)))
    return Pulled(path, manifest, here_already, skipped=manifest.previous != carried.manifest)


def push(line: Line, folder: Path, outgoing: Path) -> Iterator[Pushed]:
    """Send every signed file of a folder and yield what became of each. Sending again is harmless.

    In this order: what hands the root on, key lists, the page in the folder `page`, acknowledgements. Only what this
    office's root has signed, or is an acknowledgement, leaves this machine, whatever lies on the stick under such a
    name; and nothing older than what this courier has brought before.
    Raises FileMissing for a file without its signature or a link, Unreachable, StickMissing.
    """
    if not outgoing.is_dir():
        raise StickMissing(outgoing.name)
    if statements := read_statements(outgoing, follow=False):
        yield _pushed("handed-on", lambda: _push_statements(line, folder, statements))
    for path in sorted(outgoing.glob("keys-*.txt")):
        yield _pushed(path.name, functools.partial(_push_list, line, folder, path))
    if (outgoing / "page").is_dir():
        yield _pushed("page", lambda: _push_page(line, folder, outgoing / "page"))
    for path in sorted(outgoing.glob("ack-*.json")):
        yield _pushed(path.name, functools.partial(_push_acknowledgement, line, path))


def _pushed(name: str, push_it: Callable[[], dict[str, Any]]) -> Pushed:
    try:
        return Pushed(name, push_it(), None)
    except (FileStrange, PageUntrusted) as error:
        return Pushed(name, {}, str(error))
    except GateRefused as error:
        return Pushed(name, {}, str(error.args[0]))


def _push_statements(line: Line, folder: Path, statements: bytes) -> dict[str, Any]:
    office = load_office(folder)
    try:
        roots = roots_after(statements, office.root)
    except CryptoError as error:
        raise FileStrange("a statement by this office's root") from error
    if any(each.office != office.office for each in roots.handed):
        raise FileStrange("a statement about this office")
    answer = line.ask("/handed-on", statements)
    if answer != {"root": roots.now.fingerprint}:
        raise AnswerStrange("gate")
    keep_statements(folder, statements)
    return answer


def _push_list(line: Line, folder: Path, path: Path) -> dict[str, Any]:
    data, signature = _signed(path, MAX_LIST_BYTES)
    try:
        load_roots(folder).read_list(data, signature.decode("latin-1"), floor=load_office(folder).floor)
    except CryptoError as error:
        older = error.fault == "keys-sequence"
        what = "as new as the page that the portal serves" if older else "a key list that this office's root signed"
        raise FileStrange(what) from error
    return _counted(line.ask("/keys", data + signature), "sequence")


def _push_page(line: Line, folder: Path, page_folder: Path) -> dict[str, Any]:
    known = load_office(folder)
    page = read_page_folder(page_folder, known.root, follow=False)
    newest = page.office.floor >= known.floor and page.number >= load_page_number(folder)
    if not newest or page.office.office != known.office:
        raise FileStrange("a page of this office, as new as those before")
    answer = _counted(line.ask("/page", gzip.compress(page.whole, 9, mtime=0)), "page")
    keep_page(folder, page.office, page.number)
    return answer


def _push_acknowledgement(line: Line, path: Path) -> dict[str, Any]:
    """The desk's signature is verified by the portal, which knows the desk's key from the list in force."""
    data, signature = _signed(path, ACKNOWLEDGEMENT_MAX_BYTES)
    try:
        read_acknowledgement(data)
        if not _ARMORED.fullmatch(signature.decode("latin-1")):
            raise AcknowledgementRefused
    except AcknowledgementRefused as error:
        raise FileStrange("a signed acknowledgement") from error
    return _counted(line.ask("/acknowledge", data + signature), "deleted", "unknown")


def _signed(path: Path, max_bytes: int) -> tuple[bytes, bytes]:
    signature = read(path.with_name(path.name + ".sig"), SIGNATURE_CHARACTERS, follow=False)
    return read(path, max_bytes, follow=False), signature


def _counted(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    if answer.keys() != set(names) or not all(_is_count(answer[name]) for name in names):
        raise AnswerStrange("gate")
    return answer


def _write(path: Path, head: bytes, envelopes: Iterable[tuple[str, bytes]]) -> None:
    with new_file(path) as file:
        file.write(head)
        for _, envelope in envelopes:
            file.write(envelope)


def _holds(path: Path, head: bytes, portal_key: PublicKey) -> bool:
    """Return True if the file is this very bundle, whole. Raises FileThere if it is anything else."""
    try:
        with opened(path, follow=False) as file:
            manifest, held, _ = read_head(file, portal_key)
            for _ in read_envelopes(file, manifest):
                pass
    except (OSError, FileMissing, BundleRefused) as error:
        raise FileThere(path.name) from error
    if held != head:
        raise FileThere(path.name)
    return True


def _count(manifest: Manifest) -> int:
    return len(manifest.envelopes)


def _sweep(stick: Path) -> None:
    """Remove what a pull that was killed left on the stick."""
    for path in stick.iterdir():
        if _LEFT_BEHIND.fullmatch(path.name):
            with contextlib.suppress(OSError):
                path.unlink()


def checked_status(line: Line) -> dict[str, Any]:
    """Return what the portal says of itself, each part of its kind. Raises AnswerStrange."""
    status = line.ask("/status")
    if status.keys() != {"waiting", "damaged", "oldest_day", "last_pull", "last_pull_day", "lists"}:
        raise AnswerStrange("gate")
    good = (
        _is_count(status["waiting"])
        and _is_count(status["damaged"])
        and (status["last_pull"] is None or _is_count(status["last_pull"]))
        and all(status[name] is None or _is_day(status[name]) for name in ("oldest_day", "last_pull_day"))
        and isinstance(status["lists"], list)
        and all(_is_list_row(row) for row in status["lists"])
    )
    if not good:
        raise AnswerStrange("gate")
    return status


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and str(date.fromisoformat(value)) == value
    except ValueError:
        return False


def _is_list_row(row: object) -> bool:
    return (
        isinstance(row, dict)
        and row.keys() == {"sequence", "first", "last"}
        and _is_count(row["sequence"])
        and _is_day(row["first"])
        and _is_day(row["last"])
    )
