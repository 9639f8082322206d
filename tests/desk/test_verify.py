# SPDX-License-Identifier: AGPL-3.0-or-later
"""Verify: every change that did not go through the log is found and named."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from deskkit import PASSPHRASE, Desk, Office, day, letter, read_log, typed

from crypto.primitives import digest
from crypto.signature import SigningKey
from desk import projections
from desk.events import EventRefused, Head, Kind, Value, follow, next_event, read_event
from desk.filing import Judge, Opener, Outcome
from desk.passphrase import Passphrases
from desk.receive import file_one, retry_kept
from desk.secretfiles import open_identities
from desk.vault import Vault, Writer, open_vault, read_header
from desk.verify import verify_vault

JUNK = bytes(21_157)


@pytest.fixture
def busy(desk: Desk, office: Office) -> Desk:
    """A desk with two reports, one junk envelope, and work of every kind on the first."""
    letters = [office.envelope(letter(id="00" * 16)), office.envelope(letter(id="11" * 16))]
    desk.receive(office.bundle([*letters, JUNK]))
    desk("tag", "0000", "REV.OVER", "STD.NEXUS")
    desk("untag", "0000", "REV.OVER")
    desk("note", "0000", typed="a note")
    desk("summarize", "0000", typed="a summary")
    desk("status", "0000", "closed", typed="a reason")
    desk("show", "0000", "--words")
    assert 0 == desk("verify").code
    return desk


def _alter(desk: Desk, statement: str) -> None:
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        vault.writing() as writer,
    ):
        changed = writer.connection.exec_driver_sql(statement).rowcount
    assert changed >= 1


ALTERED = {
    "event's body": ("UPDATE events SET body = replace(body, 'STD.NEXUS', 'STD.RAISE')", "event 14 of Ana Example"),
    "event's digest": ("UPDATE events SET digest = 'x' WHERE number = 5", "event 5 of Ana Example"),
    "event's signature": (
        "UPDATE events SET signature = (SELECT signature FROM events WHERE number = 4) WHERE number = 5",
        "event 5 of Ana Example: its signature does not hold",
    ),
    "event gone": ("DELETE FROM events WHERE number = 4", "event 5 of Ana Example: event 4 is missing"),
    "first event gone": ("DELETE FROM events WHERE number = 1", "event 2 of Ana Example: the chain does not begin"),
    "last event gone": ("DELETE FROM events WHERE number = 20", "table seen is not what the log makes of it"),
    "note": ("UPDATE texts SET text = 'another note' WHERE text = 'a note'", "(noted) was altered"),
    "summary": ("UPDATE texts SET text = 'another' WHERE text = 'a summary'", "(summarized) was altered"),
    "reason": ("UPDATE texts SET text = 'another' WHERE text = 'a reason'", "(status) was altered"),
    "facts": ("UPDATE texts SET text = replace(text, '\"west\"', '\"east\"')", "(filed) was altered"),
    "salt": ("UPDATE texts SET salt = x'00' WHERE text = 'a note'", "(noted) was altered"),
    "text gone": ("DELETE FROM texts WHERE text = 'a note'", "(noted) is missing"),
    "text added": ("INSERT INTO texts VALUES ('ff', x'00', 'x')", "text ff is named by no event"),
    "letter": ("UPDATE letters SET sealed = x'00' WHERE report LIKE '00%'", "the sealed letter of report 000000000000"),
    "letters swapped": (
        "UPDATE letters SET sealed = (SELECT sealed FROM letters WHERE report LIKE '11%') WHERE report LIKE '00%'",
        "the sealed letter of report 000000000000",
    ),
    "letter gone": ("DELETE FROM letters WHERE report LIKE '00%'", "the sealed letter of report 000000000000"),
    "letter added": ("INSERT INTO letters VALUES ('ff', x'00')", "letter ff is named by no event"),
    "kept envelope": ("UPDATE kept SET bytes = x'00'", "the kept envelope"),
    "kept envelope gone": ("DELETE FROM kept", "the kept envelope"),
    "kept envelope added": ("INSERT INTO kept VALUES ('ff', x'00', NULL)", "envelope ff is named by no event"),
    "reviewer's name": ("UPDATE reviewers SET name = 'Somebody Else'", "the reviewers are not those who joined"),
    "reviewer's key": ("UPDATE reviewers SET public = 'x'", "the reviewers are not those who joined"),
    "secret": ("UPDATE secrets SET seed = randomblob(32)", "a signing key in the vault is not the one"),
    "settings": ("UPDATE settings SET value = value || ' ' WHERE name = 'office'", "the office's settings"),
    "code": ("UPDATE codings SET code = 'REV.ASYM'", "table codings"),
    "status": ("UPDATE statuses SET status = 'done'", "table statuses"),
    "report": ("UPDATE reports SET envelope = 'x' WHERE report LIKE '00%'", "table reports"),
    "report hidden": ("DELETE FROM reports WHERE report LIKE '00%'", "table reports"),
    "fault": ("UPDATE envelopes SET fault = 'size' WHERE fault IS NOT NULL", "table envelopes"),
    "bundle": ("UPDATE bundles SET pull = 2", "table bundles"),
    "opening": ("DELETE FROM openings", "table openings"),
    "rows of search": ("UPDATE cards SET row = row + 1", "table found"),
    "search doubled": (
        "INSERT INTO found(rowid, report, words) SELECT 1, report, words FROM found LIMIT 1",
        "table found",
    ),
}


@pytest.mark.parametrize("name", ALTERED)
def test_alteration_named(busy: Desk, name: str) -> None:
    """Whoever has the passphrase can write into the file; verify says where, and ends with exit 4."""
    statement, named = ALTERED[name]
    _alter(busy, statement)
    run = busy("verify")
    assert (4, "") == (run.code, run.out)
    assert named in run.err


def test_first_bad_event_leads(busy: Desk) -> None:
    """The sentence that ends the command names the first bad event."""
    _alter(busy, "UPDATE events SET digest = 'x' WHERE number = 3")
    (sentence,) = [line for line in busy("verify").err.split("\n") if "does not hold together" in line]
    assert sentence.endswith("together: event 3 of Ana Example: its digest is not that of its line")


def test_damaged_pages_named(busy: Desk) -> None:
    """A flipped bit in the file itself is found, and nothing of SQLCipher's own talk is printed."""
    path = busy.folder / "vault.sqlite"
    data = bytearray(path.read_bytes())
    data[20_000] ^= 1
    path.write_bytes(data)
    run = busy("verify")
    assert 4 == run.code
    assert "damaged" in run.err
    assert "ERROR CORE" not in run.err


