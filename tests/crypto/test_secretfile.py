# SPDX-License-Identifier: AGPL-3.0-or-later
"""Secret files: age files by passphrase, which stock age opens."""

import os
import pty
import select
import shutil
import subprocess
import time

import pytest
from officer import b64

from crypto.envelope import finish_file
from crypto.errors import Broken, Malformed, WrongPassphrase
from crypto.header import Stanza
from crypto.secret.secretfile import Passphrase, open_secret, seal_secret

SECRET = b"# week 2031-05-05 2031-05-11\nAGE-SECRET-KEY-PQ-1...\n"
FILE = seal_secret(SECRET, "correct horse", work_factor=10)


def test_round_trip():
    """The right passphrase opens it."""
    assert open_secret(FILE, "correct horse") == SECRET


def test_wrong_passphrase_told_apart():
    """A wrong passphrase is not damage."""
    with pytest.raises(WrongPassphrase):
        open_secret(FILE, "wrong horse")


@pytest.mark.parametrize("at", [-1, -40])
def test_damage_told_apart(at):
    """Damage is not a wrong passphrase."""
    data = bytearray(FILE)
    data[at] ^= 1
    with pytest.raises(Broken):
        open_secret(bytes(data), "correct horse")


@pytest.mark.parametrize("factor", ["21", "22", "64", "0", "010", "+10", "99999999999999999999"])
def test_hostile_work_factor_refused(factor):
    """A file cannot make the desk compute for hours."""
    stanza = Passphrase("correct horse").wrap(bytes(16), 1)
    file = finish_file(bytes(16), (Stanza("scrypt", (stanza.args[0], factor), stanza.body),), SECRET)
    with pytest.raises(Malformed):
        open_secret(file, "correct horse")


def test_stock_age_opens_it(tmp_path):
    """`age -d` with the passphrase typed at its prompt gives the plaintext: nobody needs us to get their keys back."""
    assert shutil.which("age"), "install Debian's package age"
    path = tmp_path / "secret.age"
    path.write_bytes(FILE)
    assert (
        typed_into(["age", "-d", "-o", str(tmp_path / "out"), str(path)], "correct horse", tmp_path / "out") == SECRET
    )


def typed_into(command: list[str], passphrase: str, out) -> bytes:
    """Run a program on a terminal of its own, type the passphrase, and return what it wrote to `out`."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    shown = b""
    deadline = time.monotonic() + 30
    while b"assphrase" not in shown and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 1_024)
    os.write(terminal, passphrase.encode() + b"\n")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    return out.read_bytes()


def test_age_library_opens_it(officer):
    """The page's age library opens it too."""
    answer = officer.ask(do="age", file=b64(FILE), identities=[], passphrases=["correct horse"])
    assert b64(SECRET) == answer["plaintext"]


def test_stock_tool_is_the_real_one():
    """The test above ran age itself."""
    run = subprocess.run(["age", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith(("1.", "v1.", "(devel)"))
