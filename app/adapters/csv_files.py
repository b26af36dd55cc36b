"""Reading the contract's CSV files: from bytes to typed rows, every wrong cell named by row, column and reason.

UTF-8 (a BOM is tolerated), comma or semicolon, header row, further columns allowed, days as YYYY-MM-DD. What a cell
means is decided in the rooms below; here a text becomes a day, a number or a clean text, or is refused. A file is read
line by line, and its size, rows and cells are bounded, so that no file costs more than a right one of the same length.

A cell that a spreadsheet would compute (`=…`, `+…`, `@…`) is a text like any other; nothing here computes it.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, TextIO

from app.adapters import incoming
from foundation import letters, wording
from foundation.errors import FAULTS_TOLD, RowFault, RowsRefused
from foundation.intake import Row, Rows
from foundation.language import Text, whole_number

# All of Denmark since 2008 is 1.765 rows and 80 KB.
LARGEST_FILE = 32_000_000  # bytes
MOST_ROWS = 100_000
MOST_LINES = 1_000_000  # with empty ones, and those inside quotes
LONGEST_ROW = 100_000  # characters
_LARGEST_CELL = 10_000  # characters, before a column's own limit

_BLANKS = " \t\r\n\u00a0"
_UNDECODED = re.compile("[\udc80-\udcff]")
_FIRST_YEAR, _LAST_YEAR = 1900, 2999


class WrongCell(ValueError):
    """A cell's text is not of its column's form."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.reason = reason


Parser = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a file: those that must be there and those that may, each with its parser.

    A `required` cell must not be empty; an `optional` cell may be, and is then None.
    """

    required: Mapping[str, Parser]
    optional: Mapping[str, Parser]
    may_be_absent: Mapping[str, Parser]


# --- the parsers of cells


def words(longest: int = wording.LONGEST_TEXT) -> Parser:
    """Take a text that paper and XML can show."""

    def parse(cell: str) -> str:
        text = wording.composed(cell)
        if fault := wording.fault(text, longest):
            raise WrongCell(fault)
        return text

    return parse


def day(cell: str) -> date:
    """Take a day written YYYY-MM-DD."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
        written = wording.quoted(cell)
        raise WrongCell(Text(f"{written} er ikke en dag som 2027-01-31", f"{written} is not a day such as 2027-01-31"))
    if not f"{_FIRST_YEAR}" <= cell[:4] <= f"{_LAST_YEAR}":
        raise WrongCell(Text(f"{cell} ligger ikke i årene {_FIRST_YEAR} til {_LAST_YEAR}",
                             f"{cell} does not lie in the years {_FIRST_YEAR} to {_LAST_YEAR}"))  # fmt: skip
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise WrongCell(Text(f"{cell} findes ikke", f"{cell} does not exist")) from None


def whole(least: int, most: int) -> Parser:
    """Take a whole number within limits, both inside."""

    def parse(cell: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,12}", cell) and least <= int(cell) <= most:
            return int(cell)
        raise WrongCell(
            Text(f"{wording.quoted(cell)} er ikke et helt tal fra {least} til {most}",
                 f"{wording.quoted(cell)} is not a whole number from {least} to {most}")
        )  # fmt: skip

    return parse


def kroner_as_ore(cell: str) -> int:
    """Take an amount in kroner, whole or with two decimals after a point; give øre."""
    found = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?", cell)
    if found is None:
        raise WrongCell(
            Text(f"{wording.quoted(cell)} er ikke et beløb som 30000 eller 30000.50",
                 f"{wording.quoted(cell)} is not an amount such as 30000 or 30000.50")
        )  # fmt: skip
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def one_of(*choices: str) -> Parser:
    """Take one of some words."""

    def parse(cell: str) -> str:
        if cell in choices:
            return cell
        listed = ", ".join(choices)
        raise WrongCell(
            Text(f"{wording.quoted(cell)} er ikke en af {listed}", f"{wording.quoted(cell)} is not one of {listed}")
        )

    return parse


def matching(pattern: str, like: str) -> Parser:
    """Take a text of a form, as the example shows."""

    def parse(cell: str) -> str:
        if re.fullmatch(pattern, cell):
            return cell
        raise WrongCell(
            Text(f"{wording.quoted(cell)} er ikke som {like}", f"{wording.quoted(cell)} is not like {like}")
        )

    return parse


