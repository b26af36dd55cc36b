"""The report of a fund and a period as it is now, in the browser: figures, versions, and what can be done with it."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app import access, database
from app.web import fund_addresses, layout, report_charts
from billing.funding import comments, disclosures, publications, reporting, summary
from foundation import periods, proposals
from foundation.periods import Period

blueprint = Blueprint("fund_report", __name__)


@blueprint.get("/funds/<product>/<period>")
@access.needs("funding.read")
def page(product: str, period: str) -> ResponseReturnValue:
    """Show the report as it is now; a draft until it is published."""
    with database.reading() as session:
        fund, of = fund_addresses.found(session, product, period)
        report = reporting.compute(session, fund, of)
        versions = publications.versions(session, fund, of)
        why_not = publications.why_not_publishable(session, report, layout.today())
        waiting = proposals.open_for(session, publications.KIND, publications.subject(fund, of))
        said = comments.of_report(session, fund, of)
        public = disclosures.last(session, fund, of)
    return render_template(
        "funds/report.html", report=report, versions=versions, why_not=why_not, waiting=waiting, said=said,
        title=summary.title(report), summary=summary.paragraph(report),
        pictures=report_charts.of(report), band=summary.band,
        address=fund_addresses.address(fund, of), of_edition=fund_addresses.of_edition,
        trace=fund_addresses.trace(fund, of), top=summary.percent(report.top_share(summary.TOP)),
        public_address=fund_addresses.public_address(fund, of) if public and public.ended is None else None,
        before=fund_addresses.address(fund, _before(of)), after=fund_addresses.address(fund, _after(of)),
        told_before=periods.told(_before(of)), told_after=periods.told(_after(of)),
    )  # fmt: skip


def _before(period: Period) -> Period:
    """Give the quarter or the year before, as the period is one."""
    day = period.start - timedelta(days=1)
    return periods.year(day.year) if _is_year(period) else periods.quarter_of(day)


def _after(period: Period) -> Period:
    day = period.end or period.start
    return periods.year(day.year) if _is_year(period) else periods.quarter_of(day)


def _is_year(period: Period) -> bool:
    return period == periods.year(period.start.year)
