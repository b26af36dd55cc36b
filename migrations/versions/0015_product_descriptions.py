"""Why: what a product is stands in the register, in both languages, and in every agreement that is offered on it.

Revision: 0015, after 0014, 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for language in ("da", "en"):
        op.add_column("product", sa.Column(f"description_{language}", sa.Text(), nullable=True))


def downgrade() -> None:
    """There is no way back: offered agreements say it."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
