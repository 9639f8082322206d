# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ceremony over several machines, by the real commands: what each machine has, and what the root signs."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from keyskit import MACHINES, PASSPHRASE, hold, identities_of, keys, new_machines, words_of

from crypto.envelope import LETTER_BYTES, seal
from crypto.primitives import digest
from crypto.recipient import Recipient
from crypto.secret.opening import open_envelope
from crypto.secret.secretfile import open_secret
from crypto.signature import SigningKey
from desk.halves import spoken
from desk.kit import covered_days, lists_of_kit
from intake.office import read_office

EACH = {
    "custodian": {"holder-custodian.age", "custodian.age", "custodian.holder.txt"},
    "counsel": {"holder-counsel.age", "counsel.age", "counsel.holder.txt"},
    "recovery": {"holder-recovery.age", "recovery.holder.txt"},
    "desk": {"desk.age", "desk.public.txt"},
    "courier": {"courier.key", "courier.public.txt"},
}
TODAY = datetime.now(UTC).date()
MONDAY = TODAY - timedelta(days=TODAY.weekday())
QUARTER = timedelta(weeks=13)


def digests(out: str) -> list[str]:
    return re.findall(r"(?:[0-9a-f]{4} ){7}[0-9a-f]{4}", out)


@pytest.mark.parametrize("name", MACHINES)
def test_machine_has_its_own(signed, name):
    """Each machine holds its own keys and nobody else's; secret files are for their owner alone."""
    folder = signed.folder(name)
    assert {path.name for path in folder.iterdir()} == EACH[name]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir() if path.suffix != ".txt"} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_root_has_no_secret(signed):
    """Beside the sheets, the root's folder has nothing that opens or signs anything."""
    files = [path for path in signed.root.rglob("*") if path.is_file() and path.parent.name != "sheets"]
    assert len(files) > 40
    secret = re.compile(rb"AGE-SECRET-KEY-PQ-1[A-Z0-9]{50}|-----BEGIN OPENSSH PRIVATE KEY")
    assert not [path for path in files if secret.search(path.read_bytes()) or path.suffix in {".age", ".key"}]
    assert {path.stat().st_mode & 0o777 for path in (signed.root / "sheets").iterdir()} == {0o600}


def test_no_share_outside_its_sheet(signed):
    """No two words that follow each other in a share stand anywhere but on its sheet."""
    words = words_of((signed.root / "sheets" / "share-1.txt").read_text())
    pairs = [f"{a} {b}".encode() for a, b in zip(words, words[1:], strict=False)]
    for path in signed.base.rglob("*"):
        if path.is_file() and path.parent.name != "sheets":
            assert not [pair for pair in pairs if pair in path.read_bytes()], path


def test_lists_are_of_holders_and_fillers(signed):
    """Each of 13 weeks has the three holders and one filler, in an order that tells nobody which is which."""
    weeks = [key_list.weeks[0] for key_list in signed.lists()]
    holders = [signed.identities(name) for name in MACHINES[:3]]
    assert [week.first for week in weeks] == [MONDAY + timedelta(weeks=n) for n in range(13)]
    for number, week in enumerate(weeks):
        known = {identities[number].recipient for identities in holders}
        assert (4, 3) == (len(set(week.recipients)), len(known & set(week.recipients)))
        assert list(week.recipients) == sorted(week.recipients, key=lambda recipient: recipient.raw)


def test_fillers_are_fresh(signed):
    """No filler is used in two weeks: the same one again would tell which one it is."""
    weeks = {week.first: week.recipients for key_list in signed.lists() for week in key_list.weeks}
    all_recipients = [recipient for recipients in weeks.values() for recipient in recipients]
    assert len(set(all_recipients)) == len(all_recipients) == 13 * 4


def test_each_holder_opens(signed):
    """A letter sealed to this week is opened by each holder's own file, alone."""
    letter = seal(b"{}".ljust(LETTER_BYTES), signed.lists()[0].weeks[0].recipients)
    for name in MACHINES[:3]:
        assert open_envelope(letter, signed.identities(name)[:1], 4).startswith(b"{}")


def test_listed_keys_are_the_machines_own(signed):
    """Desk and courier in the lists are those whose secrets lie on their machines."""
    first = signed.lists()[0]
    desk = open_secret((signed.folder("desk") / "desk.age").read_bytes(), PASSPHRASE)
    courier = (signed.folder("courier") / "courier.key").read_bytes()
    assert first.desk == SigningKey.from_openssh(desk[desk.index(b"-----BEGIN") :], None).public
    assert first.couriers == (SigningKey.from_openssh(courier, PASSPHRASE).public,)
    assert first.counsel == identities_of(signed.folder("counsel") / "counsel.age")[0].recipient


