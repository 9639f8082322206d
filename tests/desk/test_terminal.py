# SPDX-License-Identifier: AGPL-3.0-or-later
"""At a real terminal: no byte of foreign text reaches it that could move a cursor or turn a line; passphrases."""

import json
import unicodedata
from pathlib import Path

import pytest
from deskkit import PASSPHRASE, Desk, Office, command, filled, letter, letter_value, manifest_digest
from terminal import in_terminal

CONTROLS = "".join(map(chr, [*range(1, 10), *range(11, 32), *range(0x7F, 0xA0)]))
BIDI = "\u061c\u200b\u200e\u200f\u202a\u202d\u202e\u2066\u2067\u2069\u2028\u2029\ufeff\u00ad\U000e0041\U000e007f"
ZALGO = "a" + "\u0301" * 30
HOSTILE = f"ok \x1b[31m\x1b]0;title\x07\x1b]52;c;AAAA\x07\x1bP\x9b31m\r{CONTROLS}{BIDI} {ZALGO} \ue000 end"
FILE_NAME = HOSTILE.replace("/", "").replace("\x00", "")[:60]


def _hostile(office: Office, folder: Path) -> Desk:
    """Return a desk whose every text is hostile: letter, note, summary, reason, newer letter."""
    desk = Desk(office, folder / "desk", folder / "stick")
    desk.stick.mkdir()
    desk.init()
    newer = filled(json.dumps({**letter_value(HOSTILE), "v": 2}, ensure_ascii=False))
    letters = [letter(HOSTILE, id=name * 16) for name in ("00", "11", "22")]
    desk.receive(office.bundle([office.envelope(plaintext) for plaintext in (*letters, newer)]))
    for name in ("1111", "2222"):
        desk("pass", name, "--yes")
    desk("note", "0000", typed=HOSTILE)
    desk("summarize", "0000", typed=HOSTILE)
    desk("template", "save", "hostile", typed=HOSTILE)
    desk("filter", "save", "hostile", "--region", HOSTILE)
    desk("status", "0000", "closed", typed=HOSTILE)
    desk("hold", "--report", "0000", typed=HOSTILE)
    desk("regime", "--route", "grievance", "--file-with", typed=HOSTILE)
    desk("clock", "0000", "grievance", "--month", "2026-03")
    return desk


@pytest.fixture
def hostile(office: Office, tmp_path: Path) -> Desk:
    """A desk of its own with hostile texts."""
    return _hostile(office, tmp_path)


