"""Why: a signed agreement is sealed into one file that never changes, by a certificate that stays known.

A seal that failed leaves the reason, and is tried again.

Revision: 0011, after 0010, 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=False)


def _id() -> sa.Column[int]:
    return sa.Column("id", _WHOLE, autoincrement=False, nullable=False)


def _of_offer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f(f"fk_{table}_offer_id_offer"))


def upgrade() -> None:
    op.create_table(
        "sealed_document",
        _id(),
        _whole("offer_id"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _text("sha256"),
        _text("unsealed_sha256"),
        _whole("unsealed_length"),
        _text("signature_sha256"),
        _text("file_id"),
        _text("evidence"),
        _text("level"),
        _text("certificate_sha256"),
        sa.Column("sealed_at", _INSTANT, nullable=False),
        _of_offer("sealed_document"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_document")),
        sa.UniqueConstraint("offer_id", name=op.f("uq_sealed_document_offer_id")),
        sa.UniqueConstraint("sha256", name=op.f("uq_sealed_document_sha256")),
    )
    for column in ("unsealed_sha256", "signature_sha256", "file_id"):
        op.create_index(op.f(f"ix_sealed_document_{column}"), "sealed_document", [column])
    op.create_table(
        "sealing_failure",
        _id(),
        _whole("offer_id"),
        sa.Column("at", _INSTANT, nullable=False),
        _text("reason"),
        _of_offer("sealing_failure"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealing_failure")),
    )
    op.create_index(op.f("ix_sealing_failure_offer_id"), "sealing_failure", ["offer_id"])
    op.create_table(
        "signing_certificate",
        _id(),
        _text("sha256"),
        _text("subject"),
        sa.Column("not_before", _INSTANT, nullable=False),
        sa.Column("not_after", _INSTANT, nullable=False),
        _text("chain"),
        _text("taken_by"),
        sa.Column("taken_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_certificate")),
    )
    op.create_index(op.f("ix_signing_certificate_sha256"), "signing_certificate", ["sha256"])
    _guard("sealed_document", "sealing_failure", "signing_certificate")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: what was sealed rests on it."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
