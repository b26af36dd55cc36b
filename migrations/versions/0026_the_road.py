"""Why: an authority walks the five steps to a connection with us, as a journey of tasks that everybody concerned sees.

Revision: 0026, after 0025, 2026-11-28
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_OPEN = sa.text("ended_on IS NULL")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=False)


def _day(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _at(name: str) -> sa.Column[Any]:
    return sa.Column(name, _INSTANT, nullable=False)


def _to(table: str, column: str, other: str, key: str = "id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.{key}"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    op.create_table(
        "road_guide",
        sa.Column("version", _WHOLE, autoincrement=False, nullable=False),
        _text("text"), _text("digest"), _text("published_by"), _at("published_at"),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_road_guide")),
    )  # fmt: skip
    op.create_table(
        "journey",
        _whole("id"), _whole("authority_id"), _whole("product_id"), _whole("guide_version"),
        _day("opened_on", nullable=False), _text("opened_by"), _day("ended_on"),
        _text("outcome", nullable=True), _text("reason", nullable=True),
        _to("journey", "authority_id", "authority"), _to("journey", "product_id", "product"),
        _to("journey", "guide_version", "road_guide", "version"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey")),
    )  # fmt: skip
    for column in ("authority_id", "product_id"):
        op.create_index(op.f(f"ix_journey_{column}"), "journey", [column])
    op.create_index(
        "uq_journey_one_open", "journey", ["authority_id", "product_id"], unique=True, sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )  # fmt: skip
    _of_a_journey("journey_task", _text("step"), _text("theme"), _text("title"), _text("added_by"), _at("added_at"))
    _of_a_journey(
        "journey_entry",
        _text("task"), _text("status"), _text("owner"), _day("starts_on"), _day("due_on"), _text("note"),
        _text("written_by"), _at("written_at"),
    )  # fmt: skip
    _of_a_journey(
        "journey_trial",
        _whole("number"), _whole("version"),
        *map(_text, ("way", "place", "proves", "result", "seen_by", "verdict", "why", "written_by")),
        _at("written_at"),
        sa.UniqueConstraint(
            "journey_id", "number", "version", name=op.f("uq_journey_trial_journey_id_number_version")
        ),
    )  # fmt: skip


def _of_a_journey(table: str, *more: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        _whole("id"), _whole("journey_id"), *more,
        _to(table, "journey_id", "journey"), sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )  # fmt: skip
    op.create_index(op.f(f"ix_{table}_journey_id"), table, ["journey_id"])


def downgrade() -> None:
    """There is no way back: journeys would be lost."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
