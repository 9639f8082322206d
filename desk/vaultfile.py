# SPDX-License-Identifier: AGPL-3.0-or-later
"""vault.json: how each person's passphrase becomes the vault's key and their own. Not secret, not trusted when read.

One door per person: a salt, and the vault's key with the person's signing seed, sealed under Argon2id of their
passphrase. Nobody shares a passphrase, and nobody who opens the vault finds another's signing key in it. The file
says how many people there are, and not who they are.
"""

import json
import re
import unicodedata
from dataclasses import dataclass, replace

from crypto.primitives import argon2id, chacha_open, chacha_seal, random_bytes
from desk.errors import TooManyDoors, VaultFileRefused

MIB = 1 << 20
SALT_BYTES, KEY_BYTES, SEED_BYTES, TAG_BYTES = 16, 32, 32, 16
FLOOR_MIB, FLOOR_PASSES = 256, 3  # what a real office has, and never less
THROWAWAY_MIB, THROWAWAY_PASSES = 8, 1  # so that a demonstration starts at once
CEILING_MIB, CEILING_PASSES = 1024, 10  # a tampered file cannot ask for an absurd amount
MAX_DOORS = 12
MAX_BYTES = 5000
NAMES = {"doors", "kdf", "memory_mib", "passes", "throwaway", "v"}
_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)
_NONCE = bytes(12)  # each key seals once: its salt is new


@dataclass(frozen=True, slots=True)
class Keys:
    """What a passphrase opens: the database's key, and the seed of this person's signing key."""

    vault: bytes
    seed: bytes


@dataclass(frozen=True, slots=True)
class Door:
    """One person's way in. `key` is the fingerprint of their signing key."""

    key: str
    salt: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class VaultFile:
    """The cost of Argon2id, whether the office is a throwaway one, and a door for each person."""

    memory_mib: int
    passes: int
    throwaway: bool
    doors: tuple[Door, ...] = ()

    @classmethod
    def make(cls, *, throwaway: bool) -> "VaultFile":
        """Return the parameters of a new vault, which nobody can open yet."""
        if throwaway:
            return cls(THROWAWAY_MIB, THROWAWAY_PASSES, True)
        return cls(FLOOR_MIB, FLOOR_PASSES, False)

    def with_door(self, passphrase: str, key: str, keys: Keys) -> "VaultFile":
        """Return the file with one more way in. Raises TooManyDoors."""
        if len(self.doors) == MAX_DOORS:
            raise TooManyDoors(MAX_DOORS)
        salt = random_bytes(SALT_BYTES)
        sealed = chacha_seal(self._stretched(passphrase, salt), _NONCE, keys.vault + keys.seed)
        return replace(self, doors=(*self.doors, Door(key, salt, sealed)))

    def without_door(self, key: str) -> "VaultFile":
        """Return the file without a person's way in."""
        return replace(self, doors=tuple(door for door in self.doors if door.key != key))

    def opened(self, passphrase: str) -> Keys | None:
        """Return what is behind the door that a passphrase opens; None if it opens none."""
        for door in self.doors:
            plain = chacha_open(self._stretched(passphrase, door.salt), _NONCE, door.sealed)
            if plain is not None:
                return Keys(plain[:KEY_BYTES], plain[KEY_BYTES:])
        return None

    def _stretched(self, passphrase: str, salt: bytes) -> bytes:
        secret = unicodedata.normalize("NFC", passphrase).encode()  # so that keyboards agree
        try:
            return argon2id(secret, salt, ops=self.passes, memory_bytes=self.memory_mib * MIB)
        except ValueError:
            raise VaultFileRefused(f"this machine has not the {self.memory_mib} MiB of memory it asks for") from None


def write_vault_file(file: VaultFile) -> bytes:
    """Return the bytes of vault.json."""
    body = {
        "v": 2,
        "kdf": "argon2id",
        "memory_mib": file.memory_mib,
        "passes": file.passes,
        "doors": [{"key": door.key, "salt": door.salt.hex(), "sealed": door.sealed.hex()} for door in file.doors],
        "throwaway": file.throwaway,
    }
    return json.dumps(body, sort_keys=True, indent=1).encode() + b"\n"


def _whole(body: dict[str, object], name: str, least: int, most: int) -> int:
    value = body[name]
    if type(value) is not int or not least <= value <= most:
        raise VaultFileRefused(f"{name} is not between {least} and {most}")
    return value


def _door(body: dict[str, str]) -> Door:
    door = Door(body["key"], bytes.fromhex(body["salt"]), bytes.fromhex(body["sealed"]))
    if (
        len(body) != 3
        or not _KEY.fullmatch(door.key)
        or len(door.salt) != SALT_BYTES
        or len(door.sealed) != KEY_BYTES + SEED_BYTES + TAG_BYTES
    ):
        raise ValueError
    return door


def read_vault_file(untrusted: bytes) -> VaultFile:
    """Return what vault.json says; raises VaultFileRefused for a cost below the floor or above the ceiling."""
    try:
        body = json.loads(untrusted.decode("ascii"))
        if not isinstance(body, dict) or set(body) != NAMES or body["v"] != 2 or body["kdf"] != "argon2id":
            raise ValueError
        throwaway, doors = body["throwaway"], tuple(_door(door) for door in body["doors"])
        if type(throwaway) is not bool or not 1 <= len(doors) <= MAX_DOORS:
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise VaultFileRefused("it is not the file that desk init makes") from None
    memory = _whole(body, "memory_mib", THROWAWAY_MIB if throwaway else FLOOR_MIB, CEILING_MIB)
    passes = _whole(body, "passes", THROWAWAY_PASSES if throwaway else FLOOR_PASSES, CEILING_PASSES)
    return VaultFile(memory, passes, throwaway, doors)
