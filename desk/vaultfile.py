# SPDX-License-Identifier: AGPL-3.0-or-later
"""vault.json: how a passphrase becomes the vault's key. Not secret, and not trusted when read."""

import json
import unicodedata
from dataclasses import dataclass

from crypto.primitives import argon2id
from desk.errors import VaultFileRefused

MIB = 1 << 20
SALT_BYTES = 16
FLOOR_MIB, FLOOR_PASSES = 256, 3  # what a real office has, and never less
THROWAWAY_MIB, THROWAWAY_PASSES = 8, 1  # so that a demonstration starts at once
CEILING_MIB, CEILING_PASSES = 1024, 10  # a tampered file cannot ask for an absurd amount
MAX_BYTES = 1000
NAMES = {"kdf", "memory_mib", "passes", "salt", "throwaway", "v"}


@dataclass(frozen=True, slots=True)
class VaultFile:
    """The salt and cost of Argon2id, and whether the office is a throwaway one."""

    salt: bytes
    memory_mib: int
    passes: int
    throwaway: bool

    @classmethod
    def make(cls, salt: bytes, *, throwaway: bool) -> "VaultFile":
        """Return the parameters of a new vault."""
        if throwaway:
            return cls(salt, THROWAWAY_MIB, THROWAWAY_PASSES, True)
        return cls(salt, FLOOR_MIB, FLOOR_PASSES, False)

    def key(self, passphrase: str) -> bytes:
        """Return the 32-byte key for `passphrase` (read as NFC, so that keyboards agree)."""
        secret = unicodedata.normalize("NFC", passphrase).encode()
        try:
            return argon2id(secret, self.salt, ops=self.passes, memory_bytes=self.memory_mib * MIB)
        except ValueError:
            raise VaultFileRefused(f"this machine has not the {self.memory_mib} MiB of memory it asks for") from None


def write_vault_file(file: VaultFile) -> bytes:
    """Return the bytes of vault.json."""
    body = {
        "v": 1,
        "kdf": "argon2id",
        "memory_mib": file.memory_mib,
        "passes": file.passes,
        "salt": file.salt.hex(),
        "throwaway": file.throwaway,
    }
    return json.dumps(body, sort_keys=True, indent=1).encode() + b"\n"


def _whole(body: dict[str, object], name: str, least: int, most: int) -> int:
    value = body[name]
    if type(value) is not int or not least <= value <= most:
        raise VaultFileRefused(f"{name} is not between {least} and {most}")
    return value


def read_vault_file(untrusted: bytes) -> VaultFile:
    """Return what vault.json says; raises VaultFileRefused for a cost below the floor or above the ceiling."""
    try:
        body = json.loads(untrusted.decode("ascii"))
        if not isinstance(body, dict) or set(body) != NAMES or body["v"] != 1 or body["kdf"] != "argon2id":
            raise ValueError
        throwaway, salt = body["throwaway"], bytes.fromhex(body["salt"])
        if type(throwaway) is not bool or len(salt) != SALT_BYTES:
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise VaultFileRefused("it is not the file that desk init makes") from None
    memory = _whole(body, "memory_mib", THROWAWAY_MIB if throwaway else FLOOR_MIB, CEILING_MIB)
    passes = _whole(body, "passes", THROWAWAY_PASSES if throwaway else FLOOR_PASSES, CEILING_PASSES)
    return VaultFile(salt, memory, passes, throwaway)
