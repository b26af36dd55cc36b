"""What products would cost an authority, before anything is agreed on: the first year, the years after, member or not.

There is no second calculation: the wishes stand as agreements in force and are priced by the rules of the annual run.
What the authority has agreed on already plays no part, so anybody may calculate for any authority.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.lifecycle import Facts
from agreements.lifecycle import Kind as Connected
from authorities.register import AUTHORITIES
from billing import explanation, gathering, pricing
from billing.case import Ground
from billing.charges import Billable, Charge, Connection, Count, Member
from billing.document import References
from billing.fee_annex import NoSuchPayer
from fee_tables.calculation import Kind, Size
from fee_tables.table import SharedCost
from foundation import periods
from foundation.language import Text
from foundation.money import ZERO, Money, total
from foundation.periods import Period

_ANYWHERE = References("cvr", "", "", "", "")


class Wish(NamedTuple):
    """A product, and how it is to be joined."""

    product: str
    kind: Literal["active", "passive"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line without VAT; `product` is None for the dues. `sentences` lead to the amount step by step."""

    kind: Kind
    product: str | None
    title: Text
    net: Money
    sentences: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Year:
    """What a year costs, and what cannot be told or is not due, with why."""

    year: int
    lines: tuple[Line, ...]
    remarks: tuple[Text, ...]

    @property
    def net(self) -> Money:
        """The sum without VAT."""
        return total(line.net for line in self.lines)

    @property
    def dues(self) -> Money:
        """What of it is the association's dues."""
        return total(line.net for line in self.lines if line.kind is Kind.MEMBERSHIP_DUES)


@dataclass(frozen=True, slots=True)
class Cost:
    """The first year and the next whole one, and what is due once when a passive connection becomes active."""

    first: Year
    later: Year
    once_active: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Calculation:
    """What wishes would cost an authority, as a member of the association and as none.

    `pays_from` is the sum of annual fees from which the lower contribution of members outweighs the dues; None where
    membership makes no difference to the contribution. `size` is None where no line asks for it. `carried` are the days
    whose inhabitants are not known yet, and the earlier ones that stand in for them.
    """

    cvr: str
    name: str
    on: date
    size: Size | None
    as_member: Cost
    as_other: Cost
    pays_from: Money | None
    carried: tuple[tuple[date, date], ...]

    def cost(self, *, member: bool) -> Cost:
        """Give the cost as a member, or as none."""
        return self.as_member if member else self.as_other

    @property
    def gain(self) -> Money:
        """What membership saves in the later year, its dues paid; below zero where it costs more."""
        return self.as_other.later.net - self.as_member.later.net


def calculate(session: Session, cvr: str, wishes: Sequence[Wish], on: date) -> Calculation:
    """Calculate what joining products `on` a day would cost an authority, in a fixed number of queries.

    Raises NoSuchPayer.
    """
    authority_id = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar()
    if authority_id is None:
        raise _nobody(cvr)
    first = gathering.begin(session, on.year, "real", payers=[authority_id])
    billable = gathering.unbound(session, first, {on.year, on.year - 2})
    if billable is None:
        raise _nobody(cvr)
    billable, carried = _carried(billable, (on.year - 1, on.year))
    grounds = first.ground, gathering.ground(session, on.year + 1, first.ground.catalogue)
    as_member, member_charges = _cost(grounds, billable, wishes, on, member=True)
    as_other, other_charges = _cost(grounds, billable, wishes, on, member=False)
    charges = [*member_charges, *other_charges]
    return Calculation(
        cvr=cvr,
        name=billable.named.name,
        on=on,
        size=next((charge.reason.size for charge in charges if charge.reason.size is not None), None),
        as_member=as_member,
        as_other=as_other,
        pays_from=_pays_from(grounds[1], as_member.later.dues),
        carried=carried,
    )


def _nobody(cvr: str) -> NoSuchPayer:
    return NoSuchPayer(
        Text(
            f"{cvr} findes ikke i registret eller er ophørt uden efterfølger",
            f"{cvr} is not in the register, or has ended without a successor",
        )
    )


def _carried(billable: Billable, years: Sequence[int]) -> tuple[Billable, tuple[tuple[date, date], ...]]:
    """Let the newest known inhabitants stand in for those not known yet; the plan waits for them instead."""
    counts = dict(billable.counts)
    carried: list[tuple[date, date]] = []
    for year in years:
        before = counts.get((billable.named.id, year - 1))
        if before is not None and (billable.named.id, year) not in counts:
            counted_on = carried[-1][1] if carried else periods.new_year(year - 1)
            counts[billable.named.id, year] = Count(before.inhabitants, f"skøn: tallet fra {counted_on}")
            carried.append((periods.new_year(year), counted_on))
    return replace(billable, counts=counts), tuple(carried)


def _cost(
    grounds: tuple[Ground, Ground], billable: Billable, wishes: Sequence[Wish], on: date, *, member: bool
) -> tuple[Cost, list[Charge]]:
    first, first_charges = _year(grounds[0], billable, wishes, on, member=member)
    later, later_charges = _year(grounds[1], billable, wishes, on, member=member)
    passive = [wish._replace(kind="active") for wish in wishes if wish.kind == "passive"]
    _, active = _year(grounds[0], billable, passive, on, member=member)
    once = tuple(_line(charge, on.year) for charge in active if charge.kind is Kind.JOINING_FEE)
    return Cost(first, later, once), [*first_charges, *later_charges]


def _year(
    ground: Ground, billable: Billable, wishes: Sequence[Wish], on: date, *, member: bool
) -> tuple[Year, list[Charge]]:
    assert billable.payer is not None
    for wish in wishes:
        if _shares(ground, wish, on):
            ground = ground.shared_with(wish.product, billable.payer.cvr)
    joined_before = on < ground.key_day
    connections = tuple(
        Connection(  # below zero: an agreement of no register
            -at, billable.payer, wish.product, Facts(Connected(wish.kind), on, on, on), _ANYWHERE, ZERO, None, None,
            on if joined_before else None,
        )
        for at, wish in enumerate(wishes, start=1)
    )  # fmt: skip
    members = (Member(0, Period(periods.new_year(on.year)), _ANYWHERE),) if member else ()
    priced = pricing.price(ground, replace(billable, connections=connections, members=members))
    told = tuple(problem.message for problem in (*priced.problems, *priced.notes))
    lines = tuple(_line(charge, ground.year) for charge in priced.charges)
    return Year(ground.year, lines, tuple(dict.fromkeys(told))), priced.charges


def _shares(ground: Ground, wish: Wish, on: date) -> bool:
    table = ground.annual_table(wish.product)
    return (
        wish.kind == "active"
        and on <= ground.key_day
        and table is not None
        and isinstance(table.annual_fee, SharedCost)
    )


def _line(charge: Charge, year: int) -> Line:
    kind, product, reason, parts = charge.kind, charge.product, charge.reason, charge.parts
    told = explanation.sentences(kind, product, year, reason, parts)
    return Line(kind, product, explanation.title(kind, product, year), parts.net, tuple(told))


def _pays_from(ground: Ground, dues: Money) -> Money | None:
    """Give the smallest sum of annual fees, in whole kroner, at which members pay no more than others."""
    if ground.association is None:
        return None
    saved = ground.association.contribution_non_member - ground.association.contribution_member
    if saved <= 0:
        return None
    kroner = -(-Fraction(dues.ore) / saved // 100)
    return Money(int(kroner) * 100)
