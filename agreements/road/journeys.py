"""Journeys: one authority on its way to one product, as a list of tasks whose every change stays.

Nothing is forced: steps may overlap, and a task may be left out with a reason. A journey ends by the connection itself,
or by giving up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, Table, func, insert, select, update
from sqlalchemy.orm import Session

from agreements.products import PRODUCTS
from agreements.road import guide as guides
from agreements.road.guide import STEPS, Guide, Step
from agreements.road.models import Journey as JourneyRow
from agreements.road.models import JourneyEntry, JourneyFile, JourneyStage, JourneyTask, JourneyTrial
from authorities.register import AUTHORITIES
from foundation import wording
from foundation.audit import Trail
from foundation.errors import Conflict, FieldsRefused, NotFound
from foundation.language import Text, same
from foundation.periods import BUSINESS_ZONE

JOURNEYS: Table = JourneyRow.__table__  # type: ignore[assignment]
TASKS: Table = JourneyTask.__table__  # type: ignore[assignment]
ENTRIES: Table = JourneyEntry.__table__  # type: ignore[assignment]
TRIALS: Table = JourneyTrial.__table__  # type: ignore[assignment]
_FILES: Table = JourneyFile.__table__  # type: ignore[assignment]
STAGES: Table = JourneyStage.__table__  # type: ignore[assignment]

_MOST_OWN_TASKS = 200
_LONGEST_NOTE = 4_000
_LONGEST_TITLE = 300


class Status(StrEnum):
    """How a task stands."""

    NOT_STARTED = "not_started"
    UNDER_WAY = "under_way"
    DONE = "done"
    NOT_NEEDED = "not_needed"


class Outcome(StrEnum):
    """How a journey ended."""

    CONNECTED = "connected"
    GIVEN_UP = "given_up"


class NoSuchJourney(NotFound):
    """No journey has that number, or it is not for who asks."""


class NoSuchTask(NotFound):
    """The journey has no such task."""


class JourneyOpen(Conflict):
    """The authority is on its way to the product already."""


class JourneyEnded(Conflict):
    """The journey has ended; nothing is changed in it any more."""


class RoadRefused(FieldsRefused):
    """What was written of a journey was refused; each field that is wrong says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a task stands from now on. `note` says why, where it is not needed."""

    status: Status
    owner: str = ""
    starts_on: date | None = None
    due_on: date | None = None
    note: str = ""
    stage: int | None = None  # of the implementation; None: of all


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a journey as it stands now, and every entry that led there, newest first."""

    key: str
    title: Text
    guidance: Text | None  # None: added by people
    status: Status
    owner: str
    starts_on: date | None
    due_on: date | None
    note: str
    history: tuple[Row[Any], ...]
    stage: int | None = None

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is left to do about it."""
        return self.status in (Status.DONE, Status.NOT_NEEDED)

    def is_late(self, on: date) -> bool:
        """Tell whether its day has passed and it is not settled."""
        return self.due_on is not None and self.due_on < on and not self.is_settled


@dataclass(frozen=True, slots=True)
class Part:
    """A theme of a step with its tasks."""

    key: str
    title: Text
    tasks: tuple[Task, ...]

    @property
    def settled(self) -> int:
        """Give how many tasks nothing is left to do about."""
        return sum(task.is_settled for task in self.tasks)


@dataclass(frozen=True, slots=True)
class Walk:
    """One of the five steps of a journey."""

    key: str
    title: Text
    told: Text
    parts: tuple[Part, ...]

    @property
    def tasks(self) -> list[Task]:
        """Give the tasks of all its themes."""
        return [task for part in self.parts for task in part.tasks]

    def task(self, key: str) -> Task:
        """Give one of its tasks. Raises NoSuchTask."""
        for task in self.tasks:
            if task.key == key:
                return task
        raise NoSuchTask(Text("trinnet har ingen sådan opgave", "the step has no such task"))

    @property
    def status(self) -> Status:
        """Read how the step stands from its tasks."""
        return standing([task.status for task in self.tasks])


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey with everything that stands in it."""

    id: int
    authority_id: int
    authority: str
    cvr: str
    product: str
    opened_on: date
    opened_by: str
    ended_on: date | None
    outcome: Outcome | None
    reason: str | None
    asked_on: date | None
    confirmed_on: date | None
    emptied_on: date | None
    steps: tuple[Walk, ...]
    trials: tuple[Row[Any], ...]  # the newest version of each
    files: tuple[Row[Any], ...]  # all that were laid to it, without their bytes, oldest first

    @property
    def step(self) -> Walk:
        """Give the step it has come to: the first with something left to do, else the last."""
        return next((step for step in self.steps if step.status not in _SETTLED), self.steps[-1])

    def walk(self, key: str) -> Walk:
        """Give one step. Raises NoSuchTask."""
        for step in self.steps:
            if step.key == key:
                return step
        raise NoSuchTask(Text("rejsen har intet sådant trin", "the journey has no such step"))

    def task(self, key: str) -> Task:
        """Give one task of whatever step. Raises NoSuchTask."""
        for step in self.steps:
            for task in step.tasks:
                if task.key == key:
                    return task
        raise NoSuchTask(Text("rejsen har ingen sådan opgave", "the journey has no such task"))


