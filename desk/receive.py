# SPDX-License-Identifier: AGPL-3.0-or-later
"""A bundle received: verified whole before anything is stored, then filed envelope by envelope, then acknowledged."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select

from crypto.envelope import LETTER_BYTES, check_envelope, envelope_bytes
from crypto.errors import Malformed
from crypto.primitives import digest
from crypto.signature import Namespace, sign
from desk import tables
from desk.errors import BundleFault, FileRefused, NoneOpened, ReadAgain
from desk.events import Kind
from desk.faults import in_words
from desk.filing import Judge, Outcome, file_envelope
from desk.reading import list_asides
from desk.settings import Settings
from desk.vault import AHEAD, Vault
from intake import files
from intake.acknowledgement import Acknowledgement, write_acknowledgement
from intake.bundle import BundleRefused, Manifest, read_envelopes, read_head

MAX_GAP = 1_000  # bundles ahead; more would let one signed number end the chain for good
BATCH = 50  # envelopes a transaction: a killed run loses no more work than this
SIGNATURE_SUFFIX = ".sig"


class Place(Enum):
    """Where a bundle stands in the portal's chain, as this desk knows it."""

    NEXT = "next"
    AFTER_GAP = "after a gap"
    FROM_GAP = "out of a gap"
    LAST_AGAIN = "the last one again"
    EARLIER_AGAIN = "an earlier one again"


RECEIVED_BEFORE = (Place.LAST_AGAIN, Place.EARLIER_AGAIN)


@dataclass(frozen=True, slots=True)
class Examined:
    """A bundle whose every byte has been verified. `missing_from` is the first number of a gap before it."""

    manifest: Manifest
    digest: str
    place: Place
    missing_from: int | None
    start: int


@dataclass(frozen=True, slots=True)
class Known:
    """The manifests this desk has received: digest by number, and the highest number (0 at first)."""

    digests: dict[int, str]
    last: int


def known_bundles(vault: Vault) -> Known:
    """Return what the vault knows of earlier bundles."""
    with vault.reading() as connection:
        rows = connection.execute(select(tables.bundles.c.pull, tables.bundles.c.manifest)).all()
    digests = {row.pull: row.manifest for row in rows}
    return Known(digests, max(digests, default=0))


def examine(file: BinaryIO, settings: Settings, known: Known, day: date) -> Examined:
    """Return the bundle, verified by every rule of FORMAT.md 7. Reads the whole file; raises BundleFault.

    day  this machine's: a bundle of a day far after it would take the second clock from the schedule of erasing
    """
    try:
        manifest, line, _ = read_head(file, settings.portal)
        start = file.tell()
        if manifest.desk != settings.desk.fingerprint:
            raise _fault("bundle-desk")
        if manifest.pulled - day > AHEAD:
            days = f"it is of {manifest.pulled}, and this machine's clock says {day}"
            raise BundleFault(f"{days}: {in_words('bundle-day')}", "bundle-day")
        place = _place(manifest, digest(line), known)
        for _ in read_envelopes(file, manifest):
            pass
    except BundleRefused as refused:
        raise _fault(refused.fault) from None
    except OSError:
        raise ReadAgain from None
    missing_from = known.last + 1 if place is Place.AFTER_GAP else None
    return Examined(manifest, digest(line), place, missing_from, start)


def _fault(fault: str) -> BundleFault:
    return BundleFault(in_words(fault), fault)


def _place(manifest: Manifest, name: str, known: Known) -> Place:
    if manifest.pull in known.digests:
        if known.digests[manifest.pull] != name:
            raise _fault("bundle-fork")
        return Place.LAST_AGAIN if manifest.pull == known.last else Place.EARLIER_AGAIN
    if manifest.pull < known.last:
        return Place.FROM_GAP
    if manifest.pull > known.last + MAX_GAP:
        raise _fault("bundle-fork")
    if manifest.pull > known.last + 1:
        return Place.AFTER_GAP
    if known.last and manifest.previous != known.digests[known.last]:
        raise _fault("bundle-fork")
    return Place.NEXT


