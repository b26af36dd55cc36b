"""The postings of a period as a file for a bookkeeping system: CSV or XLSX, with chosen columns, written row by row.

The same period asked for in the same way is the same bytes, also next year: nothing in a file tells when it was made.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any, Literal

import xlsxwriter
from sqlalchemy.orm import Session

from app.adapters import sheets
from billing import bookkeeping
from billing.account_mapping import Named
from billing.bookkeeping import AccountTotal, Names, Posting
from foundation import periods, wording
from foundation.errors import Refused
from foundation.language import Language, Text, joined, same
from foundation.money import ORE_PER_KRONE, ZERO, Money
from foundation.periods import Period

Form = Literal["csv", "xlsx"]
FORMS: tuple[Form, ...] = ("csv", "xlsx")
KINDS: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_NAMED = 5  # accounts that a note names one by one

#: What a spreadsheet holds, its headings apart.
MOST_ROWS_OF_XLSX = 1_048_575

Cell = str | int | Money | date | None


class NoSuchColumn(Refused):
    """A column that postings do not have, or one that is asked for twice."""


class TooLong(Refused):
    """More postings than a spreadsheet holds."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and what it shows of a posting."""

    title: Text
    cell: Callable[[Posting, Named], Cell]


#: Every column there is, by the name it is chosen by.
COLUMNS: dict[str, Column] = {
    "date": Column(Text("Dato", "Date"), lambda posting, _: posting.posted_on),
    "voucher": Column(Text("Bilag", "Voucher"), lambda posting, _: posting.voucher),
    "line": Column(Text("Linje", "Line"), lambda posting, _: posting.line),
    "kind": Column(Text("Art", "Kind"), lambda posting, _: posting.kind),
    "text": Column(Text("Tekst", "Text"), lambda posting, _: posting.text),
    "account": Column(Text("Konto", "Account"), lambda posting, _: posting.account),
    "account_name": Column(Text("Kontonavn", "Account name"), lambda _, named: named.name),
    "standard_account": Column(Text("Standardkonto", "Standard account"), lambda _, named: named.standard),
    "standard_name": Column(Text("Standardkontos navn", "Standard account name"), lambda _, named: named.standard_name),
    "product": Column(Text("Produkt", "Product"), lambda posting, _: posting.product),
    "cvr": Column(Text("CVR-nummer", "CVR number"), lambda posting, _: posting.cvr),
    "invoice": Column(Text("Faktura", "Invoice"), lambda posting, _: posting.invoice),
    "amount": Column(Text("Beløb", "Amount"), lambda posting, _: posting.amount),
    "debit": Column(Text("Debet", "Debit"), lambda posting, _: max(posting.amount, ZERO)),
    "credit": Column(Text("Kredit", "Credit"), lambda posting, _: max(-posting.amount, ZERO)),
}

