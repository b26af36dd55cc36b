"""Why: who may join is followed, and forecasts stay as they were made, to be held against what came.

Revision: 0024, after 0023, 2026-11-28
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from foundation import append_only

revision = "0024"
down_revision = "0023"
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
        "pipeline_case",
        _id(), _whole("authority_id"), _text("product"), _whole("version"), _day("expected_from"), _text("stage"),
        _whole("percent", may_lack=True), _text("reason"), _text("source"), _text("outcome"), _text("written_by"),
        _at("written_at"),
        _key("pipeline_case"), _points("pipeline_case", "authority_id", "authority"),
        _once("pipeline_case", "authority_id", "product", "version"),
    )  # fmt: skip
    op.create_table(
        "stage_chance",
        _id(), _text("stage"), _whole("percent"), _text("reason"), _text("set_by"), _at("set_at"),
        _key("stage_chance"),
    )  # fmt: skip
    op.create_table(
        "kept_forecast",
        _id(), _text("product"), _whole("year"), _day("made_on"), _text("document"), _text("digest"),
        _text("kept_by"), _at("kept_at"),
        _key("kept_forecast"),
    )  # fmt: skip
    _guard("pipeline_case", "stage_chance", "kept_forecast")


def _guard(*names: str) -> None:
    """Let the database refuse changes of these tables."""
    bind = op.get_bind()
    for name in names:
        table = sa.Table(name, sa.MetaData(), autoload_with=bind, resolve_fks=False)
        for statement in append_only.statements(table, bind.dialect.name):
            op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    """There is no way back: forecasts are kept."""
    raise RuntimeError("this revision cannot be undone; restore a backup from before it instead")