def file_bundle(
    vault: Vault, file: BinaryIO, bundle: Examined, judge: Judge, *, all_junk: bool = False
) -> Iterator[Outcome]:
    """File each envelope and yield what became of it; the bundle counts as received after the last.

    Envelopes that an earlier run has filed are passed over, those it set aside are tried again, so that two runs end
    as one. Raises NoneOpened, and leaves the bundle not received, when nothing of it opens and `all_junk` is false.
    """
    file.seek(bundle.start)
    filed = filed_envelopes(vault)
    envelopes = _read_again(file, bundle.manifest)
    with vault.reading() as connection:
        pulled = max(filter(None, (vault.newest_pull(connection), bundle.manifest.pulled)))
    opened = 0
    while batch := list(islice(envelopes, BATCH)):
        with vault.writing() as writer:
            outcomes = [
                Outcome.HERE if name in filed else file_envelope(writer, name, envelope, judge.judge(envelope), pulled)
                for name, envelope in batch
            ]
        opened += sum(outcome is not Outcome.UNOPENED for outcome in outcomes)
        yield from outcomes
    manifest = bundle.manifest
    if manifest.envelopes and not opened and not all_junk:
        raise NoneOpened(len(manifest.envelopes))
    if bundle.place in RECEIVED_BEFORE:
        return
    with vault.writing() as writer:
        writer.record(
            Kind.RECEIVED,
            manifest=bundle.digest,
            portal=manifest.portal,
            pull=manifest.pull,
            missing_from=bundle.missing_from,
            pulled=manifest.pulled.isoformat(),
            envelopes=len(manifest.envelopes),
        )


def read_letter_file(path: Path, slots: int) -> bytes:
    """Return the envelope in a file that was handed in by itself: a letter's, of exactly its size and shape.

    Raises FileRefused before any key is tried, or FileMissing.
    """
    size = envelope_bytes(LETTER_BYTES, slots)
    try:
        envelope = files.read(path, size)
        if len(envelope) != size:
            raise Malformed("size", "the file is not of the length of a letter")
        check_envelope(envelope, slots)
    except files.FileTooLong:
        raise FileRefused(path.name, in_words("size"), "size") from None
    except Malformed as error:
        raise FileRefused(path.name, in_words(error.fault), error.fault) from None
    return envelope


def file_one(vault: Vault, envelope: bytes, judge: Judge) -> Outcome:
    """File an envelope that came outside of any bundle. The chain of bundles does not know of it."""
    name = digest(envelope)
    if name in filed_envelopes(vault):
        return Outcome.HERE
    with vault.writing() as writer:
        return file_envelope(writer, name, envelope, judge.judge(envelope), vault.newest_pull(writer.connection))


def retry_kept(vault: Vault, judge: Judge) -> Iterator[Outcome]:
    """Try again every envelope that was set aside, and yield what became of each."""
    for name in [aside.envelope for aside in list_asides(vault)]:
        with vault.writing() as writer:
            kept = select(tables.kept.c.bytes).where(tables.kept.c.envelope == name)
            envelope = bytes(writer.connection.execute(kept).scalar_one())
            outcome = file_envelope(writer, name, envelope, judge.judge(envelope), vault.newest_pull(writer.connection))
        yield outcome


def _read_again(file: BinaryIO, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    try:
        yield from read_envelopes(file, manifest)
    except (BundleRefused, OSError):
        raise ReadAgain from None


def filed_envelopes(vault: Vault) -> frozenset[str]:
    """Return the digests of the envelopes whose letters are filed."""
    rows = tables.envelopes.c
    with vault.reading() as connection:
        return frozenset(connection.execute(select(rows.envelope).where(rows.outcome != "set_aside")).scalars())


def acknowledge(vault: Vault, bundle: Examined, outgoing: Path) -> Path:
    """Write the signed acknowledgement of a bundle that is on stable storage, and return its path.

    The same bundle gives the same bytes: running twice is harmless. Raises FileThere if another file has the name.
    """
    manifest = bundle.manifest
    names = tuple(name for name, _ in manifest.envelopes)
    line = write_acknowledgement(Acknowledgement(manifest.portal, manifest.desk, manifest.pull, bundle.digest, names))
    path = outgoing / f"ack-{manifest.pull:06}.json"
    signature = sign(line, vault.desk_key(), Namespace.ACK).encode("ascii")
    files.make_folder(outgoing)
    _write_once(path, line)
    _write_once(path.with_name(path.name + SIGNATURE_SUFFIX), signature)
    return path


def _write_once(path: Path, data: bytes) -> None:
    try:
        files.write_new(path, data)
    except files.FileThere:
        if files.read(path, len(data)) != data:
            raise


def tally(outcomes: Counter[Outcome]) -> str:
    """Return the counts of a run as a clause."""
    here = outcomes[Outcome.HERE] + outcomes[Outcome.REPEATED]
    aside = outcomes[Outcome.SET_ASIDE] + outcomes[Outcome.UNOPENED]
    return f"{outcomes[Outcome.FILED]} opened, {here} already here, {aside} set aside"
