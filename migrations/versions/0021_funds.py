"""Why: what each product has is read from the one ledger: costs, hours, moves between funds, and balances kept.

Revision: 0021, after 0020, 2026-11-28
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id() -> sa.Column[int]:
    return sa.Column("id", _WHOLE, autoincrement=False, nullable=False)


def _text(name: str, *, may_lack: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=may_lack)


def _whole(name: str, *, may_lack: bool = False) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=may_lack)


def _day(name: str, *, may_lack: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Date(), nullable=may_lack)


def _instant(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "fund_balance",
        _id(),
        _day("last_on"),
        _text("product", may_lack=True),
        _whole("amount_ore"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund_balance")),
        sa.UniqueConstraint("last_on", "product", name=op.f("uq_fund_balance_last_on_product")),
    )  # fmt: skip
    op.create_table(
        "cost_file",
        _id(),
        _text("sha256"),
        _text("name"),
        _text("media_type"),
        _bytes("content"),
        _text("kept_by"),
        _instant("kept_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_cost_file_sha256")),
    )  # fmt: skip
    op.create_table(
        "hour_rate",
        _id(),
        _day("from_on"),
        _whole("amount_ore"),
        _whole("proposal_id"),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_hour_rate_proposal_id_proposal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hour_rate")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_hour_rate_proposal_id")),
    )  # fmt: skip
    op.create_table(
        "recurring_cost",
        _id(),
        _text("product", may_lack=True),
        _text("account"),
        _text("supplier"),
        _text("text"),
        _whole("amount_ore"),
        _whole("months"),
        _day("first_on"),
        _day("last_on"),
        _whole("proposal_id"),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_recurring_cost_proposal_id_proposal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recurring_cost")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_recurring_cost_proposal_id")),
    )  # fmt: skip
    op.create_table(
        "cost",
        _id(),
        _text("product", may_lack=True),
        _text("account"),
        _text("supplier"),
        _text("reference"),
        _day("incurred_on"),
        _text("text"),
        _whole("amount_ore"),
        _whole("minutes", may_lack=True),
        _whole("rate_id", may_lack=True),
        _day("from_on", may_lack=True),
        _day("to_on", may_lack=True),
        _whole("file_id", may_lack=True),
        _whole("reverses", may_lack=True),
        _whole("recurring_id", may_lack=True),
        _whole("proposal_id", may_lack=True),
        _text("entered_by"),
        _instant("entered_at"),
        sa.ForeignKeyConstraint(["file_id"], ["cost_file.id"], name=op.f("fk_cost_file_id_cost_file")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_cost_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["rate_id"], ["hour_rate.id"], name=op.f("fk_cost_rate_id_hour_rate")),
        sa.ForeignKeyConstraint(
            ["recurring_id"], ["recurring_cost.id"], name=op.f("fk_cost_recurring_id_recurring_cost")
        ),
        sa.ForeignKeyConstraint(["reverses"], ["cost.id"], name=op.f("fk_cost_reverses_cost")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost")),
        sa.UniqueConstraint("recurring_id", "incurred_on", name=op.f("uq_cost_recurring_id_incurred_on")),
    )  # fmt: skip
    op.create_index(op.f("ix_cost_incurred_on"), "cost", ["incurred_on"])
    op.create_index(op.f("ix_cost_product"), "cost", ["product"])
    op.create_index(op.f("ix_cost_proposal_id"), "cost", ["proposal_id"])
    op.create_index(op.f("ix_cost_reference"), "cost", ["reference"])
    op.create_index(op.f("ix_cost_reverses"), "cost", ["reverses"])
    op.create_table(
        "cost_payment",
        _id(),
        _whole("cost_id"),
        _whole("match_id"),
        sa.ForeignKeyConstraint(["cost_id"], ["cost.id"], name=op.f("fk_cost_payment_cost_id_cost")),
        sa.ForeignKeyConstraint(
            ["match_id"], ["payment_match.id"], name=op.f("fk_cost_payment_match_id_payment_match")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_payment")),
        sa.UniqueConstraint("match_id", name=op.f("uq_cost_payment_match_id")),
    )  # fmt: skip
    op.create_index(op.f("ix_cost_payment_cost_id"), "cost_payment", ["cost_id"])
    op.create_table(
        "fund_move",
        _id(),
        _text("kind"),
        _text("from_product", may_lack=True),
        _text("to_product", may_lack=True),
        _whole("amount_ore"),
        _day("moved_on"),
        _text("reason"),
        _whole("proposal_id"),
        _whole("voucher_id"),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_fund_move_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name=op.f("fk_fund_move_voucher_id_voucher")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund_move")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_fund_move_proposal_id")),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_fund_move_voucher_id")),
    )  # fmt: skip
    _guard("fund_balance", "cost_file", "hour_rate", "recurring_cost", "cost", "cost_payment", "fund_move")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: costs are booked."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
