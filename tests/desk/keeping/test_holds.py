# SPDX-License-Identifier: AGPL-3.0-or-later
"""A hold wins over every schedule; what it covers, what it needs, and what counsel takes away."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from deskkit import PASSPHRASE, Desk, Office, day, letter, manifest_digest, typed
from keepkit import OPEN, OUT, later, questions

from desk import holds, purge
from desk.certificate import certificate
from desk.errors import Held, RoleMissing
from desk.stricter import RULES
from desk.vault import Vault, open_vault, read_header
from desk.verify import verify_vault


@pytest.mark.parametrize("scope", [[], ["kind:REV"], [f"report:{OUT}"], ["region:west", "kind:REV"]], ids=str)
def test_hold_wins(kept: Desk, scope: list[str]) -> None:
    """While a hold covers it, what is due stays, and no key is destroyed; counsel ends it, and it may go."""
    with later(kept, 31) as vault:
        one = holds.hold(vault, scope, "a lawsuit is expected")
        with pytest.raises(Held):
            purge.purge(vault, [OUT])
        with pytest.raises(Held):
            holds.refuse_while_any(vault)
        with pytest.raises(RoleMissing):
            holds.release(vault, one.id, "over", ())
    assert 1 == kept("destroy-weeks").code
    assert 1 == kept("received-until", "--out", str(kept.stick / "received.txt")).code
    assert 0 == kept("roles", "Ana Example", "--role", "custodian", "--role", "counsel").code
    for key in ((), ("--identity", str(kept.office.secret / "custodian.age"))):
        run = kept("hold", "--release", one.id, *key, typed="over")
        assert (2, True, "over") == (run.code, "counsel's own key" in run.err, run.left)  # the role alone
    counsel = ("--identity", str(kept.office.secret / "counsel.age"))
    assert 0 == kept("hold", "--release", one.id, *counsel, typed="over").code
    with later(kept, 31) as vault:
        assert 1 == len(purge.purge(vault, [OUT]))
        assert [] == verify_vault(vault).faults


def test_hold_elsewhere_keeps_nothing_here(kept: Desk) -> None:
    """A hold on other reports does not stop the schedule."""
    with later(kept, 31) as vault:
        holds.hold(vault, ["region:east"], "a lawsuit in the east")
        assert 1 == len(purge.purge(vault, [OUT]))


@pytest.mark.parametrize(
    "term",
    [
        *("nonsense", "kind:", "colour:blue", "report", "kind:rev", "kind:REV.OVER", "month:March", "month:2031-13"),
        *("region:Wset", "program:nothing", "flag:nonsense", "code:OTH.OUT", "status:closed", "custody:passed"),
        *("assigned:", "report:ffff"),
    ],
)
def test_mistyped_scope_is_refused(kept: Desk, term: str) -> None:
    """A hold that would cover nothing by a slip, or could cover less tomorrow, is not begun."""
    run = kept("hold", "--term", term, typed="a reason\n")
    assert (True, []) == (run.code in (2, 3), kept("hold", "--json").json)


@pytest.mark.parametrize(
    ("term", "scope", "many"),
    [
        ("report:0303", f"report:{OUT}", 1),
        *((f"flag:{flag}", f"flag:{flag}", 0) for flag in ("a_number", "combination", *RULES)),
        ("month:2019-01", "month:2019-01", 0),
        ("region:no_answer", "region:no_answer", 0),
        ("region:west", "region:west", 3),
    ],
)
def test_scope_is_said_with_what_it_covers(kept: Desk, term: str, scope: str, many: int) -> None:
    """The beginning of an id becomes the whole; that nothing is covered today is said loudly."""
    run = kept("hold", "--term", term, typed="a reason\n")
    assert (0, [scope]) == (run.code, [one["scope"] for one in kept("hold", "--json").json])
    assert f"{'' if many else 'LOOK AGAIN: '}it covers {many} report{'' if many == 1 else 's'} today" in run.err


def test_hold_needs_a_reason(kept: Desk) -> None:
    """Without a reason there is no hold."""
    assert 2 == kept("hold", "--all", typed="\n").code
    assert 0 == kept("hold", "--all", typed="a lawsuit\n").code
    assert ["everything"] == [one["scope"] for one in kept("hold", "--json").json]


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--all", "--term", "kind:REV"), ("--all", "--report", "0303"), ("--all", "--release", "77c1a2b3")),
        *(("--term", "kind:REV", "--certificate", "OUT"), ("--release", "77c1a2b3", "--certificate", "OUT")),
    ],
    ids="+".join,
)
def test_hold_says_one_thing(kept: Desk, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A hold on everything is not begun as a narrower one without a word, and nothing is left undone in silence."""
    run = kept("hold", *[word.replace("OUT", str(tmp_path / "out")) for word in arguments], typed="a lawsuit\n")
    assert (2, "a lawsuit\n", False) == (run.code, run.left, (tmp_path / "out").exists())
    assert "desk: say one thing: --all, or --report and --term, or --release, or --certificate" in run.err
    assert [] == kept("hold", "--json").json


