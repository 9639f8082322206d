# SPDX-License-Identifier: AGPL-3.0-or-later
"""Questionnaires: data that says what is asked, and the check of an answer against it (FORMAT.md 6)."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from intake.errors import Exit, UndersealError

_MONTH = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])", re.ASCII)


class QuestionnaireMissing(UndersealError):
    """there is no questionnaire named {}"""

    exit_code = Exit.MISSING


class FieldType(StrEnum):
    """What an answer is: one option, a list of different options, or a month or one option."""

    CHOICE = "choice"
    CHOICES = "choices"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Field:
    """One question. With `regional`, the office's region ids are options too."""

    id: str
    type: FieldType
    options: tuple[str, ...]
    regional: bool
    required: bool
    default: str | None

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
        return answer in options or (self.type is FieldType.MONTH and _MONTH.fullmatch(answer) is not None)


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
    attachments: bool
    text_max_bytes: int
    fields: tuple[Field, ...]
    consent_text_version: str
    switches: tuple[Switch, ...]
    modifiers: tuple[Field, ...]


def load_questionnaire(questionnaire_id: str) -> Questionnaire:
    """Return a questionnaire that ships with the program. Raises QuestionnaireMissing."""
    shipped = {file.name: file for file in resources.files("intake").joinpath("questionnaires").iterdir()}
    file = shipped.get(f"{questionnaire_id}.json")
    if file is None:
        raise QuestionnaireMissing(questionnaire_id)
    data = json.loads(file.read_text("utf-8"))
    consent = data["consent"]
    return Questionnaire(
        id=data["id"],
        version=data["version"],
        attachments=data["attachments"],
        text_max_bytes=data["text_max_bytes"],
        fields=tuple(_field(field) for field in data["fields"]),
        consent_text_version=consent["text_version"],
        switches=tuple(Switch(s["id"], s["default"], s.get("fixed", False)) for s in consent["switches"]),
        modifiers=tuple(_field(field) for field in consent["modifiers"]),
    )


def _field(data: dict[str, object]) -> Field:
    options = data["options"]
    assert isinstance(options, list)
    default = data.get("default")
    return Field(
        id=str(data["id"]),
        type=FieldType(str(data["type"])),
        options=tuple(options),
        regional=data.get("options_from") == "regions",
        required=bool(data.get("required", False)),
        default=None if default is None else str(default),
    )
