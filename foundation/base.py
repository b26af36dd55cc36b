"""The common ground of every table: naming, types, and the mark of those that are append-only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.types import TypeDecorator

# A naming convention from the first revision, or SQLite cannot alter constraints later.
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

#: Give as `__table_args__` (or inside it) to a model whose rows nobody may change; see `append_only`.
APPEND_ONLY: Mapping[str, Any] = {"info": {"append_only": True}}


def refuse_zoneless(instant: datetime | None) -> None:
    """Refuse an instant that does not say in which zone it is meant. Raises ValueError."""
    if instant is not None and instant.tzinfo is None:
        raise ValueError("an instant needs its zone")


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, also on databases that forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What a value is in Python."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse an instant without a zone; store UTC."""
        refuse_zoneless(value)
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite makes a key of its own only for INTEGER; amounts and keys elsewhere need 64 bits.
Whole = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """The registry of all models. Plain SQLAlchemy: `app/database.py` hands its metadata to Flask-SQLAlchemy."""

    registry = registry(
        metadata=MetaData(naming_convention=_NAMES),
        type_annotation_map={int: Whole, str: Text(), datetime: Instant()},
    )
