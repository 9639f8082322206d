# SPDX-License-Identifier: AGPL-3.0-or-later
"""Make envelope.json and its base files, and handed-on.json, anew: run from the checkout when FORMAT.md changes.

python tests/vectors/make.py
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from crypto.base64text import decode_nopad, encode_nopad
from crypto.envelope import LETTER_BYTES, finish_file, seal
from crypto.handedon import HandedOn, write_handed_on
from crypto.header import Stanza
from crypto.primitives import hybrid_seal, random_bytes
from crypto.recipient import HPKE_INFO
from crypto.secret.identity import HybridIdentity
from crypto.secret.secretfile import Passphrase
from crypto.signature import Namespace, SigningKey, sign

HERE = Path(__file__).parent
FILE_KEY = random_bytes(16)
OURS, OTHER, THIRD = (HybridIdentity.generate() for _ in range(3))
PLAINTEXT = b'{"v":1}'.ljust(LETTER_BYTES, b" ")

Vector = dict[str, Any]
Splice = tuple[int, int, bytes] | tuple[int, int, bytes, int]


def main() -> None:
    """Write the base files and envelope.json."""
    letter = seal(PLAINTEXT, [identity.recipient for identity in (OURS, OTHER, THIRD)])
    (HERE / "base-letter.age").write_bytes(letter)
    vectors = [*good(letter), *headers(letter), *stanzas(letter), *cuts(letter), *payloads(letter), *lengths(letter)]
    document = {"identity": OURS.text, "stranger": HybridIdentity.generate().text, "vectors": vectors}
    (HERE / "envelope.json").write_text(json.dumps(document, indent=1) + "\n", "ascii")
    write_handed_on_vectors()


def write_handed_on_vectors() -> None:
    """Write handed-on.json: statements back to back, the root a reader knows, and the root or fault that comes out."""
    roots = [SigningKey.generate() for _ in range(4)]
    facts = [HandedOn("Example Local 1", a.public, b.public, date(2031, 5, 5), n, n) for a, b, n in steps(roots)]
    one, two = (write_handed_on(each) for each in facts)
    both = handed(one, *roots[:2]) + handed(two, *roots[1:3])
    low = write_handed_on(replace(facts[1], sequence=14))
    texts = {
        "day": one.replace(b"day 2031-05-05", b"day 2031-02-30"),
        "number-with-zero": one.replace(b"sequence 14", b"sequence 014"),
        "line-missing": one.replace(b"page 14\n", b""),
        "line-more": one + b"note yes\n",
        "to-itself": one.replace(roots[1].public.text.encode(), roots[0].public.text.encode()),
        "office-with-space": one.replace(b"office Example", b"office  Example"),
        "old-twice": one.replace(b"old ", b"old " + roots[3].public.text.encode() + b"\nold ", 1),
    }
    cases = [
        ("handed-on", "success", 0, 1, handed(one, *roots[:2])),
        ("twice", "success", 0, 2, both),
        ("known-in-between", "success", 1, 2, both),
        ("known-already", "success", 2, 2, both),
        ("nothing", "success", 0, 0, b""),
        ("old-did-not-sign", "handed-signature", 0, 0, handed(one, roots[3], roots[1])),
        ("new-did-not-sign", "handed-signature", 0, 0, handed(one, roots[0], roots[3])),
        ("old-signed-for-both", "handed-signature", 0, 0, handed(one, roots[0], roots[0])),
        ("signatures-swapped", "handed-signature", 0, 0, handed(one, roots[1], roots[0])),
        ("altered", "handed-signature", 0, 0, handed(one, *roots[:2]).replace(b"page 14", b"page 15")),
        ("other-namespace", "handed-signature", 0, 0, handed(one, *roots[:2], namespace=Namespace.OFFICE)),
        ("too-long", "handed-size", 0, 0, handed(one + b"#" * 4096, *roots[:2])),
        ("sequence-not-higher", "handed-order", 0, 0, handed(one, *roots[:2]) + handed(low, *roots[1:3])),
        ("one-signature", "handed-grammar", 0, 0, one + sign(one, roots[0], Namespace.ROOT).encode()),
        ("unsigned", "handed-grammar", 0, 0, one),
        ("more-behind", "handed-grammar", 0, 0, handed(one, *roots[:2]) + b"more"),
        *((name, "handed-grammar", 0, 0, handed(text, *roots[:2])) for name, text in texts.items()),
    ]
    vectors = [
        {"name": name, "expect": expect, "known": known, "now": now, "statements": data.decode("ascii")}
        for name, expect, known, now, data in cases
    ]
    document = {"roots": [root.public.text for root in roots], "vectors": vectors}
    (HERE / "handed-on.json").write_text(json.dumps(document, indent=1) + "\n", "ascii")


def steps(roots: list[SigningKey]) -> list[tuple[SigningKey, SigningKey, int]]:
    return [(roots[0], roots[1], 14), (roots[1], roots[2], 27)]


def handed(text: bytes, old: SigningKey, new: SigningKey, namespace: Namespace = Namespace.ROOT) -> bytes:
    return text + "".join(sign(text, root, namespace) for root in (old, new)).encode("ascii")


def vector(name: str, expect: str, *splices: Splice, slots: int = 3, who: str = "identity") -> Vector:
    encoded = [[start, end, base64.b64encode(data).decode("ascii"), *times] for start, end, data, *times in splices]
    return {"name": name, "expect": expect, "base": "base-letter.age", "slots": slots, "who": who, "splices": encoded}


def whole(name: str, expect: str, letter: bytes, data: bytes) -> Vector:
    """A file whose header is another one; the base's payload region is kept where it can be."""
    assert len(data) == len(letter), (name, len(data), len(letter))
    end = next((i for i in range(len(data), 0, -1) if data[i - 1] != letter[i - 1]), 0)
    return vector(name, expect, (0, end, data[:end]))


