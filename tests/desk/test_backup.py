# SPDX-License-Identifier: AGPL-3.0-or-later
"""A sealed copy gives the vault back, to the right keys alone, whole or not at all, and never back in silence."""

import io
import json
import math
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from deskkit import CANARY, PASSPHRASE, Desk, Office, Run, command, day, letter, manifest_digest, typed

from crypto.envelope import seal_stream
from crypto.primitives import digest
from crypto.signature import SigningKey
from desk import backup, session
from desk.errors import NotAgreed
from desk.vault import join, open_vault, read_header

MIB = 1 << 20


@pytest.fixture
def filled(desk: Desk, office: Office) -> Desk:
    """A desk with two reports and some work."""
    letters = [office.envelope(letter(CANARY, id="00" * 16)), office.envelope(letter(id="11" * 16))]
    desk.receive(office.bundle(letters))
    desk("tag", "0000", "REV.OVER")
    desk("note", "0000", typed=CANARY)
    return desk


def _restore(desk: Desk, copy: Path, folder: Path, key: str = "custodian.age", *more: str) -> Run:
    identity = ("--identity", str(desk.office.secret / key))
    secret = ("--passphrase-file", str(desk.office.passphrase_file))
    return command("desk", "restore", str(copy), "--dir", str(folder), *identity, *secret, *more)


@pytest.mark.parametrize("key", ["custodian.age", "counsel.age"])
def test_copy_gives_everything_back(filled: Desk, tmp_path: Path, key: str) -> None:
    """Custodian or counsel alone restores it; it verifies, it opens by the same passphrase, and work goes on."""
    copy = tmp_path / "copy.age"
    run = filled("backup", str(copy))
    assert 0 == run.code, run.err
    assert copy.stat().st_size % MIB < 16_384  # a whole number of MiB, and what sealing adds
    assert CANARY.encode() not in copy.read_bytes()
    run = _restore(filled, copy, tmp_path / "again", key)
    assert 0 == run.code, run.err
    again = replace(filled, folder=tmp_path / "again")
    assert filled("show", "0000", "--json").json == again("show", "0000", "--json").json
    assert CANARY == again("show", "0000", "--words", "--json").json["text"]
    assert 0 == again("verify").code
    assert 0 == again("tag", "1111", "STD.NEXUS").code


def test_foreign_key_opens_nothing(filled: Desk, tmp_path: Path) -> None:
    """A holder's weekly keys are not whom copies are sealed to."""
    filled("backup", str(tmp_path / "copy.age"))
    run = _restore(filled, tmp_path / "copy.age", tmp_path / "again", "holder-counsel.age")
    assert (1, False) == (run.code, (tmp_path / "again").exists())


@pytest.mark.parametrize("seed", range(12))
def test_altered_copy_makes_nothing(filled: Desk, tmp_path: Path, seed: int) -> None:
    """Any flipped bit, cut or added byte: refused, and no vault is left."""
    copy, chance = tmp_path / "copy.age", random.Random(seed)
    filled("backup", str(copy))
    data = bytearray(copy.read_bytes())
    match seed % 3:
        case 0:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 1:
            del data[chance.randrange(len(data)) :]
        case _:
            data += bytes(chance.randrange(1, 70_000))
    copy.write_bytes(data)
    run = _restore(filled, copy, tmp_path / "again")
    assert run.code in (1, 4), run.err
    assert not (tmp_path / "again" / "vault.json").exists()
    assert not (tmp_path / "again" / "vault.sqlite").exists()


def test_going_back_is_never_silent(filled: Desk, tmp_path: Path) -> None:
    """With the last digest written down, an older copy is refused; the copy says where it ends."""
    filled("backup", str(tmp_path / "old.age"))
    filled("tag", "1111", "STD.NEXUS")
    filled("backup", str(tmp_path / "new.age"))
    last = filled("verify").out.split()[-1][:12]
    run = _restore(filled, tmp_path / "old.age", tmp_path / "again", "custodian.age", "--expect", last)
    assert (4, False) == (run.code, (tmp_path / "again" / "vault.json").exists())
    run = _restore(filled, tmp_path / "new.age", tmp_path / "again", "custodian.age", "--expect", last)
    assert 0 == run.code, run.err
    assert "bundles up to 1" in run.err


