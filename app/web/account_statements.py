"""An authority's account: what it owes on a day and why, what stands to its credit; and giving money back or up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, database
from app.schemas import AskedBack, CreditUse, GivenUp
from app.web import authorities, forms, invoices, layout, lists, memory_list
from app.web.forms import Sent
from app.web.lists import Column
from app.web.memory_list import NotAnAmount
from billing import balances, payments, placing, reminder_charges, settlements
from billing.balances import MOVEMENTS
from billing.payments import EVER, MoreThanOwed, Unplaceable
from billing.reasons import NoSuchInvoice
from billing.reminder_charges import Charged
from billing.settlements import RefundOrder, WaiverOrder, WriteOffOrder
from foundation.errors import NotFound
from foundation.language import Text, same
from foundation.money import ZERO, Money

blueprint = Blueprint("account_statements", __name__)

_REFUSALS = (MoreThanOwed, Unplaceable, NotAnAmount)


class NoSuchDay(NotFound):
    """The address asks for a day that there is not."""


# --- the account


@blueprint.get("/authorities/<cvr>/account")
@access.needs("statement.read")
def page(cvr: str) -> ResponseReturnValue:
    """Show an authority's account on a day."""
    with database.reading() as session:
        return _page(session, cvr)


def _page(session: Session, cvr: str, *, used: Sent = forms.UNSENT, asked: Sent = forms.UNSENT) -> str:
    """Show the account; what was typed to use the credit, and to ask it back, each in its own form."""
    authority = authorities.load(session, cvr, "statement.read")
    on = _day()
    found = balances.statement(session, authority.id, on)
    return render_template(
        "payments/account.html", authority=authority, found=found, on=on, kinds=MOVEMENTS, stands=balances.stands,
        ages=balances.by_age(found.owed, on), barred_after=balances.limitation_day,
        used=used, asked=asked, is_today=on == layout.today(),
    )  # fmt: skip


@blueprint.get("/authorities/<cvr>/account.<form>")
@access.needs("statement.read")
def export(cvr: str, form: str) -> Response:
    """Give an authority's account as a file."""
    with database.reading() as session:
        authority = authorities.load(session, cvr, "statement.read")
        found = balances.statement(session, authority.id, _day())
    return lists.export_rows(f"account-{cvr}", COLUMNS, found.movements, form)


COLUMNS = (
    Column("on", Text("Dag", "Day"), lambda row: row.on),
    Column("kind", Text("Slags", "Kind"), lambda row: MOVEMENTS.get(row.kind, same(row.kind))),
    Column("invoice", Text("Faktura", "Invoice"), lambda row: row.invoice),
    Column("text", Text("Tekst", "Text"), lambda row: row.words),
    Column("amount", Text("Beløb", "Amount"), lambda row: row.amount),
    Column("balance", Text("Saldo", "Balance"), lambda row: row.balance),
)


def _day() -> date:
    """Read the day from the address; today where there is none. Raises NoSuchDay."""
    given = request.args.get("on", "")
    if not given:
        return layout.today()
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise NoSuchDay(Text("dagen skrives som 2027-12-31", "a day is written like 2027-12-31")) from None


# --- giving back, and using


@blueprint.post("/authorities/<cvr>/account/refund")
@access.needs("refund.prepare")
def refund(cvr: str) -> ResponseReturnValue:
    """Propose to pay an authority's credit back."""
    sent = _seen(cvr, AskedBack)
    if not sent.errors:
        try:
            with layout.acting() as (session, trail):
                order = RefundOrder(cvr, _amount(sent["amount"]), sent["reason"])
                made = settlements.propose_refund(session, order, trail)
            return redirect(f"/payments/proposals/{made.id}", 303)
        except _REFUSALS as refused:
            sent = replace(sent, errors={"amount": refused.text})
    with database.reading() as session:
        return _page(session, cvr, asked=sent), 422


