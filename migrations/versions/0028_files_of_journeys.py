"""Why: the tasks and trials of a journey carry files, which may be withdrawn, and are let go with the journey's notes.

Revision: 0028, after 0027, 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "journey_file",
        sa.Column("id", _WHOLE, nullable=False), sa.Column("journey_id", _WHOLE, nullable=False),
        *map(_text, ("about", "name", "media_type")), sa.Column("size", _WHOLE, nullable=False), _text("sha256"),
        sa.Column("content", sa.LargeBinary(), nullable=True), _text("added_by"),
        sa.Column("added_at", _INSTANT, nullable=False), _text("withdrawn_by", nullable=True),
        sa.Column("withdrawn_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["journey_id"], ["journey.id"], name=op.f("fk_journey_file_journey_id_journey")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey_file")),
    )  # fmt: skip
    op.create_index(op.f("ix_journey_file_journey_id"), "journey_file", ["journey_id"])


def downgrade() -> None:
    """There is no way back: files would be lost."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
