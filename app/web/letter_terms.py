"""Who is told at the secretariat, when signatories are reminded, how long an offer stands: by two people."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements import correspondence
from agreements.correspondence import Correspondence, CorrespondenceRefused
from app import access, database
from app.schemas import Approval, LetterTerms
from app.web import deciding, forms, layout
from app.web.deciding import Find
from app.web.forms import Sent
from foundation import proposals
from foundation.language import Text
from foundation.proposals import Proposal

blueprint = Blueprint("letter_terms", __name__)


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
    return _proposed(proposal)


def _proposed(proposal: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found, now = _proposal(session, proposal), correspondence.current(session)
    return render_template(
        "letters/proposal.html", proposal=found, wanted=correspondence.read(found.content), now=now,
        own=proposals.is_same_person(found.proposed_by, access.current().actor), sent=sent,
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
    told = Text("Forslaget er afvist", "The proposal was rejected")
    back = f"/settings/letters/proposals/{proposal}"
    return deciding.reject(_finding(proposal), partial(_proposed, proposal), told, back)


@blueprint.post("/settings/letters/proposals/<int:proposal>/withdraw")
@access.needs("settings.propose")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(_finding(proposal), told, f"/settings/letters/proposals/{proposal}")


def _finding(proposal: int) -> Find:
    return partial(_proposal, id_=proposal)
