"""Why: the list of authorities is read in the order of the Danish alphabet, a page at a time; an index has that order.

SQLite only: it folds every name for it, and uses the index where a query orders by exactly this expression, as
`foundation.sorting.Alphabetical` writes it. PostgreSQL compares names quickly enough by its own collation.
So the index is no part of the models; whoever alters `authority` on SQLite by copying it makes the index again.

Revision: 0008, after 0007, 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FOLDED = "replace(replace(replace(replace(replace(lower(name), 'Æ', 'æ'), 'Ø', 'ø'), 'Å', 'ɏ'), 'å', 'ɏ'), 'aa', 'ɏ')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(op.f("ix_authority_alphabet"), "authority", [sa.text(_FOLDED), "id"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index(op.f("ix_authority_alphabet"), "authority")
