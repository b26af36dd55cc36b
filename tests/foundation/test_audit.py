"""The audit trail: one chain of hashes over entries and rows, in which whatever was tampered with is named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from fee_tables import catalogue
from fee_tables.catalogue import ADOPTED
from foundation import append_only, audit
from foundation.audit import ENTRIES, GENESIS, Broken, Trail
from foundation.base import Base
from tests import builders
from tests.foundation.tampering import tamper

AT = datetime(2027, 1, 15, 10, 0, 0, 123456, tzinfo=UTC)


def write_entries(session: Session, count: int = 5) -> None:
    """Write some entries without rows."""
    trail = Trail(session, "En Person", AT)
    for nth in range(1, count + 1):
        trail.record("something.done", f"subject {nth}", {"nth": nth})
    trail.write()


def adopt_tables(session: Session) -> int:
    """Adopt the shipped tables, each with its entry; give how many."""
    texts = {file.name: file.read_text(encoding="utf-8") for file in sorted(builders.SHIPPED_TABLES.glob("*.toml"))}
    trail = Trail(session, "En Person", AT)
    adopted = catalogue.adopt(session, texts, trail)
    trail.write()
    return len(adopted)


def chain_faults(session: Session) -> list[Broken]:
    """What is wrong with the chain."""
    return list(audit.chain_faults(session))


def row_faults(session: Session) -> list[tuple[str, str]]:
    """What is wrong with the rows: subject and message."""
    return [(broken.subject, broken.message.en) for broken in audit.row_faults(session, Base.metadata)]


def smuggle(session: Session, id_: int) -> None:
    """Put a row into the adopted tables without an entry."""
    row = session.execute(select(ADOPTED).where(ADOPTED.c.id == 1)).one()
    append_only.add(session, ADOPTED, [dict(row._mapping) | {"id": id_, "product": "OS2smuglet"}])


# --- values


def test_the_canonical_text_is_the_same_whatever_the_order_of_the_keys() -> None:
    assert audit.canonical({"b": 1, "a": [date(2027, 1, 1), "æ"]}) == '{"a":["2027-01-01","æ"],"b":1}'
    assert audit.canonical({"a": 1, "b": 2}) == audit.canonical({"b": 2, "a": 1})


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="serializable"):
        audit.canonical({"a": object()})


def test_bytes_count_by_their_digest() -> None:
    assert audit.canonical(b"pdf") == f'"{audit.sha256(b"pdf")}"'
    assert audit.sha256("å") == audit.sha256("å".encode())


def adopted_row() -> dict[str, Any]:
    """A row of adopted tables."""
    return {column.name: column.name for column in ADOPTED.columns} | {"id": 1, "valid_from": date(2027, 1, 1)}


@pytest.mark.parametrize("column", [column.name for column in ADOPTED.columns])
def test_a_row_digest_covers_every_column(column: str) -> None:
    row = adopted_row()
    changed = row | {column: "changed"}

    assert audit.row_digest(ADOPTED, changed) != audit.row_digest(ADOPTED, row)


def test_a_row_digest_covers_the_table_and_knows_null_from_an_empty_text() -> None:
    row = adopted_row()

    assert audit.row_digest(ADOPTED, row | {"source": None}) != audit.row_digest(ADOPTED, row | {"source": ""})
    assert audit.row_digest(ADOPTED, dict(reversed(row.items()))) == audit.row_digest(ADOPTED, row)


@pytest.mark.parametrize(
    "field", ["position", "at", "actor", "action", "subject", "data", "covers", "previous_hash"]
)  # fmt: skip
def test_an_entry_hash_covers_every_field(field: str) -> None:
    entry = {column.name: column.name for column in ENTRIES.columns}

    assert audit.entry_hash(entry | {field: "changed"}) != audit.entry_hash(entry)
    assert {column.name for column in ENTRIES.columns} - {"hash"} == {
        "position", "at", "actor", "action", "subject", "data", "covers", "previous_hash",
    }  # fmt: skip


# --- the chain


def test_a_new_database_has_no_broken_chain(session: Session) -> None:
    assert chain_faults(session) == []
    assert row_faults(session) == []


def test_each_entry_points_at_the_one_before(session: Session) -> None:
    position, hash_ = audit.head(session)
    write_entries(session, 3)

    rows = session.execute(select(ENTRIES).where(ENTRIES.c.position > position).order_by(ENTRIES.c.position)).all()

    assert [row.position for row in rows] == [position + 1, position + 2, position + 3]
    assert [row.previous_hash for row in rows] == [hash_, rows[0].hash, rows[1].hash]
    assert audit.head(session) == (position + 3, rows[2].hash)
    assert chain_faults(session) == []


def test_the_first_entry_points_at_the_beginning(session: Session) -> None:
    if audit.head(session)[0] == 0:
        write_entries(session, 1)

    first = session.execute(select(ENTRIES).order_by(ENTRIES.c.position).limit(1)).one()

    assert (first.position, first.previous_hash) == (1, GENESIS)


def test_two_trails_behind_each_other_make_one_chain(session: Session) -> None:
    start = audit.head(session)[0]
    for _ in range(3):
        write_entries(session, 2)

    assert audit.head(session)[0] == start + 6
    assert chain_faults(session) == []


def test_a_trail_writes_what_it_collected_once(session: Session) -> None:
    start = audit.head(session)[0]
    trail = Trail(session, "En Person", AT)
    trail.record("something.done", "subject")
    trail.write()
    trail.write()

    assert audit.head(session)[0] == start + 1


def test_an_instant_without_a_zone_is_refused(session: Session) -> None:
    trail = Trail(session, "En Person", datetime(2027, 1, 15))
    trail.record("something.done", "subject")

    with pytest.raises(Exception, match="needs its zone"):
        trail.write()
    session.rollback()


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'Another'", "action = 'another'", "subject = 'another'", "data = '{}'", "covers = '[[]]'",
        "at = '2020-01-01 00:00:00'", f"hash = '{'f' * 64}'",
    ],
)  # fmt: skip
def test_pv_135_a_changed_entry_is_named(session: Session, change: str) -> None:
    start = audit.head(session)[0]
    write_entries(session)

    tamper(session, ENTRIES, f"UPDATE audit_entry SET {change} WHERE position = {start + 3}")

    broken = chain_faults(session)
    assert [fault.check for fault in broken] == ["audit_chain"]
    assert broken[0].subject == f"audit_entry {start + 3}"


def test_pv_135_an_entry_made_to_look_right_breaks_the_next_link(session: Session) -> None:
    start = audit.head(session)[0]
    write_entries(session)
    row = session.execute(select(ENTRIES).where(ENTRIES.c.position == start + 3)).one()
    forged = audit.entry_hash(dict(row._mapping) | {"actor": "Another"})

    tamper(
        session,
        ENTRIES,
        f"UPDATE audit_entry SET actor = 'Another', hash = '{forged}' WHERE position = {start + 3}",
    )

    assert [fault.subject for fault in chain_faults(session)] == [f"audit_entry {start + 4}"]


def test_pv_134_a_deleted_entry_is_reported_once(session: Session) -> None:
    start = audit.head(session)[0]
    write_entries(session)

    tamper(session, ENTRIES, f"DELETE FROM audit_entry WHERE position = {start + 2}")

    broken = chain_faults(session)
    assert [(fault.subject, fault.message.en) for fault in broken] == [
        (f"audit_entry {start + 2}", "the entry is missing")
    ]


@pytest.mark.parametrize("position", [0, -4])
def test_an_entry_before_the_first_is_named_itself(session: Session, position: int) -> None:
    start = audit.head(session)[0]
    write_entries(session)

    tamper(session, ENTRIES, f"UPDATE audit_entry SET position = {position} WHERE position = {start + 3}")

    assert [fault.subject for fault in chain_faults(session)] == [f"audit_entry {position}"]


@pytest.mark.parametrize("covers", ["", "{}x", "5", "[5]", '[["posting"]]', '[["posting", "1", "x"]]', "[" * 9_999])
def test_an_entry_whose_list_of_rows_cannot_be_read_is_named_in_a_chain_hashed_anew(
    session: Session, covers: str
) -> None:
    write_entries(session, 1)
    last = session.execute(select(ENTRIES).order_by(ENTRIES.c.position.desc()).limit(1)).one()
    forged = audit.entry_hash(dict(last._mapping) | {"covers": covers})

    tamper(
        session,
        ENTRIES,
        f"UPDATE audit_entry SET covers = '{covers}', hash = '{forged}' WHERE position = {last.position}",
    )

    assert chain_faults(session) == []
    assert row_faults(session) == [(f"audit_entry {last.position}", "what the entry covers cannot be read")]


def test_pv_135_the_database_refuses_to_edit_or_delete_an_entry(session: Session) -> None:
    write_entries(session)
    for statement in ("UPDATE audit_entry SET actor = 'Another'", "DELETE FROM audit_entry"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.connection().exec_driver_sql(statement)

    assert chain_faults(session) == []


def test_a_chain_longer_than_one_batch_is_walked_whole(session: Session) -> None:
    start = audit.head(session)[0]
    write_entries(session, 1203)
    assert chain_faults(session) == []

    tamper(session, ENTRIES, f"UPDATE audit_entry SET data = '1' WHERE position = {start + 1100}")

    assert [fault.subject for fault in chain_faults(session)] == [f"audit_entry {start + 1100}"]


# --- the rows


def test_rows_written_with_their_entries_are_found_as_written(session: Session) -> None:
    assert adopt_tables(session) == 5

    assert row_faults(session) == []
    assert chain_faults(session) == []


@pytest.mark.parametrize(
    "change",
    [
        "decided_by = 'nobody'", "valid_from = '2020-01-01'", "text = text || ' '", "source = ''",
        "adopted_at = '2020-01-01 00:00:00'",
    ],
)  # fmt: skip
def test_pv_135_a_row_altered_by_sql_is_named(session: Session, change: str) -> None:
    adopt_tables(session)

    tamper(session, ADOPTED, f"UPDATE adopted_table SET {change} WHERE id = 3")

    assert row_faults(session) == [("adopted_table 3", "the row was changed")]
    assert chain_faults(session) == []


def test_pv_134_a_deleted_row_is_named(session: Session) -> None:
    adopt_tables(session)

    tamper(session, ADOPTED, "DELETE FROM adopted_table WHERE id = 2")

    assert ("adopted_table 2", "the row is missing") in row_faults(session)


def test_pv_135_a_row_without_source_is_named(session: Session) -> None:
    count = adopt_tables(session)

    smuggle(session, count + 1)

    assert row_faults(session) == [(f"adopted_table {count + 1}", "the row is not in the trail")]


@pytest.mark.parametrize("id_", [0, -7])
def test_a_row_smuggled_in_before_the_first_is_found(session: Session, id_: int) -> None:
    adopt_tables(session)

    smuggle(session, id_)

    assert [message for _, message in row_faults(session)] == ["the row is not in the trail"]


def test_a_row_whose_entry_was_cut_off_is_named(session: Session) -> None:
    count = adopt_tables(session)
    last = audit.head(session)[0]

    tamper(session, ENTRIES, f"DELETE FROM audit_entry WHERE position = {last}")

    assert chain_faults(session) == []
    assert row_faults(session) == [(f"adopted_table {count}", "the row is not in the trail")]


def test_an_instant_in_another_zone_is_kept_as_the_same_instant(session: Session) -> None:
    trail = Trail(session, "En Person", AT.astimezone(timezone(timedelta(hours=1))))
    trail.record("something.done", "subject")
    trail.write()

    found = session.execute(select(ENTRIES.c.at).order_by(ENTRIES.c.position.desc()).limit(1)).scalar_one()

    assert found == AT
    assert chain_faults(session) == []
    assert found.tzinfo is UTC
    assert append_only.next_id(session, ADOPTED) >= 1
