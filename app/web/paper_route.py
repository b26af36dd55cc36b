"""Agreements signed on paper or elsewhere: one person records the facts with the file, another approves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from agreements import files, paper
from agreements.files import FileRefused
from agreements.paper import Facts, FactsRefused
from agreements.products import PRODUCTS
from agreements.steps import Step
from app import access, database
from app.adapters import csv_files, paper_archives
from app.schemas import Approval, ChosenPapers, PaperArchive, PaperFacts, PapersApproval
from app.web import agreement_acts, agreements, deciding, forms, layout, titles
from app.web.deciding import Find
from app.web.forms import Sent
from authorities.register import AUTHORITIES
from foundation import proposals, wording
from foundation.errors import Refused, RowsRefused, Unreadable
from foundation.language import Text, joined, same
from foundation.proposals import NoSuchProposal, Proposal
from foundation.zips import HostileArchive

blueprint = Blueprint("paper_route", __name__, url_prefix="/agreements/record")

_DAYS = ("signed_on", "countersigned_on", "in_force_from", "notice_given_on", "terminated_to")
_WORDS = ("cvr", "product", "kind", "route", "reference", "endpoint", "gln", "person_reference", "order_reference",
          "accounting_cost", "format", "contact_mail", "note")  # fmt: skip
FIELDS = (*_WORDS, *_DAYS)
LABELS = titles.FACTS | {
    "product": Text("Produkt", "Product"), "route": Text("Hvor det er underskrevet", "Where it was signed"),
    "reference": Text("Besvarer tilbuddet", "Answers the offer"), "note": Text("Note", "Note"),
    "file": Text("Fil (PDF)", "File (PDF)"),
}  # fmt: skip
ROUTES = {"paper": Text("På papir", "On paper"), "elsewhere": Text("Et andet sted", "Elsewhere")}


@blueprint.get("")
@access.needs("agreement.record")
def form() -> ResponseReturnValue:
    """Ask what the paper says, and show what waits for another's approval."""
    given = {"kind": "active", "route": "paper", "endpoint": "gln", "reference": request.args.get("reference", "")}
    with database.reading() as session:
        return _form(session, given, {})


def _form(session: Session, given: Mapping[str, str], errors: Mapping[str, Text]) -> str:
    products = list(session.scalars(select(PRODUCTS.c.name).order_by(PRODUCTS.c.name)))
    found = proposals.open(session, "recorded_agreement")
    waiting = [(each, paper.proposed(each)[0]) for each in found]
    return render_template(
        "agreements/record.html", given=given, errors=errors, labels=LABELS, products=products, routes=ROUTES,
        days=_DAYS, waiting=waiting, approvable=len(_others(found)),
    )  # fmt: skip


@blueprint.post("")
@access.needs("agreement.record")
def propose() -> ResponseReturnValue:
    """Propose the facts with their file; another person approves them."""
    sent = forms.read(PaperFacts)
    if sent.errors:
        return _again(sent, sent.errors)
    try:
        with agreement_acts.acting_on(sent["reference"] or "paper", Step.RECORDED) as (session, trail):
            proposal = paper.propose(session, _facts(sent.values), _file(sent["file"]), trail, _address())
    except FactsRefused as refused:
        return _again(sent, forms.in_order(PaperFacts, refused.faults))
    except FileRefused as refused:
        return _again(sent, {"file": refused.text})
    layout.done(Text("Registreret. En anden skal godkende det", "Recorded. Somebody else must approve it"))
    return redirect(f"/agreements/record/{proposal.id}", 303)


def _again(sent: Sent, errors: Mapping[str, Text]) -> ResponseReturnValue:
    """Show the form again with its faults."""
    with database.reading() as session:
        return _form(session, sent.typed, errors), 422


def _facts(given: Mapping[str, Any]) -> Facts:
    words = {name: given[name].strip() or None for name in _WORDS}
    needed = {name: words[name] or "" for name in ("cvr", "product", "kind", "route", "reference", "note")}
    return Facts(**(words | needed | {name: given[name] for name in _DAYS}))


