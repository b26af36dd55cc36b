"""How likely each step of the road is: learned from ended journeys where there are enough, else as it was set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, Table, func, select
from sqlalchemy.orm import Session

from agreements.road.guide import STEPS
from agreements.road.journeys import JOURNEYS, Outcome
from billing.funding.forecast_models import StageChance
from foundation.language import Text

CHANCES: Table = StageChance.__table__  # type: ignore[assignment]

#: ASSUMPTION: how likely a case is by its step until the secretariat sets it from its own experience, in per cent.
USUAL: Mapping[str, int] = {"mobilisation": 10, "test": 25, "contact": 50, "implementation": 75, "connection": 90}

#: ASSUMPTION: so many journeys that came to a step and have ended tell more of it than anybody's judgement.
ENOUGH = 20

_HUNDRED = 100

Basis = Literal["own", "learned", "set", "usual"]
BASES: Mapping[Basis, Text] = {
    "own": Text("vurderet", "judged"), "learned": Text("lært", "learned"), "set": Text("sat", "set"),
    "usual": Text("standard", "standard"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chance:
    """How likely a step is, in per cent; `given` is what counts while too few of `ended` journeys teach anything."""

    given: int
    is_set: bool
    came: int
    ended: int

    @property
    def percent(self) -> int:
        """Give the per cent that counts; halves are rounded up."""
        if not self.is_learned:
            return self.given
        return (2 * _HUNDRED * self.came + self.ended) // (2 * self.ended)

    @property
    def is_learned(self) -> bool:
        """Tell whether enough journeys ended to learn from them."""
        return self.ended >= ENOUGH

    @property
    def basis(self) -> Basis:
        """Tell what the per cent rests on."""
        return "learned" if self.is_learned else "set" if self.is_set else "usual"

    @property
    def told(self) -> Text:
        """Say what the per cent rests on, and of how many journeys."""
        if self.is_learned:
            return Text(
                f"lært af {self.ended} afsluttede rejser, hvoraf {self.came} endte med en tilslutning",
                f"learned from {self.ended} journeys that ended, {self.came} of them with a connection",
            )
        how = Text("sat af sekretariatet", "set by the secretariat") if self.is_set else Text("standard", "standard")
        few = Text(f"; {self.ended} af de {ENOUGH} afsluttede rejser, der skal til for at lære af dem",
                   f"; {self.ended} of the {ENOUGH} ended journeys that it takes to learn from them")  # fmt: skip
        return how + few


def read(session: Session) -> dict[str, Chance]:
    """Give how likely each step is, in two queries."""
    rows = session.execute(select(CHANCES.c.stage, CHANCES.c.percent).order_by(CHANCES.c.id))
    given = {row.stage: int(row.percent) for row in rows}
    ended = _ended(session)
    return {step: _chance(step, given.get(step), ended) for step in STEPS}


def _ended(session: Session) -> Sequence[Row[Any]]:
    """Count the journeys that ended, by outcome and by the step they had come to."""
    columns = JOURNEYS.c.outcome, JOURNEYS.c.reached
    return session.execute(
        select(*columns, func.count().label("number"))
        .where(JOURNEYS.c.ended_on.is_not(None), JOURNEYS.c.reached.in_(STEPS))
        .group_by(*columns)
    ).all()


def _chance(step: str, given: int | None, ended: Sequence[Row[Any]]) -> Chance:
    """A journey that came further also came to this step."""
    there = [row for row in ended if STEPS.index(row.reached) >= STEPS.index(step)]
    came = sum(row.number for row in there if row.outcome == Outcome.CONNECTED.value)
    return Chance(USUAL[step] if given is None else given, given is not None, came, sum(row.number for row in there))
