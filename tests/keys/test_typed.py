# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real office at real terminals, without a network: passphrases and shares are typed, and no share is shown."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from keyskit import keys, rows_of, words_of
from terminal import Answer, in_terminal

from crypto.keylist import read_key_list
from crypto.secret.secretfile import open_secret
from intake.office import read_office

DENIED = ("unshare", "-n") if os.geteuid() == 0 else ("unshare", "-r", "-n")
OFFICE = "Local 9, Überall"
PASSPHRASE = "correct horse battery"


def typed(*words: object, answers: list[Answer] | None = None) -> tuple[int, str]:
    code, printed = in_terminal(["keys", *map(str, words)], answers or [], DENIED)
    return code, printed.decode()


@dataclass(frozen=True, slots=True)
class Real:
    """A real office's folders; the sheets are on paper, and no longer in the root's folder."""

    base: Path
    paper: Path

    def share(self, number: int) -> list[str]:
        return words_of((self.paper / f"share-{number}.txt").read_text("utf-8"))

    def rows(self, *numbers: int) -> list[Answer]:
        return [row for number in numbers for row in rows_of(self.share(number))]

    def sign_words(self) -> list[object]:
        halves = [w for name in ("custodian", "counsel") for w in ("--holder", self.base / name / f"{name}.holder.txt")]
        desk, courier = self.base / "desk" / "desk.public.txt", self.base / "courier" / "courier.public.txt"
        return ["sign", "--dir", self.base / "root", *halves, "--desk", desk, "--courier", courier]


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Real:
    base = tmp_path_factory.mktemp("real")
    passphrase: list[Answer] = [PASSPHRASE, PASSPHRASE]
    runs = [typed("root", "--dir", base / "root", "--office", OFFICE)]
    runs += [typed("holder", n, "--dir", base / n, answers=passphrase) for n in ("custodian", "counsel")]
    runs += [typed(n, "--dir", base / n, answers=passphrase) for n in ("desk", "courier")]
    assert [code for code, _ in runs] == [0] * 5, runs
    shutil.copytree(base / "root" / "sheets", base / "paper")
    return Real(base, base / "paper")


@pytest.fixture
def ready(real, tmp_path) -> Iterator[Real]:
    """A copy of it, with the sheets destroyed."""
    shutil.copytree(real.base, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "root" / "sheets")
    yield Real(tmp_path / "copy", real.paper)


def no_words_in(text: str, *shares: list[str]) -> None:
    """No two neighbours of a share stand in what the terminal showed."""
    pairs = [f"{a} {b}" for words in shares for a, b in zip(words, words[1:], strict=False)]
    assert not [pair for pair in pairs if pair in text]


def test_secret_files_have_the_typed_passphrase(real):
    """What was typed at the terminal opens the file, at the work factor of real offices."""
    data = (real.base / "custodian" / "custodian.age").read_bytes()
    assert b"-> scrypt " in data[:40]
    assert re.search(rb"-> scrypt \S+ 18\n", data)
    assert b"AGE-SECRET-KEY-PQ-1" in open_secret(data, PASSPHRASE)


def test_sheets_must_be_gone(real):
    """While the share sheets lie in the root's folder, nothing is signed."""
    code, printed = typed(*real.sign_words())
    assert (1, False) == (code, (real.base / "root" / "signed-000001").exists())
    assert "the share sheets still lie in" in printed


def test_signing_with_typed_shares(ready):
    """What is signed is shown first; the name is typed, then two shares; the lists are the root's."""
    answers = [OFFICE, *ready.rows(3, 1)]
    code, printed = typed(*ready.sign_words(), answers=answers)
    assert code == 0, printed
    assert printed.index("for holders, 1 filled up") < printed.index("type the name of the office")
    assert printed.index("type the name of the office") < printed.index("first share")
    assert "first share: read, it is share 3" in printed
    public = ready.base / "root" / "signed-000001" / "public"
    root = read_office((public / "office.json").read_bytes()).root
    first = read_key_list((public / "keys-000001.txt").read_bytes(), (public / "keys-000001.txt.sig").read_text(), root)
    assert (OFFICE, 3) == (first.office, first.slots)
    no_words_in(printed, ready.share(1), ready.share(3))
    assert keys("verify", public).code == 0


