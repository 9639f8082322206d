# SPDX-License-Identifier: AGPL-3.0-or-later
"""The officer's own words, opened with the custodian's or counsel's key; that is recorded before they are given."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from crypto.errors import CryptoError, NotForUs
from crypto.primitives import digest
from crypto.secret.identity import HybridIdentity
from crypto.secret.opening import open_envelope
from desk import roles, tables
from desk.cards import custody_of
from desk.custody import State, first_look
from desk.errors import Erased, Isolated, NothingKept, NotOurKey, WordsRefused
from desk.events import Kind
from desk.tombstones import erased
from desk.vault import Vault

_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\n", "t": "\t", "b": "", "f": "\n"}
LONG_LIVED = 2  # slots of what is kept in the vault: custodian and counsel


def _open(sealed: bytes, expected: str, identities: Sequence[HybridIdentity], key_name: str, shown: str) -> bytes:
    if digest(sealed) != expected:
        raise WordsRefused(shown)
    try:
        return open_envelope(sealed, identities, LONG_LIVED)
    except NotForUs:
        raise NotOurKey(key_name) from None
    except CryptoError:
        raise WordsRefused(shown) from None


@dataclass(frozen=True, slots=True)
class Raw:
    """A letter's own words. `letter` is the digest of the plaintext they stand in."""

    text: str
    letter: str


def report_words(vault: Vault, report: str, identities: Sequence[HybridIdentity], key_name: str) -> Raw:
    """Return the text of a report. That it was opened is on stable storage before this returns.

    Raises RoleMissing, Isolated, NotOurKey, WordsRefused; then nothing is recorded.
    """
    roles.refuse_unless(vault, roles.Act.RAW)
    joined = tables.reports.join(tables.letters, tables.reports.c.report == tables.letters.c.report)
    columns = select(tables.letters.c.sealed, tables.reports.c.sealed, tables.reports.c.letter).select_from(joined)
    with vault.reading() as connection:
        row = connection.execute(columns.where(tables.reports.c.report == report)).one_or_none()
        state = custody_of(connection, report)
        gone = erased(connection, [report])
    if row is None:
        raise Erased(report[:8]) if gone else WordsRefused(report[:8])
    if state is State.ISOLATED:
        refuse_unless_counsel(vault, report, identities)
    plaintext = _open(bytes(row[0]), row[1], identities, key_name, report[:8])
    if digest(plaintext) != row[2]:
        raise WordsRefused(report[:8])
    _record(vault, report)
    return Raw(str(json.loads(plaintext)["text"]), row[2])  # read strictly before it was filed, and not changed since


def refuse_unless_counsel(vault: Vault, report: str, identities: Sequence[HybridIdentity]) -> None:
    """Raise Isolated unless this is counsel, by role and by key."""
    counsel = roles.Role.COUNSEL in roles.roles_of(vault, vault.reviewer)
    if not counsel or vault.settings.counsel not in {identity.recipient for identity in identities}:
        raise Isolated(report[:8])


def aside_words(vault: Vault, envelope: str, identities: Sequence[HybridIdentity], key_name: str) -> str:
    """Return what an envelope that opened and was set aside holds, as text, without the filling spaces.

    Nothing has looked at it yet. So the detectors do, before anybody reads it.
    Raises RoleMissing, Erased, NothingKept, NotOurKey, WordsRefused, Isolated; then nothing is recorded.
    """
    roles.refuse_unless(vault, roles.Act.RAW)
    joined = tables.kept.join(tables.envelopes, tables.kept.c.envelope == tables.envelopes.c.envelope)
    columns = select(tables.kept.c.sealed, tables.envelopes.c.sealed).select_from(joined)
    with vault.reading() as connection:
        row = connection.execute(columns.where(tables.kept.c.envelope == envelope)).one_or_none()
        gone = erased(connection, [envelope])
    if row is None and gone:
        raise Erased(envelope[:8])
    if row is None or row[0] is None or row[1] is None:
        raise NothingKept(envelope[:8])
    plaintext = _open(bytes(row[0]), row[1], identities, key_name, envelope[:8])
    text = plaintext.decode("utf-8", "replace").rstrip(" ")
    if State.ISOLATED in {first_look(each, {}).state for each in (text, _unpacked(text))}:
        refuse_unless_counsel(vault, envelope, identities)
    _record(vault, envelope)
    return text


def _unpacked(text: str) -> str:
    """Return the strings of a text that should be JSON and may be broken, each on lines of its own."""

    def meant(escape: re.Match[str]) -> str:
        return chr(int(escape[1][1:], 16)) if len(escape[1]) > 1 else _ESCAPES.get(escape[1], escape[1])

    return _ESCAPED.sub(meant, text.replace('\\"', "'").replace('"', "\n"))


def _record(vault: Vault, subject: str) -> None:
    with vault.writing() as writer:
        writer.record(Kind.OPENED, subject=subject)
