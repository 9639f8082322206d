# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ceremony's secret files, opened: signing keys and identities."""

from dataclasses import dataclass
from pathlib import Path

from crypto.errors import CryptoError, WrongPassphrase
from crypto.secret.identity import HybridIdentity
from crypto.secret.secretfile import open_secret
from crypto.signature import SigningKey
from desk.errors import BatchRefused, HolderForeign, NotSetUp, OfficeMismatch, WrongKeyPassphrase
from desk.keymaking import Batch, Sealer, read_batch
from desk.passphrase import Passphrases
from desk.settings import Published
from intake import files
from intake.limits import KEY_FILE_MAX_BYTES

THROWAWAY_MARK = b"# THROWAWAY OFFICE"
MAX_IDENTITIES = 60  # a year of weeks


@dataclass(frozen=True, slots=True, repr=False)
class HolderFile:
    """A holder's file, opened, and what seals its text again under the same passphrase."""

    path: Path
    batch: Batch
    sealer: Sealer


def _open(path: Path, passphrases: Passphrases) -> tuple[bytes, str]:
    """Return what a file holds, and the passphrase that opened it."""
    sealed = files.read(path, KEY_FILE_MAX_BYTES)

    def attempt(passphrase: str) -> tuple[bytes, str]:
        try:
            return open_secret(sealed, passphrase), passphrase
        except WrongPassphrase:
            raise WrongKeyPassphrase(path.name) from None
        except CryptoError:
            raise NotSetUp(path.name) from None

    return passphrases.opened(f"of {path.name}", attempt)


def open_identities(path: Path, passphrases: Passphrases) -> tuple[HybridIdentity, ...]:
    """Return the identities of a file, one a line, comments skipped.

    Raises FileMissing, WrongKeyPassphrase, NotSetUp.
    """
    lines = _open(path, passphrases)[0].decode("ascii", "replace").splitlines()
    words = [line for line in lines if line and not line.startswith("#")]
    try:
        identities = tuple(HybridIdentity.parse(word) for word in words[:MAX_IDENTITIES])
    except CryptoError:
        raise NotSetUp(path.name) from None
    if not identities:
        raise NotSetUp(path.name)
    return identities


def open_holder(path: Path, passphrases: Passphrases) -> HolderFile:
    """Return a holder's batch, each identity with its week.

    Raises FileMissing, WrongKeyPassphrase, NotSetUp, OfficeMismatch, and BatchRefused for a file that is not as
    `underseal keys holder` writes it: nothing says then which week an identity is of.
    """
    plaintext, passphrase = _open(path, passphrases)
    _check_mark(path, plaintext, passphrases)
    try:
        batch = read_batch(plaintext.decode("ascii", "replace"))
    except ValueError:
        raise BatchRefused(path.name) from None
    return HolderFile(path, batch, Sealer(passphrase, passphrases.throwaway))


def open_ours(path: Path, passphrases: Passphrases, published: Published, folder: Path) -> HolderFile:
    """Return a holder's batch that belongs to what a signing published: a person may hold keys of two offices.

    Raises HolderForeign, and what `open_holder` raises.
    """
    file = open_holder(path, passphrases)
    if not {identity.recipient for identity in file.batch.values()} & published.weekly:
        raise HolderForeign(path.name, folder.name)
    return file


def _check_mark(path: Path, plaintext: bytes, passphrases: Passphrases) -> None:
    """Raise OfficeMismatch where the file and the office do not agree on being throwaway.

    The mark is under the passphrase, where nobody else can change it.
    """
    if any(line.startswith(THROWAWAY_MARK) for line in plaintext.splitlines()) != passphrases.throwaway:
        raise OfficeMismatch(path.name, "one of the two is throwaway, the other is not")


def open_signing_key(path: Path, passphrases: Passphrases) -> SigningKey:
    """Return the signing key of a file.

    Raises FileMissing, WrongKeyPassphrase, NotSetUp, OfficeMismatch.
    """
    try:
        plaintext, _ = _open(path, passphrases)
        _check_mark(path, plaintext, passphrases)
        lines = plaintext.splitlines(keepends=True)
        return SigningKey.from_openssh(b"".join(line for line in lines if not line.startswith(b"#")), None)
    except CryptoError:
        raise NotSetUp(path.name) from None
