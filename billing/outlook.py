"""What one authority pays in a year, by the plan's own steps for it alone.

`of` is what the plan would invoice now, and what holds it back; `whole_year` all that is owed, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing import annual_run, explanation, gathering, plan_snapshot, pricing
from billing.annual_run import NothingToInvoice, PayerPlan
from billing.charges import Charge, Problem
from billing.plan_snapshot import Row, Sums
from billing.seller import Seller
from foundation.language import Text
from foundation.money import Money


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the plan of a year has for one payer: its invoices, what holds lines back, what is invoiced already.

    The positions of the rows count within it.
    """

    year: int
    rows: Sequence[Row]
    problems: Sequence[Problem]
    notes: Sequence[Problem]
    nothing: Sequence[NothingToInvoice]
    unchanged: int

    @property
    def sums(self) -> Sums:
        """Give what its invoices come to."""
        return plan_snapshot.sums(self.rows)


@dataclass(frozen=True, slots=True)
class Expected:
    """One line without VAT: what it is, how much, why, and the invoice it stands on already."""

    title: Text
    net: Money
    sentences: tuple[Text, ...]
    invoice: str | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """A year of one authority; `problems` are lines that cannot be told yet, and why."""

    year: int
    lines: tuple[Expected, ...]
    problems: tuple[Text, ...]

    @property
    def net(self) -> Money:
        """The sum without VAT."""
        return Money(sum(line.net.ore for line in self.lines))


def of(session: Session, authority_id: int, year: int, seller: Seller) -> Outlook:
    """Plan a year of the real book for one authority, in a fixed number of queries. Writes nothing."""
    run = gathering.begin(session, year, "real", payers={authority_id})
    plans = list(annual_run.payer_plans(session, run, seller))
    return Outlook(
        year=year,
        rows=_rows(plans),
        problems=[problem for plan in plans for problem in plan.problems],
        notes=[note for plan in plans for note in plan.notes],
        nothing=[each for plan in plans for each in plan.nothing],
        unchanged=sum(plan.unchanged for plan in plans),
    )


def whole_year(session: Session, authority_id: int, year: int) -> Forecast:
    """Price a year of an authority as the annual run would today; nothing where somebody else pays for it."""
    run = gathering.begin(session, year, "real", payers=[authority_id])
    billable = gathering.of_payer(session, run, ())
    if billable is None or billable.payer is None:
        return Forecast(year, (), ())
    priced = pricing.price(run.ground, billable)
    invoiced = {key: line.number for key, line in billable.invoiced.items()}
    lines = tuple(_expected(charge, year, invoiced.get(charge.key)) for charge in priced.charges)
    return Forecast(year, lines, tuple(problem.message for problem in priced.problems))


def _expected(charge: Charge, year: int, invoice: str | None) -> Expected:
    kind, reason, parts = charge.kind, charge.reason, charge.parts
    told = explanation.sentences(kind, charge.product, year, reason, parts)
    return Expected(explanation.title(kind, charge.product, year), parts.net, tuple(told), invoice)


def _rows(plans: Sequence[PayerPlan]) -> list[Row]:
    troubled = {problem.named.id for plan in plans for problem in plan.problems}
    drafts = [proposal.draft for plan in plans for proposal in plan.proposals]
    return [plan_snapshot.row(at, draft, troubled) for at, draft in enumerate(drafts, start=1)]
