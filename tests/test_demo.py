# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demonstration does the main job, and says at once that it protects nobody."""

import json
import signal
import socket
import subprocess
import sys

import pytest
from simulator import free_port

from underseal_demo import await_portal, request

DEMO = [sys.executable, "-P", "-m", "underseal", "demo"]


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "office"
    run = subprocess.run([*DEMO, "--dir", folder, "--port", str(free_port()), "--once"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run


def test_all_samples_arrive(once):
    """Twelve sealed by the page's code and sent, twelve opened at the desk."""
    result = json.loads(once.stdout.splitlines()[-1])
    assert (result["sent"], result["received"]) == (12, 12)
    assert set(result) == {
        "portal",
        "portal_dir",
        "office",
        "courier",
        "desk",
        "stick",
        "passphrase",
        "sent",
        "received",
    }


def test_keys_are_loudly_throwaway(once):
    """Whoever runs it reads that these keys protect nobody."""
    assert "THROWAWAY" in once.stderr
    assert "protects nobody" in once.stderr


def test_second_run_uses_what_is_there(once):
    """Running it again keeps the office and sends nothing twice."""
    folder = json.loads(once.stdout.splitlines()[-1])["office"].removesuffix("/office")
    again = subprocess.run(
        [*DEMO, "--dir", folder, "--port", str(free_port()), "--once"], capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1])["sent"] == 0


def test_no_samples_keeps_the_portal_up(tmp_path):
    """With --no-samples the shelf is empty and the portal answers until it is told to stop."""
    port = free_port()
    process = subprocess.Popen(
        [*DEMO, "--dir", tmp_path / "o", "--port", str(port), "--no-samples"], stdout=subprocess.PIPE
    )
    try:
        await_portal(process, port)
        assert process.stdout.readline()
        assert request(port, "GET", "/health")[0] == 200
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stdout.close()


def test_taken_port_is_said(tmp_path, once):
    """A port that somebody else uses ends the demonstration with a sentence, not a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run = subprocess.run([*DEMO, "--dir", tmp_path / "o", "--port", port, "--once"], capture_output=True, text=True)
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert port in run.stderr
