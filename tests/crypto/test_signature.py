# SPDX-License-Identifier: AGPL-3.0-or-later
"""Signatures: what stock ssh-keygen accepts and makes, and everything else refused."""

import subprocess
from pathlib import Path

import pytest
from officer import b64

from crypto.errors import Malformed, Untrusted, WrongPassphrase
from crypto.signature import Namespace, PublicKey, SigningKey, sign, verify

KEY = SigningKey.generate()
MESSAGE = b"underseal keys v1\n"
SIGNATURE = sign(MESSAGE, KEY, Namespace.KEYS)


def stock_verify(folder: Path, message: bytes, signature: str, *, namespace: str = "keys@underseal", **options: str):
    """Run `ssh-keygen -Y verify` as the README shows it."""
    limits = "".join(f',{name.replace("_", "-")}="{value}"' for name, value in options.items())
    signers = f'root@underseal namespaces="keys@underseal"{limits} {KEY.public.text}\n'
    (folder / "allowed_signers").write_text(signers)
    (folder / "message.sig").write_text(signature)
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", "root@underseal", "-n", namespace]
    return subprocess.run([*command, "-s", "message.sig"], input=message, cwd=folder, capture_output=True)


def test_stock_tool_accepts_ours(tmp_path):
    """ssh-keygen verifies what we sign."""
    assert stock_verify(tmp_path, MESSAGE, SIGNATURE).returncode == 0


def test_stock_tool_refuses_changed_byte(tmp_path):
    """One byte of the message is enough."""
    assert stock_verify(tmp_path, MESSAGE.replace(b"1", b"2"), SIGNATURE).returncode != 0


def test_stock_tool_refuses_namespace(tmp_path):
    """A signature for another purpose is none."""
    other = sign(MESSAGE, KEY, Namespace.ACK)
    assert stock_verify(tmp_path, MESSAGE, other).returncode != 0
    assert stock_verify(tmp_path, MESSAGE, other, namespace="ack@underseal").returncode != 0


def test_stock_tool_refuses_wrong_date(tmp_path):
    """A key that is not valid yet, or no more, does not verify."""
    assert stock_verify(tmp_path, MESSAGE, SIGNATURE, valid_after="20200101").returncode == 0
    assert stock_verify(tmp_path, MESSAGE, SIGNATURE, valid_after="20990101").returncode != 0
    assert stock_verify(tmp_path, MESSAGE, SIGNATURE, valid_before="20200101").returncode != 0


def test_we_accept_the_stock_tool(tmp_path):
    """We verify what ssh-keygen signs, and our armor is byte for byte the same."""
    (tmp_path / "key").write_bytes(KEY.to_openssh(None))
    (tmp_path / "key").chmod(0o600)
    command = ["ssh-keygen", "-Y", "sign", "-f", "key", "-n", "keys@underseal"]
    run = subprocess.run(command, input=MESSAGE, cwd=tmp_path, capture_output=True, check=True)
    assert run.stdout.decode() == SIGNATURE  # Ed25519 is deterministic
    verify(MESSAGE, run.stdout.decode(), KEY.public, Namespace.KEYS)


def page_fault(officer, message: bytes, signature: str) -> str | None:
    command = {"do": "verify", "message": b64(message), "signature": signature, "key": KEY.public.text}
    return officer.ask(**command, namespace="keys@underseal").get("fault")


def test_page_verifies_ours(officer):
    """The page's code accepts the signature, and no changed message."""
    assert page_fault(officer, MESSAGE, SIGNATURE) is None
    assert page_fault(officer, MESSAGE.replace(b"1", b"2"), SIGNATURE) == "signature"


@pytest.mark.parametrize("at", range(0, len(SIGNATURE), 7))
def test_changed_armor_refused(at, officer):
    """A changed character of the armor is refused, in Python and in the page."""
    letter = "B" if SIGNATURE[at] == "A" else "A"
    changed = SIGNATURE[:at] + letter + SIGNATURE[at + 1 :]
    with pytest.raises(Untrusted):
        verify(MESSAGE, changed, KEY.public, Namespace.KEYS)
    assert page_fault(officer, MESSAGE, changed) == "signature"


ODD_ARMOR = {
    "no last line end": SIGNATURE[:-1],
    "a line end more": SIGNATURE + "\n",
    "crlf": SIGNATURE.replace("\n", "\r\n"),
    "other columns": SIGNATURE.replace("\n", "", 2).replace("SIGNATURE-----U", "SIGNATURE-----\nU"),
    "space in front": " " + SIGNATURE,
    "empty": "",
    "twice": SIGNATURE * 2,
}


@pytest.mark.parametrize("name", ODD_ARMOR)
def test_other_spelling_refused(name, officer):
    """The same signature in another spelling is refused: one signature, one text."""
    with pytest.raises(Untrusted):
        verify(MESSAGE, ODD_ARMOR[name], KEY.public, Namespace.KEYS)
    assert page_fault(officer, MESSAGE, ODD_ARMOR[name]) == "signature"


def test_other_key_refused():
    """A good signature by somebody else is not trusted."""
    with pytest.raises(Untrusted):
        verify(MESSAGE, SIGNATURE, SigningKey.generate().public, Namespace.KEYS)


@pytest.mark.parametrize("namespace", [space for space in Namespace if space is not Namespace.KEYS])
def test_other_namespace_refused(namespace):
    """No purpose passes for another."""
    with pytest.raises(Untrusted):
        verify(MESSAGE, SIGNATURE, KEY.public, namespace)


ODD = {
    "nothing": "",
    "another kind": "ssh-rsa AAAA",
    "with a comment": f"{KEY.public.text} comment",
    "a space before": f" {KEY.public.text}",
    "cut": KEY.public.text[:-1],
    "two spaces": "ssh-ed25519  AAAA",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_public_key_refused(text):
    """A public key has one spelling."""
    with pytest.raises(Malformed):
        PublicKey.parse(text)


def test_fingerprint_is_the_stock_one(tmp_path):
    """`ssh-keygen -l` prints the same fingerprint."""
    (tmp_path / "key.pub").write_text(KEY.public.text + "\n")
    run = subprocess.run(
        ["ssh-keygen", "-l", "-f", "key.pub"], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert KEY.public.fingerprint == run.stdout.split()[1]


def test_key_file_needs_its_passphrase():
    """A locked key opens with its passphrase and no other."""
    locked = KEY.to_openssh("correct horse")
    assert KEY.seed == SigningKey.from_openssh(locked, "correct horse").seed
    with pytest.raises(WrongPassphrase):
        SigningKey.from_openssh(locked, "wrong horse")
    with pytest.raises(WrongPassphrase):
        SigningKey.from_openssh(locked, None)
    with pytest.raises(Malformed):
        SigningKey.from_openssh(b"not a key", "correct horse")
