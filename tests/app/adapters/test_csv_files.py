"""Reading CSV: which line a row is, what a cell may be, what breaks a file off, and which columns there may be."""

from __future__ import annotations

import csv
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.adapters import csv_files
from app.adapters.csv_files import Layout, WrongCell, kroner_as_ore, whole, words
from foundation.errors import FAULTS_TOLD, Refused, RowsRefused, Unreadable
from foundation.intake import Rows

LAYOUT = Layout(
    required={"name": words(200), "year": whole(1900, 2999)},
    optional={"day": csv_files.day},
    may_be_absent={"gln": words(20)},
)
HEADER = "name,year,day\n"


def read(folder: Path, content: str | bytes) -> Rows:
    """Read a file of this content."""
    file = folder / "a.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return csv_files.read(file, LAYOUT)


def faults(folder: Path, content: str | bytes) -> list[str]:
    """What is wrong with a file, in English."""
    try:
        return [fault.text.en for fault in read(folder, content).faults]
    except RowsRefused as refused:
        assert all(fault.reason.da and fault.reason.da != fault.reason.en for fault in refused.faults)
        return [fault.text.en for fault in refused.faults]


def numbers(rows: Rows) -> list[tuple[int, str]]:
    """Each row's number and name."""
    return [(row.number, row["name"]) for row in rows]


# --- which line a row is


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_has_the_number_of_the_line_it_starts_on(end: str, tmp_path: Path) -> None:
    lines = ["name,year,day,remark", "a,2027,,", "", ",,,", 'b,2027,,"two', 'lines"', "c,2027,,", "  ", "d,2027,,x"]

    rows = read(tmp_path, end.join(lines))

    assert numbers(rows) == [(2, "a"), (5, "b"), (7, "c"), (9, "d")]
    assert rows.faults == []


def test_line_ends_may_be_mixed(tmp_path: Path) -> None:
    rows = read(tmp_path, "name,year,day\r\na,2027,\nb,2027,\rc,2027,\r\n\r\nd,2027,")

    assert numbers(rows) == [(2, "a"), (3, "b"), (4, "c"), (6, "d")]


def test_a_cell_with_a_line_end_is_refused_on_the_line_its_row_starts_on(tmp_path: Path) -> None:
    told = faults(tmp_path, HEADER + 'a,2027,\n"b\nc",2027,\nd,x,\n')

    assert told == [
        "row 3, column name: the character U+000A cannot stand on an invoice",
        "row 5, column year: 'x' is not a whole number from 1900 to 2999",
    ]


# --- what breaks a file off


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (HEADER + 'a,2027,\nb,2027,"', "row 3: a quote is not closed"),
        (HEADER + 'a,2027,\n"b,2027,\nc,2027,\n', "row 3: a quote is not closed"),
        (HEADER + 'a,2027,\n"b"c,2027,\n', "row 3: something stands behind a closing quote"),
        (HEADER + '"' + "a,2027,\n" * 5_000, "row 2: a cell has more than 10,000 characters, or a quote is not closed"),
        (HEADER + "a" * 10_001 + ",2027,\n", "row 2: a cell has more than 10,000 characters, or a quote is not closed"),
        (HEADER + '"' + '\n","' * 100_000, "row 2: the row has more than 100,000 characters"),
        (HEADER + "," * 1_000_000, "row 2: the row has more than 100,000 characters"),
        ("c," * 1_000_000 + "\n", "row 1: the row has more than 100,000 characters"),
        (HEADER + "a,2027,\nb\0,2027,\n", "row 3: holds a NUL character; save the file as CSV UTF-8"),
        (HEADER.encode() + "a,2027,\næ,2027,\n".encode("latin-1"), "row 3: is not UTF-8; save the file as CSV UTF-8"),
        (HEADER.encode() + "a,2027,\næ".encode()[:-1], "row 3: is not UTF-8; save the file as CSV UTF-8"),
        (HEADER.encode() + b'"a\n\xff",2027,\n', "row 2: is not UTF-8; save the file as CSV UTF-8"),
        (HEADER.encode() + b"a,2027,\xed\xa0\x80\n", "row 2: is not UTF-8; save the file as CSV UTF-8"),
        (HEADER.encode("utf-16"), "row 1: is not UTF-8; save the file as CSV UTF-8"),
        (HEADER.encode("utf-16-le"), "row 1: holds a NUL character; save the file as CSV UTF-8"),
        (HEADER.encode("utf-16-be"), "row 1: holds a NUL character; save the file as CSV UTF-8"),
        (HEADER.encode("utf-32-le"), "row 1: holds a NUL character; save the file as CSV UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 80 else "content",
)
def test_what_cannot_be_read_breaks_the_file_off_with_its_row(content: str | bytes, told: str, tmp_path: Path) -> None:
    assert faults(tmp_path, content) == [told]


