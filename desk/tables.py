# SPDX-License-Identifier: AGPL-3.0-or-later
"""The vault's tables. Truth: events, texts, letters, kept, reviewers, secrets, settings. The rest is made from it.

A text, a letter or a kept envelope can be erased while the event that names its digest stays.
Tables with a random key have no rowid, so that the order of rows tells nothing about the order of arrival.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table

VAULT_VERSION = 4  # PRAGMA user_version; a program refuses a newer one

truth = MetaData()
made = MetaData()

events = Table(
    "events",
    truth,
    Column("reviewer", String, primary_key=True),  # fingerprint
    Column("number", Integer, primary_key=True),  # 1, 2, 3 ... in this reviewer's chain
    Column("digest", String, nullable=False, unique=True),
    Column("body", String, nullable=False),  # canonical JSON, as signed
    Column("signature", String, nullable=False),
    sqlite_with_rowid=False,
)
texts = Table(
    "texts",
    truth,
    Column("id", String, primary_key=True),  # digest of salt || text
    Column("salt", LargeBinary, nullable=False),
    Column("text", String, nullable=False),
    sqlite_with_rowid=False,
)
letters = Table(
    "letters",
    truth,
    Column("report", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # the whole letter, to custodian and counsel
)
kept = Table(
    "kept",
    truth,
    Column("envelope", String, primary_key=True),  # digest
    Column("bytes", LargeBinary, nullable=False),  # as it came
    Column("sealed", LargeBinary),  # what it held, if it opened, to custodian and counsel
)
reviewers = Table(
    "reviewers",
    truth,
    Column("fingerprint", String, primary_key=True),
    Column("public", String, nullable=False),
    Column("name", String, nullable=False),
)
secrets = Table(
    "secrets",
    truth,
    Column("fingerprint", String, primary_key=True),
    Column("seed", LargeBinary, nullable=False),
)
settings = Table(
    "settings",
    truth,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

reports = Table(
    "reports",
    made,
    Column("report", String, primary_key=True),
    Column("envelope", String, nullable=False),
    Column("letter", String, nullable=False),  # digest of the plaintext, which holds random keys
    Column("sealed", String, nullable=False),  # digest
    Column("facts", String, nullable=False),  # id of a text
    Column("day", String, nullable=False),  # on which it was filed
    sqlite_with_rowid=False,
)
envelopes = Table(
    "envelopes",
    made,
    Column("envelope", String, primary_key=True),
    Column("outcome", String, nullable=False),  # filed, repeated, set_aside
    Column("report", String),
    Column("fault", String),
    Column("sealed", String),
    Column("day", String, nullable=False),  # since when it is so
    sqlite_with_rowid=False,
)
bundles = Table(
    "bundles",
    made,
    Column("manifest", String, primary_key=True),
    Column("portal", String, nullable=False),
    Column("pull", Integer, nullable=False),
    Column("missing_from", Integer),
    Column("pulled", String, nullable=False),  # the day on which the portal made it
    Column("envelopes", Integer, nullable=False),
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)
codings = Table(
    "codings",
    made,
    Column("report", String, primary_key=True),
    Column("code", String, primary_key=True),
    Column("reviewer", String, primary_key=True),
    sqlite_with_rowid=False,
)
statuses = Table(
    "statuses",
    made,
    Column("report", String, primary_key=True),
    Column("reviewer", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)
summaries = Table(
    "summaries",
    made,
    Column("report", String, primary_key=True),
    Column("reviewer", String, primary_key=True),
    Column("text", String, nullable=False),
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)
notes = Table(
    "notes",
    made,
    Column("report", String, primary_key=True),
    Column("reviewer", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("text", String, nullable=False),
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)
openings = Table(
    "openings",
    made,
    Column("subject", String, primary_key=True),  # report id or envelope digest
    Column("reviewer", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)
decisions = Table(
    "decisions",
    made,
    Column("decision", String, primary_key=True),  # digest of the event
    Column("topic", String, nullable=False),  # what it is about: desk.decisions.Topic
    Column("subject", String, nullable=False),  # a report's id, a reviewer's fingerprint
    Column("value", String, nullable=False),
    Column("text", String),  # id of a text
    Column("after", String),  # the decisions whose place it takes, separated by spaces
    Column("reviewer", String, nullable=False),
    Column("day", String, nullable=False),
    Index("decisions_of", "subject", "topic"),
    Index("decisions_on", "topic"),
    sqlite_with_rowid=False,
)
junk = Table(
    "junk",
    made,
    Column("envelope", String, primary_key=True),
    Column("reviewer", String, primary_key=True),
    Column("junk", Integer, nullable=False),  # 1, or 0 once it is taken back
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)
seen = Table(
    "seen",
    made,
    Column("report", String, primary_key=True),
    Column("reviewer", String, primary_key=True),
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)
links = Table(
    "links",
    made,
    Column("report", String, primary_key=True),  # each link stands twice, once under each of its reports
    Column("decision", String, primary_key=True),  # digest of the event
    Column("other", String, nullable=False),
    Column("relation", String, nullable=False),  # desk.links.Relation
    Column("state", String, nullable=False),  # on or off
    Column("after", String),
    Column("reviewer", String, nullable=False),
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)
purged = Table(
    "purged",
    made,
    Column("subject", String, primary_key=True),  # report id or envelope digest
    Column("what", String, primary_key=True),  # words, or all
    Column("rule", String, nullable=False),
    Column("reviewer", String, nullable=False),
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)
