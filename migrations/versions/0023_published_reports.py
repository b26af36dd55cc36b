"""Why: a funding report that a group decides on stays as it was published, with what was asked, answered and decided.

Revision: 0023, after 0022, 2026-11-28
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str, *, may_lack: bool = False) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=may_lack)


def _day(name: str, *, may_lack: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Date(), nullable=may_lack)


def _at(name: str) -> sa.Column[Any]:
    return sa.Column(name, _INSTANT, nullable=False)


def _id() -> sa.Column[int]:
    return sa.Column("id", _WHOLE, autoincrement=False, nullable=False)


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _points(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _once(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def upgrade() -> None:
    op.create_table(
        "published_report",
        _id(), _text("fund"), _day("first_on"), _day("last_on"), _whole("version"), _whole("replaces", may_lack=True),
        _text("document"), _text("digest"), _whole("last_entry"), _whole("last_voucher"), _text("prepared_by"),
        _text("published_by"), _at("published_at"),
        _key("published_report"), _points("published_report", "replaces", "published_report"),
        _once("published_report", "fund", "first_on", "last_on", "version"),
    )  # fmt: skip
    op.create_table(
        "report_file",
        _id(), _whole("report_id"), _text("format"), _text("language"), _text("sha256"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _key("report_file"), _points("report_file", "report_id", "published_report"),
        _once("report_file", "report_id", "format", "language"),
    )  # fmt: skip
    op.create_table(
        "report_comment",
        _id(), _text("fund"), _day("first_on"), _day("last_on"), _whole("version"), _text("kind"),
        _whole("answers", may_lack=True), _text("text"), _day("decided_on", may_lack=True), _text("reference"),
        _text("written_by"), _at("written_at"),
        _key("report_comment"), _points("report_comment", "answers", "report_comment"),
    )  # fmt: skip
    op.create_index(op.f("ix_report_comment_fund"), "report_comment", ["fund"])
    op.create_table(
        "report_disclosure",
        _id(), _whole("report_id"), _text("shown"), _whole("proposal_id"), _text("disclosed_by"), _at("disclosed_at"),
        _key("report_disclosure"), _points("report_disclosure", "report_id", "published_report"),
        _points("report_disclosure", "proposal_id", "proposal"), _once("report_disclosure", "proposal_id"),
    )  # fmt: skip
    op.create_index(op.f("ix_report_disclosure_report_id"), "report_disclosure", ["report_id"])
    op.create_table(
        "report_disclosure_end",
        _id(), _whole("disclosure_id"), _text("reason"), _text("ended_by"), _at("ended_at"),
        _key("report_disclosure_end"), _points("report_disclosure_end", "disclosure_id", "report_disclosure"),
        _once("report_disclosure_end", "disclosure_id"),
    )  # fmt: skip
    _guard("published_report", "report_file", "report_comment", "report_disclosure", "report_disclosure_end")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: reports are published."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
