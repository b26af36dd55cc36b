"""Values that a column is not meant to hold are named by row and column before anything is read from them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Date, Integer, LargeBinary, Table, text
from sqlalchemy import Text as Words
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from app import database
from authorities.register import AUTHORITIES
from billing.invoices import SERIES
from foundation import append_only, stored_forms
from foundation.audit import ENTRIES
from foundation.base import Base, Instant

assert database.MODELS  # imports the models of every table
TABLES: list[Table] = Base.metadata.sorted_tables

#: In SQLite's own words: what a column may hold, and what it may not.
RIGHT = {
    Integer: ["0", "-9223372036854775808", "9223372036854775807", "'5'", "5.0"],
    Words: ["''", "'æøå'", "'it''s'", "5", "'a' || char(10)"],
    Date: ["'2028-02-29'", "'0001-01-01'", "'9999-12-31'"],
    Instant: ["'2027-01-15 10:00:00.000000'", "'9999-12-31 23:59:59.999999'", "'0001-01-01 00:00:00.000001'"],
    LargeBinary: ["x''", "x'00ff'"],
}
WRONG = {
    Integer: ["'five'", "5.5", "x'35'", "9223372036854775808", "'5 '  || 'x'", "''"],
    Words: ["x'61'", "x''"],
    Date: [
        "'2027-02-29'", "'2027-02-31'", "'2027-1-15'", "'2027-01-15 '", "'2027-W02-5'", "'20270115'", "20270115", "''",
        "'0000-12-31'", "'10000-01-01'", "'now'", "'2027-01-15' || char(0) || 'x'", "'2027-01-15T00:00:00'", "x'32'",
        "2461421.5", "'-001-01-01'",
    ],
    Instant: [
        "'2027-01-15T10:00:00.000000'", "'2027-01-15 10:00:00'", "'2027-01-15 10:00:00.0000000'", "'2027-01-15'",
        "'2027-01-15 24:00:00.000000'", "'2027-02-29 10:00:00.000000'", "'2027-01-15 10:60:00.000000'", "1", "''",
        "'2027-01-15 10:00:00.000000+00:00'", "'2027-01-15 10:00:00.000000' || char(0)", "'now'", "x'32'",
        "'2027-01-15 10:00:00.00000x'", "'0000-01-15 10:00:00.000000'",
    ],
    LargeBinary: ["'text'", "5", "0.5", "''"],
}  # fmt: skip
# PostgreSQL refuses the rest itself.
RIGHT_ON_POSTGRESQL = {
    Date: ["'2028-02-29'", "'0001-01-01'", "'9999-12-31'"],
    Instant: ["'2027-01-15 10:00:00.000001+00'", "'9999-12-30 00:00+00'", "'0001-01-02 00:00+00'"],
}
WRONG_ON_POSTGRESQL = {
    Date: ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'10000-01-01'"],
    Instant: ["'infinity'", "'-infinity'", "'0044-03-15 12:00+00 BC'", "'10000-01-01 00:00+00'"],
}


def is_right(session: Session, column: Column[Any], value: str) -> bool:
    """Tell whether a column like this may hold a value."""
    kind = column.type.compile(session.get_bind().dialect)
    session.execute(text(f'CREATE TEMPORARY TABLE tried ("{column.name}" {kind})'))
    session.connection().exec_driver_sql(f"INSERT INTO tried VALUES ({value})")
    forms = stored_forms._SQLITE if only_sqlite(session) else stored_forms._POSTGRESQL
    found = session.connection().exec_driver_sql(f"SELECT {stored_forms._right(column, forms)} FROM tried")
    is_right = bool(found.scalar_one())
    session.execute(text("DROP TABLE tried"))
    return is_right


def kind_of(column: Column[Any]) -> type:
    """Give what a column is meant to hold."""
    return next(kind for kind in RIGHT if isinstance(column.type, kind))


def only_sqlite(session: Session) -> bool:
    """PostgreSQL holds types by itself."""
    return bool(session.get_bind().dialect.name == "sqlite")


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_column_takes_its_own_form_and_no_other(session: Session, table: Table) -> None:
    rights, wrongs = (RIGHT, WRONG) if only_sqlite(session) else (RIGHT_ON_POSTGRESQL, WRONG_ON_POSTGRESQL)

    for column in table.columns:
        right = {value: is_right(session, column, value) for value in rights.get(kind_of(column), [])}
        wrong = {value: is_right(session, column, value) for value in wrongs.get(kind_of(column), [])}

        assert [value for value in right if not right[value]] == [], column
        assert [value for value in wrong if wrong[value]] == [], column
        assert is_right(session, column, "NULL") is bool(column.nullable), column


def authority(session: Session, name: str = "'Å'") -> None:
    """Put an authority there."""
    session.connection().exec_driver_sql(
        f"INSERT INTO authority (id, cvr, type, name, short_name) VALUES (7, '1', 'kommune', {name}, 'Å')"
    )


def found(session: Session) -> list[tuple[str, str, str]]:
    """What has not its form."""
    faults = stored_forms.faults(session, Base.metadata)
    return [(broken.check, broken.subject, broken.message.en) for broken in faults]


def test_a_value_of_a_register_is_named_by_row_and_column(session: Session) -> None:
    day = "'i går'" if only_sqlite(session) else "'infinity'"
    authority(session)
    session.connection().exec_driver_sql(f"UPDATE authority SET valid_to = {day}")
    session.connection().exec_driver_sql(f"INSERT INTO invoice_series VALUES ('2027', 1, {day})")

    assert found(session) == [
        ("forms", "authority 7", "valid_to: has not the column's form"),
        ("forms", "invoice_series 2027", "last_on: has not the column's form"),
    ]
    assert {AUTHORITIES.name, SERIES.name, AGREEMENTS.name} <= {table.name for table in Base.metadata.sorted_tables}


def test_a_text_that_is_no_utf_8_is_named_where_it_stands(session: Session) -> None:
    if not only_sqlite(session):
        assert list(stored_forms.undecodable(session, Base.metadata)) == []
        return
    authority(session, "CAST(x'c328' AS TEXT)")

    broken = list(stored_forms.undecodable(session, Base.metadata))

    assert [(fault.subject, fault.message.en) for fault in broken] == [("authority 7", "name: is not UTF-8")]


def test_each_table_is_asked_once(session: Session) -> None:
    tables: list[Table] = Base.metadata.sorted_tables

    queries = [stored_forms._query(table, True).text for table in tables]

    assert all(query.count("SELECT") == 1 for query in queries)
    assert {ENTRIES.name, *(table.name for table in append_only.tables(Base.metadata))} <= {t.name for t in tables}
