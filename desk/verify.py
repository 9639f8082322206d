# SPDX-License-Identifier: AGPL-3.0-or-later
"""Everything in the vault recomputed: chains, signatures, digests, and the tables made from them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import sqlcipher3.dbapi2 as sqlcipher  # type: ignore[import-untyped]
from sqlalchemy import Connection, create_engine, select

from crypto.errors import CryptoError
from crypto.primitives import digest
from crypto.signature import PublicKey, SigningKey
from desk import index, projections, tables
from desk.allowed import after_nothing, makers, not_allowed
from desk.errors import Damaged
from desk.events import TEXT_FIELDS, Event, EventRefused, Head, Kind, Signed, follow, read_event
from desk.purge import erased_fields
from desk.vault import Vault, text_id
from intake.console import one_line

_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master"
SHOWN = 12  # digits of a digest in a sentence


@dataclass(slots=True)
class Checked:
    """What was found. `faults` in the order in which they were met; `heads` are the ends of the good chains."""

    faults: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)


def verify_vault(vault: Vault) -> Checked:
    """Return what does not hold together, each as one clause; no faults means that all of it does."""
    checked = Checked()
    try:
        with vault.reading() as connection:
            checked.faults += _file_faults(connection)
            checked.faults += _schema_faults(connection)
            _follow_chains(connection, checked)
            checked.faults += _act_faults(connection, checked)
            checked.faults += _key_faults(vault, connection, checked)
            checked.faults += _settings_faults(vault, connection, checked)
            checked.faults += _text_faults(connection, checked)
            checked.faults += _letter_faults(connection, checked)
            checked.faults += _kept_faults(connection, checked)
            checked.faults += _table_faults(connection, checked)
    except Damaged:
        checked.faults.append("the vault's file is damaged and cannot be read to its end")
    except (TypeError, ValueError, AttributeError, KeyError, CryptoError):
        checked.faults.append("the vault holds something that this program never writes")
    return checked


def _file_faults(connection: Connection) -> Iterator[str]:
    pages = connection.exec_driver_sql("PRAGMA cipher_integrity_check").fetchall()
    if pages:
        yield f"{len(pages)} pages of the vault's file are damaged"
    if connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() != "ok":
        yield "the database's own integrity check fails"


def _schema_faults(connection: Connection) -> Iterator[str]:
    """Name what stands in the database beside our tables: a trigger could keep what a purge is meant to erase."""
    empty = create_engine("sqlite://", module=sqlcipher)  # the same library makes the same search tables
    with empty.begin() as fresh:
        tables.truth.create_all(fresh)
        tables.made.create_all(fresh)
        index.create(fresh)
        expected = set(map(tuple, fresh.exec_driver_sql(_SCHEMA)))
    empty.dispose()
    found = set(map(tuple, connection.exec_driver_sql(_SCHEMA)))
    if found != expected:
        yield "the database has a table, index, view or trigger that is not as this program makes it"


def _name(connection: Connection, fingerprint: str) -> str:
    name = select(tables.reviewers.c.name).where(tables.reviewers.c.fingerprint == fingerprint)
    return one_line(connection.execute(name).scalar_one_or_none() or "an unknown reviewer")


def _follow_chains(connection: Connection, checked: Checked) -> None:
    rows = tables.events.c
    for fingerprint in connection.execute(select(rows.reviewer).distinct().order_by(rows.reviewer)).scalars().all():
        head, name = Head(), _name(connection, fingerprint)
        chain = connection.execute(select(tables.events).where(rows.reviewer == fingerprint).order_by(rows.number))
        for row in chain:
            try:
                event = read_event(row.body)
                if head.number == 0:
                    key = _first_key(event, fingerprint)
                head = follow(head, Signed(event, row.body, row.signature, row.digest), key)
            except EventRefused as refused:
                checked.faults.append(f"event {row.number} of {name}: {refused}")
                break
            checked.events.append(event)
        checked.heads[fingerprint] = head


def _first_key(event: Event, fingerprint: str) -> PublicKey:
    if event.kind is not Kind.JOINED or event.number != 1:
        raise EventRefused("the chain does not begin with its reviewer's key")
    try:
        key = PublicKey.parse(event.text("key"))
    except CryptoError:
        raise EventRefused("the key it names is no key") from None
    if key.fingerprint != fingerprint:
        raise EventRefused("the key it names is not the reviewer's")
    return key


def _act_faults(connection: Connection, checked: Checked) -> Iterator[str]:
    """Name what this program lets nobody do, and somebody with a passphrase and another program did."""
    for event in not_allowed(checked.events):
        yield f"event {event.number} of {_name(connection, event.reviewer)}: its author never had a role for it"
    for event in after_nothing(checked.events, [digest(event.body.encode()) for event in checked.events]):
        yield f"event {event.number} of {_name(connection, event.reviewer)}: it follows a decision that is not there"


def _key_faults(vault: Vault, connection: Connection, checked: Checked) -> Iterator[str]:
    texts = tables.texts.c
    joined = {}
    for event in checked.events:
        if event.kind is Kind.JOINED:
            name = connection.execute(select(texts.text).where(texts.id == event.text("name"))).scalar_one_or_none()
            joined[event.reviewer] = (event.text("key"), name)
    found = {row.fingerprint: (row.public, row.name) for row in connection.execute(select(tables.reviewers))}
    if joined != found:
        yield "the reviewers are not those who joined by the log"
    seeds = connection.execute(select(tables.secrets)).all()
    for row in seeds:
        if SigningKey(bytes(row.seed)).public.fingerprint != row.fingerprint:
            yield "a signing key in the vault is not the one it is named for"
    if {row.fingerprint for row in seeds} != {vault.settings.desk.fingerprint}:
        yield "the signing key in the vault is not the desk's"


def _settings_faults(vault: Vault, connection: Connection, checked: Checked) -> Iterator[str]:
    values = {row.name: row.value for row in connection.execute(select(tables.settings))}
    offices = [(digest(event.body.encode()), event) for event in checked.events if event.kind is Kind.OFFICE]
    replaced = {name for _, event in offices for name in str(event.fields["after"] or "").split()}
    stand = {event.fields["settings"] for name, event in offices if name not in replaced}
    if digest(values.get("office", "").encode()) not in stand:
        yield "the office's settings are not those the log names"
    if set(values) != {"office", "maker"} or values["maker"] not in checked.heads:
        yield "the vault's maker has no chain in the log"
    elif makers(checked.events) != [values["maker"]]:
        yield "the vault's maker is not who began its settings by the log"
    if vault.reviewer not in checked.heads:
        yield "whoever has the vault open has no chain in the log"


def _erased(checked: Checked) -> dict[str, set[str]]:
    """Return what was purged by the log: by report or envelope, words or all or both."""
    gone: dict[str, set[str]] = {}
    for event in checked.events:
        if event.kind is Kind.PURGED:
            gone.setdefault(event.text("subject"), set()).add(event.text("what"))
    return gone


def _goes(event: Event, name: str, gone: dict[str, set[str]]) -> bool:
    whats = gone.get(str(event.fields.get("report")), set())
    return any(name in erased_fields(event.kind, what) for what in whats)


def _superseded(events: Iterable[Event]) -> set[str]:
    """Return the masked texts that may be gone: other masks took their place, or the report is passed no more."""
    about = [(event, digest(event.body.encode())) for event in events if event.kind in (Kind.MASKED, Kind.CUSTODY)]
    replaced = {
        (event.kind, event.text("report"), name) for event, _ in about for name in str(event.fields["after"]).split()
    }
    stands = [event for event, name in about if (event.kind, event.text("report"), name) not in replaced]
    held = {event.text("report") for event in stands if event.fields.get("state", "passed") != "passed"}
    shown = {
        event.fields["masked"] for event in stands if event.kind is Kind.MASKED and event.text("report") not in held
    }
    return {str(event.fields["masked"]) for event, _ in about if event.kind is Kind.MASKED} - shown


def _text_faults(connection: Connection, checked: Checked) -> Iterator[str]:
    named = [(event.fields.get(name), name, event) for event in checked.events for name in TEXT_FIELDS]
    owners = {str(value): event for value, _, event in named if value is not None}
    gone = _erased(checked)
    erased = {str(value) for value, name, event in named if value is not None and _goes(event, name, gone)}
    superseded = _superseded(checked.events)
    found = set()
    for row in connection.execute(select(tables.texts)):
        found.add(row.id)
        owner = owners.get(row.id)
        if owner is None:
            yield f"text {row.id[:SHOWN]} is named by no event"
        elif text_id(bytes(row.salt), row.text) != row.id:
            yield f"the text of event {owner.number} ({owner.kind}) was altered"
        elif row.id in erased:
            yield f"the text of event {owner.number} ({owner.kind}) was purged, and is still there"
    for name in owners.keys() - found - erased - superseded:
        yield f"the text of event {owners[name].number} ({owners[name].kind}) is missing"


def _letter_faults(connection: Connection, checked: Checked) -> Iterator[str]:
    filed = {event.text("report"): event for event in checked.events if event.kind is Kind.FILED}
    found = set()
    for row in connection.execute(select(tables.letters)):
        found.add(row.report)
        event = filed.get(row.report)
        if event is None:
            yield f"letter {row.report[:SHOWN]} is named by no event"
        elif digest(bytes(row.sealed)) != event.fields["sealed"]:
            yield f"the sealed letter of report {row.report[:SHOWN]} (event {event.number}) was altered"
    gone = _erased(checked).keys()
    for report in found & gone:
        yield f"the sealed letter of report {report[:SHOWN]} was purged, and is still there"
    for report in filed.keys() - found - gone:
        yield f"the sealed letter of report {report[:SHOWN]} (event {filed[report].number}) is missing"


def _kept_faults(connection: Connection, checked: Checked) -> Iterator[str]:
    asides = [event for event in checked.events if event.kind is Kind.SET_ASIDE]
    aside = {event.text("envelope"): event for event in asides}
    stands = {row["envelope"]: row["sealed"] for row in projections.fold(asides)["envelopes"].values()}
    found = set()
    for row in connection.execute(select(tables.kept)):
        found.add(row.envelope)
        sealed = None if row.sealed is None else digest(bytes(row.sealed))
        if row.envelope not in aside:
            yield f"envelope {row.envelope[:SHOWN]} is named by no event"
        elif digest(bytes(row.bytes)) != row.envelope or sealed != stands[row.envelope]:
            yield f"the kept envelope {row.envelope[:SHOWN]} (event {aside[row.envelope].number}) was altered"
    gone = _erased(checked).keys()
    for name in found & gone:
        yield f"the kept envelope {name[:SHOWN]} was purged, and is still there"
    for name in aside.keys() - found - gone:
        yield f"the kept envelope {name[:SHOWN]} (event {aside[name].number}) is missing"


def _table_faults(connection: Connection, checked: Checked) -> Iterator[str]:
    expected, stored = projections.fold(checked.events), projections.stored(connection)
    for name, rows in expected.items():
        if rows != stored[name]:
            yield f"table {name} is not what the log makes of it"
    for name in index.faults(connection):
        yield f"table {name} is not what the other tables make of it"


def rebuild_tables(vault: Vault, checked: Checked) -> None:
    """Make the tables anew from a log that holds."""
    with vault.writing() as writer:
        projections.rebuild(writer.connection, checked.events)
        index.rebuild(writer.connection)
