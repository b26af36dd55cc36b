"""The krone's way in the browser: what a figure of a report is made of, and what an invoice's line paid for.

A group sees figures and authorities of its own product; texts, numbers of invoices and papers are the secretariat's.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from app import access, database
from app.web import fund_addresses, lists
from app.web.lists import Choice, Column, Filter, Listing
from authorities.register import AUTHORITIES
from billing.funding import naming, tracing
from billing.funding.tracing import ENTRY, KINDS, NoSuchLine
from foundation import periods
from foundation.language import Text, same
from foundation.money import Money
from foundation.periods import Period

blueprint = Blueprint("tracing", __name__)


@blueprint.get("/funds/trace/<product>/<period>")
@access.needs("funding.read")
def page(product: str, period: str) -> ResponseReturnValue:
    """List what a fund's figures of a period are made of; the sum stands at the end."""
    with database.reading() as session:
        fund, of = fund_addresses.found(session, product, period)
        listing = _listing(fund, of)
        shown = lists.page(session, listing)
        narrowed = [each.narrow(shown.values[each.key]) for each in listing.filters if shown.values[each.key]]
        whole = tracing.whole(session, fund, of, *narrowed)
    return render_template(
        "forecasts/trace.html", page=shown, whole=whole, fund=naming.told(fund), period=periods.told(of),
        address=f"/funds/trace/{product}/{period}", report=fund_addresses.address(fund, of),
    )  # fmt: skip


@blueprint.get("/funds/trace/<product>/<period>.<form>")
@access.needs("funding.read")
def export(product: str, period: str, form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        fund, of = fund_addresses.found(session, product, period)
        return lists.export(session, _listing(fund, of), form)


@blueprint.get("/funds/trace/<number>/lines/<int:at>")
@access.needs("invoice.read")
def line(number: str, at: int) -> ResponseReturnValue:
    """Show which fund a line of an invoice brought money, and what that fund spent its year's money on."""
    if not 1 <= at <= _MOST_LINES:
        raise NoSuchLine(Text("fakturaen har ikke den linje", "the invoice has no such line"))
    with database.reading() as session:
        found = tracing.upward(session, number, at)
    if not access.reaches("invoice.read", found.authority_id):
        raise NoSuchLine(Text("fakturaen har ikke den linje", "the invoice has no such line"))
    return render_template("forecasts/upward.html", found=found)


_MOST_LINES = 100_000


def _is_kind(given: str) -> ColumnElement[bool]:
    kind: ColumnElement[bool] = ENTRY.c.kind == given
    return kind


def _listing(fund: str | None, period: Period) -> Listing:
    is_staff = access.scope("funding.read").everything
    columns = [
        Column("date", Text("Dag", "Day"), lambda row: row.posted_on, ENTRY.c.posted_on),
        Column("kind", Text("Slags", "Kind"), lambda row: KINDS.get(row.kind, same(row.kind)), ENTRY.c.kind),
        Column("account", Text("Konto", "Account"), lambda row: row.account, ENTRY.c.account),
        Column("authority", Text("Myndighed", "Authority"), lambda row: row.name or "", AUTHORITIES.c.name),
    ]
    if is_staff:
        columns += [
            Column("number", Text("Faktura", "Invoice"), lambda row: row.number or "", None,
                   lambda row: f"/invoices/{row.number}" if row.number else None),
            Column("text", Text("Tekst", "Text"), lambda row: row.text),
        ]  # fmt: skip
    columns.append(Column("amount", Text("Beløb", "Amount"), lambda row: Money(int(row.ore)), ENTRY.c.amount_ore))
    return Listing(
        name="funds-trace",
        caption=Text("Det, tallet er lavet af", "What the figure is made of"),
        statement=tracing.postings(fund, period),
        columns=columns,
        filters=(
            Filter("account", Text("Konto", "Account"), lambda words: lists.contains(ENTRY.c.account, words)),
            Filter("q", Text("Myndighed", "Authority"), lambda words: lists.contains(AUTHORITIES.c.name, words)),
            Filter("kind", Text("Slags", "Kind"), _is_kind, [Choice(kind, told) for kind, told in KINDS.items()]),
        ),
        sort="date",
        tie=(ENTRY.c.kind, ENTRY.c.subject_id, ENTRY.c.position),
        empty=Text("Intet er bogført i fonden i perioden. Vælg en anden periode, eller nulstil filteret",
                   "Nothing is booked in the fund in the period. Choose another period, or reset the filter"),
        numbers=frozenset({"amount"}),
    )  # fmt: skip