@blueprint.post("/authorities/<cvr>/account/use")
@access.needs("payment.match")
def use(cvr: str) -> ResponseReturnValue:
    """Use an authority's credit on an invoice of its own."""
    sent = _seen(cvr, CreditUse)
    if not sent.errors:
        try:
            with layout.acting() as (session, trail):
                authorities.load(session, cvr, "statement.read")
                used = placing.of_credit(session, cvr, sent["number"], _amount(sent["amount"]))
                payments.place(session, [used], layout.today(), trail)
            layout.done(Text("Beløbet er flyttet til fakturaen", "The amount was moved to the invoice"))
            return redirect(f"/authorities/{cvr}/account", 303)
        except Unplaceable as refused:
            sent = replace(sent, errors={"number": refused.text})
        except (MoreThanOwed, NotAnAmount) as refused:
            sent = replace(sent, errors={"amount": refused.text})
    with database.reading() as session:
        return _page(session, cvr, used=sent), 422


def _seen(cvr: str, form: Any) -> forms.Sent:
    with database.reading() as session:
        authorities.load(session, cvr, "statement.read")
    return forms.read(form)


def _amount(words: str) -> Money:
    found = memory_list.amount(words, layout.spoken())
    return ZERO if found is None else found


# --- giving up


@blueprint.get("/invoices/<number>/write-off")
@access.needs("refund.prepare")
def write_off_form(number: str) -> ResponseReturnValue:
    """Show what an invoice owes, to be given up."""
    with database.reading() as session:
        return _write_off(session, number, {}, {})


@blueprint.post("/invoices/<number>/write-off")
@access.needs("refund.prepare")
def write_off(number: str) -> ResponseReturnValue:
    """Propose to give up what an invoice owes."""
    with database.reading() as session:
        _owed(session, number)
    sent = forms.read(GivenUp)
    errors = sent.errors
    if not errors:
        try:
            with layout.acting() as (session, trail):
                order = WriteOffOrder(number, _amount(sent["amount"]), sent["reason"], sent["with_vat"])
                made = settlements.propose_write_off(session, order, trail)
            return redirect(f"/payments/proposals/{made.id}", 303)
        except _REFUSALS as refused:
            errors = {"amount": refused.text}
    with database.reading() as session:
        return _write_off(session, number, sent.typed, errors), 422


def _write_off(session: Session, number: str, given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    owed = _owed(session, number)
    return render_template("payments/write_off.html", owed=owed, given=given, errors=errors,
                           barred_after=balances.limitation_day(owed.due_on), today=layout.today())  # fmt: skip


def _owed(session: Session, number: str) -> balances.Owed:
    found = balances.one(session, EVER, invoices.seen(session, number))
    if found is None:
        raise NoSuchInvoice(Text("kun en faktura kan afskrives", "only an invoice can be written off"))
    return found


@blueprint.get("/invoices/<number>/waiver")
@access.needs("refund.prepare")
def waiver_form(number: str) -> ResponseReturnValue:
    """Show what the reminders of an invoice charge, to be let go of."""
    with database.reading() as session:
        return _waiver(session, number, {}, {})


@blueprint.post("/invoices/<number>/waiver")
@access.needs("refund.prepare")
def waiver(number: str) -> ResponseReturnValue:
    """Propose to let go of what the reminders of an invoice charge."""
    with database.reading() as session:
        _charged(session, number)
    sent = forms.read(AskedBack)
    errors = sent.errors
    if not errors:
        try:
            with layout.acting() as (session, trail):
                order = WaiverOrder(number, _amount(sent["amount"]), sent["reason"])
                made = settlements.propose_waiver(session, order, trail)
            return redirect(f"/payments/proposals/{made.id}", 303)
        except _REFUSALS as refused:
            errors = {"amount": refused.text}
    with database.reading() as session:
        return _waiver(session, number, sent.typed, errors), 422


def _waiver(session: Session, number: str, given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    return render_template("payments/waiver.html", charged=_charged(session, number), given=given, errors=errors)


def _charged(session: Session, number: str) -> Charged:
    found = reminder_charges.charged(session, EVER).get(invoices.seen(session, number))
    if found is None:
        raise NoSuchInvoice(Text("ingen rykker for den faktura koster noget", "no reminder of it charges anything"))
    return found
