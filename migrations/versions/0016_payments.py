"""Why: a payment is told what it was for, and money is given back or given up by two people.

Revision: 0016, after 0015, 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=nullable)


def _day(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=False)


def _id() -> sa.Column[int]:
    return sa.Column("id", _WHOLE, autoincrement=False, nullable=False)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _once(table: str, column: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(column, name=op.f(f"uq_{table}_{column}"))


def _decided(table: str, to: str, *more: sa.Column[int]) -> None:
    """Make a table of what one proposed and another approved."""
    op.create_table(
        table,
        _id(), _whole("proposal_id"), _whole(f"{to}_id"), _whole("amount_ore"), *more, _text("reason"),
        _day("decided_on"), _whole("voucher_id"),
        _to(table, "proposal_id", "proposal"), _to(table, f"{to}_id", to), _to(table, "voucher_id", "voucher"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        _once(table, "proposal_id"), _once(table, "voucher_id"),
    )  # fmt: skip
    op.create_index(op.f(f"ix_{table}_{to}_id"), table, [f"{to}_id"])


def upgrade() -> None:
    _decided("refund", "authority")
    _decided("write_off", "invoice", _whole("vat_ore"))
    name = "payment_match"
    op.create_table(
        name,
        _id(),
        *(_whole(column, nullable=True) for column in ("transaction_id", "authority_id", "invoice_id", "refund_id")),
        _text("account", nullable=True), _whole("amount_ore"), _text("rule"), _text("explanation"),
        _day("matched_on"), _whole("undoes", nullable=True), _whole("voucher_id"), _text("matched_by"),
        sa.Column("matched_at", _INSTANT, nullable=False),
        _to(name, "transaction_id", "bank_transaction"), _to(name, "authority_id", "authority"),
        _to(name, "invoice_id", "invoice"), _to(name, "refund_id", "refund"), _to(name, "undoes", "payment_match"),
        _to(name, "voucher_id", "voucher"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        _once(name, "undoes"), _once(name, "voucher_id"),
    )  # fmt: skip
    for column in ("transaction_id", "authority_id", "invoice_id", "refund_id"):
        op.create_index(op.f(f"ix_{name}_{column}"), name, [column])
    _guard("refund", "write_off", name)


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: payments were booked."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