def test_changed_words_are_not_shown(busy: Desk) -> None:
    """Words that are not those that were filed are refused, even if well sealed."""
    _alter(busy, ALTERED["letters swapped"][0])
    run = busy("show", "0000", "--words")
    assert (4, "") == (run.code, run.out)
    assert "the sealed words of 00000000 are not those that were filed" in run.err


def test_rebuild_mends_tables(busy: Desk) -> None:
    """Where only the tables are wrong, they are made anew from the log."""
    before = busy("list", "--json").out
    _alter(busy, "DELETE FROM codings")
    _alter(busy, "UPDATE reports SET envelope = 'x'")
    assert 4 == busy("verify").code
    assert 0 == busy("verify", "--rebuild").code
    assert (before, 0) == (busy("list", "--json").out, busy("verify").code)


def test_rebuild_keeps_hands_off_a_bad_log(busy: Desk) -> None:
    """A log that does not hold is not made the truth."""
    _alter(busy, "DELETE FROM codings")
    _alter(busy, "UPDATE events SET digest = 'x' WHERE number = 8")
    assert 4 == busy("verify", "--rebuild").code


def test_verify_tells_the_head(busy: Desk) -> None:
    """The end of each chain is answered, and one of all together, to be written down."""
    each, whole = (
        r"SHA256:\S{43}: 20 events, the last [0-9a-f]{64}\n",
        r"the whole: 20 events, ending with [0-9a-f]{64}\n",
    )
    found = re.fullmatch(each + whole, busy("verify").out)
    assert found is not None


