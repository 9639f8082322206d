# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a ceremony's public files say, in rows of words. Pure: bytes in, rows out."""

import re
from collections.abc import Sequence
from datetime import timedelta

from crypto.errors import CryptoError
from crypto.keylist import KeyList, read_key_list
from crypto.primitives import digest
from crypto.recipient import Recipient
from crypto.signature import Namespace, PublicKey, verify
from desk.ceremony_errors import Unknown
from desk.halves import Half, read_half, short, spoken
from desk.sheets import grouped, public_part
from desk.signing import ANY_HOLDER, COUNSEL_FIRST, Signing, lists_of, setting_in_words
from intake.console import one_line
from intake.office import Office, read_office
from intake.page import KIT, page_number, read_sums

Rows = list[tuple[str, str]]
_SUM = re.compile(r"# page [0-9]{1,6}\n")


def signing_rows(signing: Signing, brought: Sequence[tuple[Half, str]], office: Office, page_sums: bytes) -> Rows:
    """Return everything that a signing signs, for people to read before they agree.

    brought    the public halves, and the digest of each as it is read aloud
    office     with the floor that page and kit will have
    page_sums  SHA256SUMS of the page's files but the kit, which is made of the lists once they are signed
    """
    lists = lists_of(signing)
    request = signing.request
    setting = COUNSEL_FIRST if request.counsel_first else ANY_HOLDER
    first, last = request.firsts[0], request.firsts[-1] + timedelta(days=6)
    rows = [
        ("office", request.office),
        ("root", grouped(office.root.fingerprint)),
        ("setting", setting),
        ("", setting_in_words(setting)),
        ("lists", f"{len(lists)}, with sequences {lists[0].sequence} to {lists[-1].sequence}"),
        ("weeks", f"{len(request.firsts)}, {first} to {last}, without a gap"),
        ("floor", f"page and kit refuse lists below sequence {office.floor}"),
        ("a week", f"{request.slots} places: {len(request.holders)} for holders, {signing.fillers} filled up"),
    ]
    rows += [(f"{half.role}", f"{half.name}, digest {aloud}") for half, aloud in brought]
    rows += [("desk", signing.template.desk.fingerprint)]
    rows += [("courier", courier.fingerprint) for courier in signing.template.couriers]
    rows += [("raw words", f"{name} {short(recipient)}") for name, recipient in signing.raw]
    rows += [*page_rows(page_sums), ("kit", f"{KIT}: this page and these lists in one file, once they are signed")]
    return rows + [("note", note) for note in signing.notes]


def page_rows(sums: bytes) -> Rows:
    """Return the page's files and their digests, as the root signs them."""
    rows = [("page", f"{name} {spoken(value)}") for name, value in read_sums(sums).items()]
    return [("page", f"number {page_number(sums)}"), *rows]


def describe(name: str, data: bytes, office: Office | None, signature: bytes | None) -> Rows:
    """Return what a public file says. Raises Unknown, or Untrusted for a signed file whose signature does not hold.

    office     whose root must have signed it; without it, nothing that is signed is called so
    signature  the file beside it with .sig
    """
    text = data.decode("utf-8", "replace")
    try:
        if text.startswith("underseal keys v1\n") and office:
            return _list_rows(read_key_list(data, _text(signature), office.root))
        if text.startswith("underseal public half v1\n"):
            return _half_rows(read_half(data), data)
        if text.startswith("underseal root v1\n"):
            return [(word, rest) for word, _, rest in (line.partition(" ") for line in text.split("\n")[2:-1])]
        if text.startswith("# setting: ") and office:
            verify(data, _text(signature), office.root, Namespace.OFFICE)
            return _recipient_rows(text)
        if text.startswith("SHARE "):
            return [("", line) for line in public_part(text).split("\n")]
        if text.startswith("{"):
            return _office_rows(read_office(data))
        if _SUM.match(text) and office:
            verify(data, _text(signature), office.root, Namespace.PAGE)
            rows = [("page", f"{file} {value}") for file, value in read_sums(data).items()]
            return [("page", f"number {page_number(data)}"), *rows, ("signed", "by this office's root")]
        return [("key", PublicKey.parse(" ".join(text.split()[:2])).fingerprint)]
    except (ValueError, CryptoError) as error:
        if getattr(error, "fault", "public-key") not in ("public-key", "bech32"):
            raise
        raise Unknown(one_line(name)) from None


def _list_rows(key_list: KeyList) -> Rows:
    rows = [
        ("key list", f"{key_list.sequence} of {key_list.office}"),
        ("signed", "by this office's root"),
        ("issued", f"{key_list.issued}, expires {key_list.expires}"),
        ("places", f"{key_list.slots} in every week; some may be fillers, which nobody can open"),
        ("desk", key_list.desk.fingerprint),
    ]
    rows += [("courier", courier.fingerprint) for courier in key_list.couriers]
    rows.append(("counsel", f"{short(key_list.counsel)}, for raw words"))
    for week in key_list.weeks:
        rows.append(("week", f"{week.first} to {week.last}"))
        rows += [("", short(recipient)) for recipient in week.recipients]
    return rows


def _half_rows(half: Half, data: bytes) -> Rows:
    rows = [("half of", f"{half.name} ({half.role})"), ("digest", spoken(digest(data)))]
    if half.throwaway:
        rows.append(("", "THROWAWAY: protects nobody"))
    if half.signing:
        rows.append(("key", half.signing.fingerprint))
    if half.raw:
        rows.append(("raw words", short(half.raw)))
    return rows + [("week", f"{week.first} to {week.last}  {short(week.recipient)}") for week in half.weeks]


def _recipient_rows(text: str) -> Rows:
    lines = text.split("\n")[:-1]
    setting = lines[0].removeprefix("# setting: ")
    rows = [("setting", setting), ("", setting_in_words(setting)), ("signed", "by this office's root")]
    pairs = [line.split(" ") for line in lines if not line.startswith("#")]
    return rows + [("raw words", f"{name} {short(Recipient.parse(key))}") for name, key in pairs]


def _office_rows(office: Office) -> Rows:
    rows = [
        ("office", office.office),
        ("root", grouped(office.root.fingerprint)),
        ("kind", "THROWAWAY: protects nobody" if office.throwaway else "real"),
        ("collected", f"about every {office.collect_days} days"),
        ("floor", f"the page refuses key lists below sequence {office.floor}"),
    ]
    rows += [("region", f"{region.id}: {region.label}") for region in office.regions]
    return rows + [("contact", f"{contact.label}: {contact.value}") for contact in office.contacts]


def _text(signature: bytes | None) -> str:
    return (signature or b"").decode("ascii", "replace")
