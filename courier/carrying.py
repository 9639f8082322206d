# SPDX-License-Identifier: AGPL-3.0-or-later
"""Carrying: bundles from the portal to a stick, and signed files from a stick to the portal."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from courier.line import AnswerStrange, GateRefused, Line
from courier.settings import Carried, keep_carried, load_carried
from crypto.keylist import MAX_LIST_BYTES
from crypto.primitives import digest
from crypto.signature import SIGNATURE_CHARACTERS, PublicKey
from intake.bundle import BundleRefused, Manifest, read_envelopes, read_head
from intake.errors import Exit, UndersealError
from intake.files import FileThere, new_file, read
from intake.limits import ACKNOWLEDGEMENT_MAX_BYTES
from intake.strictjson import canonical

Steps = Callable[[Iterable[tuple[str, bytes]], int], Iterable[tuple[str, bytes]]]


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
    """What became of one file: `refusal` None if the portal took it, else its sentence."""

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
    with line.stream("/pull", canonical({"after": carried.manifest})) as arriving:
        manifest, head, signature = read_head(arriving, portal_key)
        path = stick / f"pull-{manifest.pull:06}.bundle"
        here_already = path.exists() and _holds(path, head, portal_key)
        if not here_already:
            _write(path, head + signature.encode("ascii"), steps(read_envelopes(arriving, manifest), _count(manifest)))
    keep_carried(folder, Carried(manifest.pull, digest(head)))
    return Pulled(path, manifest, here_already, skipped=manifest.previous != carried.manifest)


def push(line: Line, outgoing: Path) -> Iterator[Pushed]:
    """Send every signed file of a folder, key lists first, and yield what became of each. Sending again is harmless.

    Raises FileMissing for a file without its signature, Unreachable, StickMissing.
    """
    if not outgoing.is_dir():
        raise StickMissing(outgoing.name)
    kinds = (("keys-*.txt", "/keys", MAX_LIST_BYTES), ("ack-*.json", "/acknowledge", ACKNOWLEDGEMENT_MAX_BYTES))
    for pattern, route, max_bytes in kinds:
        for path in sorted(outgoing.glob(pattern)):
            signature = read(path.with_name(path.name + ".sig"), SIGNATURE_CHARACTERS)
            try:
                yield Pushed(path.name, line.ask(route, read(path, max_bytes) + signature), None)
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
        with path.open("rb") as file:
            manifest, held, _ = read_head(file, portal_key)
            for _ in read_envelopes(file, manifest):
                pass
    except (OSError, BundleRefused) as error:
        raise FileThere(path.name) from error
    if held != head:
        raise FileThere(path.name)
    return True


def _count(manifest: Manifest) -> int:
    return len(manifest.envelopes)


def checked_status(line: Line) -> dict[str, Any]:
    """Return what the portal says of itself. Raises AnswerStrange."""
    status = line.ask("/status")
    if status.keys() != {"waiting", "damaged", "oldest_day", "last_pull", "last_pull_day", "lists"}:
        raise AnswerStrange
    return status
