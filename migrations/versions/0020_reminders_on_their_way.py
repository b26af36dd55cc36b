"""Why: reminders are handed over as invoices are, and what is paid after it was given up comes back.

Revision: 0020, after 0019, 2026-11-28
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0020"
down_revision = "0019"
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
        "reminder_delivery",
        _id(), _whole("reminder_id"), _whole("position"), _text("channel"), _text("address"), _whole("rendering_id"),
        _text("sha256"), _text("file_name"), _text("message_id"),
        sa.Column("again_of", _WHOLE, nullable=True),
        _at("made_at"), _text("made_by"),
        _to("reminder_delivery", "reminder_id", "reminder"),
        _to("reminder_delivery", "rendering_id", "reminder_rendering"),
        _to("reminder_delivery", "again_of", "reminder_delivery"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_delivery")),
        sa.UniqueConstraint("reminder_id", "position", name=op.f("uq_reminder_delivery_reminder_id_position")),
        sa.UniqueConstraint("message_id", name=op.f("uq_reminder_delivery_message_id")),
    )  # fmt: skip
    op.create_table(
        "reminder_delivery_attempt",
        _id(), _whole("delivery_id"), _text("outcome"), _text("reason_da"), _text("reason_en"), _at("at"),
        _to("reminder_delivery_attempt", "delivery_id", "reminder_delivery"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_delivery_attempt")),
    )  # fmt: skip
    op.create_index(op.f("ix_reminder_delivery_attempt_delivery_id"), "reminder_delivery_attempt", ["delivery_id"])
    op.create_table(
        "reminder_delivery_receipt",
        _id(), _whole("delivery_id"), _text("outcome"), _text("told"), _text("raw"), _at("at"),
        _to("reminder_delivery_receipt", "delivery_id", "reminder_delivery"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_delivery_receipt")),
        sa.UniqueConstraint(
            "delivery_id", "outcome", "told", name=op.f("uq_reminder_delivery_receipt_delivery_id_outcome_told")
        ),
    )  # fmt: skip
    op.create_table(
        "reminder_delivery_claim",
        _id("delivery_id"), _at("until"),
        _to("reminder_delivery_claim", "delivery_id", "reminder_delivery"),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_reminder_delivery_claim")),
    )  # fmt: skip
    op.create_table(
        "write_off_reversal",
        _id(), _whole("write_off_id"), _whole("match_id"), _whole("amount_ore"), _whole("vat_ore"),
        sa.Column("reversed_on", sa.Date(), nullable=False),
        _whole("voucher_id"),
        _to("write_off_reversal", "write_off_id", "write_off"),
        _to("write_off_reversal", "match_id", "payment_match"),
        _to("write_off_reversal", "voucher_id", "voucher"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_off_reversal")),
        sa.UniqueConstraint("write_off_id", "match_id", name=op.f("uq_write_off_reversal_write_off_id_match_id")),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_write_off_reversal_voucher_id")),
    )  # fmt: skip
    op.create_table(
        "charge_waiver",
        _id(), _whole("proposal_id"), _whole("invoice_id"), _whole("amount_ore"), _text("reason"),
        sa.Column("decided_on", sa.Date(), nullable=False),
        _whole("voucher_id"),
        _to("charge_waiver", "proposal_id", "proposal"),
        _to("charge_waiver", "invoice_id", "invoice"),
        _to("charge_waiver", "voucher_id", "voucher"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_waiver")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_charge_waiver_proposal_id")),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_charge_waiver_voucher_id")),
    )  # fmt: skip
    op.create_index(op.f("ix_charge_waiver_invoice_id"), "charge_waiver", ["invoice_id"])
    _guard("write_off_reversal", "charge_waiver")
    _guard("reminder_delivery", "reminder_delivery_attempt", "reminder_delivery_receipt")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: reminders were handed over."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
