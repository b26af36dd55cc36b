"""Why: agreements are offered, signed and countersigned here; every step is a row that stays.

What an offer says, who is to sign it, each step, each right to sign and each file are append-only. An agreement names
the offer it came from; those that were imported have none. SQLite adds that column in place: copying `agreement` would
need every invoice line that refers to it to let go.

Revision: 0010, after 0009, 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_GUARDED = (
    "agreement_file", "right_to_sign", "right_to_sign_end", "offer", "offer_signatory", "agreement_step",
    "recorded_agreement",
)  # fmt: skip


def upgrade() -> None:
    _rights()
    _offers()
    _steps()
    _agreement_of_offer()
    _recorded()
    bind = op.get_bind()
    for name in _GUARDED:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def _id() -> sa.Column[int]:
    return sa.Column("id", _WHOLE, autoincrement=False, nullable=False)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def _rights() -> None:
    op.create_table(
        "agreement_file",
        _id(), _text("sha256"), _text("name"), sa.Column("content", sa.LargeBinary(), nullable=False),
        _text("kept_by"), sa.Column("kept_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_agreement_file_sha256")),
    )  # fmt: skip
    op.create_table(
        "right_to_sign",
        _id(), _whole("authority_id", nullable=True), _text("name"), _text("mail"), _text("title"),
        _whole("user_id", nullable=True), _text("basis"), _whole("file_id", nullable=True), _text("vouched_by"),
        sa.Column("given_at", _INSTANT, nullable=False), sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        _refers("right_to_sign", "authority_id", "authority"), _refers("right_to_sign", "file_id", "agreement_file"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_right_to_sign")),
    )  # fmt: skip
    op.create_index(op.f("ix_right_to_sign_authority_id"), "right_to_sign", ["authority_id"])
    op.create_table(
        "right_to_sign_end",
        _id(), _whole("right_id"), sa.Column("until_on", sa.Date(), nullable=False), _text("ended_by"),
        sa.Column("at", _INSTANT, nullable=False), _refers("right_to_sign_end", "right_id", "right_to_sign"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_right_to_sign_end")),
        sa.UniqueConstraint("right_id", name=op.f("uq_right_to_sign_end_right_id")),
    )  # fmt: skip


def _offers() -> None:
    op.create_table(
        "offer",
        _id(), _text("reference"), _whole("version"), _whole("replaces_id", nullable=True), _whole("authority_id"),
        _whole("product_id", nullable=True), _whole("template_id"), _text("kind"), _text("document"), _text("digest"),
        _whole("signatories_in_order"), _whole("valid_days"), _text("drafted_by"),
        sa.Column("drafted_at", _INSTANT, nullable=False),
        _refers("offer", "replaces_id", "offer"), _refers("offer", "authority_id", "authority"),
        _refers("offer", "product_id", "product"), _refers("offer", "template_id", "agreement_template"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("reference", "version", name=op.f("uq_offer_reference_version")),
    )  # fmt: skip
    for column in ("replaces_id", "authority_id", "product_id", "template_id"):
        op.create_index(op.f(f"ix_offer_{column}"), "offer", [column])
    op.create_table(
        "offer_signatory",
        _id(), _whole("offer_id"), _whole("position"), _text("name"), _text("title"), _text("mail"),
        _whole("right_id", nullable=True),
        _refers("offer_signatory", "offer_id", "offer"), _refers("offer_signatory", "right_id", "right_to_sign"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer_signatory")),
        sa.UniqueConstraint("offer_id", "position", name=op.f("uq_offer_signatory_offer_id_position")),
    )  # fmt: skip


def _steps() -> None:
    op.create_table(
        "agreement_step",
        _id(), _whole("offer_id"), _whole("number"), _text("step"), sa.Column("at", _INSTANT, nullable=False),
        _text("by"), _whole("user_id", nullable=True), _whole("signatory_position", nullable=True), _text("digest"),
        _text("data"), _text("previous_sha256"), _text("sha256"),
        _refers("agreement_step", "offer_id", "offer"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_step")),
        sa.UniqueConstraint("offer_id", "number", name=op.f("uq_agreement_step_offer_id_number")),
    )  # fmt: skip


def _agreement_of_offer() -> None:
    whole = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    named = op.f("fk_agreement_offer_id_offer")
    op.execute(f"ALTER TABLE agreement ADD COLUMN offer_id {whole} CONSTRAINT {named} REFERENCES offer (id)")
    op.create_index(op.f("ix_agreement_offer_id"), "agreement", ["offer_id"])


def _recorded() -> None:
    op.create_table(
        "recorded_agreement",
        _id(), _whole("agreement_id"), _whole("proposal_id"), _whole("file_id"), _text("route"), _text("recorded_by"),
        _text("approved_by"), sa.Column("at", _INSTANT, nullable=False),
        _refers("recorded_agreement", "agreement_id", "agreement"),
        _refers("recorded_agreement", "proposal_id", "proposal"),
        _refers("recorded_agreement", "file_id", "agreement_file"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recorded_agreement")),
        sa.UniqueConstraint("agreement_id", name=op.f("uq_recorded_agreement_agreement_id")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_recorded_agreement_proposal_id")),
    )  # fmt: skip


def downgrade() -> None:
    """There is no way back: agreements were signed."""
    raise RuntimeError("the tenth revision cannot be undone; restore a backup from before it instead")
