# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files packed beforehand: what they hold, within a limit."""

import zlib


def gunzipped(data: bytes, max_bytes: int) -> bytes | None:
    """Return what a gzip file holds. None for one that is damaged, cut short, too large, or followed by something."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        whole = unpacking.decompress(data, max_bytes)
    except zlib.error:
        return None
    return whole if unpacking.eof and not unpacking.unused_data else None
