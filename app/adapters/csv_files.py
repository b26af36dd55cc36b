"""Reading the contract's CSV files: from bytes to typed rows, every wrong cell named by row, column and reason.

UTF-8 (a BOM is tolerated), comma or semicolon, header row, further columns allowed, days as YYYY-MM-DD. What a cell
means is decided in the rooms below; here a text becomes a day, a number or a clean text, or is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from foundation import wording
from foundation.errors import Refused, RowFault, RowsRefused
from foundation.intake import Row, Rows
from foundation.language import Text

LARGEST_FILE = 64 * 1024 * 1024  # bytes
LARGEST_TEXT = 1024 * 1024  # bytes, of a file that is one decision
_LARGEST_CELL = 10_000  # characters, before a column's own limit
_FAULTS_KEPT = 1_000


class Unreadable(Refused):
    """The file as a whole cannot be read as CSV."""


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
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell):
        try:
            found = date.fromisoformat(cell)
        except ValueError:
            raise WrongCell(Text(f"{cell} findes ikke", f"{cell} does not exist")) from None
        if 1900 <= found.year <= 2999:
            return found
    raise WrongCell(Text(f"{cell!r} er ikke en dag som 2027-01-31", f"{cell!r} is not a day such as 2027-01-31"))


def whole(least: int, most: int) -> Parser:
    """Take a whole number within limits, both inside."""

    def parse(cell: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,12}", cell) and least <= int(cell) <= most:
            return int(cell)
        raise WrongCell(
            Text(f"{cell[:40]!r} er ikke et helt tal fra {least} til {most}",
                 f"{cell[:40]!r} is not a whole number from {least} to {most}")
        )  # fmt: skip

    return parse


def kroner_as_ore(cell: str) -> int:
    """Take an amount in kroner, whole or with two decimals after a point; give øre."""
    found = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?", cell)
    if found is None:
        raise WrongCell(
            Text(f"{cell[:40]!r} er ikke et beløb som 30000 eller 30000.50",
                 f"{cell[:40]!r} is not an amount such as 30000 or 30000.50")
        )  # fmt: skip
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def one_of(*choices: str) -> Parser:
    """Take one of some words."""

    def parse(cell: str) -> str:
        if cell in choices:
            return cell
        listed = ", ".join(choices)
        raise WrongCell(Text(f"{cell[:40]!r} er ikke en af {listed}", f"{cell[:40]!r} is not one of {listed}"))

    return parse


def matching(pattern: str, like: str) -> Parser:
    """Take a text of a form, as the example shows."""

    def parse(cell: str) -> str:
        if re.fullmatch(pattern, cell):
            return cell
        raise WrongCell(Text(f"{cell[:40]!r} er ikke som {like}", f"{cell[:40]!r} is not like {like}"))

    return parse


def lower(cell: str) -> str:
    """Take a word in lower case."""
    return str(words(40)(cell)).lower()


_name = words(wording.LONGEST_NAME)
_text = words()
_cvr = matching(r"[0-9]{8}", "12345678")
_gln = words(20)
_code = matching(r"[0-9]{1,6}", "0101")
_year = whole(1900, 2999)

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
    required={"product": words(80)},
    optional={"account": words(40), "level": _name},
    may_be_absent={},
)
_DETAILS: Mapping[str, Parser] = {
    "gln": _gln, "person_reference": words(100), "order_reference": words(100), "accounting_cost": words(100),
}  # fmt: skip
MEMBERS = Layout(
    required={"cvr": _cvr, "joined_on": day},
    optional={"left_on": day},
    may_be_absent=_DETAILS,
)
AGREEMENTS = Layout(
    required={"cvr": _cvr, "product": words(80), "kind": one_of("active", "passive"), "signed_on": day},
    optional={
        "countersigned_on": day, "in_force_from": day, "terminated_to": day, "notice_given_on": day, **_DETAILS,
        "rebate_dkk": kroner_as_ore, "rebate_reason": _text, "joining_fee_exempt_reason": _text,
    },
    may_be_absent={"joining_fee_invoiced_on": day, "endpoint": one_of("gln", "cvr"), "active_from": day},
)  # fmt: skip
ACCOUNTS = Layout(
    required={"scope": _name, "account_suffix": words(40), "kind": _name, "name_da": _name},
    optional={},
    may_be_absent={},
)


# --- reading a file


def read(path: Path, layout: Layout) -> Rows:
    """Read a file. Raises Unreadable or RowsRefused where the file as a whole is wrong; wrong rows come in `faults`."""
    if path.stat().st_size > LARGEST_FILE:
        raise Unreadable(_about(path, Text("filen er over 64 MB", "the file is over 64 MB")))
    return parse(_decoded(path), layout, source=path.name)


def _about(path: Path, what: Text) -> Text:
    return Text(f"{path.name}: ", f"{path.name}: ") + what


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            _about(
                path,
                Text(
                    f"række {row} er ikke UTF-8; gem filen som CSV UTF-8",
                    f"row {row} is not UTF-8; save the file as CSV UTF-8",
                ),
            )
        ) from None


def parse(text: str, layout: Layout, *, source: str) -> Rows:
    """Read a file's text; the header is row 1."""
    if "\0" in text:
        place = text.count("\n", 0, text.index("\0")) + 1
        raise RowsRefused(source, [RowFault(place, "", Text("indeholder et NUL-tegn", "holds a NUL character"))])
    lines = _lines(text, source)
    header = [name.strip() for name in next(lines, (0, []))[1]]
    parsers = _parsers(header, layout, source)
    rows: list[Row] = []
    faults: list[RowFault] = []
    for number, cells in lines:
        if not any(cells):
            continue
        if len(cells) != len(header):
            faults.append(RowFault(number, "", _wrong_count(len(cells), len(header))))
        else:
            row, wrong = _row(number, dict(zip(header, cells, strict=True)), parsers, layout)
            faults += wrong
            rows += [] if wrong else [row]
        if len(faults) >= _FAULTS_KEPT:
            more = Text("for mange fejl; resten er ikke læst", "too many faults; the rest was not read")
            raise RowsRefused(source, [*faults[:_FAULTS_KEPT], RowFault(number, "", more)])
    return Rows(source, rows, faults)


