# SPDX-License-Identifier: AGPL-3.0-or-later
"""The public folder: stock tools accept it, `verify` names what is wrong with it, `show` says what it holds."""

import os
import pty
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from keyskit import MACHINES, OFFICE, PASSPHRASE, Machines, hold, keys

from crypto.primitives import digest
from crypto.signature import Namespace, SigningKey, sign
from intake.office import read_office, write_office

SIGNED = {
    "keys-000001.txt": "keys@underseal",
    "keys-000013.txt": "keys@underseal",
    "office.json": "office@underseal",
    "recipients.txt": "office@underseal",
    "page/SHA256SUMS": "page@underseal",
}


def stock_verify(public: Path, name: str, namespace: str, data: bytes | None = None) -> int:
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", "root@underseal", "-n", namespace]
    message = (public / name).read_bytes() if data is None else data
    return subprocess.run([*command, "-s", f"{name}.sig"], cwd=public, input=message, capture_output=True).returncode


@pytest.mark.parametrize(("name", "namespace"), SIGNED.items())
def test_stock_ssh_keygen_accepts(signed, name, namespace):
    """What the root signed is verified without us; one byte more, and it is not."""
    assert stock_verify(signed.public, name, namespace) == 0
    assert stock_verify(signed.public, name, namespace, (signed.public / name).read_bytes() + b"\n") != 0
    assert stock_verify(signed.public, name, "board@underseal") != 0


def test_stock_sha256sum_accepts(signed):
    """The page's digests are checked without us."""
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=signed.public / "page").returncode == 0


@pytest.mark.parametrize("name", ["holder-custodian.age", "custodian.age"])
def test_stock_age_opens(signed, name, tmp_path):
    """A secret file is an age passphrase file: its text is what age-keygen writes."""
    target = tmp_path / "plain"
    _age(signed.folder("custodian") / name, target)
    assert len(re.findall(r"^AGE-SECRET-KEY-PQ-1", target.read_text(), re.MULTILINE)) == (13 if "holder" in name else 1)


def _age(path: Path, target: Path) -> None:
    """Run `age -d` at a terminal of its own, and type the passphrase."""
    pid, main = pty.fork()
    if pid == 0:
        os.execvp("age", ["age", "-d", "-o", str(target), str(path)])
    printed = b""
    while b"passphrase" not in printed:
        printed += os.read(main, 1024)
    time.sleep(0.1)  # the prompt comes before the echo is off
    os.write(main, PASSPHRASE.encode() + b"\n")
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        time.sleep(0.05)
    os.close(main)


def test_verify_is_one_screen_of_right(signed):
    """Everything right, the root as on the card, and exit code 0."""
    run = keys("verify", signed.public)
    assert (0, 10, 0) == (run.code, run.out.count("right "), run.out.count("WRONG"))
    assert run.out.count("\n") < 24
    card = re.search(r"SHA256: .*", (signed.public / "card.txt").read_text())
    assert card
    assert f"root {card[0]}\n" in run.out


def _swap(name: str, old: bytes, new: bytes):
    def change(public: Path) -> None:
        data = (public / name).read_bytes()
        assert old in data
        (public / name).write_bytes(data.replace(old, new, 1))

    return change


def _remove(*names: str):
    return lambda public: [(public / name).unlink() for name in names]


def _resign(public: Path) -> None:
    """Sign a list by another root, as whoever wants to exchange recipients would."""
    data = (public / "keys-000002.txt").read_bytes()
    (public / "keys-000002.txt.sig").write_text(sign(data, SigningKey.generate(), Namespace.KEYS))


def _office_for_recipients(public: Path) -> None:
    """Put one file that the root signed in the place of another that it signs in the same namespace."""
    for ending in ("", ".sig"):
        shutil.copy(public / f"office.json{ending}", public / f"recipients.txt{ending}")


