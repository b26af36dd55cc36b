"""The books in the browser: periods, what each account came to, files, closing by two people, and the mapping."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, database, posting_files
from app.posting_files import Wanted
from app.schemas import Approval, MappingText, Nothing
from app.web import deciding, forms, layout, postings
from app.web.deciding import Find
from app.web.forms import Sent
from billing import account_mapping, bookkeeping, closed_periods
from billing.account_mapping import MappingRefused
from foundation import periods, proposals
from foundation.errors import NotFound
from foundation.language import Text
from foundation.money import total
from foundation.periods import NotAPeriod, Period
from foundation.proposals import Kind, Proposal

blueprint = Blueprint("accounts", __name__)

_SHOWN = 50  # earlier mappings
_REJECTED = Text("Forslaget er afvist", "The proposal was rejected")
_WITHDRAWN = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")


class NoSuchPeriod(NotFound):
    """The address names no period."""


@blueprint.get("/accounts")
@access.needs("accounts.read")
def page() -> ResponseReturnValue:
    """Show the periods: what waits, the closed ones, and the quarters that are open; or go to the one asked for."""
    if asked := request.args.get("period", "").strip():
        try:
            return redirect(f"/accounts/{periods.name(periods.named(asked))}", 303)
        except NotAPeriod as wrong:
            return _page(asked, {"period": wrong.text}), 422
    return _page("", {})


def _page(asked: str, errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        return render_template(
            "accounts/page.html",
            waiting=proposals.open(session, "close_period"),
            mappings=proposals.open(session, "account_mapping"),
            has_mapping=account_mapping.current_text(session) is not None,
            closed=closed_periods.listed(session),
            opened=bookkeeping.open_quarters(session, layout.today()),
            asked=asked,
            errors=errors,
        )


# --- one period


@blueprint.get("/accounts/<name>")
@access.needs("accounts.read")
def period(name: str) -> ResponseReturnValue:
    """Show what each account came to in a period; files of it, and closing it."""
    wanted = _period(name)
    with database.reading() as session:
        found = bookkeeping.totals(session, wanted)
        waiting = proposals.open_for(session, "close_period", periods.name(wanted))
        closed = next((each for each in closed_periods.listed(session) if each.period == wanted), None)
        why_not = None if closed else bookkeeping.why_not_closable(session, wanted, layout.today())
    return render_template(
        "accounts/period.html", name=periods.name(wanted), period=wanted, totals=found, waiting=waiting,
        closed=closed, why_not=why_not, unmapped=bookkeeping.unmapped(found), columns=posting_files.COLUMNS,
        usual=posting_files.USUAL, debit=total(each.debit for each in found),
        credit=total(each.credit for each in found),
    )  # fmt: skip


def _period(name: str) -> Period:
    try:
        return periods.named(name)
    except NotAPeriod as wrong:
        raise NoSuchPeriod(wrong.text) from None


@blueprint.get("/accounts/<name>/postings.<form>")
@access.needs("accounts.read")
def export(name: str, form: str) -> Response:
    """Give the postings of a period as a file; the audit trail tells who took it."""
    if form not in posting_files.FORMS:
        raise NotFound(Text("Posteringerne kan hentes som csv eller xlsx", "The postings come as csv or xlsx"))
    columns = posting_files.columns(",".join(request.args.getlist("columns")))
    return postings.answered(Wanted(_period(name), form, columns, layout.spoken()))


# --- closing


@blueprint.post("/accounts/<name>/close")
@access.needs("accounts.prepare")
def close(name: str) -> ResponseReturnValue:
    """Propose to close a period."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        made = bookkeeping.propose_closing(session, _period(name), trail, on=layout.today())
    layout.done(Text("Lukningen venter på, at en anden godkender den", "The closing waits for another to approve it"))
    return redirect(f"/accounts/closings/{made.id}", 303)


@blueprint.get("/accounts/closings/<int:proposal>")
@access.needs("accounts.read")
def closing(proposal: int) -> ResponseReturnValue:
    """Show a proposed closing: what stands in the period, and whether that is still what was proposed."""
    return _closing(proposal)


