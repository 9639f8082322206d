# SPDX-License-Identifier: AGPL-3.0-or-later
"""Regimes: the dated profiles that say which routes there are, how their days count, and what they rest on.

The profiles are those of the page (intake/deadlines/*.json). Nothing here is legal advice: each profile has the day
it is as of, and a rule that counsel has not confirmed says so.
"""

import functools
import json
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any

from desk.clock_errors import NoSuchProfile, NoSuchRoute
from intake.questionnaire import shipped_questionnaires


class Sense(StrEnum):
    """What a route's day is: file by it, file after it, be answered by it, or do not wait beyond it."""

    DUE = "due"
    OPENS = "opens"
    ANSWER = "answer"
    SOFT = "soft"


class Unit(StrEnum):
    """What is counted."""

    CALENDAR_DAYS = "calendar_days"
    WORKDAYS = "workdays"
    MONTHS = "months"


class Standing(StrEnum):
    """Whether a profile knows a route. A contested one runs: its clock may hold, whoever is right."""

    OPEN = "open"
    DISPUTED = "disputed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Route:
    """One route, and the rule by which its days count. Without a count the contract says it.

    rolls       a last day that is no workday moves to the next workday
    configured  the contract may say otherwise: the office sets count and unit
    ours        the desk's own duty, not an officer's route
    file_with   with whom to file; empty where the office has to say it
    """

    id: str
    trigger: str
    sense: Sense
    count: int | None
    unit: Unit
    rolls: bool
    basis: str
    verified: bool
    chapter71: bool
    configured: bool
    ours: bool
    file_with: str


@dataclass(frozen=True, slots=True)
class Election:
    """Routes of which the first one filed shuts the others."""

    id: str
    routes: tuple[str, ...]
    basis: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """One regime. `notes` are keys of sentences; `country` names the holidays of the library."""

    id: str
    as_of: str
    chapter71: str
    disputed: bool
    notes: tuple[str, ...]
    country: str
    routes: tuple[Route, ...]
    elections: tuple[Election, ...]

    def route(self, untrusted: str) -> Route:
        """Return the route of this id; raises NoSuchRoute."""
        name = untrusted.strip().lower()
        found = next((route for route in self.routes if route.id == name), None)
        if found is None:
            raise NoSuchRoute(self.id, untrusted[:40], ", ".join(route.id for route in self.routes))
        return found

    def standing(self, route: Route) -> Standing:
        """Return whether this regime knows the route."""
        if not route.chapter71 or self.chapter71 == "in_force":
            return Standing.OPEN
        return Standing.DISPUTED if self.disputed else Standing.CLOSED

    def elections_of(self, route: Route) -> tuple[Election, ...]:
        """Return the elections that a route is part of, also where the profile has closed one of them.

        The page leaves those out that nobody can choose; here somebody is about to say that they filed.
        """
        return tuple(election for election in self.elections if route.id in election.routes)


def _route(entry: dict[str, Any]) -> Route:
    return Route(
        id=entry["id"],
        trigger=entry["trigger"],
        sense=Sense(entry["sense"]),
        count=entry["count"],
        unit=Unit(entry["unit"]),
        rolls=entry["roll"] == "next_workday",
        basis=entry["basis"],
        verified=entry["verified"],
        chapter71=entry.get("needs") == "chapter71",
        configured=entry.get("configured", False),
        ours=entry.get("owner") == "desk",
        file_with=entry.get("file_with", ""),
    )


@functools.cache
def load_profile(name: str) -> Profile:
    """Return a profile that comes with the program; raises NoSuchProfile."""
    if name not in profile_names():
        raise NoSuchProfile(name[:40], ", ".join(profile_names()))
    data = json.loads(resources.files("intake").joinpath("deadlines", f"{name}.json").read_bytes())
    return Profile(
        id=data["profile"],
        as_of=data["as_of"],
        chapter71=data["chapter71"],
        disputed=data["disputed"],
        notes=tuple(data["notes"]),
        country=data["holidays"]["country"],
        routes=tuple(map(_route, data["routes"])),
        elections=tuple(Election(e["id"], tuple(e["routes"]), e["basis"], e["verified"]) for e in data["elections"]),
    )


@functools.cache
def profile_names() -> tuple[str, ...]:
    """Return the profiles that come with the program."""
    folder = resources.files("intake").joinpath("deadlines")
    return tuple(sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json")))


@functools.cache
def page_profile() -> str:
    """Return the profile that the page counts by: what a desk uses until it has chosen one."""
    folder = resources.files("intake").joinpath("questionnaires")
    files = [folder.joinpath(f"{name}.json") for name in shipped_questionnaires()]
    named = {json.loads(file.read_bytes())["deadlines"] for file in files}
    return str(max(named))