def lower(cell: str) -> str:
    """Take a word in lower case."""
    return str(words(40)(cell)).lower()


_name = words(wording.LONGEST_NAME)
_text = words()
_product = words(wording.LONGEST_PRODUCT)
_cvr = matching(r"[0-9]{8}", "12345678")
_gln = words(20)
_code = matching(r"[0-9]{1,6}", "0101")
_year = whole(_FIRST_YEAR, _LAST_YEAR)

AUTHORITIES = Layout(
    required={"type": lower, "name": _name, "short_name": _name, "cvr": words(20)},
    optional={"code": _code, "region": _name, "valid_to": day},
    may_be_absent={
        "address": _name,
        "postcode": matching(r"[0-9]{4}", "8000"),
        "city": _name,
        "succeeded_by_cvr": _cvr,
    },
)
POPULATION = Layout(
    required={"kommunekode": _code, "kommune": _name, "year": _year, "population": whole(0, 10_000_000)},
    optional={"source": _text},
    may_be_absent={},
)
PLACEMENTS = Layout(
    required={"cvr": _cvr, "band": words(40), "valid_from": day, "decided_by": _name, "reason": _text},
    optional={},
    may_be_absent={},
)
PRODUCTS = Layout(
    required={"product": _product},
    optional={"account": words(40), "level": _name},
    may_be_absent={
        "description_da": _text,
        "description_en": _text,
        "coordinator": _text,
        "users_shown": one_of("yes", "no"),
    },
)
_format = one_of("oioubl", "peppol")


def _mail(cell: str) -> str:
    if fault := letters.address_fault(cell):
        raise WrongCell(fault)
    return cell


_DETAILS: Mapping[str, Parser] = {
    "gln": _gln, "person_reference": words(100), "order_reference": words(100), "accounting_cost": words(100),
}  # fmt: skip
MEMBERS = Layout(
    required={"cvr": _cvr, "joined_on": day},
    optional={"left_on": day},
    may_be_absent={**_DETAILS, "format": _format, "contact_mail": _mail},
)
AGREEMENTS = Layout(
    required={"cvr": _cvr, "product": _product, "kind": one_of("active", "passive"), "signed_on": day},
    optional={
        "countersigned_on": day, "in_force_from": day, "terminated_to": day, "notice_given_on": day, **_DETAILS,
        "rebate_dkk": kroner_as_ore, "rebate_reason": _text, "joining_fee_exempt_reason": _text,
    },
    may_be_absent={
        "joining_fee_invoiced_on": day, "endpoint": one_of("gln", "cvr"), "active_from": day, "format": _format,
        "contact_mail": _mail,
    },
)  # fmt: skip
PAPER = Layout(
    required={
        "cvr": _cvr, "product": _product, "kind": one_of("active", "passive"), "signed_on": day, "in_force_from": day,
        "file": _name,
    },
    optional={"countersigned_on": day, "terminated_to": day, "notice_given_on": day, **_DETAILS},
    may_be_absent={
        "route": one_of("paper", "elsewhere"), "reference": words(40), "endpoint": one_of("gln", "cvr"),
        "format": _format, "contact_mail": _mail, "note": _text,
    },
)  # fmt: skip
ACCOUNTS = Layout(
    required={"scope": _name, "account_suffix": words(40), "kind": _name, "name_da": _name},
    optional={},
    may_be_absent={},
)
COSTS = Layout(
    required={
        "product": _product, "account": words(40), "date": day, "supplier": _name, "reference": words(40),
        "text": _text, "amount_dkk": kroner_as_ore,
    },
    optional={},
    may_be_absent={"from": day, "to": day},
)  # fmt: skip
BUDGETS = Layout(
    required={"product": _product, "year": whole(2000, 2199), "account": words(40)},
    optional={},
    may_be_absent={"amount_dkk": kroner_as_ore, **{f"month_{nth}": kroner_as_ore for nth in range(1, 13)}},
)  # fmt: skip


# --- reading a file


def read(path: Path, layout: Layout) -> Rows:
    """Read a file row by row; wrong rows come in `faults`.

    Raises Unreadable or RowsRefused where the file as a whole is wrong or cannot be read to its end.
    """
    source = incoming.name_of(path)
    with incoming.opened(path, LARGEST_FILE) as file:
        return read_stream(file, source, layout)


