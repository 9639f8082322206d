# SPDX-License-Identifier: AGPL-3.0-or-later
"""A page in one piece: what the root signed, byte for byte, or one refusal (FORMAT.md 9)."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.primitives import digest
from crypto.signature import Namespace, SigningKey, sign
from intake.errors import UndersealError
from intake.office import Office, render_page
from intake.page import SumsRefused, page_number, read_sums, write_sums
from intake.signedpage import MAX_FILES, PageUntrusted, read_page, read_page_folder

ROOT, STRANGER = SigningKey.generate(), SigningKey.generate()
OFFICE = Office("Local 1", ROOT.public, 3, True, 7, (), ())
FILES = {
    "index.html": render_page(b'<html data-office="@OFFICE@"></html>', OFFICE),
    "empty.css": b"",
    "kit.html": b"12\nabc\n",
    "kit.html.br": b"-----BEGIN SSH SIGNATURE-----\n",
}


def whole(files: dict[str, bytes], number: int = 2, root: SigningKey = ROOT) -> bytes:
    """Return files in one piece, signed."""
    sums = write_sums(number, {name: digest(data) for name, data in files.items()})
    pieces = (b"%d\n%b" % (len(files[name]), files[name]) for name in sorted(files))
    return sums + sign(sums, root, Namespace.PAGE).encode() + b"".join(pieces)


PAGE = whole(FILES)


def test_page_reads_back() -> None:
    """Number, office and every file come out as they were signed, and the piece is written as it was read."""
    page = read_page(PAGE, ROOT.public)
    assert (2, OFFICE, FILES, PAGE) == (page.number, page.office, page.files, page.whole)


@given(st.integers(0, len(PAGE)), st.integers(0, 80), st.binary(max_size=80))
def test_anything_else_is_refused(place: int, cut: int, junk: bytes) -> None:
    """Bytes cut out or put in, wherever: one refusal, and no other error."""
    data = PAGE[:place] + junk + PAGE[place + cut :]
    if data == PAGE:
        return
    with pytest.raises(PageUntrusted):
        read_page(data, ROOT.public)


@given(st.binary(max_size=2_000))
def test_junk_is_refused(junk: bytes) -> None:
    """What was never a page is none."""
    with pytest.raises(PageUntrusted):
        read_page(junk, ROOT.public)


REFUSED = {
    "another root": whole(FILES, root=STRANGER),
    "no index": whole({"kit.html": b"x"}),
    "no office": whole({**FILES, "index.html": b"<html></html>"}),
    "another root inside": whole(
        {**FILES, "index.html": FILES["index.html"].replace(ROOT.public.text[-20:].encode(), b"A" * 20)}
    ),
    "too many files": whole({**FILES, **{f"{n}.html": b"" for n in range(MAX_FILES)}}),
    "length with zeros": PAGE.replace(b"\n0\n", b"\n00\n", 1).replace(b"-----\n0\n", b"-----\n00\n", 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """What the root did not sign, or signed as another thing, is no page of this office."""
    with pytest.raises(PageUntrusted):
        read_page(REFUSED[name], ROOT.public)


@pytest.mark.parametrize("head", [b"", b"# page 0\n", b"# page 01\n", b"# page 1000000\n", b"# page\n", b"#page 1\n"])
def test_number_is_needed(head: bytes) -> None:
    """Without its number no page could be told from an older one."""
    sums = head + b"".join(write_sums(1, {"index.html": "0" * 64}).splitlines(keepends=True)[1:])
    with pytest.raises(SumsRefused):
        read_sums(sums)


def test_stock_tool_checks_the_digests(tmp_path: Path) -> None:
    """sha256sum takes the first line for a remark, and checks the rest."""
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    sums = write_sums(999_999, {name: digest(data) for name, data in FILES.items()})
    (tmp_path / "SHA256SUMS").write_bytes(sums)
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=tmp_path, timeout=20).returncode == 0
    assert 999_999 == page_number(sums)


def test_folder_and_piece_are_the_same(tmp_path: Path) -> None:
    """A folder gives the same page; a link in it is no file where it lies on a stick."""
    page = read_page(PAGE, ROOT.public)
    for name, data in {**FILES, "SHA256SUMS": page.sums, "SHA256SUMS.sig": page.signature.encode()}.items():
        (tmp_path / name).write_bytes(data)
    assert page == read_page_folder(tmp_path, ROOT.public, follow=False)
    (tmp_path / "kit.html").rename(tmp_path / "other")
    (tmp_path / "kit.html").symlink_to(tmp_path / "other")
    assert page == read_page_folder(tmp_path, ROOT.public)
    with pytest.raises(UndersealError, match="kit.html is not there"):
        read_page_folder(tmp_path, ROOT.public, follow=False)
