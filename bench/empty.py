# SPDX-License-Identifier: AGPL-3.0-or-later
"""The empty view that the portal is measured against: it reads the body and stores nothing."""

from collections.abc import Callable, Iterable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer 201 to anything."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("201 Created", [("Content-Length", "65"), ("Content-Type", "text/plain")])
    return [b"0" * 64 + b"\n"]
