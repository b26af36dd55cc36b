"""Statements compiled once for each process: SQLAlchemy keeps them by engine, and a test has several of its own.

The real program has one engine and compiles each statement once, too; only in tests would it be every time anew.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.util import LRUCache, immutabledict

_ENOUGH = 3_000  # statements; far more than the product has


def share() -> None:
    """Let all engines of this process share what was compiled for the same kind and version of database."""
    Engine._execution_options = immutabledict({"compiled_cache": LRUCache(_ENOUGH)})
    for dialect in (PGDialect_psycopg, SQLiteDialect_pysqlite):
        kind: Any = dialect
        kind.__eq__, kind.__hash__ = _is_same, _hash


def _is_same(one: Dialect, other: object) -> bool:
    return one is other or (type(one) is type(other) and _version(one) == _version(other))


def _hash(dialect: Dialect) -> int:
    return hash(type(dialect))


def _version(dialect: Any) -> Any:
    return dialect.server_version_info
