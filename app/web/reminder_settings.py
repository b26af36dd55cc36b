"""The terms of reminding and the reference rates: proposed by one person, put in force by another."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, database
from app.schemas import Approval, RateEntry, ReminderTermsText
from app.web import deciding, forms, layout
from app.web.deciding import Find
from app.web.forms import Sent
from billing import interest, reminder_terms
from billing.interest import Rate, RateRefused
from billing.reminder_terms import TermsRefused
from foundation import proposals
from foundation.language import Text
from foundation.proposals import Proposal

blueprint = Blueprint("reminder_settings", __name__)

_KINDS = ("reminder_terms", "interest_rates")
_BASE = "/settings/reminders"
_WAITS = Text("Forslaget venter på, at en anden godkender det", "The proposal waits for another to approve it")


@blueprint.get("/settings/reminders")
@access.needs("settings.read")
def page() -> ResponseReturnValue:
    """Show the terms in force, the reference rates, and forms to propose others."""
    return _page({}, {})


def _page(given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        waiting = [each for kind in _KINDS for each in proposals.open(session, kind)]  # type: ignore[arg-type]
        known = interest.known(session)
        return render_template(
            "settings/reminders.html", terms=reminder_terms.current(session), text=reminder_terms.text(session),
            rates=sorted(known.values(), key=lambda rate: rate.valid_from, reverse=True), waiting=waiting, given=given,
            errors=errors, in_words=interest.in_words, missing=_missing(known),
        )  # fmt: skip


def _missing(known: Mapping[Any, Rate]) -> Text | None:
    """Say where the rate of this half-year is not entered."""
    begins = interest.half_year(layout.today())
    if begins in known:
        return None
    month = Text("januar", "January") if begins.month == 1 else Text("juli", "July")
    return Text(f"Referencesatsen fra 1. {month.da} {begins.year} er ikke indtastet",
                f"The reference rate from 1 {month.en} {begins.year} is not entered")  # fmt: skip


@blueprint.post("/settings/reminders/terms")
@access.needs("settings.propose")
def propose_terms() -> ResponseReturnValue:
    """Propose terms; every fault is told beside what was typed."""
    sent = forms.read(ReminderTermsText)
    if sent.errors:
        return _page(sent.typed, sent.errors), 422
    try:
        with layout.acting() as (session, trail):
            made = reminder_terms.propose(session, sent["text"], trail)
    except TermsRefused as refused:
        return _page(sent.typed, {"text": refused.text}), 422
    layout.done(_WAITS)
    return redirect(f"{_BASE}/proposals/{made.id}", 303)


@blueprint.post("/settings/reminders/rates")
@access.needs("settings.propose")
def propose_rate() -> ResponseReturnValue:
    """Propose the reference rate of a half-year, with its source."""
    sent = forms.read(RateEntry)
    if sent.errors:
        return _page(sent.typed, sent.errors), 422
    try:
        hundredths = interest.percent(sent["percent"])
    except RateRefused as refused:
        return _page(sent.typed, {"percent": refused.text}), 422
    try:
        with layout.acting() as (session, trail):
            made = interest.propose(session, [Rate(sent["valid_from"], hundredths, sent["source"])], trail)
    except RateRefused as refused:
        return _page(sent.typed, {"valid_from": refused.text}), 422
    layout.done(_WAITS)
    return redirect(f"{_BASE}/proposals/{made.id}", 303)


# --- deciding


@blueprint.get("/settings/reminders/proposals/<int:proposal>")
@access.needs("settings.read")
def one(proposal: int) -> ResponseReturnValue:
    """Show proposed terms beside those in force, or proposed rates."""
    return _page_of(proposal)


def _page_of(proposal: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _proposal(session, proposal)
        before = reminder_terms.text(session)
    is_terms = found.kind == "reminder_terms"
    lines = list(difflib.unified_diff(before.splitlines(), found.content.splitlines(), lineterm="", n=1))[2:]
    return render_template(
        "settings/reminder_proposal.html", proposal=found, difference=lines if is_terms else [],
        rates=[] if is_terms else interest.of_proposal(found), in_words=interest.in_words,
        own=proposals.is_same_person(found.proposed_by, access.current().actor), sent=sent,
    )  # fmt: skip


def _proposal(session: Session, id_: int) -> Proposal:
    found = proposals.get(session, id_)
    if found.kind not in _KINDS:
        raise proposals.NoSuchProposal(Text("det handler ikke om rykkervilkår", "that is not about terms of reminding"))
    return found


@blueprint.post("/settings/reminders/proposals/<int:proposal>/approve")
@access.needs("settings.approve", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Put proposed terms or rates in force: another person than who proposed them."""
    with layout.acting() as (session, trail):
        found = _proposal(session, proposal)
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        act = reminder_terms.approve if found.kind == "reminder_terms" else interest.approve
        act(session, proposal, trail)
    layout.done(Text("Det foreslåede gælder nu", "What was proposed is in force"))
    return redirect(_BASE, 303)


@blueprint.post("/settings/reminders/proposals/<int:proposal>/reject")
@access.needs("settings.approve")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject what is proposed, with a reason."""
    told = Text("Forslaget er afvist", "The proposal was rejected")
    return deciding.reject(_finding(proposal), partial(_page_of, proposal), told, f"{_BASE}/proposals/{proposal}")


@blueprint.post("/settings/reminders/proposals/<int:proposal>/withdraw")
@access.needs("settings.propose")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(_finding(proposal), told, f"{_BASE}/proposals/{proposal}")


def _finding(proposal: int) -> Find:
    return partial(_proposal, id_=proposal)
