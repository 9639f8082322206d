# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one door for files: written whole or not at all, private by default, never through a link or over another."""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from intake.errors import Exit, UndersealError

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class FileThere(UndersealError):
    """{} is there already, and nothing was overwritten"""


class FileMissing(UndersealError):
    """{} is not there, or is not a readable file"""

    exit_code = Exit.MISSING


class FileTooLong(UndersealError):
    """{} is longer than a file of its kind can be"""


class NotStored(UndersealError):
    """{} could not be written: {}"""

    exit_code = Exit.STORAGE


def read(path: Path, max_bytes: int, *, follow: bool = True) -> bytes:
    """Return the contents of a regular file of at most `max_bytes`. Raises FileMissing or FileTooLong."""
    try:
        with opened(path, follow=follow) as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise FileMissing(path.name) from error
    if len(data) > max_bytes:
        raise FileTooLong(path.name)
    return data


@contextlib.contextmanager
def opened(path: Path, *, follow: bool = True) -> Iterator[BinaryIO]:
    """Yield a regular file for reading piece by piece. Raises FileMissing for anything else, a pipe or device too.

    follow  whether a link counts as the file it leads to; on a stick that strangers may have held it does not
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    except OSError as error:
        raise FileMissing(path.name) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileMissing(path.name)
    with os.fdopen(descriptor, "rb") as file:
        yield file


@contextlib.contextmanager
def locked(path: Path, *, wait: bool, note: bytes = b"") -> Iterator[None]:
    """Hold the lock file at `path`; the kernel lets go of it when the process ends, however it ends.

    note  written into the file for whoever is refused
    Raises BlockingIOError when another holds it and `wait` is false, or NotStored.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotStored(path.name, _reason(error)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        if note:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note, 0)
        yield
    finally:
        os.close(descriptor)


def has_terminal() -> bool:
    """Return whether a person's terminal is there to ask."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def silence_output() -> None:
    """Send what is left of standard output nowhere: whoever read it has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def make_folder(path: Path, mode: int = 0o700) -> None:
    """Make a folder, and those above it, unless it is there. Raises NotStored."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise NotStored(path.name, _reason(error)) from error


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file that was not there; after this returns it is on stable storage. Raises FileThere or NotStored."""
    with new_file(path, mode) as file:
        file.write(data)


def replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file in place of what was there: a reader sees the old or the new contents whole. Raises NotStored."""
    with _written(path, mode) as (file, temporary):
        file.write(data)
        _finish(file)
        temporary.replace(path)


def is_locked_away(path: Path) -> bool:
    """Return whether a file is on a file system that can only be read, now. Changes nothing, no time either.

    An error below may lock a file system that is still mounted for writing, and that says so nowhere else.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC))
    except OSError as error:
        return error.errno == errno.EROFS
    return False


def reserve(path: Path, count: int) -> None:
    """Give a file of no content exactly `count` bytes on the disk, so that nobody else has them; 0 gives them back.

    Raises NotStored where there is not so much room; the file is empty then.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotStored(path.name, _reason(error)) from error
    try:
        os.ftruncate(descriptor, 0)
        if count:
            os.posix_fallocate(descriptor, 0, count)
        os.fsync(descriptor)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
        raise NotStored(path.name, _reason(error)) from error
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def destroying(path: Path, left: bytes | None) -> Iterator[None]:
    """Have what is left of a file ready beside it, put it in the file's place when the block ends well, and overwrite
    the old bytes where they lie. With nothing left the file goes.

    A reader sees the old or the new contents whole, whenever the program ends. Overwriting reaches other names of the
    same file, and not what a drive, a snapshot or a copy still keeps. Raises NotStored, also for a link.
    """
    try:
        old = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise NotStored(path.name, _reason(error)) from error
    try:
        with contextlib.ExitStack() as ready:
            if left is not None:
                file, temporary = ready.enter_context(_written(path, stat.S_IMODE(os.fstat(old).st_mode)))
                file.write(left)
                _finish(file)
            yield
            try:
                if left is None:
                    path.unlink()
                else:
                    temporary.replace(path)
                _sync_folder(path.parent)
            except OSError as error:
                raise NotStored(path.name, _reason(error)) from error
        _overwrite(old)
    finally:
        os.close(old)


@contextlib.contextmanager
def new_file(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Yield a file that appears under its name, durable, when the block ends well, and not at all when it does not.

    Raises FileThere (before the block runs, and again if someone else makes the file meanwhile) or NotStored.
    """
    if path.exists() or path.is_symlink():
        raise FileThere(path.name)
    with _written(path, mode) as (file, temporary):
        yield file
        _finish(file)
        try:
            os.link(temporary, path, follow_symlinks=False)
        except FileExistsError as error:
            raise FileThere(path.name) from error
        except OSError:  # sticks are often FAT, which has no links: look once more, then rename
            if path.exists():
                raise FileThere(path.name) from None
            temporary.rename(path)


@contextlib.contextmanager
def _written(path: Path, mode: int) -> Iterator[tuple[BinaryIO, Path]]:
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(temporary, _NEW, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file, temporary
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise NotStored(path.name, _reason(error)) from error


def _finish(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _overwrite(descriptor: int) -> None:
    """Write noise over a file that has no name any more. Where that fails, its name is gone all the same."""
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, secrets.token_bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
