# SPDX-License-Identifier: AGPL-3.0-or-later
"""Desk, courier and portal are installed from a folder, without a network and with nothing but Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("UNDERSEAL_SOURCE", Path(__file__).resolve().parents[1]))
OFFLINE = ["unshare", "--map-root-user", "--net"]

pytestmark = pytest.mark.long  # it fetches every wheel


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """The folder as `make` makes it, on a stick."""
    subprocess.run(["make", "-C", SOURCE, "wheelhouse"], check=True, capture_output=True)
    return Path(shutil.copytree(SOURCE / "dist/wheelhouse", tmp_path_factory.mktemp("stick") / "wheelhouse"))


def install(house: Path, part: str, target: Path) -> subprocess.CompletedProcess[str]:
    """Install a part as the README says, without a network."""
    pip = f"{next(house.glob('pip-*.whl')).name}/pip"
    words = ["install", "--no-index", "--find-links", ".", "--require-hashes", "--no-deps", "-r", f"{part}.txt"]
    command = [*OFFLINE, sys.executable, "-I", pip, *words, "--target", str(target)]
    return subprocess.run(command, cwd=house, capture_output=True, text=True)


def test_digests_are_right(house):
    """Stock tools check the folder whole."""
    assert subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=house).returncode == 0


@pytest.mark.parametrize(
    ("part", "group"), [("desk",) * 2, ("courier",) * 2, ("portal",) * 2, ("postgresql", "portal")]
)
def test_part_is_installed_offline(house, tmp_path, part, group):
    """What the list names is all that the part needs to start."""
    done = install(house, part, tmp_path / "there")
    assert done.returncode == 0, done.stderr
    command = [*OFFLINE, sys.executable, "-S", "-P", "-m", "underseal", group, "--help"]
    started = subprocess.run(
        command, env={"PYTHONPATH": str(tmp_path / "there"), "PATH": os.environ["PATH"]}, capture_output=True, text=True
    )
    assert (0, True) == (started.returncode, f"underseal {group}" in started.stdout), started.stderr


def test_changed_wheel_is_refused(house, tmp_path):
    """One byte more in one wheel: nothing is installed."""
    copy = Path(shutil.copytree(house, tmp_path / "copy"))
    with next(copy.glob("click-*.whl")).open("ab") as file:
        file.write(b" ")
    done = install(copy, "desk", tmp_path / "there")
    assert done.returncode != 0
    assert "HASHES" in done.stderr
    assert not (tmp_path / "there").exists()
