"""Why: who is on the way to a product asks, and the secretariat or the product's coordinator answers, in one thread.

Revision: 0027, after 0026, 2026-11-28
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=nullable)


def _at(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    op.create_table(
        "inquiry",
        _whole("id"), _whole("authority_id"), _whole("product_id", nullable=True), _text("topic"), _text("subject"),
        _text("asked_by"), _whole("asker_id", nullable=True), _at("asked_at"),
        _to("inquiry", "authority_id", "authority"), _to("inquiry", "product_id", "product"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiry")),
    )  # fmt: skip
    for column in ("authority_id", "product_id"):
        op.create_index(op.f(f"ix_inquiry_{column}"), "inquiry", [column])
    _of_a_thread("inquiry_message", *map(_text, ("kind", "words", "written_by")), _at("written_at"))
    _of_a_thread(
        "inquiry_assignment",
        _text("assigned_to"), sa.Column("due_on", sa.Date(), nullable=True), _text("assigned_by"), _at("assigned_at"),
    )  # fmt: skip
    op.create_table(
        "common_answer",
        _whole("id"), *map(_text, ("topic", "title", "words", "written_by")), _at("written_at"),
        _at("retired_at", nullable=True), sa.PrimaryKeyConstraint("id", name=op.f("pk_common_answer")),
    )  # fmt: skip


def _of_a_thread(table: str, *more: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        _whole("id"), _whole("inquiry_id"), *more,
        _to(table, "inquiry_id", "inquiry"), sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )  # fmt: skip
    op.create_index(op.f(f"ix_{table}_inquiry_id"), table, ["inquiry_id"])


def downgrade() -> None:
    """There is no way back: questions would be lost."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
