"""Why: who does not pay is reminded, by numbered papers that are kept; disputes and promises hold a reminder back.

Revision: 0017, after 0016, 2026-11-28
"""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _WHOLE, nullable=False) for name in names]


def _day(*names: str) -> list[sa.Column[date]]:
    return [sa.Column(name, sa.Date(), nullable=False) for name in names]


def _at(name: str) -> sa.Column[datetime]:
    return sa.Column(name, _INSTANT, nullable=False)


def _id() -> sa.Column[int]:
    return sa.Column("id", _WHOLE, autoincrement=False, nullable=False)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _once(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def upgrade() -> None:
    op.create_table(
        "interest_rate",
        _id(), *_day("valid_from"), *_whole("hundredths"), *_text("source"), *_whole("proposal_id"),
        _to("interest_rate", "proposal_id", "proposal"), _key("interest_rate"),
    )  # fmt: skip
    op.create_table(
        "invoice_hold",
        _id(), *_whole("invoice_id"), *_text("kind"), *_day("begins_on"),
        sa.Column("until", sa.Date(), nullable=True),
        *_text("reason", "entered_by"), _at("entered_at"),
        _to("invoice_hold", "invoice_id", "invoice"), _key("invoice_hold"),
    )  # fmt: skip
    op.create_table(
        "invoice_hold_end",
        _id(), *_whole("hold_id"), *_day("ended_on"), *_text("reason", "ended_by"), _at("ended_at"),
        _to("invoice_hold_end", "hold_id", "invoice_hold"), _key("invoice_hold_end"),
        _once("invoice_hold_end", "hold_id"),
    )  # fmt: skip
    op.create_table(
        "reminder",
        _id(), *_text("series"), *_whole("sequence"), *_text("number"), *_whole("invoice_id", "level", "authority_id"),
        *_day("issued_on", "due_on"),
        *_whole("outstanding_ore", "fee_ore", "compensation_ore", "interest_ore"), *_text("interest"),
        *_whole("to_pay_ore", "proposal_id"), *_text("document", "document_sha256"), _at("issued_at"),
        *_text("issued_by"),
        _to("reminder", "invoice_id", "invoice"), _to("reminder", "authority_id", "authority"),
        _to("reminder", "proposal_id", "proposal"), _key("reminder"),
        _once("reminder", "series", "sequence"), _once("reminder", "number"), _once("reminder", "invoice_id", "level"),
    )  # fmt: skip
    op.create_table(
        "reminder_rendering",
        _id(), *_whole("reminder_id"), *_text("format", "sha256"),
        sa.Column("content", sa.LargeBinary(), nullable=False), _at("rendered_at"),
        _to("reminder_rendering", "reminder_id", "reminder"), _key("reminder_rendering"),
        _once("reminder_rendering", "reminder_id", "format"),
    )  # fmt: skip
    op.create_table(
        "reminder_verdict",
        _id(), *_whole("rendering_id"), *_text("pack", "pack_version", "pack_sha256", "outcome", "failures"),
        _at("judged_at"),
        _to("reminder_verdict", "rendering_id", "reminder_rendering"), _key("reminder_verdict"),
        _once("reminder_verdict", "rendering_id", "pack_sha256"),
    )  # fmt: skip
    op.create_table(
        "reminder_message",
        _id(), *_whole("reminder_id"), *_text("kind"), _at("created_at"),
        _to("reminder_message", "reminder_id", "reminder"), _key("reminder_message"),
        _once("reminder_message", "reminder_id", "kind"),
    )  # fmt: skip
    for table, column in (
        ("interest_rate", "valid_from"),
        ("invoice_hold", "invoice_id"),
        ("reminder", "authority_id"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    _guard("interest_rate", "invoice_hold", "invoice_hold_end", "reminder", "reminder_rendering", "reminder_verdict",
           "reminder_message")  # fmt: skip


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: reminders were issued."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
