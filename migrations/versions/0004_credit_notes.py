"""Why: what is invoiced wrongly is taken back by a credit note, line by line, and never more than once.

A credit note is a row of `invoice` in a series of its own; these tables say what it takes back. They stand beside the
old ones, so that what the digests of issued rows cover stays as it is.

Revision: 0004, after 0003, 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "credit_note",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("invoice_id", _WHOLE, nullable=False),
        sa.Column("credited_invoice_id", _WHOLE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("afterwards", sa.Text(), nullable=False),
        sa.Column("prepared_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_credit_note_invoice_id_invoice")),
        sa.ForeignKeyConstraint(
            ["credited_invoice_id"], ["invoice.id"], name=op.f("fk_credit_note_credited_invoice_id_invoice")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note")),
        sa.UniqueConstraint("invoice_id", name=op.f("uq_credit_note_invoice_id")),
    )
    op.create_index(op.f("ix_credit_note_credited_invoice_id"), "credit_note", ["credited_invoice_id"])
    op.create_table(
        "credited_line",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("credit_note_id", _WHOLE, nullable=False),
        sa.Column("line_id", _WHOLE, nullable=False),
        sa.Column("credit_line_id", _WHOLE, nullable=False),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["credit_note.id"], name=op.f("fk_credited_line_credit_note_id_credit_note")
        ),
        sa.ForeignKeyConstraint(["line_id"], ["invoice_line.id"], name=op.f("fk_credited_line_line_id_invoice_line")),
        sa.ForeignKeyConstraint(
            ["credit_line_id"], ["invoice_line.id"], name=op.f("fk_credited_line_credit_line_id_invoice_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credited_line")),
        sa.UniqueConstraint("line_id", name=op.f("uq_credited_line_line_id")),
        sa.UniqueConstraint("credit_line_id", name=op.f("uq_credited_line_credit_line_id")),
    )
    op.create_index(op.f("ix_credited_line_credit_note_id"), "credited_line", ["credit_note_id"])
    bind = op.get_bind()
    for name in ("credit_note", "credited_line"):
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: credit notes were sent."""
    raise RuntimeError("the fourth revision cannot be undone; restore a backup from before it instead")
