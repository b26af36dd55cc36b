"""Why: what one person proposes another decides, and issuing goes on behind a page that was closed.

Proposals and their decisions are append-only. A run of work is not: its process says every two seconds that it lives.

Revision: 0005, after 0004, 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", _INSTANT, nullable=False),
        sa.Column("replaces", _WHOLE, nullable=True),
        sa.ForeignKeyConstraint(["replaces"], ["proposal.id"], name=op.f("fk_proposal_replaces_proposal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("replaces", name=op.f("uq_proposal_replaces")),
    )
    op.create_table(
        "proposal_decision",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("proposal_id", _WHOLE, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_decision_proposal_id_proposal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_decision")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_proposal_decision_proposal_id")),
    )
    _work_run()
    bind = op.get_bind()
    for name in ("proposal", "proposal_decision"):
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def _work_run() -> None:
    op.create_table(
        "work_run",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("year", _WHOLE, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_run")),
    )
    unended = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_work_run_one_at_a_time", "work_run", ["year", "book"], unique=True, sqlite_where=unended,
        postgresql_where=unended,
    )  # fmt: skip


def downgrade() -> None:
    """There is no way back: decisions were made."""
    raise RuntimeError("the fifth revision cannot be undone; restore a backup from before it instead")
