"""What one authority pays in a year and why, whether or not it is invoiced yet: the plan's own pricing, told to it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing import explanation, gathering, pricing
from billing.charges import Charge
from foundation.language import Text
from foundation.money import Money


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


def of(session: Session, authority_id: int, year: int) -> Forecast:
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
