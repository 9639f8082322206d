# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the desk's source may not say: one door for output, one for files, none for the network."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import desk

MODULES = sorted(Path(desk.__file__).parent.glob("*.py"))
NETWORK = {"socket", "socketserver", "http", "urllib", "ssl", "asyncio", "requests", "httpx", "smtplib", "ftplib"}
UNPACKERS = {"tarfile", "zipfile", "shutil", "pickle", "marshal", "shelve", "subprocess", "tempfile", "logging"}


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text("utf-8")))


def _calls(path: Path) -> set[str]:
    return {ast.unparse(node.func) for node in _nodes(path) if isinstance(node, ast.Call)}


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_one_door_for_output(path: Path) -> None:
    """Nothing in the desk prints but through the voice."""
    said = {ast.unparse(node) for node in _nodes(path) if isinstance(node, ast.Attribute)}
    assert not _calls(path) & {"print", "click.echo", "click.secho", "click.echo_via_pager", "os.system", "input"}
    assert not said & {"sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer", "sys.__stdout__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_one_door_for_files(path: Path) -> None:
    """Files are written by intake.files alone; the desk itself opens for reading, and makes its lock."""
    calls = _calls(path)
    assert "open" not in calls
    assert not {call for call in calls if call.endswith((".write_text", ".write_bytes", ".touch", ".symlink_to"))}
    assert "os.open" not in calls or path.stem in {"lock", "passphrase", "receive"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_network_and_no_unpackers(path: Path) -> None:
    """The desk imports nothing that reaches a network, unpacks an archive, runs a program or keeps a journal."""
    assert not _imports(path) & (NETWORK | UNPACKERS | {"portal", "courier", "flask"})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_small_files(path: Path) -> None:
    """A file is read in one sitting."""
    assert len(path.read_text("utf-8").splitlines()) < 400
