"""Who wants to be reminded of what was promised on the road, and what there is to remind of. Quiet until wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Table, insert, select, update
from sqlalchemy.orm import Session

from agreements.road.inquiries import Inquiry
from agreements.road.journeys import Journey
from agreements.road.models import RoadReminding
from foundation.audit import Trail
from foundation.periods import BUSINESS_ZONE

REMINDING: Table = RoadReminding.__table__  # type: ignore[assignment]

#: A trial that is planned and has no verdict after so long is told of.
_TRIED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Promised:
    """What was promised on one journey, or in one thread, and whose day has passed."""

    address: str
    authority_id: int
    authority: str
    product: str | None
    tasks: int = 0
    trials: int = 0
    questions: int = 0


def is_wanted(session: Session, user_id: int) -> bool:
    """Tell whether somebody wants to be reminded."""
    found = select(REMINDING.c.user_id).where(REMINDING.c.user_id == user_id, REMINDING.c.ended_at.is_(None))
    return session.execute(found).first() is not None


def wanted(session: Session) -> frozenset[int]:
    """Give the user accounts that want to be reminded."""
    return frozenset(session.scalars(select(REMINDING.c.user_id).where(REMINDING.c.ended_at.is_(None))))


def want(session: Session, user_id: int, is_on: bool, trail: Trail) -> bool:
    """Turn reminders on or off for a user account; tell whether that changed anything. Needs the writer's lock."""
    if is_wanted(session, user_id) is is_on:
        return False
    known = REMINDING.c.user_id == user_id
    if not is_on:
        session.execute(update(REMINDING).where(known).values(ended_at=trail.at))
    elif session.execute(select(REMINDING.c.user_id).where(known)).first() is None:
        session.execute(insert(REMINDING).values(user_id=user_id, wanted_at=trail.at))
    else:
        session.execute(update(REMINDING).where(known).values(wanted_at=trail.at, ended_at=None))
    trail.record(f"road.reminding_{'on' if is_on else 'off'}", f"user {user_id}", {})
    return True


def promised(journeys: Sequence[Journey], inquiries: Sequence[Inquiry], on: date) -> list[Promised]:
    """Give what of open journeys and of threads has passed its day, journeys first."""
    found = [_of_journey(each, on) for each in journeys if each.ended_on is None]
    late = [
        Promised(f"/questions/{each.id}", each.authority_id, each.authority, each.product, questions=1)
        for each in inquiries
        if each.is_late(on)
    ]
    return [each for each in found if each.tasks or each.trials] + late


def _of_journey(journey: Journey, on: date) -> Promised:
    tasks = sum(task.is_late(on) for step in journey.steps for task in step.tasks)
    trials = sum(
        not trial.verdict and trial.written_at.astimezone(BUSINESS_ZONE).date() + _TRIED <= on
        for trial in journey.trials
    )
    return Promised(
        f"/road/{journey.id}", journey.authority_id, journey.authority, journey.product, tasks=tasks, trials=trials
    )
