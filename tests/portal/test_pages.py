# SPDX-License-Identifier: AGPL-3.0-or-later
"""A new page over the gate: signed by the root, newer than what is served, switched as a whole or not at all."""

import gzip
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from gatekit import Gate
from portalkit import PortalOffice, Served, packed, signed, underseal
from sqlalchemy import event
from storekit import Kit, both

from crypto.handedon import HandedOn, write_handed_on
from crypto.primitives import digest
from crypto.signature import Namespace, SigningKey, sign
from intake.office import office_of_page
from intake.signedpage import MAX_PAGE_BYTES, read_page
from portal.app import utc_today
from portal.config import load_config
from portal.gate import Gate as Inside
from portal.headers import HeaderLayer
from portal.publishing import LOOK_SECONDS, kept_page, put_page, roots_of
from portal.shelf import Shelf

STRANGER = SigningKey.generate()


@pytest.fixture
def gate(office: PortalOffice, config: Any) -> Iterator[Gate]:
    """The gate of the portal in this test."""
    inside = Inside(config, utc_today)
    yield Gate(HeaderLayer(inside, config), office)
    inside._shelf.close()


def kept(folder: Path) -> int:
    """Return the number of the page on the shelf, once it is found to be as signed."""
    config = load_config(folder)
    shelf = Shelf(config.shelf_url)
    try:
        return kept_page(shelf, config.office.root).number
    finally:
        shelf.close()


def number(client: FlaskClient) -> str:
    """Return the line that numbers the page that is served."""
    return client.get("/SHA256SUMS").text.splitlines()[0]


@both
def test_page_is_switched(gate: Gate, client: FlaskClient, office: PortalOffice) -> None:
    """A newer page is served from the next request on; pushed again it changes nothing."""
    assert "# page 1" == number(client)
    body = office.page_pushed(2, floor=1, collect_days=9)
    assert [(200, b'{"page": 2}\n')] * 2 == [gate.ask("/page", body) for _ in range(2)]
    files = office.page_files(2, floor=1, collect_days=9)
    assert (files["index.html"], files["SHA256SUMS"]) == (client.get("/").data, client.get("/SHA256SUMS").data)
    assert files["kit.html"] == client.get("/kit.html").data
    assert files["index.html.br"] == client.get("/", headers={"Accept-Encoding": "br"}).data
    assert 9 == office_of_page(client.get("/").data).collect_days


@both
def test_names_of_the_page_before_stay(gate: Gate, client: FlaskClient, office: PortalOffice) -> None:
    """Who got the old page a moment ago still gets its script: the name is its digest."""
    script, other = office.page.files[office.page.script], b"// another script\n"
    assert script == client.get(f"/{office.page.script}").data
    assert 200 == gate.ask("/page", packed(office.page_with_script(2, other)))[0]
    name = f"underseal.{digest(other)[:12]}.js"
    assert (other, script) == (client.get(f"/{name}").data, client.get(f"/{office.page.script}").data)


@both
def test_page_is_read_once(gate: Gate, client: FlaskClient, office: PortalOffice) -> None:
    """However many ask, the database is asked which page it is about once a second, and for the page once a switch."""
    asked: list[str] = []
    engine = client.application.extensions["underseal"].shelf._engine
    event.listen(engine, "before_cursor_execute", lambda _c, _d, statement, *_: asked.append(statement))
    began = time.monotonic()
    assert {200} == {client.get("/").status_code for _ in range(200)}
    looks = [statement for statement in asked if "published" in statement]
    assert len(looks) <= 1 + (time.monotonic() - began) / LOOK_SECONDS
    assert [] == [statement for statement in looks if "published.body" in statement]
    assert 200 == gate.ask("/page", office.page_pushed(2))[0]
    assert {"# page 2"} == {number(client) for _ in range(20)}
    assert 2 == len([statement for statement in asked if "published.body" in statement])  # the page, and its roots


