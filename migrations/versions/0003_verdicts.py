"""Why: a document may be delivered only after the official rules passed it, and receivers choose their format.

What the rules say of each kept XML is kept with the version and SHA-256 of the pack. Agreements and memberships get
the receiver's format; where none is given it is OIOUBL, which every Danish public receiver takes.

Revision: 0003, after 0002, 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for register in ("agreement", "membership"):
        op.add_column(register, sa.Column("format", sa.Text(), nullable=True))
    op.create_table(
        "verdict",
        sa.Column("id", _WHOLE, autoincrement=False, nullable=False),
        sa.Column("rendering_id", _WHOLE, nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("pack_version", sa.Text(), nullable=False),
        sa.Column("pack_sha256", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("failures", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["rendering_id"], ["rendering.id"], name=op.f("fk_verdict_rendering_id_rendering")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
        sa.UniqueConstraint("rendering_id", "pack_sha256", name=op.f("uq_verdict_rendering_id_pack_sha256")),
    )
    bind = op.get_bind()
    table = sa.Table("verdict", sa.MetaData(), autoload_with=bind, resolve_fks=False)
    for statement in append_only.statements(table, bind.dialect.name):
        op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: what was validated rests on it."""
    raise RuntimeError("the third revision cannot be undone; restore a backup from before it instead")
