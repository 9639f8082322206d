# SPDX-License-Identifier: AGPL-3.0-or-later
"""Saved filters and templates. Both are decisions with a text: everybody at the desk uses them, the latest stands.

Names and texts stand in rows of texts, as notes do; events hold their ids.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from crypto.primitives import random_bytes
from desk import tables
from desk.decisions import OFF, ON, Decision, Topic, after, all_decisions, heads
from desk.events import Kind
from desk.review import checked_text
from desk.roles import Act, refuse_unless
from desk.vault import Vault
from desk.work_errors import NoSuchSaved, NoTerms, SavedNameRefused

NAME = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
MINE = "mine"  # in a saved filter: assigned to whoever uses it


class Sort(StrEnum):
    """What is saved under a name."""

    FILTER = "filter"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Saved:
    """A filter or template that stands. `terms` of a filter, `text` of a template."""

    id: str
    name: str
    terms: tuple[str, ...]
    text: str
    stands: tuple[Decision, ...]


def saved(vault: Vault, sort: Sort) -> list[Saved]:
    """Return what stands, by name. Where people saved differently without knowing, both are given under one name."""
    with vault.reading() as connection:
        return _saved(connection, sort)


def _saved(connection: Connection, sort: Sort) -> list[Saved]:
    found = []
    column = tables.texts.c
    for name, decisions in heads(all_decisions(connection, Topic(sort.value))).items():
        for one in decisions:
            text = connection.execute(select(column.text).where(column.id == one.text)).scalar_one_or_none()
            if one.value == ON and text is not None:
                body = json.loads(text)
                found.append(Saved(name, body["name"], tuple(body["terms"]), body["text"], tuple(decisions)))
    return sorted(found, key=lambda one: (one.name, one.id))


def find(vault: Vault, sort: Sort, untrusted_name: str) -> Saved:
    """Return the filter or template of this name; of several, the first. Raises NoSuchSaved."""
    name = checked_name(untrusted_name)
    for one in saved(vault, sort):
        if one.name == name:
            return one
    raise NoSuchSaved(sort.value, name, hint=f"underseal desk {sort.value} lists them")


def checked_name(untrusted_name: str) -> str:
    """Return a name as it is kept. Raises SavedNameRefused."""
    name = untrusted_name.strip().lower()
    if not NAME.fullmatch(name):
        raise SavedNameRefused(untrusted_name[:40])
    return name


def save_filter(vault: Vault, untrusted_name: str, terms: Sequence[str]) -> bool:
    """Keep terms under a name, in place of those before; return False where it is so already. Raises NoTerms."""
    if not terms:
        raise NoTerms
    return _save(vault, Sort.FILTER, checked_name(untrusted_name), tuple(sorted(terms)), "")


def save_template(vault: Vault, untrusted_name: str, text: str) -> bool:
    """Keep a text under a name, in place of the one before; return False where it is so already."""
    return _save(vault, Sort.TEMPLATE, checked_name(untrusted_name), (), checked_text(text))


def _save(vault: Vault, sort: Sort, name: str, terms: tuple[str, ...], text: str) -> bool:
    refuse_unless(vault, Act.WORK)
    with vault.writing() as writer:
        there = [one for one in _saved(writer.connection, sort) if one.name == name]
        if [(one.terms, one.text) for one in there] == [(terms, text)]:
            return False
        body = json.dumps({"name": name, "terms": terms, "text": text}, sort_keys=True)
        kept = there[0] if there else None
        fields = {"state": ON, "text": writer.text(body), "after": after(kept.stands) if kept else None}
        saving = (Kind(sort.value), {sort.value: kept.id if kept else random_bytes(4).hex(), **fields})
        writer.act("save", [saving, *_dropping(sort, [one for one in there if kept and one.id != kept.id])])
    return True


def drop(vault: Vault, sort: Sort, untrusted_name: str) -> None:
    """Let a filter or template stand no more, nor another of its name. Raises NoSuchSaved."""
    refuse_unless(vault, Act.WORK)
    name = find(vault, sort, untrusted_name).name
    with vault.writing() as writer:
        writer.act("drop", _dropping(sort, [one for one in _saved(writer.connection, sort) if one.name == name]))


def _dropping(sort: Sort, items: Sequence[Saved]) -> list[tuple[Kind, dict[str, str | None]]]:
    stands = {one.id: one.stands for one in items}
    return [
        (Kind(sort.value), {sort.value: name, "state": OFF, "text": None, "after": after(decisions)})
        for name, decisions in stands.items()
    ]


def namesakes(connection: Connection, sort: Sort) -> dict[str, int]:
    """Return the names under which more than one stands, with how many do."""
    counts = Counter(name for name, _ in {(one.name, one.id) for one in _saved(connection, sort)})
    return {name: count for name, count in counts.items() if count > 1}


def terms_for(one: Saved, reviewer: str) -> tuple[str, ...]:
    """Return the terms of a saved filter for the person who uses it."""
    return tuple(f"assigned:{reviewer}" if term == MINE else term for term in one.terms)