def _address() -> str:
    """Give where the person acts from."""
    return request.remote_addr or ""


def _file(given: FileStorage) -> tuple[str, bytes]:
    return given.filename or "", given.read(files.LARGEST + 1)


# --- many at once


@blueprint.get("/many")
@access.needs("agreement.record")
def many() -> ResponseReturnValue:
    """Ask for a ZIP of a CSV with its PDFs."""
    return _many({})


def _many(errors: Mapping[str, Text], refused: RowsRefused | None = None) -> str:
    return render_template("agreements/record_many.html", errors=errors, refused=refused, columns=csv_files.PAPER)


@blueprint.post("/many")
@access.needs("agreement.record")
def propose_many() -> ResponseReturnValue:
    """Propose every row of the CSV with its PDF, all or none; another person approves them."""
    sent = forms.read(PaperArchive)
    if sent.errors:
        return _many(sent.errors), 422
    try:
        given: FileStorage = sent["file"]
        papers = paper_archives.read(wording.legible(given.filename or ""), given.stream)  # type: ignore[arg-type]
        with agreement_acts.acting_on("paper", Step.RECORDED) as (session, trail):
            made = paper.propose_all(session, papers.rows, papers.files, trail, _address())
    except RowsRefused as refused:
        return _many({"file": refused.head}, refused), 422
    except (Unreadable, HostileArchive) as refused:
        return _many({"file": refused.text}), 422
    count = len(made)
    layout.done(
        Text(f"{count} aftaler er registreret. En anden skal godkende dem",
             f"{count} agreements are recorded. Somebody else must approve them")
    )  # fmt: skip
    return redirect("/agreements/record", 303)


# --- approving many in one act


#: So many stand on the page at a time; the others follow when these are decided.
SHOWN = 500


class NothingChosen(Refused):
    """No paper was chosen."""


@blueprint.get("/approve")
@access.needs("agreement.approve_record", fresh=True)
def choose() -> ResponseReturnValue:
    """Show what others have recorded and nobody decided, to choose from; the oldest first."""
    with database.reading() as session:
        waiting = _others(proposals.open(session, "recorded_agreement"))[::-1]
        papers = _papers(session, waiting[:SHOWN])
    return render_template("agreements/record_choose.html", papers=papers, more=len(waiting) - len(papers))


@blueprint.post("/list")
@access.needs("agreement.approve_record", fresh=True)
def chosen() -> ResponseReturnValue:
    """Show the chosen list with its digest, to be approved in one act."""
    return _list(forms.taken(ChosenPapers)["proposal"], None)


def _list(ids: list[int], error: Text | None) -> str:
    with database.reading() as session:
        listed = _others(proposals.many(session, ids, "recorded_agreement"))
        papers = _papers(session, listed)
    if not papers:
        raise NothingChosen(Text("Vælg mindst én aftale at godkende", "Choose one agreement at least to approve"))
    return render_template(
        "agreements/record_list.html", papers=papers, digest=paper.list_digest(listed), error=error,
    )  # fmt: skip


def _others(found: Sequence[Proposal]) -> list[Proposal]:
    """Give what somebody else proposed and nobody decided."""
    actor = access.current().actor
    return [each for each in found if each.is_open and not proposals.is_same_person(each.proposed_by, actor)]


def _papers(session: Session, listed: Sequence[Proposal]) -> list[Mapping[str, Any]]:
    """Give each proposal with its facts, its file's digest and the authority's name."""
    found = [(each, *paper.proposed(each)) for each in listed]
    wanted = AUTHORITIES.c.cvr.in_({facts.cvr for _, facts, _ in found})
    names = {row.cvr: row.name for row in session.execute(select(AUTHORITIES.c.cvr, AUTHORITIES.c.name).where(wanted))}
    return [
        {"proposal": each, "facts": facts, "digest": digest, "authority": names.get(facts.cvr, facts.cvr),
         "kind": agreements.KINDS[facts.kind]}
        for each, facts, digest in found
    ]  # fmt: skip


