"""Costs that come every month or quarter: approved once by another person, then booked by themselves, each once.

What is due is found by what is missing. A year's estimate is told with its terms: what recurs, and what came once.
"""

from __future__ import annotations

import calendar
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Row, Table, and_, func, select
from sqlalchemy.orm import Session

from billing.funding import costs
from billing.funding.costs import COSTS, CostRefused, Draft
from billing.funding.models import RecurringCost
from foundation import append_only, periods, proposals
from foundation.audit import Trail, canonical
from foundation.language import Text
from foundation.money import Money, total
from foundation.proposals import DECISIONS, Proposal

RECURRING: Table = RecurringCost.__table__  # type: ignore[assignment]

DECIDED_ACTION, BOOKED_ACTION = "recurring_cost.decided", "recurring_cost.booked"
_KIND: proposals.Kind = "recurring_cost"

#: How many months lie between two of them.
EVERY: dict[int, Text] = {1: Text("Hver måned", "Every month"), 3: Text("Hvert kvartal", "Every quarter")}
_LONGEST_YEARS = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """A cost that comes again and again, from its first day to its last."""

    product: str | None
    account: str
    supplier: str
    text: str
    amount: Money
    months: int
    first_on: date
    last_on: date


class Term(NamedTuple):
    """One term of a year's estimate: so much, so many times."""

    text: str
    amount: Money
    times: int

    @property
    def whole(self) -> Money:
        """Give the amount of the year."""
        return Money(self.amount.ore * self.times)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a fund's costs of a year are estimated at, with the terms it is the sum of."""

    recurring: tuple[Term, ...]
    once: tuple[Term, ...]

    @property
    def whole(self) -> Money:
        """Give the sum of the terms."""
        return total(term.whole for term in (*self.recurring, *self.once))


# --- deciding


def propose(session: Session, plan: Plan, trail: Trail) -> Proposal:
    """Propose a recurring cost; the caller commits. Raises CostRefused."""
    draft = Draft(plan.product, plan.account, plan.supplier, "-", plan.first_on, plan.text, plan.amount)
    wrong = costs.faults(costs.chart(session), draft, plan.first_on)
    if plan.months not in EVERY:
        wrong["every"] = Text("vælg måned eller kvartal", "choose month or quarter")
    if not plan.first_on <= plan.last_on or plan.last_on.year - plan.first_on.year > _LONGEST_YEARS:
        wrong["to"] = Text("den sidste dag skal ligge efter den første, og højst ti år efter",
                           "the last day lies after the first, and ten years after it at most")  # fmt: skip
    if wrong:
        raise CostRefused(wrong)
    content = canonical({
        "product": plan.product, "account": plan.account, "supplier": plan.supplier, "text": plan.text,
        "amount_ore": plan.amount.ore, "months": plan.months, "first_on": plan.first_on, "last_on": plan.last_on,
    })  # fmt: skip
    return proposals.propose(session, _KIND, f"{plan.product or costs.ASSOCIATION} {plan.supplier}", content, trail)


def approve(session: Session, id_: int, trail: Trail, *, on: date) -> int:
    """Decide a proposed recurring cost, another person than who proposed it, and book what is due; give its number."""
    plan = plan_of(proposals.approve(session, id_, _KIND, trail))
    row: dict[str, Any] = {
        "id": append_only.next_id(session, RECURRING), "product": plan.product, "account": plan.account,
        "supplier": plan.supplier, "text": plan.text, "amount_ore": plan.amount.ore, "months": plan.months,
        "first_on": plan.first_on, "last_on": plan.last_on, "proposal_id": id_,
    }  # fmt: skip
    append_only.add(session, RECURRING, [row])
    trail.record(DECIDED_ACTION, f"recurring {row['id']}", {"proposal": id_}, rows=[(RECURRING, row)])
    book_due(session, on, trail)
    return int(row["id"])


def plan_of(proposal: Proposal) -> Plan:
    """Read what a proposal would let recur."""
    said = json.loads(proposal.content)
    return Plan(
        said["product"], said["account"], said["supplier"], said["text"], Money(said["amount_ore"]), said["months"],
        date.fromisoformat(said["first_on"]), date.fromisoformat(said["last_on"]),
    )  # fmt: skip