def good(letter: bytes) -> Iterator[Vector]:
    yield vector("as-sealed", "success")
    yield vector("stranger", "no-match", who="stranger")
    yield vector("two-slots-expected", "size", slots=2)
    yield vector("four-slots-expected", "size", slots=4)


def headers(letter: bytes) -> Iterator[Vector]:
    mac = letter.index(b"\n--- ") + 5
    room = len(letter) - 22
    yield vector("version-2", "version", (20, 21, b"2"))
    yield vector("version-crlf", "version", (21, 23, b"\r\n"))
    yield vector("armored", "version", (0, 35, b"-----BEGIN AGE ENCRYPTED FILE-----\n"))
    yield vector("plaintext", "version", (0, len(letter), b" ", len(letter)))
    yield vector("mac-letter", "header-mac", (mac, mac + 1, b"A" if letter[mac : mac + 1] != b"A" else b"B"))
    yield vector("mac-not-canonical", "mac", (mac + 42, mac + 43, b"/"))
    yield vector("mac-star", "mac", (mac + 3, mac + 4, b"*"))
    yield vector("mac-two-spaces", "mac", (mac - 1, mac + 1, b"  "))
    yield vector("line-before-mac", "stanza", (mac - 4, mac - 1, b"-- "))
    yield vector("header-17-kib", "header-size", (22, 22 + len(endless(room)[0]) * endless(room)[1], *endless(room)))


def endless(length: int) -> tuple[bytes, int]:
    """Return stanzas that are well formed but empty, so many that they take `length` bytes."""
    stanza = b"-> mlkem768x25519 " + encode_nopad(bytes(1_120)).encode() + b"\n" + b"A" * 43 + b"\n"
    times = length // len(stanza)
    assert times * len(stanza) > 16_384
    return stanza, times


def stanzas(letter: bytes) -> Iterator[Vector]:
    spots = [i for i in range(len(letter) - 18) if letter[i : i + 18] == b"-> mlkem768x25519 "]
    for number, spot in enumerate(spots, 1):
        body = letter.index(b"\n", spot) + 1
        yield vector(f"stanza-{number}-x25519", "recipient-type", (spot + 3, spot + 17, b"X25519xxxxxxxx"))
        yield vector(f"stanza-{number}-upper-case", "recipient-type", (spot + 3, spot + 17, b"MLKEM768X25519"))
        yield vector(f"stanza-{number}-two-arguments", "stanza", (spot + 100, spot + 101, b" "))
        yield vector(f"stanza-{number}-no-arrow", "stanza", (spot, spot + 2, b"- "))
        yield vector(f"stanza-{number}-tab", "stanza", (spot + 17, spot + 18, b"\t"))
        yield vector(f"stanza-{number}-two-spaces", "stanza", (spot + 17, spot + 19, b"  "))
        yield vector(f"stanza-{number}-share-star", "stanza", (spot + 200, spot + 201, b"*"))
        yield vector(f"stanza-{number}-share-control", "stanza", (spot + 200, spot + 201, b"\x1f"))
        yield vector(f"stanza-{number}-share-eight-bit", "stanza", (spot + 200, spot + 201, b"\xe9"))
        yield vector(f"stanza-{number}-body-star", "stanza", (body + 5, body + 6, b"*"))
        yield vector(f"stanza-{number}-body-not-canonical", "stanza", (body + 42, body + 43, b"/"))
        yield vector(f"stanza-{number}-body-split", "stanza", (body + 20, body + 21, b"\n"))
        yield vector(f"stanza-{number}-share-longer", "stanza", (body - 1, body + 1, b"AA"))
    yield from shapes(letter, spots)