def test_digest_read_aloud_is_shown_at_the_root(unsigned, tmp_path):
    """What a holder reads from their screen is what stands on the root's, and a swapped file shows another."""
    machines = unsigned.copy(tmp_path / "copy")
    machines.folder("recovery").rename(tmp_path / "away")
    (aloud,) = digests(machines.make_holder("recovery", "recovery").out)
    shown = machines.sign().out
    assert f"holder     recovery, digest {aloud}" in shown
    assert not set(digests(keys("show", tmp_path / "away" / "recovery.holder.txt").out)) & set(digests(shown))


def test_record_is_what_was_shown(signed, unsigned, tmp_path):
    """The record for the minutes has every row that was agreed to, and the kit's digest; it is not public."""
    machines = unsigned.copy(tmp_path / "copy")
    shown = machines.sign().out
    record = (machines.root / "signed-000001" / "record.txt").read_text()
    kit = spoken(digest((machines.public / "page/kit.html").read_bytes()))
    assert record.split("\n")[1:] == [*shown.split("\n")[1:-1], f"page       kit.html {kit}", ""]
    assert "4 places: 3 for holders, 1 filled up" in record
    assert not (machines.public / "record.txt").exists()


def test_next_quarter_goes_on(copy):
    """The next batch has the next sequences, begins with the last week that was signed, and leaves no gap."""
    after = copy.public / "keys-000013.txt"
    for name in MACHINES[:3]:
        run = copy.make_holder(name, f"{name}-2", "--after", copy.half(name))
        assert run.code == 0, run.err
        copy.folder(name).rename(copy.folder(f"{name}-1"))
        copy.folder(f"{name}-2").rename(copy.folder(name))
    run = copy.sign(MACHINES[:3], "--after", after)
    assert run.code == 0, run.err
    old, new = copy.lists(), copy.lists("signed-000014")
    assert [key_list.sequence for key_list in new] == list(range(14, 28))
    assert new[0].weeks[0] == old[-1].weeks[-1]
    assert new[0].weeks[1].first == MONDAY + QUARTER
    assert new[-1].weeks[-1].last == MONDAY + 2 * QUARTER - timedelta(days=1)
    assert (new[0].counsel, new[0].desk) == (old[0].counsel, old[0].desk)
    assert not (copy.folder("custodian") / "custodian.age").exists()
    public = copy.root / "signed-000014/public"
    assert keys("verify", public).code == 0
    kit = lists_of_kit((public / "page/kit.html").read_bytes(), read_office((public / "office.json").read_bytes()))
    assert covered_days(kit) == (MONDAY, MONDAY + 2 * QUARTER - timedelta(days=1))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "lists up to 13 are signed already: give the last one with --after"),
        (["--after", "keys-000005.txt"], "list 13 was signed after list 5: give that one with --after"),
        (["--after", "keys-000013.txt", "--from", str(MONDAY + QUARTER + timedelta(weeks=1))], "no list would cover"),
        (["--after", "keys-000013.txt"], "custodian.holder.txt has no key for the week of"),
    ],
)
def test_wrong_continuation_refused(copy, words, sentence):
    """A sequence is never used twice, and no week is left out."""
    before = sorted(copy.root.rglob("*"))
    run = copy.sign(MACHINES[:3], *[copy.public / word if word.startswith("keys-") else word for word in words])
    assert (1, True) == (run.code, f"nothing was signed: {sentence}" in run.err), run.err
    assert sorted(copy.root.rglob("*")) == before


def test_lost_holder_is_replaced(copy):
    """After a lost key the weeks left are signed anew, with higher sequences and another holder's key."""
    start = MONDAY + timedelta(weeks=5)
    copy.folder("recovery").rename(copy.folder("lost"))
    copy.make_holder("recovery", "recovery", "--from", start, "--weeks", "8")
    run = copy.sign(MACHINES[:3], "--after", copy.public / "keys-000013.txt", "--from", start, "--weeks", "8")
    assert run.code == 0, run.err
    new = copy.lists("signed-000014")
    assert (14, start) == (new[0].sequence, new[0].weeks[0].first)
    assert copy.identities("recovery")[0].recipient in new[0].weeks[0].recipients
    assert identities_of(copy.folder("lost") / "holder-recovery.age")[5].recipient not in new[0].weeks[0].recipients


