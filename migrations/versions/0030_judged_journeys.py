"""Why: a journey counts in the forecast by itself, as likely as its step, as past journeys teach, or as it is judged.

Revision: 0030, after 0029, 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("journey", sa.Column("reached", sa.Text(), nullable=True))
    op.create_table(
        "journey_judgement",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("journey_id", _WHOLE, nullable=False),
        sa.Column("expected_from", sa.Date(), nullable=True),
        sa.Column("percent", _WHOLE, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["journey_id"], ["journey.id"], name=op.f("fk_journey_judgement_journey_id_journey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey_judgement")),
    )  # fmt: skip
    op.create_index(op.f("ix_journey_judgement_journey_id"), "journey_judgement", ["journey_id"])


def downgrade() -> None:
    """There is no way back: what was thought of journeys would be lost."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
