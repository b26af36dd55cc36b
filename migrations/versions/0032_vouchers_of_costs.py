"""Why: a cost that came without its voucher, from a file or a program, is given it later; a cost itself never changes.

Revision: 0032, after 0031, 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "cost_voucher",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("cost_id", _WHOLE, nullable=False),
        sa.Column("file_id", _WHOLE, nullable=False),
        sa.Column("attached_by", sa.Text(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["cost_id"], ["cost.id"], name=op.f("fk_cost_voucher_cost_id_cost")),
        sa.ForeignKeyConstraint(["file_id"], ["cost_file.id"], name=op.f("fk_cost_voucher_file_id_cost_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_voucher")),
        sa.UniqueConstraint("cost_id", name=op.f("uq_cost_voucher_cost_id")),
    )  # fmt: skip
    bind = op.get_bind()
    table = sa.Table("cost_voucher", sa.MetaData(), autoload_with=bind, resolve_fks=False)
    for statement in append_only.statements(table, bind.dialect.name):
        op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: which voucher belongs to which cost would be lost."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
