# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tables of the first shelf. A shelf from before revisions had names is this one."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "envelopes",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("size_class", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "damaged",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "manifests",
        sa.Column("pull", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("previous", sa.Text),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("line", sa.LargeBinary),
        sa.Column("signature", sa.Text),
    )
    op.create_table(
        "key_lists",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("first", sa.Date, nullable=False),
        sa.Column("last", sa.Date, nullable=False),
    )
    op.create_table(
        "nonces",
        sa.Column("nonce", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table("days", sa.Column("largest", sa.Date, primary_key=True))


def downgrade() -> None:
    """Refuse: before this there is no shelf, and nothing here deletes letters."""
    raise NotImplementedError
