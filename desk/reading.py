# SPDX-License-Identifier: AGPL-3.0-or-later
"""What reviewers look at: reports as facts, codes and texts of reviewers. The officer's words are not here."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from desk import index, tables
from desk.backup import last_copy
from desk.cards import Card, cannot_wait, card_of, masked_words
from desk.custody import State
from desk.errors import Erased, IdTooShort, ManyReports, NoSuchReport
from desk.roles import MAY, Act, roles_of
from desk.sources import Link, links_of
from desk.vault import Vault

MIN_PREFIX = 4  # hexadecimal digits
SHOWN_ID = 8  # digits; more where two reports share them
SMALL = 4  # a filter that leaves reports of 1 to 4 sources is close to naming people

_WRITTEN = ((tables.summaries, "text"), (tables.notes, "text"), (tables.statuses, "reason"))

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """One report in a list. `codes` are the reviewers', `kinds` the officer's own, `flags` what the detectors found.

    source  the id under which reports of one source count once; empty where the report stands alone
    """

    id: str
    month: str
    region: str
    kinds: tuple[str, ...]
    codes: tuple[str, ...]
    status: str
    custody: str
    today: bool
    flags: tuple[str, ...]
    assigned: tuple[str, ...]
    source: str
    links: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return the report for a machine."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Written:
    """A text by a reviewer."""

    reviewer: str
    day: str
    text: str


@dataclass(frozen=True, slots=True)
class Whole:
    """One report with all that reviewers did to it. `openings` are (reviewer, day) of the words being shown.

    `masked` is what everybody may read of the officer's words: None until the report is passed. Until then texts of
    reviewers may repeat what the masks hide: they are `withheld`, and empty here, but for those who may see raw words.
    """

    report: Report
    facts: Facts
    masked: str | None
    coders: dict[str, tuple[str, ...]]
    summaries: tuple[Written, ...]
    notes: tuple[Written, ...]
    reasons: tuple[Written, ...]
    links: tuple[Link, ...]
    openings: tuple[tuple[str, str], ...]
    withheld: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to; None is everything."""

    kind: str | None = None
    code: str | None = None
    status: str | None = None
    month: str | None = None
    region: str | None = None
    flag: str | None = None
    custody: str | None = None
    today: bool = False
    saved: tuple[str, ...] = ()  # more terms: of a saved filter, and whose reports

    @property
    def terms(self) -> tuple[str, ...]:
        """What is looked up: a report has all of it, or is left out."""
        named = {name: value for name, value in asdict(self).items() if isinstance(value, str)}
        own = (*(f"{name}:{value}" for name, value in named.items()), *(["today"] if self.today else []))
        return tuple(dict.fromkeys([*self.saved, *own]))

    @property
    def narrow(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.terms)


@dataclass(frozen=True, slots=True)
class Aside:
    """An envelope set aside. `opened` says whether its words can be shown to the custodian."""

    envelope: str
    fault: str
    opened: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """Where the desk stands. `gaps` are (first missing, next received) pull numbers."""

    statuses: dict[str, int]
    custody: dict[str, int]
    sources: int
    today: int
    set_aside: int
    last_pull: int
    last_day: str
    gaps: tuple[tuple[int, int], ...]
    weeks_left: int
    last_copy: str

    def as_json(self) -> dict[str, object]:
        """Return it for a machine."""
        return asdict(self)


def _facts() -> Select[str, str]:
    joined = tables.reports.join(tables.texts, tables.reports.c.facts == tables.texts.c.id)
    return select(tables.reports.c.report, tables.texts.c.text).select_from(joined).order_by(tables.reports.c.report)


def _report(card: Card) -> Report:
    return Report(
        card["report"],
        card["month"],
        card["region"],
        tuple(card["kinds"]),
        tuple(card["codes"]),
        card["status"],
        card["custody"],
        card["today"],
        tuple(card["flags"]),
        tuple(card["assigned"]),
        card["source"],
        tuple(card["links"]),
    )


