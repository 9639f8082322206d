# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each person's keys: secret files that stay with them, and the public half that goes to the root. Values only.

Weekly identities come from fresh randomness, never from one another: destroying a week destroys it (FORMAT.md 2.4, 4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from crypto.errors import CryptoError
from crypto.recipient import Recipient
from crypto.secret.identity import HybridIdentity
from crypto.secret.secretfile import WORK_FACTOR, seal_secret
from crypto.signature import SigningKey
from desk.halves import Half, HolderWeek, Role

CUSTODIAN, COUNSEL, RECOVERY, COUNSEL_RECOVERY = "custodian", "counsel", "recovery", "counsel-recovery"
RAW_READERS = (CUSTODIAN, COUNSEL, COUNSEL_RECOVERY)  # those who also have a long-lived key for raw words
THROWAWAY_WORK_FACTOR = 10  # a thousandth of a second: tests and demonstrations
MARK = "# THROWAWAY OFFICE: protects nobody\n"

Batch = Mapping[date, HybridIdentity]  # by the week's Monday, in the order of the weeks


@dataclass(frozen=True, slots=True)
class Made:
    """Secret files by name, and the public half."""

    secret: dict[str, bytes]
    half: Half


@dataclass(frozen=True, slots=True)
class Sealer:
    """How secret files are sealed: one passphrase, and the work factor of the office. Its `repr` shows nothing."""

    passphrase: str
    throwaway: bool

    def seal(self, text: str) -> bytes:
        """Return a secret file of this text."""
        work_factor = THROWAWAY_WORK_FACTOR if self.throwaway else WORK_FACTOR
        mark = MARK if self.throwaway else ""
        return seal_secret((mark + text).encode("ascii"), self.passphrase, work_factor=work_factor)

    def __repr__(self) -> str:
        return "Sealer(...)"


def make_holder(name: str, firsts: Sequence[date], sealer: Sealer, raw: Recipient | None = None) -> Made:
    """Return a holder's batch: one identity for each week that begins on a day of `firsts`.

    raw  the long-lived recipient they have already; without it, custodian and counsel get a new one
    """
    batch = {first: HybridIdentity.generate() for first in firsts}
    secret = {f"holder-{name}.age": sealer.seal(batch_text(batch))}
    if raw is None and name in RAW_READERS:
        long_lived = make_raw_key(name, sealer)
        secret |= long_lived.secret
        raw = long_lived.half.raw
    return Made(secret, Half(Role.HOLDER, name, sealer.throwaway, raw=raw, weeks=weeks_of(batch)))


def weeks_of(batch: Batch) -> tuple[HolderWeek, ...]:
    """Return the public half of a batch."""
    return tuple(HolderWeek(first, identity.recipient) for first, identity in batch.items())


def batch_text(batch: Batch) -> str:
    """Return a batch as the secret file has it: each identity under the line that says its week."""
    weeks = ((HolderWeek(first, identity.recipient), identity) for first, identity in batch.items())
    return "".join(f"# week {week.first} {week.last}\n{identity.text}\n" for week, identity in weeks)


def read_batch(text: str) -> Batch:
    """Return the batch of a secret file's text. Raises ValueError for anything `batch_text` would not write."""
    lines = text.removeprefix(MARK).split("\n")[:-1]
    try:
        batch = {
            date.fromisoformat(head.split(" ")[2]): HybridIdentity.parse(identity)
            for head, identity in zip(lines[::2], lines[1::2], strict=True)
        }
    except (CryptoError, IndexError) as error:
        raise ValueError("not a batch") from error
    if not batch or batch_text(batch) != text.removeprefix(MARK):
        raise ValueError("not a batch as it is written")
    return batch


def make_raw_key(name: str, sealer: Sealer) -> Made:
    """Return a long-lived key for raw words in the vault."""
    identity = HybridIdentity.generate()
    secret = {f"{name}.age": sealer.seal(f"# {name}, for raw text\n{identity.text}\n")}
    return Made(secret, Half(Role.COUNSEL, name, sealer.throwaway, raw=identity.recipient))


def make_desk_key(sealer: Sealer) -> Made:
    """Return the desk's signing key."""
    key = SigningKey.generate()
    return Made({"desk.age": sealer.seal(key_text(key))}, Half(Role.DESK, "desk", sealer.throwaway, key.public))


def make_courier_key(passphrase: str, throwaway: bool) -> Made:
    """Return a courier's key, an OpenSSH file under its own passphrase."""
    key = SigningKey.generate()
    return Made({"courier.key": key.to_openssh(passphrase)}, Half(Role.COURIER, "courier", throwaway, key.public))


def key_text(key: SigningKey) -> str:
    """Return a signing key as text, to be sealed."""
    return key.to_openssh(None).decode("ascii")