def _lines(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    old_limit = csv.field_size_limit(_LARGEST_CELL)
    start = 1
    try:
        for cells in reader:
            yield start, [cell.strip() for cell in cells]
            start = reader.line_num + 1
    except csv.Error as error:
        reason = Text(f"kan ikke læses som CSV: {error}", f"cannot be read as CSV: {error}")
        raise RowsRefused(source, [RowFault(reader.line_num, "", reason)]) from None
    finally:
        csv.field_size_limit(old_limit)


def _parsers(header: Sequence[str], layout: Layout, source: str) -> dict[str, Parser]:
    known = {**layout.required, **layout.optional, **layout.may_be_absent}
    faults = [
        RowFault(1, column, Text("kolonnen mangler", "the column is missing"))
        for column in (*layout.required, *layout.optional)
        if column not in header
    ]
    faults += [
        RowFault(1, column, Text("kolonnen står to gange", "the column stands twice"))
        for column in sorted(set(header) & set(known))
        if header.count(column) > 1
    ]
    if faults:
        raise RowsRefused(source, faults)
    return {column: parser for column, parser in known.items() if column in header}


def _wrong_count(found: int, expected: int) -> Text:
    return Text(
        f"har {found} celler, men der er {expected} kolonner", f"has {found} cells, but there are {expected} columns"
    )


def _row(
    number: int, cells: Mapping[str, str], parsers: Mapping[str, Parser], layout: Layout
) -> tuple[Row, list[RowFault]]:
    values: dict[str, Any] = {}
    faults = []
    for column, parser in parsers.items():
        cell = cells[column]
        if not cell:
            values[column] = None
            if column in layout.required:
                faults.append(RowFault(number, column, Text("er tom", "is empty")))
            continue
        try:
            values[column] = parser(cell)
        except WrongCell as wrong:
            faults.append(RowFault(number, column, wrong.reason))
    return Row(number, values), faults
