"""Publishing a funding report, for pages, commands and the API alike: the report of now, and its files, made once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from app import association, report_sheets
from app.config import Config
from billing.funding import publications, report_pdf, reporting
from billing.funding.publications import Edition, File, Make
from billing.funding.report import FundingReport
from billing.funding.report_pdf import Imprint
from foundation import proposals
from foundation.audit import Trail
from foundation.language import LANGUAGES, Text
from foundation.periods import Period
from foundation.proposals import Proposal

_DEMONSTRATION = Text(
    "DEMONSTRATION – aftaler, takster, omkostninger og budgetter er opdigtede",
    "DEMONSTRATION – agreements, prices, costs and budgets are made up",
)

#: What the files of a published report are to a browser.
TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def propose(session: Session, product: str | None, period: Period, trail: Trail, *, on: date) -> Proposal:
    """Propose to publish a report as it is now. Raises NotPublishable."""
    return publications.propose(session, reporting.compute(session, product, period), trail, on=on)


def approve(session: Session, id_: int, trail: Trail, config: Config, *, on: date) -> Edition:
    """Publish what was proposed, with its files. Raises what `publications.approve` raises."""
    proposal = publications.proposed(session, id_)
    proposals.refuse_undecidable(proposal, "approved", trail.actor)  # before its files are made for nothing
    now = reporting.compute(session, *publications.of_subject(proposal.subject))
    return publications.approve(session, id_, now, _maker(session, config, on), trail, on=on)


def imprint(session: Session, config: Config, on: date | None = None, version: int = 0) -> Imprint:
    """Give what stands on a report beside its figures; what is made up says so."""
    seller = association.found(session, config)
    notices = (_DEMONSTRATION,) if config.environment == "demo" else ()
    return Imprint(seller.party.name if seller else "OS2", on, version, notices)


def _maker(session: Session, config: Config, on: date) -> Make:
    def make(report: FundingReport, version: int) -> Sequence[File]:
        bearing = imprint(session, config, on, version)
        return [
            File(format_, language, render(report, language, bearing))
            for format_, render in (("pdf", report_pdf.render), ("xlsx", report_sheets.render))
            for language in LANGUAGES
        ]

    return make
