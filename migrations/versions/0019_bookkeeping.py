"""Why: a period whose books are handed over is closed, and our accounts are those of the public chart.

Revision: 0019, after 0018, 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from billing import closed_periods
from foundation import append_only

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=False)


def _id() -> sa.Column[int]:
    return sa.Column("id", _WHOLE, autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "account_mapping",
        _id(), _text("text"), _text("digest"), _text("adopted_by"),
        sa.Column("adopted_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_mapping")),
    )  # fmt: skip
    op.create_table(
        "closed_period",
        _id(),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        _whole("postings"), _text("digest"), _text("accounts"), _whole("head_position"), _text("head_hash"),
        _text("prepared_by"), _text("closed_by"),
        sa.Column("closed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closed_period")),
        sa.UniqueConstraint("first_on", name=op.f("uq_closed_period_first_on")),
        sa.UniqueConstraint("last_on", name=op.f("uq_closed_period_last_on")),
    )  # fmt: skip
    op.create_index(op.f("ix_ledger_entry_posted_on"), "ledger_entry", ["posted_on"])
    _guard("account_mapping", "closed_period")
    for statement in closed_periods.guards(op.get_bind().dialect.name):
        op.execute(sa.text(statement.replace(":", "\\:")))


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: periods are closed."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
