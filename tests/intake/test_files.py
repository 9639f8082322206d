# SPDX-License-Identifier: AGPL-3.0-or-later
"""The door for files: whole or not at all, private, never through a link, never over another."""

import os
import stat

import pytest

from intake.files import FileMissing, FileThere, FileTooLong, NotStored, destroying, new_file, read, replace, write_new


def names(folder) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_new_file_is_private(tmp_path):
    """Mode 0600, whatever the umask allows."""
    write_new(tmp_path / "a", b"x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_nothing_overwritten(tmp_path):
    """A file that is there stays as it is."""
    write_new(tmp_path / "a", b"old")
    with pytest.raises(FileThere):
        write_new(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_link_not_followed(tmp_path):
    """A dangling link is not a way to write elsewhere."""
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileThere):
        write_new(tmp_path / "link", b"x")
    assert not (tmp_path / "elsewhere").exists()


def test_failure_leaves_nothing(tmp_path):
    """When the writer stumbles, no file and no half of one is left."""
    with pytest.raises(RuntimeError), new_file(tmp_path / "a") as file:
        file.write(b"half")
        raise RuntimeError
    assert names(tmp_path) == []


def test_file_made_meanwhile_kept(tmp_path):
    """Somebody who was faster keeps their file."""
    with pytest.raises(FileThere), new_file(tmp_path / "a") as file:
        file.write(b"ours")
        (tmp_path / "a").write_bytes(b"theirs")
    assert (tmp_path / "a").read_bytes() == b"theirs"
    assert names(tmp_path) == ["a"]


def test_replace_is_whole(tmp_path):
    """The new contents stand in place of the old, and nothing beside them."""
    write_new(tmp_path / "a", b"old")
    replace(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_full_disk_is_said(tmp_path):
    """A write that fails is a sentence, not a traceback; the old file is whole."""
    with pytest.raises(NotStored, match="could not be written"):
        write_new(tmp_path / "no such folder" / "a", b"x")


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo"])
def test_unreadable_is_missing(tmp_path, kind):
    """A missing file, a folder and a pipe are refused in a sentence, and do not block."""
    path = tmp_path / "x"
    {"missing": lambda: None, "folder": path.mkdir, "fifo": lambda: os.mkfifo(path)}[kind]()
    with pytest.raises(FileMissing):
        read(path, 10)


def test_too_long_refused(tmp_path):
    """A file longer than its kind can be is not read into memory."""
    write_new(tmp_path / "a", b"x" * 11)
    with pytest.raises(FileTooLong):
        read(tmp_path / "a", 10)


def test_destroyed_is_overwritten(tmp_path):
    """What is left stands in the file's place, and the old bytes are gone from wherever the file is still open."""
    write_new(tmp_path / "a", b"old secret" * 100)
    os.link(tmp_path / "a", tmp_path / "other name")
    with destroying(tmp_path / "a", b"left"):
        pass
    assert (tmp_path / "a").read_bytes() == b"left"
    assert b"secret" not in (tmp_path / "other name").read_bytes()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert sorted(names(tmp_path)) == ["a", "other name"]


def test_destroyed_to_nothing(tmp_path):
    """With nothing left the file goes."""
    write_new(tmp_path / "a", b"old")
    with destroying(tmp_path / "a", None):
        assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == []


@pytest.mark.parametrize("left", [b"left", None])
def test_nothing_destroyed_when_the_block_fails(tmp_path, left):
    """Where what must come first fails, the file is as it was."""
    write_new(tmp_path / "a", b"old")
    with pytest.raises(RuntimeError), destroying(tmp_path / "a", left):
        raise RuntimeError
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_link_is_not_destroyed(tmp_path):
    """A link's target would keep everything: it is refused before the block runs."""
    write_new(tmp_path / "a", b"old")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(NotStored), destroying(tmp_path / "link", None):
        raise AssertionError
    assert (tmp_path / "a").read_bytes() == b"old"
