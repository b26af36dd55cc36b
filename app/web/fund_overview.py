"""All funds in the browser, quarter by quarter; and for an authority, its own share of what is published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from app import access, database
from app.web import fund_addresses, layout, lists, memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from authorities.register import AUTHORITIES
from billing.funding import naming, overview, publications
from billing.funding.overview import Row, Whole
from billing.funding.publications import Edition
from billing.funding.report import FundingReport, Payer
from foundation import periods
from foundation.language import Text, same
from foundation.money import ZERO, Money, total
from foundation.periods import Period
from foundation.sorting import alphabetical

blueprint = Blueprint("funds", __name__)

_YEARS = 10
_QUARTERS = ("1", "2", "3", "4")


@blueprint.get("/funds")
@access.needs("funding.read")
def page() -> ResponseReturnValue:
    """Show every fund the person may see, quarter by quarter, with sums and the proof that nothing was lost."""
    with database.reading() as session:
        listing, rows, wholes = _asked(session)
    return render_template(
        "funds/overview.html", page=memory_list.page(listing, rows, request.args), wholes=wholes, year=_year(),
        years=_years(), told=periods.told, quarter=quarter_of,
        of_association=lambda period: fund_addresses.trace(None, period),
    )  # fmt: skip


@blueprint.get("/funds.<form>")
@access.needs("funding.read")
def export(form: str) -> Response:
    """Give the list as shown, as a file."""
    with database.reading() as session:
        listing, rows, _ = _asked(session)
    return lists.export_rows(listing.name, listing.columns, rows, form)


def _year() -> int:
    """Read the year the address asks for; this one where it names none there is."""
    given = request.args.get("year", "")
    return int(given) if given in map(str, _years()) else layout.today().year


def quarter_of(period: Period) -> str:
    """Give the address at which a quarter's funds stand one by one: what the sums of all are made of."""
    year, _, nth = periods.name(period).partition("-Q")
    return f"/funds?year={year}&quarter={nth}#fund-by-fund"


def _years() -> range:
    this = layout.today().year
    return range(this, this - _YEARS, -1)


def _periods(year: int, quarter: str) -> list[Period]:
    return [periods.named(f"{year}-Q{nth}") for nth in ([quarter] if quarter else _QUARTERS)]


def _asked(session: Session) -> tuple[MemoryListing, list[Row], list[Whole]]:
    listing = _listing()
    given = memory_list.values(listing, request.args)
    sort, descending = memory_list.sorting(listing, request.args)
    known = overview.read(session, _periods(_year(), given["quarter"]), access.funds())
    found = [row for row in known.rows if given["q"].casefold() in naming.told(row.product)[layout.spoken()].casefold()]
    found.sort(key=lambda row: row.period.start)
    return listing, sorted(found, key=_ORDERS[sort], reverse=descending), known.wholes


_MONEY: Mapping[str, Text] = {
    "opening": Text("Primo", "Opening"), "earned": Text("Indtægter", "Income"), "spent": Text("Omkostninger", "Costs"),
    "result": Text("Resultat", "Result"), "transfers": Text("Overførsler", "Transfers"),
    "closing": Text("Ultimo", "Closing"), "receivables": Text("Udestående", "Outstanding"),
}  # fmt: skip


def _traced(name: str, title: Text, figure: str) -> Column:
    """Give the column of an amount, which leads to what it is made of; where there is none, nowhere."""

    def made_of(row: Row) -> str | None:
        return None if getattr(row, name) is None else fund_addresses.trace(row.product, row.period, figure)

    return Column(name, title, attrgetter(name), link=made_of)


def _known(name: str) -> Callable[[Row], Any]:
    """Order by what not every fund has: those without come first."""
    return lambda row: (getattr(row, name) is not None, getattr(row, name) or ZERO)


_ORDERS: Mapping[str, Callable[[Row], Any]] = {
    "product": lambda row: (row.product is None, alphabetical(row.product or "")),
    "period": lambda row: row.period.start,
    **{name: attrgetter(name) for name in _MONEY},
    **{name: _known(name) for name in ("budget", "deviation")},
}


def _listing() -> MemoryListing:
    columns = (
        Column("product", Text("Fond", "Fund"), lambda row: naming.told(row.product),
               link=lambda row: fund_addresses.address(row.product, row.period)),
        Column("period", Text("Kvartal", "Quarter"), lambda row: periods.name(row.period)),
        *(_traced(name, title, name) for name, title in _MONEY.items()),
        _traced("budget", Text("Budget, omkostninger", "Budget, costs"), "given"),
        _traced("deviation", Text("Afvigelse", "Deviation"), "left-over"),
        Column("version", Text("Version", "Version"),
               lambda row: same(f"v{row.version}") if row.version else None,
               link=lambda row: f"{fund_addresses.address(row.product, row.period)}/versions/{row.version}"
               if row.version else None),
    )  # fmt: skip
    return MemoryListing(
        name="funds",
        caption=Text("Fonde kvartal for kvartal", "Funds quarter by quarter"),
        columns=columns,
        filters=(
            Field("q", Text("Søg i navn", "Search in name")),
            Field("year", Text("År", "Year"), [Choice(str(year), same(str(year))) for year in _years()]),
            Field("quarter", Text("Kvartal", "Quarter"),
                  [Choice(nth, Text(f"{nth}. kvartal", f"quarter {nth}")) for nth in _QUARTERS]),
        ),
        sort="product",
        sortable=frozenset(_ORDERS),
        numbers=frozenset((*_MONEY, "budget", "deviation")),
        empty=Text("Der er ingen fonde at vise. De kommer med produkterne.",
                   "There are no funds to show. They come with the products."),
    )  # fmt: skip


# --- an authority's own share


@dataclass(frozen=True, slots=True)
class Share:
    """What one authority brought a fund in a published report."""

    edition: Edition
    authority: str
    payer: Payer | None
    earned: Money
    closing: Money

    @property
    def per_mille(self) -> int:
        """Give its share of the income, in whole per mille."""
        brought = self.payer.invoiced.ore if self.payer else 0
        return 0 if self.earned <= ZERO else brought * 1000 // self.earned.ore


@blueprint.get("/funds/shares")
@access.needs("funding.share")
def shares() -> ResponseReturnValue:
    """Show what the person's own authorities brought the funds of their products, as published."""
    with database.reading() as session:
        found = list(_shares(session))
    return render_template("funds/shares.html", shares=found, told=periods.told)


def _shares(session: Session) -> Sequence[Share]:
    own = {row.cvr: row.name for row in session.scalars(access.own_authorities("funding.share"))}
    connected = (
        select(AUTHORITIES.c.cvr, PRODUCTS.c.name)
        .join(AGREEMENTS, AGREEMENTS.c.authority_id == AUTHORITIES.c.id)
        .join(PRODUCTS, PRODUCTS.c.id == AGREEMENTS.c.product_id)
        .where(AUTHORITIES.c.cvr.in_(sorted(own)), AGREEMENTS.c.countersigned_on.is_not(None))
        .distinct()
    )
    pairs = {(row.cvr, row.name) for row in session.execute(connected)}
    published = publications.newest_of(session, {product for _, product in pairs})
    return [
        _share(each.edition, each.report, cvr, own[cvr])
        for each in published
        for cvr in sorted(own)
        if (cvr, each.edition.product) in pairs
    ]


def _share(edition: Edition, report: FundingReport, cvr: str, name: str) -> Share:
    payer = next((each for each in report.payers if each.cvr == cvr), None)
    return Share(edition, name, payer, total(each.invoiced for each in report.income), report.closing)
