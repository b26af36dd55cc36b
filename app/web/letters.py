"""Letters: to whom they went and how, and those that failed, to be sent again; who is told, and when, by two people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import correspondence
from agreements.correspondence import Correspondence, CorrespondenceRefused
from app import access, database
from app.schemas import Approval, LetterTerms, Nothing, Rejection, Resending, Strict
from app.web import forms, layout, lists
from app.web.lists import Choice, Column, Filter, Listing
from foundation import letters, proposals
from foundation.language import Text
from foundation.letters import ATTEMPTS, LetterRefused, NoSuchLetter
from foundation.proposals import Outcome, Proposal

blueprint = Blueprint("letters", __name__)

#: How a letter stands, in words.
STATES = {
    "waiting": Text("Venter på at blive sendt", "Waits to be sent"),
    "sent": Text("Sendt", "Sent"),
    "deferred": Text("Udskudt, prøves igen", "Put off, tried again"),
    "failed": Text("Kunne ikke sendes", "Could not be sent"),
}


@blueprint.get("/letters")
@access.needs("letter.read")
def page() -> ResponseReturnValue:
    """List the letters, newest first."""
    with database.reading() as session:
        failed = letters.given_up(session)
        return render_template("letters/list.html", page=lists.page(session, _listing()), failed=failed)


@blueprint.get("/letters.<form>")
@access.needs("letter.read")
def export(form: str) -> ResponseReturnValue:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(), form)


def _listing() -> Listing:
    found = letters.listing().subquery()
    columns = found.c
    return Listing(
        name="letters",
        caption=Text("Breve", "Letters"),
        statement=select(found),
        columns=(
            Column("number", Text("Brev", "Letter"), lambda row: row.id, columns.id, lambda row: f"/letters/{row.id}"),
            Column("written_at", Text("Skrevet", "Written"), lambda row: row.written_at, columns.written_at),
            Column("receiver", Text("Til", "To"), lambda row: row.receiver, columns.receiver),
            Column("title", Text("Emne", "Title"), lambda row: row.title, columns.title),
            Column("state", Text("Hvordan det gik", "How it went"), lambda row: STATES[row.state], columns.state),
            Column("tried_at", Text("Sidst prøvet", "Last tried"), lambda row: row.tried_at, columns.tried_at),
        ),
        filters=(
            Filter("q", Text("Modtager eller emne", "Receiver or title"),
                   lambda given: lists.contains(columns.receiver, given) | lists.contains(columns.title, given)),
            Filter("state", Text("Hvordan det gik", "How it went"), lambda given: columns.state == given,
                   [Choice(state, title) for state, title in STATES.items()]),
        ),
        sort="-number",
        tie=(columns.id,),
        empty=Text("Der er ikke skrevet breve endnu. De kommer af sig selv, når en aftale tilbydes.",
                   "No letters were written yet. They come by themselves when an agreement is offered."),
    )  # fmt: skip


@blueprint.get("/letters/<int:number>")
@access.needs("letter.read")
def one(number: int) -> ResponseReturnValue:
    """Show a letter: to whom, every try, and sending it again. Its words are for its receiver."""
    with database.reading() as session:
        return _one(session, number)


def _one(session: Session, number: int, given: Mapping[str, Any] | None = None, errors: Any = None) -> str:
    found = letters.listing().subquery()
    row = session.execute(select(found).where(found.c.id == _id(number))).first()
    if row is None:
        raise NoSuchLetter(Text(f"intet brev har nummer {number}", f"no letter has the number {number}"))
    columns = ATTEMPTS.c
    tried = session.execute(select(ATTEMPTS).where(columns.letter_id == row.id).order_by(columns.id)).all()
    return render_template(
        "letters/one.html", letter=row, state=STATES[row.state], states=STATES, given=given or {"to": row.receiver},
        tries=[(each, letters.reason_told(each.reason)) for each in tried], errors=errors or {},
    )  # fmt: skip


def _id(number: int) -> int:
    return number if number < 2**63 else 0


@blueprint.post("/letters/<int:number>/resend")
@access.needs("letter.resend")
def resend(number: int) -> ResponseReturnValue:
    """Write a letter again, to the same receiver or another; the sender sees nothing of what it says."""
    sent = forms.read(Resending)
    try:
        with layout.acting() as (session, trail):
            letters.get(session, _id(number))
            if sent.errors:
                return _one(session, number, sent.typed, sent.errors), 422
            made = letters.resend(session, number, sent["to"], sent["reason"], trail)
    except LetterRefused as refused:
        with database.reading() as session:
            return _one(session, number, sent.typed, refused.faults), 422
    layout.done(Text("Brevet er skrevet igen og bliver sendt om lidt", "The letter was written again and is sent soon"))
    return redirect(f"/letters/{made}", 303)


# --- who is told, and when


@blueprint.get("/settings/letters")
@access.needs("settings.propose")
def terms() -> ResponseReturnValue:
    """Show who is told and when, to be changed."""
    with database.reading() as session:
        now = correspondence.current(session)
    return _terms({"told": ", ".join(now.told), "reminders": ", ".join(map(str, now.reminders)),
                   "valid_days": str(now.valid_days)})  # fmt: skip


def _terms(given: Mapping[str, Any], errors: Mapping[str, Text] | None = None) -> str:
    return render_template("letters/terms.html", given=given, errors=errors or {})


@blueprint.post("/settings/letters")
@access.needs("settings.propose")
def propose_terms() -> ResponseReturnValue:
    """Propose who is told and when."""
    sent = forms.read(LetterTerms)
    if sent.errors:
        return _terms(sent.typed, sent.errors), 422
    days = [int(each) if each.isdigit() and len(each) < 6 else 0 for each in _listed(sent.get("reminders", ""))]
    wanted = Correspondence(tuple(_listed(sent.get("told", ""))), tuple(days), sent["valid_days"])
    try:
        with layout.acting() as (session, trail):
            made = correspondence.propose(session, wanted, trail)
    except CorrespondenceRefused as refused:
        return _terms(sent.typed, refused.faults), 422
    layout.done(Text("Forslaget venter på, at en anden godkender det", "The proposal waits for another to approve it"))
    return redirect(f"/settings/letters/proposals/{made.id}", 303)


def _listed(given: str) -> list[str]:
    return [each for each in map(str.strip, given.replace(";", ",").split(",")) if each]


@blueprint.get("/settings/letters/proposals/<int:proposal>")
@access.needs("settings.read")
def proposed(proposal: int) -> ResponseReturnValue:
    """Show what is proposed, beside what is in force."""
    with database.reading() as session:
        found, now = _proposal(session, proposal), correspondence.current(session)
    return render_template(
        "letters/proposal.html", proposal=found, wanted=correspondence.read(found.content), now=now,
        own=proposals.is_same_person(found.proposed_by, access.current().actor),
    )  # fmt: skip


def _proposal(session: Session, id_: int) -> Proposal:
    found = proposals.get(session, id_)
    if found.kind != "correspondence":
        raise proposals.NoSuchProposal(Text("det handler ikke om breve", "this is not about letters"))
    return found


@blueprint.post("/settings/letters/proposals/<int:proposal>/approve")
@access.needs("settings.approve", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Put proposed settings in force: another person than who proposed them."""
    with layout.acting() as (session, trail):
        _proposal(session, proposal)
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        correspondence.approve(session, proposal, trail)
    layout.done(Text("Breve og frister er sat i kraft", "Letters and terms are in force"))
    return redirect("/settings", 303)


@blueprint.post("/settings/letters/proposals/<int:proposal>/reject")
@access.needs("settings.approve")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject what is proposed, with a reason."""
    return _closed(proposal, "rejected", Rejection, Text("Forslaget er afvist", "The proposal was rejected"))


@blueprint.post("/settings/letters/proposals/<int:proposal>/withdraw")
@access.needs("settings.propose")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    return _closed(proposal, "withdrawn", Nothing, Text("Forslaget er trukket tilbage", "The proposal was withdrawn"))


def _closed(id_: int, outcome: Outcome, form: type[Strict], told: Text) -> ResponseReturnValue:
    with layout.acting() as (session, trail):
        _proposal(session, id_)
        proposals.decide(session, id_, outcome, trail, forms.taken(form).get("reason", ""))
    layout.done(told)
    return redirect(f"/settings/letters/proposals/{id_}", 303)
