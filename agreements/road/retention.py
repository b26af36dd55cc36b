"""How long the road keeps what was written on it, and letting it go: by state, so that it can be done at any time.

When a journey has ended, its words, files and names are kept for a while and then emptied; steps and days stay, for
figures. One on which nothing happens is asked about first, and ends where nobody answers. A thread is emptied so long
after its last word, and an offer to show so long after its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table, func, select, union_all, update
from sqlalchemy.orm import Session

from agreements.road import journeys
from agreements.road.files import FILES
from agreements.road.implementation import PLANS, RISKS
from agreements.road.inquiries import ASSIGNMENTS, INQUIRIES, MESSAGES
from agreements.road.journeys import ENTRIES, JOURNEYS, STAGES, TASKS, TRIALS, Journey, Outcome
from agreements.road.showings import ENDS, SHOWINGS
from agreements.road.terms import Terms
from foundation import language
from foundation.audit import Trail
from foundation.periods import BUSINESS_ZONE

#: How long somebody has to say that a journey goes on.
ANSWER = timedelta(days=30)

#: What is written on a journey, and the column that tells when.
_SIGNS = (
    (ENTRIES, "written_at"), (TASKS, "added_at"), (TRIALS, "written_at"), (FILES, "added_at"), (PLANS, "written_at"),
    (STAGES, "written_at"), (RISKS, "written_at"),
)  # fmt: skip

_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done on a day: ids of journeys, threads and offers to show."""

    ask: Sequence[int]
    end: Mapping[int, date]  # with the day of the last sign of life
    empty: Sequence[int]
    inquiries: Sequence[int]
    showings: Sequence[int]

    def __bool__(self) -> bool:
        return any((self.ask, self.end, self.empty, self.inquiries, self.showings))


# --- questions


def due(session: Session, terms: Terms, on: date) -> Due:
    """Give what is to be done today, in a fixed number of queries."""
    lived = _lived(session, select(JOURNEYS.c.id).where(JOURNEYS.c.ended_on.is_(None)))
    columns = JOURNEYS.c
    ask: list[int] = []
    end: dict[int, date] = {}
    for row in session.execute(select(columns.id, columns.asked_on).where(columns.ended_on.is_(None))):
        life = lived[row.id]
        if row.asked_on is not None and life < row.asked_on:
            if row.asked_on + ANSWER <= on:
                end[row.id] = life
        elif terms.quiet_from(life) <= on:
            ask.append(row.id)
    ended = select(columns.id, columns.ended_on).where(columns.ended_on.is_not(None), columns.emptied_on.is_(None))
    return Due(
        ask=ask, end=end, empty=_over(session, ended, terms, on), inquiries=_over(session, _spoken(), terms, on),
        showings=sorted({*_over(session, _taken_back(), terms, on), *_over(session, _ran_out(), terms, on)}),
    )  # fmt: skip


def _over(session: Session, ended: Select[Any], terms: Terms, on: date) -> list[int]:
    """Give the ids of what ended so long ago; the select gives an id and the day, or instant, of the end."""
    return sorted(id_ for id_, at in session.execute(ended) if terms.kept_until(_day(at)) <= on)


def _spoken() -> Select[Any]:
    """Select the threads that are not emptied, with their last word."""
    return (
        select(INQUIRIES.c.id, func.max(MESSAGES.c.written_at))
        .join(MESSAGES, MESSAGES.c.inquiry_id == INQUIRIES.c.id)
        .where(INQUIRIES.c.emptied_on.is_(None))
        .group_by(INQUIRIES.c.id)
    )


def _taken_back() -> Select[Any]:
    """Select the offers to show that were taken back and are not emptied, with when."""
    over = select(SHOWINGS.c.id, ENDS.c.ended_at).join(ENDS, ENDS.c.showing_id == SHOWINGS.c.id)
    return over.where(SHOWINGS.c.contact != "")


def _ran_out() -> Select[Any]:
    """Select the offers to show that have a last day and are not emptied, with that day."""
    over = select(SHOWINGS.c.id, SHOWINGS.c.until_on)
    return over.where(SHOWINGS.c.contact != "", SHOWINGS.c.until_on.is_not(None))


def waits_for_answer(session: Session, journey: Journey) -> date | None:
    """Give the day on which a quiet journey ends if nobody says that it goes on; None where it was not asked."""
    if journey.ended_on is not None or journey.asked_on is None:
        return None
    life = _lived(session, select(JOURNEYS.c.id).where(JOURNEYS.c.id == journey.id))[journey.id]
    return journey.asked_on + ANSWER if life < journey.asked_on else None


