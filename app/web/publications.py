"""Published reports in the browser: proposing, publishing, reading a version as it was, and its files."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Response, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, database, publishing
from app.schemas import Approval, Nothing
from app.web import deciding, forms, fund_addresses, layout, report_charts, report_files
from app.web.deciding import Find
from app.web.forms import Sent
from billing.funding import comments, publications, reporting, summary
from billing.funding.publications import Published
from foundation import proposals
from foundation.language import Text
from foundation.proposals import Proposal

blueprint = Blueprint("publications", __name__)


@blueprint.get("/funds/<product>/<period>/versions/<int:version>")
@access.needs("funding.read")
def page(product: str, period: str, version: int) -> ResponseReturnValue:
    """Show a published report as it was, whether a newer one has come, and whether the books have moved since."""
    with database.reading() as session:
        found = publications.get(session, *fund_addresses.found(session, product, period), version)
        edition = found.edition
        versions = publications.versions(session, edition.product, edition.period)
        now = reporting.compute(session, edition.product, edition.period)
        said = comments.of_report(session, edition.product, edition.period)
    return render_template(
        "publications/page.html", edition=edition, report=found.report, versions=versions, said=said,
        has_moved=publications.has_moved(found, now),
        has_other_remarks=publications.has_other_remarks(found, now), summary=summary.paragraph(found.report),
        trace=fund_addresses.trace(edition.product, edition.period) if found.report == now else None,
        top=summary.percent(found.report.top_share(summary.TOP)),
        pictures=report_charts.of(found.report),
        address=fund_addresses.address(edition.product, edition.period), of_edition=fund_addresses.of_edition,
        band=summary.band,
    )  # fmt: skip


@blueprint.get("/funds/<product>/<period>/versions/<int:version>/report.<form>")
@access.needs("funding.read")
def file(product: str, period: str, version: int, form: str) -> Response:
    """Give a published report as a file, byte for byte as it was published."""
    with database.reading() as session:
        found = publications.get(session, *fund_addresses.found(session, product, period), version)
        return answered(session, found, form)


def answered(session: Session, found: Published, form: str) -> Response:
    """Answer with the report as JSON, or a file of it in the language asked for; the audit trail tells of it."""
    report_files.refuse_other(form)
    edition, spoken = found.edition, report_files.language()
    if form == "json":
        content, name = found.document.encode(), f"{edition.name}.json"
    else:
        content, name = publications.file(session, edition.id, form, spoken), f"{edition.name}-{spoken}.{form}"
    return report_files.response(content, form, name, edition.digest)


# --- publishing, by two people


@blueprint.post("/funds/<product>/<period>/publish")
@access.needs("funding.prepare")
def propose(product: str, period: str) -> ResponseReturnValue:
    """Propose to publish the report as it is now."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        fund = fund_addresses.found(session, product, period, "funding.prepare")
        made = publishing.propose(session, *fund, trail, on=layout.today())
    layout.done(Text("Rapporten venter på, at en anden offentliggør den", "The report waits for another to publish it"))
    return redirect(f"/funds/proposals/{made.id}", 303)


@blueprint.get("/funds/proposals/<int:proposal>")
@access.needs("funding.read")
def proposal(proposal: int) -> ResponseReturnValue:
    """Show what is proposed to be published, and whether that is still what the books say."""
    return _proposal(proposal)


def _proposal(id_: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _found(session, id_)
        product, period = publications.of_subject(found.subject)
        now = reporting.compute(session, product, period)
        versions = publications.versions(session, product, period)
    return render_template(
        "publications/proposal.html", proposal=found, product=product, period=period, report=now, versions=versions,
        has_moved=found.is_open and publications.said(now) != found.content, summary=summary.paragraph(now),
        pictures=report_charts.of(now),
        said=publications.content_of(found), own=proposals.is_same_person(found.proposed_by, access.current().actor),
        address=fund_addresses.address(product, period), sent=sent, band=summary.band,
    )  # fmt: skip


def _found(session: Session, id_: int) -> Proposal:
    found = publications.proposed(session, id_)
    fund_addresses.refuse_beyond(publications.of_subject(found.subject)[0])
    return found


@blueprint.post("/funds/proposals/<int:proposal>/approve")
@access.needs("funding.publish", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Publish the report: another person than who proposed it."""
    with layout.acting() as (session, trail):
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        edition = publishing.approve(session, proposal, trail, layout.config(), on=layout.today())
    layout.done(Text("Rapporten er offentliggjort og kan ikke ændres", "The report is published and cannot be changed"))
    return redirect(fund_addresses.of_edition(edition), 303)


@blueprint.post("/funds/proposals/<int:proposal>/reject")
@access.needs("funding.publish")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject a proposed report, with a reason."""
    told = Text("Forslaget er afvist", "The proposal was rejected")
    return deciding.reject(_finding(proposal), partial(_proposal, proposal), told, f"/funds/proposals/{proposal}")


@blueprint.post("/funds/proposals/<int:proposal>/withdraw")
@access.needs("funding.prepare")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(_finding(proposal), told, f"/funds/proposals/{proposal}")


def _finding(proposal: int) -> Find:
    return partial(_found, id_=proposal)