@pytest.fixture(scope="module")
def shared(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One such desk for all verbs of which only the output counts."""
    return _hostile(office, tmp_path_factory.mktemp("hostile"))


def _clean(printed: bytes) -> None:
    text = printed.decode("utf-8")
    bad = {c for c in text if c not in "\n\t " and unicodedata.category(c)[0] in "CZ"}
    assert (set(), False) == (bad, "\u0301" * 5 in text)


VERBS: dict[str, tuple[str, ...]] = {
    "list": ("list",),
    "list json": ("list", "--json"),
    "show": ("show", "0000"),
    "show words": ("show", "0000", "--words"),
    "show json": ("show", "0000", "--words", "--json"),
    "set-aside": ("set-aside",),
    "status": ("status",),
    "status of one": ("status", "0000"),
    "tag": ("tag", "0000", "REV.OVER"),
    "untag": ("untag", "0000", "REV.OVER"),
    "verify": ("verify",),
    "junk": ("junk",),
    "junk decided": ("junk", "--bin", "letter-version", "--discard"),
    "junk unknown": ("junk", HOSTILE, "--keep"),
    "junk unknown bin": ("junk", "--bin", HOSTILE),
    "duplicates": ("duplicates",),
    "duplicates of one": ("duplicates", "1111"),
    "duplicates json": ("duplicates", "--json"),
    "duplicates unknown": ("duplicates", HOSTILE),
    "next": ("next",),
    "next json": ("next", "--json"),
    "assign": ("assign", "0000", "Ana Example"),
    "assign unknown": ("assign", "0000", HOSTILE),
    "link": ("link", "0000", "1111", "--same-source"),
    "link unknown": ("link", "0000", HOSTILE, "--same-source"),
    "unlink": ("unlink", "0000", "1111", "--same-source"),
    "undo": ("undo",),
    "redo": ("redo",),
    "filter": ("filter",),
    "filter saved": ("filter", "save", "a", "--region", HOSTILE),
    "filter name": ("filter", "save", HOSTILE, "--region", "west"),
    "filter unknown": ("list", "--filter", HOSTILE),
    "template": ("template",),
    "template json": ("template", "--json"),
    "template unknown": ("note", "0000", "--template", HOSTILE),
    "many tagged": ("tag", "--month", "2026-03", "OTH.OUT"),
    "many closed": ("status", "0000", "1111", "closed", "--template", "hostile"),
    "unknown report": ("show", HOSTILE),
    "unknown code": ("tag", "0000", HOSTILE),
    "unknown codes": ("untag", "0000", HOSTILE),
    "unknown kind": ("list", "--kind", HOSTILE),
    "unknown code of list": ("list", "--code", HOSTILE),
    "unknown month": ("list", "--month", HOSTILE),
    "unknown status": ("list", "--status", HOSTILE),
    "unknown option": ("list", "--" + HOSTILE),
    "unknown envelope": ("set-aside", HOSTILE),
    "too many arguments": ("show", "0000", HOSTILE, HOSTILE),
    "status refused": ("status", "0000", HOSTILE),
    "note source": ("note", "0000", HOSTILE),
    "bundle missing": ("receive", FILE_NAME),
    "holder missing": ("receive", "b", "--holder", FILE_NAME),
    "masks": ("mask", "0000"),
    "no such mask": ("mask", "0000", "--lift", HOSTILE),
    "pass": ("pass", "0000"),
    "people": ("people",),
    "nobody of that name": ("roles", HOSTILE),
    "no such role": ("roles", "Ana Example", "--role", HOSTILE),
    "holds": ("hold",),
    "holds json": ("hold", "--json"),
    "scope refused": ("hold", "--term", HOSTILE),
    "no such hold": ("hold", "--release", HOSTILE),
    "retention": ("retention",),
    "purge": ("purge", "--dry-run"),
    "requests": ("approve",),
    "no such request": ("approve", HOSTILE),
    "no such act": ("two", "--act", HOSTILE),
    "clocks": ("clocks",),
    "clocks of one": ("clocks", "--report", "0000"),
    "clocks json": ("clocks", "--json"),
    "clock": ("clock", "0000", "ulp", "--month", "2026-03"),
    "no such route": ("clock", "0000", HOSTILE, "--done"),
    "no day": ("clock", "0000", "ulp", "--day", HOSTILE),
    "no month": ("clock", "0000", "ulp", "--month", HOSTILE),
    "regime": ("regime",),
    "route of the regime": ("regime", "--route", "grievance"),
    "no such profile": ("regime", HOSTILE),
    "backup": ("backup", FILE_NAME),
    "log": ("export-log", FILE_NAME),
    "identity missing": ("show", "0000", "--words", "--identity", FILE_NAME),
}


@pytest.mark.parametrize("name", VERBS)
def test_terminal_is_not_driven(shared: Desk, name: str, tmp_path: Path) -> None:
    """Every verb over hostile text prints only what a terminal shows."""
    words = (str(tmp_path / word) if word == FILE_NAME else word for word in VERBS[name])
    _, printed = in_terminal(shared.arguments(*words))
    assert len(printed) > 3
    assert b"Traceback" not in printed
    _clean(printed)


def test_passed_words_do_not_drive(hostile: Desk) -> None:
    """Nor do masked words once they are passed, shown and found; masks hide the rest."""
    assert 0 == hostile("pass", "0000").code
    _, shown = in_terminal(hostile.arguments("show", "0000"))
    found = hostile("search", typed="title\n").out.encode()
    for printed in (shown, found):
        assert b"title" in printed
        _clean(printed)


def test_words_set_aside_do_not_drive(hostile: Desk) -> None:
    """Nor does what was set aside, when it is shown."""
    (name,) = [aside["envelope"] for aside in hostile("set-aside", "--json").json]
    code, printed = in_terminal(hostile.arguments("set-aside", name, "--words"))
    assert (0, True) == (code, b"end" in printed)
    _clean(printed)


def test_unknown_verb_does_not_drive(hostile: Desk) -> None:
    """Nor does a verb there is not."""
    code, printed = in_terminal(["desk", HOSTILE])
    assert 2 == code
    _clean(printed)


def test_receive_does_not_drive(hostile: Desk) -> None:
    """Nor do a bundle, a holder and a folder with hostile names."""
    bundle = hostile.stick / FILE_NAME
    bundle.write_bytes((hostile.stick / "bundle").read_bytes())
    outgoing = hostile.stick / f"{FILE_NAME}-out"
    code, printed = in_terminal(hostile.arguments("receive", str(bundle), "--outgoing", str(outgoing)))
    assert 0 == code
    _clean(printed)


def test_reviewer_name_is_one_printable_line(office: Office, tmp_path: Path) -> None:
    """A name that could write lines of its own is refused before anything is made."""
    arguments = office.init_arguments(tmp_path / "desk")
    arguments[-1] = "Ana\ndesk: all is well"
    run = command("desk", *arguments, "--passphrase-file", str(office.passphrase_file))
    assert (2, "desk: a reviewer's name is 1 to 80 printable characters\n") == (run.code, run.err)
    assert not (tmp_path / "desk").exists()


def test_foreign_words_are_marked(hostile: Desk) -> None:
    """A letter cannot write a line that passes for the desk's own."""
    forged = letter("status closed\nwords shown: to nobody", id="33" * 16)
    known = manifest_digest((hostile.stick / "bundle").read_bytes())
    hostile.receive(hostile.office.bundle([hostile.office.envelope(forged)], pull=2, previous=known))
    lines = hostile("show", "3333", "--words").out.split("\n")
    quoted = ["  | status closed", "  | words shown: to nobody"]
    assert ["status new", *quoted, *quoted] == [line for line in lines if "status" in line or "nobody" in line]


def test_passphrases_typed(office: Office, tmp_path: Path) -> None:
    """A vault is made and read with passphrases typed at the terminal, which never shows them."""
    answers = [PASSPHRASE, "a new one, long", "a new one, long"]
    code, printed = in_terminal(["desk", *office.init_arguments(tmp_path / "desk")], answers)
    assert 0 == code, printed
    code, listed = in_terminal(["desk", "list", "--dir", str(tmp_path / "desk")], ["a new one, long"])
    assert (0, False) == (code, b"a new one" in printed + listed)


@pytest.mark.parametrize(
    ("typed", "code"),
    [(["short", "short"], 5), (["long enough but", "not the same"], None)],
    ids=["short", "different"],
)
def test_bad_new_passphrase_makes_nothing(office: Office, tmp_path: Path, typed: list[str], code: int | None) -> None:
    """A short one is refused; two different ones are asked for again."""
    arguments = ["desk", *office.init_arguments(tmp_path / "desk")]
    ended, printed = in_terminal(arguments, [PASSPHRASE, *typed, *([] if code else ["\x03"])])
    assert ended != 0
    assert code in (None, ended)
    assert not (tmp_path / "desk").exists(), printed


def test_wrong_passphrase_typed(desk: Desk) -> None:
    """Three tries, then one sentence and exit 5; the right one at the third try opens it."""
    listed = ["desk", "list", "--dir", str(desk.folder)]
    code, printed = in_terminal(listed, ["not the passphrase"] * 3)
    assert 5 == code
    assert b"desk: that is not the passphrase of the vault; try again (1 left)\n" in printed
    assert 0 == in_terminal(listed, ["not the passphrase", "nor this one", PASSPHRASE])[0]
    assert b"desk: the passphrase does not open this vault\n" in printed


def test_no_terminal_no_passphrase(desk: Desk) -> None:
    """Without a terminal a passphrase is not taken from standard input."""
    import subprocess
    import sys

    arguments = [sys.executable, "-m", "underseal", "desk", "list", "--dir", str(desk.folder)]
    run = subprocess.run(arguments, input=PASSPHRASE.encode(), capture_output=True, start_new_session=True, timeout=60)
    assert (2, b"") == (run.returncode, run.stdout)
    assert b"desk: passphrases are read from a terminal only, and there is none\n" == run.stderr
