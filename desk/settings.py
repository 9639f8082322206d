# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `desk init` took from the ceremony: the office, the keys to trust, and where the secret files lie.

Kept in the vault as one line of canonical JSON, whose digest an event of the log names.
"""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crypto.errors import CryptoError, Untrusted
from crypto.keylist import MAX_LIST_BYTES, KeyList, read_key_list
from crypto.recipient import Recipient
from crypto.signature import Namespace, PublicKey, verify
from desk.errors import NotSetUp, OfficeMismatch
from intake import files
from intake.limits import OFFICE_MAX_BYTES
from intake.office import Office, read_office, write_office

MAX_SIGNATURE_BYTES = 1000
MAX_KEY_BYTES = 1000
MAX_RECIPIENTS_BYTES = 20_000
MAX_LISTS = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """The facts of one desk. `weeks_end` is the last day the known key lists cover."""

    office: Office
    portal: PublicKey
    desk: PublicKey
    slots: int
    weeks_end: date
    custodian: Recipient
    counsel: Recipient
    holder: Path
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
            "holder": str(self.holder),
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
        Path(body["holder"]),
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
        signature = files.read(path.with_name(path.name + ".sig"), MAX_SIGNATURE_BYTES).decode("ascii", "replace")
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
    signature = files.read(path.with_name(path.name + ".sig"), MAX_SIGNATURE_BYTES).decode("ascii", "replace")
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


def gather_settings(public: Path, portal_key: Path, holder: Path, identity: Path | None) -> Settings:
    """Return the settings of an office from what its ceremony made; signatures are checked with its root key.

    public    the ceremony's folder public/
    identity  the custodian's long-lived identity; without it, custodian.age beside the holder's file
    Raises NotSetUp, FileMissing, OfficeRefused, OfficeMismatch.
    """
    office = read_office(files.read(public / "office.json", OFFICE_MAX_BYTES))
    _signed_by_root(public / "office.json", OFFICE_MAX_BYTES, office.root)
    lists = _key_lists(public, office)
    recipients = _recipients(public / "recipients.txt", office.root)
    if {item.counsel for item in lists} != {recipients["counsel"]}:
        raise OfficeMismatch("recipients.txt", "its counsel is not the one in the key lists")
    return Settings(
        office,
        read_public_key(portal_key),
        lists[0].desk,
        lists[0].slots,
        max(item.expires for item in lists),
        recipients["custodian"],
        recipients["counsel"],
        holder.absolute(),
        (identity or holder.with_name("custodian.age")).absolute(),
    )