def test_a_file_that_breaks_off_still_tells_what_was_wrong_before(tmp_path: Path) -> None:
    told = faults(tmp_path, HEADER + "a,x,\nb,2027,\0\n")

    assert [line.partition(":")[0] for line in told] == ["row 2, column year", "row 3"]


def test_the_limit_of_cells_is_lifted_again_when_a_file_breaks_off(tmp_path: Path) -> None:
    before = csv.field_size_limit()

    faults(tmp_path, HEADER + "a" * 20_000)

    assert csv.field_size_limit() == before


def test_a_file_of_too_many_rows_is_refused_and_the_most_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "MOST_ROWS", 3)

    most = read(tmp_path, HEADER + "\n\na,2027,\n\nb,2027,\nc,2027,\n\n")
    told = faults(tmp_path, HEADER + "a,2027,\n\nb,2027,\nc,2027,\nd,2027,\n")

    assert len(most.rows) == 3
    assert told == ["row 6: the file has more than 3 rows"]


def test_a_file_larger_than_any_right_one_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(HEADER, encoding="utf-8")
    os.truncate(file, csv_files.LARGEST_FILE + 1)

    with pytest.raises(Unreadable, match=r"a\.csv: the file is over 32,000,000 bytes"):
        csv_files.read(file, LAYOUT)


# --- every fault is told, up to a number


def test_all_faults_are_told_up_to_a_thousand_and_the_others_are_counted(tmp_path: Path) -> None:
    few = read(tmp_path, HEADER + "a,x,y\n" * 500)
    many = read(tmp_path, HEADER + "a,x,y\n" * 2_000)

    assert (len(few.faults), few.untold) == (FAULTS_TOLD, 0)
    assert (len(many.faults), many.untold) == (FAULTS_TOLD, 3_000)
    told = RowsRefused("a.csv", many.faults, many.untold).text
    assert told.da.startswith("a.csv: 4000 fejl, intet er gemt\n") and told.da.endswith("\n  … og 3000 mere")
    last = "row 501, column day: 'y' is not a day such as 2027-01-31"
    assert told.en.endswith(f"\n  {last}\n  … and 3000 more")


def test_a_message_shows_only_the_beginning_of_a_cell_and_nothing_that_moves_a_terminal(tmp_path: Path) -> None:
    for evil in ("\x1b[2J", "\u202e", "\u200b", "\x9b31m", "\x07"):
        (told, _) = faults(tmp_path, f"{HEADER}{evil},{evil}{'9' * 9_000},\n")[::-1]

        assert evil not in told and len(told) < 200


# --- the header


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("year,day", ["row 1, column name: the column is missing"]),
        ("name,year", ["row 1, column day: the column is missing"]),
        ("name,year,day,name", ["row 1, column name: the column stands twice"]),
        ("name, name ,year,day", ["row 1, column name: the column stands twice"]),
        ("name,year,day,NAME", ["row 1, column name: the column stands twice"]),
        ("name,year,day,gln,GLN", ["row 1, column gln: the column stands twice"]),
        ("name,year,day,GLN", ["row 1, column gln: the column is written 'GLN'"]),
        ("Name,year,day", ["row 1, column name: the column is written 'Name'"]),
        ("na\u200bme,year,day", ["row 1, column name: the column is written 'na\\u200bme'"]),
        ("ｎａｍｅ,year,day", ["row 1, column name: the column is written 'ｎａｍｅ'"]),
        ("\ufeff\ufeffname,year,day", ["row 1, column name: the column is written '\\ufeffname'"]),
        ("nаme,year,day", ["row 1, column name: the column is missing"]),  # a Cyrillic а
        ("name|year|day", [f"row 1, column {name}: the column is missing" for name in ("name", "year", "day")]),
        ("", [f"row 1, column {name}: the column is missing" for name in ("name", "year", "day")]),
        ("\nname,year,day", [f"row 1, column {name}: the column is missing" for name in ("name", "year", "day")]),
        ("\ufeff", [f"row 1, column {name}: the column is missing" for name in ("name", "year", "day")]),
    ],
)
def test_a_column_that_is_missing_doubled_or_written_otherwise_is_named(
    header: str, told: list[str], tmp_path: Path
) -> None:
    assert faults(tmp_path, header + "\n") == told