def _closing(proposal: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _found(session, proposal, "close_period")
        wanted = bookkeeping.period_of(found)
        totals = bookkeeping.totals(session, wanted)
    return render_template(
        "accounts/closing.html", proposal=found, period=wanted, said=json.loads(found.content), totals=totals,
        unmapped=bookkeeping.unmapped(totals), own=_is_own(found), sent=sent,
        debit=total(each.debit for each in totals), credit=total(each.credit for each in totals),
    )  # fmt: skip


def _is_own(proposal: Proposal) -> bool:
    return proposals.is_same_person(proposal.proposed_by, access.current().actor)


def _found(session: Session, id_: int, kind: Kind) -> Proposal:
    found = proposals.get(session, id_)
    if found.kind != kind:
        raise proposals.NoSuchProposal(Text("det er et andet slags forslag", "that is another kind of proposal"))
    return found


@blueprint.post("/accounts/closings/<int:proposal>/approve")
@access.needs("accounts.approve", fresh=True)
def approve_closing(proposal: int) -> ResponseReturnValue:
    """Close the period for ever: another person than who proposed it."""
    with layout.acting() as (session, trail):
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        closed = bookkeeping.approve_closing(session, proposal, trail, on=layout.today())
    told = periods.told(bookkeeping.period_of(closed))
    layout.done(told + Text(" er lukket: der kan ikke bogføres i den mere",
                            " is closed: nothing can be booked in it any more"))  # fmt: skip
    return redirect(f"/accounts/{closed.subject}", 303)


@blueprint.post("/accounts/closings/<int:proposal>/reject")
@access.needs("accounts.approve")
def reject_closing(proposal: int) -> ResponseReturnValue:
    """Reject a proposed closing, with a reason."""
    back = f"/accounts/closings/{proposal}"
    return deciding.reject(_finding(proposal, "close_period"), partial(_closing, proposal), _REJECTED, back)


@blueprint.post("/accounts/closings/<int:proposal>/withdraw")
@access.needs("accounts.prepare")
def withdraw_closing(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal to close back."""
    return deciding.withdraw(_finding(proposal, "close_period"), _WITHDRAWN, f"/accounts/closings/{proposal}")


def _finding(proposal: int, kind: Kind) -> Find:
    return partial(_found, id_=proposal, kind=kind)


# --- the mapping to the public chart


@blueprint.get("/accounts/mapping")
@access.needs("accounts.read")
def mapping() -> ResponseReturnValue:
    """Show the mapping in force account by account, what waits, and what came before."""
    with database.reading() as session:
        return render_template(
            "accounts/mapping.html",
            rows=account_mapping.current(session).all_named(),
            history=account_mapping.history(session, at_most=_SHOWN),
            proposals=proposals.history(session, "account_mapping", account_mapping.SUBJECT, at_most=_SHOWN),
        )


@blueprint.get("/accounts/mapping/propose")
@access.needs("accounts.prepare")
def mapping_form() -> ResponseReturnValue:
    """Show the mapping as text, to be changed."""
    with database.reading() as session:
        return _mapping_form(account_mapping.current_text(session) or account_mapping.EXAMPLE, {})


@blueprint.post("/accounts/mapping/propose")
@access.needs("accounts.prepare")
def propose_mapping() -> ResponseReturnValue:
    """Propose a mapping; every fault is told beside what was typed."""
    sent = forms.read(MappingText)
    if sent.errors:
        return _mapping_form(sent.typed.get("text", ""), sent.errors), 422
    try:
        with layout.acting() as (session, trail):
            made = account_mapping.propose(session, sent["text"].replace("\r\n", "\n"), trail)
    except MappingRefused as refused:
        return _mapping_form(sent["text"], {"text": refused.text}), 422
    layout.done(Text("Forslaget venter på, at en anden vedtager det", "The proposal waits for another to adopt it"))
    return redirect(f"/accounts/mapping/proposals/{made.id}", 303)


def _mapping_form(written: str, errors: Mapping[str, Text]) -> str:
    return render_template("accounts/propose_mapping.html", text=written, errors=errors)


@blueprint.get("/accounts/mapping/proposals/<int:proposal>")
@access.needs("accounts.read")
def mapping_proposal(proposal: int) -> ResponseReturnValue:
    """Show a proposed mapping, and how it differs from the one in force."""
    return _mapping_proposal(proposal)


def _mapping_proposal(proposal: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _found(session, proposal, "account_mapping")
        before = account_mapping.current_text(session) or ""
    difference: Any = difflib.unified_diff(before.splitlines(), found.content.splitlines(), lineterm="", n=2)
    return render_template(
        "accounts/mapping_proposal.html",
        proposal=found,
        difference=list(difference)[2:],
        own=_is_own(found),
        sent=sent,
    )


@blueprint.post("/accounts/mapping/proposals/<int:proposal>/approve")
@access.needs("accounts.approve", fresh=True)
def approve_mapping(proposal: int) -> ResponseReturnValue:
    """Adopt a proposed mapping: another person than who proposed it."""
    with layout.acting() as (session, trail):
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        account_mapping.approve(session, proposal, trail)
    layout.done(Text("Kontooversættelsen gælder nu", "The mapping is in force"))
    return redirect("/accounts/mapping", 303)


@blueprint.post("/accounts/mapping/proposals/<int:proposal>/reject")
@access.needs("accounts.approve")
def reject_mapping(proposal: int) -> ResponseReturnValue:
    """Reject a proposed mapping, with a reason."""
    back = f"/accounts/mapping/proposals/{proposal}"
    return deciding.reject(_finding(proposal, "account_mapping"), partial(_mapping_proposal, proposal), _REJECTED, back)


@blueprint.post("/accounts/mapping/proposals/<int:proposal>/withdraw")
@access.needs("accounts.prepare")
def withdraw_mapping(proposal: int) -> ResponseReturnValue:
    """Take one's own proposed mapping back."""
    back = f"/accounts/mapping/proposals/{proposal}"
    return deciding.withdraw(_finding(proposal, "account_mapping"), _WITHDRAWN, back)
