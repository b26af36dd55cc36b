"""Why: the text of an agreement is adopted by two people and then frozen, so that what was offered can be shown again.

Revision: 0009, after 0008, 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agreement_template",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", _WHOLE, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("adopted_on", sa.Date(), nullable=False),
        sa.Column("adopted_by", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_template")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_agreement_template_name_version")),
    )
    bind = op.get_bind()
    table = sa.Table("agreement_template", sa.MetaData(), autoload_with=bind, resolve_fks=False)
    for statement in append_only.statements(table, bind.dialect.name):
        op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: agreements rest on what was adopted."""
    raise RuntimeError("the ninth revision cannot be undone; restore a backup from before it instead")
