"""Bank statements as CSV, read by a mapping: a TOML that says which column holds what, and how days and amounts look.

The heading is the row behind the lines to skip; a row is known by the line on which it begins.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import IO, Any, NoReturn, TextIO

from app.adapters import payment_references
from billing.bank import BankFileRefused, Movement, Statement, refusal
from foundation import toml_text, wording
from foundation.language import Text, kroner, same, whole_number
from foundation.money import Money

_COLUMNS = frozenset({
    "booked_on", "value_on", "amount", "balance", "message", "payer", "payer_account", "reference", "bank_reference",
    "end_to_end_id", "currency",
})  # fmt: skip
_KEYS = frozenset({
    "account", "delimiter", "decimal", "date", "encoding", "order", "skip_lines", "columns", "balances", "bank_id",
})  # fmt: skip
_ENCODINGS = {"utf-8": "utf-8-sig", "windows-1252": "cp1252", "iso-8859-1": "iso-8859-1"}
_DAY = {"YYYY": "(?P<year>20[0-9]{2}|21[0-9]{2})", "MM": "(?P<month>[0-9]{2})", "DD": "(?P<day>[0-9]{2})"}
LARGEST = 16 * 1024 * 1024  # bytes; its rows lie in memory, for the newest may come first
_MOST_ROWS = 100_000
_LARGEST_CELL = 10_000  # characters
_LONGEST_ROW = 100_000  # characters
_NOT_A_ROW = Text("rækken er ikke CSV: et anførselstegn lukkes ikke, eller den er for lang",
                  "the row is not CSV: a quote is not closed, or it is too long")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a bank's CSV is read."""

    account: str
    delimiter: str
    decimal: str
    day: re.Pattern[str]
    day_like: str
    encoding: str
    newest_first: bool
    skip_lines: int
    bank_id: str
    columns: dict[str, tuple[str, ...]]  # what is read, and the headings under which it stands
    opening: Money | None
    closing: Money | None


class MappingRefused(BankFileRefused):
    """A mapping is not right."""


def mapping(text: str) -> Mapping:
    """Read a mapping. Raises MappingRefused naming what is wrong."""
    try:
        given = toml_text.parse(text)
    except toml_text.NotToml as fault:
        raise wrong(Text(f"linje {fault.line}: ", f"line {fault.line}: ") + fault.reason) from None
    if strange := [key for key in given if key not in _KEYS]:
        raise wrong(Text(f"{wording.quoted(strange[0])} er ukendt", f"{wording.quoted(strange[0])} is unknown"))
    decimal = _one_of(given, "decimal", (",", "."), ",")
    day_like = _text(given, "date", "DD-MM-YYYY")
    columns, balances = _columns(given), given.get("balances", {})
    if not isinstance(balances, dict) or not set(balances) <= {"opening", "closing"}:
        raise wrong(Text("balances skal være opening og closing", "balances must be opening and closing"))
    if "balance" not in columns and len(balances) < 2:
        raise wrong(
            Text("angiv kolonnen balance, eller opening og closing under balances",
                 "give the column balance, or opening and closing under balances")
        )  # fmt: skip
    skip = given.get("skip_lines", 0)
    if type(skip) is not int or not 0 <= skip <= 100:
        raise wrong(Text("skip_lines skal være 0 til 100", "skip_lines must be 0 to 100"))
    account = "".join(_text(given, "account", "").split())
    if not 0 < len(account) <= 40:
        raise wrong(Text("account skal være kontoens nummer", "account must be the account's number"))
    delimiter = _one_of(given, "delimiter", (";", ",", "\t", "|"), ";")
    return Mapping(
        account=account, delimiter=delimiter, decimal=decimal, day=_day_pattern(day_like), day_like=day_like,
        encoding=_ENCODINGS[_one_of(given, "encoding", tuple(_ENCODINGS), "utf-8")],
        newest_first=_one_of(given, "order", ("oldest first", "newest first"), "oldest first") == "newest first",
        skip_lines=skip, bank_id=_text(given, "bank_id", ""), columns=columns,
        opening=_balance(balances, "opening", decimal), closing=_balance(balances, "closing", decimal),
    )  # fmt: skip


def wrong(reason: Text) -> MappingRefused:
    """Give the refusal of a mapping."""
    return MappingRefused(Text("kolonneopsætning: ", "mapping: ") + reason)


def _text(given: dict[str, Any], key: str, otherwise: str) -> str:
    value = given.get(key, otherwise)
    if not isinstance(value, str) or len(value) > 100 or "\0" in value:
        raise wrong(same(f"{key}: ") + Text("skal være en kort tekst", "must be a short text"))
    return value


def _one_of(given: dict[str, Any], key: str, choices: Sequence[str], otherwise: str) -> str:
    value = _text(given, key, otherwise)
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise wrong(same(f"{key}: ") + Text(f"skal være en af {listed}", f"must be one of {listed}"))
    return value