#: The columns of a file where none are chosen.
USUAL = (
    "date", "voucher", "line", "text", "account", "account_name", "standard_account", "standard_name", "product", "cvr",
    "invoice", "amount",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which file is wanted."""

    period: Period
    form: Form = "csv"
    columns: tuple[str, ...] = USUAL
    language: Language = "da"

    @property
    def name(self) -> str:
        """Give the name of the file."""
        return f"posteringer-{periods.name(self.period)}.{self.form}"


@dataclass
class Written:
    """What a file holds."""

    postings: int = 0
    debit: Money = ZERO
    credit: Money = ZERO

    def count(self, posting: Posting) -> None:
        """Count a posting."""
        self.postings += 1
        self.debit += max(posting.amount, ZERO)
        self.credit += max(-posting.amount, ZERO)


def columns(words: str) -> tuple[str, ...]:
    """Read which columns are wanted, by name with commas between; none are the usual ones. Raises NoSuchColumn."""
    chosen = tuple(part.strip() for part in words.split(",")) if words.strip() else USUAL
    wrong = next((name for at, name in enumerate(chosen) if name not in COLUMNS or name in chosen[:at]), None)
    if wrong is not None:
        listed, shown = ", ".join(COLUMNS), wording.quoted(wrong)
        raise NoSuchColumn(
            Text(f"{shown} kan ikke være en kolonne her; vælg, hver én gang, af {listed}",
                 f"{shown} cannot be a column here; choose, each once, of {listed}")
        )  # fmt: skip
    return chosen


def write(session: Session, wanted: Wanted, into: IO[bytes]) -> Written:
    """Write a period's postings; memory does not grow with them. Raises TooLong for more than a spreadsheet holds."""
    written = Written()
    rows = _rows(session, wanted, written)
    if wanted.form == "csv":
        _write_csv(wanted, rows, into)
    else:
        _write_xlsx(wanted, rows, bookkeeping.totals(session, wanted.period), into)
    return written


def _rows(session: Session, wanted: Wanted, written: Written) -> Iterator[list[Cell]]:
    names: Names = bookkeeping.names_of(session, wanted.period)
    chosen = [COLUMNS[name].cell for name in wanted.columns]
    for posting in bookkeeping.postings(session, wanted.period):
        named = names(posting.account, posting.product)
        written.count(posting)
        yield [cell(posting, named) for cell in chosen]


def _titles(wanted: Wanted) -> list[str]:
    return [COLUMNS[name].title[wanted.language] for name in wanted.columns]


# --- CSV


def _write_csv(wanted: Wanted, rows: Iterator[list[Cell]], into: IO[bytes]) -> None:
    """Write CSV as Danish bookkeeping systems read it: UTF-8 with its mark, semicolons, decimal commas."""
    words = io.TextIOWrapper(into, encoding="utf-8-sig", newline="")
    writer = csv.writer(words, delimiter=";")
    writer.writerow(_titles(wanted))
    for row in rows:
        writer.writerow([_plain(value) for value in row])
    words.flush()
    words.detach()


def _plain(value: Cell) -> str:
    if isinstance(value, Money):
        return sheets.decimal(value)
    if isinstance(value, date):
        return value.isoformat()
    return sheets.neutral(str(value)) if value is not None else ""


# --- XLSX


_TOTALS = (
    Text("Konto", "Account"), Text("Kontonavn", "Account name"), Text("Standardkonto", "Standard account"),
    Text("Standardkontos navn", "Standard account name"), Text("Produkt", "Product"),
    Text("Posteringer", "Postings"), Text("Debet", "Debit"), Text("Kredit", "Credit"), Text("Beløb", "Amount"),
)  # fmt: skip


def _write_xlsx(wanted: Wanted, rows: Iterator[list[Cell]], found: Sequence[AccountTotal], into: IO[bytes]) -> None:
    """Write two sheets: the postings, and what each account came to."""
    book = xlsxwriter.Workbook(into, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    start = wanted.period.start
    book.set_properties({"created": datetime(start.year, start.month, start.day)})  # not the time it is written
    styles = _Styles(*(book.add_format(style) for style in ({"bold": True}, {"num_format": "#,##0.00"},
                                                           {"num_format": "yyyy-mm-dd"})))  # fmt: skip
    _sheet(book, Text("Posteringer", "Postings")[wanted.language], _titles(wanted), rows, styles)
    totals: Iterator[list[Cell]] = (
        [*total.named, total.product, total.postings, total.debit, total.credit, total.amount] for total in found
    )
    _sheet(book, Text("Konti", "Accounts")[wanted.language], [title[wanted.language] for title in _TOTALS], totals,
           styles)  # fmt: skip
    book.close()


@dataclass(frozen=True, slots=True)
class _Styles:
    bold: Any
    money: Any
    days: Any


def _sheet(book: Any, name: str, titles: Sequence[str], rows: Iterator[list[Cell]], styles: _Styles) -> None:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for at, title in enumerate(titles):
        sheet.write_string(0, at, title, styles.bold)
    for below, row in enumerate(rows, start=1):
        if below > MOST_ROWS_OF_XLSX:
            raise _too_long()
        for at, value in enumerate(row):
            _put(sheet, (below, at), value, styles)


def _put(sheet: Any, place: tuple[int, int], value: Cell, styles: _Styles) -> None:
    if isinstance(value, Money):
        sheet.write_number(*place, value.ore / ORE_PER_KRONE, styles.money)  # a spreadsheet has no whole øre
    elif isinstance(value, date):
        sheet.write_datetime(*place, datetime(value.year, value.month, value.day), styles.days)
    elif isinstance(value, int):
        sheet.write_number(*place, value)
    elif value is not None:
        sheet.write_string(*place, value)


def _too_long() -> TooLong:
    return TooLong(
        Text("perioden har flere posteringer, end et regneark kan holde: tag den som csv, eller i mindre perioder",
             "the period has more postings than a spreadsheet holds: take it as csv, or in smaller periods")
    )  # fmt: skip


def told_unmapped(accounts: Sequence[str]) -> Text:
    """Say which accounts have no number in the public chart; they are in the file all the same."""
    named, more = accounts[:_NAMED], len(accounts) - _NAMED
    listed = joined(map(same, named), by=", ")
    if more > 0:
        listed += Text(f" og {more} til", f" and {more} more")
    return (
        Text("uden nummer i standardkontoplanen: ", "without a number in the standard chart: ") + listed
        + Text(". De er med i filen; accounts mapping propose giver dem et nummer",
               ". They are in the file; accounts mapping propose gives them one")
    )  # fmt: skip
