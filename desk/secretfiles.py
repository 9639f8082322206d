# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ceremony's secret files, opened: signing keys and identities."""

from pathlib import Path

from crypto.errors import CryptoError, WrongPassphrase
from crypto.secret.identity import HybridIdentity
from crypto.secret.secretfile import open_secret
from crypto.signature import SigningKey
from desk.errors import NotSetUp, OfficeMismatch, WrongKeyPassphrase
from desk.passphrase import Passphrases
from intake import files
from intake.limits import KEY_FILE_MAX_BYTES

THROWAWAY_MARK = b"# THROWAWAY OFFICE"
MAX_IDENTITIES = 60  # a year of weeks


def _open(path: Path, passphrases: Passphrases) -> bytes:
    sealed = files.read(path, KEY_FILE_MAX_BYTES)

    def attempt(passphrase: str) -> bytes:
        try:
            return open_secret(sealed, passphrase)
        except WrongPassphrase:
            raise WrongKeyPassphrase(path.name) from None
        except CryptoError:
            raise NotSetUp(path.name) from None

    return passphrases.opened(f"of {path.name}", attempt)


def open_identities(path: Path, passphrases: Passphrases) -> tuple[HybridIdentity, ...]:
    """Return the identities of a file, one a line, comments skipped.

    Raises FileMissing, WrongKeyPassphrase, NotSetUp.
    """
    lines = _open(path, passphrases).decode("ascii", "replace").splitlines()
    words = [line for line in lines if line and not line.startswith("#")]
    try:
        identities = tuple(HybridIdentity.parse(word) for word in words[:MAX_IDENTITIES])
    except CryptoError:
        raise NotSetUp(path.name) from None
    if not identities:
        raise NotSetUp(path.name)
    return identities


def open_signing_key(path: Path, passphrases: Passphrases) -> SigningKey:
    """Return the signing key of a file.

    Raises FileMissing, WrongKeyPassphrase, NotSetUp, and OfficeMismatch where the file and the office do not agree on
    being throwaway: the mark is under the passphrase, where nobody else can change it.
    """
    try:
        lines = _open(path, passphrases).splitlines(keepends=True)
        if any(line.startswith(THROWAWAY_MARK) for line in lines) != passphrases.throwaway:
            raise OfficeMismatch(path.name, "one of the two is throwaway, the other is not")
        return SigningKey.from_openssh(b"".join(line for line in lines if not line.startswith(b"#")), None)
    except CryptoError:
        raise NotSetUp(path.name) from None
