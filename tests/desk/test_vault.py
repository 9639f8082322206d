# SPDX-License-Identifier: AGPL-3.0-or-later
"""The vault: made once, private, opened by its passphrase only, by one process at a time."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from deskkit import CANARY, PASSPHRASE, Desk, Office, command, day, letter, typed

from desk.errors import NewerVault, VaultFileRefused, VaultLocked
from desk.lock import locked
from desk.tables import VAULT_VERSION
from desk.vault import open_vault, read_header
from desk.vaultfile import Door, Keys, VaultFile, read_vault_file, write_vault_file

KEY = "SHA256:" + "A" * 43
DOOR = Door(KEY, bytes(16), bytes(80))


def test_init_twice_refused(desk: Desk) -> None:
    """A second init changes nothing and says so in one sentence."""
    before = {path.name: path.read_bytes() for path in desk.folder.iterdir()}
    run = desk.init()
    assert (1, "desk: desk is not empty: a vault is never written over") == (run.code, run.err.split("\n")[0])
    assert before == {path.name: path.read_bytes() for path in desk.folder.iterdir()}


def test_init_needs_empty_folder(office: Office, tmp_path: Path) -> None:
    """A folder that holds anything is left as it is."""
    (tmp_path / "letter.txt").write_text("mine")
    run = Desk(office, tmp_path, tmp_path).init()
    assert 1 == run.code
    assert ["letter.txt"] == [path.name for path in tmp_path.iterdir()]


def test_private_modes(desk: Desk) -> None:
    """The folder is 0700 and every file in it 0600."""
    desk.receive(desk.office.bundle([desk.office.envelope(letter())]))
    assert 0o700 == stat.S_IMODE(desk.folder.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in desk.folder.iterdir()}


def test_wrong_passphrase(desk: Desk, tmp_path: Path) -> None:
    """Another passphrase: one sentence, exit 5, and no word of SQLCipher's."""
    (tmp_path / "other").write_text("another horse altogether\n")
    run = command("desk", "list", "--dir", str(desk.folder), "--passphrase-file", str(tmp_path / "other"))
    assert (5, "") == (run.code, run.out)
    assert "desk: the passphrase does not open this vault" == run.err.split("\n")[0]


def test_passphrase_as_nfc() -> None:
    """The same letters typed by different keyboards give the same key."""
    keys = Keys(bytes(32), bytes(range(32)))
    file = VaultFile.make(throwaway=True).with_door("ma\u00f1ana ma\u00f1ana", KEY, keys)
    assert keys == file.opened("man\u0303ana man\u0303ana")
    assert file.opened("manana manana") is None


def test_no_vault(office: Office, tmp_path: Path) -> None:
    """A folder without a vault is exit 3."""
    run = Desk(office, tmp_path, tmp_path)("list")
    assert (3, "desk: no vault in " + tmp_path.name) == (run.code, run.err.split("\n")[0])


def test_folder_from_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """UNDERSEAL_DESK names the folder where --dir does not."""
    monkeypatch.setenv("UNDERSEAL_DESK", str(desk.folder))
    assert 0 == command("desk", "status", "--passphrase-file", str(desk.office.passphrase_file)).code


def test_second_process_refused(desk: Desk) -> None:
    """While one program has the vault, another is refused with one sentence that names it."""
    with locked(desk.folder / "lock"):
        run = desk("list")
    assert 1 == run.code
    assert run.err.startswith("desk: another desk program has this vault open (process ")


def test_lock_is_left_by_the_dead(desk: Desk) -> None:
    """A lock file of a program that is gone does not lock."""
    (desk.folder / "lock").write_text("1 some-other-boot\n")
    assert 0 == desk("list").code


def _storage_sentence(desk: Desk) -> None:
    run = desk("list")
    assert (7, "") == (run.code, run.out)
    assert run.err.startswith("desk: nothing was changed: the vault could not be written (")


def test_lock_is_never_a_link(desk: Desk) -> None:
    """A lock that leads elsewhere is not followed: a sentence and exit 7."""
    (desk.folder / "lock").unlink(missing_ok=True)
    (desk.folder / "lock").symlink_to(desk.stick / "elsewhere")
    run = desk("list")
    assert (7, "") == (run.code, run.out)
    assert run.err.startswith("desk: lock could not be written: ")
    assert not (desk.stick / "elsewhere").exists()


def test_unusable_database_is_no_wrong_passphrase(desk: Desk) -> None:
    """A file that SQLite cannot work with is not blamed on the person's passphrase."""
    (desk.folder / "vault.sqlite-journal").mkdir()
    _storage_sentence(desk)


def test_lock_names_nobody_of_another_boot(tmp_path: Path) -> None:
    """A process id of another boot is not repeated."""
    with locked(tmp_path / "lock"):
        (tmp_path / "lock").write_text("77 some-other-boot\n")
        with pytest.raises(VaultLocked, match="unknown"), locked(tmp_path / "lock"):
            pass


def test_real_office_floor() -> None:
    """A real office never has less than 256 MiB and 3 passes."""
    made = VaultFile(256, 3, False, (DOOR,))
    assert made == replace(VaultFile.make(throwaway=False), doors=(DOOR,))
    assert (256, 3) == (made.memory_mib, made.passes)
    assert made == read_vault_file(write_vault_file(made))


