"""Copies of a PostgreSQL database that are used again: making and dropping one takes longer than most tests.

A copy given back is washed: what was written since is deleted past the triggers, what was changed or deleted is put
back, and sequences start where they did. It goes on under another name, so that a process which outlived its test
reaches nothing. One whose structure or settings were touched is dropped instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import make_url

from tests.postgresql_server import SUPERUSER, PostgreSQLServer

_CATALOGUES = (
    "class", "attribute", "attrdef", "index", "constraint", "trigger", "proc", "type", "namespace", "rewrite",
    "sequence", "policy", "enum",
)  # fmt: skip
#: Every catalogue's rows and the youngest of them: whatever changes the structure changes these.
_STRUCTURE = " UNION ALL ".join(
    [f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM pg_{name}" for name in _CATALOGUES]
    + ["SELECT 'settings', count(*), NULL FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase "
       "WHERE d.datname = current_database()"]
)  # fmt: skip
_COLUMNS = """
SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
AND a.attgenerated = '' GROUP BY c.relname ORDER BY c.relname
"""
_SEQUENCES = "SELECT quote_ident(sequencename), start_value, last_value FROM pg_sequences ORDER BY 1"

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class _Content:
    """What the original holds."""

    structure: list[Any]
    columns: dict[str, str]  # of each table, as COPY lists them
    rows: dict[str, int]
    copied: dict[str, bytes]  # as COPY writes them
    sequences: list[Any]


@dataclass
class Copies:
    """The copies of one database, each named once."""

    server: PostgreSQLServer
    original: str
    _spare: list[str] = field(default_factory=list)
    _begun: dict[str, int] = field(default_factory=dict)  # the first transaction that is not of the original, by name
    _count: int = 0

    def __post_init__(self) -> None:
        with self._connected(self.original) as connection:
            self._content = _read(connection)
        self.server.wait_until_left(self.original)

    def take(self) -> str:
        """Give the URL of a copy."""
        if self._spare:
            return self.server.url(self._spare.pop())
        name = self._name()
        url = self.server.create(name, self.original)
        with self._connected("postgres") as connection:  # transactions are numbered for the whole server
            self._begun[name] = _transaction(connection)
        return url

    def give_back(self, url: str) -> None:
        """Take a copy back that nobody needs any more."""
        name = make_url(url).database or ""
        renamed, begun = self._name(), self._begun.pop(name)
        self.server.rename(name, renamed)
        with self._connected(renamed) as connection:
            is_whole = connection.execute(_STRUCTURE).fetchall() == self._content.structure
            if is_whole:
                _wash(connection, self._content, begun)
                self._begun[renamed] = _transaction(connection) + 1
        if is_whole:
            self._spare.append(renamed)
        else:
            self.server.drop(renamed)

    def drop(self) -> None:
        """Drop every copy there is."""
        for name in self._begun:
            self.server.drop(name)
        self._begun, self._spare = {}, []

    def _name(self) -> str:
        self._count += 1
        return f"{self.original}_{self._count}"

    @contextmanager
    def _connected(self, name: str) -> Iterator[Connection]:
        place = str(self.server.folder)
        with psycopg.connect(host=place, user=SUPERUSER, dbname=name, prepare_threshold=None) as connection:
            yield connection


def _transaction(connection: Connection) -> int:
    return int(_one(connection, "SELECT txid_current()"))


def _one(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _read(connection: Connection) -> _Content:
    columns = dict(connection.execute(_COLUMNS).fetchall())
    return _Content(
        structure=connection.execute(_STRUCTURE).fetchall(),
        columns=columns,
        rows={table: int(_one(connection, f"SELECT count(*) FROM {table}")) for table in columns},
        copied={table: _copied(connection, table, names) for table, names in columns.items()},
        sequences=connection.execute(_SEQUENCES).fetchall(),
    )


def _copied(connection: Connection, table: str, columns: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} ({columns}) TO STDOUT") as rows:
        return b"".join(bytes(block) for block in rows)


def _wash(connection: Connection, content: _Content, begun: int) -> None:
    """Bring the rows and sequences back to what they were before that transaction."""
    connection.execute("SET session_replication_role = replica")  # triggers and foreign keys sleep
    is_new = f"xmin::text::bigint >= {begun}"
    counting = " UNION ALL ".join(
        f"SELECT '{table}', count(*) FILTER (WHERE NOT {is_new}), count(*) FROM {table}" for table in content.columns
    )
    for table, old, all_ in connection.execute(counting).fetchall():
        if old != content.rows[table]:
            connection.execute(f"DELETE FROM {table}")
            _put_back(connection, table, content)
        elif all_ != old:
            connection.execute(f"DELETE FROM {table} WHERE {is_new}")
    for (sequence, start, last), now in zip(content.sequences, connection.execute(_SEQUENCES).fetchall(), strict=True):
        if now[2] != last:
            connection.execute(
                "SELECT setval(%s::regclass, %s, %s)", (sequence, start if last is None else last, last is not None)
            )


def _put_back(connection: Connection, table: str, content: _Content) -> None:
    with connection.cursor().copy(f"COPY {table} ({content.columns[table]}) FROM STDIN") as rows:
        rows.write(content.copied[table])
