"""Why: an agreement that came by file names no contact, so copies by mail need an address in the billing details.

Revision: 0034, after 0033, 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_TABLES = ("agreement", "membership")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("contact_mail", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "contact_mail")