@blueprint.post("/approve")
@access.needs("agreement.approve_record", fresh=True)
def approve_all() -> ResponseReturnValue:
    """Record the shown list in one act; what cannot be is left out and named."""
    given = forms.taken(PapersApproval)
    if not given["consent"]:
        return _list(given["proposal"], Text("Sæt kryds for at godkende", "Tick the box to approve")), 422
    with agreement_acts.acting_on("paper", Step.RECORDED) as (session, trail):
        done = paper.approve_all(session, given["proposal"], given["digest"], trail, _address())
    _tell(done)
    return redirect("/agreements/record", 303)


def _tell(done: paper.Recorded) -> None:
    count = len(done.agreement_ids)
    layout.done(
        Text(
            f"{count} {'aftale' if count == 1 else 'aftaler'} er registreret",
            f"{count} {'agreement is' if count == 1 else 'agreements are'} recorded",
        )
    )
    if done.left_out:
        named = joined((same(f"{each.subject}: ") + why for each, why in done.left_out), by="; ")
        layout.warn(Text("Udeladt: ", "Left out: ") + named)


# --- deciding one


@blueprint.get("/<int:proposal>")
@access.needs("agreement.record")
def one(proposal: int) -> ResponseReturnValue:
    """Show what was recorded, with its file, and who may approve it."""
    return _page(proposal)


def _page(proposal: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _proposal(session, proposal)
        facts, digest = paper.proposed(found)
        name = session.execute(select(AUTHORITIES.c.name).where(AUTHORITIES.c.cvr == facts.cvr)).scalar() or ""
    return render_template(
        "agreements/recorded.html", proposal=found, facts=facts, digest=digest, authority=name, labels=LABELS,
        routes=ROUTES, kinds=agreements.KINDS, fields=FIELDS,
        own=proposals.is_same_person(found.proposed_by, access.current().actor), sent=sent,
    )  # fmt: skip


@blueprint.get("/<int:proposal>/file.pdf")
@access.needs("agreement.record")
def file(proposal: int) -> ResponseReturnValue:
    """Give the file that was brought."""
    with database.reading() as session:
        _, digest = paper.proposed(_proposal(session, proposal))
        _, content = files.name_and_content(session, files.by_sha256(session, digest).id)
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="papir-{proposal}.pdf"'
    return response


@blueprint.post("/<int:proposal>/approve")
@access.needs("agreement.approve_record", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Write the agreement as recorded, by another person than who proposed it."""
    with agreement_acts.acting_on(f"record {proposal}", Step.RECORDED) as (session, trail):
        found = _proposal(session, proposal)
        proposals.expect(session, found.id, forms.taken(Approval).get("digest"))
        agreement_id = paper.approve(session, found.id, trail, _address())
    layout.done(Text("Aftalen er registreret", "The agreement is recorded"))
    return redirect(f"/agreements/{agreement_id}", 303)


@blueprint.post("/<int:proposal>/reject")
@access.needs("agreement.approve_record")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject what was recorded, with a reason."""
    told = Text("Registreringen er afvist", "The record was rejected")
    to, about = f"/agreements/record/{proposal}", paper.from_address(_address())
    return deciding.reject(_finding(proposal), partial(_page, proposal), told, to, about=about)


@blueprint.post("/<int:proposal>/withdraw")
@access.needs("agreement.record")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own record back."""
    told = Text("Registreringen er trukket tilbage", "The record was withdrawn")
    to, about = f"/agreements/record/{proposal}", paper.from_address(_address())
    return deciding.withdraw(_finding(proposal), told, to, about=about)


def _finding(proposal: int) -> Find:
    return partial(_proposal, number=proposal)


def _proposal(session: Session, number: int) -> Proposal:
    """Give a recorded agreement that is proposed; a proposal of another kind is not there. Raises NoSuchProposal."""
    found = proposals.get(session, number)
    if found.kind != "recorded_agreement":
        raise NoSuchProposal(Text("Der er ingen sådan registrering", "There is no such record"))
    return found