_LET_GO = Text("Slettet opgave", "Deleted task")
_SETTLED = (Status.DONE, Status.NOT_NEEDED)


def standing(statuses: Sequence[Status]) -> Status:
    """Read how a step stands from its tasks: done where nothing is left, under way where anything was begun."""
    if all(status in _SETTLED for status in statuses):
        return Status.DONE if Status.DONE in statuses or not statuses else Status.NOT_NEEDED
    return Status.NOT_STARTED if set(statuses) == {Status.NOT_STARTED} else Status.UNDER_WAY


# --- opening and ending --------------------------------------------------------------------------------------------


def open_(session: Session, authority_id: int, product: str, trail: Trail) -> int:
    """Open a journey of an authority to a product, by the newest guide; give its number.

    Needs the writer's lock. Raises JourneyOpen, NoGuide, and RoadRefused for an unknown product.
    """
    product_id = session.execute(select(PRODUCTS.c.id).where(PRODUCTS.c.name == product)).scalar()
    if product_id is None:
        raise RoadRefused({"product": Text("Vælg et produkt", "Choose a product")})
    if open_one(session, authority_id, product) is not None:
        raise JourneyOpen(
            Text("myndigheden er allerede på vej til det produkt", "the authority is on its way to it already")
        )
    version = guides.newest(session).version
    values = {
        "authority_id": authority_id, "product_id": product_id, "guide_version": version,
        "opened_on": _day(trail.at), "opened_by": trail.actor,
    }  # fmt: skip
    number = session.execute(insert(JOURNEYS).values(values).returning(JOURNEYS.c.id)).scalar_one()
    trail.record("journey.opened", f"journey {number}", {"authority": authority_id, "product": product})
    return int(number)


def open_one(session: Session, authority_id: int, product: str) -> int | None:
    """Give the number of an authority's open journey to a product; None where there is none."""
    return session.execute(
        select(JOURNEYS.c.id)
        .join(PRODUCTS, JOURNEYS.c.product_id == PRODUCTS.c.id)
        .where(JOURNEYS.c.authority_id == authority_id, PRODUCTS.c.name == product, JOURNEYS.c.ended_on.is_(None))
    ).scalar()


def end(session: Session, journey: Journey, outcome: Outcome, reason: str, trail: Trail) -> None:
    """End a journey; giving up asks for a reason. Needs the writer's lock. Raises JourneyEnded, RoadRefused.

    The step it had come to is kept with its end: from it the probability of a step is learned.
    """
    refuse_ended(session, journey.id)
    reason = reason.strip()
    if outcome is Outcome.GIVEN_UP and not reason:
        raise RoadRefused({"reason": Text("Skriv, hvorfor rejsen slutter", "Write why the journey ends")})
    _checked("reason", reason, _LONGEST_NOTE)
    reached = STEPS[-1] if outcome is Outcome.CONNECTED else journey.step.key
    session.execute(
        update(JOURNEYS)
        .where(JOURNEYS.c.id == journey.id)
        .values(ended_on=_day(trail.at), outcome=outcome.value, reason=reason, reached=reached)
    )
    trail.record("journey.ended", f"journey {journey.id}", {"outcome": outcome.value, "reached": reached})


# --- tasks ---------------------------------------------------------------------------------------------------------


