# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bundles: every cut, added or changed byte is named."""

import io
import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.primitives import digest, random_bytes
from crypto.signature import Namespace, SigningKey, sign
from intake.acknowledgement import (
    Acknowledgement,
    AcknowledgementRefused,
    read_acknowledgement,
    write_acknowledgement,
)
from intake.bundle import BundleRefused, Manifest, read_envelopes, read_head, read_manifest, write_manifest

PORTAL, DESK = SigningKey.generate(), SigningKey.generate()
ENVELOPES = sorted((random_bytes(21_157) for _ in range(3)), key=digest)
MANIFEST = Manifest(
    portal=PORTAL.public.fingerprint,
    desk=DESK.public.fingerprint,
    pull=7,
    previous="ab" * 32,
    pulled=date(2031, 5, 20),
    envelopes=tuple((digest(envelope), len(envelope)) for envelope in ENVELOPES),
)
LINE = write_manifest(MANIFEST)
BUNDLE = LINE + sign(LINE, PORTAL, Namespace.BUNDLE).encode() + b"".join(ENVELOPES)


def contents(bundle: bytes) -> list[bytes]:
    file = io.BytesIO(bundle)
    manifest, _, _ = read_head(file, PORTAL.public)
    return [envelope for _, envelope in read_envelopes(file, manifest)]


def test_bundle_reads_back():
    """What was packed is unpacked, in digest order."""
    assert ENVELOPES == contents(BUNDLE)


def test_manifest_reads_back():
    """Manifest and line are inverse."""
    assert MANIFEST == read_manifest(LINE)


HEAD = len(BUNDLE) - 3 * 21_157


@pytest.mark.parametrize(
    "cut", [0, 1, len(LINE) - 1, len(LINE), HEAD - 1, HEAD, HEAD + 1, HEAD + 21_157, len(BUNDLE) - 1]
)
def test_cut_named(cut):
    """A bundle cut anywhere is refused."""
    with pytest.raises(BundleRefused) as refusal:
        contents(BUNDLE[:cut])
    assert refusal.value.fault == ("bundle-grammar" if cut < HEAD else "bundle-contents")


@pytest.mark.parametrize("tail", [b"\0", b"\n", BUNDLE])
def test_tail_named(tail):
    """Something after the last envelope is refused."""
    with pytest.raises(BundleRefused) as refusal:
        contents(BUNDLE + tail)
    assert refusal.value.fault == "bundle-contents"


@settings(deadline=None)
@given(st.integers(0, len(BUNDLE) - 1), st.integers(1, 255))
def test_flip_never_passes(at, mask):
    """No changed byte passes: the manifest, its signature or a digest notices."""
    changed = bytearray(BUNDLE)
    changed[at] ^= mask
    file = io.BytesIO(bytes(changed))
    with pytest.raises(BundleRefused):
        manifest, _, _ = read_head(file, PORTAL.public)
        list(read_envelopes(file, manifest))


def test_strange_manifest_never_read():
    """A line that the portal did not sign is not read as anything, however large: it is refused at once."""
    line = b"[" * 10_000_000 + b"\n"
    signature = sign(line, DESK, Namespace.BUNDLE).encode()
    started = time.monotonic()
    with pytest.raises(BundleRefused) as refusal:
        read_head(io.BytesIO(line + signature), PORTAL.public)
    assert refusal.value.fault == "bundle-signature"
    assert time.monotonic() - started < 2


DEFECTS = [
    (b'"v":1', b'"v":2'),
    (b'"v":1', b'"v":true'),
    (b'"pull":7', b'"pull":0'),
    (b'"pull":7', b'"pull":-7'),
    (b'"pull":7', b'"pull":"7"'),
    (b'"count":3', b'"count":2'),
    (b'"count":3', b'"count": 3'),
    (b"21157", b"21158"),
    (b"21157", b"99999999999"),
    (b"SHA256:", b"SHA512:"),
    (b'"previous":"ab', b'"previous":"AB'),
    (b'"pulled":"2031-05-20"', b'"pulled":"20310520"'),
    (b'"pulled":"2031-05-20"', b'"pulled":"2031-05-32"'),
    (b'"pulled":"2031-05-20"', b'"pulled":null'),
    (b"}\n", b',"x":1}\n'),
    (b"}\n", b"}\r\n"),
    (b"}\n", b"} \n"),
    (b'{"count"', b'{"count":3,"count"'),
]


@pytest.mark.parametrize(("old", "new"), DEFECTS)
def test_manifest_defect_refused(old, new):
    """A manifest has one spelling."""
    assert old in LINE
    with pytest.raises(BundleRefused) as refusal:
        read_manifest(LINE.replace(old, new, 1))
    assert refusal.value.fault == "bundle-grammar"


def test_unsorted_manifest_refused():
    """Digests out of order could carry the order of arrival."""
    swapped = Manifest(
        PORTAL.public.fingerprint, DESK.public.fingerprint, 7, "ab" * 32, MANIFEST.pulled, MANIFEST.envelopes[::-1]
    )
    with pytest.raises(BundleRefused):
        read_manifest(write_manifest(swapped))


def test_first_pull_has_no_previous():
    """Pull 1 names no earlier manifest, and no other pull leaves it out."""
    with pytest.raises(BundleRefused):
        read_manifest(write_manifest(Manifest(MANIFEST.portal, MANIFEST.desk, 7, None, MANIFEST.pulled, ())))
    with pytest.raises(BundleRefused):
        read_manifest(write_manifest(Manifest(MANIFEST.portal, MANIFEST.desk, 1, "ab" * 32, MANIFEST.pulled, ())))


ACK = Acknowledgement(MANIFEST.portal, MANIFEST.desk, 7, digest(LINE), tuple(name for name, _ in MANIFEST.envelopes))


def test_acknowledgement_reads_back():
    """Acknowledgement and line are inverse."""
    assert read_acknowledgement(write_acknowledgement(ACK)) == ACK


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"v":1', b'"v":2'), (b'"pull":7', b'"pull":0'), (b'"digests":[', b'"digests":["xx",'), (b"}\n", b"}")],
)
def test_acknowledgement_defect_refused(old, new):
    """An acknowledgement has one spelling."""
    line = write_acknowledgement(ACK)
    assert old in line
    with pytest.raises(AcknowledgementRefused):
        read_acknowledgement(line.replace(old, new, 1))