@pytest.mark.parametrize(
    "change",
    [
        {"memory_mib": 255},
        {"memory_mib": 8},
        {"memory_mib": 1025},
        {"memory_mib": 10**9},
        {"memory_mib": 256.0},
        {"memory_mib": True},
        {"passes": 2},
        {"passes": 11},
        {"passes": "3"},
        {"doors": []},
        {"doors": [{"key": KEY, "salt": "00", "sealed": "00" * 80}]},
        {"doors": [{"key": KEY, "salt": 5, "sealed": "00" * 80}]},
        {"doors": [{"key": KEY, "salt": "00" * 16, "sealed": "00" * 79}]},
        {"doors": [{"key": "Ana Example", "salt": "00" * 16, "sealed": "00" * 80}]},
        {"doors": [{"key": KEY, "salt": "00" * 16, "sealed": "00" * 80}] * 13},
        {"doors": 5},
        {"v": 1},
        {"kdf": "scrypt"},
        {"throwaway": 0},
        {"more": 1},
    ],
    ids=str,
)
def test_tampered_parameters_refused(change: dict[str, object]) -> None:
    """vault.json cannot ask for less than the floor nor more than the ceiling."""
    body = json.loads(write_vault_file(VaultFile(256, 3, False, (DOOR,)))) | change
    with pytest.raises(VaultFileRefused):
        read_vault_file(json.dumps(body).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 900], ids=repr)
def test_broken_vault_file_refused(data: bytes) -> None:
    """What is no vault.json is refused, not a crash."""
    with pytest.raises(VaultFileRefused):
        read_vault_file(data)


def test_throwaway_flag_is_checked_inside(desk: Desk) -> None:
    """Marking a vault throwaway, or not, in vault.json alone is noticed."""
    header = read_header(desk.folder)
    flipped = replace(header, throwaway=not header.throwaway)
    with pytest.raises(VaultFileRefused), open_vault(desk.folder, flipped, typed(PASSPHRASE), day()):
        pass


def test_newer_vault_refused(desk: Desk) -> None:
    """A vault of a newer version is not touched."""
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        vault.writing() as writer,
    ):
        writer.connection.exec_driver_sql(f"PRAGMA user_version = {VAULT_VERSION + 1}")
    with pytest.raises(NewerVault), open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()):
        pass


def test_pragmas_hold(desk: Desk) -> None:
    """The settings that the vault relies on are in force on an open connection."""
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        names = ("cipher_memory_security", "temp_store", "secure_delete", "foreign_keys", "journal_mode", "synchronous")
        found = {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in names}
    assert found == {
        "cipher_memory_security": "1",
        "temp_store": "2",
        "secure_delete": "1",
        "foreign_keys": "1",
        "journal_mode": "delete",
        "synchronous": "3",
    }


def test_nothing_readable_on_disk(desk: Desk) -> None:
    """A report's words, a note and the reviewer's name stand in no file of the desk, nor on the stick."""
    desk.receive(desk.office.bundle([desk.office.envelope(letter(CANARY))]))
    name = desk.ids()[0]
    desk("note", name, typed=CANARY)
    desk("summarize", name, typed=CANARY)
    assert CANARY in desk("show", name, "--words").out
    files = [path for folder in (desk.folder, desk.stick) for path in folder.rglob("*") if path.is_file()]
    read = b"".join(path.read_bytes() for path in files)
    assert len(files) >= 6
    assert [False] * 4 == [word in read for word in (CANARY.encode(), name.encode(), b"Ana Example", b"SQLite format")]


def test_words_only_under_the_custodian_key(desk: Desk) -> None:
    """In the open vault, what is masked or in quarantine is nowhere in clear: it is sealed to custodian and counsel."""
    texts = (f"{CANARY}, on my twins", "Her A-number is A-123456789; she told of 17 lanterns.")
    desk.receive(desk.office.bundle([desk.office.envelope(letter(text)) for text in texts]))
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        dump = repr([connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall() for table in tables])
    assert f"{CANARY}, on [masked: family]" in dump or f"{CANARY}, on [masked: self_identifying]" in dump
    assert [word for word in ("twins", "123456789", "17 lanterns") if word in dump] == []


def test_missing_desk_key_leaves_no_folder(office: Office, tmp_path: Path) -> None:
    """An init that fails leaves nothing behind."""
    arguments = office.init_arguments(tmp_path / "desk")
    arguments[arguments.index("--desk-key") + 1] = str(tmp_path / "absent.age")
    run = command("desk", *arguments, "--passphrase-file", str(office.passphrase_file))
    assert (3, False) == (run.code, (tmp_path / "desk").exists())


def test_other_desk_key_refused(office: Office, tmp_path: Path) -> None:
    """Only the desk key that the root's key lists name is taken."""
    arguments = office.init_arguments(tmp_path / "desk")
    arguments[arguments.index("--desk-key") + 1] = str(office.secret / "root.age")
    run = command("desk", *arguments, "--passphrase-file", str(office.passphrase_file))
    assert (4, False) == (run.code, (tmp_path / "desk").exists())
    assert "desk: the key in root.age is not the desk key of the key lists" in run.err.split("\n")
