"""What a figure of a forecast is made of, in the browser: as a list that adds up to it, and as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from app import access, database
from app.web import fund_addresses, layout, lists, memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from billing.funding import forecast_parts
from billing.funding.forecast_parts import COUNTED, Part, Row
from billing.funding.pipeline import STAGES
from fee_tables.calculation import Kind
from fee_tables.size_key import band_title
from foundation.language import Text, same
from foundation.money import ZERO, Money, total
from foundation.sorting import alphabetical

blueprint = Blueprint("forecast_parts", __name__)

_KINDS: Mapping[str, Text] = {
    Kind.ANNUAL_FEE.value: Text("Vederlag", "Annual fee"),
    Kind.JOINING_FEE.value: Text("Tilslutningsafgift", "Joining fee"),
    Kind.REBATE.value: Text("Rabat på tilslutningsafgift", "Rebate on the joining fee"),
    Kind.EXEMPTION.value: Text("Fritagelse for tilslutningsafgift", "Exemption from the joining fee"),
}


@blueprint.get("/forecast/<product>/<int:year>/<part>")
@access.needs("funding.read")
def page(product: str, year: int, part: str) -> ResponseReturnValue:
    """Show what one figure of today's forecast is made of, and that it adds up to the figure."""
    return _page(
        product, year, _today(product, year, part), f"/forecast/{quote(product)}/{year}/{quote(part, safe=':')}"
    )


@blueprint.get("/forecast/<product>/<int:year>/<part>.<any(csv,xlsx):form>")
@access.needs("funding.read")
def export(product: str, year: int, part: str, form: str) -> Response:
    """Give the same as a file."""
    return _file(product, _today(product, year, part), form)


@blueprint.get("/forecast/<product>/<int:year>/kept/<int:kept>/<part>")
@access.needs("funding.read")
def page_kept(product: str, year: int, kept: int, part: str) -> ResponseReturnValue:
    """Show what one figure of a kept forecast is made of, or what tells it from what was invoiced."""
    return _page(product, year, _kept(product, year, kept, part), fund_addresses.forecast(product, year, part, kept))


@blueprint.get("/forecast/<product>/<int:year>/kept/<int:kept>/<part>.<any(csv,xlsx):form>")
@access.needs("funding.read")
def export_kept(product: str, year: int, kept: int, part: str, form: str) -> Response:
    """Give the same as a file."""
    return _file(product, _kept(product, year, kept, part), form)


def _today(product: str, year: int, part: str) -> Part:
    fund_addresses.refuse_beyond(product)
    with database.reading() as session:
        return forecast_parts.take_apart(session, product, year, layout.today(), part)


def _kept(product: str, year: int, kept: int, part: str) -> Part:
    fund_addresses.refuse_beyond(product)
    with database.reading() as session:
        return forecast_parts.take_kept_apart(session, product, year, kept, part)


def _page(product: str, year: int, found: Part, address: str) -> str:
    listing, rows = _asked(product, found)
    return render_template(
        "forecasts/part.html", page=memory_list.page(listing, rows, request.args), found=found, product=product,
        year=year, address=address, forecast=fund_addresses.forecast(product, year), sums=_sums(listing, rows),
    )  # fmt: skip


def _file(product: str, found: Part, form: str) -> Response:
    listing, rows = _asked(product, found)
    columns = [column for column in listing.columns if column.key != "agreement"]  # of which only the link says more
    return lists.export_rows(listing.name, columns, rows, form)


def _asked(product: str, found: Part) -> tuple[MemoryListing, list[Row]]:
    listing = _listing(found, list(_columns(product, found)))
    given = memory_list.values(listing, request.args)
    words, kind = given["q"].casefold(), given.get("kind", "")
    sort, descending = memory_list.sorting(listing, request.args)
    rows = [row for row in found.rows if words in f"{row.name} {row.cvr}".casefold() and kind in ("", row.kind)]
    return listing, sorted(rows, key=_ORDERS[sort], reverse=descending)


def _sums(listing: MemoryListing, rows: Sequence[Row]) -> list[tuple[str, Text, Money]]:
    """Give the sum of each column of amounts, by its key."""
    return [
        (column.key, column.title, total(getattr(row, column.key) or ZERO for row in rows))
        for column in listing.columns
        if column.key in _AMOUNTS
    ]


_AMOUNTS: Mapping[str, Text] = {
    "before": Text("Før", "Before"), "after": Text("Efter", "After"), "whole": Text("Ville give", "Would bring"),
    "amount": Text("Beløb", "Amount"),
}  # fmt: skip
_OF_PARTS: Mapping[str, Mapping[str, Text]] = {
    "pipeline": {"amount": Text("Regnet med", "Counted")},
    forecast_parts.OUTCOME: {
        "whole": Text("Uden moms", "Without VAT"), "amount": Text("Heraf til fonden", "Of that to the fund"),
    },
    forecast_parts.CHANGE: {"amount": Text("Forskel", "Difference")},
    forecast_parts.DIFFERENCE: {
        "before": Text("Ventet", "Expected"), "after": Text("Faktureret", "Invoiced"),
        "amount": Text("Forskel", "Difference"),
    },
}  # fmt: skip


