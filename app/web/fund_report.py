"""The report of a fund and a period as it is now, in the browser: figures, files, versions, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import access, database, publishing, report_sheets
from app.web import fund_addresses, layout, report_charts, report_files
from billing.funding import comments, disclosures, naming, publications, report_pdf, reporting, summary
from billing.funding.report import FundingReport, to_json
from billing.funding.report_pdf import Imprint
from foundation import periods, proposals
from foundation.audit import sha256
from foundation.language import Language, Text
from foundation.periods import MONTHS_IN_YEAR, NotAPeriod, Period

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
        choice=_choice(fund, of), typed={}, errors={}, writes=access.may_fund("funding.comment", fund),
    )  # fmt: skip


# --- the report as files


@blueprint.get("/funds/<product>/<period>/report.<form>")
@access.needs("funding.read")
def file(product: str, period: str, form: str) -> Response:
    """Give the report as it is now as a file, which says that it is a draft; `language` chooses its language."""
    report_files.refuse_other(form)
    spoken = report_files.language()
    with database.reading() as session:
        fund, of = fund_addresses.found(session, product, period)
        report = reporting.compute(session, fund, of)
        bearing = publishing.imprint(session, layout.config())
    draft = f"{naming.name(fund)}-{periods.name(of)}-{_DRAFT[spoken]}"
    name = f"{draft}.json" if form == "json" else f"{draft}-{spoken}.{form}"
    return report_files.response(_content(report, form, spoken, bearing), form, name, sha256(to_json(report)))


_DRAFT = Text("kladde", "draft")


def _content(report: FundingReport, form: str, spoken: Language, bearing: Imprint) -> bytes:
    if form == "json":
        return to_json(report).encode()
    if form == "pdf":
        return report_pdf.render(report, spoken, bearing)
    return report_sheets.render(report, spoken, bearing)


# --- other periods


@dataclass(frozen=True, slots=True)
class _Link:
    """A period beside the one that is shown, and its address."""

    told: Text
    address: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class _Choice:
    """The periods that can be gone to: one back and one on, the parts of the year, its months, and any other."""

    fund: str  # the address of the fund, which takes any other period
    before: _Link | None
    after: _Link | None
    parts: tuple[_Link, ...]
    months: tuple[_Link, ...]


def _choice(fund: str | None, of: Period, *, is_shown: bool = True) -> _Choice:
    def link(to: Period) -> _Link | None:
        if not periods.has_name(to):
            return None
        return _Link(periods.told(to), fund_addresses.address(fund, to), is_shown and to == of)

    year = of.start.year
    parts = [periods.year(year), *(periods.half_year(year, half) for half in (1, 2)),
             *(periods.months(year, first, 3) for first in (1, 4, 7, 10))]  # fmt: skip
    months = [periods.months(year, first, 1) for first in range(1, MONTHS_IN_YEAR + 1)]
    return _Choice(
        fund_addresses.of_fund(fund), link(periods.before(of)), link(periods.after(of)),
        tuple(filter(None, map(link, parts))), tuple(filter(None, map(link, months))),
    )  # fmt: skip


@blueprint.get("/funds/<product>")
@access.needs("funding.read")
def choose(product: str) -> ResponseReturnValue:
    """Lead to the report from one day to another; without the two, offer the periods of this year."""
    with database.reading() as session:
        fund, this_year = fund_addresses.found(session, product, str(layout.today().year))
    typed = {name: request.args.get(name, "").strip() for name in ("from", "to")}
    first, last = _day(typed["from"]), _day(typed["to"])
    errors = _faults(first, last) if any(typed.values()) else {}
    if first is not None and last is not None and not errors:
        return redirect(fund_addresses.address(fund, periods.through(first, last)), 303)
    return render_template(
        "funds/choose.html", told=naming.told(fund), choice=_choice(fund, this_year, is_shown=False), typed=typed,
        errors=errors,
    ), 422 if errors else 200  # fmt: skip


def _day(words: str) -> date | None:
    """Read a day of the years there are."""
    try:
        return periods.named(f"{words}..{words}").start
    except NotAPeriod:
        return None


def _faults(first: date | None, last: date | None) -> Mapping[str, Text]:
    missing = Text("skriv dagen som 2027-01-31", "write the day as 2027-01-31")
    wrong = {name: missing for name, day in (("from", first), ("to", last)) if day is None}
    if first is not None and last is not None and last < first:
        wrong["to"] = Text("perioden skal slutte efter, at den begynder", "the period ends after it begins")
    return wrong
