"""Why: documents are handed over by the service, and every try and every receipt of it is kept.

Revision: 0018, after 0017, 2026-11-28
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=False)


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, _WHOLE, autoincrement=False, nullable=False)


def _at(name: str) -> sa.Column[datetime]:
    return sa.Column(name, _INSTANT, nullable=False)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    op.create_table(
        "delivery",
        _id(), _whole("invoice_id"), _whole("position"), _text("channel"), _text("address"), _whole("rendering_id"),
        _text("sha256"), _text("file_name"), _text("message_id"),
        sa.Column("again_of", _WHOLE, nullable=True),
        _at("made_at"), _text("made_by"),
        _to("delivery", "invoice_id", "invoice"),
        _to("delivery", "rendering_id", "rendering"),
        _to("delivery", "again_of", "delivery"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("invoice_id", "position", name=op.f("uq_delivery_invoice_id_position")),
        sa.UniqueConstraint("message_id", name=op.f("uq_delivery_message_id")),
    )  # fmt: skip
    op.create_table(
        "delivery_attempt",
        _id(), _whole("delivery_id"), _text("outcome"), _text("reason_da"), _text("reason_en"), _at("at"),
        _to("delivery_attempt", "delivery_id", "delivery"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
    )  # fmt: skip
    op.create_index(op.f("ix_delivery_attempt_delivery_id"), "delivery_attempt", ["delivery_id"])
    op.create_table(
        "delivery_receipt",
        _id(), _whole("delivery_id"), _text("outcome"), _text("told"), _text("raw"), _at("at"),
        _to("delivery_receipt", "delivery_id", "delivery"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_receipt")),
        sa.UniqueConstraint(
            "delivery_id", "outcome", "told", name=op.f("uq_delivery_receipt_delivery_id_outcome_told")
        ),
    )  # fmt: skip
    op.create_table(
        "delivery_claim",
        _id("delivery_id"), _at("until"),
        _to("delivery_claim", "delivery_id", "delivery"),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_delivery_claim")),
    )  # fmt: skip
    _guard("delivery", "delivery_attempt", "delivery_receipt")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: documents were handed over."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
