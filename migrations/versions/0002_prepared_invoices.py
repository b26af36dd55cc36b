"""Why: an approved plan holds what its invoices will say and book, so that issuing only numbers it.

A plan that was approved before this revision and is not issued yet has to be approved again.

Revision: 0002, after 0001, 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "prepared_invoice",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("approved_invoice_id", _WHOLE, nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approved_invoice_id"], ["approved_invoice.id"],
            name=op.f("fk_prepared_invoice_approved_invoice_id_approved_invoice"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prepared_invoice")),
        sa.UniqueConstraint("approved_invoice_id", name=op.f("uq_prepared_invoice_approved_invoice_id")),
    )  # fmt: skip
    bind = op.get_bind()
    table = sa.Table("prepared_invoice", sa.MetaData(), autoload_with=bind, resolve_fks=False)
    for statement in append_only.statements(table, bind.dialect.name):
        op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: what was approved and issued rests on it."""
    raise RuntimeError("the second revision cannot be undone; restore a backup from before it instead")