def read_stream(file: IO[bytes], source: str, layout: Layout) -> Rows:
    """Read what came otherwise than as a file of this machine, by the name `source`; its size is bounded by then."""
    # What is not UTF-8 becomes lone surrogates, which UTF-8 cannot hold: so its row can be named.
    stream = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    return _Reading(source, layout, _Lines(stream)).rows()


def read_bytes(source: str, content: bytes, layout: Layout) -> Rows:
    """Read a file that came over the network, as `read` does. Raises RowsRefused."""
    stream = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", errors="surrogateescape", newline="")
    return _Reading(source, layout, _Lines(stream)).rows()


def from_records(source: str, records: Sequence[Mapping[str, Any]], layout: Layout) -> Rows:
    """Take rows that a program sent as names and values, numbered from 1; a name no column has is a fault.

    A value is a text, a whole number or None, and is taken as the cell it would be in a file. As in a file, all rows
    have the same columns, so that none is emptied because it was not thought of.
    """
    named = {name for record in records for name in record}
    rows: list[Row] = []
    faults: list[RowFault] = []
    for number, record in enumerate(records, start=1):
        found, wrong = _record(number, record, layout, named)
        faults += wrong
        if not wrong:
            rows.append(Row(number, found))
    return Rows(source, rows, faults[:FAULTS_TOLD], max(0, len(faults) - FAULTS_TOLD))


def _record(
    number: int, record: Mapping[str, Any], layout: Layout, named: set[str]
) -> tuple[dict[str, Any], list[RowFault]]:
    columns = {**layout.required, **layout.optional, **layout.may_be_absent}
    values: dict[str, Any] = {}
    faults = [
        RowFault(number, wording.legible(name), Text("kolonnen findes ikke", "there is no such column"))
        for name in record
        if name not in columns
    ]
    for name, parser in columns.items():
        if name not in record:
            if name in named or name not in layout.may_be_absent:
                faults.append(RowFault(number, name, Text("kolonnen mangler", "the column is missing")))
            continue
        try:
            values[name] = _Column(name, 0, parser, name in layout.required).value(_cell(record[name]))
        except WrongCell as wrong:
            faults.append(RowFault(number, name, wrong.reason))
    return values, faults


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and len(value) <= _LARGEST_CELL:
        return value.strip(_BLANKS)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise WrongCell(Text("er hverken tekst, helt tal eller null", "is neither text, whole number nor null"))


class _BrokenOff(Exception):
    """What follows in the file cannot be read."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.reason = reason


class _Lines:
    """A file's lines on their way to the CSV reader: each is looked at first, and no row is longer than a row may be.

    `row` is the line on which the row being read starts; that is the number by which a row is known.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = 0
        self._length = 0
        self.row = 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(LONGEST_ROW - self._length + 1)
        if not line:
            raise StopIteration
        self._line += 1
        self._length += len(line)
        if fault := self._fault(line):
            raise _BrokenOff(fault)
        return line

    def _fault(self, line: str) -> Text | None:
        if self._line > MOST_LINES:
            most = whole_number(MOST_LINES)
            return Text(f"filen har over {most.da} linjer", f"the file has more than {most.en} lines")
        if self._length > LONGEST_ROW:
            most = whole_number(LONGEST_ROW)
            return Text(f"rækken har over {most.da} tegn", f"the row has more than {most.en} characters")
        if not line.isascii() and _UNDECODED.search(line):
            return Text("er ikke UTF-8; gem filen som CSV UTF-8", "is not UTF-8; save the file as CSV UTF-8")
        if "\0" in line:
            return Text("indeholder et NUL-tegn; gem filen som CSV UTF-8",
                        "holds a NUL character; save the file as CSV UTF-8")  # fmt: skip
        return None

    def row_ends(self) -> None:
        """Begin the next row."""
        self.row, self._length = self._line + 1, 0