WRONGS = {
    "list missing": (_remove("keys-000005.txt", "keys-000005.txt.sig"), "sequences", "6 follows 4"),
    "lists missing": (
        _remove(*(f"keys-00000{n}.txt{s}" for n in (5, 6) for s in ("", ".sig"))),
        "weeks",
        "no list covers",
    ),
    "list unsigned": (_remove("keys-000003.txt.sig"), "lists signed", "keys-000003.txt.sig is not there"),
    "list altered": (
        _swap("keys-000003.txt", b"recipient age1pq1", b"recipient age1pq1q"),
        "lists signed",
        "not signed",
    ),
    "list by another": (_resign, "lists signed", "keys-000002.txt: the key list is not signed by this office's root"),
    "list renamed": (lambda p: (p / "keys-000013.txt").rename(p / "keys-000014.txt"), "lists signed", ""),
    "office altered": (_swap("office.json", b'"West"', b'"Vest"'), "root", "signature does not fit"),
    "root.pub swapped": (_swap("root.pub", b"AAAAC3", b"AAAAC4"), "root", "root.pub is another key"),
    "card swapped": (_swap("card.txt", b"SHA256: ", b"SHA256: x"), "card", "card.txt does not show this root"),
    "desk swapped": (_swap("desk.pub", b"\n", b"x\n"), "desk, stock tools", "desk.pub is not the desk of the lists"),
    "signers swapped": (_swap("allowed_signers", b"desk@", b"dusk@"), "desk, stock tools", "does not name this root"),
    "recipients swapped": (_swap("recipients.txt", b"custodian ", b"custodiam "), "raw words", "does not fit"),
    "setting swapped": (_swap("recipients.txt", b"any holder", b"counsel-first"), "raw words", "does not fit"),
    "page altered": (_swap("page/index.html", b"<body", b"<body "), "page", "index.html is missing, or does not have"),
    "digest altered": (_swap("page/SHA256SUMS", b"index.html", b"index.htm"), "page", "signature does not fit"),
    "page unsigned": (_remove("page/SHA256SUMS.sig"), "page", "signature"),
    "office for recipients": (_office_for_recipients, "raw words", "not a hybrid age recipient"),
    "kit in a form unsigned": (
        lambda p: (p / "page/kit.html.br").write_bytes(b"x"),
        "page",
        "kit.html.br is not named by SHA256SUMS",
    ),
    "kit removed": (_remove("page/kit.html"), "page", "kit.html is missing"),
    "no lists": (lambda p: [path.unlink() for path in p.glob("keys-*")], "lists signed", "there is no key list"),
}


@pytest.mark.parametrize("wrong", WRONGS)
def test_verify_names_what_is_wrong(copy, wrong):
    """One thing altered: its row is WRONG with the reason, and the exit code is 4."""
    change, row, reason = WRONGS[wrong]
    change(copy.public)
    run = keys("verify", copy.public)
    assert run.code == 4, run.out
    assert re.search(rf"^WRONG  {row} .*{re.escape(reason)}", run.out, re.MULTILINE), run.out
    assert re.search(r"\d of 10 checks failed: do not use this folder", run.err)


def test_verify_needs_an_office(tmp_path):
    """A folder that is none gets one sentence."""
    run = keys("verify", tmp_path)
    assert (3, "keys: office.json is not there, or is not a readable file\n") == (run.code, run.err)


def test_other_office_holds_together_too(signed, tmp_path):
    """Somebody else's whole folder is right in itself: that is why the root is shown, to compare with the card."""
    other = hold(tmp_path / "other", "--slots", "4")
    other.sign()
    run = keys("verify", other.public)
    assert (0, True) == (run.code, "compare the root with the card" in run.err)
    assert run.out.split("\n")[1] != keys("verify", signed.public).out.split("\n")[1]


SHOWN = {
    "keys-000001.txt": "1 of Example Local 9",
    "office.json": "region     west: West",
    "root.txt": "slots      4",
    "root.pub": "key        SHA256:",
    "desk.pub": "key        SHA256:",
    "recipients.txt": "Any one holder can open the letters of a week; a lost key loses nothing.",
    "page/SHA256SUMS": "page       number 1",
}


@pytest.mark.parametrize("name", SHOWN)
def test_show_says_what_a_file_is(signed, name):
    """Each kind of public file, in words."""
    run = keys("show", signed.public / name)
    assert (0, True) == (run.code, SHOWN[name] in run.out), run.out + run.err


@pytest.mark.parametrize("name", ["keys-000001.txt", "recipients.txt", "page/SHA256SUMS"])
def test_show_refuses_what_is_not_signed(copy, name):
    """A signed file that was altered is not shown as if it were true."""
    path = copy.public / name
    path.write_bytes(path.read_bytes() + b"\n")
    run = keys("show", path)
    assert (4, "") == (run.code, run.out)


