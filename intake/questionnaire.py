# SPDX-License-Identifier: AGPL-3.0-or-later
"""Questionnaires: data that says what is asked, and the check of an answer against it (FORMAT.md 6)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any

from intake.errors import Exit, UndersealError

KINDS, CODES = "kinds", "codes"  # the two fields that every questionnaire has: they decide what opens
_NUMBER = re.compile(r"0|[1-9][0-9]?", re.ASCII)
_MONTH = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])", re.ASCII)


class QuestionnaireMissing(UndersealError):
    """there is no questionnaire named {}"""

    exit_code = Exit.MISSING


class FieldType(StrEnum):
    """What an answer is: one option, a list of different options, or a month, a small number or one option."""

    CHOICE = "choice"
    CHOICES = "choices"
    MONTH = "month"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Field:
    """One question. With `regional`, the office's region ids are options too; `max` is the largest number."""

    id: str
    type: FieldType
    options: tuple[str, ...]
    regional: bool = False
    required: bool = False
    default: str | None = None
    max: int = 0

    def accepts(self, answer: object, regions: Sequence[str]) -> bool:
        """Return whether `answer` is one of this field's values."""
        options = {*self.options, *(regions if self.regional else ())}
        if self.type is FieldType.CHOICES:
            return (
                isinstance(answer, list)
                and all(isinstance(item, str) and item in options for item in answer)
                and len(set(answer)) == len(answer)
                and (bool(answer) or not self.required)
            )
        if not isinstance(answer, str):
            return False
        if self.type is FieldType.NUMBER and answer in map(str, range(self.max + 1)):
            return True
        return answer in options or (self.type is FieldType.MONTH and _MONTH.fullmatch(answer) is not None)


@dataclass(frozen=True, slots=True)
class Check:
    """What numbers must hold among themselves: they add up to `total`, or without one, none is above the next."""

    id: str
    fields: tuple[str, ...]
    total: str | None = None

    def holds(self, answers: Mapping[str, object]) -> bool:
        """Return whether the numbers given do not contradict each other; a sum is only looked at when all are given."""
        numbers = [number for name in self.fields if (number := _number(answers.get(name))) is not None]
        if self.total is None:
            return numbers == sorted(numbers)
        total = _number(answers.get(self.total))
        return total is None or len(numbers) < len(self.fields) or sum(numbers) == total


def _number(answer: object) -> int | None:
    return int(answer) if isinstance(answer, str) and _NUMBER.fullmatch(answer) else None


@dataclass(frozen=True, slots=True)
class Group:
    """Questions of one screen. `facts` is the letter that opens it, empty where it is always open."""

    id: str
    facts: str
    fields: tuple[Field, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """A consent switch. A fixed one is always as its default."""

    id: str
    default: bool
    fixed: bool


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One questionnaire in one version."""

    id: str
    version: str
    codebook: str
    attachments: bool
    text_max_bytes: int
    groups: tuple[Group, ...]
    facts: Mapping[str, str]
    consent_text_version: str
    switches: tuple[Switch, ...]
    modifiers: tuple[Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every question, in the order in which they are asked."""
        return tuple(field for group in self.groups for field in group.fields)

    def open_groups(self, answers: Mapping[str, object]) -> tuple[Group, ...]:
        """Return the groups that these kinds and codes open; `facts` holds the letters of each code offered."""
        letters = set()
        for kind in _listed(answers.get(KINDS)):
            codes = {code for code in self.facts if code.startswith(f"{kind}.")}
            chosen = codes.intersection(_listed(answers.get(CODES)))
            letters |= {letter for code in chosen or codes for letter in self.facts[code]}
        return tuple(group for group in self.groups if not group.facts or group.facts in letters)

    def fits(self, answers: Mapping[str, object], regions: Sequence[str]) -> bool:
        """Return whether each answer is of an open group and one of its field's values, and the checks hold."""
        groups = self.open_groups(answers)
        fields = {field.id: field for group in groups for field in group.fields}
        return (
            all(name in fields and fields[name].accepts(answer, regions) for name, answer in answers.items())
            and all(field.id in answers for field in fields.values() if field.required)
            and {code.partition(".")[0] for code in _listed(answers.get(CODES))} <= set(_listed(answers.get(KINDS)))
            and all(check.holds(answers) for group in groups for check in group.checks)
        )


def _listed(answer: object) -> list[str]:
    return [item for item in answer if isinstance(item, str)] if isinstance(answer, list | tuple) else []


def shipped_questionnaires() -> list[str]:
    """Return the ids of the questionnaires that ship with the program."""
    files = resources.files("intake").joinpath("questionnaires").iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def load_questionnaire(questionnaire_id: str) -> Questionnaire:
    """Return a questionnaire that ships with the program. Raises QuestionnaireMissing."""
    if questionnaire_id not in shipped_questionnaires():
        raise QuestionnaireMissing(questionnaire_id)
    file = resources.files("intake").joinpath("questionnaires", f"{questionnaire_id}.json")
    data = json.loads(file.read_text("utf-8"))
    facts = _facts(data)
    consent = data["consent"]
    return Questionnaire(
        id=data["id"],
        version=data["version"],
        codebook=data["codebook"],
        attachments=data["attachments"],
        text_max_bytes=data["text_max_bytes"],
        groups=tuple(_group(group, tuple(facts)) for group in data["groups"]),
        facts=facts,
        consent_text_version=consent["text_version"],
        switches=tuple(Switch(s["id"], s["default"], s.get("fixed", False)) for s in consent["switches"]),
        modifiers=tuple(_field(field, ()) for field in consent["modifiers"]),
    )


def _facts(data: dict[str, Any]) -> dict[str, str]:
    """Return the letters of every code that belongs to one of the kinds offered, in the codebook's order."""
    book = json.loads(resources.files("intake").joinpath("codebook.json").read_text("utf-8"))
    offered = next(field["options"] for group in data["groups"] for field in group["fields"] if field["id"] == KINDS)
    kinds = [kind for kind in book["kinds"] if kind["id"] in offered]
    return {code["id"]: "".join(code["facts"]) for kind in kinds for code in kind["codes"]}


def _group(data: dict[str, Any], codes: tuple[str, ...]) -> Group:
    return Group(
        id=data["id"],
        facts=data.get("facts", ""),
        fields=tuple(_field(field, codes) for field in data["fields"]),
        checks=tuple(_check(check) for check in data.get("checks", ())),
    )


def _check(data: dict[str, Any]) -> Check:
    return Check(data["id"], tuple(data.get("sum") or data["rising"]), data.get("is"))


def _field(data: dict[str, Any], codes: tuple[str, ...]) -> Field:
    return Field(
        id=data["id"],
        type=FieldType(data["type"]),
        options=codes if data.get("options_from") == "codes" else tuple(data["options"]),
        regional=data.get("options_from") == "regions",
        required=data.get("required", False),
        default=data.get("default"),
        max=data.get("max", 0),
    )