def test_events_hold_no_words(busy: Desk) -> None:
    """The log names texts by digest and days without a time."""
    with (
        open_vault(busy.folder, read_header(busy.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        log = "".join(row.body for row in read_log(connection))
    assert ["a note", "a summary", "a reason", "west", ":00"] == [
        word for word in ("a note", "a summary", "a reason", "west", ":00") if word not in log
    ]
    assert f'"day":"{day()}"' in log


def test_stock_tools_verify_an_event(busy: Desk, tmp_path: Path) -> None:
    """An event's line and signature, taken out of the vault, are checked by stock ssh-keygen."""
    with (
        open_vault(busy.folder, read_header(busy.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        first, second = list(read_log(connection))[:2]
    (tmp_path / "signers").write_text(f"ana {first.event.text('key')}\n")
    (tmp_path / "event.sig").write_text(second.signature)
    names = ["-n", "event@underseal", "-I", "ana", "-f", str(tmp_path / "signers"), "-s", str(tmp_path / "event.sig")]
    check = ["ssh-keygen", "-Y", "verify", *names]
    assert 0 == subprocess.run(check, input=second.body.encode(), capture_output=True).returncode
    assert 0 != subprocess.run(check, input=first.body.encode(), capture_output=True).returncode


def test_rebuild_equals_tables(busy: Desk) -> None:
    """The tables are exactly what folding the log gives."""
    with (
        open_vault(busy.folder, read_header(busy.folder), typed(PASSPHRASE), day()) as vault,
        vault.reading() as connection,
    ):
        assert projections.fold(row.event for row in read_log(connection)) == projections.stored(connection)


KEY = SigningKey.generate()
FIRST = next_event(Head(), KEY, day(), Kind.TAGGED, {"report": "00", "code": "REV.OVER"})


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"kind": "erased"}, {"day": "2031-05-06T1"}, {"day": "2031"}, {"x": 1}, {"number": ""}, {"code": []}],
    ids=str,
)
def test_other_event_refused(change: dict[str, object]) -> None:
    """A line that is not exactly an event is none."""
    body = json.dumps(json.loads(FIRST.body) | change, sort_keys=True, separators=(",", ":")) + "\n"
    with pytest.raises(EventRefused):
        read_event(body)


@pytest.mark.parametrize("body", ["", "{}", "[]", "null", "NaN", "[" * 5000, FIRST.body + " ", " " + FIRST.body])
def test_other_line_refused(body: str) -> None:
    """Nor is one written in another way."""
    with pytest.raises(EventRefused):
        read_event(body)


def test_other_key_refused() -> None:
    """An event signed by another reviewer does not continue this chain."""
    with pytest.raises(EventRefused):
        follow(Head(), FIRST, SigningKey.generate().public)


def test_chain_goes_on() -> None:
    """An event follows the one before it and no other."""
    second = next_event(follow(Head(), FIRST, KEY.public), KEY, day(), Kind.UNTAGGED, dict(FIRST.event.fields))
    assert Head(2, second.digest) == follow(Head(1, FIRST.digest), second, KEY.public)
    with pytest.raises(EventRefused):
        follow(Head(1, "0" * 64), second, KEY.public)
    with pytest.raises(EventRefused):
        follow(Head(), second, KEY.public)


SECOND = "seven lamps over the water"


@pytest.fixture
def pair(desk: Desk, office: Office, tmp_path: Path) -> Desk:
    """A desk with two reports, and with a second person who is a coder."""
    desk.receive(office.bundle([office.envelope(letter(id=f"{i:02}" * 16)) for i in (1, 2)]))
    (tmp_path / "other").write_text(SECOND + "\n")
    run = desk("join", "Ben Example", "--role", "coder", "--new-passphrase-file", str(tmp_path / "other"))
    assert 0 == run.code, run.err
    return desk


def _faults(desk: Desk, act: Callable[[Vault, Writer], object], passphrase: str = SECOND) -> list[str]:
    """Write into the vault past the program's own checks, as one person, and return what verify finds."""
    with open_vault(desk.folder, read_header(desk.folder), typed(passphrase), day()) as vault:
        with vault.writing() as writer:
            act(vault, writer)
        return verify_vault(vault).faults


NONE = {"reason": None, "after": None}
NEVER_HELD: dict[str, tuple[Kind, dict[str, Value]]] = {
    "custody": (Kind.CUSTODY, {"report": "01" * 16, "state": "passed", **NONE}),
    "masks": (Kind.MASKED, {"report": "01" * 16, "letter": "l", "masked": None, "layer": None, "after": None}),
    "hold": (Kind.HELD, {"hold": "h", "state": "on", "text": None, "after": None}),
    "hold ended": (Kind.HELD, {"hold": "h", "state": "off", "text": None, "after": None}),
    "purge": (Kind.PURGED, {"subject": "ff", "what": "all", "rule": "record_only", "report": None}),
    "roles": (Kind.ROLES, {"member": "SHA256:x", "roles": "counsel", "after": None}),
    "rules": (Kind.RULES, {"subject": "two", "acts": "", "after": None}),
    "agreement": (Kind.SECOND, {"request": "q", "state": "approved", "text": None, "after": None}),
    "junk": (Kind.JUNKED, {"envelope": "e", "junk": 1}),
    "bundle": (
        Kind.RECEIVED,
        {"manifest": "m", "portal": "p", "pull": 9, "missing_from": None, "pulled": "d", "envelopes": 0},
    ),
    "keys": (Kind.DESTROYED, {"until": "2031-05-06", "text": None}),
    "rule of a profile": (Kind.REGIME, {"subject": "office", "profile": "p", "after": None}),
}


@pytest.mark.parametrize("name", NEVER_HELD)
def test_act_without_a_role_named(pair: Desk, name: str) -> None:
    """What a coder's key has signed, and no coder may do, is named, however well it is signed."""
    kind, fields = NEVER_HELD[name]
    faults = _faults(pair, lambda _, writer: writer.record(kind, **fields))
    (named,) = [fault for fault in faults if "never had a role" in fault]
    assert named == "event 2 of Ben Example: its author never had a role for it"


def test_role_once_held_is_enough(pair: Desk) -> None:
    """What somebody did while they had the role still holds when they have it no more."""
    pair("roles", "Ben Example", "--role", "coder", "--role", "custodian")
    run = {"hold": "h", "state": "on", "after": None}
    assert [] == _faults(pair, lambda _, writer: writer.record(Kind.HELD, text=writer.text("{}"), **run))
    pair("roles", "Ben Example", "--role", "coder")
    assert 0 == pair("verify").code


def test_own_gift_gives_nothing(pair: Desk) -> None:
    """Who gives themselves a role, and then acts by it, is named for both."""

    def act(vault: Vault, writer: Writer) -> None:
        writer.record(Kind.ROLES, member=vault.reviewer, roles="custodian", after=None)
        writer.record(Kind.JUNKED, envelope="e", junk=1)

    assert 2 == sum("never had a role" in fault for fault in _faults(pair, act))


def test_other_maker_named(pair: Desk) -> None:
    """Whoever writes themselves into the vault as its maker is named, with settings of their own or without."""

    def act(vault: Vault, writer: Writer) -> None:
        change = "UPDATE settings SET value = ? WHERE name = 'maker'"
        writer.connection.exec_driver_sql(change, (vault.reviewer,))

    named = "the vault's maker is not who began its settings by the log"
    assert named in _faults(pair, act)
    text = {"settings": "x", "after": None}
    assert named in _faults(pair, lambda _, writer: writer.record(Kind.OFFICE, **text))


@pytest.mark.parametrize("wrong", ["nothing", "another kind"])
def test_decision_after_none_named(pair: Desk, wrong: str) -> None:
    """A decision that takes the place of nothing in the log, or of another kind of event, is named."""

    def act(_: Vault, writer: Writer) -> None:
        other = digest(writer.record(Kind.SEEN, report="01" * 16).body.encode())
        names = "0" * 64 if wrong == "nothing" else other
        writer.record(Kind.ASSIGNED, report="01" * 16, to=None, after=names)

    assert "event 3 of Ben Example: it follows a decision that is not there" in _faults(pair, act)


@pytest.mark.parametrize("first", ["larger", "smaller"])
def test_filed_by_another_raises_no_alarm(pair: Desk, first: str) -> None:
    """One custodian has not the week's key, another has: what is filed is filed, whichever chain is read first."""
    pair("roles", "Ben Example", "--role", "custodian")
    envelope = pair.office.envelope(letter("By the other.", id="05" * 16))
    secret = Passphrases(pair.office.passphrase_file, throwaway=True)
    keys = open_identities(pair.office.secret / "holder-custodian.age", secret)
    by_key = {person["key"]: person["name"] for person in pair("people", "--json").json}
    ordered = [{"Ana Example": PASSPHRASE, "Ben Example": SECOND}[by_key[key]] for key in sorted(by_key)]
    phrases = ordered if first == "smaller" else ordered[::-1]
    for phrase, identities in zip(phrases, ([], keys), strict=True):
        with open_vault(pair.folder, read_header(pair.folder), typed(phrase), day()) as vault:
            judge = Judge(Opener(identities, vault.settings.slots), vault.settings)
            outcome = [*retry_kept(vault, judge), file_one(vault, envelope, judge)][0]
    assert Outcome.FILED is outcome
    assert 0 == pair("verify").code
    assert 0 == pair("verify", "--rebuild").code
    assert ([], 3) == (pair("set-aside", "--json").json, len(pair.ids()))


def test_settings_by_two_people_raise_no_alarm(pair: Desk) -> None:
    """The settings of whoever wrote last stand, whichever chain is read first; those before do not."""
    for place, phrase in enumerate((PASSPHRASE, SECOND, PASSPHRASE, SECOND)):
        holders = (Path(f"/holder/{place}"),)
        assert [] == _faults(pair, lambda v, w, h=holders: w.office(replace(v.settings, holders=h)), phrase)
    earlier: list[str] = []

    def back(vault: Vault, writer: Writer) -> None:
        earlier.append(replace(vault.settings, holders=(Path("/holder/2"),)).text())
        writer.connection.exec_driver_sql("UPDATE settings SET value = ? WHERE name = 'office'", (earlier[0],))

    assert ["the office's settings are not those the log names"] == _faults(pair, back)


PLANTED = {
    "trigger": (
        "CREATE TRIGGER keep AFTER DELETE ON texts BEGIN INSERT INTO notes VALUES ('a','b',1,old.text,'d'); END",
        "a table, index, view or trigger that is not as this program makes it",
    ),
    "table": ("CREATE TABLE copies (x)", "a table, index, view or trigger that is not as this program makes it"),
    "foreign signing key": (
        "INSERT INTO secrets SELECT 'SHA256:x', seed FROM secrets LIMIT 1",
        "a signing key in the vault is not the one it is named for",
    ),
    "number for a text": ("UPDATE texts SET text = x'ff' WHERE text = 'a note'", "something that this program never"),
    "setting": ("INSERT INTO settings VALUES ('colour', 'blue')", "the vault's maker has no chain in the log"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_thing_named(busy: Desk, name: str) -> None:
    """What somebody with the passphrase puts into the vault beside our tables is named, and no traceback is shown."""
    statement, named = PLANTED[name]
    with (
        open_vault(busy.folder, read_header(busy.folder), typed(PASSPHRASE), day()) as vault,
        vault.writing() as writer,
    ):
        writer.connection.exec_driver_sql(statement)
    run = busy("verify")
    assert 4 == run.code
    assert named in run.err