def test_certificate_names_what_is_held(kept: Desk, tmp_path: Path) -> None:
    """Counsel takes away the holds, the digests of what they cover, the heads of the log, and no words."""
    kept("hold", "--report", "0303", typed="a lawsuit\n")
    assert 0 == kept("hold", "--certificate", str(tmp_path / "certificate.txt")).code
    text = (tmp_path / "certificate.txt").read_text()
    assert f"report {OUT} letter " in text
    assert (False, False) == ("lamps" in text, OPEN in text)
    assert "BEGIN SSH SIGNATURE" in text


def test_reason_makes_no_line_of_the_certificate(kept: Desk, tmp_path: Path) -> None:
    """Whatever somebody writes as a reason, each line of it is one of a reason, and drives no terminal."""
    forged = f"report {OPEN} letter {'0' * 64}"
    reason = "".join(f"because{end}{forged}" for end in ("\x85", "\r", "\u2028", "\v", "\f", "\x1c", "\r\n", "\n"))
    assert 0 == kept("hold", "--report", "0303", typed=f"\x1b]0;evil\x07{reason}\n").code
    assert 0 == kept("hold", "--certificate", str(tmp_path / "certificate.txt")).code
    text = (tmp_path / "certificate.txt").read_bytes().decode()
    lines = text.splitlines()
    assert [f"report {OUT}"] == [line.partition(" letter ")[0] for line in lines if line.startswith("report ")]
    reasons = [line for line in lines if line.startswith("reason ")]
    assert (3, 8) == (len(reasons), sum(line.count(forged) for line in reasons))
    assert [] == [mark for mark in "\x1b\x07\r\x85\u2028\v\f\x1c" if mark in text]


def test_exported_log_is_checked_by_stock_tools(kept: Desk, tmp_path: Path) -> None:
    """ssh-keygen verifies an exported event, and refuses it when a letter of it is changed."""
    assert 0 == kept("export-log", str(tmp_path / "log.jsonl")).code
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    (person, *events) = lines
    assert len(events) >= 10
    (tmp_path / "signers").write_text(f"ana {person['key']}\n")
    (tmp_path / "sig").write_text(events[-1]["signature"])
    for body, code in ((events[-1]["event"], 0), (events[-1]["event"].replace("0303", "0304"), 255)):
        call = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "signers", "-I", "ana"]
        run = subprocess.run(
            [*call, "-n", "event@underseal", "-s", tmp_path / "sig"],
            input=body.encode(),
            capture_output=True,
            check=False,
        )
        assert code == run.returncode, run.stderr


def _asked(desk: Desk, act: Callable[[Vault], object]) -> int:
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(PASSPHRASE), day()) as vault,
        questions(vault) as asked,
    ):
        act(vault)
    return len(asked)


@pytest.mark.parametrize(
    "act",
    [purge.due, certificate, lambda vault: holds.covered(vault, holds.standing_holds(vault)[0])],
    ids=["due", "certificate", "count"],
)
def test_holds_are_asked_for_once(kept: Desk, office: Office, act: Callable[[Vault], object]) -> None:
    """Twice as many reports are no more questions to the database: what is due, the certificate, the count."""
    kept("hold", "--term", "region:west", typed="a lawsuit")
    before = _asked(kept, act)
    more = [office.envelope(letter(id=f"{number:02}" * 16)) for number in (40, 41, 42)]
    kept.receive(office.bundle(more, 2, manifest_digest((kept.stick / "bundle").read_bytes())))
    assert (before, 6) == (_asked(kept, act), len(kept.ids()))