@both
def test_new_name_is_looked_for_at_once(client: FlaskClient, office: PortalOffice, shelf: Shelf) -> None:
    """Who has the new page from another process gets its script here, before this process would look by itself."""
    other = b"// another script\n"
    page = read_page(gzip.decompress(packed(office.page_with_script(2, other))), office.root.public)
    assert "# page 1" == number(client)
    with shelf.begin() as writing:
        put_page(writing, page)
    assert other == client.get(f"/underseal.{digest(other)[:12]}.js").data
    assert "# page 2" == number(client)


OLDER: dict[str, tuple[Callable[[PortalOffice], bytes], str]] = {
    "lower number": (lambda o: o.page_pushed(2), "page 2 is older than page 3"),
    "lower floor": (lambda o: o.page_pushed(4), "page 4 is older than page 3"),
    "same number": (lambda o: o.page_pushed(3, floor=1, collect_days=8), "is older than page 3"),
    "same number and floor": (
        lambda o: o.page_pushed(3, floor=2, collect_days=8),
        "there is another page with the number 3",
    ),
    "another root": (lambda o: o.page_pushed(4, STRANGER, floor=2), "is not signed by this office's root"),
    "another root inside": (lambda o: o.page_pushed(4, floor=2, root=STRANGER.public), "names another root"),
}


@both
@pytest.mark.parametrize("name", OLDER)
def test_older_page_refused(gate: Gate, client: FlaskClient, office: PortalOffice, name: str) -> None:
    """What is older than the page that is served, or not the root's, changes nothing."""
    monday = office.key_list.weeks[0].first
    text, signature = office.signed_list(sequence=14, issued=monday)
    assert 200 == gate.ask("/keys", text + signature.encode())[0]
    assert 200 == gate.ask("/page", office.page_pushed(3, floor=2))[0]
    make, sentence = OLDER[name]
    before = client.get("/").data
    status, said = gate.ask("/page", make(office))
    assert (422, True) == (status, sentence in said.decode()), said
    assert ("# page 3", before) == (number(client), client.get("/").data)


@both
def test_page_waits_for_its_lists(gate: Gate, client: FlaskClient, office: PortalOffice) -> None:
    """A page that would refuse the list of today is not served before a newer one is."""
    body = office.page_pushed(2, floor=2)
    status, said = gate.ask("/page", body)
    assert (422, True) == (status, b"it needs newer key lists than the portal holds" in said), said
    assert "# page 1" == number(client)
    text, signature = office.signed_list(sequence=14)
    assert 200 == gate.ask("/keys", text + signature.encode())[0]
    assert 200 == gate.ask("/page", body)[0]


def cut_file(files: dict[str, bytes]) -> bytes:
    return gzip.compress(gzip.decompress(packed(files))[:-1])


def swap_file(files: dict[str, bytes]) -> bytes:
    return packed({**files, "kit.html": files["kit.html"] + b" "})


SPOILED: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "nothing": lambda files: b"",
    "not packed": lambda files: gzip.decompress(packed(files)),
    "cut": cut_file,
    "another file": swap_file,
    "more behind": lambda files: gzip.compress(gzip.decompress(packed(files)) + b"x"),
    "packed twice": lambda files: packed(files) + packed(files),
    "unsigned": lambda files: packed({**files, "SHA256SUMS.sig": b""}),
    "digests altered": lambda files: packed({**files, "SHA256SUMS": files["SHA256SUMS"].replace(b"page 2", b"page 3")}),
    "length with a sign": lambda files: gzip.compress(
        gzip.decompress(packed(files)).replace(b"\n%d\n<!doctype" % len(files["index.html"]), b"\n+%d\n<!doctype")
    ),
    "far too long unpacked": lambda files: gzip.compress(bytes(MAX_PAGE_BYTES + 1)),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_page_refused(gate: Gate, client: FlaskClient, office: PortalOffice, store: Kit, name: str) -> None:
    """Whatever is not the page that the root signed, byte for byte, leaves the page that is served."""
    kept = store.rows("SELECT number, digest, body FROM published")
    status, said = gate.ask("/page", SPOILED[name](office.page_files(2)))
    assert (422, True) == (status, said.startswith(b"the page's files are refused: ")), said
    assert ("# page 1", kept) == (number(client), store.rows("SELECT number, digest, body FROM published"))