def test_further_columns_may_be_called_anything_and_hold_anything_that_is_csv(tmp_path: Path) -> None:
    rows = read(tmp_path, '\ufeff name ,year,day,,"Be,mærk\nning",,☃\na,2027,,=1+1,\u202e\x1b,"x\ny",😀\n')

    assert [dict(row.cells) for row in rows] == [{"name": "a", "year": 2027, "day": None}]
    assert numbers(rows) == [(3, "a")]


@pytest.mark.parametrize("content", ["name,year,day", "name,year,day\n", "\ufeffname;year;day\r\n\r\n;;\r\n"])
def test_a_file_of_only_a_header_has_no_rows_and_no_faults(content: str, tmp_path: Path) -> None:
    rows = read(tmp_path, content)

    assert (list(rows), list(rows.faults)) == ([], [])


# --- cells


def taken(parser: Any, cell: str) -> object:
    """What a cell becomes; None where it is refused."""
    try:
        return parser(cell)
    except WrongCell as wrong:
        assert wrong.reason.da and wrong.reason.en and wrong.reason.da != wrong.reason.en
        return None


NO_NUMBERS = [
    "-1", "+1", "1e3", "0x10", "1_000", "1.0", "1.005", "1,5", "1 000", "١٢٣", "１２３", "²", "Ⅷ", "1" * 31, "NaN",
    "inf", "", "--1", "1\u200b",
]  # fmt: skip


@pytest.mark.parametrize("cell", NO_NUMBERS)
def test_what_only_looks_like_a_whole_number_is_refused(cell: str) -> None:
    assert taken(whole(0, 10_000_000), cell) is None


@pytest.mark.parametrize(
    "cell", [*(cell for cell in NO_NUMBERS if cell != "1.0"), "30.000,00", "1.5.5", ".5", "5.", "9" * 10]
)
def test_what_only_looks_like_an_amount_is_refused(cell: str) -> None:
    assert taken(kroner_as_ore, cell) is None


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("2027-02-30", "2027-02-30 does not exist"),
        ("2027-02-29", "2027-02-29 does not exist"),
        ("2027-00-10", "2027-00-10 does not exist"),
        ("0000-01-01", "does not lie in the years 1900 to 2999"),
        ("1899-12-31", "does not lie in the years"),
        ("3000-01-01", "does not lie in the years"),
        ("9999-12-31", "does not lie in the years"),
        ("2027-1-1", "is not a day such as 2027-01-31"),
        ("2027-01-01T00:00:00", "is not a day"),
        ("2027-01-01 00:00", "is not a day"),
        ("2027-W01-1", "is not a day"),
        ("20270101", "is not a day"),
        ("01-01-2027", "is not a day"),
        ("２０２７-01-01", "is not a day"),
        ("٢٠٢٧-٠١-٠١", "is not a day"),
        ("2027‑01‑01", "is not a day"),
        ("9" * 9_000, "'" + "9" * 40 + "…' is not a day"),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_day_is_refused(cell: str, reason: str) -> None:
    with pytest.raises(WrongCell) as wrong:
        csv_files.day(cell)

    assert reason in wrong.value.reason.en
    assert len(wrong.value.reason.da) < 150


def test_the_first_and_the_last_day_are_taken() -> None:
    assert csv_files.day("1900-01-01") == date(1900, 1, 1)
    assert csv_files.day("2999-12-31") == date(2999, 12, 31)


@pytest.mark.parametrize("cell", ['=cmd|"/c calc"!A0', "+1", "-1", "@SUM(A1:A9)", "\t=1+1", "\r=1+1", "=HYPERLINK(1)"])
def test_a_formula_is_a_text_without_its_blanks(cell: str, tmp_path: Path) -> None:
    quoted = cell.replace('"', '""')

    (row,) = read(tmp_path, f'{HEADER}"{quoted}",2027,\n')

    assert row["name"] == cell.strip()


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
@example(b"\r\r\r")
@example(b'name,year,day\n"')
@example(b"name;year;day\n\x00")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_they_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    for given_bytes in (content, HEADER.encode() + content):
        try:
            rows = read(tmp_path, given_bytes)
        except Refused as refused:
            assert refused.text.da and refused.text.en
        else:
            lines = given_bytes.count(b"\n") + given_bytes.count(b"\r") + 1
            places = [row.number for row in rows] + [fault.row for fault in rows.faults]
            assert all(2 <= place <= lines for place in places)
            assert all(set(row.cells) >= {"name", "year", "day"} for row in rows)