def list_reports(vault: Vault, chosen: Filter, *, limit: int | None = None, start: str = "") -> list[Report]:
    """Return the reports a filter takes, by id: ids are random, so the order tells nothing.

    limit  how many at most, from the first id after `start` on
    """
    with vault.reading() as connection:
        return [_report(card) for card in index.page(connection, chosen.terms, start=start, limit=limit)]


def count_reports(vault: Vault, chosen: Filter) -> int:
    """Return how many reports a filter takes."""
    with vault.reading() as connection:
        return index.count(connection, chosen.terms)


def count_sources(vault: Vault, chosen: Filter) -> int:
    """Return from how many sources the reports come that a filter takes."""
    with vault.reading() as connection:
        return index.count_sources(connection, chosen.terms)


def sources_of(vault: Vault, reports: Sequence[str]) -> int:
    """Return from how many sources these reports come."""
    with vault.reading() as connection:
        return index.sources_of(connection, reports)


def matching(vault: Vault, chosen: Filter) -> list[str]:
    """Return the ids of all reports that a filter takes."""
    with vault.reading() as connection:
        return sorted(index.matching(connection, chosen.terms))


def unread(vault: Vault) -> str | None:
    """Return a report for whoever has the vault open to read next; None where nothing is left."""
    with vault.reading() as connection:
        return index.unread(connection, vault.reviewer)


def all_masked_words(vault: Vault) -> dict[str, str]:
    """Return the masked words of every report that was passed."""
    with vault.reading() as connection:
        return index.searched(connection)


def days_of(vault: Vault, reports: Iterable[str]) -> dict[str, str]:
    """Return the day on which each of these reports was filed."""
    wanted = set(reports)
    chosen = select(tables.reports.c.report, tables.reports.c.day)
    with vault.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(chosen) if row[0] in wanted}


def search_reports(vault: Vault, untrusted_words: str, limit: int) -> list[tuple[str, str]]:
    """Return (report, snippet) of the reports in whose masked words all of these stand."""
    with vault.reading() as connection:
        return index.search(connection, untrusted_words, limit=limit)


def shown_length(ids: Iterable[str]) -> int:
    """Return how many digits of an id tell these apart, at least SHOWN_ID."""
    ordered = sorted(ids)
    length = SHOWN_ID
    for one, other in zip(ordered, ordered[1:], strict=False):
        while one[:length] == other[:length] and length < len(one):
            length += 1
    return length


def _find(connection: Connection, query: Select[str], untrusted_prefix: str) -> str:
    prefix = untrusted_prefix.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{MIN_PREFIX},64}}", prefix):
        raise IdTooShort(untrusted_prefix[:70])
    column = query.selected_columns[0]
    found = connection.execute(query.where(func.substr(column, 1, len(prefix)) == prefix).distinct()).scalars().all()
    if not found:
        raise NoSuchReport(prefix)
    if len(found) > 1:
        raise ManyReports(len(found), prefix)
    return found[0]


def find_report(vault: Vault, untrusted_prefix: str) -> str:
    """Return the id of the one report that begins so. Raises IdTooShort, NoSuchReport, ManyReports.

    Raises Erased for one of which the schedule took all, answers too: there is nothing left to work on.
    """
    reports = select(tables.reports.c.report)
    erased = select(tables.purged.c.subject).where(tables.purged.c.what == "all")
    with vault.reading() as connection:
        try:
            return _find(connection, reports.where(tables.reports.c.report.not_in(erased)), untrusted_prefix)
        except NoSuchReport:
            gone = _find(connection, reports, untrusted_prefix)
    raise Erased(gone[:SHOWN_ID])


def set_aside() -> Select[str, str, bool, str]:
    """Return the question for the envelopes set aside and still kept: digest, fault, whether it opened, since when.

    What the schedule erased is set aside no more.
    """
    rows, kept = tables.envelopes.c, tables.kept.c
    columns = select(rows.envelope, rows.fault, rows.sealed.is_not(None).label("opened"), rows.day)
    joined = columns.join_from(tables.envelopes, tables.kept, kept.envelope == rows.envelope)
    return joined.where(rows.outcome == "set_aside").order_by(rows.envelope)


