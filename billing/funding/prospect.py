"""What a fund gets in a year, line by line, by the annual run's own rules, also of who may join or leave.

There is no second calculation. Inhabitants that are not known yet are the newest known, and said to be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.connections import AGREEMENTS
from agreements.lifecycle import Facts
from agreements.lifecycle import Kind as Connected
from agreements.products import PRODUCTS
from authorities.register import AUTHORITIES
from billing import gathering, pricing
from billing.case import Ground
from billing.charges import Billable, Charge, Connection, Count, Problem
from billing.document import References
from billing.gathering import Group, Run
from fee_tables.calculation import Kind, Reason
from fee_tables.table import SharedCost
from foundation import periods
from foundation.language import Text
from foundation.money import ZERO, Money

_ANYWHERE = References("cvr", "", "", "", "")

#: So many years back are looked through for the newest inhabitants; no year that is forecast lies further away.
_CARRIED_FROM = 6


@dataclass(frozen=True, slots=True)
class Line:
    """What one authority brings a fund by one kind of line, and what decided it; `passed_on` is the association's."""

    cvr: str
    name: str
    kind: str
    amount: Money
    passed_on: Money
    band: str  # of the size key; empty where size decides nothing
    table: str  # the digest of the adopted table
    share: str  # of the year, of a passive connection, and by how many a cost is shared
    is_estimated: bool  # by inhabitants of an earlier year

    @property
    def is_annual(self) -> bool:
        """Tell whether it comes again each year."""
        return self.kind == Kind.ANNUAL_FEE.value


class Joining(NamedTuple):
    """An authority that is thought to join a product from a day."""

    authority_id: int
    product: str
    expected_from: date


class Charged(NamedTuple):
    """A line of a fund with the charge behind it, which names its agreement and tells its whole reason."""

    line: Line
    charge: Charge


class _Standing(NamedTuple):
    """What funds get of the agreements there are, and what of it cannot be told, by product."""

    charged: dict[str, list[Charged]]
    problems: dict[str, list[Text]]


@dataclass(frozen=True)
class World:
    """All that decides what funds get in a year: the ground, the payers, and whose inhabitants are carried.

    What it tells of the agreements there are is priced once, payer by payer: O(agreements), for one fund or for all.
    """

    ground: Ground
    billables: tuple[Billable, ...]
    carried: frozenset[int]

    def is_shared(self, product: str) -> bool:
        """Tell whether the annual fee of a product is a cost that is shared by those who are connected."""
        table = self.ground.annual_table(product)
        return table is not None and isinstance(table.annual_fee, SharedCost)

    def lines(self, product: str) -> list[Line]:
        """Give what a fund gets of the agreements there are, by name."""
        return self.told(product)[0]

    def told(self, product: str) -> tuple[list[Line], list[Text]]:
        """Give what a fund gets of the agreements there are, and why other lines of them cannot be told."""
        lines = [each.line for each in self.charged(product)]
        return lines, list(dict.fromkeys(self._standing.problems[product]))

    def charged(self, product: str) -> list[Charged]:
        """Give the same lines, in the same order, each with its charge."""
        return sorted(self._standing.charged[product], key=lambda each: _order(each.line))

    @cached_property
    def _standing(self) -> _Standing:
        found = _Standing(defaultdict(list), defaultdict(list))
        for billable in self.billables:
            priced = pricing.price(self.ground, billable)
            for charge in priced.charges:
                if charge.product is not None:
                    found.charged[charge.product].append(self._charged(billable, charge))
            for problem in priced.problems:
                if problem.product is not None:
                    found.problems[problem.product].append(_problem(problem))
        return found

    def of_joining(self, joining: Joining) -> tuple[list[Charged], list[Text]]:
        """Give what who is thought to join brings the fund, and what cannot be told of it.

        A cost that is shared is paid by more, but does not grow: its share brings the fund nothing.
        """
        billable = self._payer(joining.authority_id)
        if billable is None or billable.payer is None:
            return [], [Text("myndigheden er ophørt", "the authority has ended")]
        alone = replace(billable, connections=(_thought(billable, joining, self.ground),), invoiced={}, again={})
        ground = self.ground.shared_with(joining.product, billable.payer.cvr)
        charges, problems = _of_product(ground, alone, joining.product)
        found = [self._charged(billable, charge) for charge in charges]
        if self.is_shared(joining.product):
            found = [each for each in found if not each.line.is_annual]
        return found, problems

    def supposing(self, product: str, joining: Iterable[Joining], leaving: Collection[str]) -> list[Line]:
        """Give what a fund would get where some joined and others, by CVR number, had left."""
        thought = {each.authority_id: each for each in joining}
        sharers = [cvr for cvr in self.ground.sharers.get(product, ()) if cvr not in leaving]
        ground = replace(self.ground, sharers={**self.ground.sharers, product: tuple(sharers)})
        for each in thought.values():
            found = self._payer(each.authority_id)
            if found is not None and found.payer is not None:
                ground = ground.shared_with(product, found.payer.cvr)
        return self._lines(ground, product, thought, leaving)[0]

    def _lines(
        self, ground: Ground, product: str, thought: dict[int, Joining], leaving: Collection[str]
    ) -> tuple[list[Line], list[Text]]:
        found: list[Line] = []
        problems: dict[Text, None] = {}
        for billable in self.billables:
            kept = tuple(c for c in billable.connections if c.product == product and c.signer.cvr not in leaving)
            joins = None if billable.payer is None else thought.get(billable.payer.id)
            more = () if joins is None else (_thought(billable, joins, ground),)
            if kept or more:
                charges, told = _of_product(ground, replace(billable, connections=(*kept, *more)), product)
                problems |= dict.fromkeys(told)
                found += [self._line(billable, charge) for charge in charges]
        return sorted(found, key=_order), list(problems)

    def _payer(self, authority_id: int) -> Billable | None:
        return self._payers.get(authority_id)

    @cached_property
    def _payers(self) -> dict[int, Billable]:
        return {billable.payer.id: billable for billable in self.billables if billable.payer is not None}

    def _charged(self, billable: Billable, charge: Charge) -> Charged:
        return Charged(self._line(billable, charge), charge)

    def _line(self, billable: Billable, charge: Charge) -> Line:
        reason, parts = charge.reason, charge.parts
        return Line(
            billable.named.cvr, billable.named.name, charge.kind.value, parts.product, parts.association,
            *decided_by(reason), reason.size is not None and billable.named.id in self.carried,
        )  # fmt: skip


