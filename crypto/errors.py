# SPDX-License-Identifier: AGPL-3.0-or-later
"""The outcomes that are not good, kept apart: malformed, not for us, broken, untrusted."""


class CryptoError(Exception):
    """Base of all. `fault` is a fault word of FORMAT.md; the text is one sentence that repeats no input."""

    def __init__(self, fault: str, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault


class Malformed(CryptoError):
    """The bytes do not have the exact shape that FORMAT.md asks for."""


class NotForUs(CryptoError):
    """None of the identities opens it: try other keys."""


class Broken(CryptoError):
    """One of our identities opens it, and it has been altered: stop, and keep the bytes."""


class Untrusted(CryptoError):
    """A signature, or a rule of the key list, does not hold."""


class WrongPassphrase(CryptoError):
    """The passphrase does not open the secret file."""
