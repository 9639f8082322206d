# SPDX-License-Identifier: AGPL-3.0-or-later
"""Faults in words, for people. The fault words are those of crypto/FORMAT.md, and two of the desk's own."""

ID_TAKEN = "letter-id"
DESK_ERROR = "desk-error"
NO_MATCH = "no-match"

WORDS = {
    "size": "not of the length of an envelope",
    "version": "not an age file of version 1",
    "header-size": "its header does not end within 16 KiB",
    "stanza": "a stanza of its header is malformed",
    "recipient-type": "sealed to another kind of key than the page uses",
    "slots": "sealed to another number of keys than the key list has",
    "mac": "the last line of its header is malformed",
    NO_MATCH: "opened by none of our keys: junk, or sealed to a week already destroyed",
    "header-mac": "sealed to us, and its header was altered",
    "payload": "sealed to us, and its contents were altered or cut",
    "letter-encoding": "it opened, and does not hold the text of a letter",
    "letter-json": "it opened, and its text is not strict JSON",
    "letter-version": "written by a newer page: needs a newer desk, kept",
    "letter-fields": "it opened, and its fields are not those of a letter",
    "letter-questionnaire": "it answers a questionnaire that this office does not use",
    "letter-answers": "an answer or a consent is none of those offered",
    ID_TAKEN: "it has the id of another report, with other words",
    DESK_ERROR: "this program failed on it: keep it for a newer one",
    "bundle-grammar": "not written as a bundle",
    "bundle-signature": "not signed by our portal",
    "bundle-desk": "made for another desk",
    "bundle-fork": "it does not follow from the bundles this desk has received",
    "bundle-day": "set the clock if it is behind; if the portal's is ahead, ask whoever runs the portal",
    "bundle-contents": "cut, altered, or longer than it says",
}


def in_words(fault: str) -> str:
    """Return a fault as a clause for a person."""
    return WORDS.get(fault, "a fault that this program does not know")
