"""Why: the bank tells who has paid, and every transaction is kept as it came.

Revision: 0013, after 0012, 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0013"
down_revision = "0012"
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
        "bank_file",
        _id(), _text("name"), _text("sha256"), _text("format"), _text("taken_by"),
        sa.Column("taken_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_bank_file_sha256")),
    )  # fmt: skip
    op.create_table(
        "bank_statement",
        _id(), _whole("file_id"), _text("account"), _text("bank_id"),
        sa.Column("opening_on", sa.Date(), nullable=True),
        _whole("opening_ore"),
        sa.Column("closing_on", sa.Date(), nullable=False),
        _whole("closing_ore"),
        _to("bank_statement", "file_id", "bank_file"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statement")),
    )  # fmt: skip
    for column in ("file_id", "account"):
        op.create_index(op.f(f"ix_bank_statement_{column}"), "bank_statement", [column])
    op.create_table(
        "bank_transaction",
        _id(), _whole("statement_id"), _whole("position"), _text("account"),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=True),
        _whole("amount_ore"),
        *(_text(name) for name in ("fik_id", "creditor_reference", "message", "payer", "payer_account",
                                   "bank_reference", "end_to_end_id", "raw", "fingerprint")),
        _whole("twin"),
        _to("bank_transaction", "statement_id", "bank_statement"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_transaction")),
        sa.UniqueConstraint(
            "account", "fingerprint", "twin", name=op.f("uq_bank_transaction_account_fingerprint_twin")
        ),
    )  # fmt: skip
    for column in ("statement_id", "booked_on"):
        op.create_index(op.f(f"ix_bank_transaction_{column}"), "bank_transaction", [column])
    _guard("bank_file", "bank_statement", "bank_transaction")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: payments rest on it."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
