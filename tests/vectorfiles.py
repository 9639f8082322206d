# SPDX-License-Identifier: AGPL-3.0-or-later
"""The vectors of tests/vectors, as test parameters."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "vectors"


@dataclass(frozen=True, slots=True)
class EnvelopeVector:
    """One envelope, who opens it, and the fault word that must come out, or `success`."""

    name: str
    expect: str
    data: bytes
    slots: int
    identity: str


def envelope_vectors() -> list[EnvelopeVector]:
    """Return every vector of envelope.json."""
    document = json.loads((FOLDER / "envelope.json").read_text("ascii"))
    return [
        EnvelopeVector(
            name=vector["name"],
            expect=vector["expect"],
            data=_spliced((FOLDER / vector["base"]).read_bytes(), vector["splices"]),
            slots=vector["slots"],
            identity=document[vector["who"]],
        )
        for vector in document["vectors"]
    ]


def _spliced(data: bytes, splices: list[list[object]]) -> bytes:
    for start, end, text, *times in reversed(splices):
        data = data[:start] + base64.b64decode(text) * (times[0] if times else 1) + data[end:]  # type: ignore
    return data