def write(session: Session, journey: Journey, task: Task, change: Change, trail: Trail) -> bool:
    """Write how one of a journey's tasks stands from now on; tell whether anything changed.

    Needs the writer's lock. Raises JourneyEnded, RoadRefused.
    """
    refuse_ended(session, journey.id)
    owner, note = change.owner.strip(), change.note.strip()
    _checked("owner", owner, _LONGEST_TITLE)
    _checked("note", note, _LONGEST_NOTE)
    if change.status is Status.NOT_NEEDED and not note:
        raise RoadRefused({"note": Text("Skriv, hvorfor det ikke er nødvendigt", "Write why it is not needed")})
    if change.starts_on and change.due_on and change.due_on < change.starts_on:
        raise RoadRefused({"due_on": Text("Fristen ligger før begyndelsen", "The day is before the beginning")})
    _check_stage(session, journey, task, change.stage)
    before = (task.status, task.owner, task.starts_on, task.due_on, task.note, task.stage)
    if before == (change.status, owner, change.starts_on, change.due_on, note, change.stage):
        return False
    session.execute(
        insert(ENTRIES).values(
            journey_id=journey.id, task=task.key, status=change.status.value, owner=owner, starts_on=change.starts_on,
            due_on=change.due_on, note=note, stage=change.stage, written_by=trail.actor, written_at=trail.at,
        )
    )  # fmt: skip
    trail.record("journey.task_written", f"journey {journey.id}", {"task": task.key, "status": change.status.value})
    return True


def _check_stage(session: Session, journey: Journey, task: Task, stage: int | None) -> None:
    if stage is None:
        return
    known = select(STAGES.c.id).where(STAGES.c.journey_id == journey.id, STAGES.c.number == stage)
    is_planned = any(task.key == each.key for each in journey.walk("implementation").tasks)
    if not is_planned or not 0 < stage < 2**31 or session.execute(known.limit(1)).first() is None:
        raise RoadRefused({"stage": Text("Vælg en etape af planen", "Choose a stage of the plan")})


def add(session: Session, journey: Journey, step: str, theme: str, title: str, trail: Trail) -> str:
    """Add a task of the journey's own under a theme; give its key. One of that name there is that task.

    Needs the writer's lock. Raises JourneyEnded, RoadRefused, NoSuchTask for a theme that is not there.
    """
    refuse_ended(session, journey.id)
    title = " ".join(title.split())
    if not title:
        raise RoadRefused({"title": Text("Skriv, hvad der skal gøres", "Write what is to be done")})
    _checked("title", title, _LONGEST_TITLE)
    if not any(walk.key == step and any(part.key == theme for part in walk.parts) for walk in journey.steps):
        raise NoSuchTask(Text("rejsen har intet sådant tema", "the journey has no such theme"))
    theirs = (TASKS.c.journey_id == journey.id, TASKS.c.step == step, TASKS.c.theme == theme, TASKS.c.title == title)
    if (known := session.execute(select(TASKS.c.id).where(*theirs)).scalar()) is not None:
        return f"own/{known}"
    own = session.execute(select(func.count()).where(TASKS.c.journey_id == journey.id)).scalar_one()
    if own >= _MOST_OWN_TASKS:
        raise RoadRefused(
            {"title": Text(f"Højst {_MOST_OWN_TASKS} egne opgaver", f"At most {_MOST_OWN_TASKS} of them")}
        )
    number = session.execute(
        insert(TASKS)
        .values(journey_id=journey.id, step=step, theme=theme, title=title, added_by=trail.actor, added_at=trail.at)
        .returning(TASKS.c.id)
    ).scalar_one()
    key = f"own/{number}"
    trail.record("journey.task_added", f"journey {journey.id}", {"task": key})
    return key


# --- trials --------------------------------------------------------------------------------------------------------

