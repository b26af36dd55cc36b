"""Why: who uses a product may offer to show it, people are reminded of promises if they want, old journeys are let go.

Revision: 0029, after 0028, 2026-11-29
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=nullable)


def _at(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _day(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    op.create_table(
        "product_showing",
        _whole("id"), _whole("product_id"), _whole("authority_id", nullable=True),
        *map(_text, ("supplier", "shows", "contact")), _day("from_on", nullable=False), _day("until_on"),
        _text("offered_by"), _at("offered_at"),
        _to("product_showing", "product_id", "product"), _to("product_showing", "authority_id", "authority"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_showing")),
    )  # fmt: skip
    for column in ("product_id", "authority_id"):
        op.create_index(op.f(f"ix_product_showing_{column}"), "product_showing", [column])
    op.create_table(
        "product_showing_end",
        sa.Column("showing_id", _WHOLE, autoincrement=False, nullable=False), _text("ended_by"), _at("ended_at"),
        _to("product_showing_end", "showing_id", "product_showing"),
        sa.PrimaryKeyConstraint("showing_id", name=op.f("pk_product_showing_end")),
    )  # fmt: skip
    op.create_table(
        "road_reminding",
        sa.Column("user_id", _WHOLE, autoincrement=False, nullable=False), _at("wanted_at"),
        _at("ended_at", nullable=True), sa.PrimaryKeyConstraint("user_id", name=op.f("pk_road_reminding")),
    )  # fmt: skip
    for name in ("asked_on", "confirmed_on", "emptied_on"):
        op.add_column("journey", _day(name))
    op.add_column("inquiry", _day("emptied_on"))


def downgrade() -> None:
    """There is no way back: offers to show would be lost."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
