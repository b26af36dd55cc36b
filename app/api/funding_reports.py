"""The report of a fund and a period as the figures are now; what two people published stands in published_reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app import database
from app.api import answers, ground
from app.schemas import Strict, Words
from app.web import fund_addresses
from billing.funding import naming, report, reporting
from foundation import periods, wording
from foundation.audit import sha256

room = ground.room("funding-reports", "Funding reports as the figures are now")


class ReportQuery(Strict):
    """Which fund and period."""

    product = Words(
        wording.LONGEST_PRODUCT, required=True, metadata={"description": "a product, or OS2 for the association's own"}
    )
    period = Words(30, required=True, metadata={"description": "2027, 2027-Q1, 2027-03 or 2027-01-15..2027-03-31"})


@ground.reads(room, "/funding-reports", "funding.read", answers.FundingReport, ReportQuery)
def read_report(query: Mapping[str, Any]) -> Any:
    """Report a fund's period as it is now, in whole øre, and the digest that publishing it would keep."""
    with database.reading() as session:
        product, period = fund_addresses.found(session, query["product"], query["period"])
        document = report.to_json(reporting.compute(session, product, period))
    return {
        "product": naming.name(product), "period": periods.name(period), "digest": sha256(document),
        "report": orjson.loads(document),
    }  # fmt: skip
