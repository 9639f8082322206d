# SPDX-License-Identifier: AGPL-3.0-or-later
"""All vectors of the age test kit run through our header and stream code and give the expected class."""

import pytest
from testkit import ArmorFault, KitVector, kit_vectors, openers, unarmored

from crypto.envelope import check_envelope
from crypto.errors import Broken, Malformed, NotForUs
from crypto.primitives import digest
from crypto.secret.opening import open_file

VECTORS = kit_vectors()


def outcome(vector: KitVector) -> str:
    try:
        data = unarmored(vector.data) if vector.armored else vector.data
        assert digest(open_file(data, openers(vector))) == vector.payload
    except ArmorFault:
        return "armor failure"
    except Malformed:
        return "header failure"
    except NotForUs:
        return "no match"
    except Broken as error:
        return {"header-mac": "HMAC failure", "payload": "payload failure"}[error.fault]
    return "success"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_class_is_as_the_kit_says(vector):
    """The class of failure names the layer that must refuse."""
    assert vector.expect == outcome(vector)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_none_is_an_envelope(vector):
    """No file of the kit passes as an envelope, whatever it holds."""
    with pytest.raises(Malformed):
        check_envelope(vector.data, 3)


def test_kit_is_whole():
    """The kit has 143 vectors; fewer would pass unnoticed."""
    assert len(VECTORS) == 143