def _listing(found: Part, columns: Sequence[Column]) -> MemoryListing:
    keys = {column.key for column in columns}
    kinds = [Choice(kind, told) for kind, told in _KINDS.items() if any(row.kind == kind for row in found.rows)]
    of_kind = [Field("kind", Text("Slags", "Kind"), kinds)] if len(kinds) > 1 else []
    return MemoryListing(
        name="forecast-part",
        caption=found.title,
        columns=columns,
        filters=[Field("q", Text("Myndighed eller CVR", "Authority or CVR")), *of_kind],
        sort="authority",
        sortable=frozenset(_ORDERS) & keys,
        numbers=frozenset({*_AMOUNTS, "percent"}),
        empty=Text("Tallet er nul, for intet hører til det. Se prognosens andre led",
                   "The figure is zero, for nothing belongs to it. See the other terms of the forecast"),
    )  # fmt: skip


_ORDERS: Mapping[str, Callable[[Row], Any]] = {
    "authority": lambda row: (alphabetical(row.name), row.cvr),
    "kind": lambda row: (row.kind, alphabetical(row.name)),
    "on": lambda row: (row.on or date.min, alphabetical(row.name)),
    "ends_on": lambda row: (row.ends_on or date.max, alphabetical(row.name)),
    "expected": lambda row: (row.expected_from or date.min, alphabetical(row.name)),
    "percent": lambda row: row.percent or 0,
    "before": lambda row: row.before or ZERO,
    "after": lambda row: row.after or ZERO,
    "whole": lambda row: row.whole or ZERO,
    "amount": lambda row: row.amount or ZERO,
}


# --- the columns


def _columns(product: str, found: Part) -> Iterator[Column]:
    """Give the columns that say something of these rows; a group sees no invoice."""
    rows = found.rows
    yield Column("authority", Text("Myndighed", "Authority"), lambda row: row.name, link=lambda row: _who(product, row))
    if any(row.agreement_id for row in rows):
        yield Column("agreement", Text("Aftale", "Agreement"),
                     lambda row: Text("Se aftale", "See agreement") if row.agreement_id else "",
                     link=lambda row: f"/agreements/{row.agreement_id}" if row.agreement_id else None)  # fmt: skip
    if any(row.on for row in rows):
        yield Column("on", _DAYS.get(found.name, Text("Dag", "Day")), lambda row: row.on)
    if any(row.kind for row in rows):
        yield Column("kind", Text("Slags", "Kind"), lambda row: _KINDS.get(row.kind, same(row.kind)))
    yield from _of_reasons(rows)
    if any(row.ends_on for row in rows):
        yield Column("ends_on", Text("Opsagt til", "Notice to"), lambda row: row.ends_on)
    yield from _of_pipeline(rows)
    if any(row.number for row in rows) and access.scope("funding.read").everything:
        yield Column("number", Text("Faktura", "Invoice"), lambda row: row.number or "",
                     link=lambda row: f"/invoices/{row.number}" if row.number else None)  # fmt: skip
    if found.name not in COUNTED:
        yield from _of_amounts(found)


_DAYS: Mapping[str, Text] = {
    "ended": Text("Ophørt", "Ended"), "standing": Text("I kraft", "In force"),
    forecast_parts.OUTCOME: Text("Faktureret", "Invoiced on"),
}  # fmt: skip


def _who(product: str, row: Row) -> str | None:
    """Give where an authority is seen; one on the way as the case it is."""
    if row.journey is not None:
        return f"/pipeline/journeys/{row.journey}"
    if row.stage:
        return f"/pipeline/{row.cvr}/{quote(product)}"
    return f"/authorities/{row.cvr}"


def _of_reasons(rows: Sequence[Row]) -> Iterator[Column]:
    if any(row.band for row in rows):
        yield Column("band", Text("Størrelse", "Size"), lambda row: band_title(row.band) if row.band else "")
    if any(row.table for row in rows):
        yield Column("table", Text("Takstblad", "Fee table"), lambda row: row.table.valid_from if row.table else None,
                     link=_table)  # fmt: skip
    if any(row.why_before for row in rows):
        yield Column("why_before", Text("Hvorfor før", "Why before"), lambda row: row.why_before)
    if any(row.why for row in rows):
        yield Column("why", Text("Hvorfor", "Why"), lambda row: row.why)


def _table(row: Row) -> str | None:
    return f"/fee-tables/{quote(row.table.product)}/{row.table.valid_from}" if row.table else None


def _of_pipeline(rows: Sequence[Row]) -> Iterator[Column]:
    if any(row.stage for row in rows):
        yield Column("stage", Text("Trin", "Step"), lambda row: STAGES[row.stage] if row.stage else "")
        yield Column("expected", Text("Ventes fra", "Expected from"), lambda row: row.expected_from)
        yield Column("percent", Text("Sandsynlighed i %", "Probability in %"), lambda row: row.percent)


def _of_amounts(found: Part) -> Iterator[Column]:
    titles = {**_AMOUNTS, **_OF_PARTS.get(found.name.partition(":")[0], {})}
    for key in _AMOUNTS:
        if key == "amount" or any(getattr(row, key) is not None for row in found.rows):
            yield Column(key, titles[key], _amount(key))


def _amount(key: str) -> Callable[[Row], Money | None]:
    def cell(row: Row) -> Money | None:
        value: Money | None = getattr(row, key)
        return value

    return cell