def test_show_keeps_words_back(signed):
    """Of a share sheet only its head is shown."""
    run = keys("show", signed.root / "sheets" / "share-2.txt")
    assert "SHARE 2 OF 3" in run.out
    assert not re.search(r"\d\. [a-z]+", run.out)


@pytest.mark.parametrize("name", ["holder-custodian.age", "custodian.age"])
def test_show_is_for_public_files(signed, name):
    """A secret file is not looked into."""
    run = keys("show", signed.folder("custodian") / name)
    assert (1, f"keys: {name} is not a public file of a ceremony") == (run.code, run.err.split("\n")[0])


@pytest.mark.parametrize(
    "junk", [b"", b"\x00", b"{", b"ssh-ed25519 AAAA", b"underseal keys v1\n", b"\xff" * 9, b"x" * 9999]
)
def test_show_of_junk(tmp_path, junk):
    """Anything else gets one sentence."""
    (tmp_path / "junk").write_bytes(junk)
    run = keys("show", tmp_path / "junk")
    assert (True, 2) == (run.code in (1, 3, 4), run.err.count("\n") + (0 if "hint" in run.err else 1)), run.err


@pytest.fixture
def page(copy) -> Path:
    """A page that the installed release has made, not signed yet."""
    run = keys("page", "--office", copy.public, "--to", copy.base / "page-2")
    assert run.code == 0, run.err
    return copy.base / "page-2"


def sign_page(copy: Machines, page: Path):
    return keys("sign-page", page, "--dir", copy.root, *copy.shares(3, 1))


def test_release_is_signed(copy, page):
    """Stock tools accept the release files: the signature, and every digest."""
    run = sign_page(copy, page)
    assert (0, True) == (run.code, "index.html" in run.out), run.err
    shutil.copy(copy.public / "allowed_signers", page)
    assert stock_verify(page, "SHA256SUMS", "page@underseal") == 0
    assert subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=page).returncode == 0


def test_page_is_signed_once(copy, page):
    """A signature that is there is not made again."""
    sign_page(copy, page)
    before = (page / "SHA256SUMS.sig").read_bytes()
    assert (1, before) == (sign_page(copy, page).code, (page / "SHA256SUMS.sig").read_bytes())


def _forge(page: Path) -> None:
    """Change the page and its digests together: only a comparison with the release notices."""
    data = (page / "index.html").read_bytes().replace(b"<body", b"<body ", 1)
    (page / "index.html").write_bytes(data)
    subprocess.run(
        "(head -n 1 SHA256SUMS; sha256sum index* kit.html underseal*) > sums && mv sums SHA256SUMS",
        shell=True,
        cwd=page,
        check=True,
    )


def _forge_kit(page: Path) -> None:
    """Exchange a recipient in the kit, and its digest: only the list's signature notices."""
    old = (page / "kit.html").read_bytes()
    new = re.sub(rb"(recipient age1pq1)(..)", lambda found: found[1] + found[2][::-1], old)
    (page / "kit.html").write_bytes(new)
    sums = (page / "SHA256SUMS").read_text()
    (page / "SHA256SUMS").write_text(sums.replace(digest(old), digest(new)))


def _without_kit(page: Path) -> None:
    """Take the kit away, and its line: an office's page has one."""
    for path in page.glob("kit.html*"):
        path.unlink()
    lines = (page / "SHA256SUMS").read_text().splitlines(keepends=True)
    (page / "SHA256SUMS").write_text("".join(line for line in lines if "kit.html" not in line))


PAGES = {
    "altered": (_swap("index.html", b"<body", b"<body "), "index.html is missing, or does not have the digest"),
    "file missing": (lambda p: next(p.glob("*.js")).unlink(), "is missing, or does not have the digest"),
    "forged": (_forge, "is not the file that the release installed here makes"),
    "list of the kit forged": (_forge_kit, "carries a key list that this office's root did not sign"),
    "no kit": (_without_kit, "kit.html is missing"),
    "file more": (lambda p: (p / "extra.js").write_text("x"), "extra.js is not named by SHA256SUMS"),
    "brotli altered": (lambda p: next(p.glob("*.br")).write_bytes(b"x"), "does not have the digest"),
    "no digests": (lambda p: (p / "SHA256SUMS").unlink(), "SHA256SUMS is missing"),
    "digests of nothing": (lambda p: (p / "SHA256SUMS").write_text(""), "SHA256SUMS is missing"),
    "up and away": (
        _swap("SHA256SUMS", b"index.html", b"../office.json"),
        "SHA256SUMS is missing, or is not a page's number",
    ),
}