def test_list_after_needs_the_root(copy):
    """A list that another root signed is nothing to go on from."""
    other = hold(copy.base / "other")
    other.sign()
    run = copy.sign(MACHINES[:3], "--after", other.public / "keys-000013.txt")
    assert (4, False) == (run.code, (copy.root / "signed-000014").exists())


@pytest.fixture(scope="module")
def counsel_first(unsigned, tmp_path_factory):
    """An office whose intake is counsel's alone."""
    machines = unsigned.copy(tmp_path_factory.mktemp("counsel") / "copy")
    machines.make_holder("counsel-recovery", "counsel-recovery")
    run = machines.sign(("counsel", "counsel-recovery"), "--counsel-first")
    assert run.code == 0, run.err
    return machines, run


def test_counsel_first_is_counsel_alone(counsel_first):
    """Every week's recipients are counsel's two batches and fillers; nobody else's key is among them."""
    machines, _ = counsel_first
    own = [machines.identities("counsel"), machines.identities("counsel-recovery")]
    others = {identity.recipient for name in ("custodian", "recovery") for identity in machines.identities(name)}
    for number, key_list in enumerate(machines.lists()):
        recipients = set(key_list.weeks[0].recipients)
        assert (4, 2) == (len(recipients), len(recipients & {batch[number].recipient for batch in own}))
        assert not recipients & others


def test_counsel_first_raw_words_are_counsels(counsel_first):
    """In the vault, too, raw words are sealed to keys of counsel's alone."""
    machines, _ = counsel_first
    lines = (machines.public / "recipients.txt").read_text().split("\n")
    named = dict(line.split(" ") for line in lines if line.startswith(("custodian", "counsel ")))
    second = identities_of(machines.folder("counsel-recovery") / "counsel-recovery.age")[0]
    assert Recipient.parse(named["custodian"]) == second.recipient
    assert Recipient.parse(named["counsel"]) == identities_of(machines.folder("counsel") / "counsel.age")[0].recipient


def test_counsel_first_is_said(counsel_first):
    """Before signing, in the record, and by show, in plain words."""
    machines, run = counsel_first
    words = "Letters are sealed to counsel's keys alone: nobody else, the custodian included, can open one."
    assert words in run.out
    assert words in (machines.root / "signed-000001" / "record.txt").read_text()
    assert words in keys("show", machines.public / "recipients.txt").out
    assert "setting counsel-first" in keys("verify", machines.public).out


def test_counsel_first_refuses_others(unsigned, tmp_path):
    """A custodian's batch is not taken by mistake."""
    machines = unsigned.copy(tmp_path / "copy")
    run = machines.sign(("custodian", "counsel"), "--counsel-first")
    assert "counsel-first seals letters to counsel alone, and custodian is not counsel" in run.err
    assert not (machines.root / "signed-000001").exists()


def test_counsel_first_alone_is_warned(unsigned, tmp_path):
    """Without a second batch of counsel's the people are told what they risk before they sign."""
    run = unsigned.copy(tmp_path / "copy").sign(("counsel",), "--counsel-first")
    assert (0, True) == (run.code, "if counsel's file or passphrase is lost, so are the letters" in run.out)


