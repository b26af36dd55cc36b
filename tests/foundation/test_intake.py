"""Taking a file in: all or nothing, every wrong row named, the same file twice changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements.products import PRODUCTS
from foundation.audit import ENTRIES, Trail
from foundation.errors import FAULTS_TOLD, RowFault, RowsRefused
from foundation.intake import Intake, Row, Rows, Taken
from foundation.language import Text, same

WRONG = Text("er forkert", "is wrong")


def rows(*cells: dict[str, Any], faults: tuple[RowFault, ...] = ()) -> Rows:
    """A file of these rows behind a header."""
    return Rows("products.csv", [Row(number, given) for number, given in enumerate(cells, start=2)], faults)


def take(session: Session, file: Rows, *, wrong: tuple[int, ...] = ()) -> Taken:
    """Take products in by name; the rows of these numbers are wrong."""
    trail = Trail(session, "En Person", datetime(2027, 1, 15, tzinfo=UTC))
    intake = Intake(session, PRODUCTS, ("name",), file)
    for row in file:
        if row.number in wrong:
            intake.fault(row, "name", WRONG)
        intake.offer(row, dict(row.cells), key_column="name")
    taken = intake.finish(trail, "products.imported")
    trail.write()
    return taken


def counts(taken: Taken) -> tuple[int, int, int]:
    """Added, changed, unchanged."""
    return taken.added, taken.changed, taken.unchanged


def products(session: Session) -> dict[str, tuple[str | None, str | None]]:
    """What stands: account and level by name."""
    return {row.name: (row.account, row.level) for row in session.execute(select(PRODUCTS))}


def entries(session: Session) -> int:
    """How many audit entries stand."""
    return session.execute(select(func.count()).select_from(ENTRIES)).scalar_one()


def test_new_rows_are_added_and_a_column_the_file_lacks_is_empty(session: Session) -> None:
    taken = take(session, rows({"name": "OS2a", "account": "1"}, {"name": "OS2b"}))

    assert counts(taken) == (2, 0, 0)
    assert products(session) == {"OS2a": ("1", None), "OS2b": (None, None)}


def test_the_same_file_twice_changes_nothing_and_leaves_no_entry(session: Session) -> None:
    file = rows({"name": "OS2a", "account": "1"}, {"name": "OS2b", "account": "2"})
    take(session, file)
    before = entries(session)

    taken = take(session, file)

    assert counts(taken) == (0, 0, 2)
    assert entries(session) == before


def test_a_known_row_is_changed_only_in_the_columns_of_the_file(session: Session) -> None:
    take(session, rows({"name": "OS2a", "account": "1", "level": "3"}, {"name": "OS2b", "account": "2"}))

    taken = take(session, rows({"name": "OS2a", "account": "9"}, {"name": "OS2b", "account": "2"}))

    assert counts(taken) == (0, 1, 1)
    assert products(session) == {"OS2a": ("9", "3"), "OS2b": ("2", None)}


def test_rows_that_change_different_columns_do_not_mix(session: Session) -> None:
    take(session, rows({"name": "OS2a", "account": "1", "level": "1"}, {"name": "OS2b", "account": "2"}))

    take(session, rows({"name": "OS2b", "level": "2"}, {"name": "OS2a", "account": "8"}))

    assert products(session) == {"OS2a": ("8", "1"), "OS2b": ("2", "2")}


def test_a_cell_can_be_emptied(session: Session) -> None:
    take(session, rows({"name": "OS2a", "account": "1"}))

    taken = take(session, rows({"name": "OS2a", "account": None}))

    assert counts(taken) == (0, 1, 0)
    assert products(session) == {"OS2a": (None, None)}


def test_the_entry_tells_what_was_and_what_became(session: Session) -> None:
    take(session, rows({"name": "OS2a", "account": "1"}))
    take(session, rows({"name": "OS2a", "account": "2"}, {"name": "OS2b", "account": "3"}))

    last = session.execute(select(ENTRIES).order_by(ENTRIES.c.position.desc()).limit(1)).one()

    data = json.loads(last.data)
    assert (last.action, last.subject, last.actor) == ("products.imported", "products.csv", "En Person")
    assert data["added"] == [
        {
            "name": "OS2b",
            "account": "3",
            "level": None,
            "description_da": None,
            "description_en": None,
            "coordinator": None,
            "users_shown": None,
        }
    ]
    assert [change["account"] for change in data["changed"]] == [["1", "2"]]


def test_pv_071_three_wrong_rows_of_a_hundred_are_all_named_and_nothing_is_stored(session: Session) -> None:
    file = rows(*({"name": f"OS2p{nth:03d}"} for nth in range(100)))
    before = entries(session)

    with pytest.raises(RowsRefused) as refusal:
        take(session, file, wrong=(90, 5, 40))

    assert [(fault.row, fault.column) for fault in refusal.value.faults] == [
        (5, "name"),
        (40, "name"),
        (90, "name"),
    ]
    assert "3 fejl, intet er gemt" in refusal.value.text.da
    assert "3 faults, nothing was stored" in refusal.value.text.en
    assert "row 40, column name: is wrong" in refusal.value.text.en
    assert products(session) == {}
    assert entries(session) == before
    assert counts(take(session, file)) == (100, 0, 0)


def test_a_key_that_stands_twice_in_the_file_is_refused_with_both_rows(session: Session) -> None:
    with pytest.raises(RowsRefused) as refusal:
        take(session, rows({"name": "OS2a"}, {"name": "OS2b"}, {"name": "OS2a", "account": "1"}))

    assert [fault.text.en for fault in refusal.value.faults] == ["row 4, column name: the same key as row 2"]
    assert products(session) == {}


def test_rows_that_could_not_be_read_refuse_the_file_too(session: Session) -> None:
    unread = RowFault(7, "", same("unreadable"))

    with pytest.raises(RowsRefused) as refusal:
        take(session, rows({"name": "OS2a"}, faults=(unread,)))

    assert [fault.text.da for fault in refusal.value.faults] == ["række 7: unreadable"]
    assert "1 fault, nothing" in refusal.value.text.en
    assert products(session) == {}


def test_a_large_file_is_recorded_in_pieces(session: Session) -> None:
    before = entries(session)

    taken = take(session, rows(*({"name": f"OS2p{nth:04d}"} for nth in range(2_001))))

    assert taken.added == 2_001
    assert entries(session) == before + 3


def test_more_faults_than_can_be_read_are_counted_and_the_first_are_listed(session: Session) -> None:
    file = rows(*({"name": f"OS2p{nth}"} for nth in range(FAULTS_TOLD + 500)), faults=(RowFault(1, "", WRONG),))
    counted = Rows(file.source, file.rows, file.faults, untold=7)

    with pytest.raises(RowsRefused) as refusal:
        take(session, counted, wrong=tuple(range(2, FAULTS_TOLD + 502)))

    listed = [fault.row for fault in refusal.value.faults]
    assert listed == list(range(1, FAULTS_TOLD + 1))
    assert refusal.value.text.da.startswith(f"products.csv: {FAULTS_TOLD + 508} fejl, intet er gemt\n")
    assert refusal.value.text.en.endswith("\n  … and 508 more")


def test_more_warnings_than_can_be_read_are_counted(session: Session) -> None:
    file = rows(*({"name": f"OS2p{nth}"} for nth in range(150)))
    intake = Intake(session, PRODUCTS, ("name",), file)
    for row in file:
        intake.warn(row, WRONG)
        intake.offer(row, dict(row.cells), key_column="name")

    taken = intake.finish(Trail(session, "En Person", datetime(2027, 1, 15, tzinfo=UTC)), "products.imported")

    assert len(taken.warnings) == 101
    assert taken.warnings[0] == Text("række 2: er forkert", "row 2: is wrong")
    assert taken.warnings[-1] == Text("… og 50 mere", "… and 50 more")
