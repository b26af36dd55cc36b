"""Agreement texts: read, compared clause by clause, proposed by one person and adopted by another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements import template_text, templates
from agreements.template_text import TemplateFault, TemplateRefused
from agreements.templates import Adopted, NoSuchTemplate
from app import access, database
from app.schemas import Approval, TemplateWords
from app.web import deciding, forms, layout
from app.web.deciding import Find
from app.web.forms import Sent
from foundation import proposals
from foundation.language import Text
from foundation.proposals import NoSuchProposal, Proposal

blueprint = Blueprint("templates", __name__, url_prefix="/templates")

NAMES = {"connection": Text("Tilslutningsaftale", "Connection agreement"),
         "membership": Text("Partnerskabsaftale (medlemskab)", "Partnership agreement (membership)")}  # fmt: skip
CHANGES = {"added": Text("Ny", "New"), "removed": Text("Udgår", "Goes"), "changed": Text("Ændret", "Changed"),
           "moved": Text("Flyttet", "Moved")}  # fmt: skip


@blueprint.get("")
@access.needs("templates.read")
def page() -> ResponseReturnValue:
    """List the adopted texts and the proposed ones."""
    with database.reading() as session:
        adopted, waiting = templates.listed(session), proposals.open(session, "template")
    return render_template("templates/list.html", adopted=adopted, waiting=waiting, names=NAMES)


@blueprint.get("/<name>/<int:version>")
@access.needs("templates.read")
def one(name: str, version: int) -> ResponseReturnValue:
    """Show an adopted version, and how it differs from another."""
    with database.reading() as session:
        found = _find(session, name, version)
        others = [each.version for each in templates.listed(session) if each.name == found.name]
        other = _other(session, found, others)
    changes = template_text.difference(other.template, found.template) if other is not None else []
    return render_template(
        "templates/page.html", found=found, others=others, other=other, changes=changes, names=NAMES, titles=CHANGES
    )


def _find(session: Session, name: str, version: int) -> Adopted:
    known = next((each for each in template_text.NAMES if each == name), None)
    if known is None or version >= 2**31:
        raise NoSuchTemplate(Text("Der er ingen sådan skabelon", "There is no such template"))
    return templates.find(session, known, version)


def _other(session: Session, found: Adopted, versions: Sequence[int]) -> Adopted | None:
    """Give the version to compare with: the one asked for, else the one before."""
    asked = request.args.get("with", "")
    wanted = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else found.version - 1
    return templates.find(session, found.name, wanted) if wanted in versions and wanted != found.version else None


# --- proposing and adopting


@blueprint.get("/propose")
@access.needs("templates.propose")
def form() -> ResponseReturnValue:
    """Offer a text to write."""
    return _form("", (), {})


def _form(written: str, faults: Sequence[TemplateFault], errors: Mapping[str, Text]) -> str:
    return render_template("templates/propose.html", text=written, faults=faults, errors=errors)


@blueprint.post("/propose")
@access.needs("templates.propose")
def propose() -> ResponseReturnValue:
    """Propose a text for another person to adopt; every fault comes back with its line."""
    sent = forms.read(TemplateWords)
    if sent.errors:
        return _form(sent.typed.get("text", ""), (), sent.errors), 422
    try:
        with layout.acting() as (session, trail):
            proposal = templates.propose(session, sent["text"], trail)
    except TemplateRefused as refused:
        return _form(sent["text"], refused.faults, {}), 422
    layout.done(Text("Foreslået. En anden skal vedtage det", "Proposed. Somebody else must adopt it"))
    return redirect(f"/templates/proposals/{proposal.id}", 303)


@blueprint.get("/proposals/<int:number>")
@access.needs("templates.read")
def proposal(number: int) -> ResponseReturnValue:
    """Show a proposed text beside the newest adopted one."""
    return _page(number)


def _page(number: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _proposal(session, number)
        text = templates.proposed(found)
        newest = next((each for each in templates.listed(session) if each.name == text.name), None)
    changes = template_text.difference(newest.template, text) if newest is not None else []
    return render_template(
        "templates/proposal.html", proposal=found, text=text, newest=newest, changes=changes, names=NAMES,
        titles=CHANGES, own=proposals.is_same_person(found.proposed_by, access.current().actor), sent=sent,
    )  # fmt: skip


@blueprint.post("/proposals/<int:number>/approve")
@access.needs("templates.adopt", fresh=True)
def adopt(number: int) -> ResponseReturnValue:
    """Adopt exactly what is proposed."""
    with layout.acting() as (session, trail):
        found = _proposal(session, number)
        proposals.expect(session, found.id, forms.taken(Approval).get("digest"))
        adopted = templates.adopt(session, found.id, trail)
    told = Text(f"Vedtaget som version {adopted.version}", f"Adopted as version {adopted.version}")
    layout.done(told)
    return redirect(f"/templates/{adopted.name}/{adopted.version}", 303)


@blueprint.post("/proposals/<int:number>/reject")
@access.needs("templates.adopt")
def reject(number: int) -> ResponseReturnValue:
    """Reject what is proposed, with a reason."""
    told = Text("Forslaget er afvist", "The proposal is rejected")
    return deciding.reject(_finding(number), partial(_page, number), told, f"/templates/proposals/{number}")


@blueprint.post("/proposals/<int:number>/withdraw")
@access.needs("templates.propose")
def withdraw(number: int) -> ResponseReturnValue:
    """Withdraw what one has proposed oneself."""
    return deciding.withdraw(
        _finding(number), Text("Forslaget er trukket tilbage", "The proposal is withdrawn"), "/templates"
    )


def _finding(number: int) -> Find:
    return partial(_proposal, number=number)


def _proposal(session: Session, number: int) -> Proposal:
    """Give a proposed text; a proposal of another kind is not there. Raises NoSuchProposal."""
    found = proposals.get(session, number)
    if found.kind != "template":
        raise NoSuchProposal(Text("Der er intet sådant forslag", "There is no such proposal"))
    return found
