"""What is thought of a journey beside what stands in it: from when it is expected, and how likely that is, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Table, insert, select, update
from sqlalchemy.orm import Session

from agreements.road.journeys import Journey, JourneyEnded
from billing.funding.forecast_models import JourneyJudgement
from foundation import wording
from foundation.audit import Trail
from foundation.errors import FieldsRefused
from foundation.language import Text

JUDGEMENTS: Table = JourneyJudgement.__table__  # type: ignore[assignment]

JUDGED_ACTION = "journey.judged"

_MOST = 100
_FIRST, _LAST = date(2000, 1, 1), date(2100, 1, 1)
#: The steps whose tasks are planned towards the day of the connection.
_PLANNED = ("implementation", "connection")


class JudgementRefused(FieldsRefused):
    """What was thought of a journey was refused; each field that is wrong says why."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a journey was judged; `version` counts from 1. What is None is read from the journey and its step."""

    version: int
    expected_from: date | None
    percent: int | None
    reason: str
    written_by: str
    written_at: datetime


def of(session: Session, journey_id: int) -> list[Judgement]:
    """Give how a journey was judged, the newest first."""
    return _by_journey(session, [journey_id]).get(journey_id, [])[::-1]


def newest(session: Session, journey_ids: Collection[int]) -> dict[int, Judgement]:
    """Give the newest judgement of those journeys that have any, in one query."""
    return {id_: found[-1] for id_, found in _by_journey(session, journey_ids).items()}


def _by_journey(session: Session, journey_ids: Collection[int]) -> dict[int, list[Judgement]]:
    found: dict[int, list[Judgement]] = {}
    wanted = select(JUDGEMENTS).where(JUDGEMENTS.c.journey_id.in_(journey_ids)).order_by(JUDGEMENTS.c.id)
    for row in session.execute(wanted):
        before = found.setdefault(row.journey_id, [])
        before.append(
            Judgement(len(before) + 1, row.expected_from, row.percent, row.reason, row.written_by, row.written_at)
        )
    return found


def expected_from(journey: Journey, judged: Judgement | None, on: date) -> date:
    """Give from when a journey is expected, on a day at the earliest.

    What somebody wrote counts, else the last day of its plan, else the first day of the year to come.
    """
    if judged is not None and judged.expected_from is not None:
        return max(judged.expected_from, on)
    return max(planned_to(journey) or date(on.year + 1, 1, 1), on)


def planned_to(journey: Journey) -> date | None:
    """Give the last day of what is planned of the implementation and the connection; None where no day is."""
    days = [
        task.due_on
        for step in journey.steps
        if step.key in _PLANNED
        for task in step.tasks
        if task.due_on is not None and not task.is_settled
    ]
    return max(days, default=None)


def judge(
    session: Session, journey: Journey, percent: int | None, expected: date | None, reason: str, trail: Trail
) -> bool:
    """Write how a journey is judged from now on; tell whether that is anything new.

    Without a per cent its step's counts, without a day its plan's. Needs the writer's lock. Raises JourneyEnded,
    JudgementRefused.
    """
    if journey.ended_on is not None:
        raise JourneyEnded(Text("rejsen er slut og ændres ikke mere", "the journey has ended and is not changed"))
    reason = " ".join(reason.split())
    if wrong := _faults(percent, expected, reason):
        raise JudgementRefused(wrong)
    before: Sequence[Judgement] = of(session, journey.id)[:1]
    if [(each.percent, each.expected_from, each.reason) for each in before] == [(percent, expected, reason)]:
        return False
    session.execute(
        insert(JUDGEMENTS).values(
            journey_id=journey.id, expected_from=expected, percent=percent, reason=reason, written_by=trail.actor,
            written_at=trail.at,
        )
    )  # fmt: skip
    told = {"percent": percent, "expected_from": expected and expected.isoformat()}
    trail.record(JUDGED_ACTION, f"journey {journey.id}", told)
    return True


def _faults(percent: int | None, expected: date | None, reason: str) -> dict[str, Text]:
    wrong: dict[str, Text] = {}
    if percent is not None and not 0 <= percent <= _MOST:
        wrong["percent"] = Text("skal være fra 0 til 100", "must be from 0 to 100")
    if expected is not None and not _FIRST <= expected < _LAST:
        wrong["expected"] = Text("skal være en dag i dette århundrede", "must be a day of this century")
    if not reason:
        wrong["reason"] = Text("skriv, hvorfor rejsen vurderes sådan", "write why the journey is judged so")
    elif fault := wording.fault(reason, wording.LONGEST_TEXT):
        wrong["reason"] = fault
    return wrong


def empty(session: Session, journey_ids: Sequence[int]) -> None:
    """Empty what was written of journeys that are let go; percents and days stay. Needs the writer's lock."""
    theirs = JUDGEMENTS.c.journey_id.in_(journey_ids)
    session.execute(update(JUDGEMENTS).where(theirs).values(reason="", written_by=""))
