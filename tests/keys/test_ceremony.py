# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ceremony: what it makes, that stock tools check it, and that nothing is overwritten or half-made."""

import re
import stat
import subprocess
from datetime import date, timedelta

import pytest
from click.testing import CliRunner

from crypto.errors import WrongPassphrase
from crypto.keylist import read_key_list
from crypto.secret.identity import HybridIdentity
from crypto.secret.secretfile import open_secret
from crypto.signature import Namespace, PublicKey, SigningKey, verify
from desk.ceremony import COUNSEL_HOLDERS, HOLDERS, Keeper, Plan, hold_ceremony
from desk.shares import join_shares
from intake.office import Contact, Region, read_office
from intake.page import built_page
from underseal import cli

WEDNESDAY = date(2031, 5, 7)
PASSPHRASES = {keeper: f"passphrase of {keeper}" for keeper in Keeper}
PLAN = Plan(
    office="Local 9",
    regions=(Region("west", "West"),),
    contacts=(Contact("OSC", "osc.gov"),),
    collect_days=7,
    slots=3,
    throwaway=True,
    today=WEDNESDAY,
)


@pytest.fixture(scope="module")
def outcome():
    return hold_ceremony(PLAN, PASSPHRASES, built_page())


def root_of(outcome) -> PublicKey:
    return read_office(outcome.public["office.json"]).root


def list_of(outcome, number: int):
    name = f"keys-{number:06}.txt"
    return read_key_list(outcome.public[name], outcome.public[name + ".sig"].decode(), root_of(outcome))


def identities(outcome, keeper: Keeper) -> list[HybridIdentity]:
    text = open_secret(outcome.secret[f"holder-{keeper}.age"], PASSPHRASES[keeper]).decode()
    return [HybridIdentity.parse(line) for line in text.split("\n") if line.startswith("AGE-")]


def test_thirteen_lists_cover_the_quarter(outcome):
    """Each list has this week and the next; together they cover thirteen weeks from this Monday."""
    for number in range(1, 14):
        weeks = list_of(outcome, number).weeks
        assert weeks[0].first == date(2031, 5, 5) + timedelta(weeks=number - 1)
        assert len(weeks) == (2 if number < 13 else 1)


def test_every_holder_opens_every_week(outcome):
    """A week's recipients are exactly the holders' identities of that week, in an order that names nobody."""
    for number in range(13):
        recipients = list_of(outcome, number + 1).weeks[0].recipients
        assert set(recipients) == {identities(outcome, keeper)[number].recipient for keeper in HOLDERS}
        assert list(recipients) == sorted(recipients, key=lambda recipient: recipient.raw)


def test_identities_are_fresh(outcome):
    """Thirty-nine weekly and two long-lived identities, no two alike."""
    texts = [identity.text for keeper in HOLDERS for identity in identities(outcome, keeper)]
    for keeper in (Keeper.CUSTODIAN, Keeper.COUNSEL):
        plaintext = open_secret(outcome.secret[f"{keeper}.age"], PASSPHRASES[keeper]).decode()
        texts += [line for line in plaintext.split("\n") if line.startswith("AGE-")]
    assert len(set(texts)) == len(texts) == 41


def test_secret_files_need_their_keeper(outcome):
    """One keeper's passphrase opens no other's file."""
    for name in outcome.secret:
        if name.endswith(".age"):
            with pytest.raises(WrongPassphrase):
                open_secret(outcome.secret[name], PASSPHRASES[Keeper.COURIER])


def test_desk_and_courier_keys_are_the_listed_ones(outcome):
    """The keys in the secret files are those that the root has signed."""
    desk = SigningKey.from_openssh(open_secret(outcome.secret["desk.age"], PASSPHRASES[Keeper.DESK]), None)
    courier = SigningKey.from_openssh(outcome.secret["courier.key"], PASSPHRASES[Keeper.COURIER])
    assert list_of(outcome, 1).desk == desk.public
    assert list_of(outcome, 1).couriers == (courier.public,)


def test_fillers_hide_the_number_of_holders():
    """With six slots each week has six recipients, of which three are nobody's."""
    outcome = hold_ceremony(Plan(**{**_fields(), "slots": 6}), PASSPHRASES, built_page())
    assert {len(week.recipients) for week in list_of(outcome, 1).weeks} == {6}


def _fields() -> dict:
    return {name: getattr(PLAN, name) for name in Plan.__slots__}


@pytest.mark.parametrize(
    "change", [{"slots": 2}, {"slots": 7}, {"office": ""}, {"office": "a\nb"}, {"office": "x" * 81}]
)
def test_plan_that_cannot_be_refused(change):
    """A plan that readers would refuse makes no office."""
    with pytest.raises(ValueError, match=r"."):
        hold_ceremony(Plan(**{**_fields(), **change}), PASSPHRASES, built_page())