@pytest.mark.parametrize("change", PAGES)
def test_wrong_page_is_not_signed(copy, page, change):
    """What is not the installed release's page for this office is refused before anyone types a share."""
    alter, sentence = PAGES[change]
    alter(page)
    run = sign_page(copy, page)
    assert (4, True) == (run.code, sentence in run.err), run.err
    assert not (page / "SHA256SUMS.sig").exists()


def test_page_number_counts_once(copy, page):
    """A page whose number was signed before is refused, and made again with the next one it is signed."""
    assert sign_page(copy, page).code == 0
    keys("page", "--office", copy.public, "--to", copy.base / "page-again")
    run = sign_page(copy, copy.base / "page-again")
    assert (4, True) == (run.code, "page 2 was signed before: make this one with --number 3" in run.err), run.err
    keys("page", "--office", copy.public, "--to", copy.base / "page-3", "--number", "3")
    assert sign_page(copy, copy.base / "page-3").code == 0
    signed = copy.sign(
        MACHINES[:3], "--after", copy.public / "keys-000013.txt", "--from", copy.lists()[0].weeks[0].first
    )
    assert (0, True) == (signed.code, "number 4" in signed.out), signed.err


@pytest.mark.parametrize(
    ("week", "refused", "wrong"),
    [
        (0, "has key lists below the floor, 14: they were replaced", "carries the data of another office"),
        (1, "which list 25 replaces", "which list 25 replaces"),
    ],
    ids=["from this week", "from the next"],
)
def test_page_with_replaced_keys_is_not_signed(copy, week, refused, wrong):
    """The weeks were signed again since the page was made: neither signing nor verifying takes its kit for good."""
    made = keys("page", "--office", copy.public, "--to", copy.base / "page-3", "--number", "3")
    assert made.code == 0, made.err
    start = copy.lists()[week].weeks[0].first
    words = ("--after", copy.public / "keys-000013.txt", "--from", start, "--weeks", 13 - week)
    assert copy.sign(MACHINES[:3], *words).code == 0
    run = sign_page(copy, copy.base / "page-3")
    assert (4, True) == (run.code, refused in run.err), run.err
    newest = copy.root / "signed-000014" / "public"
    assert keys("verify", newest).code == 0
    shutil.rmtree(newest / "page")
    shutil.copytree(copy.public / "page", newest / "page")
    assert wrong in keys("verify", newest).out


def test_page_of_another_office_is_not_signed(copy, tmp_path):
    """The page carries the root it shows: another office's is refused."""
    office = read_office((copy.root / "office.json").read_bytes())
    (copy.public / "office.json").write_bytes(write_office(replace(office, office="Local 10")))
    keys("page", "--office", copy.public, "--to", tmp_path / "page")
    run = sign_page(copy, tmp_path / "page")
    assert (4, True) == (run.code, "the release installed here makes for this office" in run.err), run.err


def test_portal_and_desk_take_it(signed, tmp_path):
    """What several machines have made is what one machine would have: portal and desk set up from it."""
    program = [sys.executable, "-m", "underseal"]
    public, secret = signed.public, signed.base
    portal = [*program, "portal", "init", "--public", public, "--dir", tmp_path / "portal"]
    assert subprocess.run(portal, capture_output=True).returncode == 0
    desk = [*program, "desk", "init", "--dir", tmp_path / "desk", "--office", public, "--reviewer", "A. Reviewer"]
    desk += ["--portal-key", tmp_path / "portal" / "portal.pub", "--desk-key", secret / "desk" / "desk.age"]
    desk += ["--holder", secret / "custodian" / "holder-custodian.age", "--passphrase-file", secret / "passphrase"]
    done = subprocess.run(desk, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_card_again(signed):
    """The card is printed from office.json alone."""
    run = keys("card", signed.root / "office.json")
    assert (signed.root / "card.txt").read_text().strip() in run.out
    assert OFFICE in run.out
