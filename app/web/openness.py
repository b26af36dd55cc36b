"""What becomes public of a report: chosen by the group or finance, decided by the approver, withdrawn where it must."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, database
from app.schemas import Approval, Openness, OpennessEnd
from app.web import deciding, forms, fund_addresses, layout
from app.web.deciding import Find
from app.web.forms import Sent
from billing.funding import disclosures, publications, summary
from billing.funding.disclosures import CHARTS, COLUMNS, FIGURES, NotDisclosable
from foundation import proposals
from foundation.language import Text
from foundation.proposals import Proposal

blueprint = Blueprint("openness", __name__)

#: What may be chosen, in the groups of the form.
GROUPS = (
    ("figures", Text("Tal på siden", "Figures on the page"), FIGURES),
    ("charts", Text("Figurer på siden, hver med sin tabel", "Charts on the page, each with its table"), CHARTS),
    ("columns", Text("Kolonner i CSV-filen, konto for konto", "Columns of the CSV file, account by account"), COLUMNS),
)
_CHOSEN = Text("Forslaget venter på, at en godkender afgør det", "The proposal waits for an approver to decide it")


@blueprint.get("/funds/<product>/<period>/openness")
@access.needs("funding.read")
def page(product: str, period: str) -> ResponseReturnValue:
    """Show what is public of the report, and a form to choose something else."""
    return _page(product, period, None, {})


def _page(fund: str, period: str, given: Mapping[str, Any] | None, errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        product, of = fund_addresses.found(session, fund, period)
        newest = publications.newest(session, product, of)
        last = disclosures.last(session, product, of)
        waiting = proposals.open_for(session, disclosures.KIND, publications.subject(product, of))
    standing = last if last and last.ended is None else None
    return render_template(
        "publications/openness.html", product=product, period=of, newest=newest and newest.edition, last=last,
        standing=standing, waiting=waiting, errors=errors, groups=GROUPS, title=summary.title_of(product, of),
        chosen=_ticked(standing) if given is None else given, address=fund_addresses.address(product, of),
        public_address=fund_addresses.public_address(product, of), typed=given or {},
    )  # fmt: skip


def _ticked(standing: disclosures.Disclosure | None) -> Mapping[str, Any]:
    """Begin from what is public now; from the figures and pictures where nothing is."""
    if standing is None:
        return {"figures": list(FIGURES), "charts": list(CHARTS), "columns": []}
    choice = standing.choice
    return {"figures": choice.figures, "charts": choice.charts, "columns": choice.columns}


@blueprint.post("/funds/<product>/<period>/openness")
@access.needs("funding.disclose")
def propose(product: str, period: str) -> ResponseReturnValue:
    """Propose what becomes public of the newest published version."""
    sent = forms.read(Openness)
    if sent.errors:
        return _page(product, period, sent.typed, sent.errors), 422
    try:
        chosen = disclosures.choice(sent["figures"], sent["charts"], sent["columns"])
    except NotDisclosable as refused:
        return _page(product, period, sent.typed, {"figures": refused.text}), 422
    with layout.acting() as (session, trail):
        fund = fund_addresses.found(session, product, period, "funding.disclose")
        newest = publications.newest(session, *fund)
        if newest is None:
            raise NotDisclosable(Text("rapporten er ikke offentliggjort for gruppen endnu",
                                      "the report is not published to the group yet"))  # fmt: skip
        made = disclosures.propose(session, newest, chosen, trail)
    layout.done(_CHOSEN)
    return redirect(f"/funds/disclosures/{made.id}", 303)


@blueprint.post("/funds/<product>/<period>/openness/end")
@access.needs("funding.publish")
def end(product: str, period: str) -> ResponseReturnValue:
    """Withdraw what is public."""
    sent = forms.read(OpennessEnd)
    if sent.errors:
        return _page(product, period, sent.typed, sent.errors), 422
    with layout.acting() as (session, trail):
        fund = fund_addresses.found(session, product, period, "funding.publish")
        standing = disclosures.last(session, *fund)
        if standing is None:
            raise disclosures.NotShown(Text("intet er offentligt", "nothing is public"))
        disclosures.end(session, standing.id, sent["reason"], trail)
    layout.done(Text("Rapporten er ikke længere offentlig", "The report is no longer public"))
    return redirect(f"{fund_addresses.address(*fund)}/openness", 303)


# --- deciding


@blueprint.get("/funds/disclosures/<int:proposal>")
@access.needs("funding.read")
def proposal(proposal: int) -> ResponseReturnValue:
    """Show what would become public, figure by figure."""
    return _proposal(proposal)


def _proposal(id_: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _found(session, id_)
        published, choice = disclosures.of_proposal(session, found)
        edition = published.edition
        standing = disclosures.last(session, edition.product, edition.period)
    return render_template(
        "publications/disclosure.html", proposal=found, edition=edition, groups=GROUPS, sent=sent,
        chosen={"figures": choice.figures, "charts": choice.charts, "columns": choice.columns},
        standing=standing if standing and standing.ended is None else None,
        own=proposals.is_same_person(found.proposed_by, access.current().actor),
        title=summary.title_of(edition.product, edition.period), of_edition=fund_addresses.of_edition,
        public_address=fund_addresses.public_address(edition.product, edition.period),
        address=fund_addresses.address(edition.product, edition.period),
    )  # fmt: skip


def _found(session: Session, id_: int) -> Proposal:
    found = disclosures.proposed(session, id_)
    fund_addresses.refuse_beyond(publications.of_subject(found.subject)[0])
    return found


@blueprint.post("/funds/disclosures/<int:proposal>/approve")
@access.needs("funding.publish", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Make it public: another person than who proposed it."""
    with layout.acting() as (session, trail):
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        made = disclosures.approve(session, proposal, trail)
    layout.done(Text("Rapporten kan nu ses af alle", "Everybody can see the report now"))
    return redirect(fund_addresses.public_address(made.product, made.period), 303)


@blueprint.post("/funds/disclosures/<int:proposal>/reject")
@access.needs("funding.publish")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject what is proposed, with a reason."""
    told = Text("Forslaget er afvist", "The proposal was rejected")
    return deciding.reject(_finding(proposal), partial(_proposal, proposal), told, f"/funds/disclosures/{proposal}")


@blueprint.post("/funds/disclosures/<int:proposal>/withdraw")
@access.needs("funding.disclose")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(_finding(proposal), told, f"/funds/disclosures/{proposal}")


def _finding(proposal: int) -> Find:
    return partial(_found, id_=proposal)
