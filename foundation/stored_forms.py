"""Whether what is stored has the form its column is meant to hold; without that, nothing can be recomputed from it.

SQLite takes any value in any column, and one day or instant can be written in many ways there; both kinds of database
know days that Python does not. Such a value would be read as another, or not at all, so it is looked for first, in SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import Column, Date, Integer, LargeBinary, MetaData, Table, Text, TextClause, cast, select, text
from sqlalchemy.orm import Session

from foundation.audit import Broken
from foundation.base import Instant
from foundation.language import Text as Words

#: How a column's name stands in a form below.
_NAME = "@"

# Each form is what must be true of a value that is not NULL. `IS` compares to the last byte, also behind a NUL; a shift
# of no days lets SQLite see that February has no 31st.
_SQLITE = {
    Integer: "typeof(@) = 'integer'",
    Text: "typeof(@) = 'text'",
    LargeBinary: "typeof(@) = 'blob'",
    Date: "typeof(@) = 'text' AND @ IS date(@, '+0 days') AND substr(@, 1, 4) <> '0000'",
    Instant: "typeof(@) = 'text' AND length(CAST(@ AS BLOB)) = 26 AND substr(@, 1, 4) <> '0000' "
    "AND substr(@, 1, 19) IS datetime(substr(@, 1, 19), '+0 days') "
    "AND substr(@, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]'",
}
# PostgreSQL holds types itself, but has infinity and years that Python has not. A day off the ends is for the zones.
_POSTGRESQL = {
    Integer: "TRUE",
    Text: "TRUE",
    LargeBinary: "TRUE",
    Date: "@ BETWEEN '0001-01-01' AND '9999-12-31'",
    Instant: "@ BETWEEN '0001-01-02 00:00+00' AND '9999-12-30 00:00+00'",
}


def faults(session: Session, metadata: MetaData) -> Iterator[Broken]:
    """Name each row with a value that its column is not meant to hold.

    One query finds the tables that have any; those alone are asked for them.
    """
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    tables = metadata.sorted_tables
    for table, has_any in zip(tables, session.execute(_which(tuple(tables), is_sqlite)).one(), strict=True):
        for row in session.execute(_query(table, is_sqlite)) if has_any else ():
            yield _broken(table, row, Words("har ikke kolonnens form", "has not the column's form"))


def undecodable(session: Session, metadata: MetaData) -> Iterator[Broken]:
    """Name each row with a text that is no UTF-8. SQLite alone stores one, and tells only when it is read."""
    for table in metadata.sorted_tables:
        for column in (column for column in table.columns if isinstance(column.type, Text)):
            rows = select(*table.primary_key, cast(column, LargeBinary).label("raw")).order_by(*table.primary_key)
            for row in session.execute(rows.execution_options(yield_per=500)):
                if row.raw is not None and not _is_utf8(row.raw):
                    yield _broken(table, (*row[:-1], column.name), Words("er ikke UTF-8", "is not UTF-8"))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _broken(table: Table, row: Any, message: Words) -> Broken:
    *key, column = row
    subject = " ".join([table.name, *(str(part) for part in key)])
    return Broken("forms", subject, Words(f"{column}: ", f"{column}: ") + message)


@cache
def _which(tables: tuple[Table, ...], is_sqlite: bool) -> TextClause:
    """Ask of each table whether it has a wrong value."""
    anys = (f'EXISTS (SELECT 1 FROM "{each.name}" WHERE {_any(_wrong(each, is_sqlite))})' for each in tables)
    return text(f"SELECT {', '.join(anys)}")


def _wrong(table: Table, is_sqlite: bool) -> list[tuple[str, str]]:
    """Give what is true of a wrong value, by its column."""
    forms = _SQLITE if is_sqlite else _POSTGRESQL
    return [(column.name, f"NOT ({_right(column, forms)})") for column in table.columns]


def _any(wrong: list[tuple[str, str]]) -> str:
    return " OR ".join(fault for _, fault in wrong)


@cache
def _query(table: Table, is_sqlite: bool) -> TextClause:
    wrong = _wrong(table, is_sqlite)
    first = " ".join(f"WHEN {fault} THEN '{name}'" for name, fault in wrong)
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    case = f'CASE {first} END AS "column"'
    return text(f'SELECT {keys}, {case} FROM "{table.name}" WHERE {_any(wrong)} ORDER BY {keys}')


def _right(column: Column[Any], forms: dict[type, str]) -> str:
    form = next(form for kind, form in forms.items() if _is(column, kind))
    stands = f"@ IS NULL OR ({form})" if column.nullable else f"@ IS NOT NULL AND ({form})"
    return stands.replace(_NAME, f'"{column.name}"')


def _is(column: Column[Any], kind: type) -> bool:
    return isinstance(column.type, kind)
