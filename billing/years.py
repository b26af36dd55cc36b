"""The years there are: what was approved, issued and given back in each; the start page tells more of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from billing.approvals import APPROVALS
from billing.gathering import CREDIT_NOTES, INVOICES
from foundation.base import Whole
from foundation.money import ZERO, Money


@dataclass(frozen=True, slots=True)
class Year:
    """A year of the real book. Credit notes are what was given back, above zero; `credited` is with VAT."""

    year: int
    invoices: int = 0
    net: Money = ZERO
    vat: Money = ZERO
    gross: Money = ZERO
    credit_notes: int = 0
    credited_net: Money = ZERO
    credited: Money = ZERO


@dataclass(frozen=True, slots=True)
class Listed(Year):
    """A year as the list of years tells it."""

    is_approved: bool = False


def states(session: Session, on: date) -> list[Listed]:
    """Give every year in which something was approved or issued, and this one and the next, newest first.

    Costs two queries.
    """
    sums = issued(session)
    approved = set(session.execute(select(APPROVALS.c.year).where(APPROVALS.c.book == "real").distinct()).scalars())
    known = sorted({on.year, on.year + 1} | approved | set(sums), reverse=True)
    return [Listed(year, **sums.get(year, {}), is_approved=year in approved) for year in known]


def issued(session: Session) -> Mapping[int, Mapping[str, Any]]:
    """Sum what was issued and given back, year by year, by the names that `Year` has for it."""
    is_note = CREDIT_NOTES.c.id.is_not(None)
    amounts = [cast(func.sum(INVOICES.c[name]), Whole) for name in ("net_ore", "vat_ore", "gross_ore")]
    rows = session.execute(
        select(INVOICES.c.year, cast(is_note, Integer), func.count(), *amounts)
        .select_from(INVOICES.outerjoin(CREDIT_NOTES, CREDIT_NOTES.c.invoice_id == INVOICES.c.id))
        .where(INVOICES.c.book == "real")
        .group_by(INVOICES.c.year, is_note)
    )
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for year, note, count, net, vat, gross in rows:
        found[year] |= {"credit_notes": count, "credited_net": Money(-net), "credited": Money(-gross)} if note else {
            "invoices": count, "net": Money(net), "vat": Money(vat), "gross": Money(gross),
        }  # fmt: skip
    return found
