# SPDX-License-Identifier: AGPL-3.0-or-later
"""A root handed on: the statement, its rules, and whose lists count (FORMAT.md 12)."""

import json
import subprocess
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectorfiles import FOLDER

from crypto.errors import Untrusted
from crypto.handedon import HandedOn, Roots, read_handed_on, roots_after, roots_before, write_handed_on
from crypto.keylist import KeyList, Week, write_key_list
from crypto.secret.identity import HybridIdentity
from crypto.signature import Namespace, PublicKey, SigningKey, sign

DOCUMENT = json.loads((FOLDER / "handed-on.json").read_text("ascii"))
KNOWN = [PublicKey.parse(text) for text in DOCUMENT["roots"]]
FIRST, SECOND, THIRD, STRANGER = (SigningKey.generate() for _ in range(4))
ONE = HandedOn("Example Local 1", FIRST.public, SECOND.public, date(2031, 5, 5), 14, 2)
TWO = HandedOn("Example Local 1", SECOND.public, THIRD.public, date(2033, 5, 2), 27, 5)
MONDAY = date(2031, 5, 5)
RECIPIENT = HybridIdentity.generate().recipient


def signed(statement: HandedOn, old: SigningKey, new: SigningKey) -> bytes:
    """Return a statement with both signatures behind it."""
    text = write_handed_on(statement)
    return text + "".join(sign(text, root, Namespace.ROOT) for root in (old, new)).encode()


BOTH = signed(ONE, FIRST, SECOND) + signed(TWO, SECOND, THIRD)


@pytest.mark.parametrize("vector", DOCUMENT["vectors"], ids=[vector["name"] for vector in DOCUMENT["vectors"]])
def test_vectors(vector):
    """Each statement of the vectors gives the root that signs now, or the fault."""
    data, known = vector["statements"].encode("ascii"), KNOWN[vector["known"]]
    try:
        outcome = roots_after(data, known).now
    except Untrusted as error:
        outcome = error.fault
    assert outcome == (KNOWN[vector["now"]] if vector["expect"] == "success" else vector["expect"])


def test_chain_is_read_both_ways():
    """Who knows the first root finds the last one; who knows the last one finds those before."""
    assert roots_after(BOTH, FIRST.public) == roots_before(BOTH, THIRD.public) == Roots(FIRST.public, (ONE, TWO))
    assert roots_after(BOTH, SECOND.public) == Roots(SECOND.public, (TWO,))
    assert Roots(FIRST.public, (ONE, TWO)).newest_first() == (THIRD.public, SECOND.public, FIRST.public)


@pytest.mark.parametrize("root", [FIRST, SECOND, STRANGER], ids=["first", "second", "stranger"])
def test_statements_lead_to_their_last_root_alone(root):
    """To another root than the last they lead nobody."""
    with pytest.raises(Untrusted, match="other roots"):
        roots_before(BOTH, root.public)


def listed(sequence: int, root: SigningKey) -> tuple[bytes, str]:
    """Return a key list with this sequence, signed."""
    week = Week(MONDAY, MONDAY + timedelta(days=6), (RECIPIENT,))
    key = STRANGER.public
    text = write_key_list(KeyList("Example Local 1", sequence, MONDAY, week.last, 1, key, (key,), RECIPIENT, (week,)))
    return text, sign(text, root, Namespace.KEYS)


@pytest.mark.parametrize(
    ("sequence", "signer"), [(1, FIRST), (13, FIRST), (14, SECOND), (26, SECOND), (27, THIRD), (999_999, THIRD)]
)
def test_each_root_signs_its_sequences(sequence, signer):
    """A list counts if the root of its sequence has signed it, and if any other has, it does not."""
    roots = Roots(FIRST.public, (ONE, TWO))
    assert roots.read_list(*listed(sequence, signer)).sequence == sequence
    for other in {FIRST, SECOND, THIRD, STRANGER} - {signer}:
        with pytest.raises(Untrusted) as refused:
            roots.read_list(*listed(sequence, other))
        assert refused.value.fault == "keys-signature"


def test_floor_counts_for_every_root():
    """A list below the floor is older than one already known, whichever root signed it."""
    with pytest.raises(Untrusted) as refused:
        Roots(FIRST.public, (ONE,)).read_list(*listed(13, FIRST), floor=14)
    assert refused.value.fault == "keys-sequence"


def test_stock_tools_verify(tmp_path):
    """ssh-keygen accepts both signatures, each by its own root."""
    text = write_handed_on(ONE)
    for root in (FIRST, SECOND):
        (tmp_path / "signers").write_text(f'root@underseal namespaces="root@underseal" {root.public.text}\n')
        (tmp_path / "sig").write_text(sign(text, root, Namespace.ROOT))
        command = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "root@underseal", "-n", "root@underseal"]
        done = subprocess.run([*command, "-s", "sig"], input=text, cwd=tmp_path, capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "changes",
    [{"office": " x"}, {"sequence": 0}, {"page": 1_000_000}, {"new": FIRST.public}, {"office": "a\nold b"}],
    ids=["office", "sequence", "page", "same root", "line in office"],
)
def test_unreadable_statement_is_not_written(changes):
    """What readers would refuse is not written."""
    with pytest.raises(ValueError, match="statement|number|office|root"):
        write_handed_on(replace(ONE, **changes))


@given(st.binary(max_size=400), st.integers(0, len(BOTH)), st.integers(0, 60))
def test_anything_else_is_a_fault(junk, place, cut):
    """Bytes put in, or cut out, end in a fault word or change nothing; never in another root or another error."""
    data = BOTH[:place] + junk + BOTH[place + cut :]
    try:
        roots = roots_after(data, FIRST.public)
    except Untrusted as error:
        assert error.fault.startswith("handed-")
    else:
        assert roots.now in (FIRST.public, SECOND.public, THIRD.public)


def test_old_key_in_the_text_is_the_one_that_signed():
    """A text by the known root that names another old root is no statement."""
    text = write_handed_on(replace(ONE, old=STRANGER.public))
    signatures = [sign(text, root, Namespace.ROOT) for root in (FIRST, SECOND)]
    with pytest.raises(Untrusted) as refused:
        read_handed_on(text, *signatures, FIRST.public)
    assert refused.value.fault == "handed-grammar"
