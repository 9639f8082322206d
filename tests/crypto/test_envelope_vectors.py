# SPDX-License-Identifier: AGPL-3.0-or-later
"""One-defect envelopes: the fault word that must come out, in Python and in the page's code."""

import pytest
from officer import b64
from vectorfiles import EnvelopeVector, envelope_vectors

from crypto.errors import CryptoError
from crypto.secret.identity import HybridIdentity
from crypto.secret.opening import open_envelope

VECTORS = envelope_vectors()
PLAINTEXT = b'{"v":1}'.ljust(16_384, b" ")


def verdict(vector: EnvelopeVector) -> str:
    try:
        assert open_envelope(vector.data, [HybridIdentity.parse(vector.identity)], vector.slots) == PLAINTEXT
    except CryptoError as error:
        return error.fault
    return "success"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_python_verdict(vector):
    """Python names the defect."""
    assert vector.expect == verdict(vector)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_page_verdict(vector, officer):
    """The page's code names the same defect."""
    answer = officer.ask(do="open", envelope=b64(vector.data), identity=vector.identity, slots=vector.slots)
    assert vector.expect == (answer.get("fault") or "success"), answer


def test_vectors_are_many():
    """A vector file that lost its contents would pass every other test."""
    assert len(VECTORS) > 100
    assert {"size", "version", "header-size", "stanza", "recipient-type", "mac"} < {v.expect for v in VECTORS}
