# SPDX-License-Identifier: AGPL-3.0-or-later
"""deploy/install writes what it says, twice the same, and nothing from values that it does not understand."""

import re
import subprocess
from pathlib import Path

import pytest
from hostkit import DOMAIN, SOURCE, install, value

DATABASE = ("--postgresql", "/var/lib/underseal-store")
RUNBOOK = (SOURCE / "deploy/RUNBOOK.md").read_text("utf-8")


def written(root: Path) -> dict[str, str]:
    """Return what stands below a root."""
    files = [path for path in sorted(root.rglob("*")) if path.is_symlink() or path.is_file()]
    return {
        f"/{path.relative_to(root)}": str(path.readlink()) if path.is_symlink() else path.read_text() for path in files
    }


def test_says_what_it_writes(tmp_path: Path) -> None:
    """Each file is named as it is written, and has a line in the RUNBOOK; no place for a value stays empty."""
    said = [line.split()[1] for line in install(tmp_path, "--domain", DOMAIN, *DATABASE)]
    files = written(tmp_path)
    assert sorted(said) == sorted(files)
    assert [path for path in files if path not in RUNBOOK] == []
    assert re.findall(r"@[A-Z_]+@", "".join(files.values())) == []


def test_twice_is_harmless(tmp_path: Path) -> None:
    """Running it again writes nothing."""
    install(tmp_path, "--domain", DOMAIN)
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert {"same"} == {line.split()[0] for line in install(tmp_path, "--domain", DOMAIN)}
    assert before == {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    """With --dry-run it says the same and writes nothing."""
    root = tmp_path / "root"
    said = install(root, "--domain", DOMAIN, "--dry-run")
    assert not root.exists()
    assert said == install(root, "--domain", DOMAIN)


def test_onion_alone(tmp_path: Path) -> None:
    """Without a name there is no port at all, and a name that is taken away takes its files along."""
    install(tmp_path, "--domain", DOMAIN)
    units = tmp_path / "etc/systemd/system"
    assert ["NGINX=3;4;5;6;7;"] == value(units / "nginx.service.d/underseal.conf", "Environment")
    said = [line for line in install(tmp_path) if not line.startswith("same")]
    assert "removed  /etc/underseal/nginx/listener-clearnet.conf" in said
    assert 3 == len(said)
    assert ["NGINX=3;"] == value(units / "nginx.service.d/underseal.conf", "Environment")
    assert ["/run/underseal/onion.sock"] == value(units / "underseal-web.socket", "ListenStream")
    assert DOMAIN not in "".join(written(tmp_path).values())


def test_database_is_a_choice(tmp_path: Path) -> None:
    """Only who asks for a database's server gets its files; one more front end is the portal in all but five lines."""
    install(tmp_path / "plain", "--domain", DOMAIN)
    install(tmp_path / "more", "--domain", DOMAIN, *DATABASE)
    plain, more = written(tmp_path / "plain"), written(tmp_path / "more")
    assert [] == [path for path in plain if "store" in path or "front" in path or "postgresql" in path]
    assert plain == {path: more[path] for path in plain}
    units = "/etc/systemd/system/"
    portal, front = (
        more[units + name].splitlines() for name in ("underseal-portal.service", "underseal-front@.service")
    )
    changed = [line for line in front if line not in portal]
    assert [line.partition("=")[0] for line in changed[1:]] == [
        "Description",
        "Requires",
        "After",
        "ExecStart",
        "Sockets",
    ]
    assert "gate" not in "".join(changed)
    assert changed[4] == "ExecStart=/opt/underseal/current/bin/underseal portal serve --dir /var/lib/underseal/%i"


def test_every_address_is_handed_over(tmp_path: Path) -> None:
    """What nginx listens on is what systemd opens, address for address."""
    install(tmp_path, "--domain", DOMAIN)
    opened = value(tmp_path / "etc/systemd/system/underseal-web.socket", "ListenStream")
    text = "".join(path.read_text() for path in (tmp_path / "etc/underseal/nginx").glob("listener-*.conf"))
    listened = [place.removeprefix("unix:") for place in re.findall(r"listen (\S+) ", text)]
    assert sorted(opened) == sorted(listened)


BAD = {
    "two names": ["--domain", "a.example b.example"],
    "a name with a semicolon": ["--domain", "a.example;"],
    "capitals": ["--domain", "A.example"],
    "empty": ["--domain", ""],
    "a path from here": ["--run", "run"],
    "a path with a pipe": ["--etc", "/etc|x"],
    "an address in words": ["--https", "localhost:443;"],
    "a database from here": ["--postgresql", "store"],
    "no value": ["--domain"],
    "no such option": ["--onion", "x"],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_value_refused(tmp_path: Path, name: str) -> None:
    """A value that could be read as more than a value is refused, and nothing is written."""
    root = tmp_path / "root"
    ran = subprocess.run([SOURCE / "deploy/install", "--root", root, *BAD[name]], capture_output=True, text=True)
    assert 2 == ran.returncode
    assert "install: " in ran.stderr
    assert not root.exists()