def test_too_long_for_the_gate(gate: Gate) -> None:
    """A body above the limit is not read."""
    assert 403 == gate.ask("/page", bytes(MAX_PAGE_BYTES + 1))[0]


def test_stranger_pushes_nothing(gate: Gate, client: FlaskClient, office: PortalOffice, config: Any) -> None:
    """A page that the root has signed, brought by somebody who is no courier, is refused as everything is."""
    stranger = PortalOffice(office.folder, office.root, office.desk, STRANGER, office.key_list, office.page)
    assert 403 == Gate(gate._app, stranger).ask("/page", office.page_pushed(2))[0]
    assert "# page 1" == number(client)


@both
def test_damaged_page_leaves_the_one_before(
    gate: Gate, client: FlaskClient, office: PortalOffice, config: Any, store: Kit, capfd: Any
) -> None:
    """When the shelf's page is damaged a process that has served it goes on; no other starts, and the night tells."""
    before = client.get("/").data
    store.spoil_page(bytes(32))
    time.sleep(LOOK_SECONDS)
    assert [before] * 3 == [client.get("/").data for _ in range(3)]
    said = "portal: the page on the shelf is not as signed; the page before is served\n"
    assert said == capfd.readouterr().err
    for words in (("serve", "--port", "0"), ("nightly",)):
        ran = underseal("portal", *words, "--dir", config.directory)
        assert (4, True) == (ran.code, "the page's files are refused: " in ran.err)
    assert 422 == gate.ask("/page", office.page_pushed(1))[0]  # nothing tells any more that this is the one
    assert 200 == gate.ask("/page", office.page_pushed(2))[0]
    assert "# page 2" == number(client)
    store.spoil_page()
    assert 422 == gate.ask("/page", office.page_pushed(1))[0]
    assert 200 == gate.ask("/page", office.page_pushed(2))[0]
    assert 0 == underseal("portal", "nightly", "--dir", config.directory).code


@both
def test_missing_page_is_told(folder: Path, client: FlaskClient, store: Kit) -> None:
    """Without a page on the shelf no portal starts; one that runs goes on."""
    before = client.get("/").data
    store.run("DELETE FROM published")
    ran = underseal("portal", "serve", "--dir", folder, "--port", "0")
    assert (3, "portal: there is no page on the shelf\n") == (ran.code, ran.err)
    time.sleep(LOOK_SECONDS)
    assert before == client.get("/").data


@both
def test_night_keeps_the_page(gate: Gate, client: FlaskClient, office: PortalOffice, folder: Path, store: Kit) -> None:
    """The shelf is rewritten each night, and at a pull; the page and what hands the root on are there afterwards."""
    assert 200 == gate.ask("/page", office.page_pushed(2))[0]
    assert 200 == gate.ask("/handed-on", statement(office, STRANGER))[0]
    query = "SELECT name, number, digest, body FROM published ORDER BY name"
    before = store.rows(query)
    assert 0 == underseal("portal", "nightly", "--dir", folder).code
    gate.pull()
    assert (2, before) == (len(before), store.rows(query))
    assert "# page 2" == number(client)


@both
def test_running_portal_switches_everywhere(served: Served, office: PortalOffice) -> None:
    """Every process of a running portal serves the new page once the courier has its answer, and letters go on."""
    assert len(served.workers()) == 2
    answer = served.gate(signed(office.courier, "/page", office.page_pushed(2)))
    assert b'{"page": 2}' in answer
    assert {b"# page 2"} == {served.request("GET", "/SHA256SUMS").body.split(b"\n")[0] for _ in range(40)}
    assert 201 == served.post(office.envelope()).status
    assert "" == served.said()


@both
def test_page_alone_is_published(folder: Path, office: PortalOffice, tmp_path: Path) -> None:
    """A new release of the page is taken on the host without lists; a folder with neither is refused."""
    (tmp_path / "public" / "page").mkdir(parents=True)
    for name, data in office.page_files(2).items():
        (tmp_path / "public" / "page" / name).write_bytes(data)
    words = ("portal", "publish", "--dir", folder, "--public")
    runs = [underseal(*words, tmp_path / name) for name in ("public", "nothing")]
    assert [(0, "portal: page 2 is served\n"), 4] == [(runs[0].code, runs[0].err), runs[1].code]
    older = underseal(*words, office.public)
    assert (4, 2) == (older.code, kept(folder)), older.err


