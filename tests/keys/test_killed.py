# SPDX-License-Identifier: AGPL-3.0-or-later
"""A ceremony that is killed leaves a folder whole or not at all, and can be held again."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from keyskit import OFFICE, Machines, keys, new_machines

KILLS = 8


def killed(command: list[object], folder, after: float) -> bool:
    """Run `underseal keys`, kill it when a temporary folder appears or time is up; return whether it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "underseal", "keys", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    part = folder.with_name(f".{folder.name}.part")
    end = time.monotonic() + 30
    while not part.exists() and not folder.exists() and process.poll() is None and time.monotonic() < end:
        pass
    time.sleep(after)
    os.kill(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def files(folder) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def shape(folder) -> set[str]:
    return {name for name, size in files(folder).items() if size}


def check(machines: Machines, folder, command: list[object]) -> None:
    """Kill a command at many moments; its folder is there with every file or not there, and then it can be made."""
    assert keys(*command).code == 0
    whole = shape(folder)
    cut = 0
    for number in range(KILLS):
        if folder.exists():
            folder.rename(machines.base / f"done-{number}")
        cut += killed(command, folder, random.uniform(0, 0.04))
        assert not folder.exists() or shape(folder) == whole
    assert cut > 0
    if not folder.exists():
        assert keys(*command).code == 0
    assert shape(folder) == whole
    assert not [path.name for path in folder.parent.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize("name", ["root", "holder", "sign"])
def test_killed_ceremony_leaves_nothing_half(tmp_path, unsigned, name):
    """kill -9 while it writes."""
    machines = unsigned.copy(tmp_path / "m") if name == "sign" else new_machines(tmp_path / "m")
    commands = {
        "root": ["root", "--dir", machines.root, "--office", OFFICE, "--throwaway"],
        "holder": ["holder", "custodian", "--dir", machines.folder("custodian"), *machines.throwaway()],
        "sign": [
            *("sign", "--dir", machines.root, "--holder", machines.base / "custodian" / "custodian.holder.txt"),
            *("--holder", machines.base / "counsel" / "counsel.holder.txt"),
            *("--desk", machines.base / "desk" / "desk.public.txt"),
            *("--courier", machines.base / "courier" / "courier.public.txt", *machines.shares()),
        ],
    }
    folders = {
        "root": machines.root,
        "holder": machines.folder("custodian"),
        "sign": machines.root / "signed-000001",
    }
    check(machines, folders[name], commands[name])


FULL = """mount -t tmpfs -o size=24k,mode=0700 tmpfs "$1" &&
"$2" -m underseal keys root --dir "$1/root" --office "$3" --throwaway
code=$?; ls -A "$1"; exit $code"""


def test_full_stick_leaves_nothing(tmp_path):
    """A folder that cannot be written gets one sentence and exit code 7, and no part of it stays."""
    own = ("unshare", "-m") if os.geteuid() == 0 else ("unshare", "-r", "-m")
    run = subprocess.run(
        [*own, "sh", "-c", FULL, "sh", tmp_path, sys.executable, OFFICE], capture_output=True, text=True
    )
    assert (7, "") == (run.returncode, run.stdout), run.stderr
    assert "could not be written: no space left on device" in run.stderr
