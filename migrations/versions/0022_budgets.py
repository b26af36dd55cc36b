"""Why: what a fund earned and spent is held against what two people adopted for it, version by version.

Revision: 0022, after 0021, 2026-11-28
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, may_lack: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=may_lack)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, _WHOLE, nullable=False)


def _id() -> sa.Column[int]:
    return sa.Column("id", _WHOLE, autoincrement=False, nullable=False)


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _points(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def _once(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def upgrade() -> None:
    drafted_at: sa.Column[Any] = sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False)
    adopted_on: sa.Column[Any] = sa.Column("adopted_on", sa.Date(), nullable=False)
    op.create_table(
        "budget_version",
        _id(), _text("product", may_lack=True), _whole("year"), _whole("version"), _text("basis"), _text("drafted_by"),
        drafted_at,
        _key("budget_version"), _once("budget_version", "product", "year", "version"),
    )  # fmt: skip
    op.create_index(op.f("ix_budget_version_year"), "budget_version", ["year"])
    op.create_table(
        "budget_line",
        _id(), _whole("version_id"), _text("account"), _whole("month"), _whole("amount_ore"),
        _key("budget_line"), _points("budget_line", "version_id", "budget_version"),
        _once("budget_line", "version_id", "account", "month"),
    )  # fmt: skip
    op.create_table(
        "budget_adoption",
        _id(), _whole("version_id"), adopted_on, _whole("proposal_id"),
        _key("budget_adoption"), _points("budget_adoption", "version_id", "budget_version"),
        _points("budget_adoption", "proposal_id", "proposal"), _once("budget_adoption", "version_id"),
        _once("budget_adoption", "proposal_id"),
    )  # fmt: skip
    first_on: sa.Column[Any] = sa.Column("first_on", sa.Date(), nullable=False)
    last_on: sa.Column[Any] = sa.Column("last_on", sa.Date(), nullable=False)
    written_at: sa.Column[Any] = sa.Column("written_at", sa.DateTime(timezone=True), nullable=False)
    op.create_table(
        "deviation_remark",
        _id(), _text("product", may_lack=True), first_on, last_on, _text("account"), _text("text"), _text("written_by"),
        written_at,
        _key("deviation_remark"),
    )  # fmt: skip
    op.create_index(op.f("ix_deviation_remark_product"), "deviation_remark", ["product"])
    _guard("budget_version", "budget_line", "budget_adoption", "deviation_remark")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: budgets are adopted."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