#: The three ways of OS2's guide to try a product.
WAYS: Mapping[str, Text] = {
    "own": Text("Egen lokal installation", "Own local installation"),
    "authority": Text("Sammen med en anden brugermyndighed, i dens drift",
                      "With another user authority, in its production"),
    "supplier": Text("I en leverandørs test- eller demonstrationsmiljø",
                     "In a supplier's test or demonstration environment"),
}  # fmt: skip
VERDICTS: Mapping[str, Text] = {
    "worth_it": Text("Indsatsen værd", "Worth the effort"),
    "in_doubt": Text("I tvivl", "In doubt"),
    "not_worth_it": Text("Ikke indsatsen værd", "Not worth the effort"),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as somebody writes it: planned with its way and what it is to prove, then with what came of it."""

    way: str
    proves: str
    place: str = ""
    result: str = ""
    seen_by: str = ""
    verdict: str = ""
    why: str = ""


def try_(session: Session, journey: Journey, trial: Trial, trail: Trail, number: int | None = None) -> int:
    """Write a new trial, or a trial's next version; give its number. The newest, word for word, changes nothing.

    Needs the writer's lock. Raises JourneyEnded, RoadRefused, NoSuchTask for a number that is not there.
    """
    refuse_ended(session, journey.id)
    _check_trial(trial)
    versions = {row.number: row.version for row in journey.trials}
    if number is not None and number not in versions:
        raise NoSuchTask(Text("rejsen har ingen sådan prøve", "the journey has no such trial"))
    said = tuple(words.strip() for words in astuple(trial))
    for row in journey.trials:
        if number in (None, row.number) and tuple(getattr(row, each.name) for each in fields(trial)) == said:
            return int(row.number)
    written = number if number is not None else max(versions, default=0) + 1
    session.execute(
        insert(TRIALS).values(
            journey_id=journey.id, number=written, version=versions.get(written, 0) + 1, way=trial.way,
            place=trial.place.strip(), proves=trial.proves.strip(), result=trial.result.strip(),
            seen_by=trial.seen_by.strip(), verdict=trial.verdict, why=trial.why.strip(), written_by=trail.actor,
            written_at=trail.at,
        )
    )  # fmt: skip
    trail.record("journey.trial_written", f"journey {journey.id}", {"trial": written, "verdict": trial.verdict})
    return written


def _check_trial(trial: Trial) -> None:
    if trial.way not in WAYS:
        raise RoadRefused({"way": Text("Vælg, hvordan I prøver", "Choose how you try it")})
    if not trial.proves.strip():
        raise RoadRefused({"proves": Text("Skriv, hvad der skal bevises", "Write what is to be proven")})
    if trial.verdict and trial.verdict not in VERDICTS:
        raise RoadRefused({"verdict": Text("Vælg en afgørelse", "Choose a verdict")})
    if trial.verdict and not (trial.result.strip() and trial.seen_by.strip()):
        field = "seen_by" if trial.result.strip() else "result"
        needed = Text("En afgørelse kræver et resultat, og hvem der så det", "A verdict needs a result and who saw it")
        raise RoadRefused({field: needed})
    for field in ("place", "proves", "result", "seen_by", "why"):
        _checked(field, getattr(trial, field).strip(), _LONGEST_NOTE)


# --- reading -------------------------------------------------------------------------------------------------------


def listing() -> Select[Any]:
    """Give the journeys with authority and product, to narrow to what a person may see."""
    return (
        select(
            JOURNEYS, AUTHORITIES.c.name.label("authority"), AUTHORITIES.c.cvr, PRODUCTS.c.name.label("product"),
        )
        .join(AUTHORITIES, JOURNEYS.c.authority_id == AUTHORITIES.c.id)
        .join(PRODUCTS, JOURNEYS.c.product_id == PRODUCTS.c.id)
    )  # fmt: skip


def read(session: Session, rows: Sequence[Row[Any]]) -> list[Journey]:
    """Read the journeys of some rows of `listing`, whole, in a fixed number of queries."""
    ids = [row.id for row in rows]
    tasks = _by_journey(session.execute(select(TASKS).where(TASKS.c.journey_id.in_(ids)).order_by(TASKS.c.id)))
    entries = _by_journey(
        session.execute(select(ENTRIES).where(ENTRIES.c.journey_id.in_(ids)).order_by(ENTRIES.c.id.desc()))
    )
    trials = _by_journey(
        session.execute(
            select(TRIALS).where(TRIALS.c.journey_id.in_(ids)).order_by(TRIALS.c.number, TRIALS.c.version.desc())
        )
    )
    told = [column for column in _FILES.columns if column.name != "content"]
    files = _by_journey(session.execute(select(*told).where(_FILES.c.journey_id.in_(ids)).order_by(_FILES.c.id)))
    walked = {version: guides.of_version(session, version) for version in {row.guide_version for row in rows}}
    return [
        _journey(row, walked[row.guide_version], tasks[row.id], entries[row.id], trials[row.id], files[row.id])
        for row in rows
    ]


def get(session: Session, narrowed: Select[Any], id_: int) -> Journey:
    """Read one journey of those that a person may see. Raises NoSuchJourney."""
    row = session.execute(narrowed.where(JOURNEYS.c.id == id_)).first() if 0 < id_ < 2**63 else None
    if row is None:
        raise NoSuchJourney(Text("rejsen findes ikke", "there is no such journey"))
    return read(session, [row])[0]


def _by_journey(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.journey_id].append(row)
    return found


def _journey(
    row: Row[Any], guide: Guide, tasks: Sequence[Row[Any]], entries: Sequence[Row[Any]], trials: Sequence[Row[Any]],
    files: Sequence[Row[Any]],
) -> Journey:  # fmt: skip
    by_task: dict[str, list[Row[Any]]] = defaultdict(list)
    for entry in entries:
        by_task[entry.task].append(entry)
    newest = {trial.number: trial for trial in reversed(trials)}
    return Journey(
        id=row.id, authority_id=row.authority_id, authority=row.authority, cvr=row.cvr, product=row.product,
        opened_on=row.opened_on, opened_by=row.opened_by, ended_on=row.ended_on,
        outcome=Outcome(row.outcome) if row.outcome else None, reason=row.reason,
        asked_on=row.asked_on, confirmed_on=row.confirmed_on, emptied_on=row.emptied_on,
        steps=tuple(_walk(step, tasks, by_task) for step in guide.steps),
        trials=tuple(newest[number] for number in sorted(newest)),
        files=tuple(files),
    )  # fmt: skip


def _walk(step: Step, own: Sequence[Row[Any]], entries: Mapping[str, Sequence[Row[Any]]]) -> Walk:
    parts = []
    for theme in step.themes:
        asked = [_task(each.key, each.title, each.guidance, entries.get(each.key, ())) for each in theme.tasks]
        added = [
            _task(
                f"own/{each.id}", same(each.title) if each.title else _LET_GO, None, entries.get(f"own/{each.id}", ())
            )
            for each in own
            if (each.step, each.theme) == (step.key, theme.key)
        ]
        parts.append(Part(theme.key, theme.title, (*asked, *added)))
    return Walk(step.key, step.title, step.told, tuple(parts))


def _task(key: str, title: Text, guidance: Text | None, entries: Sequence[Row[Any]]) -> Task:
    if not entries:
        return Task(key, title, guidance, Status.NOT_STARTED, "", None, None, "", ())
    now = entries[0]
    return Task(
        key,
        title,
        guidance,
        Status(now.status),
        now.owner,
        now.starts_on,
        now.due_on,
        now.note,
        tuple(entries),
        now.stage,
    )


def came_on(journey: Journey) -> date:
    """Give the day a journey came to its step: when the step before was settled, else when it was opened."""
    at = STEPS.index(journey.step.key)
    before = [task.history[0].written_at for step in journey.steps[:at] for task in step.tasks if task.history]
    return max((_day(each) for each in before), default=journey.opened_on)


def next_task(journey: Journey) -> Task | None:
    """Give what is to be done next: the open task with the earliest day, else the first of the step."""
    dated = [
        (task.due_on, task) for step in journey.steps for task in step.tasks if task.due_on and not task.is_settled
    ]
    if dated:
        return min(dated, key=lambda each: each[0])[1]
    return next((task for task in journey.step.tasks if not task.is_settled), None)


def refuse_ended(session: Session, id_: int) -> None:
    """Refuse to change what has ended. Raises JourneyEnded."""
    if session.execute(select(JOURNEYS.c.ended_on).where(JOURNEYS.c.id == id_)).scalar() is not None:
        raise JourneyEnded(Text("rejsen er slut og ændres ikke mere", "the journey has ended and is not changed"))


def _checked(field: str, words: str, longest: int) -> None:
    if words and (reason := wording.fault(" ".join(words.split()), longest)):
        raise RoadRefused({field: reason})


def _day(at: datetime) -> date:
    return at.astimezone(BUSINESS_ZONE).date()
