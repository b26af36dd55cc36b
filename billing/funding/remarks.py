"""Why an account went otherwise than its budget: remarks of a fund's period, kept with who wrote them and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from billing.funding import budgets, naming
from billing.funding.budget_models import DeviationRemark
from foundation import append_only, periods, wording
from foundation.audit import Trail
from foundation.errors import FieldsRefused
from foundation.language import Text
from foundation.periods import Period

REMARKS: Table = DeviationRemark.__table__  # type: ignore[assignment]

WRITTEN_ACTION = "deviation.remarked"


class RemarkRefused(FieldsRefused):
    """A remark that cannot be kept; each field that is wrong says why."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What was written on an account, by whom and when."""

    text: str
    by: str
    at: datetime


def of_report(session: Session, product: str | None, period: Period) -> Mapping[str, Remark]:
    """Give the remarks that hold for a fund's period, by account, in one query."""
    rows = session.execute(
        select(REMARKS)
        .where(
            REMARKS.c.product.is_not_distinct_from(product), REMARKS.c.first_on == period.start,
            REMARKS.c.last_on == period.last_day,
        )
        .order_by(REMARKS.c.id)
    )  # fmt: skip
    newest = {row.account: Remark(row.text, row.written_by, row.written_at) for row in rows}
    return {account: remark for account, remark in newest.items() if remark.text}


def write(session: Session, product: str | None, period: Period, account: str, words: str, trail: Trail) -> None:
    """Keep a remark in place of what stood; without words nothing stands. Raises RemarkRefused. The caller commits."""
    text, known = wording.composed(words).strip(), budgets.accounts(session).get(product)
    wrong: dict[str, Text] = {}
    if known is None or account not in known.names:
        wrong["account"] = Text("fonden har ingen konto med det nummer", "the fund has no account of that number")
    if fault := wording.fault(text, wording.LONGEST_TEXT):
        wrong["text"] = fault
    if wrong:
        raise RemarkRefused(wrong)
    row: dict[str, Any] = {
        "id": append_only.next_id(session, REMARKS), "product": product, "first_on": period.start,
        "last_on": period.last_day, "account": account, "text": text, "written_by": trail.actor,
        "written_at": trail.at,
    }  # fmt: skip
    append_only.add(session, REMARKS, [row])
    subject = f"{naming.name(product)} {periods.name(period)}"
    trail.record(WRITTEN_ACTION, subject, {"account": account}, rows=[(REMARKS, row)])