def test_one_persons_end_is_not_the_end(filled: Desk, tmp_path: Path) -> None:
    """An old copy ends where somebody who did nothing since ends; that is no match, nor is too little of one."""
    (tmp_path / "ben").write_text("nine bells at the harbour\n")
    assert 0 == filled("join", "Ben Example", "--role", "coder", "--new-passphrase-file", str(tmp_path / "ben")).code
    said = filled("backup", str(tmp_path / "old.age")).err
    old = filled("verify").out.split()[-1]
    assert f"desk: it ends with {old[:12]}\n" in said
    filled("note", "1111", typed="more work")
    lines = filled("verify").out.splitlines()
    ends = [line.split()[-1] for line in lines]
    assert (3, True) == (len(set(ends)), lines[-1].startswith("the whole: "))
    for digits in (*(end[:12] for end in ends), old[:7], ""):
        run = _restore(filled, tmp_path / "old.age", tmp_path / "again", "custodian.age", "--expect", digits)
        assert (4, False) == (run.code, (tmp_path / "again").exists()), digits
    assert 0 == _restore(filled, tmp_path / "old.age", tmp_path / "again", "custodian.age", "--expect", old[:8]).code


_GOOD = {"day": "2031-05-06", "heads": {}, "last_pull": 0, "database_bytes": 10, "database": "0" * 64}


def _forged(desk: Desk, out: Path, **changes: object) -> Path:
    """Write what anybody can: a copy sealed to the office, with a line of one's own."""
    with open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault:
        office, to = vault.settings.office.root.fingerprint, vault.settings.long_lived
    body = {"v": 2, "office": office, "vault_json": (desk.folder / "vault.json").read_text(), "signature": "x", **_GOOD}
    data = io.BytesIO(json.dumps({**body, **changes}, sort_keys=True).encode() + b"\n" + bytes(MIB))
    out.write_bytes(b"".join(seal_stream(data.read, to)))
    return out


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("last_pull", math.inf), ("last_pull", "9" * 5000), ("last_pull", True), ("last_pull", -1)),
        *(("database_bytes", math.inf), ("database_bytes", -5), ("database_bytes", 10**30), ("database", "x")),
        *(("day", "\x1b]0;evil\x07"), ("day", "20310506"), ("day", "\ud800"), ("day", 5), ("office", "\x1b[2J")),
        *(("heads", {"a": [1, "b"]}), ("heads", [1]), ("vault_json", "{}"), ("vault_json", 7), ("signature", None)),
    ],
    ids=[f"line{number}" for number in range(18)],
)
def test_forged_line_is_refused(desk: Desk, tmp_path: Path, field: str, value: object) -> None:
    """Nothing of a line that the desk never writes reaches the terminal; it is refused, and nothing is made."""
    run = _restore(desk, _forged(desk, tmp_path / "forged.age", **{field: value}), tmp_path / "again")
    assert (4, "", False) == (run.code, run.out, (tmp_path / "again").exists())
    assert "desk: this is not a copy that can be gone back to: its first line is not one" in run.err
    assert "a copy of" not in run.err


def test_forged_line_of_the_right_shape_makes_nothing(desk: Desk, tmp_path: Path) -> None:
    """The same line without a fault in its shape is met by the checks after it."""
    run = _restore(desk, _forged(desk, tmp_path / "forged.age"), tmp_path / "again")
    assert (4, True) == (run.code, "a copy of 2031-05-06" in run.err)
    assert [] == list((tmp_path / "again").iterdir())