def test_counsel_without_weeks(unsigned, tmp_path):
    """Counsel may hold the key for raw words only; a filler takes the place in the lists."""
    machines = unsigned.copy(tmp_path / "copy")
    machines.folder("counsel").rename(tmp_path / "away")
    assert "counsel's key for raw words is missing" in machines.sign(("custodian", "recovery")).err
    machines.make_key("counsel")
    run = machines.sign(("custodian", "recovery"), "--counsel", machines.half("counsel"))
    assert run.code == 0, run.err
    assert machines.lists()[0].counsel == identities_of(machines.folder("counsel") / "counsel.age")[0].recipient


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        (
            lambda m: m.half("custodian").write_bytes(m.half("custodian").read_bytes()[:-9] + b"\n"),
            4,
            "not a public half",
        ),
        (lambda m: m.half("desk").write_bytes(m.half("courier").read_bytes()), 1, "where one of a desk is asked for"),
        (
            lambda m: m.half("counsel").write_bytes(m.half("custodian").read_bytes()),
            1,
            "two files are of the same holder",
        ),
        (lambda m: m.half("recovery").unlink(), 3, ""),
        (lambda m: (m.root / "root.txt").write_text("underseal root v1\nslots 6\n"), 3, "not a root's folder"),
        (lambda m: (m.root / "sheets" / "share-1.txt").write_text("words"), 1, "it is not the text of a share sheet"),
        (
            lambda m: (m.root / "sheets" / "share-1.txt").write_bytes((m.root / "sheets" / "share-2.txt").read_bytes()),
            1,
            "it is the same share twice",
        ),
    ],
)
def test_wrong_files_sign_nothing(unsigned, tmp_path, change, code, sentence):
    """Whatever was carried wrong: one sentence, its exit code, and nothing new in the root's folder."""
    machines = unsigned.copy(tmp_path / "copy")
    half = {name: machines.half(name) for name in MACHINES}
    change(machines)
    before = sorted(machines.root.rglob("*"))
    brought = [word for name in MACHINES[:3] for word in ("--holder", half[name])]
    run = keys(
        *("sign", "--dir", machines.root, *brought, "--desk", half["desk"], "--courier", half["courier"]),
        *machines.shares(),
    )
    assert (code, True) == (run.code, sentence in run.err), run.err
    assert sorted(machines.root.rglob("*")) == before


def test_nothing_is_overwritten(copy):
    """Every verb that makes a folder refuses one that is there, and leaves it as it was."""
    before = {path: path.read_bytes() for path in copy.base.rglob("*") if path.is_file()}
    runs = [copy.make_root(), *(copy.make_holder(name, name) for name in MACHINES[:3])]
    runs += [copy.make_key("desk"), copy.make_key("courier")]
    runs += [keys("page", "--office", copy.public, "--to", copy.public / "page")]
    assert [(run.code, "is there already, and nothing was overwritten" in run.err) for run in runs] == [(1, True)] * 7
    assert before == {path: path.read_bytes() for path in copy.base.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["", "Custodian", "a b", "../x", "x" * 32, "é", "1st", "-x"])
def test_bad_holder_names_refused(tmp_path, name):
    """A label is small letters, digits and hyphens: it becomes a file's name."""
    machines = new_machines(tmp_path / "m")
    run = keys("holder", "--dir", machines.folder("h"), *machines.throwaway(), "--", name)
    assert (1, "small letters" in run.err, False) == (run.code, True, machines.folder("h").exists())


def test_weeks_begin_on_mondays(tmp_path):
    """A day given with --from stands for the week that it is in."""
    machines = new_machines(tmp_path / "m")
    machines.make_holder("steward", "s", "--from", "2031-05-08", "--weeks", "2")
    shown = keys("show", machines.half("s")).out
    assert re.findall(r"week +(\S+) to (\S+)", shown) == [("2031-05-05", "2031-05-11"), ("2031-05-12", "2031-05-18")]
    assert date(2031, 5, 5).weekday() == 0


@pytest.mark.parametrize(
    "verb", [["desk"], ["courier"], ["counsel"], ["holder", "custodian"]], ids=lambda verb: verb[0]
)
def test_real_keys_need_typing(tmp_path, verb):
    """A real office's passphrases are typed: a file is refused before anything is made."""
    machines = new_machines(tmp_path / "m")
    run = keys(*verb, "--dir", machines.folder("x"), "--passphrase-file", machines.base / "passphrase")
    assert (2, False) == (run.code, machines.folder("x").exists())
    assert "a passphrase file is for throwaway offices only" in run.err


def test_renewed_shares_replace(copy):
    """New shares sign as before; an old one and a new one do not; the card stays true."""
    (copy.root / "sheets").rename(copy.root / "old")
    old = ["--shares-file", copy.root / "old" / "share-1.txt", "--shares-file", copy.root / "old" / "share-3.txt"]
    run = keys("shares", "renew", "--dir", copy.root, *old)
    assert run.code == 0, run.err
    assert keys("shares", "check", "--dir", copy.root, *copy.shares(2, 3)).code == 0
    mixed = ["--shares-file", copy.root / "old" / "share-1.txt", *copy.shares(2, 3)[:2]]
    run = keys("shares", "check", "--dir", copy.root, *mixed)
    assert (1, True) == (run.code, "they were made at different times" in run.err)
    again = keys("shares", "renew", "--dir", copy.root, *old)
    assert (1, True) == (again.code, "sheets is there already" in again.err)
