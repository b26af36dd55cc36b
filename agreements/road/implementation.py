"""The plan of an implementation: at once or in stages, the stages with their days, and the risks.

Stages and risks are written in versions that stay; the newest counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, Table, insert, select
from sqlalchemy.orm import Session

from agreements.road import journeys
from agreements.road.journeys import STAGES, Journey, NoSuchTask, RoadRefused, Task, Walk
from agreements.road.models import JourneyPlan, JourneyRisk
from foundation import wording
from foundation.audit import Trail
from foundation.language import Text

PLANS: Table = JourneyPlan.__table__  # type: ignore[assignment]
RISKS: Table = JourneyRisk.__table__  # type: ignore[assignment]

STEP = "implementation"

MANNERS: Mapping[str, Text] = {
    "at_once": Text("Alt på én gang", "All at once"), "stages": Text("I etaper", "In stages"),
}  # fmt: skip
GRADES: Mapping[str, Text] = {
    "low": Text("Lav", "Low"), "medium": Text("Middel", "Medium"), "high": Text("Høj", "High"),
}  # fmt: skip
LIKELIHOODS: Mapping[str, Text] = {**GRADES, "gone": Text("Ikke længere en risiko", "No risk any more")}

_MOST = 100  # stages of a journey, and risks
_LONGEST_NOTE = 4_000
_LONGEST_TITLE = 300
_WEIGHTS = {"gone": 0, "low": 1, "medium": 2, "high": 3}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as somebody writes it."""

    title: str
    starts_on: date | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk as somebody writes it; `owner` is a function, such as the head of IT."""

    words: str
    likelihood: str
    consequence: str
    measure: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan as it stands: the newest version of each stage by its number, and of each risk, the gravest first.

    `manner` is empty until it is chosen.
    """

    manner: str
    stages: tuple[Row[Any], ...]
    risks: tuple[Row[Any], ...]

    @property
    def is_in_stages(self) -> bool:
        """Tell whether tasks belong to stages."""
        return self.manner == "stages" and bool(self.stages)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the timeline: a stage with its dated tasks, or, without one, those of no stage."""

    stage: Row[Any] | None
    tasks: tuple[Task, ...]


# --- reading


def read(session: Session, journey_id: int) -> Plan:
    """Read the plan of a journey, in three queries."""
    manner = session.execute(
        select(PLANS.c.manner).where(PLANS.c.journey_id == journey_id).order_by(PLANS.c.id.desc()).limit(1)
    ).scalar()
    stages, risks = (_newest(session, table, journey_id) for table in (STAGES, RISKS))
    return Plan(manner or "", tuple(stages), tuple(sorted(risks, key=_gravest)))


def _newest(session: Session, table: Table, journey_id: int) -> list[Row[Any]]:
    rows = session.execute(select(table).where(table.c.journey_id == journey_id).order_by(table.c.version))
    newest = {row.number: row for row in rows}
    return [newest[number] for number in sorted(newest)]


def _gravest(risk: Row[Any]) -> tuple[int, int]:
    return -weight(risk), risk.number


def weight(risk: Row[Any]) -> int:
    """Give how grave a risk is: likelihood by consequence, 0 to 9."""
    return _WEIGHTS[risk.likelihood] * _WEIGHTS[risk.consequence]


def timeline(walk: Walk, plan: Plan | None) -> list[Span]:
    """Give the tasks with days in their order: stage by stage, those of none first; without stages all in one."""
    dated = [task for task in walk.tasks if task.starts_on or task.due_on]
    ordered = sorted(dated, key=lambda task: (task.starts_on or task.due_on, task.due_on or task.starts_on))
    if plan is None or not plan.is_in_stages:
        return [Span(None, tuple(ordered))] if ordered else []
    known = {stage.number for stage in plan.stages}
    rest = tuple(task for task in ordered if task.stage not in known)
    spans = [Span(stage, tuple(task for task in ordered if task.stage == stage.number)) for stage in plan.stages]
    return [*([Span(None, rest)] if rest else []), *spans]


# --- acts; each needs the writer's lock


def choose(session: Session, journey: Journey, manner: str, trail: Trail) -> bool:
    """Choose whether all comes at once or in stages; tell whether that is new. Raises JourneyEnded, RoadRefused."""
    journeys.refuse_ended(session, journey.id)
    if manner not in MANNERS:
        raise RoadRefused({"manner": Text("Vælg, hvordan I gør det", "Choose how you do it")})
    if read(session, journey.id).manner == manner:
        return False
    session.execute(
        insert(PLANS).values(
            journey_id=journey.id, manner=manner, written_by=trail.actor, written_at=trail.at
        )
    )  # fmt: skip
    trail.record("journey.manner_chosen", f"journey {journey.id}", {"manner": manner})
    return True


def write_stage(session: Session, journey: Journey, stage: Stage, trail: Trail, number: int | None = None) -> int:
    """Write a new stage, or a stage's next version; give its number. The newest, word for word, changes nothing.

    Raises JourneyEnded, RoadRefused, NoSuchTask for a number that is not there.
    """
    journeys.refuse_ended(session, journey.id)
    title = " ".join(stage.title.split())
    if not title:
        raise RoadRefused({"title": Text("Giv etapen et navn", "Give the stage a name")})
    _checked("title", title, _LONGEST_TITLE)
    if stage.starts_on and stage.due_on and stage.due_on < stage.starts_on:
        raise RoadRefused({"due_on": Text("Fristen ligger før begyndelsen", "The day is before the beginning")})
    said = {"title": title, "starts_on": stage.starts_on, "due_on": stage.due_on}
    written, is_new = _write(session, STAGES, journey, said, trail, number)
    if is_new:
        trail.record("journey.stage_written", f"journey {journey.id}", {"stage": written})
    return written


def write_risk(session: Session, journey: Journey, risk: Risk, trail: Trail, number: int | None = None) -> int:
    """Write a new risk, or a risk's next version; give its number. The newest, word for word, changes nothing.

    Raises JourneyEnded, RoadRefused, NoSuchTask for a number that is not there.
    """
    journeys.refuse_ended(session, journey.id)
    _check(risk)
    said = {
        "words": risk.words.strip(), "likelihood": risk.likelihood, "consequence": risk.consequence,
        "measure": risk.measure.strip(), "owner": risk.owner.strip(),
    }  # fmt: skip
    written, is_new = _write(session, RISKS, journey, said, trail, number)
    if is_new:
        trail.record("journey.risk_written", f"journey {journey.id}", {"risk": written})
    return written


def _check(risk: Risk) -> None:
    if not risk.words.strip():
        raise RoadRefused({"words": Text("Skriv, hvad der kan ske", "Write what may happen")})
    if risk.likelihood not in LIKELIHOODS:
        raise RoadRefused({"likelihood": Text("Vælg, hvor sandsynligt det er", "Choose how likely it is")})
    if risk.consequence not in GRADES:
        raise RoadRefused({"consequence": Text("Vælg, hvor alvorligt det er", "Choose how grave it is")})
    _checked("words", risk.words.strip(), _LONGEST_NOTE)
    _checked("measure", risk.measure.strip(), _LONGEST_NOTE)
    _checked("owner", risk.owner.strip(), _LONGEST_TITLE)


def _checked(field: str, words: str, longest: int) -> None:
    if words and (reason := wording.fault(" ".join(words.split()), longest)):
        raise RoadRefused({field: reason})


def _write(
    session: Session, table: Table, journey: Journey, said: Mapping[str, Any], trail: Trail, number: int | None
) -> tuple[int, bool]:
    """Write the next version, or a new number; give the number, and whether anything was written."""
    known: Sequence[Row[Any]] = _newest(session, table, journey.id)
    before = {row.number: row for row in known}
    if number is not None and number not in before:
        raise NoSuchTask(Text("rejsen har intet med det nummer", "the journey has nothing with that number"))
    for row in known:
        if number in (None, row.number) and all(getattr(row, name) == value for name, value in said.items()):
            return int(row.number), False
    if number is None and len(known) >= _MOST:
        raise RoadRefused({next(iter(said)): Text(f"Højst {_MOST}", f"At most {_MOST}")})
    written = number if number is not None else max(before, default=0) + 1
    version = before[written].version + 1 if written in before else 1
    session.execute(
        insert(table).values(
            journey_id=journey.id, number=written, version=version, **said, written_by=trail.actor, written_at=trail.at
        )
    )
    return written, True
