"""Why: money comes in, is given back and is spent, and stands in the same ledger as what was invoiced.

Vouchers stand beside the invoices' own entries, so that what the digests of issued rows cover stays as it is.

Revision: 0012, after 0011, 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0012"
down_revision = "0011"
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


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    op.create_table(
        "voucher",
        _id(), _text("book"), _text("kind"), _text("subject"),
        sa.Column("posted_on", sa.Date(), nullable=False),
        _text("text"), _text("booked_by"),
        sa.Column("booked_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher")),
        sa.UniqueConstraint("book", "kind", "subject", name=op.f("uq_voucher_book_kind_subject")),
    )  # fmt: skip
    op.create_index(op.f("ix_voucher_posted_on"), "voucher", ["posted_on"])
    op.create_table(
        "voucher_posting",
        _id(), _whole("voucher_id"), _whole("position"), _text("account"),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("authority_id", _WHOLE, nullable=True),
        sa.Column("invoice_id", _WHOLE, nullable=True),
        _whole("amount_ore"),
        _to("voucher_posting", "voucher_id", "voucher"),
        _to("voucher_posting", "authority_id", "authority"),
        _to("voucher_posting", "invoice_id", "invoice"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher_posting")),
        sa.UniqueConstraint("voucher_id", "position", name=op.f("uq_voucher_posting_voucher_id_position")),
    )  # fmt: skip
    for column in ("account", "authority_id", "invoice_id"):
        op.create_index(op.f(f"ix_voucher_posting_{column}"), "voucher_posting", [column])
    _guard("voucher", "voucher_posting")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: money was booked."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