# --- booking what is due


def days_of(row: Any, until: date) -> list[date]:
    """Give the days on which a recurring cost comes, up to a day; a month that lacks the day has its last one."""
    months = costs.months_of(row.first_on, min(row.last_on, until))[:: row.months]
    days = [_day(month, row.first_on.day) for month in months]
    return [day for day in days if day <= min(row.last_on, until)]


def _day(month: date, day: int) -> date:
    return month.replace(day=min(day, calendar.monthrange(month.year, month.month)[1]))


def due(session: Session, on: date) -> list[tuple[Row[Any], date]]:
    """Give the recurring costs that have come and are not booked, in two queries."""
    rows = session.execute(select(RECURRING).where(RECURRING.c.first_on <= on).order_by(RECURRING.c.id)).all()
    if not rows:
        return []
    booked = {
        (row.recurring_id, row.incurred_on)
        for row in session.execute(
            select(COSTS.c.recurring_id, COSTS.c.incurred_on).where(COSTS.c.recurring_id.is_not(None))
        )
    }
    return [(row, day) for row in rows for day in days_of(row, on) if (row.id, day) not in booked]


def book_due(session: Session, on: date, trail: Trail) -> int:
    """Enter and book the recurring costs that have come; give how many. Needs the writer's lock."""
    found = due(session, on)
    if not found:
        return 0
    first = append_only.next_id(session, COSTS)
    rows = [_row(row, day, id_, trail) for id_, (row, day) in enumerate(found, start=first)]
    append_only.add(session, COSTS, rows)
    trail.record(BOOKED_ACTION, f"{on}", {"costs": len(rows)}, rows=[(COSTS, row) for row in rows])
    booked = session.execute(select(COSTS).where(COSTS.c.id >= first).order_by(COSTS.c.id)).all()
    costs.book(session, booked, trail)
    return len(rows)


def _row(row: Row[Any], day: date, id_: int, trail: Trail) -> dict[str, Any]:
    return {
        "id": id_, "product": row.product, "account": row.account, "supplier": row.supplier,
        "reference": f"F{row.id} {day}", "incurred_on": day, "text": row.text, "amount_ore": row.amount_ore,
        "minutes": None, "rate_id": None, "from_on": None, "to_on": None, "file_id": None, "reverses": None,
        "recurring_id": row.id, "proposal_id": None, "entered_by": trail.actor, "entered_at": trail.at,
    }  # fmt: skip


# --- what a year comes to


def estimate(recurring: Sequence[Term], once: Sequence[Term]) -> Estimate:
    """Estimate a year from what recurs in it and what came once."""
    return Estimate(tuple(recurring), tuple(once))


def of_year(session: Session, product: str | None, year: int) -> Estimate:
    """Estimate a fund's costs of a year: what recurs in it, and what else is booked by account. In two queries."""
    whole = periods.year(year)
    own = RECURRING.c.product.is_(None) if product is None else RECURRING.c.product == product
    terms = [
        Term(f"{row.supplier}: {row.text}", Money(row.amount_ore), times)
        for row in session.execute(select(RECURRING).where(own).order_by(RECURRING.c.id))
        if (times := sum(day in whole for day in days_of(row, date(year, 12, 31))))
    ]
    mine = COSTS.c.product.is_(None) if product is None else COSTS.c.product == product
    once = session.execute(
        select(COSTS.c.account, func.sum(COSTS.c.amount_ore).label("ore"))
        .join(DECISIONS, DECISIONS.c.proposal_id == COSTS.c.proposal_id)
        .where(and_(mine, DECISIONS.c.outcome == "approved", COSTS.c.incurred_on >= whole.start,
                    COSTS.c.incurred_on < whole.end))
        .group_by(COSTS.c.account)
        .order_by(COSTS.c.account)
    )  # fmt: skip
    return estimate(terms, [Term(row.account, Money(int(row.ore)), 1) for row in once])


def listed(session: Session) -> list[Row[Any]]:
    """Give the recurring costs, the newest first, in one query."""
    return list(session.execute(select(RECURRING).order_by(RECURRING.c.id.desc())))
