# SPDX-License-Identifier: AGPL-3.0-or-later
"""A signing's public folder, pushed from the stick: lists, page and kit in one go, and nothing but the root's."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from portalkit import PortalOffice, Served, underseal

from crypto.handedon import HandedOn, write_handed_on
from crypto.signature import Namespace, SigningKey, sign
from intake.office import office_of_page

STRANGER = SigningKey.generate()


def lay(folder: Path, office: PortalOffice, number: int, sequence: int, *signer: SigningKey, **changes: Any) -> None:
    """Put a list and a page on the stick, as a signing publishes them."""
    (folder / "page").mkdir(parents=True, exist_ok=True)
    text, signature = office.signed_list(sequence=sequence)
    (folder / f"keys-{sequence:06}.txt").write_bytes(text)
    (folder / f"keys-{sequence:06}.txt.sig").write_text(signature)
    for name, data in office.page_files(number, *signer, **changes).items():
        (folder / "page" / name).write_bytes(data)


def page_number(served: Served) -> bytes:
    """Return the line that numbers the page that is served."""
    return served.request("GET", "/SHA256SUMS").body.split(b"\n")[0]


def test_signing_is_pushed(courier: Any, served: Served, office: PortalOffice) -> None:
    """List and page arrive together; pushing again is harmless; what is older is refused before anything is sent."""
    lay(courier.outgoing, office, 2, 14, floor=2)
    said = ["keys-000014.txt: published, sequence 14", "page: number 2 is served"]
    for _ in range(2):
        ran = courier.push()
        assert (0, said) == (ran.code, ran.out.splitlines()), ran.err
    assert (b"# page 2", 2) == (page_number(served), office_of_page(served.request("GET", "/").body).floor)
    served.stop()  # whoever is asked now does not answer
    shutil.rmtree(courier.outgoing)
    lay(courier.outgoing, office, 1, 1)
    ran = courier.push()
    assert (1, ["keys-000001.txt", "page"]) == (ran.code, [line.split(":")[0] for line in ran.out.splitlines()])
    assert 2 == ran.out.count("; nothing was sent")
    assert "as new as" in ran.out
    lay(courier.outgoing, office, 1, 14, floor=2)
    for path in courier.outgoing.glob("keys-*"):
        path.unlink()
    said = ["page: refused: it is not a page of this office, as new as those before; nothing was sent"]
    assert said == courier.push().out.splitlines()


def test_status_after_a_push(courier: Any, served: Served, office: PortalOffice) -> None:
    """The courier goes on as before: what it has learnt of the office changes no address and no key."""
    lay(courier.outgoing, office, 2, 14, floor=2)
    assert courier.push().code == 0
    assert served.post(office.envelope()).status == 201
    assert courier.pull().code == 0
    assert courier.run("status", "--json").code == 0


WRONG: dict[str, tuple[Callable[[Path, PortalOffice], object], str]] = {
    "another root": (lambda f, o: lay(f, o, 2, 14, STRANGER), "is not signed by this office's root"),
    "another root inside": (lambda f, o: lay(f, o, 2, 14, root=STRANGER.public), "names another root"),
    "another office": (lambda f, o: lay_other(f, o), "it is not a page of this office"),
    "file altered": (lambda f, o: (f / "page/kit.html").write_bytes(b"x"), "kit.html is not the file that was signed"),
    "digests altered": (lambda f, o: (f / "page/SHA256SUMS").write_bytes(b"# page 9\n"), "is not signed by"),
    "too long": (lambda f, o: (f / "page/index.html").write_bytes(bytes(5 * 2**20)), "index.html"),
    "file missing": (lambda f, o: (f / "page/index.html").unlink(), "index.html"),
    "link": (lambda f, o: linked(f / "page/index.html"), "index.html"),
}


def lay_other(folder: Path, office: PortalOffice) -> None:
    for name, data in office.page_files(2, office="Local 2").items():
        (folder / "page" / name).write_bytes(data)


def linked(path: Path) -> None:
    other = path.with_name("elsewhere")
    path.rename(other)
    path.symlink_to(other)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_page_does_not_leave_the_stick(courier: Any, served: Served, office: PortalOffice, name: str) -> None:
    """A page that is not the root's, whole, is not sent; the portal's stays."""
    lay(courier.outgoing, office, 2, 14)
    change, sentence = WRONG[name]
    change(courier.outgoing, office)
    for path in courier.outgoing.glob("keys-*"):
        path.unlink()
    served.stop()  # whoever is asked now does not answer, and the courier would say so
    ran = courier.push()
    assert ran.code in (1, 3), ran.err
    assert sentence in ran.out + ran.err


def test_other_courier_learns_the_new_root(courier: Any, served: Served, office: PortalOffice, tmp_path: Path) -> None:
    """A courier that was not there when the root was handed on pushes the same folder, and knows it then too."""
    new = SigningKey.generate()
    lay(courier.outgoing, office, 2, 14, new, root=new.public, floor=1)
    text, signature = office.signed_list(root=new, sequence=14)
    (courier.outgoing / "keys-000014.txt.sig").write_text(signature)
    line = write_handed_on(HandedOn("Local 1", office.root.public, new.public, office.key_list.issued, 14, 2))
    (courier.outgoing / "handed-on-000014.txt").write_bytes(line)
    for ending, root in ((".sig", office.root), (".new.sig", new)):
        (courier.outgoing / f"handed-on-000014.txt{ending}").write_text(sign(line, root, Namespace.ROOT))
    other = shutil.copytree(courier.folder, tmp_path / "other")
    said = [f"handed-on: the root is now {new.public.fingerprint}", "keys-000014.txt: published, sequence 14"]
    for folder in (courier.folder, other):
        words = ("--from", courier.outgoing, "--passphrase-file", office.passphrase_file)
        ran = underseal("courier", "push", "--dir", folder, *words)
        assert (0, [*said, "page: number 2 is served"]) == (ran.code, ran.out.splitlines()), ran.err
    (courier.outgoing / "handed-on-000014.txt.new.sig").unlink()
    assert 3 == courier.push().code
