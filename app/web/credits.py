"""Credit notes in the browser: one person chooses lines and says why, another approves exactly that."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, annual_work, association, database
from app.annual_work import InNameOf
from app.schemas import Approval, CreditOrder
from app.web import deciding, forms, invoices, layout
from app.web.deciding import Find
from app.web.forms import Sent
from billing import credit_proposals, reasons
from billing.credits import Issued, Order
from billing.reasons import ExplainedLine
from foundation import proposals
from foundation.language import Text, kroner
from foundation.proposals import NoSuchProposal, Proposal

blueprint = Blueprint("credits", __name__)

_NO_LINES = Text("Vælg mindst én linje", "Choose one line at least")
_WAITS = Text("Kreditnotaen venter på, at en anden godkender den", "The credit note waits for another to approve")


# --- preparing


@blueprint.get("/invoices/<number>/credit")
@access.needs("credit.prepare")
def form(number: str) -> ResponseReturnValue:
    """Show an invoice's lines, to choose which are taken back."""
    with database.reading() as session:
        return _form(session, number, {}, {})


@blueprint.post("/invoices/<number>/credit")
@access.needs("credit.prepare")
def prepare(number: str) -> ResponseReturnValue:
    """Propose a credit note, or issue it where the settings let one person do that."""
    sent = forms.read(CreditOrder, number=number)
    if errors := sent.errors or ({} if sent.get("lines") else {"lines": _NO_LINES}):
        with database.reading() as session:
            return _form(session, number, sent.typed, errors), 422
    with layout.acting() as (session, trail):
        invoices.seen(session, number)
        order = Order(
            number, sent["reason"], trail.actor, layout.today(), tuple(sent["lines"]),
            then_reissue=sent["then_reissue"],
        )  # fmt: skip
        made = credit_proposals.prepare(session, order, association.seller(session, layout.config()), trail)
    if made.issued is not None:
        return _issued(made.issued)
    if made.waiting is None:
        return redirect(f"/invoices/{number}", 303)
    layout.done(_WAITS)
    return redirect(f"/invoices/credits/{made.waiting.id}", 303)


def _form(session: Session, number: str, given: Mapping[str, Any], faults: Mapping[str, Text]) -> str:
    id_ = invoices.seen(session, number)
    return render_template(
        "invoices/credit.html",
        invoice=reasons.explain(session, number),
        taken=invoices.credited_positions(session, id_),
        given=given,
        errors=faults,
        limit=association.seller(session, layout.config()).credit_limit,
    )


def _issued(issued: Issued) -> ResponseReturnValue:
    gross = kroner(issued.gross)
    layout.done(
        Text(
            f"{issued.number} er udstedt: {gross.da} med moms er krediteret",
            f"{issued.number} is issued: {gross.en} with VAT was credited",
        )
    )
    surroundings = InNameOf(layout.config(), access.current().actor)
    annual_work.render_all(surroundings, issued.year, issued.book)
    return redirect(f"/invoices/{issued.number}", 303)


# --- deciding


@blueprint.get("/invoices/credits/<int:proposal>")
@access.needs("credit.prepare")
def one(proposal: int) -> ResponseReturnValue:
    """Show a proposed credit note, and who may decide it."""
    return _page(proposal)


def _page(proposal: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _proposal(session, proposal)
        order = credit_proposals.order_of(found)
        explained = reasons.explain(session, order.number)
        lines = [line for line in explained.lines if line.position in order.lines]
    own = proposals.is_same_person(found.proposed_by, access.current().actor)
    return render_template(
        "invoices/proposal.html", proposal=found, order=order, invoice=explained, lines=lines, own=own,
        gross=_gross(lines), sent=sent,
    )  # fmt: skip


def _gross(lines: list[ExplainedLine]) -> int:
    return sum(line.parts.net.ore + line.vat.ore for line in lines)


@blueprint.post("/invoices/credits/<int:proposal>/approve")
@access.needs("credit.approve", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Issue the proposed credit note: another person than who prepared it."""
    with layout.acting() as (session, trail):
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        seller = association.seller(session, layout.config())
        issued = credit_proposals.approve(session, proposal, seller, trail, on=layout.today())
    return _issued(issued)


@blueprint.post("/invoices/credits/<int:proposal>/reject")
@access.needs("credit.approve")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject the proposed credit note, with a reason."""
    told = Text("Kreditnotaen er afvist", "The credit note was rejected")
    return deciding.reject(_finding(proposal), partial(_page, proposal), told, f"/invoices/credits/{proposal}")


@blueprint.post("/invoices/credits/<int:proposal>/withdraw")
@access.needs("credit.prepare")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(_finding(proposal), told, f"/invoices/credits/{proposal}")


def _finding(proposal: int) -> Find:
    return partial(_proposal, id_=proposal)


def _proposal(session: Session, id_: int) -> Proposal:
    """Give a proposed credit note; a proposal of another kind is not there. Raises NoSuchProposal."""
    found = proposals.get(session, id_)
    if found.kind != "credit":
        raise NoSuchProposal(Text("det er ingen kreditnota", "that is no credit note"))
    return found