def test_typing_is_forgiven_at_the_terminal(ready):
    """Capitals, four letters, more or fewer words in a row, empty rows; a wrong word costs its row alone."""
    words = ready.share(1)
    rows = rows_of(words)
    clumsy = ["", rows[0].upper(), "  ".join(word[:4] for word in words[3:6]), "notaword here either"]
    clumsy += [words[6], " ".join(words[7:20]), *rows_of(words[20:])]
    answers = [*clumsy, *ready.rows(2)]
    code, printed = typed("shares", "check", "--dir", ready.base / "root", answers=answers)
    assert code == 0, printed
    assert "first share: word 7 is not a word of the list; this row again" in printed
    assert "first share, words 8 to 10" in printed
    assert "notaword" not in printed
    assert "these two shares are the root of this office; nothing was signed or kept" in printed


def test_visible_is_chosen(ready):
    """Words are shown while typing only where that was asked for."""
    code, printed = typed("shares", "check", "--dir", ready.base / "root", "--visible", answers=ready.rows(2, 3))
    assert (0, True) == (code, rows_of(ready.share(2))[4] in printed)


def _exchanged(words: list[str]) -> list[Answer]:
    return [*rows_of([words[1], words[0], *words[2:]])]


REFUSED: dict[str, tuple[Callable[[Real], list[Answer]], str]] = {
    "same share": (lambda r: r.rows(2, 2), "these two shares do not belong together: it is the same share twice"),
    "three times wrong": (lambda r: _exchanged(r.share(1)) * 3, "first share was not read"),
    "second wrong": (lambda r: [*r.rows(1), *_exchanged(r.share(2)) * 3], "second share was not read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_shares_sign_nothing(ready, name):
    """One sentence that names the share, no word of it, and nothing new in the folder."""
    answers, sentence = REFUSED[name]
    before = sorted((ready.base / "root").rglob("*"))
    code, printed = typed(*ready.sign_words(), answers=[OFFICE, *answers(ready)])
    assert (1, True) == (code, sentence in printed), printed
    assert sorted((ready.base / "root").rglob("*")) == before
    no_words_in(printed, ready.share(1), ready.share(2))


def test_one_share_signs_nothing(ready):
    """With one share typed and then nobody to type another, nothing happens."""
    code, printed = typed(*ready.sign_words(), answers=[OFFICE, *ready.rows(1), "\x03"])
    assert "keys: stopped" in printed
    assert (True, False) == (code != 0, (ready.base / "root" / "signed-000001").exists())


def test_name_not_typed_signs_nothing(ready):
    """Who does not type the office's name has not agreed."""
    code, printed = typed(*ready.sign_words(), answers=["yes", "y", "Local 8"])
    assert (1, True) == (code, "the office's name was not typed, so nothing was signed" in printed)


def test_shares_are_not_read_from_files(ready):
    """Real shares are typed."""
    sheets = [word for n in (1, 2) for word in ("--shares-file", ready.paper / f"share-{n}.txt")]
    code, printed = typed("shares", "check", "--dir", ready.base / "root", *sheets)
    assert (2, True) == (code, "shares are read from files in throwaway offices only" in printed)


def test_network_refused(ready):
    """A real office's root is joined where there is no network."""
    code, printed = in_terminal(["keys", "shares", "check", "--dir", str(ready.base / "root")])
    assert (1, True) == (code, b"a network is up" in printed or b"cannot tell" in printed), printed


class Copyist:
    """A keeper at the screen: reads the share that is shown, and types it back, row by row."""

    def __init__(self) -> None:
        self.seen = ""

    def read(self, printed: str) -> str:
        self.seen = printed[printed.rindex("SHARE ") :]
        return ""

    def row(self, number: int) -> Callable[[str], str]:
        return lambda printed: rows_of(words_of(self.seen))[number]


def test_shares_by_hand(tmp_path):
    """Without a printer: each share is shown, copied and typed back before anything is written."""
    keepers = [Copyist() for _ in range(3)]
    answers: list[Answer] = []
    for keeper in keepers:
        answers += ["", keeper.read, *(keeper.row(n) for n in range(11))]
    code, printed = typed("root", "--dir", tmp_path / "root", "--office", OFFICE, "--no-pdf", answers=answers)
    assert code == 0, printed
    assert printed.count("the copy is true") == 3
    assert not (tmp_path / "root" / "sheets").exists()
    assert printed.count("\n" * 80) == 3
    rows = [row for keeper in keepers[:2] for row in rows_of(words_of(keeper.seen))]
    assert typed("shares", "check", "--dir", tmp_path / "root", answers=[*rows])[0] == 0


def test_wrong_copy_makes_no_root(tmp_path):
    """A copy that does not read back makes no root: the paper would have been worth nothing."""
    keeper = Copyist()
    wrong: Callable[[str], str] = lambda printed: "academic academic academic"  # noqa: E731
    answers: list[Answer] = ["", keeper.read, *[wrong] * 33]
    code, printed = typed("root", "--dir", tmp_path / "root", "--office", OFFICE, "--no-pdf", answers=answers)
    assert (1, False) == (code, (tmp_path / "root").exists()), printed
    assert "share 1 was not read" in printed


def test_words_go_to_terminals_only(tmp_path):
    """With its output in a file, no share is shown."""
    office = ("--office", OFFICE, "--throwaway", "--no-pdf")
    run = keys("root", "--dir", tmp_path / "root", *office)
    assert (2, "", False) == (run.code, run.out, (tmp_path / "root").exists())


def test_one_machine_splits_its_root(tmp_path):
    """A real ceremony on one machine has no root file: three share sheets, which join to its root."""
    answers: list[Answer] = [f"{PASSPHRASE} {n}" for n in range(5) for _ in range(2)]
    code, printed = typed("ceremony", "--dir", tmp_path / "office", "--office", OFFICE, answers=answers)
    assert code == 0, printed
    assert {path.name for path in (tmp_path / "office" / "secret").iterdir()} == {
        *("desk.age", "courier.key", "custodian.age", "counsel.age"),
        *("holder-custodian.age", "holder-counsel.age", "holder-recovery.age"),
    }
    sheets = tmp_path / "office" / "sheets"
    assert {path.stat().st_mode & 0o777 for path in sheets.iterdir()} == {0o600}
    shares = [row for n in (3, 2) for row in rows_of(words_of((sheets / f"share-{n}.txt").read_text("utf-8")))]
    assert typed("shares", "check", "--dir", tmp_path / "office" / "public", answers=[*shares])[0] == 0


def test_root_is_handed_on_at_the_terminal(ready):
    """Both fingerprints are shown, the name is typed, then two old shares; new sheets stop the new root's signing."""
    assert typed(*ready.sign_words(), answers=[OFFICE, *ready.rows(1, 2)])[0] == 0
    words = ("hand-on", "--dir", ready.base / "root", "--to", ready.base / "root-2")
    code, printed = typed(*words, answers=[OFFICE, *ready.rows(2, 3)])
    assert code == 0, printed
    assert printed.index("new root") < printed.index("type the name of the office") < printed.index("first share")
    new = [words_of(path.read_text("utf-8")) for path in sorted((ready.base / "root-2" / "sheets").glob("*.txt"))]
    assert len(new) == 3
    no_words_in(printed, ready.share(2), ready.share(3), *new)
    after = ready.base / "root" / "signed-000001" / "public" / "keys-000013.txt"
    sign = [word if word != ready.base / "root" else ready.base / "root-2" for word in ready.sign_words()]
    code, printed = typed(*sign, "--after", after)
    assert (1, True) == (code, "the share sheets still lie in" in printed)
    shutil.rmtree(ready.base / "root-2" / "sheets")
    code, printed = typed(*sign, "--after", after, answers=[OFFICE, *rows_of(new[0]), *rows_of(new[2])])
    assert code == 0, printed
    assert keys("verify", ready.base / "root-2" / "signed-000014" / "public").code == 0
    code, printed = typed(*ready.sign_words(), "--after", after)
    assert (1, True) == (code, "this root was handed on to another" in printed)
