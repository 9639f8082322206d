# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bundle: a signed manifest, then envelopes back to back (FORMAT.md 7). Not an archive: it carries no names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from crypto.envelope import LETTER_BYTES, MAX_SLOTS, PART_BYTES, envelope_bytes
from crypto.errors import Untrusted
from crypto.primitives import digest
from crypto.signature import SIGNATURE_CHARACTERS, Namespace, PublicKey, verify
from intake.errors import Exit, UndersealError
from intake.limits import MANIFEST_MAX_BYTES
from intake.strictjson import JsonRefused, canonical, read_json

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)
_NAMES = {"v", "portal", "desk", "pull", "previous", "pulled", "count", "envelopes"}
_SIZES = {envelope_bytes(size, slots) for size in (LETTER_BYTES, PART_BYTES) for slots in range(1, MAX_SLOTS + 1)}
_END = b"-----END SSH SIGNATURE-----\n"


class BundleRefused(UndersealError):
    """{}"""

    exit_code = Exit.UNTRUSTED

    def __init__(self, fault: str, sentence: str, *, hint: str | None = None) -> None:
        super().__init__(sentence, hint=hint)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds: `envelopes` as (digest, bytes), sorted by digest; `previous` None for pull 1.

    pulled  the UTC day on which the portal made it
    """

    portal: str
    desk: str
    pull: int
    previous: str | None
    pulled: date
    envelopes: tuple[tuple[str, int], ...]


def write_manifest(manifest: Manifest) -> bytes:
    """Return the manifest line with its line end; its SHA-256 is what the next manifest names as `previous`."""
    return canonical(
        {
            "v": 1,
            "portal": manifest.portal,
            "desk": manifest.desk,
            "pull": manifest.pull,
            "previous": manifest.previous,
            "pulled": manifest.pulled.isoformat(),
            "count": len(manifest.envelopes),
            "envelopes": [list(envelope) for envelope in manifest.envelopes],
        }
    )


def read_manifest(line: bytes) -> Manifest:
    """Return the manifest of a line. Raises BundleRefused (`bundle-grammar`) for what `write_manifest` never makes."""
    fault = BundleRefused("bundle-grammar", "the bundle's first line is not a manifest")
    try:
        value = read_json(line, max_bytes=MANIFEST_MAX_BYTES)
        if value.keys() != _NAMES or value["v"] != 1 or value["count"] != len(value["envelopes"]):
            raise fault
        manifest = Manifest(
            portal=value["portal"],
            desk=value["desk"],
            pull=value["pull"],
            previous=value["previous"],
            pulled=date.fromisoformat(value["pulled"]),
            envelopes=tuple((name, size) for name, size in value["envelopes"]),
        )
        if not _is_well_formed(manifest) or write_manifest(manifest) != line:
            raise fault
    except (JsonRefused, AttributeError, TypeError, ValueError) as error:
        raise fault from error
    return manifest


def read_head(file: BinaryIO, portal: PublicKey) -> tuple[Manifest, bytes, str]:
    """Return (manifest, its line, the armored signature) from the start of a bundle; the file stands at the envelopes.

    The portal's signature is verified before the line is read as anything.
    Raises BundleRefused (`bundle-grammar`, `bundle-signature`).
    """
    line = file.readline(MANIFEST_MAX_BYTES + 1)
    signature = b""
    while not signature.endswith(_END):
        part = file.readline(SIGNATURE_CHARACTERS)
        signature += part
        if not line.endswith(b"\n") or not part or len(signature) > SIGNATURE_CHARACTERS:
            raise BundleRefused("bundle-grammar", "the bundle does not begin with a line and its signature")
    armored = signature.decode("latin-1")
    try:
        verify(line, armored, portal, Namespace.BUNDLE)
    except Untrusted as error:
        raise BundleRefused("bundle-signature", "the bundle is not signed by this portal") from error
    manifest = read_manifest(line)
    if manifest.portal != portal.fingerprint:
        raise BundleRefused("bundle-signature", "the bundle names another portal")
    return manifest, line, armored


def read_envelopes(file: BinaryIO, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """Yield (digest, envelope) in the manifest's order, each verified against its digest, and then nothing more.

    Raises BundleRefused (`bundle-contents`) for a cut, altered or added byte.
    """
    for name, size in manifest.envelopes:
        envelope = file.read(size)
        if len(envelope) != size:
            raise BundleRefused("bundle-contents", "the bundle has been cut short")
        if digest(envelope) != name:
            raise BundleRefused("bundle-contents", "an envelope of the bundle has been altered")
        yield name, envelope
    if file.read(1):
        raise BundleRefused("bundle-contents", "there is something after the bundle's last envelope")


def _is_well_formed(manifest: Manifest) -> bool:
    names = [name for name, _ in manifest.envelopes]
    return (
        all(_FINGERPRINT.fullmatch(key) for key in (manifest.portal, manifest.desk))
        and type(manifest.pull) is int
        and manifest.pull >= 1
        and (manifest.previous is None) == (manifest.pull == 1)
        and (manifest.previous is None or _DIGEST.fullmatch(manifest.previous) is not None)
        and all(_DIGEST.fullmatch(name) for name in names)
        and all(a < b for a, b in zip(names, names[1:], strict=False))
        and all(type(size) is int and size in _SIZES for _, size in manifest.envelopes)
    )
