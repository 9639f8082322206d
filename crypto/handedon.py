# SPDX-License-Identifier: AGPL-3.0-or-later
"""A root handed on: the statement by which an old root names the new one (FORMAT.md 12).

Rules, in this order: length, the old root's signature, the grammar, the new root's signature, which proves that it is
there and agrees.
"""

import re
from dataclasses import dataclass
from datetime import date

from crypto.errors import Malformed, Untrusted
from crypto.keylist import MAX_SEQUENCE, KeyList, check_office, read_key_list
from crypto.signature import Namespace, PublicKey, verify

MAX_STATEMENT_BYTES = 4_096
MAX_STATEMENTS = 16  # of one office: a root is handed on once in some years
_HEAD = "underseal root handed on v1\n# From here on the new root signs for this office, and the old one no more.\n"
_LINES = ("office", "old", "new", "day", "sequence", "page")
_ARMOR = re.compile(
    rb"(-----BEGIN SSH SIGNATURE-----\n[A-Za-z0-9+/=\n]{1,400}-----END SSH SIGNATURE-----\n)",
)
_PATTERN = re.compile(re.escape(_HEAD) + "".join(f"{name} ([^\\n]*)\\n" for name in _LINES))


@dataclass(frozen=True, slots=True)
class HandedOn:
    """What the statement says. `sequence` and `page` are those of the new root's first key list and page."""

    office: str
    old: PublicKey
    new: PublicKey
    day: date
    sequence: int
    page: int


@dataclass(frozen=True, slots=True)
class Roots:
    """The roots of an office, one after the other: the first, and each statement that handed it on."""

    first: PublicKey
    handed: tuple[HandedOn, ...] = ()

    @property
    def now(self) -> PublicKey:
        """The root that signs now."""
        return self.handed[-1].new if self.handed else self.first

    def then(self, statement: HandedOn) -> "Roots":
        """Return the roots after one more statement. Raises Untrusted, fault `handed-order`, for one out of order."""
        before = self.handed[-1].sequence if self.handed else 0
        if statement.old != self.now or statement.sequence <= before or len(self.handed) >= MAX_STATEMENTS:
            raise Untrusted("handed-order", "the statement is not by the root that signs now")
        return Roots(self.first, (*self.handed, statement))

    def newest_first(self) -> tuple[PublicKey, ...]:
        """Return every root, the one that signs now in front."""
        return (*(statement.new for statement in reversed(self.handed)), self.first)

    def read_list(self, data: bytes, signature: str, *, floor: int = 1) -> KeyList:
        """Return a list that the root of its sequence has signed. Raises Untrusted as `read_key_list` does."""
        until = MAX_SEQUENCE + 1
        starts = (*(statement.sequence for statement in reversed(self.handed)), 1)
        for root, start in zip(self.newest_first(), starts, strict=True):
            try:
                key_list = read_key_list(data, signature, root, floor=floor)
            except Untrusted as error:
                if error.fault != "keys-signature":
                    raise
            else:
                if start <= key_list.sequence < until:
                    return key_list
                raise Untrusted("keys-signature", "the key list is signed by a root that does not sign this sequence")
            until = start
        raise Untrusted("keys-signature", "the key list is not signed by this office's root")


def write_handed_on(statement: HandedOn) -> bytes:
    """Return the text of a statement, ready to be signed by both roots. Raises ValueError for one readers refuse."""
    values = (
        statement.office,
        statement.old.text,
        statement.new.text,
        statement.day,
        statement.sequence,
        statement.page,
    )
    text = _HEAD + "".join(f"{name} {value}\n" for name, value in zip(_LINES, values, strict=True))
    if _parse(text) != statement:
        raise ValueError("the statement does not read back as it was written")
    return text.encode("utf-8")


def read_handed_on(text: bytes, old_signature: str, new_signature: str, old: PublicKey) -> HandedOn:
    """Return the statement that `old` and the root it names have signed. Raises Untrusted with the first fault."""
    if len(text) > MAX_STATEMENT_BYTES:
        raise Untrusted("handed-size", "the statement is too long")
    _verified(text, old_signature, old, "the statement is not signed by this office's root")
    try:
        statement = _parse(text.decode("utf-8"))
    except (ValueError, Malformed) as error:
        raise Untrusted(
            "handed-grammar", "the statement is signed, but not written as this version reads it"
        ) from error
    if statement.old != old:
        raise Untrusted("handed-grammar", "the statement names another old root than the one that signed it")
    _verified(text, new_signature, statement.new, "the statement is not signed by the new root")
    return statement


def roots_after(statements: bytes, first: PublicKey) -> Roots:
    """Return an office's roots, as far as statements lead on from the one that is known. Raises Untrusted.

    statements  each text with the old and the new root's signature behind it, back to back in their order; those
                from before `first` are passed over
    """
    roots = Roots(first)
    for text, old, new in _pieces(statements):
        if roots.handed or f"old {first.text}\n".encode() in text:
            roots = roots.then(read_handed_on(text, old, new, roots.now))
    return roots


def roots_before(statements: bytes, now: PublicKey) -> Roots:
    """Return an office's roots up to the one that is known, by what that one has signed. Raises Untrusted."""
    roots = Roots(now)
    for text, old, new in reversed(_pieces(statements)):
        named = re.search(rb"^old (.*)$", text, re.MULTILINE)
        try:
            before = PublicKey.parse(named[1].decode("ascii", "replace") if named else "")
        except Malformed as error:
            raise Untrusted("handed-grammar", "the statement names no old root") from error
        statement = read_handed_on(text, old, new, before)
        if statement.new != roots.first:
            raise Untrusted("handed-order", "the statement is about other roots")
        chain, roots = roots.handed, Roots(before).then(statement)
        for later in chain:
            roots = roots.then(later)
    return roots


def _pieces(statements: bytes) -> list[tuple[bytes, str, str]]:
    """Return each text with its two signatures."""
    parts = _ARMOR.split(statements)  # a text, an armor, nothing, an armor, and again; nothing at the end
    texts, between, last = parts[0:-1:4], parts[2::4], parts[-1]
    if len(parts) % 4 != 1 or last or any(between) or not all(texts) or len(texts) > MAX_STATEMENTS:
        raise Untrusted("handed-grammar", "it is no statement with two signatures")
    armors = [armor.decode("ascii") for armor in parts[1::2]]
    return list(zip(texts, armors[0::2], armors[1::2], strict=True))


def _verified(text: bytes, signature: str, root: PublicKey, sentence: str) -> None:
    try:
        verify(text, signature, root, Namespace.ROOT)
    except Untrusted as error:
        raise Untrusted("handed-signature", sentence) from error


def _parse(text: str) -> HandedOn:
    match = _PATTERN.fullmatch(text)
    if not match or not all(re.fullmatch(r"[1-9][0-9]{0,5}", number, re.ASCII) for number in match.groups()[4:]):
        raise ValueError("not a statement of this version")
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", match[4], re.ASCII):
        raise ValueError("not a day")
    old, new = PublicKey.parse(match[2]), PublicKey.parse(match[3])
    if old == new:
        raise ValueError("a root is not handed on to itself")
    return HandedOn(check_office(match[1]), old, new, date.fromisoformat(match[4]), int(match[5]), int(match[6]))
