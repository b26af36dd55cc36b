"""Why: a product's public page says who coordinates it, and who uses it where that is decided.

Revision: 0025, after 0024, 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("product", sa.Column("coordinator", sa.Text(), nullable=True))
    op.add_column("product", sa.Column("users_shown", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("product", "users_shown")
    op.drop_column("product", "coordinator")