def shapes(letter: bytes, spots: list[int]) -> Iterator[Vector]:
    """Whole files with real MACs, so that nothing but the rule itself refuses them."""
    first, second, third = (identity.recipient.wrap(FILE_KEY) for identity in (OURS, OTHER, THIRD))
    grease, x25519 = Stanza("grease", ("x",), b""), Stanza("X25519", (encode_nopad(bytes(range(32))),), bytes(32))
    scrypt = Passphrase("correct horse").wrap(FILE_KEY, 10)
    yield whole("grease-last", "recipient-type", letter, filled(letter, first, second))
    yield whole("grease-first", "recipient-type", letter, filled(letter, grease, first, second))
    yield whole("mixed-x25519", "recipient-type", letter, filled(letter, first, second, x25519))
    yield whole("mixed-scrypt", "recipient-type", letter, filled(letter, first, second, scrypt))
    yield whole("x25519-only", "recipient-type", letter, filled(letter, x25519))
    yield whole("scrypt-only", "recipient-type", letter, filled(letter, scrypt))
    yield whole(
        "file-key-of-others", "header-mac", letter, finish_file(random_bytes(16), (first, second, third), PLAINTEXT)
    )
    low = decode_nopad(first.args[0])[:1_088] + bytes(32)
    sealed = Stanza(first.type, (encode_nopad(low),), first.body)
    yield whole("share-low-order", "stanza", letter, finish_file(FILE_KEY, (sealed, second, third), PLAINTEXT))
    encapsulated, body = hybrid_seal(OURS.recipient.raw, FILE_KEY, HPKE_INFO + b"!")
    wrong = Stanza(first.type, (encode_nopad(encapsulated),), body)
    yield whole("other-hpke-info", "no-match", letter, finish_file(FILE_KEY, (wrong, second, third), PLAINTEXT))
    none, two = finish_file(FILE_KEY, (), PLAINTEXT), finish_file(FILE_KEY, (first, second), PLAINTEXT)
    yield whole("no-stanza", "stanza", letter, none.ljust(len(letter), b"x"))
    yield whole("two-stanzas", "slots", letter, two.ljust(len(letter), b"x"))
    at = two.index(b"\n--- ") + 10
    yield whole("two-stanzas-bad-mac", "mac", letter, (two[:at] + b"*" + two[at + 1 :]).ljust(len(letter), b"x"))
    yield whole("ours-last", "success", letter, finish_file(FILE_KEY, (third, second, first), PLAINTEXT))
    yield whole("ours-three-times", "success", letter, finish_file(FILE_KEY, (first, first, first), PLAINTEXT))


def filled(letter: bytes, *stanzas: Stanza) -> bytes:
    """Return a file of these stanzas and one of an unknown type that fills it up to the letter's length."""
    room = len(letter) - len(finish_file(FILE_KEY, stanzas, PLAINTEXT)) - len("-> grease \n\n")
    return finish_file(FILE_KEY, (*stanzas, Stanza("grease", ("x" * room,), b"")), PLAINTEXT)


def cuts(letter: bytes) -> Iterator[Vector]:
    """The file cut at every border, and one byte before and after; in the header also filled up again with zeros."""
    end = letter.index(b"\n--- ") + 1 + 48
    borders = [i + 1 for i in range(end) if letter[i] == 0x0A]
    for cut in sorted({b + d for b in borders for d in (-1, 0, 1)} | {end + 16, len(letter) - 16, len(letter) - 1}):
        yield vector(f"cut-at-{cut}", "size", (cut, len(letter), b""))
        if cut < end:  # the right length, and a header that never ends
            fault = "version" if cut < 22 else "header-size"
            yield vector(f"cut-and-filled-at-{cut}", fault, (cut, len(letter), b"\0", len(letter) - cut))
    yield vector("empty", "size", (0, len(letter), b""))


def payloads(letter: bytes) -> Iterator[Vector]:
    nonce = letter.index(b"\n--- ") + 49
    yield vector("nonce-flipped", "payload", (nonce, nonce + 1, bytes([letter[nonce] ^ 1])))
    yield vector("chunk-flipped", "payload", (nonce + 16, nonce + 17, bytes([letter[nonce + 16] ^ 1])))
    yield vector("tag-flipped", "payload", (len(letter) - 1, len(letter), bytes([letter[-1] ^ 0x80])))


def lengths(letter: bytes) -> Iterator[Vector]:
    yield vector("one-byte-more", "size", (len(letter), len(letter), b"\0"))
    yield vector("one-line-end-more", "size", (len(letter), len(letter), b"\n"))
    yield vector("twice", "size", (len(letter), len(letter), letter[:100]))
    yield vector("byte-in-front", "size", (0, 0, b"\n"))
    yield vector("megabyte", "size", (len(letter), len(letter), b"\0", 1_000_000))


if __name__ == "__main__":
    main()
