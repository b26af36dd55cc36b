"""Why: money that somebody gives a product once, beside fees, is placed in its fund, and told as what it is.

Revision: 0033, after 0032, 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "fund_contribution",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("match_id", _WHOLE, nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["match_id"], ["payment_match.id"], name=op.f("fk_fund_contribution_match_id_payment_match")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund_contribution")),
        sa.UniqueConstraint("match_id", name=op.f("uq_fund_contribution_match_id")),
    )
    bind = op.get_bind()
    table = sa.Table("fund_contribution", sa.MetaData(), autoload_with=bind, resolve_fks=False)
    for statement in append_only.statements(table, bind.dialect.name):
        op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: whose fund got a contribution would be lost."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
