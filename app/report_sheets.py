"""A funding report as a spreadsheet: one sheet a subject, the same bytes whenever it is made of the same report."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter

from billing.funding import naming, summary
from billing.funding.report import Change, FundingReport, Membership
from billing.funding.report_pdf import DRAFT, Imprint
from foundation import periods
from foundation.language import Language, Text
from foundation.money import ORE_PER_KRONE, Money

Cell = Text | str | int | Money | date | None
Row = Sequence[Cell]

_IN_ALL = Text("I alt", "In all")
_AUTHORITY = Text("Myndighed", "Authority")
_INVOICED, _PAID = Text("Faktureret", "Invoiced"), Text("Heraf betalt", "Of that paid")
_BUDGET, _DEVIATION = Text("Budget", "Budget"), Text("Afvigelse", "Deviation")
_ACCOUNT, _NAME = Text("Konto", "Account"), Text("Kontonavn", "Account name")
_REMARK = Text("Bemærkning", "Remark")
_WIDE, _NARROW = 34, 16


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One sheet: its name, its headings, and its rows."""

    name: Text
    heads: Sequence[Text]
    rows: Callable[[FundingReport, Imprint], Iterator[Row]]


def render(report: FundingReport, language: Language = "da", imprint: Imprint = DRAFT) -> bytes:
    """Give a report as XLSX."""
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    dated = imprint.dated_on or report.period.last_day or report.period.start
    book.set_properties(
        {"title": summary.title(report)[language], "author": imprint.publisher, "created": _midnight(dated)}
    )
    styles = _Styles(*(book.add_format(style) for style in ({"bold": True}, {"num_format": "#,##0.00"},
                                                           {"num_format": "yyyy-mm-dd"})))  # fmt: skip
    for sheet in _SHEETS:
        _write(book.add_worksheet(sheet.name[language]), sheet, sheet.rows(report, imprint), (styles, language))
    book.close()
    return held.getvalue()


@dataclass(frozen=True, slots=True)
class _Styles:
    bold: Any
    money: Any
    days: Any


def _midnight(value: date) -> datetime:
    return datetime(value.year, value.month, value.day)


def _write(into: Any, sheet: _Sheet, rows: Iterator[Row], how: tuple[_Styles, Language]) -> None:
    styles, language = how
    into.freeze_panes(1, 0)
    into.set_column(0, 0, _WIDE)
    into.set_column(1, len(sheet.heads) - 1, _NARROW)
    for at, title in enumerate(sheet.heads):
        into.write_string(0, at, title[language], styles.bold)
    for below, row in enumerate(rows, start=1):
        for at, value in enumerate(row):
            _put(into, (below, at), value[language] if isinstance(value, Text) else value, styles)


def _put(into: Any, place: tuple[int, int], value: str | int | Money | date | None, styles: _Styles) -> None:
    if isinstance(value, Money):
        into.write_number(*place, value.ore / ORE_PER_KRONE, styles.money)  # a spreadsheet has no whole øre
    elif isinstance(value, date):
        into.write_datetime(*place, _midnight(value), styles.days)
    elif isinstance(value, int):
        into.write_number(*place, value)
    elif value:
        into.write_string(*place, value)


# --- the sheets


def _overview(report: FundingReport, imprint: Imprint) -> Iterator[Row]:
    yield Text("Fond", "Fund"), naming.told(report.product)
    yield Text("Periode", "Period"), periods.told(report.period)
    yield Text("Version", "Version"), imprint.version or Text("Kladde", "Draft")
    for notice in imprint.notices:
        yield Text("Bemærk", "Note"), notice
    yield Text("Primo", "Opening balance"), report.opening
    yield Text("Indtægter", "Income"), report.earned
    yield Text("Omkostninger", "Costs"), report.spent
    yield Text("Resultat", "Result"), report.result
    yield Text("Overførsler", "Transfers"), report.transfers
    yield Text("Ultimo", "Closing balance"), report.closing
    yield Text("Udestående fakturaer", "Invoices outstanding"), report.receivables
    yield Text("Bidrag givet videre til foreningen", "Contribution passed on to the association"), report.passed_on
    for each in report.connected:
        yield Text("Tilsluttede myndigheder", "Connected authorities"), each.authorities, each.on
    yield Text("Vedtaget budget", "Adopted budget"), report.budget
    yield Text("Sammenfatning", "Summary"), summary.paragraph(report)
    if report.remark:
        yield summary.REMARKS, report.remark
    yield Text("Kontrolsum af posteringerne", "Digest of the postings"), report.ledger_head


def _income(report: FundingReport, imprint: Imprint) -> Iterator[Row]:
    for each in report.income:
        yield each.name, each.account, each.invoiced, each.paid, each.budget, each.remark
    yield _IN_ALL, None, report.earned, report.paid


def _authorities(report: FundingReport, imprint: Imprint) -> Iterator[Row]:
    yes, no = Text("ja", "yes"), Text("nej", "no")
    for each in report.payers:
        yield (each.name, each.cvr, None if each.band is None else summary.band(each.band),
               yes if each.is_member else no, each.invoiced, each.paid, each.outstanding)  # fmt: skip


def _bands(report: FundingReport, imprint: Imprint) -> Iterator[Row]:
    for each in report.bands:
        yield summary.band(each.band), each.authorities, each.invoiced, each.paid
    yield _group(Text("Medlemmer af OS2", "Members of OS2"), report.members)
    yield _group(Text("Ikke medlemmer", "Not members"), report.others)


def _group(title: Text, of: Membership) -> Row:
    return title, of.authorities, of.invoiced, of.paid


def _costs(report: FundingReport, imprint: Imprint) -> Iterator[Row]:
    for each in report.costs:
        yield each.name, each.account, each.spent, each.budget, each.deviation, each.remark
    yield _IN_ALL, None, report.spent, report.given, report.deviation


def _changes(report: FundingReport, imprint: Imprint) -> Iterator[Row]:
    for title, changes in ((Text("Tilsluttet", "Joined"), report.joined), (Text("Udtrådt", "Left"), report.left),
                           (Text("Opsagt", "Under notice"), report.under_notice)):  # fmt: skip
        yield from (_change(title, each) for each in changes)


def _change(title: Text, each: Change) -> Row:
    return each.name, each.cvr, title, each.on, each.ends_on


_SHEETS = (
    _Sheet(Text("Overblik", "Overview"), (Text("Post", "Item"), Text("Værdi", "Value"), Text("Dato", "Day")),
           _overview),
    _Sheet(Text("Indtægter", "Income"), (_NAME, _ACCOUNT, _INVOICED, _PAID, _BUDGET, _REMARK), _income),
    _Sheet(Text("Myndigheder", "Authorities"),
           (_AUTHORITY, Text("CVR-nummer", "CVR number"), Text("Størrelse", "Size"), Text("Medlem", "Member"),
            _INVOICED, _PAID, Text("Udestående", "Outstanding")), _authorities),
    _Sheet(Text("Størrelser", "Sizes"), (Text("Gruppe", "Group"), Text("Myndigheder", "Authorities"), _INVOICED, _PAID),
           _bands),
    _Sheet(Text("Omkostninger", "Costs"),
           (_NAME, _ACCOUNT, Text("Brugt", "Spent"), _BUDGET, _DEVIATION, _REMARK), _costs),
    _Sheet(Text("Ændringer", "Changes"),
           (_AUTHORITY, Text("CVR-nummer", "CVR number"), Text("Hændelse", "Change"), Text("Dato", "Day"),
            Text("Ophører", "Ends")), _changes),
)  # fmt: skip
