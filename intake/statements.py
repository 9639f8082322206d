# SPDX-License-Identifier: AGPL-3.0-or-later
"""Statements that hand a root on, as files: handed-on-NUMBER.txt, the old root's .sig, the new root's .new.sig."""

from pathlib import Path

from crypto.handedon import MAX_STATEMENT_BYTES, MAX_STATEMENTS, Roots, roots_after
from crypto.signature import SIGNATURE_CHARACTERS, PublicKey
from intake.files import read

PATTERN = "handed-on-*.txt"
KEPT = "handed-on"  # in one piece, where a portal or a courier keeps them
ENDINGS = (".sig", ".new.sig")
MAX_KEPT_BYTES = MAX_STATEMENTS * (MAX_STATEMENT_BYTES + 2 * SIGNATURE_CHARACTERS)


def statement_files(folder: Path, *, follow: bool = True) -> dict[str, bytes]:
    """Return the statements of a public folder and their signatures, by file name. Raises FileMissing, FileTooLong.

    follow  as in intake.files: on a stick a link is no file
    """
    found = {}
    for path in sorted(folder.glob(PATTERN))[:MAX_STATEMENTS]:
        found[path.name] = read(path, MAX_STATEMENT_BYTES, follow=follow)
        for name in (path.name + ending for ending in ENDINGS):
            found[name] = read(folder / name, SIGNATURE_CHARACTERS, follow=follow)
    return found


def read_statements(folder: Path, *, follow: bool = True) -> bytes:
    """Return every statement of a public folder with its signatures, back to back. Raises as `statement_files`."""
    return b"".join(statement_files(folder, follow=follow).values())


def kept_roots(folder: Path, first: PublicKey) -> Roots:
    """Return the roots of the office that a folder is of: `first`, and what was handed on since. Raises Untrusted."""
    path = folder / KEPT
    return roots_after(read(path, MAX_KEPT_BYTES), first) if path.exists() else Roots(first)
