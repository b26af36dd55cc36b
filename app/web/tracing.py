"""The krone's way in the browser: what a figure of a report is made of, and what an invoice's line paid for.

A group sees figures and authorities of its own product; texts, numbers of invoices and papers are the secretariat's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from app import access, database
from app.web import fund_addresses, lists, memory_list
from app.web.lists import Choice, Column, Filter, Listing
from app.web.memory_list import Field, MemoryListing
from authorities.register import AUTHORITIES
from billing.funding import figures, naming, tracing
from billing.funding.figures import Step, Trace
from billing.funding.tracing import ENTRY, KINDS, NoSuchLine
from foundation import periods
from foundation.language import Text, same
from foundation.money import ZERO, Money, total
from foundation.periods import Period
from foundation.sorting import alphabetical

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
        address=fund_addresses.trace(fund, of), report=fund_addresses.address(fund, of),
    )  # fmt: skip


@blueprint.get("/funds/trace/<product>/<period>.<any(csv,xlsx):form>")
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
    is_reached = access.may_fund("funding.read", found.product)
    report = fund_addresses.address(found.product, periods.year(found.year)) if is_reached else None
    return render_template("forecasts/upward.html", found=found, report=report)


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
            Column("text", Text("Tekst", "Text"), lambda row: row.text,
                   link=lambda row: _paper_of(row.kind, row.subject)),
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


def _paper_of(kind: str, subject: str | None) -> str | None:
    """Give where what a voucher books is seen: a cost, or the moves between funds."""
    if kind in ("cost", "accrual") and subject is not None:
        return f"/costs/{subject.split()[1]}"
    return "/transfers" if kind in ("opening", "transfer") else None


# --- a figure of the report


@blueprint.get("/funds/trace/<product>/<period>/<figure>")
@access.needs("funding.read")
def figure(product: str, period: str, figure: str) -> ResponseReturnValue:
    """Show what one figure of a report is made of, and that it adds up to the figure."""
    with database.reading() as session:
        fund, of = fund_addresses.found(session, product, period)
        found = figures.trace(session, fund, of, figure)
        listing, rows = _asked(found)
        shown = memory_list.page(listing, rows, request.args)
        rest_on = figures.agreements_of(session, fund, [step.invoice_id for step in shown.rows if step.invoice_id])
    shown = replace(shown, rows=[_with_agreement(step, rest_on) for step in shown.rows])  # type: ignore[misc, arg-type]
    return render_template(
        "forecasts/figure.html", page=shown, found=found, chosen=total(step.amount or ZERO for step in rows),
        fund=naming.told(fund), period=periods.told(of), address=fund_addresses.trace(fund, of, figure),
        report=fund_addresses.address(fund, of), whole_period=fund_addresses.trace(fund, of),
    )  # fmt: skip


@blueprint.get("/funds/trace/<product>/<period>/<figure>.<any(csv,xlsx):form>")
@access.needs("funding.read")
def export_figure(product: str, period: str, figure: str, form: str) -> Response:
    """Give what a figure is made of as a file."""
    with database.reading() as session:
        fund, of = fund_addresses.found(session, product, period)
        listing, rows = _asked(figures.trace(session, fund, of, figure))
    columns = [column for column in listing.columns if column.key != "agreement"]  # of which only the link says more
    return lists.export_rows(listing.name, columns, rows, form)


def _with_agreement(step: Step, rest_on: Mapping[int, int]) -> Step:
    if step.agreement_id is not None or step.invoice_id is None:
        return step
    return replace(step, agreement_id=rest_on.get(step.invoice_id))


def _asked(found: Trace) -> tuple[MemoryListing, list[Step]]:
    is_staff = access.scope("funding.read").everything
    listing = _of_steps(found, list(_columns(found.steps, is_staff=is_staff)))
    words = memory_list.values(listing, request.args).get("q", "").casefold()
    sort, descending = memory_list.sorting(listing, request.args)
    rows = [step for step in found.steps if words in (step.name or "").casefold()]
    return listing, sorted(rows, key=_ORDERS[sort], reverse=descending)


_ORDERS: Mapping[str, Callable[[Step], Any]] = {
    "date": lambda step: step.on or date.min,
    "what": lambda step: step.kind,
    "account": lambda step: step.account,
    "authority": lambda step: alphabetical(step.name or ""),
    "amount": lambda step: step.amount or ZERO,
}


def _of_steps(found: Trace, columns: Sequence[Column]) -> MemoryListing:
    keys = {column.key for column in columns}
    return MemoryListing(
        name="funds-figure",
        caption=found.title,
        columns=columns,
        filters=[Field("q", Text("Myndighed", "Authority"))] if "authority" in keys else [],
        sort="date",
        sortable=frozenset(_ORDERS) & keys | {"date"},
        numbers=frozenset({"amount"}),
        empty=Text("Tallet er nul, for intet er bogført. Se rapporten for en anden periode",
                   "The figure is zero, for nothing is booked. See the report of another period"),
    )  # fmt: skip


def _columns(steps: Sequence[Step], *, is_staff: bool) -> Iterator[Column]:
    """Give the columns that say something of these steps; a group sees no invoice, text or paper."""
    if any(step.on for step in steps) or not steps:
        yield Column("date", Text("Dag", "Day"), lambda step: step.on)
    if any(step.kind or step.title for step in steps):
        yield Column("what", Text("Hvad", "What"), _what, link=_below)
    if any(step.account for step in steps):
        yield Column("account", Text("Konto", "Account"), lambda step: step.account)
    if any(step.name and not step.title for step in steps):
        yield Column("authority", Text("Myndighed", "Authority"), lambda step: step.name or "",
                     link=lambda step: f"/authorities/{step.cvr}" if step.cvr else None)  # fmt: skip
    if any(step.agreement_id or step.invoice_id for step in steps):
        yield Column("agreement", Text("Aftale", "Agreement"),
                     lambda step: Text("Se aftale", "See agreement") if step.agreement_id else "",
                     link=lambda step: f"/agreements/{step.agreement_id}" if step.agreement_id else None)  # fmt: skip
    if is_staff:
        yield from _of_staff(steps)
    if any(step.amount is not None for step in steps) or not steps:
        yield Column("amount", Text("Beløb", "Amount"), lambda step: step.amount)


def _of_staff(steps: Sequence[Step]) -> Iterator[Column]:
    if any(step.number for step in steps):
        yield Column("number", Text("Faktura", "Invoice"), lambda step: step.number or "",
                     link=lambda step: f"/invoices/{step.number}" if step.number else None)  # fmt: skip
    if any(step.text for step in steps):
        yield Column("text", Text("Tekst", "Text"), lambda step: step.text or "",
                     link=lambda step: _paper_of(step.kind, step.subject))  # fmt: skip


def _what(step: Step) -> Text:
    return step.title or KINDS.get(step.kind, same(step.kind))


def _below(step: Step) -> str | None:
    if step.budget_id is not None and access.current().may("cost.read"):
        return f"/budgets/{step.budget_id}"
    if step.below is None:
        return None
    period, name = step.below
    return fund_addresses.trace(naming.product(str((request.view_args or {})["product"])), period, name)
