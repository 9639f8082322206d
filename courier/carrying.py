# SPDX-License-Identifier: AGPL-3.0-or-later
"""Carrying: bundles from the portal to a stick, and signed files from a stick to the portal."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from courier.line import AnswerStrange, GateRefused, Line
from courier.settings import Carried, keep_carried, load_carried
from crypto.errors import CryptoError
from crypto.keylist import MAX_LIST_BYTES, read_key_list
from crypto.primitives import digest
from crypto.signature import SIGNATURE_CHARACTERS, PublicKey
from intake.acknowledgement import AcknowledgementRefused, read_acknowledgement
from intake.bundle import BundleRefused, Manifest, read_envelopes, read_head
from intake.errors import Exit, UndersealError
from intake.files import FileMissing, FileThere, new_file, opened, read
from intake.limits import ACKNOWLEDGEMENT_MAX_BYTES
from intake.office import Office
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


def push(line: Line, outgoing: Path, office: Office) -> Iterator[Pushed]:
    """Send every signed file of a folder, key lists first, and yield what became of each. Sending again is harmless.

    Only what is a key list of this office or an acknowledgement leaves this machine, whatever lies on the stick under
    such a name. Raises FileMissing for a file without its signature or a link, Unreachable, StickMissing.
    """
    if not outgoing.is_dir():
        raise StickMissing(outgoing.name)
    kinds = (("keys-*.txt", "/keys", MAX_LIST_BYTES), ("ack-*.json", "/acknowledge", ACKNOWLEDGEMENT_MAX_BYTES))
    for pattern, route, max_bytes in kinds:
        for path in sorted(outgoing.glob(pattern)):
            signature = read(path.with_name(path.name + ".sig"), SIGNATURE_CHARACTERS, follow=False)
            data = read(path, max_bytes, follow=False)
            try:
                _check(route, data, signature, office)
                yield Pushed(path.name, _checked(line.ask(route, data + signature), route), None)
            except FileStrange as error:
                yield Pushed(path.name, {}, str(error))
            except GateRefused as error:
                yield Pushed(path.name, {}, str(error.args[0]))


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


def _check(route: str, data: bytes, signature: bytes, office: Office) -> None:
    """Return if a file is what its name says. Raises FileStrange.

    The root's signature is verified here; the desk's by the portal, which knows the desk's key from the list in force.
    """
    armored = signature.decode("latin-1")
    try:
        if route == "/keys":
            read_key_list(data, armored, office.root, floor=office.floor)
        else:
            read_acknowledgement(data)
            if not _ARMORED.fullmatch(armored):
                raise AcknowledgementRefused
    except (CryptoError, AcknowledgementRefused) as error:
        what = "a key list that this office's root signed" if route == "/keys" else "a signed acknowledgement"
        raise FileStrange(what) from error


def _checked(answer: dict[str, Any], route: str) -> dict[str, Any]:
    names = ("sequence",) if route == "/keys" else ("deleted", "unknown")
    if answer.keys() != set(names) or not all(_is_count(answer[name]) for name in names):
        raise AnswerStrange("gate")
    return answer


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
