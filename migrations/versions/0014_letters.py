"""Why: mails are written with the act they tell of, and every try to send them is kept.

Revision: 0014, after 0013, 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=nullable)


def _id() -> sa.Column[int]:
    return sa.Column("id", _WHOLE, autoincrement=False, nullable=False)


def _at(name: str) -> sa.Column[object]:
    return sa.Column(name, _INSTANT, nullable=False)


def upgrade() -> None:
    op.create_table(
        "letter",
        _id(), _text("kind"), _text("subject"), _text("receiver"), _whole("number"), _text("title"), _text("sender"),
        _text("message_id"), sa.Column("content", sa.LargeBinary(), nullable=False), _text("sha256"),
        _whole("replaces_id", nullable=True), _text("reason"), _text("written_by"), _at("written_at"),
        sa.ForeignKeyConstraint(["replaces_id"], ["letter.id"], name=op.f("fk_letter_replaces_id_letter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
        sa.UniqueConstraint(
            "kind", "subject", "receiver", "number", name=op.f("uq_letter_kind_subject_receiver_number")
        ),
    )  # fmt: skip
    for column in ("subject", "replaces_id"):
        op.create_index(op.f(f"ix_letter_{column}"), "letter", [column])
    op.create_table(
        "letter_attempt",
        _id(), _whole("letter_id"), _at("at"), _text("outcome"), _text("reason"), _text("answer"),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_letter_attempt_letter_id_letter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_attempt")),
    )  # fmt: skip
    op.create_index(op.f("ix_letter_attempt_letter_id"), "letter_attempt", ["letter_id"])
    _guard("letter", "letter_attempt")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: letters were written."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
