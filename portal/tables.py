# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tables of the shelf. No row tells an hour or an order: keys are digests or random, and times are UTC days."""

from sqlalchemy import Column, Date, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()
ENVELOPES = Table(
    "envelopes",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("size_class", Text, nullable=False),
    Column("day", Date, nullable=False),  # before the bytes: read without walking their overflow pages
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
DAMAGED = Table(  # envelopes whose bytes are no longer those of their digest, kept for whoever can mend them
    "damaged",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("day", Date, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
MANIFESTS = Table(
    "manifests",
    METADATA,
    Column("pull", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("previous", Text),
    Column("day", Date, nullable=False),
    Column("line", LargeBinary),  # of the last manifest only
    Column("signature", Text),  # until the desk has acknowledged it; none where it is not of this shelf
)
KEY_LISTS = Table(
    "key_lists",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("text", LargeBinary, nullable=False),
    Column("signature", Text, nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
)
NONCES = Table(
    "nonces",
    METADATA,
    Column("nonce", Text, primary_key=True),
    Column("day", Date, nullable=False),
    sqlite_with_rowid=False,
)
PUBLISHED = Table(  # what every front end serves alike: the page, and the statements that hand the root on
    "published",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # before the bytes: asked for often, and they are large
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
DAYS = Table("days", METADATA, Column("largest", Date, primary_key=True))
