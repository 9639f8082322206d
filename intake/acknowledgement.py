# SPDX-License-Identifier: AGPL-3.0-or-later
"""The acknowledgement: what the desk holds, signed, so that the portal may delete it (FORMAT.md 8)."""

import re
from dataclasses import dataclass

from intake.errors import Exit, UndersealError
from intake.limits import ACKNOWLEDGEMENT_MAX_BYTES
from intake.strictjson import JsonRefused, canonical, read_json

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAMES = {"v", "portal", "desk", "pull", "manifest", "digests"}


class AcknowledgementRefused(UndersealError):
    """the acknowledgement is not written as this version reads it"""

    exit_code = Exit.UNTRUSTED


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """`digests`, sorted, of envelopes on the desk's stable storage; `manifest` the digest of their manifest."""

    portal: str
    desk: str
    pull: int
    manifest: str
    digests: tuple[str, ...]


def write_acknowledgement(acknowledgement: Acknowledgement) -> bytes:
    """Return the line that the desk key signs."""
    return canonical(
        {
            "v": 1,
            "portal": acknowledgement.portal,
            "desk": acknowledgement.desk,
            "pull": acknowledgement.pull,
            "manifest": acknowledgement.manifest,
            "digests": list(acknowledgement.digests),
        }
    )


def read_acknowledgement(line: bytes) -> Acknowledgement:
    """Return the acknowledgement of a line. Raises AcknowledgementRefused. The signature is the caller's to verify."""
    try:
        value = read_json(line, max_bytes=ACKNOWLEDGEMENT_MAX_BYTES)
        if value.keys() != _NAMES or value.pop("v") != 1:
            raise AcknowledgementRefused
        acknowledgement = Acknowledgement(**{**value, "digests": tuple(value["digests"])})
        if not _is_well_formed(acknowledgement) or write_acknowledgement(acknowledgement) != line:
            raise AcknowledgementRefused
    except (JsonRefused, AttributeError, TypeError, ValueError) as error:
        raise AcknowledgementRefused from error
    return acknowledgement


def _is_well_formed(acknowledgement: Acknowledgement) -> bool:
    names = acknowledgement.digests
    return (
        isinstance(acknowledgement.portal, str)
        and isinstance(acknowledgement.desk, str)
        and type(acknowledgement.pull) is int
        and acknowledgement.pull >= 1
        and _DIGEST.fullmatch(acknowledgement.manifest) is not None
        and all(_DIGEST.fullmatch(name) for name in names)
        and all(a < b for a, b in zip(names, names[1:], strict=False))
    )
