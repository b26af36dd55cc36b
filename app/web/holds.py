"""Disputes and promises in the browser: what holds a reminder of an invoice back, entered by finance with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import access, database
from app.schemas import HoldEnd, HoldEntry
from app.web import forms, invoices, layout
from billing import holds
from billing.holds import HoldRefused
from billing.reminder_plan import REMINDERS
from foundation.language import Text

blueprint = Blueprint("holds", __name__)


@blueprint.get("/invoices/<number>/holds")
@access.needs("reminders.plan")
def page(number: str) -> ResponseReturnValue:
    """Show the disputes and promises of an invoice."""
    with database.reading() as session:
        return _holds(session, number, {}, {})


@blueprint.post("/invoices/<number>/holds")
@access.needs("reminders.send")
def hold(number: str) -> ResponseReturnValue:
    """Enter a dispute or a promise."""
    sent = forms.read(HoldEntry)
    errors: Mapping[str, Text] = sent.errors
    if not errors:
        try:
            with layout.acting() as (session, trail):
                invoices.seen(session, number)
                holds.hold(session, number, sent["kind"], sent["reason"], trail, on=layout.today(),
                           until=sent.get("until"))  # fmt: skip
        except HoldRefused as refused:
            errors = {"until": refused.text}
    if errors:
        with database.reading() as session:
            return _holds(session, number, sent.typed, errors), 422
    layout.done(Text("Fakturaen rykkes ikke", "The invoice is not reminded of"))
    return redirect(f"/invoices/{number}/holds", 303)


@blueprint.post("/invoices/<number>/holds/<int:hold>/end")
@access.needs("reminders.send")
def release(number: str, hold: int) -> ResponseReturnValue:
    """End a dispute or a promise, with a reason."""
    reason = forms.taken(HoldEnd)["reason"]
    with layout.acting() as (session, trail):
        invoices.seen(session, number)
        holds.end(session, number, hold, reason, trail, on=layout.today())
    layout.done(Text("Fakturaen kan rykkes igen", "The invoice may be reminded of again"))
    return redirect(f"/invoices/{number}/holds", 303)


def _holds(session: Session, number: str, given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    id_ = invoices.seen(session, number)
    rows = session.execute(
        select(REMINDERS.c.number, REMINDERS.c.level, REMINDERS.c.issued_on)
        .where(REMINDERS.c.invoice_id == id_)
        .order_by(REMINDERS.c.level)
    ).all()
    return render_template(
        "reminders/holds.html", number=number, holds=holds.of(session, id_), given=given, errors=errors,
        kinds=holds.KINDS, today=layout.today(), sent=rows,
    )  # fmt: skip
