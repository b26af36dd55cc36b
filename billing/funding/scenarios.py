"""What if some leave, or more join: the effect on a fund and on everyone's fee. Nothing is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session

from billing.funding import forecast, prospect
from billing.funding.prospect import Joining, Line
from foundation import periods, wording
from foundation.errors import FieldsRefused
from foundation.language import Text
from foundation.money import ZERO, Money, total

AT_MOST = 100


class ScenarioRefused(FieldsRefused):
    """A scenario with somebody in it who cannot leave, or cannot join."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one authority pays the fund in the year, as it is and as it would be."""

    cvr: str
    name: str
    before: Money
    after: Money

    @property
    def moved(self) -> Money:
        """Give what it would pay more."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Scenario:
    """A year of a fund as it is and as it would be; `is_shared` where those who stay share a cost."""

    product: str
    year: int
    effects: tuple[Effect, ...]  # of all who pay in either
    is_shared: bool
    passed_on: Money  # what the association would get more

    @property
    def before(self) -> Money:
        """Give what the fund gets as it is."""
        return total(each.before for each in self.effects)

    @property
    def after(self) -> Money:
        """Give what the fund would get."""
        return total(each.after for each in self.effects)

    @property
    def moved(self) -> Money:
        """Give what the fund would get more."""
        return self.after - self.before

    @property
    def others(self) -> tuple[Effect, ...]:
        """Give those who stay and would pay another fee."""
        return tuple(each for each in self.effects if each.before and each.after and each.moved)


def suppose(
    session: Session, product: str, year: int, on: date, *, leaving: Collection[str] = (), joining: Collection[str] = ()
) -> Scenario:
    """Tell what a year would be where some left before it and others joined as it began, by their CVR numbers.

    In a fixed number of queries. Raises NoSuchProduct, NoSuchYear, ScenarioRefused.
    """
    forecast.check(session, product, year, on)
    free = {cvr: id_ for id_, cvr, _ in prospect.unconnected(session, product, year)}
    world = prospect.read(session, year, product, [free[cvr] for cvr in joining if cvr in free])
    connected = {c.signer.cvr for b in world.billables for c in b.connections if c.product == product}
    _check(leaving, connected, "leave", Text("er ikke tilsluttet", "is not connected"))
    _check(joining, free, "join", Text("kan ikke tilsluttes: den er det, eller findes ikke",
                                       "cannot join: it has, or does not exist"))  # fmt: skip
    first = periods.new_year(year)
    thought = [Joining(free[cvr], product, first) for cvr in joining]
    before, after = world.lines(product), world.supposing(product, thought, leaving)
    passed_on = total(line.passed_on for line in after) - total(line.passed_on for line in before)
    return Scenario(product, year, _effects(before, after), world.is_shared(product), passed_on)


def nameless(found: Scenario, joining: Collection[str], name: str) -> Scenario:
    """Give a scenario with those who join as one, under a name for all, for whoever may not know who they are."""
    ours = [each for each in found.effects if each.cvr not in joining]
    others = [each for each in found.effects if each.cvr in joining]
    if not others:
        return found
    together = Effect("", name, total(each.before for each in others), total(each.after for each in others))
    return replace(found, effects=(*ours, together))


def of_band(session: Session, product: str, year: int, band: str, count: int) -> list[str]:
    """Give the first authorities, by name, of a band that have not joined a product, by CVR number."""
    free = prospect.unconnected(session, product, year)
    world = prospect.read(session, year, product, [id_ for id_, _, _ in free])
    ids = {id_ for id_, _, _ in free}
    key = world.ground.size_key(year)
    if key is None:
        return []
    counted = (
        (b.named, b.counts[b.named.id, year - 1])
        for b in world.billables
        if b.named.id in ids and (b.named.id, year - 1) in b.counts
    )
    found = sorted((named.name, named.cvr) for named, each in counted if key.band_of(each.inhabitants).name == band)
    return [cvr for _, cvr in found[:count]]


def _check(given: Collection[str], allowed: Collection[str], field: str, why: Text) -> None:
    if len(given) > AT_MOST:
        raise ScenarioRefused({field: Text("højst 100 ad gangen", "100 at a time at most")})
    strange = next((cvr for cvr in given if cvr not in allowed), None)
    if strange is not None:
        shown = wording.quoted(strange)
        raise ScenarioRefused({field: Text(f"{shown} {why.da}", f"{shown} {why.en}")})


def _effects(before: Iterable[Line], after: Iterable[Line]) -> tuple[Effect, ...]:
    first, second = list(before), list(after)
    names = {line.cvr: line.name for line in (*first, *second)}
    made = [
        Effect(cvr, name, total(line.amount for line in first if line.cvr == cvr),
               total(line.amount for line in second if line.cvr == cvr))
        for cvr, name in names.items()
    ]  # fmt: skip
    return tuple(sorted((e for e in made if e.before != ZERO or e.after != ZERO), key=lambda e: (e.name, e.cvr)))
