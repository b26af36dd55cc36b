"""What one authority pays in a year: planned for it alone, as the plan of all would have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing import annual_run, gathering, plan_snapshot
from billing.annual_run import NothingToInvoice, PayerPlan
from billing.charges import Problem
from billing.plan_snapshot import Row, Sums
from billing.seller import Seller


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


def _rows(plans: Sequence[PayerPlan]) -> list[Row]:
    troubled = {problem.named.id for plan in plans for problem in plan.problems}
    drafts = [proposal.draft for plan in plans for proposal in plan.proposals]
    return [plan_snapshot.row(at, draft, troubled) for at, draft in enumerate(drafts, start=1)]
