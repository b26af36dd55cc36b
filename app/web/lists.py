"""Lists: sorted, filtered and paged by the database, with filter and sort in the address, and exported as shown.

A page declares a `Listing`; `page` reads one page of it in two queries, `export` streams all of it.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import IO, Any, NamedTuple
from urllib.parse import quote_plus, urlencode

import xlsxwriter
from flask import Response, request
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Select, func, literal_column, select, true
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from app.adapters.sheets import decimal, neutral
from app.web import layout
from foundation import language
from foundation.errors import NotFound
from foundation.language import Language, Text
from foundation.money import ORE_PER_KRONE, Money
from foundation.periods import BUSINESS_ZONE

ROWS_A_PAGE = 50
_ROWS_AT_A_TIME = 500
_PAGES_KEPT = 64  # of the questions, not of the answers
_CELLS_KEPT = 2_000
_LAST_PAGE = 100_000
_LONGEST_SEARCH = 200

_NOTHING_YET = Text("Der er intet her endnu", "There is nothing here yet")

#: What a cell may hold: written by `shown` on a page, and by its kind in a file.
Cell = str | int | Money | date | datetime | Text | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it shows of a row, and what it sorts by."""

    key: str
    title: Text
    cell: Callable[[Any], Cell]
    order: ColumnElement[Any] | None = None  # None: not sortable
    link: Callable[[Any], str | None] | None = None

    @property
    def name(self) -> str:
        """Give the key as a class of the style sheet."""
        return self.key.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter."""

    value: str
    title: Text


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: a search field, or a choice where `choices` are given, also of nothing."""

    key: str
    title: Text
    narrow: Callable[[str], ColumnElement[bool]]
    choices: Sequence[Choice] | None = None
    is_day: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as a page declares it. `statement` is narrowed to the person's scope before it comes here."""

    name: str  # of the exported files
    caption: Text
    statement: Select[Any]
    columns: Sequence[Column]
    filters: Sequence[Filter] = ()
    sort: str = ""  # a column's key; a minus before it turns the order round
    tie: Sequence[ColumnElement[Any]] = ()  # what orders rows that sort alike
    empty: Text = _NOTHING_YET
    numbers: frozenset[str] = field(default_factory=frozenset)  # keys of columns that stand to the right
    # What names a row, once: then a page works its columns out for the rows it shows, not for all that it sorts.
    id: ColumnElement[Any] | None = None

    @property
    def sortable(self) -> frozenset[str]:
        """Give the keys of the columns it can be sorted by."""
        return frozenset(column.key for column in self.columns if column.order is not None)


class Head(NamedTuple):
    """One column as a page shows it: what is the same in every row is worked out once."""

    column: Column
    title: str
    is_number: bool
    opening: Markup  # of each of its cells
    sorting: str | None  # the address that sorts by it, or turns its order round
    direction: str | None  # `ascending`, `descending`, or None where the list is not sorted by it


class Shown(NamedTuple):
    """One cell as a page shows it."""

    head: Head
    words: Markup


