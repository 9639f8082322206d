# SPDX-License-Identifier: AGPL-3.0-or-later
"""A ceremony over several machines: one folder a machine, the real command in each."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from crypto.keylist import KeyList, read_key_list
from crypto.secret.identity import HybridIdentity
from crypto.secret.secretfile import open_secret
from crypto.signature import PublicKey
from intake.office import read_office

PASSPHRASE = "throwaway passphrase"
OFFICE = "Example Local 9"
MACHINES = ("custodian", "counsel", "recovery", "desk", "courier")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


def keys(*words: object) -> Ran:
    """Run `underseal keys` in a process of its own, without a terminal."""
    command = [sys.executable, "-m", "underseal", "keys", *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, start_new_session=True
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class Machines:
    """The folders of a throwaway ceremony, each as on a machine of its own."""

    base: Path
    root_name: str = "root"

    @property
    def root(self) -> Path:
        return self.base / self.root_name

    @property
    def public(self) -> Path:
        return self.root / "signed-000001" / "public"

    def folder(self, name: str) -> Path:
        return self.base / name

    def half(self, name: str) -> Path:
        return next(self.folder(name).glob("*.*.txt"))

    def throwaway(self) -> list[object]:
        return ["--throwaway", "--passphrase-file", self.base / "passphrase"]

    def shares(self, one: int = 1, other: int = 2) -> list[object]:
        sheets = [self.root / "sheets" / f"share-{number}.txt" for number in (one, other)]
        return [word for sheet in sheets for word in ("--shares-file", sheet)]

    def make_root(self, *words: object) -> Ran:
        office = ("--office", OFFICE, "--region", "west=West", "--throwaway")
        return keys("root", "--dir", self.root, *office, *words)

    def make_holder(self, name: str, folder: str, *words: object) -> Ran:
        return keys("holder", name, "--dir", self.folder(folder), *self.throwaway(), *words)

    def make_key(self, verb: str) -> Ran:
        return keys(verb, "--dir", self.folder(verb), *self.throwaway())

    def sign(
        self,
        holders: tuple[str, ...] = MACHINES[:3],
        *words: object,
        courier: str = "courier",
        sheets: tuple[int, int] = (1, 2),
    ) -> Ran:
        brought = [word for name in holders for word in ("--holder", self.half(name))]
        others = ("--desk", self.half("desk"), "--courier", self.half(courier))
        return keys("sign", "--dir", self.root, *brought, *others, *self.shares(*sheets), *words)

    def rotate(self, holders: tuple[str, ...], *words: object) -> Ran:
        brought = [word for name in holders for word in ("--holder", self.half(name))]
        return keys("rotate", "--dir", self.root, *brought, *self.shares(), *words)

    def root_key(self) -> PublicKey:
        return read_office((self.root / "office.json").read_bytes()).root

    def lists(self, folder: str = "signed-000001") -> list[KeyList]:
        paths = sorted((self.root / folder / "public").glob("keys-*.txt"))
        return [read_key_list(p.read_bytes(), Path(f"{p}.sig").read_text(), self.root_key()) for p in paths]

    def identities(self, name: str, label: str | None = None) -> list[HybridIdentity]:
        return identities_of(self.folder(name) / f"holder-{label or name}.age")

    def copy(self, base: Path) -> "Machines":
        shutil.copytree(self.base, base, dirs_exist_ok=True)
        return Machines(base, self.root_name)


def new_machines(base: Path) -> Machines:
    base.mkdir(exist_ok=True)
    (base / "passphrase").write_text(PASSPHRASE + "\n")
    return Machines(base)


def hold(base: Path, *root_words: object) -> Machines:
    """Make root, holders, desk and courier; nothing is signed yet."""
    machines = new_machines(base)
    runs = [machines.make_root(*root_words)]
    runs += [machines.make_holder(name, name) for name in MACHINES[:3]]
    runs += [machines.make_key(name) for name in MACHINES[3:]]
    assert [run.code for run in runs] == [0] * len(runs), runs
    return machines


def identities_of(path: Path) -> list[HybridIdentity]:
    text = open_secret(path.read_bytes(), PASSPHRASE).decode()
    return [HybridIdentity.parse(line) for line in text.split("\n") if line.startswith("AGE-")]


def words_of(sheet: str) -> list[str]:
    """Return the words of a share sheet's text, as a keeper reads them."""
    grid = sheet[sheet.index("The words") :]
    return [word for _, word in sorted((int(n), word) for n, word in re.findall(r"(\d+)\. ([a-z]+)", grid))]


def rows_of(words: list[str]) -> list[str]:
    """Return what a keeper types, a row of the sheet at a time."""
    return [" ".join(words[i : i + 3]) for i in range(0, len(words), 3)]
