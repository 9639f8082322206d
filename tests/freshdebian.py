# SPDX-License-Identifier: AGPL-3.0-or-later
"""A fresh Debian 12 in a folder, as its installer leaves it, and its packages in a folder beside it.

Everything comes from where this machine's own apt has it; afterwards nothing needs a network. All of it wants root.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

CODENAME = "bookworm"
# What the installer sets up with `standard system utilities` and an SSH server; AppArmor comes with its kernel.
INSTALLED = ("?priority(important)", "?priority(standard)", "openssh-server", "apparmor")
PROGRAMS = ("debootstrap", "systemd-nspawn", "nsenter", "unshare", "tor", "tor-gencert", "age", "ssh-keygen", "node")
_ONLY_DEBIAN = """Package: *
Pin: release o=Debian
Pin-Priority: 990

Package: *
Pin: release o=*
Pin-Priority: -1
"""
_MIRROR = Path("srv/debian")
_CLOSED = ("--private-network", "--register=no", "--keep-unit", "--quiet")


def what_is_missing() -> str:
    """Return what this machine lacks for a fresh Debian, as a sentence; nothing when it lacks nothing."""
    if os.getuid() != 0:
        return "the drill makes a root file system and boots it: run it as root"
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    if lacking:
        return f"the drill needs these programs: {', '.join(lacking)}"
    return "" if _sites() else f"this machine's apt has no Debian {CODENAME}: the drill needs a Debian 12"


def run(*words: object, seconds: int = 900) -> str:
    """Run a program and return what it prints. Raises AssertionError with all it said if it fails."""
    done = subprocess.run(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds
    )
    assert done.returncode == 0, f"{shlex.join(str(word) for word in words)}\n{done.stdout}"
    return done.stdout


def _sites() -> list[str]:
    said = run("apt-get", "indextargets", "--format", "$(SITE) $(ORIGIN) $(CODENAME)", "Created-By: Packages")
    found = [row.split()[0] for row in said.splitlines() if row.split()[1:] == ["Debian", CODENAME]]
    return sorted(set(found))


class Debian:
    """The tree and the packages, kept in `cache` for the next time; remove the folder for newer ones."""

    def __init__(self, cache: Path) -> None:
        self.tar, self.packages = cache / "base.tar", cache / "packages"

    def fetch(self, wanted: Sequence[Sequence[str]]) -> None:
        """Have the tree, and every package that the words of `apt-get` in `wanted` will ask for."""
        mark = self.packages / "wanted"
        asked = "\n".join(" ".join(words) for words in wanted)
        if self.tar.is_file() and mark.is_file() and mark.read_text() == asked:
            return
        shutil.rmtree(self.packages, ignore_errors=True)
        (self.packages / "partial").mkdir(parents=True)
        tree = self.tar.parent / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        run("apt-get", "-qq", "update")
        include = "--include=systemd,systemd-sysv,dbus,libpam-systemd"
        run("debootstrap", "--variant=minbase", include, CODENAME, tree, _sites()[0])
        self._download(tree, ["install", *INSTALLED])
        names = [run("dpkg-deb", "-f", file, "Package").strip() for file in sorted(self.packages.glob("*.deb"))]
        self._publish(tree)
        self._inside(tree, f"apt-get -qq update && apt-get -qq -y --no-install-recommends install {' '.join(names)}")
        for words in wanted:
            self._download(tree, words)
        shutil.rmtree(tree / _MIRROR)
        run("tar", "-C", tree, "-cf", self.tar, ".")
        shutil.rmtree(tree)
        mark.write_text(asked)

    def unpack(self, tree: Path) -> None:
        """Make the tree at `tree`, with the packages as the one place where its apt looks."""
        tree.mkdir(parents=True)
        run("tar", "-C", tree, "-xf", self.tar)
        self._publish(tree)

    def _download(self, tree: Path, words: Sequence[str]) -> None:
        """Fetch packages through this machine's apt, as the tree would have to install them."""
        pins = self.packages / "pins"
        pins.write_text(_ONLY_DEBIAN)
        options = {
            "Dir::State::status": tree / "var/lib/dpkg/status",
            "Dir::Cache::archives": self.packages,
            "Dir::Etc::preferences": pins,
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "false",
            "Debug::NoLocking": "true",
        }
        given = [word for name, text in options.items() for word in ("-o", f"{name}={text}")]
        run("apt-get", "-qq", "-y", "--download-only", *given, *words)

    def _publish(self, tree: Path) -> None:
        """Lay the packages into the tree as an archive that needs no network."""
        target = tree / _MIRROR
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        index = []
        for file in sorted(self.packages.glob("*.deb")):
            data = file.read_bytes()
            name = f"{hashlib.sha256(data).hexdigest()}.deb"
            (target / name).write_bytes(data)
            facts = f"Filename: ./{name}\nSize: {len(data)}\nSHA256: {name.removesuffix('.deb')}\n"
            index.append(run("dpkg-deb", "-f", file) + facts)
        (target / "Packages").write_text("\n".join(index))
        shutil.rmtree(tree / "etc/apt/sources.list.d", ignore_errors=True)
        (tree / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:/{_MIRROR} ./\n")

    def _inside(self, tree: Path, line: str) -> None:
        """Run one line in the tree, where no service starts."""
        policy = tree / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        environment = "--setenv=DEBIAN_FRONTEND=noninteractive"
        run("systemd-nspawn", *_CLOSED, "--pipe", environment, "-D", tree, "sh", "-c", line)
        policy.unlink()