@dataclass(frozen=True)
class Page:
    """One page of a list, ready for the template."""

    listing: Listing
    rows: Sequence[Row[Any]]
    total: int
    number: int
    sort: str
    values: Mapping[str, str]  # of the filters

    @property
    def pages(self) -> int:
        """Tell how many pages there are; one where there is nothing."""
        return max(1, -(-self.total // ROWS_A_PAGE))

    @property
    def first(self) -> int:
        """Give the position of the first row shown, counted from 1."""
        return (self.number - 1) * ROWS_A_PAGE + 1

    @property
    def last(self) -> int:
        """Give the position of the last row shown."""
        return self.first + len(self.rows) - 1

    @property
    def is_filtered(self) -> bool:
        """Tell whether a filter is set."""
        return any(self.values.values())

    def at(self, number: int) -> str:
        """Give the address of another page of this list."""
        return self._address(f"page={number}" if number > 1 else "", sort=self._asked_sort)

    @cached_property
    def heads(self) -> list[Head]:
        """Give the columns in the language of the request."""
        spoken, sortable = self._spoken, self.listing.sortable
        return [self._head(column, spoken, is_sortable=column.key in sortable) for column in self.listing.columns]

    def _head(self, column: Column, spoken: Language, *, is_sortable: bool) -> Head:
        title, is_number = column.title[spoken], column.key in self.listing.numbers
        kind = ' class="number"' if is_number else ""
        opening = Markup(f'<td{kind} data-title="{escape(title)}">')
        direction = self._direction(column)
        turned = f"-{column.key}" if direction == "ascending" else column.key
        return Head(column, title, is_number, opening, self._address(sort=turned) if is_sortable else None, direction)

    def _direction(self, column: Column) -> str | None:
        if self.sort.lstrip("-") != column.key:
            return None
        return "descending" if self.sort.startswith("-") else "ascending"

    def _address(self, *more: str, sort: str) -> str:
        asked = [*self._kept, f"sort={quote_plus(sort)}" if sort else "", *more]
        query = "&".join(part for part in asked if part)
        return f"{request.path}?{query}" if query else request.path

    @cached_property
    def _kept(self) -> list[str]:
        """Write what the address says beside sort order and page: the filters, and what the page itself is asked."""
        kept = ((key, value) for key, value in request.args.items(multi=True) if value and key not in ("sort", "page"))
        return [urlencode((pair,)) for pair in kept]

    @property
    def _asked_sort(self) -> str:
        return request.args.get("sort", "")

    @property
    def body(self) -> Markup:
        """Write the rows; a page has hundreds of cells, and a template takes twice as long for each."""
        return Markup("".join([f"<tr>{self._row(row)}</tr>\n" for row in self.rows]))

    def _row(self, row: Any) -> str:
        spoken = self._spoken
        return "".join([f"{head.opening}{_words(head.column, row, spoken)}</td>" for head in self.heads])

    def cells(self, row: Any) -> list[Shown]:
        """Write a row in the language of the request, cell by cell."""
        return [Shown(head, Markup(_words(head.column, row, self._spoken))) for head in self.heads]

    @cached_property
    def _spoken(self) -> Language:
        return layout.spoken()

    @property
    def around(self) -> list[int]:
        """Give the page numbers to offer: first, last, and those near this one."""
        near = range(self.number - 2, self.number + 3)
        return sorted({1, self.pages, *(n for n in near if 1 <= n <= self.pages)})


def _words(column: Column, row: Any, spoken: Language) -> str:
    words = _written(column.cell(row), spoken)
    link = column.link(row) if column.link else None
    return words if link is None else f'<a href="{_written(link, spoken)}">{words}</a>'


@lru_cache(_CELLS_KEPT, typed=True)
def _written(value: Cell, spoken: Language) -> str:
    """Write a cell in HTML. A page has hundreds of them, and most are alike: from row to row, and at the next look."""
    words = escape(shown(value, spoken))
    return f'<span class="when">{words}</span>' if isinstance(value, date) else str(words)


def page(session: Session, listing: Listing, asked: Mapping[str, str] | None = None) -> Page:
    """Read the page of a list that the address asks for, and how many rows there are, in one query.

    Raises NotFound for a page or a sort order that does not exist.
    """
    asked = request.args if asked is None else asked
    statement, values = _narrowed(listing, asked)
    number, sort = page_number(asked.get("page", "1")), asked.get("sort") or listing.sort
    order = _order(listing, sort)
    rows = session.execute(_one_page(statement, order, sort.startswith("-"), listing.tie, listing.id, number)).all()
    if number > 1 and not rows:
        raise NotFound(Text("Listen har ikke så mange sider", "The list has not that many pages"))
    return Page(listing, rows, rows[0][-1] if rows else 0, number, sort, values)


def _narrowed(listing: Listing, asked: Mapping[str, str]) -> tuple[Select[Any], dict[str, str]]:
    statement, values = listing.statement, {}
    for each in listing.filters:
        given = asked.get(each.key, "").strip()[:_LONGEST_SEARCH]
        if given and each.choices is not None and given not in {choice.value for choice in each.choices}:
            given = ""
        values[each.key] = given
        if given:
            statement = statement.where(each.narrow(given))
    return statement, values


def _order(listing: Listing, sort: str) -> ColumnElement[Any]:
    key = sort.lstrip("-")
    for column in listing.columns:
        if column.key == key and column.order is not None:
            return column.order
    raise NotFound(Text("Listen kan ikke sorteres sådan", "The list cannot be sorted like that"))


def _ordered(
    statement: Select[Any], order: ColumnElement[Any], is_turned: bool, tie: Sequence[ColumnElement[Any]]
) -> Select[Any]:
    return statement.order_by(order.desc() if is_turned else order, *tie)


@lru_cache(_PAGES_KEPT)
def _one_page(
    statement: Select[Any],
    order: ColumnElement[Any],
    is_turned: bool,
    tie: Sequence[ColumnElement[Any]],
    id_: ColumnElement[Any] | None,
    number: int,
) -> Select[Any]:
    """Ask for the rows of one page, the number of all rows behind them.

    The same question asked again is the same object, which SQLAlchemy need not look through once more.
    """
    ordered, start = _ordered(statement, order, is_turned, tie), (number - 1) * ROWS_A_PAGE
    if id_ is None:
        return _cut(ordered.add_columns(_total(statement)), start)
    ids = _cut(ordered.with_only_columns(id_), start)
    return ordered.where(id_.in_(ids)).add_columns(_total(statement.with_only_columns(id_)))


def _cut(statement: Select[Any], start: int) -> Select[Any]:
    """Give a page's rows. Their number stands in the text: PostgreSQL then keeps its plan instead of making it anew."""
    cut = statement.limit(literal_column(str(ROWS_A_PAGE)))
    return cut.offset(start) if start else cut


def _total(statement: Select[Any]) -> ColumnElement[int]:
    return select(func.count()).select_from(statement.order_by(None).subquery()).scalar_subquery()


def page_number(given: str) -> int:
    """Read a page number from an address. Raises NotFound where no list can have such a page."""
    if given.isascii() and given.isdigit() and 1 <= int(given[:7]) <= _LAST_PAGE:
        return int(given[:7])
    raise NotFound(Text("Listen har ikke den side", "The list has no such page"))


def since(column: ColumnElement[Any]) -> Callable[[str], ColumnElement[bool]]:
    """Narrow to the days from one on, as a filter types it; what is no day narrows nothing."""
    return lambda given: true() if (day := _day(given)) is None else column >= day


def until(column: ColumnElement[Any]) -> Callable[[str], ColumnElement[bool]]:
    """Narrow to the days up to one, that one too; what is no day narrows nothing."""
    return lambda given: true() if (day := _day(given)) is None else column <= day


def _day(given: str) -> date | None:
    try:
        return date.fromisoformat(given)
    except ValueError:
        return None


def contains(column: ColumnElement[str] | Any, words: str) -> ColumnElement[bool]:
    """Match a text that holds some words, whatever their case; what the person wrote is no pattern."""
    found: ColumnElement[bool] = func.lower(column).contains(words.lower(), autoescape=True)
    if not words.isascii():  # SQLite folds A-Z only
        found = found | column.contains(words, autoescape=True) | column.contains(words.capitalize(), autoescape=True)
    return found


# --- cells


def shown(value: Cell, spoken: Language) -> str:
    """Write a cell for a person to read."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, Text):
        return value[spoken]
    if isinstance(value, Money):
        return language.amount(value, spoken)
    if isinstance(value, datetime):
        return f"{value.astimezone(BUSINESS_ZONE):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return language.whole_number(value)[spoken]


# --- files


def export(session: Session, listing: Listing, form: str) -> Response:
    """Answer with the whole list as filtered and sorted, as `csv` or `xlsx`; memory does not grow with it.

    Raises NotFound for another form.
    """
    statement, _ = _narrowed(listing, request.args)
    sort = request.args.get("sort") or listing.sort
    ordered = _ordered(statement, _order(listing, sort), sort.startswith("-"), listing.tie)
    rows = session.execute(ordered.execution_options(yield_per=_ROWS_AT_A_TIME))
    response = answer(listing.name, listing.columns, rows, form)
    _log(f"{listing.name}.{form}")
    return response


def export_rows(name: str, columns: Sequence[Column], rows: Iterable[Any], form: str) -> Response:
    """Answer with rows of a list in memory, and let the audit trail tell of it. Raises NotFound for another form."""
    response = answer(name, columns, rows, form)
    _log(f"{name}.{form}")
    return response


def _log(name: str) -> None:
    """Let the audit trail tell who took which list out of the house."""
    with layout.acting() as (_, trail):
        trail.record("export.made", name, {"asked": request.args.to_dict()})


def answer(name: str, columns: Sequence[Column], rows: Iterable[Any], form: str) -> Response:
    """Answer with rows as a file."""
    if form == "csv":
        return _as_csv(name, columns, rows)
    if form == "xlsx":
        return _as_xlsx(name, columns, rows)
    raise NotFound(Text("Listen kan hentes som csv eller xlsx", "The list comes as csv or xlsx"))


def _as_csv(name: str, columns: Sequence[Column], rows: Iterable[Any]) -> Response:
    """CSV as Danish spreadsheets read it: UTF-8 with its mark, semicolons, decimal commas."""
    held: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the answer is sent
    words = io.TextIOWrapper(held, encoding="utf-8-sig", newline="")
    writer = csv.writer(words, delimiter=";")
    writer.writerow([layout.say(column.title) for column in columns])
    for row in rows:
        writer.writerow([_plain(column.cell(row)) for column in columns])
    words.flush()
    words.detach()
    return _file(held, f"{name}.csv", "text/csv; charset=utf-8")


def _plain(value: Cell) -> str:
    if isinstance(value, Money):
        return decimal(value)
    if isinstance(value, int):
        return str(value)
    return neutral(shown(value, layout.spoken()))


def _as_xlsx(name: str, columns: Sequence[Column], rows: Iterable[Any]) -> Response:
    held: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the answer is sent
    book = xlsxwriter.Workbook(held, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold, money, days = (book.add_format(style) for style in ({"bold": True}, {"num_format": "#,##0.00"},
                                                              {"num_format": "yyyy-mm-dd"}))  # fmt: skip
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(columns):
        sheet.write_string(0, at, layout.say(column.title), bold)
    for below, row in enumerate(rows, start=1):
        for at, column in enumerate(columns):
            _write(sheet, below, at, column.cell(row), money, days)
    book.close()
    return _file(held, f"{name}.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")


def _write(sheet: Any, row: int, at: int, value: Cell, money: Any, days: Any) -> None:
    if isinstance(value, Money):
        sheet.write_number(row, at, value.ore / ORE_PER_KRONE, money)  # a spreadsheet has no whole øre
    elif isinstance(value, date) and not isinstance(value, datetime):
        sheet.write_datetime(row, at, datetime(value.year, value.month, value.day), days)
    elif isinstance(value, int):
        sheet.write_number(row, at, value)
    else:
        sheet.write_string(row, at, shown(value, layout.spoken()))


def _file(held: IO[bytes], name: str, kind: str) -> Response:
    held.seek(0)
    response = Response(_chunks(held), mimetype=kind.partition(";")[0], content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.call_on_close(held.close)
    return response


def _chunks(held: IO[bytes]) -> Iterator[bytes]:
    while part := held.read(64 * 1024):
        yield part
