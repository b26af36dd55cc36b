"""Why: an implementation is planned at once or in stages, each with its days, and its risks are written down.

Revision: 0031, after 0030, 2026-11-29
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=nullable)


def _at(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    op.add_column("journey_entry", _whole("stage", nullable=True))
    _of_a_journey("journey_plan", _text("manner"))
    _of_a_journey(
        "journey_stage",
        _whole("number"), _whole("version"), _text("title"),
        sa.Column("starts_on", sa.Date(), nullable=True), sa.Column("due_on", sa.Date(), nullable=True),
        _once("journey_stage"),
    )  # fmt: skip
    _of_a_journey(
        "journey_risk",
        _whole("number"), _whole("version"),
        *map(_text, ("words", "likelihood", "consequence", "measure", "owner")), _once("journey_risk"),
    )  # fmt: skip


def _once(table: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(
        "journey_id", "number", "version", name=op.f(f"uq_{table}_journey_id_number_version")
    )  # fmt: skip


def _of_a_journey(table: str, *more: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        _whole("id"), _whole("journey_id"), *more, _text("written_by"), _at("written_at"),
        sa.ForeignKeyConstraint(["journey_id"], ["journey.id"], name=op.f(f"fk_{table}_journey_id_journey")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )  # fmt: skip
    op.create_index(op.f(f"ix_{table}_journey_id"), table, ["journey_id"])


def downgrade() -> None:
    """There is no way back: plans and risks would be lost."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
