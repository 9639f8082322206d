# SPDX-License-Identifier: AGPL-3.0-or-later
"""A folder of new files: there whole, or not at all, and never in place of another."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from intake.files import FileThere, NotStored, make_folder, write_new

PUBLIC = 0o644
SECRET = 0o600

Files = Mapping[str, tuple[bytes, int]]


def public_files(files: Mapping[str, bytes], under: str = "") -> dict[str, tuple[bytes, int]]:
    """Return files that everybody may read, in a folder of that name."""
    return {under + name: (data, PUBLIC) for name, data in files.items()}


def secret_files(files: Mapping[str, bytes], under: str = "") -> dict[str, tuple[bytes, int]]:
    """Return files that only their owner may read, in a folder of that name."""
    return {under + name: (data, SECRET) for name, data in files.items()}


def write_folder(folder: Path, files: Files) -> None:
    """Write the files under a temporary name and give the folder its own when all are on stable storage.

    What is left under the temporary name, by this program or by one that was killed, is removed.
    Raises FileThere or NotStored.
    """
    refuse_there(folder)
    temporary = folder.with_name(f".{folder.name}.part")
    try:
        make_folder(folder.parent)
        _remove(temporary)
        temporary.mkdir(0o700)
        _fill(temporary, files)
        refuse_there(folder)
        temporary.rename(folder)
        os.sync()  # the name in the folder above, too
    except OSError as error:
        raise NotStored(folder.name, (error.strerror or "unknown reason").lower()) from error
    finally:
        with contextlib.suppress(OSError):
            _remove(temporary)


def _fill(folder: Path, files: Files) -> None:
    for name, (data, mode) in files.items():
        path = folder / name
        make_folder(path.parent)
        write_new(path, data, mode)


def refuse_there(folder: Path) -> None:
    """Raise FileThere if anything has this name."""
    if folder.exists() or folder.is_symlink():
        raise FileThere(folder.name or str(folder))


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    if not folder.exists():
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    folder.rmdir()
