# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `desk init` took from the ceremony: the office, the keys to trust, and where the secret files lie.

Kept in the vault as one line of canonical JSON, whose digest an event of the log names.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from crypto.errors import CryptoError, Untrusted
from crypto.handedon import roots_after
from crypto.keylist import MAX_LIST_BYTES, KeyList, read_key_list
from crypto.recipient import Recipient
from crypto.signature import SIGNATURE_CHARACTERS, Namespace, PublicKey, verify
from desk.errors import ListsOlder, NotSetUp, OfficeMismatch
from intake import files
from intake.limits import OFFICE_MAX_BYTES
from intake.office import Office, read_office, write_office
from intake.statements import read_statements

MAX_KEY_BYTES = 1000
MAX_RECIPIENTS_BYTES = 20_000
MAX_LISTS = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """The facts of one desk. `weeks_end` is the last day that the known key lists cover, `sequence` the last of them.

    holders  the files of weekly identities that bundles are opened with
    identity the file of the custodian's long-lived identity
    """

    office: Office
    portal: PublicKey
    desk: PublicKey
    slots: int
    weeks_end: date
    custodian: Recipient
    counsel: Recipient
    sequence: int
    holders: tuple[Path, ...]
    identity: Path

    def text(self) -> str:
        """Return the line that is stored."""
        body = {
            "office": write_office(self.office).decode(),
            "portal": self.portal.text,
            "desk": self.desk.text,
            "slots": self.slots,
            "weeks_end": self.weeks_end.isoformat(),
            "custodian": self.custodian.text,
            "counsel": self.counsel.text,
            "sequence": self.sequence,
            "holders": [str(path) for path in self.holders],
            "identity": str(self.identity),
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"))

    @property
    def long_lived(self) -> tuple[Recipient, Recipient]:
        """Those to whom raw letters are sealed again: custodian, then counsel."""
        return self.custodian, self.counsel


def read_settings(text: str) -> Settings:
    """Return the settings of a stored line."""
    body = json.loads(text)
    return Settings(
        read_office(body["office"].encode()),
        PublicKey.parse(body["portal"]),
        PublicKey.parse(body["desk"]),
        body["slots"],
        date.fromisoformat(body["weeks_end"]),
        Recipient.parse(body["custodian"]),
        Recipient.parse(body["counsel"]),
        body["sequence"],
        tuple(Path(path) for path in body["holders"]),
        Path(body["identity"]),
    )


def read_public_key(path: Path) -> PublicKey:
    """Return the key in a .pub file; a comment after it is allowed."""
    words = files.read(path, MAX_KEY_BYTES).decode("ascii", "replace").split()
    try:
        return PublicKey.parse(" ".join(words[:2]))
    except CryptoError:
        raise NotSetUp(path.name) from None


def _key_lists(public: Path, office: Office) -> list[KeyList]:
    lists = []
    for path in sorted(public.glob("keys-*.txt"))[:MAX_LISTS]:
        signature = files.read(path.with_name(path.name + ".sig"), SIGNATURE_CHARACTERS).decode("ascii", "replace")
        try:
            lists.append(read_key_list(files.read(path, MAX_LIST_BYTES), signature, office.root, floor=office.floor))
        except Untrusted:
            raise NotSetUp(path.name) from None
    if not lists or len({(item.slots, item.desk) for item in lists}) != 1:
        raise NotSetUp("one set of key lists, keys-000001.txt and on,")
    return lists


def _signed_by_root(path: Path, max_bytes: int, root: PublicKey) -> bytes:
    """Return a file of the ceremony whose signature beside it is the root's."""
    data = files.read(path, max_bytes)
    signature = files.read(path.with_name(path.name + ".sig"), SIGNATURE_CHARACTERS).decode("ascii", "replace")
    try:
        verify(data, signature, root, Namespace.OFFICE)
    except Untrusted:
        raise OfficeMismatch(path.name, "the root has not signed it") from None
    return data


def _recipients(path: Path, root: PublicKey) -> dict[str, Recipient]:
    lines = _signed_by_root(path, MAX_RECIPIENTS_BYTES, root).decode("ascii", "replace").splitlines()
    pairs = [line.split(" ") for line in lines if line and not line.startswith("#")]
    try:
        found = {name: Recipient.parse(text) for name, text in pairs}
    except (ValueError, CryptoError):
        raise NotSetUp(path.name) from None
    if set(found) != {"custodian", "counsel"}:
        raise NotSetUp(path.name)
    return found


@dataclass(frozen=True, slots=True)
class Published:
    """What one signing published. All of it is signed by the root that `office` names.

    statements  by which earlier roots handed on, as they stand in the folder: not verified yet
    """

    office: Office
    lists: tuple[KeyList, ...]
    custodian: Recipient
    counsel: Recipient
    statements: bytes

    def leads_from(self, known: Office) -> PublicKey:
        """Return the root that signs now by what the known one has signed. Raises OfficeMismatch."""
        try:
            roots = roots_after(self.statements, known.root)
        except Untrusted as error:
            raise OfficeMismatch("handed-on", str(error)) from error
        if any(each.office != known.office for each in roots.handed):
            raise OfficeMismatch("handed-on", "it is about another office")
        return roots.now

    @property
    def weekly(self) -> frozenset[Recipient]:
        """Every recipient of every week."""
        return frozenset(recipient for item in self.lists for week in item.weeks for recipient in week.recipients)


def read_published(public: Path) -> Published:
    """Return what a signing published; every signature is checked with the root key of its own office data.

    public  the folder public/ of a ceremony or of a later signing
    Raises NotSetUp, FileMissing, OfficeRefused, OfficeMismatch.
    """
    office = read_office(files.read(public / "office.json", OFFICE_MAX_BYTES))
    _signed_by_root(public / "office.json", OFFICE_MAX_BYTES, office.root)
    lists = _key_lists(public, office)
    recipients = _recipients(public / "recipients.txt", office.root)
    if {item.counsel for item in lists} != {recipients["counsel"]}:
        raise OfficeMismatch("recipients.txt", "its counsel is not the one in the key lists")
    return Published(office, tuple(lists), recipients["custodian"], recipients["counsel"], read_statements(public))


def gather_settings(published: Published, portal_key: Path, holder: Path, identity: Path | None) -> Settings:
    """Return the settings of a new desk.

    identity  the custodian's long-lived identity; without it, custodian.age beside the holder's file
    Raises NotSetUp, FileMissing.
    """
    return Settings(
        published.office,
        read_public_key(portal_key),
        published.lists[0].desk,
        published.lists[0].slots,
        max(item.expires for item in published.lists),
        published.custodian,
        published.counsel,
        max(item.sequence for item in published.lists),
        (holder.absolute(),),
        (identity or holder.with_name("custodian.age")).absolute(),
    )


def renew_settings(known: Settings, published: Published, holders: Sequence[Path], identity: Path | None) -> Settings:
    """Return a desk's settings with what a later signing of the same root published, and further holders' files.

    A root that the known one has handed on to counts as the same. Raises OfficeMismatch for another root, desk key or
    number of places, ListsOlder for lists from before.
    """
    sequence = max(item.sequence for item in published.lists)
    if (
        published.leads_from(known.office) != published.office.root
        or published.office.throwaway != known.office.throwaway
    ):
        raise OfficeMismatch("office.json", "it is of another root than this vault, and none that was handed on to")
    if (published.lists[0].desk, published.lists[0].slots) != (known.desk, known.slots):
        raise OfficeMismatch("the key list", "it has another desk key or number of places; that needs a new vault")
    if sequence < known.sequence or published.office.floor < known.office.floor:
        raise ListsOlder(sequence, known.sequence)
    return replace(
        known,
        office=published.office,
        weeks_end=max(item.expires for item in published.lists),
        custodian=published.custodian,
        counsel=published.counsel,
        sequence=sequence,
        holders=tuple(dict.fromkeys([*known.holders, *(path.absolute() for path in holders)])),
        identity=identity.absolute() if identity else known.identity,
    )
