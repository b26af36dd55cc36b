"""The report of a fund and a period as the figures are now; what two people published stands in published_reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app import database
from app.api import answers, ground, writes
from app.api.writes import Answer
from app.schemas import RemarkOrder, Strict, Words
from app.web import fund_addresses
from billing.funding import budgets, naming, remarks, report, reporting
from foundation import periods, wording
from foundation.audit import Trail, sha256

room = ground.room("funding-reports", "Funding reports as the figures are now")


class ReportQuery(Strict):
    """Which fund and period."""

    product = Words(
        wording.LONGEST_PRODUCT, required=True, metadata={"description": "a product, or OS2 for the association's own"}
    )
    period = Words(
        30, required=True, metadata={"description": "2027, 2027-H1, 2027-Q1, 2027-03 or 2027-01-15..2027-03-31"}
    )


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


@ground.reads(room, "/funding-reports/remarks", "funding.read", answers.Remarks, ReportQuery)
def list_remarks(query: Mapping[str, Any]) -> Any:
    """List the remarks on a fund's period, the oldest first, and which of them hold."""
    with database.reading() as session:
        product, period = fund_addresses.found(session, query["product"], query["period"])
        written = remarks.history(session, product, period)
    holding = {each.id for each in remarks.holding(written).values()}
    return {
        "items": [
            {"id": each.id, "account": each.account, "text": each.text, "holds": each.id in holding,
             "written_by": each.by, "written_at": each.at}
            for each in written
        ]
    }  # fmt: skip


@ground.writes(room, "/funding-reports/remarks", "funding.comment", RemarkOrder, answers.RemarkKept)
def write_remark(query: object, sent: Mapping[str, Any]) -> Any:
    """Remark on an account of a report, or on the whole, in place of what stood."""

    def act(session: Session, trail: Trail) -> Answer:
        product, period = fund_addresses.found(session, sent["product"], sent["period"], "funding.comment")
        known = budgets.accounts(session).get(product)
        account = (known.named(sent["account"]) if known else None) or sent["account"]
        count = remarks.write(session, product, period, account, sent["text"], trail)
        return Answer({"product": naming.name(product), "period": periods.name(period), "account": account,
                       "changed": count > 0})  # fmt: skip

    return writes.once(act)
