# SPDX-License-Identifier: AGPL-3.0-or-later
"""Canonical base64: one text for each byte string, and no other text is read."""

import base64
import binascii


def encode_nopad(data: bytes) -> str:
    """Return standard base64 without padding."""
    return base64.b64encode(data).rstrip(b"=").decode("ascii")


def decode_nopad(text: str) -> bytes:
    """Return the bytes of canonical unpadded base64. Raises ValueError for any other text."""
    if not text.isascii() or "=" in text:
        raise ValueError("not unpadded base64")
    return decode(text + "=" * (-len(text) % 4))


def decode(text: str) -> bytes:
    """Return the bytes of canonical padded base64. Raises ValueError for any other text."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if base64.b64encode(data).decode("ascii") != text:
        raise ValueError("not canonical base64")
    return data
