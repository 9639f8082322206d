# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hostile key files end in one of our own errors, soon, whatever they hold."""

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import bech32
from crypto.errors import CryptoError, Malformed
from crypto.recipient import Recipient
from crypto.secret.secretfile import open_secret, seal_secret
from crypto.signature import SigningKey

LOCKED = SigningKey.generate().to_openssh("correct horse")
SECRET = seal_secret(b"words", "correct horse", work_factor=4)


def with_rounds(rounds: int) -> bytes:
    """Return the locked key with another number of bcrypt rounds in its header."""
    head, *body, tail = LOCKED.decode().split("\n")[:-1]
    data = bytearray(base64.b64decode("".join(body)))
    at = data.index(b"bcrypt") + len(b"bcrypt") + 4
    salt_bytes = int.from_bytes(data[at : at + 4], "big")
    data[at + 4 + salt_bytes : at + 8 + salt_bytes] = rounds.to_bytes(4, "big")
    return "\n".join([head, base64.b64encode(data).decode(), tail, ""]).encode()


@pytest.mark.parametrize("rounds", [65, 1_024, 200_000, 2**32 - 1])
def test_many_bcrypt_rounds_refused(rounds):
    """A key file cannot make the courier compute for hours."""
    started = time.monotonic()
    with pytest.raises(Malformed):
        SigningKey.from_openssh(with_rounds(rounds), "correct horse")
    assert time.monotonic() - started < 1


def test_honest_rounds_opened():
    """What OpenSSH writes is read."""
    assert SigningKey.from_openssh(LOCKED, "correct horse").public


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(LOCKED) - 1), st.integers(0, 255))
def test_changed_key_file_is_our_error(at, byte):
    """Any changed byte of a key file gives the key, or an error of ours."""
    data = bytearray(LOCKED)
    data[at] = byte
    try:
        SigningKey.from_openssh(bytes(data), "correct horse")
    except CryptoError:
        return


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(SECRET) - 1), st.integers(0, 255))
def test_changed_secret_file_is_our_error(at, byte):
    """Any changed byte of a secret file gives the words, or an error of ours."""
    data = bytearray(SECRET)
    data[at] = byte
    try:
        assert open_secret(bytes(data), "correct horse") == b"words"
    except CryptoError:
        return


def test_recipient_that_is_no_key_refused():
    """A recipient to which nothing can be sealed is refused where it is read."""
    with pytest.raises(Malformed):
        Recipient.parse(bech32.encode("age1pq", b"\xff" * 1_216))