def _lived(session: Session, wanted: Select[Any]) -> dict[int, date]:
    """Give the day of the last sign of life of each journey that is wanted."""
    columns = JOURNEYS.c
    rows = session.execute(select(columns.id, columns.opened_on, columns.confirmed_on).where(columns.id.in_(wanted)))
    lived = {row.id: max(row.opened_on, row.confirmed_on or row.opened_on) for row in rows}
    signs = union_all(
        *(
            select(table.c.journey_id, table.c[at].label("at")).where(table.c.journey_id.in_(wanted))
            for table, at in _SIGNS
        )
    ).subquery()
    newest = select(signs.c.journey_id, func.max(signs.c.at)).group_by(signs.c.journey_id)
    for id_, at in session.execute(newest):
        lived[id_] = max(lived[id_], _day(at))
    return lived


def _day(at: date | datetime) -> date:
    return at.astimezone(BUSINESS_ZONE).date() if isinstance(at, datetime) else at


# --- acts; each needs the writer's lock, and the caller commits


def let_go(session: Session, found: Due, terms: Terms, trail: Trail) -> None:
    """Do what is due: ask, end what nobody answered for, and empty what was kept long enough."""
    on = _day(trail.at)
    for ids in _some(found.ask):
        session.execute(update(JOURNEYS).where(JOURNEYS.c.id.in_(ids)).values(asked_on=on))
    for id_ in found.ask:
        trail.record("journey.asked", f"journey {id_}", {})
    for ids in _some(list(found.end)):
        for journey in journeys.read(session, session.execute(journeys.listing().where(JOURNEYS.c.id.in_(ids))).all()):
            since = language.day(found.end[journey.id]).da
            journeys.end(session, journey, Outcome.GIVEN_UP, f"Intet er sket siden {since}, og ingen har svaret", trail)
    told = {"kept_months": terms.kept_months}
    for ids, empty, subject in (
        (found.empty, _empty_journeys, "journey"), (found.inquiries, _empty_inquiries, "inquiry"),
        (found.showings, _empty_showings, "showing"),
    ):  # fmt: skip
        for some in _some(ids):
            empty(session, some, on)
        for id_ in ids:
            trail.record(f"{subject}.emptied", f"{subject} {id_}", told)


def confirm(session: Session, journey: Journey, trail: Trail) -> None:
    """Say that a quiet journey goes on. Raises JourneyEnded."""
    journeys.refuse_ended(session, journey.id)
    on = _day(trail.at)
    if journey.confirmed_on != on:
        session.execute(update(JOURNEYS).where(JOURNEYS.c.id == journey.id).values(confirmed_on=on))
        trail.record("journey.confirmed", f"journey {journey.id}", {})


def _empty_journeys(session: Session, ids: Sequence[int], on: date) -> None:
    _blank(session, ENTRIES, ids, "owner", "note", "written_by")
    _blank(session, TASKS, ids, "title", "added_by")
    _blank(session, TRIALS, ids, "place", "proves", "result", "seen_by", "why", "written_by")
    _blank(session, PLANS, ids, "written_by")
    _blank(session, STAGES, ids, "title", "written_by")
    _blank(session, RISKS, ids, "words", "measure", "owner", "written_by")
    _blank(session, FILES, ids, "name", "sha256", "added_by", content=None, withdrawn_by=None)
    _blank(session, JOURNEYS, ids, "opened_by", key="id", reason=None, emptied_on=on)


def _empty_inquiries(session: Session, ids: Sequence[int], on: date) -> None:
    _blank(session, MESSAGES, ids, "words", "written_by", key="inquiry_id")
    _blank(session, ASSIGNMENTS, ids, "assigned_to", "assigned_by", key="inquiry_id")
    _blank(session, INQUIRIES, ids, "subject", "asked_by", key="id", asker_id=None, emptied_on=on)


def _empty_showings(session: Session, ids: Sequence[int], on: date) -> None:
    _blank(session, SHOWINGS, ids, "shows", "contact", "offered_by", key="id")
    _blank(session, ENDS, ids, "ended_by", key="showing_id")


def _blank(
    session: Session, table: Table, ids: Sequence[int], *names: str, key: str = "journey_id", **values: Any
) -> None:
    session.execute(update(table).where(table.c[key].in_(ids)).values(dict.fromkeys(names, "") | values))


def _some(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _AT_A_TIME] for start in range(0, len(ids), _AT_A_TIME))
