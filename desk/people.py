# SPDX-License-Identifier: AGPL-3.0-or-later
"""People of a desk: who joins, with which roles, and who leaves. Each person has a door, a key and a chain."""

from pathlib import Path

from crypto.signature import PublicKey, SigningKey
from desk.decisions import after
from desk.errors import LastCustodian, NameTaken, OwnDoor, PassphraseTaken
from desk.events import Kind
from desk.keeping_errors import OwnRoles
from desk.passphrase import Passphrases
from desk.roles import Act, Person, Role, folded, people, refuse_unless, role_decisions, written
from desk.second import Guarded, agreed, guarded, use_up
from desk.session import Desk
from desk.vault import VAULT_JSON, Vault, read_header
from desk.vault import join as begin_chain
from desk.vaultfile import Keys, write_vault_file
from intake import files

TRUSTED = frozenset({Role.CUSTODIAN, Role.APPROVER, Role.COUNSEL})  # given by two people where anything needs two


def join(here: Desk, folder: Path, name: str, roles: frozenset[Role], passphrase_file: Path | None) -> PublicKey:
    """Make a key, a chain and a door for a new person, and return the key.

    The chain is there before the door, and the roles come after it: a run that is cut leaves nobody who can enter and
    is unknown, and nobody who has a role and cannot enter.
    A name is taken while somebody with a door has it; who has left, or never got a door, keeps it from nobody.
    Raises RoleMissing, NameTaken, SecondNeeded, PassphraseTaken, TooManyDoors.
    """
    vault = here.vault
    refuse_unless(vault, Act.PEOPLE)
    if folded(name) in {folded(person.name) for person in _inside(vault, folder)}:
        raise NameTaken
    agreement = agreed(vault, Guarded.PEOPLE, {"join": name, "roles": written(roles)}) if roles & TRUSTED else None
    file, key = read_header(folder), SigningKey.generate()
    passphrase = Passphrases(passphrase_file, file.throwaway).new(f"of {name}, for the vault")
    if file.opened(passphrase) is not None:
        raise PassphraseTaken
    more = file.with_door(passphrase, key.public.fingerprint, Keys(vault.database_key, key.seed))
    with vault.writing() as writer:
        begin_chain(writer.connection, key, name, vault.day)
    files.replace(folder / VAULT_JSON, write_vault_file(more))
    with vault.writing() as writer:
        use_up(writer, agreement)
        writer.record(Kind.ROLES, member=key.public.fingerprint, roles=written(roles), after=None)
    return key.public


def _inside(vault: Vault, folder: Path) -> list[Person]:
    """Return everybody who has a door."""
    doors = {door.key for door in read_header(folder).doors}
    return [person for person in people(vault) if person.fingerprint in doors]


def set_roles(vault: Vault, folder: Path, person: Person, roles: frozenset[Role]) -> bool:
    """Give a person these roles and no others; return False where they have them.

    Raises RoleMissing, LastCustodian; where anything needs two people, OwnRoles and SecondNeeded as well.
    """
    refuse_unless(vault, Act.PEOPLE)
    if roles == person.roles:
        return False
    others = [other for other in _inside(vault, folder) if other.fingerprint != person.fingerprint]
    if Role.CUSTODIAN not in roles and not any(Role.CUSTODIAN in other.roles for other in others):
        raise LastCustodian
    if roles - person.roles and person.fingerprint == vault.reviewer and guarded(vault):
        raise OwnRoles
    what = {"person": person.name, "key": person.fingerprint, "roles": written(roles)}
    agreement = agreed(vault, Guarded.PEOPLE, what) if (roles - person.roles) & TRUSTED else None
    with vault.writing() as writer:
        use_up(writer, agreement)
        stands = after(role_decisions(writer.connection).get(person.fingerprint, []))
        writer.record(Kind.ROLES, member=person.fingerprint, roles=written(roles), after=stands)
    return True


def leave(vault: Vault, folder: Path, person: Person) -> None:
    """Take a person's roles, then their door. Raises RoleMissing, LastCustodian, OwnDoor."""
    refuse_unless(vault, Act.PEOPLE)
    if person.fingerprint == vault.reviewer:
        raise OwnDoor
    set_roles(vault, folder, person, frozenset())
    files.replace(folder / VAULT_JSON, write_vault_file(read_header(folder).without_door(person.fingerprint)))
