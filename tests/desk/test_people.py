# SPDX-License-Identifier: AGPL-3.0-or-later
"""Several people at one desk: each with a passphrase, a key and a chain, and roles that custodians give."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from deskkit import PASSPHRASE, Desk, Office, command, day, letter, typed

from crypto.signature import SigningKey
from desk.errors import NotStored
from desk.events import Kind
from desk.roles import MAY, Act, Role, roles_of
from desk.vault import Vault, Writer, open_vault, read_header

OTHER = "seven lamps over the water"


@pytest.fixture
def coder(desk: Desk, office: Office, tmp_path: Path) -> Desk:
    """The same desk with two reports, as a second person opens it, who is a coder and nothing else."""
    desk.receive(office.bundle([office.envelope(letter("Sent back again.", id=f"{i:02}" * 16)) for i in (1, 2)]))
    secret = tmp_path / "other"
    secret.write_text(OTHER + "\n")
    run = desk("join", "Ben Example", "--role", "coder", "--new-passphrase-file", str(secret))
    assert 0 == run.code, run.err
    return replace(desk, office=_Other(office.folder, office.recipients, office.desk, office.portal, secret))


class _Other(Office):
    """An office whose passphrase file is another person's."""

    def __init__(self, folder: Path, recipients: object, desk: object, portal: object, secret: Path) -> None:
        super().__init__(folder, recipients, desk, portal)  # type: ignore[arg-type]
        self.own = secret

    @property
    def passphrase_file(self) -> Path:
        """The other person's."""
        return self.own


def test_each_signs_with_their_own_key(desk: Desk, coder: Desk) -> None:
    """Two people, two passphrases, two chains; each act stands under its own name, and all of it verifies."""
    coder("tag", "0101", "REV.OVER")
    desk("tag", "0101", "STD.NEXUS")
    shown = desk("show", "0101").out
    assert "(by Ben Example)" in shown
    assert "(by Ana Example)" in shown
    assert 2 == desk("verify").out.count("events, the last")
    assert 0 == coder("verify").code
    named = {person["name"]: person["roles"] for person in coder("people", "--json").json}
    assert {"Ana Example": ["adjudicator", "approver", "coder", "custodian"], "Ben Example": ["coder"]} == named


def test_vault_holds_no_persons_key(desk: Desk, coder: Desk) -> None:
    """Whoever opens the vault finds the desk's key in it and nobody's own; vault.json names nobody."""
    with (
        open_vault(desk.folder, read_header(desk.folder), typed(OTHER), day()) as vault,
        vault.reading() as connection,
    ):
        seeds = connection.exec_driver_sql("SELECT seed FROM secrets").scalars().all()
        assert [vault.settings.desk] == [SigningKey(bytes(seed)).public for seed in seeds]
    text = (desk.folder / "vault.json").read_text()
    assert ["Ana", "Ben"] == [name for name in ("Ana", "Ben") if name not in text]
    assert 2 == len(json.loads(text)["doors"])


def test_texts_about_a_held_report_are_withheld(desk: Desk, coder: Desk) -> None:
    """While a report is not passed, notes, summaries and reasons are for those who may see what it hides."""
    coder("note", "0101", typed="about Almanzar\n")
    coder("summarize", "0101", typed="Almanzar was sent back\n")
    coder("status", "0101", "closed", typed="Almanzar again\n")
    assert 3 == coder("show", "0101").out.count("Almanzar")
    desk("quarantine", "0101", typed="a name\n")
    for words in ((), ("--json",)):
        assert (0, 3) == (
            coder("show", "0101", *words).out.count("Almanzar"),
            desk("show", "0101", *words).out.count("Almanzar"),
        )
    assert "summaries, notes, reasons: not shown, the report is not passed" in coder("show", "0101").out.split("\n")
    assert [True, False] == [one("show", "0101", "--json").json["withheld"] for one in (coder, desk)]
    desk("pass", "0101")
    assert 3 == coder("show", "0101").out.count("Almanzar")