class _Reading:
    """One file on its way from lines to rows; holds the rows read so far, and the faults up to FAULTS_TOLD."""

    def __init__(self, source: str, layout: Layout, lines: _Lines) -> None:
        self._source = source
        self._layout = layout
        self._lines = lines
        self._rows: list[Row] = []
        self._faults: list[RowFault] = []
        self._untold = 0

    def rows(self) -> Rows:
        """Read all."""
        try:
            self._read()
        except _BrokenOff as broken:
            self._fault(RowFault(self._lines.row, "", broken.reason))
            raise RowsRefused(self._source, self._faults, self._untold) from None
        return Rows(self._source, self._rows, self._faults, self._untold)

    def _read(self) -> None:
        records = self._records()
        header = next(records, [])
        columns = _columns(header, self._layout, self._source)
        taken = 0
        for cells in records:
            if not any(cells):
                continue
            taken += 1
            if taken > MOST_ROWS:
                most = whole_number(MOST_ROWS)
                raise _BrokenOff(Text(f"filen har over {most.da} rækker", f"the file has more than {most.en} rows"))
            if len(cells) != len(header):
                self._fault(RowFault(self._lines.row, "", _wrong_count(len(cells), len(header))))
            else:
                self._take(cells, columns)

    def _records(self) -> Iterator[list[str]]:
        first = next(self._lines, "")
        delimiter = ";" if first.count(";") > first.count(",") else ","
        reader = csv.reader(itertools.chain([first], self._lines), delimiter=delimiter, strict=True)
        old_limit = csv.field_size_limit(_LARGEST_CELL)
        try:
            for cells in reader:
                yield [cell.strip(_BLANKS) for cell in cells]
                self._lines.row_ends()
        except csv.Error as error:
            raise _BrokenOff(_not_csv(error)) from None
        finally:
            csv.field_size_limit(old_limit)

    def _take(self, cells: Sequence[str], columns: Sequence[_Column]) -> None:
        values: dict[str, Any] = {}
        is_right = True
        for column in columns:
            cell = cells[column.at]
            try:
                values[column.name] = column.value(cell)
            except WrongCell as wrong:
                is_right = False
                self._fault(RowFault(self._lines.row, column.name, wrong.reason))
        if is_right:
            self._rows.append(Row(self._lines.row, values))

    def _fault(self, fault: RowFault) -> None:
        if len(self._faults) < FAULTS_TOLD:
            self._faults.append(fault)
        else:
            self._untold += 1


def _not_csv(error: csv.Error) -> Text:
    reason = f"{error}"
    if "field larger" in reason:
        most = whole_number(_LARGEST_CELL)
        return Text(f"en celle har over {most.da} tegn, eller et anførselstegn lukkes ikke",
                    f"a cell has more than {most.en} characters, or a quote is not closed")  # fmt: skip
    if "end of data" in reason:
        return Text("et anførselstegn lukkes ikke", "a quote is not closed")
    if "expected after" in reason:
        return Text("der står noget efter et afsluttende anførselstegn", "something stands behind a closing quote")
    return Text(f"kan ikke læses som CSV: {reason}", f"cannot be read as CSV: {reason}")


# --- the header


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that is read: where it stands, what it is called, what becomes of its cells."""

    name: str
    at: int
    parser: Parser
    is_required: bool

    def value(self, cell: str) -> Any:
        """Take a cell; an empty one is None, where there may be one."""
        if cell:
            return self.parser(cell)
        if self.is_required:
            raise WrongCell(Text("er tom", "is empty"))
        return None


def _columns(header: Sequence[str], layout: Layout, source: str) -> list[_Column]:
    known = {**layout.required, **layout.optional, **layout.may_be_absent}
    alike: dict[str, list[str]] = {}
    for name in header:
        alike.setdefault(wording.folded(name), []).append(name)
    found = {column: alike.get(wording.folded(column), []) for column in known}
    faults = [
        RowFault(1, column, reason)
        for column, names in found.items()
        if (reason := _column_fault(column, names, layout)) is not None
    ]
    if faults:
        raise RowsRefused(source, faults)
    return [
        # Days, kinds, numbers come again and again: a cell that was read is not read anew, and stands in memory once.
        _Column(column, header.index(column), lru_cache(maxsize=1_024)(parser), column in layout.required)
        for column, parser in known.items()
        if found[column]
    ]


def _column_fault(column: str, names: Sequence[str], layout: Layout) -> Text | None:
    if not names:
        is_missing = column not in layout.may_be_absent
        return Text("kolonnen mangler", "the column is missing") if is_missing else None
    if len(names) > 1:
        return Text("kolonnen står to gange", "the column stands twice")
    if names[0] != column:
        written = wording.quoted(names[0])
        return Text(f"kolonnen er skrevet {written}", f"the column is written {written}")
    return None


def _wrong_count(found: int, expected: int) -> Text:
    return Text(
        f"har {found} celler, men der er {expected} kolonner", f"has {found} cells, but there are {expected} columns"
    )
