# SPDX-License-Identifier: AGPL-3.0-or-later
"""The verbs about the people at a desk: people, join, roles, leave."""

from pathlib import Path

import click

from desk import people
from desk.errors import NameRefused
from desk.roles import Person, Role, person_named, read_roles
from desk.roles import people as everybody
from desk.session import JSON, VOICE, Where, with_desk
from intake.console import one_line

MAX_NAME_CHARACTERS = 80
ROLES = click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    help="What this person may do; repeat it.",
)
NAME = click.argument("name")


def checked_name(name: str) -> str:
    """Return a person's name. Raises NameRefused."""
    if not 1 <= len(name.strip()) <= MAX_NAME_CHARACTERS or one_line(name) != name:
        raise NameRefused
    return name.strip()


def _row(person: Person) -> tuple[str, ...]:
    return person.name, person.fingerprint, ", ".join(role for role in Role if role in person.roles) or "none"


@click.command("people")
@JSON
@with_desk
def people_(where: Where, as_json: bool) -> None:
    """Show who has joined this desk, with which roles.

    \b
    Example:
      underseal desk people
    """
    with where.open() as here:
        found = everybody(here.vault)
    if as_json:
        VOICE.answer_json([{"name": p.name, "key": p.fingerprint, "roles": sorted(p.roles)} for p in found])
        return
    VOICE.table(("name", "signs as", "roles"), [_row(person) for person in found])


@click.command()
@NAME
@ROLES
@click.option("--new-passphrase-file", type=click.Path(path_type=Path), help="Their passphrase (throwaway only).")
@with_desk
def join(where: Where, name: str, roles: tuple[str, ...], new_passphrase_file: Path | None) -> None:
    """Let another person open this vault, with a passphrase and a signing key of their own.

    You open the vault; then they type their passphrase, twice, unseen by you.

    \b
    Example:
      underseal desk join "B. Coder" --role coder
    """
    name = checked_name(name)
    with where.open() as here:
        made = people.join(here, where.folder, name, read_roles(" ".join(roles)), new_passphrase_file)
    VOICE.say(f"{name} may open this vault, and signs as {made.fingerprint}")


@click.command("roles")
@NAME
@ROLES
@with_desk
def roles_(where: Where, name: str, roles: tuple[str, ...]) -> None:
    """Set what a person may do: these roles and no others.

    \b
    Example:
      underseal desk roles "B. Coder" --role coder --role adjudicator
    """
    with where.open() as here:
        person = person_named(here.vault, where.folder, name)
        changed = people.set_roles(here.vault, where.folder, person, read_roles(" ".join(roles)))
    VOICE.say(f"{name} is {', '.join(roles) or 'without a role'}" if changed else "nothing changed")


@click.command()
@NAME
@with_desk
def leave(where: Where, name: str) -> None:
    """Take a person's roles, and close their door. Nothing of theirs is needed for it.

    What they did stays in the log, and their name with it. A copy of the vault that they kept still opens with their
    passphrase.

    \b
    Example:
      underseal desk leave "B. Coder"
    """
    with where.open() as here:
        person = person_named(here.vault, where.folder, name)
        people.leave(here.vault, where.folder, person)
    VOICE.say(f"{name} can no longer open this vault, and has no role")


VERBS = (people_, join, roles_, leave)