def test_prompts_only_print(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a question is given, the terminal only prints it."""
    monkeypatch.setattr("sys.stdin", io.StringIO("no\nno\n"))
    for ask in (lambda text: session.typed(text, text), session.agreed_to):
        with pytest.raises(NotAgreed):
            ask("\x1b]0;evil\x07\r\n\u202e")
    shown = "".join(capsys.readouterr())
    assert ([], 3) == ([mark for mark in "\x1b\x07\r\u202e" if mark in shown], shown.count("]0;evil"))


@pytest.mark.parametrize(("people", "code"), [(200, 0), (480, 1)])
def test_many_people_have_a_copy_or_none(desk: Desk, tmp_path: Path, people: int, code: int) -> None:
    """What is written can be gone back to; what could not be is refused before anything is written."""
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        vault.writing() as writer,
    ):
        for number in range(people):
            join(writer.connection, SigningKey.generate(), f"Person {number}", day())
    before = desk("verify").out
    run = desk("backup", str(tmp_path / "copy.age"))
    assert (code, not code) == (run.code, (tmp_path / "copy.age").exists())
    if code:
        assert (True, before) == ("more people have joined than a copy can name" in run.err, desk("verify").out)
    else:
        assert 0 == _restore(desk, tmp_path / "copy.age", tmp_path / "again").code


@pytest.mark.parametrize(
    "left", [("vault.sqlite",), ("vault.sqlite", "lock"), (".00112233aabbccdd.part",)], ids="+".join
)
def test_restore_that_was_cut_says_so(filled: Desk, tmp_path: Path, left: tuple[str, ...]) -> None:
    """What a killed run leaves is no vault, and is not called one; with that folder gone it runs again."""
    filled("backup", str(tmp_path / "copy.age"))
    (tmp_path / "again").mkdir()
    for name in left:
        (tmp_path / "again" / name).touch()
    run = _restore(filled, tmp_path / "copy.age", tmp_path / "again")
    assert (1, True, False) == (run.code, "its making was cut" in run.err, "never written over" in run.err)
    shutil.rmtree(tmp_path / "again")
    assert 0 == _restore(filled, tmp_path / "copy.age", tmp_path / "again").code


def test_copy_is_never_written_over(filled: Desk, tmp_path: Path) -> None:
    """Neither a copy nor a vault that is there is replaced."""
    (tmp_path / "copy.age").write_bytes(b"something else")
    before = filled("verify").out
    assert 0 != filled("backup", str(tmp_path / "copy.age")).code
    assert b"something else" == (tmp_path / "copy.age").read_bytes()
    assert (before, True) == (filled("verify").out, "last sealed copy: none yet\n" in filled("status").out)
    filled("backup", str(tmp_path / "real.age"))
    assert f"last sealed copy: {day()}\n" in filled("status").out
    run = _restore(filled, tmp_path / "real.age", filled.folder)
    assert (1, True) == (run.code, "never written over" in run.err)
    assert 0 == filled("verify").code


def test_restored_desk_names_what_it_misses(filled: Desk, office: Office, tmp_path: Path) -> None:
    """Bundles after the copy are a gap to a desk that went back; a stick that is still there fills it."""
    filled("backup", str(tmp_path / "copy.age"))
    first = manifest_digest((filled.stick / "bundle").read_bytes())
    second = office.bundle([office.envelope(letter(id="22" * 16))], pull=2, previous=first)
    filled.receive(second)
    third = office.bundle([office.envelope(letter(id="33" * 16))], pull=3, previous=manifest_digest(second))
    _restore(filled, tmp_path / "copy.age", tmp_path / "again")
    again = replace(filled, folder=tmp_path / "again")
    assert "gap: bundle 2 never came here" in again.receive(third).err
    assert 0 == again.receive(second).code
    assert 4 == len(again.ids())
    assert 0 == again("verify").code


def test_older_database_under_a_newer_line(filled: Desk, tmp_path: Path) -> None:
    """Anybody can seal to the custodian; a line that the desk has not signed for this database makes no vault."""
    old = (filled.folder / "vault.sqlite").read_bytes()
    filled("tag", "1111", "STD.NEXUS")
    filled("backup", str(tmp_path / "new.age"))
    last = filled("verify").out.split()[-1][:12]
    with (
        open_vault(filled.folder, read_header(filled.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        about = backup._about(vault, connection, filled.folder, io.BytesIO(old))
        assert digest(old) == about.database
        plain = backup._Plain(about.line(), io.BytesIO(old), len(old))
        (tmp_path / "forged.age").write_bytes(b"".join(seal_stream(plain.read, vault.settings.long_lived)))
    run = _restore(filled, tmp_path / "forged.age", tmp_path / "again", "custodian.age", "--expect", last)
    assert (4, True) == (run.code, "is not signed by the desk" in run.err)
    assert [] == list((tmp_path / "again").iterdir())