@both
@pytest.mark.parametrize("moment", range(6))
def test_killed_while_switching(folder: Path, office: PortalOffice, tmp_path: Path, store: Kit, moment: int) -> None:
    """kill -9 at any moment of a switch leaves the old page or the new one, whole, and the portal starts with it."""
    public = tmp_path / "public"
    (public / "page").mkdir(parents=True)
    for name, data in office.page_files(2).items():
        (public / "page" / name).write_bytes(data)
    call, counts = store.switching
    killed = ("strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", f"trace={call}")
    command = [*killed, "-e", f"inject={call}:signal=KILL:when={counts[moment]}", sys.executable, "-m", "underseal"]
    command += ["portal", "publish", "--dir", str(folder), "--public", str(public)]
    assert -9 == subprocess.run(command, capture_output=True, timeout=60).returncode
    assert kept(folder) in (1, 2)
    status = underseal("portal", "publish", "--dir", folder, "--public", public)
    assert (0, True) == (status.code, "page 2 is served" in status.err), status.err
    assert 2 == kept(folder)


def statement(office: PortalOffice, new: SigningKey, sequence: int = 20, old: SigningKey | None = None) -> bytes:
    """Return a statement that hands this office's root on."""
    old = old or office.root
    text = write_handed_on(HandedOn("Local 1", old.public, new.public, office.key_list.issued, sequence, 2))
    return text + "".join(sign(text, root, Namespace.ROOT) for root in (old, new)).encode()


@both
def test_root_is_handed_on(gate: Gate, client: FlaskClient, office: PortalOffice) -> None:
    """From then on lists and pages are the new root's; what the portal holds stays in force until it is replaced."""
    new = SigningKey.generate()
    old_list = client.get("/keys.txt").data
    for _ in range(2):
        status, said = gate.ask("/handed-on", statement(office, new))
        assert (200, True) == (status, new.public.fingerprint in said.decode()), said
    assert (old_list, "# page 1") == (client.get("/keys.txt").data, number(client))
    text, signature = office.signed_list(sequence=20)
    assert 422 == gate.ask("/keys", text + signature.encode())[0]
    assert 422 == gate.ask("/page", office.page_pushed(2))[0]
    text, signature = office.signed_list(root=new, sequence=20)
    assert 200 == gate.ask("/keys", text + signature.encode())[0]
    assert text == client.get("/keys.txt").data


FOREIGN: dict[str, tuple[Callable[[PortalOffice], bytes], str]] = {
    "by a stranger": (lambda o: statement(o, STRANGER, old=SigningKey.generate()) + b"x", "no statement"),
    "about lists that are held": (lambda o: statement(o, STRANGER, 13), "holds already"),
    "not by the old root": (lambda o: forged(o), "is not signed by this office's root"),
    "junk": (lambda o: b"junk", "no statement"),
    "nothing after one": (lambda o: b"", "does not begin with the roots"),
    "another one instead": (lambda o: statement(o, STRANGER, 30), "does not begin with the roots"),
}


def forged(office: PortalOffice) -> bytes:
    data = statement(office, STRANGER, 30)
    text = data[: data.index(b"-----BEGIN")]
    return text + "".join(sign(text, STRANGER, Namespace.ROOT) for _ in range(2)).encode()


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_statement_refused(gate: Gate, office: PortalOffice, shelf: Shelf, name: str) -> None:
    """What the root that signs now has not signed hands nothing on."""
    known = SigningKey.generate()
    if name in ("nothing after one", "another one instead"):
        assert 200 == gate.ask("/handed-on", statement(office, known))[0]
    before = roots_of(shelf, office.root.public)
    make, sentence = FOREIGN[name]
    status, said = gate.ask("/handed-on", make(office))
    assert (422, True) == (status, sentence in said.decode()), said
    assert before == roots_of(shelf, office.root.public)
