"""Hours of the secretariat: what one costs a product from a day on, decided by two people, and hours as costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from billing.funding import costs
from billing.funding.costs import CostRefused, Draft
from billing.funding.models import HourRate
from foundation import append_only, proposals
from foundation.audit import Trail, canonical
from foundation.language import Text
from foundation.money import ZERO, Money
from foundation.proposals import Proposal

RATES: Table = HourRate.__table__  # type: ignore[assignment]

RATED_ACTION = "hour_rate.decided"
SUBJECT = "OS2"
SUPPLIER = "OS2's sekretariat"
_KIND: proposals.Kind = "hour_rate"
_MINUTES_IN_HOUR = 60
_MOST_MINUTES = 2_000 * _MINUTES_IN_HOUR
_LARGEST_RATE = Money(10_000_00)


@dataclass(frozen=True, slots=True)
class Rate:
    """What an hour costs from a day on."""

    id: int
    from_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Worked:
    """Hours that were worked for a product on a day."""

    product: str
    on: date
    minutes: int
    text: str


def rates(session: Session) -> list[Rate]:
    """Give the rates, the one that counts first where several begin on a day, in one query."""
    rows = session.execute(select(RATES).order_by(RATES.c.from_on.desc(), RATES.c.id.desc()))
    return [Rate(row.id, row.from_on, Money(row.amount_ore)) for row in rows]


def rate_on(found: Sequence[Rate], on: date) -> Rate | None:
    """Give the rate of a day; None before the first."""
    return next((rate for rate in found if rate.from_on <= on), None)


def cost_of(rate: Money, minutes: int) -> Money:
    """Give what some minutes cost at an hourly rate."""
    return rate.scaled(Fraction(minutes, _MINUTES_IN_HOUR))


def propose_rate(session: Session, from_on: date, amount: Money, trail: Trail) -> Proposal:
    """Propose what an hour costs from a day on; the caller commits. Raises CostRefused."""
    if not ZERO < amount <= _LARGEST_RATE:
        raise CostRefused({"amount": Text("timesatsen skal være over nul og højst 10.000 kr.",
                                          "the hourly rate is above zero and at most 10,000 kroner")})  # fmt: skip
    content = canonical({"from": from_on, "amount_ore": amount.ore})
    return proposals.propose_newest(session, _KIND, SUBJECT, content, trail)


def approve_rate(session: Session, id_: int, trail: Trail) -> Rate:
    """Decide a proposed rate, another person than who proposed it. Raises what `proposals.decide` raises."""
    proposal = proposals.approve(session, id_, _KIND, trail)
    from_on, amount = rate_of(proposal)
    row: dict[str, Any] = {
        "id": append_only.next_id(session, RATES), "from_on": from_on, "amount_ore": amount.ore, "proposal_id": id_,
    }  # fmt: skip
    append_only.add(session, RATES, [row])
    trail.record(RATED_ACTION, f"{from_on}", {"ore": amount.ore, "proposal": id_}, rows=[(RATES, row)])
    return Rate(row["id"], from_on, amount)


def rate_of(proposal: Proposal) -> tuple[date, Money]:
    """Read which rate a proposal would set, and from when."""
    said = json.loads(proposal.content)
    return date.fromisoformat(said["from"]), Money(said["amount_ore"])


def propose(session: Session, worked: Sequence[Worked], trail: Trail, *, on: date) -> list[Proposal]:
    """Enter hours as costs of their products, for another to approve; the caller commits. Raises CostRefused."""
    found, chart, drafts = rates(session), costs.chart(session), list[Draft]()
    for each in worked:
        rate, wrong = rate_on(found, each.on), dict[str, Text]()
        if rate is None:
            wrong["date"] = Text("der er ingen timesats for dagen; foreslå en først",
                                 "no hourly rate counts on that day; propose one first")  # fmt: skip
        if not 0 < each.minutes <= _MOST_MINUTES:
            wrong["hours"] = Text("skal være over nul og højst 2.000 timer", "must be above zero and 2,000 at most")
        amount = cost_of(rate.amount, each.minutes) if rate else Money(1)
        account = costs.hours_account(chart, each.product) or ""
        draft = Draft(
            each.product, account, SUPPLIER, f"{each.on}", each.on, each.text, amount,
            minutes=each.minutes, rate_id=rate.id if rate else None,
        )  # fmt: skip
        if wrong := costs.faults(chart, draft, on) | wrong:
            raise CostRefused(wrong)
        drafts.append(draft)
    return costs.enter(session, drafts, trail)