REFUSED = {
    "mask": ["mask", "0101"],
    "pass": ["pass", "0101"],
    "quarantine": ["quarantine", "0101"],
    "mask with words": ["mask", "0101", "--add"],
    "pass with a reason": ["pass", "0101", "--yes", "--reason"],
    "hold": ["hold", "--all"],
    "end of a hold": ["hold", "--release", "77c1a2b3"],
    "office to file with": ["regime", "--route", "grievance", "--file-with"],
    "counsel's word": ["regime", "--route", "grievance", "--file-with", "--confirmed"],
    "words": ["show", "0101", "--words"],
    "join": ["join", "Cy Example"],
    "roles": ["roles", "Ben Example", "--role", "custodian"],
    "leave": ["leave", "Ana Example"],
    "retry": ["retry"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_coder_may_not(coder: Desk, name: str) -> None:
    """Each of the custodian's acts is refused in one sentence that names the role, before any key is asked for."""
    run = coder(*REFUSED[name], typed="a reason\n")
    assert (2, "", "a reason\n") == (run.code, run.out, run.left)
    assert "that needs the role" in run.err
    assert 0 == coder("verify").code


CODING = {
    "note": ["note", "0101"],
    "summary": ["summarize", "0101"],
    "closing": ["status", "0101", "closed"],
    "template": ["template", "save", "spam"],
    "link": ["link", "0101", "0202", "--same-event"],
    "filter": ["filter", "save", "open", "--kind", "REV"],
}


@pytest.mark.parametrize("name", CODING)
def test_custodian_types_nothing_in_vain(desk: Desk, coder: Desk, name: str) -> None:
    """Who may not work on reports is told so before a text is asked for: what was typed is not lost."""
    desk("roles", "Ana Example", "--role", "custodian")
    run = desk(*CODING[name], typed="a text\n")
    assert (2, "a text\n") == (run.code, run.left)
    assert "that needs the role adjudicator or coder" in run.err


READING = {
    "list": ["list", "--json"],
    "show": ["show", "0101"],
    "search": ["search"],
    "next": ["next"],
    "duplicates": ["duplicates"],
    "set-aside": ["set-aside"],
    "status": ["status"],
    "clocks": ["clocks"],
    "junk": ["junk"],
    "filter": ["filter"],
    "template": ["template"],
    "retention": ["retention"],
    "hold": ["hold"],
    "certificate": ["hold", "--certificate", "OUT"],
    "log": ["export-log", "OUT"],
    "backup": ["backup", "OUT"],
}


@pytest.mark.parametrize("name", READING)
def test_without_a_role_nothing_is_read(desk: Desk, coder: Desk, tmp_path: Path, name: str) -> None:
    """Who has a door and no role reads nothing and carries nothing away."""
    desk("roles", "Ben Example")
    arguments = [str(tmp_path / "out") if word == "OUT" else word for word in READING[name]]
    run = coder(*arguments, typed="sent")
    assert (2, "", False) == (run.code, run.out, (tmp_path / "out").exists())
    assert "that needs the role" in run.err


@pytest.mark.parametrize("name", ["log", "backup"])
def test_coder_carries_no_copy_away(coder: Desk, tmp_path: Path, name: str) -> None:
    """A copy of the vault or of its log is the custodian's or counsel's to take."""
    assert 2 == coder(READING[name][0], str(tmp_path / "out")).code
    assert not (tmp_path / "out").exists()


def test_without_a_role_nothing_is_undone(desk: Desk, coder: Desk) -> None:
    """Who is no coder any more takes back nothing of what they did as one, and does nothing again."""
    coder("tag", "0101", "REV.OVER")
    coder("tag", "0101", "STD.NEXUS")
    coder("undo")
    desk("roles", "Ben Example", "--role", "approver")
    assert [2, 2] == [coder("undo").code, coder("redo").code]
    assert "REV.OVER" in desk("show", "0101").out


def test_raw_words_are_refused_by_role_too(desk: Desk, coder: Desk) -> None:
    """With the custodian's key and passphrase, but without the role, nothing is opened and nothing recorded."""
    from desk.errors import RoleMissing
    from desk.passphrase import Passphrases
    from desk.secretfiles import open_identities
    from desk.words import report_words

    with open_vault(desk.folder, read_header(desk.folder), typed(OTHER), day()) as vault:
        keys = open_identities(vault.settings.identity, Passphrases(desk.office.passphrase_file, True))
        with pytest.raises(RoleMissing):
            report_words(vault, "01" * 16, keys, "custodian.age")
    assert [] == desk("show", "0101", "--json").json["openings"]


def test_custodian_alone_may_not_code(desk: Desk, coder: Desk) -> None:
    """Custody is one person, without coding, once there are several."""
    desk("roles", "Ana Example", "--role", "custodian")
    run = desk("tag", "0101", "REV.OVER")
    said = "desk: you may not code, summarize, link or assign reports: that needs the role adjudicator or coder"
    assert (2, said) == (run.code, run.err.split("\n")[0])


def _grant(vault: Vault, writer: Writer, member: str) -> None:
    writer.record(Kind.ROLES, member=member, roles="custodian", after=None)


def test_nobody_gives_themselves_a_role(desk: Desk, coder: Desk) -> None:
    """A role that a coder writes into the log for themselves counts for nothing; one that a custodian gives does."""
    with open_vault(desk.folder, read_header(desk.folder), typed(OTHER), day()) as vault:
        with vault.writing() as writer:
            _grant(vault, writer, vault.reviewer)
        assert frozenset({Role.CODER}) == roles_of(vault, vault.reviewer)
    desk("roles", "Ben Example", "--role", "coder", "--role", "custodian")
    with open_vault(desk.folder, read_header(desk.folder), typed(OTHER), day()) as vault:
        assert Role.CUSTODIAN in roles_of(vault, vault.reviewer)


def test_a_custodian_remains(desk: Desk, coder: Desk) -> None:
    """The last custodian keeps that role, and nobody closes their own door, whoever else is custodian."""
    run = desk("roles", "Ana Example", "--role", "coder")
    assert (2, "desk: somebody at the desk must remain custodian; nothing was changed") == (
        run.code,
        run.err.split("\n")[0],
    )
    for roles in (("coder",), ("custodian",)):
        desk("roles", "Ben Example", "--role", *roles)
        run = desk("leave", "Ana Example")
        assert (2, "desk: nobody closes their own door; nothing was changed") == (run.code, run.err.split("\n")[0])
    assert 0 == desk("roles", "Ana Example", "--role", "custodian", "--role", "coder").code


def test_leaving_closes_the_door(desk: Desk, coder: Desk) -> None:
    """Who has left opens nothing; what they did stays, under their name."""
    coder("tag", "0101", "REV.OVER")
    assert 0 == desk("leave", "Ben Example").code
    run = coder("list")
    assert (5, "desk: the passphrase does not open this vault") == (run.code, run.err.split("\n")[0])
    assert "(by Ben Example)" in desk("show", "0101").out
    assert 0 == desk("verify").code


@pytest.mark.parametrize(
    ("name", "passphrase", "code"),
    [
        ("Ben Example", "another one, long", 2),
        ("ben  \uff25xample", "another one, long", 2),
        ("Cy Example", PASSPHRASE, 5),
        ("Cy\x1b[2J", "another one, long", 2),
    ],
    ids=["name taken", "name that looks taken", "passphrase taken", "name with escapes"],
)
def test_bad_joining_changes_nothing(
    desk: Desk, coder: Desk, tmp_path: Path, name: str, passphrase: str, code: int
) -> None:
    """A name or a passphrase that somebody has, or a name that is none: refused, and nobody is added."""
    (tmp_path / "new").write_text(passphrase + "\n")
    before = (desk.folder / "vault.json").read_bytes()
    assert code == desk("join", name, "--new-passphrase-file", str(tmp_path / "new")).code
    assert before == (desk.folder / "vault.json").read_bytes()
    assert 2 == len(desk("people", "--json").json)


def test_taken_name_is_said(desk: Desk, coder: Desk) -> None:
    """Who joins under a name that somebody has is told so."""
    run = desk("join", "BEN Example")
    assert "desk: somebody at this desk is named so already, or nearly so; nothing was changed" in run.err.split("\n")


def test_name_of_who_left_is_free(desk: Desk, coder: Desk, tmp_path: Path) -> None:
    """Somebody else may join under it, and is whom the name means from then on; the other is known by the key."""
    assert 0 == desk("leave", "Ben Example").code
    (tmp_path / "new").write_text("nine bells at the harbour\n")
    assert 0 == desk("join", "Ben Example", "--new-passphrase-file", str(tmp_path / "new")).code
    assert 0 == desk("roles", "ben  EXAMPLE", "--role", "coder").code
    assert 0 == desk("assign", "0101", "ben example").code
    (gone, here) = sorted(
        (one for one in desk("people", "--json").json if one["name"] == "Ben Example"), key=lambda one: one["roles"]
    )
    assert ([], ["coder"]) == (gone["roles"], here["roles"])
    assert [here["key"]] == desk("show", "0101", "--json").json["assigned"]
    assert 0 == desk("assign", "0101", gone["key"]).code
    assert [gone["key"]] == desk("show", "0101", "--json").json["assigned"]
    assert 3 == desk("roles", "Nobody Example").code
    assert (0, 0) == (desk("leave", "Ben Example").code, desk("verify").code)
    assert 3 == desk("roles", "Ben Example", "--role", "coder").code  # neither has a door: which one is meant


def test_cut_before_the_door_gives_no_role(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who joined, and whose door was not written, has no role that anybody could count on."""
    (tmp_path / "new").write_text(OTHER + "\n")
    with monkeypatch.context() as cut:
        cut.setattr("desk.people.files.replace", lambda *_: (_ for _ in ()).throw(NotStored("full")))
        join = ("join", "Ben Example", "--role", "custodian", "--new-passphrase-file", str(tmp_path / "new"))
        assert 0 != desk(*join).code
    assert {"Ben Example": []}.items() <= {p["name"]: p["roles"] for p in desk("people", "--json").json}.items()
    assert 0 == desk("roles", "Ben Example", "--role", "custodian").code
    assert 2 == desk("roles", "Ana Example", "--role", "coder").code
    assert 0 == desk("verify").code


def test_every_act_has_a_role() -> None:
    """No act is left without somebody who may do it."""
    assert set(Act) == set(MAY)
    assert all(MAY.values())


def test_real_office_takes_no_passphrase_file(desk: Desk, coder: Desk, tmp_path: Path) -> None:
    """The help says that the file is for throwaway offices; a person at a terminal is asked."""
    run = command("desk", "join", "--help")
    assert (0, True) == (run.code, "throwaway only" in run.out)