def _order(line: Line) -> tuple[str, str, str]:
    return line.name, line.cvr, line.kind


def decided_by(reason: Reason) -> tuple[str, str, str]:
    """Give what decided a line, to be held against another year's: its band, its table, its shares."""
    sharers = None if reason.shared_cost is None else reason.shared_cost.sharers
    shares = ("-" if share is None else str(share) for share in (reason.year_share, reason.passive_share, sharers))
    return reason.size.band if reason.size else "", reason.table.digest, " ".join(shares)


def of_authorities(session: Session, year: int, ids: Collection[int]) -> World:
    """Read what decides a year for some authorities, by their ids, in a fixed number of queries."""
    run = gathering.begin(session, year, "real", payers=ids)
    return _world(session, run, run.groups)


def read(session: Session, year: int, product: str | None = None, also: Collection[int] = ()) -> World:
    """Read what decides a year, of one product or of all, in a fixed number of queries; `also` are authorities' ids."""
    run = gathering.begin(session, year, "real")
    groups: Sequence[Group] = run.groups
    if product is not None:
        signers = select(AGREEMENTS.c.authority_id).join(PRODUCTS).where(PRODUCTS.c.name == product)
        wanted = {*session.execute(signers).scalars(), *also}
        groups = [group for group in groups if wanted & {*group.members, group.payer}]
    return _world(session, run, groups, product)


def _world(session: Session, run: Run, groups: Sequence[Group], product: str | None = None) -> World:
    earlier = range(run.year - 2, run.year - 2 - _CARRIED_FROM, -1)
    found = tuple(_only(b, product) for b in gathering.of_payers(session, run, groups, set(earlier)))
    known = {b.named.id: next((year for year in earlier if (b.named.id, year) in b.counts), None) for b in found}
    carried = {b.named.id for b in found if (b.named.id, run.year - 1) not in b.counts and known[b.named.id]}
    billables = (_carried(b, run.year, known[b.named.id]) if b.named.id in carried else b for b in found)
    return World(run.ground, tuple(billables), frozenset(carried))


def _only(billable: Billable, product: str | None) -> Billable:
    """Leave out the agreements on other products, which decide nothing of this one's fund."""
    if product is None:
        return billable
    return replace(billable, connections=tuple(c for c in billable.connections if c.product == product))


def unconnected(session: Session, product: str, year: int) -> list[tuple[int, str, str]]:
    """Give id, CVR number and name of the authorities without an agreement on a product in a year, by name."""
    first, last = periods.new_year(year), date(year, 12, 31)
    bound = (
        select(AGREEMENTS.c.authority_id)
        .join(PRODUCTS)
        .where(PRODUCTS.c.name == product, AGREEMENTS.c.signed_on <= last,
               AGREEMENTS.c.terminated_to.is_(None) | (AGREEMENTS.c.terminated_to >= first))
    )  # fmt: skip
    rows = session.execute(
        select(AUTHORITIES.c.id, AUTHORITIES.c.cvr, AUTHORITIES.c.name)
        .where(AUTHORITIES.c.id.not_in(bound), AUTHORITIES.c.valid_to.is_(None) | (AUTHORITIES.c.valid_to >= first))
        .order_by(AUTHORITIES.c.name, AUTHORITIES.c.cvr)
    )
    return [(row.id, row.cvr, row.name) for row in rows]


def _carried(billable: Billable, year: int, known: int | None) -> Billable:
    assert known is not None
    before = billable.counts[billable.named.id, known]
    source = f"skøn: tallet fra {periods.new_year(known)}"
    return replace(
        billable, counts={**billable.counts, (billable.named.id, year - 1): Count(before.inhabitants, source)}
    )


def _of_product(ground: Ground, billable: Billable, product: str) -> tuple[list[Charge], list[Text]]:
    own = tuple(c for c in billable.connections if c.product == product)
    if not own:
        return [], []
    priced = pricing.price(ground, replace(billable, connections=own))
    told = [_problem(each) for each in priced.problems if each.product == product]
    return [charge for charge in priced.charges if charge.product == product], told


def _problem(found: Problem) -> Text:
    return Text(f"{found.named.name}: {found.message.da}", f"{found.named.name}: {found.message.en}")


def _thought(billable: Billable, joining: Joining, ground: Ground) -> Connection:
    """Give an agreement that nobody signed; who joins before the year paid its joining fee before it."""
    assert billable.payer is not None
    on = joining.expected_from
    return Connection(
        -1, billable.payer, joining.product, Facts(Connected.ACTIVE, on, on, on), _ANYWHERE, ZERO, None, None,
        on if on < ground.key_day else None,
    )  # fmt: skip