def _columns(given: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    columns = given.get("columns")
    if not isinstance(columns, dict) or not {"booked_on", "amount"} <= set(columns) <= _COLUMNS:
        listed = ", ".join(sorted(_COLUMNS))
        raise wrong(
            Text(f"columns skal have booked_on og amount, og ellers kun {listed}",
                 f"columns must have booked_on and amount, and else only {listed}")
        )  # fmt: skip
    found: dict[str, tuple[str, ...]] = {}
    for name, headings in columns.items():
        under = headings if isinstance(headings, list) and name == "message" else [headings]
        if not under or not all(isinstance(each, str) and 0 < len(each) <= 100 for each in under):
            raise wrong(same(f"columns.{name}: ") + Text("skal være en overskrift", "must be a heading"))
        found[name] = tuple(under)
    return found


def _day_pattern(like: str) -> re.Pattern[str]:
    if not re.fullmatch(r"(?:YYYY|MM|DD)[-./](?:MM|DD)[-./](?:YYYY|MM|DD)", like) or {*re.split("[-./]", like)} != {
        *_DAY
    }:
        raise wrong(Text("date skal være som DD-MM-YYYY", "date must be like DD-MM-YYYY"))
    pattern = re.escape(like)
    for part, group in _DAY.items():
        pattern = pattern.replace(part, group)
    return re.compile(pattern)


def _balance(balances: dict[str, Any], key: str, decimal: str) -> Money | None:
    if key not in balances:
        return None
    found = _amount(balances[key], decimal) if isinstance(balances[key], str) else None
    if found is None:
        raise wrong(
            same(f"balances.{key}: ") + Text("skal være et beløb i anførselstegn", "must be an amount in quotes")
        )
    return found


def _amount(words: str, decimal: str) -> Money | None:
    """Read an amount, with or without marks between thousands; None for what is none, or is no whole øre."""
    thousands = "." if decimal == "," else ","
    form = rf"([+-]?)([0-9]{{1,3}}(?:\{thousands}[0-9]{{3}}){{1,4}}|[0-9]{{1,13}})(?:\{decimal}([0-9]{{1,2}})0{{0,8}})?"
    found = re.fullmatch(form, words.strip().replace("\u2212", "-"))
    if found is None:
        return None
    ore = int(found[2].replace(thousands, "")) * 100 + int((found[3] or "0").ljust(2, "0"))
    return Money(-ore if found[1] == "-" else ore)


# --- a file


def statements(name: str, file: IO[bytes], by: Mapping) -> Iterator[Statement]:
    """Give the statement that a file is. Raises BankFileRefused, naming row, column and reason."""
    reading = _Reading(name, by)
    rows = list(reading.rows(file.read(LARGEST + 1)))
    if by.newest_first:
        rows.reverse()
    if not rows:
        raise refusal(name, Text("filen har ingen posteringer", "the file has no transactions"))
    reading.balances(rows)
    opening, closing = by.opening, by.closing
    if rows[0].balance is not None and rows[-1].balance is not None:
        opening, closing = rows[0].balance - rows[0].movement.amount, rows[-1].balance
    assert opening is not None  # a mapping has balances, or a column of them
    assert closing is not None
    days = [row.movement.booked_on for row in rows]
    bank_id = by.bank_id or f"{min(days)}/{max(days)}"
    yield Statement(by.account, bank_id, min(days), opening, max(days), closing, (row.movement for row in rows))


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    movement: Movement
    balance: Money | None


class _Reading:
    """One file on its way from bytes to rows; the heading is row 1."""

    def __init__(self, name: str, by: Mapping) -> None:
        self._name, self._by = name, by
        self._at: dict[str, tuple[int, ...]] = {}

    def _refuse(self, number: int, column: str, reason: Text) -> NoReturn:
        place = Text(f"række {number}", f"row {number}")
        if column:
            shown = wording.legible(column)
            place += Text(f", kolonne {shown}", f", column {shown}")
        raise refusal(self._name, place + same(": ") + reason)

    def rows(self, content: bytes) -> Iterator[_Row]:
        """Read row by row."""
        if len(content) > LARGEST:
            raise refusal(self._name, Text("en CSV-fil må højst være 16 MB", "a CSV file may be 16 MB at most"))
        if b"\0" in content:
            number = content.count(b"\n", 0, content.index(b"\0")) + 1
            self._refuse(number, "", Text("har et NUL-tegn", "has a NUL character"))
        lines = _Lines(io.TextIOWrapper(io.BytesIO(content), self._by.encoding, newline=""), self._by.skip_lines)
        reader = csv.reader(lines, delimiter=self._by.delimiter, strict=True)
        old_limit = csv.field_size_limit(_LARGEST_CELL)
        try:
            yield from self._records(reader, lines)
        except UnicodeDecodeError:
            self._refuse(lines.row, "", Text("er ikke i filens tegnsæt (encoding)", "is not in the file's encoding"))
        except (csv.Error, _TooLong):
            self._refuse(lines.row, "", _NOT_A_ROW)
        finally:
            csv.field_size_limit(old_limit)

    def _records(self, reader: Iterator[list[str]], lines: _Lines) -> Iterator[_Row]:
        header = [cell.strip() for cell in next(reader, [])]
        self._find(header, lines.row)
        lines.row_ends()
        count = 0
        for cells in reader:
            number, raw = lines.row, lines.row_ends()
            if not any(cell.strip() for cell in cells):
                continue
            count += 1
            if count > _MOST_ROWS:
                most = whole_number(_MOST_ROWS)
                self._refuse(number, "", Text(f"filen har over {most.da} rækker", f"the file has over {most.en} rows"))
            if len(cells) != len(header):
                self._refuse(number, "", Text(f"har {len(cells)} celler, overskriften {len(header)}",
                                              f"has {len(cells)} cells, the heading {len(header)}"))  # fmt: skip
            yield self._row(number, cells, raw)

    def _find(self, header: Sequence[str], number: int) -> None:
        for name, headings in self._by.columns.items():
            for heading in headings:
                if header.count(heading) != 1:
                    self._refuse(
                        number, heading, Text("mangler, eller står flere gange", "is missing, or stands twice")
                    )
            self._at[name] = tuple(header.index(heading) for heading in headings)

    def _cell(self, cells: Sequence[str], name: str) -> str:
        lines = (" ".join(cells[at].split()) for at in self._at.get(name, ()))
        return "\n".join(filter(None, lines))

    def _row(self, number: int, cells: Sequence[str], raw: str) -> _Row:
        booked = self._day(number, cells, "booked_on")
        valued = self._day(number, cells, "value_on") if self._cell(cells, "value_on") else None
        if self._cell(cells, "currency") not in ("", "DKK"):
            self._refuse(number, self._by.columns["currency"][0], Text("er ikke DKK", "is not DKK"))
        message, reference = self._cell(cells, "message"), self._cell(cells, "reference")
        words = f"{reference}\n{message}"
        movement = Movement(
            booked, valued, self._money(number, cells, "amount"), raw, fik_id=payment_references.fik_id(words),
            creditor_reference=payment_references.creditor_reference(words), message=message,
            payer=self._cell(cells, "payer"), payer_account="".join(self._cell(cells, "payer_account").split()),
            bank_reference=self._cell(cells, "bank_reference"), end_to_end_id=self._cell(cells, "end_to_end_id"),
        )  # fmt: skip
        if reference and not movement.fik_id and not movement.creditor_reference:
            movement = replace(movement, message=f"{reference}\n{message}".strip())
        return _Row(number, movement, self._money(number, cells, "balance") if "balance" in self._at else None)

    def _day(self, number: int, cells: Sequence[str], name: str) -> date:
        told = self._cell(cells, name)
        if found := self._by.day.fullmatch(told):
            with suppress(ValueError):
                return date(int(found["year"]), int(found["month"]), int(found["day"]))
        shown, like = wording.quoted(told), self._by.day_like
        reason = Text(f"{shown} er ikke en dag som {like}", f"{shown} is not a day like {like}")
        return self._refuse(number, self._by.columns[name][0], reason)

    def _money(self, number: int, cells: Sequence[str], name: str) -> Money:
        told = self._cell(cells, name)
        found = _amount(told, self._by.decimal)
        if found is None:
            shown = wording.quoted(told)
            self._refuse(number, self._by.columns[name][0], Text(f"{shown} er ikke et beløb i hele øre",
                                                                 f"{shown} is not an amount in whole øre"))  # fmt: skip
        return found

    def balances(self, rows: Sequence[_Row]) -> None:
        """Refuse a row whose balance is not that of the row before and its own amount."""
        before: Money | None = None
        for row in rows:
            if row.balance is None:
                return
            if before is not None and before + row.movement.amount != row.balance:
                told, due = kroner(row.balance), kroner(before + row.movement.amount)
                self._refuse(row.number, self._by.columns["balance"][0],
                             Text(f"saldoen er {told.da}, men skulle være {due.da}",
                                  f"the balance is {told.en}, but should be {due.en}"))  # fmt: skip
            before = row.balance


class _TooLong(Exception):
    """A row is longer than any right one."""


class _Lines:
    """A file's lines on their way to the CSV reader; `row_ends` gives the text of the row that was read."""

    def __init__(self, stream: TextIO, skip: int) -> None:
        self._stream = stream
        self._skip = skip
        self._line = 0
        self._held: list[str] = []
        self.row = 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        while self._skip:
            self._skip -= 1
            self._line += bool(self._stream.readline(_LONGEST_ROW))
            self.row = self._line + 1
        line = self._stream.readline(_LONGEST_ROW + 1)
        if not line:
            raise StopIteration
        self._line += 1
        self._held.append(line)
        if len(line) > _LONGEST_ROW or len(self._held) > 100:
            raise _TooLong
        return line

    def row_ends(self) -> str:
        """Begin the next row."""
        raw = "".join(self._held).rstrip("\r\n")
        self._held, self.row = [], self._line + 1
        return raw