def test_no_secret_among_public_files(outcome):
    """No private key stands in a file that everybody gets."""
    for name, data in outcome.public.items():
        assert not re.search(rb"AGE-SECRET-KEY-(PQ-)?1[A-Z0-9]{58}", data), name
        assert b"PRIVATE KEY" not in data, name


def test_stock_tools_check_the_public_files(outcome, tmp_path):
    """ssh-keygen and sha256sum, with the allowed_signers file as it is made."""
    for name, data in outcome.public.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    command = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed_signers", "-I", "root@underseal", "-n"]
    for namespace, name in (("keys@underseal", "keys-000001.txt"), ("page@underseal", "page/SHA256SUMS")):
        signature = tmp_path / (name + ".sig")
        done = subprocess.run([*command, namespace, "-s", signature], input=outcome.public[name], capture_output=True)
        assert done.returncode == 0, done.stderr
    assert (
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=tmp_path / "page").returncode
        == 0
    )


def test_page_digests_are_signed(outcome):
    """The root vouches for the very bytes of the page."""
    sums = outcome.public["page/SHA256SUMS"]
    verify(sums, outcome.public["page/SHA256SUMS.sig"].decode(), root_of(outcome), Namespace.PAGE)


def ceremony(folder, *words: str):
    passphrase = folder.parent / "passphrase.txt"
    passphrase.write_text("throwaway passphrase\n")
    options = ["--throwaway", f"--passphrase-file={passphrase}"] if not words else list(words)
    return CliRunner().invoke(
        cli, ["keys", "ceremony", f"--dir={folder}", "--office=Local 9", "--region=west=West", *options]
    )


def test_command_makes_private_files(tmp_path):
    """Secret files are 0600 in folders that others cannot enter."""
    folder = tmp_path / "office"
    run = ceremony(folder)
    assert run.exit_code == 0, run.output
    secrets = list((folder / "secret").iterdir())
    assert len(secrets) == 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o700
    assert "THROWAWAY" in run.output
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_command_never_overwrites(tmp_path):
    """An office that is there stays as it is."""
    folder = tmp_path / "office"
    ceremony(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = ceremony(folder)
    assert again.exit_code != 0
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_passphrase_file_needs_throwaway(tmp_path):
    """A real office's passphrases are typed."""
    folder = tmp_path / "office"
    (tmp_path / "passphrase.txt").write_text("x")
    run = ceremony(folder, f"--passphrase-file={tmp_path / 'passphrase.txt'}")
    assert run.exit_code != 0
    assert not folder.exists()


@pytest.mark.parametrize(
    "word", ["--region=West", "--region==x", "--region=WEST=West", "--region=west=Again", "--office="]
)
def test_bad_plan_leaves_nothing(tmp_path, word):
    """A mistyped option makes no folder."""
    folder = tmp_path / "office"
    passphrase = tmp_path / "p"
    passphrase.write_text("throwaway passphrase\n")
    run = ceremony(folder, "--throwaway", f"--passphrase-file={passphrase}", word)
    assert (True, False) == (run.exit_code != 0, folder.exists())
    assert "Traceback" not in run.output


def test_counsel_first_on_one_machine():
    """Two batches of counsel's, a filler, no key of custodian or recovery; raw words are counsel's too."""
    outcome = hold_ceremony(Plan(**{**_fields(), "counsel_first": True}), PASSPHRASES, built_page())
    own = [identities(outcome, keeper) for keeper in COUNSEL_HOLDERS]
    for number in range(13):
        recipients = set(list_of(outcome, number + 1).weeks[0].recipients)
        assert (3, 2) == (len(recipients), len(recipients & {batch[number].recipient for batch in own}))
    assert {name for name in outcome.secret if "custodian" in name or name.endswith("-recovery.age")} == {
        "holder-counsel-recovery.age",
        "counsel-recovery.age",
    }
    assert outcome.public["recipients.txt"].startswith(b"# setting: counsel-first\n")


def test_real_root_is_kept_nowhere():
    """Outside throwaway offices no file holds the root: three sheets do, and nobody types a passphrase for it."""
    plan = Plan(**{**_fields(), "throwaway": False})
    outcome = hold_ceremony(plan, PASSPHRASES, built_page())
    assert ("root.age" in outcome.secret, Keeper.ROOT in plan.keepers) == (False, False)
    one, _, three = (sheet.share for sheet in outcome.sheets)
    assert join_shares(one, three, root_of(outcome)).public.fingerprint == outcome.fingerprint
