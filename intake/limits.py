# SPDX-License-Identifier: AGPL-3.0-or-later
"""Limits that several programs share, each with its unit and its reason."""

KIB = 1_024
MIB = 1_024 * KIB

LETTER_JSON_DEPTH = 8  # FORMAT.md 6: an honest letter has 3
LETTER_INTEGER_DIGITS = 15  # FORMAT.md 6: exact in every JSON reader

MANIFEST_MAX_BYTES = 16 * MIB  # FORMAT.md 7: about 190,000 envelopes
BUNDLE_MAX_ENVELOPES = 50_000  # about 1 GiB; what is left comes with the next pull after this one is held
ACKNOWLEDGEMENT_MAX_BYTES = 16 * MIB  # as many digests as a manifest has
OFFICE_MAX_BYTES = 64 * KIB  # office.json with some hundred regions and contacts
KEY_FILE_MAX_BYTES = 64 * KIB  # a secret file with 13 weekly identities has about 2 KiB
PASSPHRASE_MAX_BYTES = 1_000  # OpenSSH key files take no more than 1,023
PASSPHRASE_MIN_CHARACTERS = 12  # for what a person types; a wordlist phrase of six words has more

REQUEST_FRESH_SECONDS = 300  # FORMAT.md 10
