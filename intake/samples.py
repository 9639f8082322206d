# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invented sample reports (samples.json), and the letters that officers would have sent. Nobody in them exists."""

import json
from importlib import resources
from typing import Any

from intake.questionnaire import load_questionnaire

QUESTIONNAIRE = "asylum-officer"
REGIONS = {
    "border_west": "Border, west",
    "border_central": "Border, centre",
    "border_east": "Border, east",
    "capital_area": "Capital area",
    "interior_north": "Interior, north",
}


def samples() -> list[dict[str, Any]]:
    """Return the sample reports; `test` in each is its expected handling, and no part of a letter."""
    found: list[dict[str, Any]] = json.loads(resources.files("intake").joinpath("samples.json").read_bytes())["samples"]
    return found


def letter_of(sample: dict[str, Any]) -> dict[str, Any]:
    """Return what an officer would have chosen on the page: the sample's facts that the questionnaire asks for."""
    questionnaire = load_questionnaire(QUESTIONNAIRE)
    kinds = sorted({code.split(".")[0] for code in sample["kinds"]})
    facts = {**flat(sample["facts"]), "kinds": kinds, "codes": sample["kinds"], "contact": contact_of(sample)}
    asked = [field.id for group in questionnaire.open_groups(facts) for field in group.fields]
    day = sample["consent"]["not_before"]
    consent = {
        **sample["consent"],
        "min_similar": str(sample["consent"]["min_similar"]),
        "not_before": day[: len("YYYY-MM")] if day else "no_answer",
    }
    return {
        "answers": {name: facts[name] for name in asked if name in facts},
        "text": sample["text"],
        "consent": {**consent, "text_version": questionnaire.consent_text_version},
        "lang": sample["lang"],
    }


def flat(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts by the questionnaire's field ids: those of a block under its name, numbers as text."""
    answers: dict[str, Any] = {}
    for name, fact in facts.items():
        inner = {f"{name}_{key}": value for key, value in fact.items()} if isinstance(fact, dict) else {name: fact}
        answers |= {key: str(value) if isinstance(value, int) else value for key, value in inner.items()}
    return answers


def contact_of(sample: dict[str, Any]) -> str:
    """Return whether the officer wants to read an answer."""
    return "inbox" if sample.get("contact", {}).get("wants_reply") else "none"
