# SPDX-License-Identifier: AGPL-3.0-or-later
"""JSON read strictly, and JSON written in the one canonical form (FORMAT.md 6 and 7)."""

import json
import re
from typing import Any, NoReturn

from intake.limits import LETTER_INTEGER_DIGITS, LETTER_JSON_DEPTH

# Strings are skipped; possessive, and content with a missing end quote, so that the scan is linear on any input.
_NESTING = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class JsonRefused(Exception):
    """The bytes are not JSON as we read it. `encoding` tells whether they are not even text."""

    def __init__(self, *, encoding: bool = False) -> None:
        super().__init__("not strict JSON")
        self.encoding = encoding


def read_json(data: bytes, *, max_bytes: int, max_depth: int = LETTER_JSON_DEPTH) -> Any:
    """Return the one JSON value of `data`, with white space around it.

    Refused: more than `max_bytes`, what is not UTF-8, NUL or a byte order mark, a repeated name, NaN and Infinity,
    numbers but integers of at most LETTER_INTEGER_DIGITS digits, deeper nesting, lone surrogates. Raises JsonRefused.
    """
    if len(data) > max_bytes or b"\0" in data or data.startswith(b"\xef\xbb\xbf"):
        raise JsonRefused(encoding=True)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonRefused(encoding=True) from error
    if _depth(data) > max_depth:
        raise JsonRefused
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse,
            parse_float=_refuse,
            parse_int=_bounded,
        )
    except (ValueError, RecursionError) as error:
        raise JsonRefused from error
    if not _encodable(value):
        raise JsonRefused
    return value


def canonical(value: object) -> bytes:
    """Return JSON with sorted names, no spaces, ASCII, and a line end: one text for each value."""
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")


def _depth(data: bytes) -> int:
    """Return the deepest nesting, counted before the parser sees the bytes."""
    depth = deepest = 0
    for match in _NESTING.finditer(data):
        if match[0] in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in b"]}":
            depth -= 1
    return deepest


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is repeated")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError("not a number we read")


def _bounded(text: str) -> int:
    if len(text.removeprefix("-")) > LETTER_INTEGER_DIGITS:
        raise ValueError("an integer is too long")
    return int(text)


def _encodable(value: Any) -> bool:
    """Return whether every text can be written as UTF-8; JSON can spell lone surrogates, UTF-8 cannot."""
    if isinstance(value, str):
        return value.isascii() or not any(0xD800 <= ord(character) <= 0xDFFF for character in value)
    if isinstance(value, dict):
        return all(_encodable(name) and _encodable(item) for name, item in value.items())
    return all(_encodable(item) for item in value) if isinstance(value, list) else True