def find_aside(vault: Vault, untrusted_prefix: str) -> str:
    """Return the digest of the one envelope set aside that begins so. Raises Erased for one that the schedule took."""
    envelopes = select(tables.envelopes.c.envelope)
    asides = set_aside().with_only_columns(tables.envelopes.c.envelope)
    erased = select(tables.purged.c.subject).where(tables.purged.c.subject.in_(envelopes))
    with vault.reading() as connection:
        try:
            return _find(connection, asides, untrusted_prefix)
        except NoSuchReport:
            gone = _find(connection, erased, untrusted_prefix)
    raise Erased(gone[:SHOWN_ID])


def _names(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(tables.reviewers.c.fingerprint, tables.reviewers.c.name))
    return {row[0]: row[1] for row in rows}


def reviewer_names(vault: Vault) -> dict[str, str]:
    """Return the names of everybody who has joined, by fingerprint."""
    with vault.reading() as connection:
        return _names(connection)


def reviewer_name(vault: Vault) -> str:
    """Return the name of the reviewer who has the vault open."""
    with vault.reading() as connection:
        return _names(connection)[vault.reviewer]


def read_report(vault: Vault, report: str) -> Whole:
    """Return a report with all that reviewers did to it. Raises NoSuchReport where its facts were erased.

    Their texts only where the report is passed, or this person may see what it hides: of an isolated one, counsel.
    """
    mine = roles_of(vault, vault.reviewer)
    with vault.reading() as connection:
        names = _names(connection)
        card = card_of(connection, report)
        if card is None:
            raise NoSuchReport(report[:SHOWN_ID])
        facts = json.loads(connection.execute(_facts().where(tables.reports.c.report == report)).one()[1])
        codings, openings = tables.codings.c, tables.openings.c
        coded = connection.execute(select(codings.code, codings.reviewer).where(codings.report == report)).all()
        opened = connection.execute(select(openings.reviewer, openings.day).where(openings.subject == report))
        act = Act.ISOLATED if card["custody"] == State.ISOLATED else Act.RAW
        withheld = card["custody"] != State.PASSED and not mine & MAY[act]
        texts = [() if withheld else _written(connection, names, table, report, field) for table, field in _WRITTEN]
        return Whole(
            _report(card),
            facts,
            masked_words(connection, report),
            {code: tuple(names[r] for c, r in coded if c == code) for code in card["codes"]},
            texts[0],
            texts[1],
            texts[2],
            tuple(links_of(connection, [report])),
            tuple((names[reviewer], day) for reviewer, day in opened),
            withheld,
        )


def _written(
    connection: Connection, names: dict[str, str], table: Table, report: str, field: str
) -> tuple[Written, ...]:
    joined = table.join(tables.texts, table.c[field] == tables.texts.c.id)
    columns = select(table.c.reviewer, table.c.day, tables.texts.c.text).select_from(joined)
    rows = connection.execute(columns.where(table.c.report == report).order_by(*table.primary_key))
    return tuple(Written(names[row[0]], row[1], row[2]) for row in rows)


def list_asides(vault: Vault) -> list[Aside]:
    """Return the envelopes set aside and still kept, by digest."""
    with vault.reading() as connection:
        rows = connection.execute(set_aside()).all()
    return [Aside(row.envelope, row.fault, bool(row.opened)) for row in rows]


def overview(vault: Vault, today: date) -> Overview:
    """Return where the desk stands."""
    bundles = tables.bundles.c
    with vault.reading() as connection:
        columns = select(bundles.pull, bundles.day).order_by(bundles.pull)
        received = connection.execute(columns).all()
        statuses, custody = index.tally(connection, "status:"), index.tally(connection, "custody:")
        urgent = sum(map(cannot_wait, index.page(connection, ["today"])))
        sources = index.count_sources(connection, [])
        copied = last_copy(connection)
    last = received[-1] if received else None
    pulls = [row.pull for row in received]
    return Overview(
        statuses,
        custody,
        sources,
        urgent,
        len(list_asides(vault)),
        last.pull if last else 0,
        last.day if last else "",
        tuple((a + 1, b) for a, b in zip([0, *pulls], pulls, strict=False) if b > a + 1),
        max(0, (vault.settings.weeks_end - today).days // 7),
        copied,
    )
