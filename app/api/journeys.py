"""Journeys towards a connection: reading them, beginning one, writing what stands in them, judging and ending them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from agreements.products import PRODUCTS
from agreements.road import implementation, journeys
from agreements.road.implementation import Risk, Stage
from agreements.road.journeys import JOURNEYS, Change, Journey, Outcome, RoadRefused, Status, Task, Trial, Walk
from app import access, database
from app.api import answers, ground, pages, writes
from app.api.ground import ID, ID_IN_PATH
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.schemas import (
    Chosen,
    JourneyEnd,
    JourneyJudging,
    JourneyOpening,
    OwnTaskOf,
    PlanManner,
    RiskWords,
    StageWords,
    TaskChange,
    TrialWords,
    Words,
)
from app.web import layout
from authorities.register import AUTHORITIES
from billing.funding import judgements
from foundation import wording
from foundation.audit import Trail
from foundation.language import Text

room = ground.room("journeys", "Journeys towards a connection, step by step")

_ONE = f"/journeys/{ID_IN_PATH}"


class JourneyQuery(PageQuery):
    """Which journeys."""

    product = Words(wording.LONGEST_PRODUCT, metadata={"description": "a product"})
    cvr = Words(8)
    state = Chosen(("open", "ended"))


def _scoped(permission: str = "journey.read") -> Select[Any]:
    return access.of_products(journeys.listing(), AUTHORITIES.c.id, PRODUCTS.c.name, permission)


# --- reading


@ground.reads(room, "/journeys", "journey.read", answers.page_of(answers.Journey), JourneyQuery)
def list_journeys(query: Mapping[str, Any]) -> Any:
    """List the journeys, in the order they began."""
    statement = _scoped()
    for name, column in (("product", PRODUCTS.c.name), ("cvr", AUTHORITIES.c.cvr)):
        if given := query.get(name):
            statement = statement.where(column == given)
    if given := query.get("state"):
        ended = JOURNEYS.c.ended_on.is_not(None)
        statement = statement.where(ended if given == "ended" else ~ended)
    with database.reading() as session:
        told = pages.read(session, statement, JOURNEYS.c.id, query, lambda row: row)
        return told | {"items": [_told(each) for each in journeys.read(session, told["items"])]}


@ground.reads(room, _ONE, "journey.read", answers.WholeJourney, parameters={"id_": ID})
def one_journey(query: object, id_: int) -> Any:
    """Give one journey with all that stands in it: tasks by step and theme, trials, stages and risks."""
    with database.reading() as session:
        return _whole(session, journeys.get(session, _scoped(), id_))


def _told(journey: Journey) -> dict[str, Any]:
    task = None if journey.ended_on is not None else journeys.next_task(journey)
    tasks = [task for step in journey.steps for task in step.tasks]
    return {
        "id": journey.id, "cvr": journey.cvr, "authority": journey.authority, "product": journey.product,
        "opened_on": journey.opened_on, "ended_on": journey.ended_on, "outcome": journey.outcome,
        "reason": journey.reason, "step": journey.step.key, "since": journeys.came_on(journey),
        "next": None if task is None else task.key, "settled": sum(task.is_settled for task in tasks),
        "tasks": len(tasks),
    }  # fmt: skip


def _whole(session: Session, journey: Journey) -> dict[str, Any]:
    plan = implementation.read(session, journey.id)
    return _told(journey) | {
        "steps": [_step(step) for step in journey.steps],
        "trials": [
            {name: getattr(row, name) for name in ("number", "version", "way", "place", "proves", "result", "seen_by",
                                                   "verdict", "why", "written_at")}
            for row in journey.trials
        ],
        "manner": plan.manner,
        "stages": [
            {name: getattr(row, name) for name in ("number", "version", "title", "starts_on", "due_on")}
            for row in plan.stages
        ],
        "risks": [
            {name: getattr(row, name) for name in ("number", "version", "words", "likelihood", "consequence", "measure",
                                                   "owner")}
            for row in plan.risks
        ],
    }  # fmt: skip


def _step(step: Walk) -> dict[str, Any]:
    spoken = layout.spoken()
    return {
        "key": step.key, "title": step.title[spoken], "status": step.status.value,
        "themes": [
            {"key": part.key, "title": part.title[spoken], "tasks": [_task(task) for task in part.tasks]}
            for part in step.parts
        ],
    }  # fmt: skip


def _task(task: Task) -> dict[str, Any]:
    return {
        "key": task.key, "title": task.title[layout.spoken()], "status": task.status.value, "owner": task.owner,
        "starts_on": task.starts_on, "due_on": task.due_on, "note": task.note, "stage": task.stage,
    }  # fmt: skip


# --- acts


@ground.writes(room, "/journeys", "journey.update", JourneyOpening, answers.JourneyActed)
def open_journey(query: object, sent: Mapping[str, Any]) -> Any:
    """Begin a journey of an authority to a product."""

    def act(session: Session, trail: Trail) -> Answer:
        authority_id = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == sent["cvr"])).scalar()
        if authority_id is None or not access.reaches("journey.update", authority_id):
            raise RoadRefused({"cvr": Text("Vælg en myndighed", "Choose an authority")})
        number = journeys.open_(session, authority_id, sent["product"], trail)
        return Answer({"journey": number, "what": "opened"}, location=f"/api/v1/journeys/{number}")

    return writes.once(act)


def _acted(id_: int, act: Callable[[Session, Journey, Trail], str], permission: str = "journey.update") -> Any:
    """Do something to a journey in the scope, and say what was written."""

    def done(session: Session, trail: Trail) -> Answer:
        found = journeys.get(session, _scoped(permission), id_)
        return Answer({"journey": id_, "what": act(session, found, trail)})

    return writes.once(done)


@ground.writes(room, f"{_ONE}/tasks", "journey.update", TaskChange, answers.JourneyActed)
def write_task(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Write how a task stands."""

    def act(session: Session, journey: Journey, trail: Trail) -> str:
        wanted = Change(
            Status(sent["status"]), sent.get("owner", ""), sent.get("starts_on"), sent.get("due_on"),
            sent.get("note", ""), sent.get("stage"),
        )  # fmt: skip
        journeys.write(session, journey, journey.task(sent["task"]), wanted, trail)
        return str(sent["task"])

    return _acted(id_, act)


@ground.writes(room, f"{_ONE}/own-tasks", "journey.update", OwnTaskOf, answers.JourneyActed)
def add_task(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Add a task of the journey's own under a theme of a step."""

    def act(session: Session, journey: Journey, trail: Trail) -> str:
        return journeys.add(session, journey, sent["step"], sent["theme"], sent["title"], trail)

    return _acted(id_, act)


@ground.writes(room, f"{_ONE}/trials", "journey.update", TrialWords, answers.JourneyActed)
def write_trial(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Write a trial, or, with its number, its next version."""

    def act(session: Session, journey: Journey, trail: Trail) -> str:
        words = {name: value for name, value in sent.items() if name != "trial"}
        return f"trial/{journeys.try_(session, journey, Trial(**words), trail, sent.get('trial'))}"

    return _acted(id_, act)


@ground.writes(room, f"{_ONE}/plan", "journey.update", PlanManner, answers.JourneyActed)
def choose_manner(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Choose whether the implementation comes at once or in stages."""

    def act(session: Session, journey: Journey, trail: Trail) -> str:
        implementation.choose(session, journey, sent["manner"], trail)
        return str(sent["manner"])

    return _acted(id_, act)


@ground.writes(room, f"{_ONE}/stages", "journey.update", StageWords, answers.JourneyActed)
def write_stage(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Write a stage of the implementation, or, with its number, its next version."""

    def act(session: Session, journey: Journey, trail: Trail) -> str:
        wanted = Stage(sent["title"], sent.get("starts_on"), sent.get("due_on"))
        return f"stage/{implementation.write_stage(session, journey, wanted, trail, sent.get('stage'))}"

    return _acted(id_, act)


@ground.writes(room, f"{_ONE}/risks", "journey.update", RiskWords, answers.JourneyActed)
def write_risk(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Write a risk of the implementation, or, with its number, its next version."""

    def act(session: Session, journey: Journey, trail: Trail) -> str:
        words = {name: value for name, value in sent.items() if name != "risk"}
        return f"risk/{implementation.write_risk(session, journey, Risk(**words), trail, sent.get('risk'))}"

    return _acted(id_, act)


@ground.writes(room, f"{_ONE}/judgements", "funding.prepare", JourneyJudging, answers.JourneyActed)
def judge(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """Write from when a journey is expected, how likely that is, and why; it counts in the forecast."""

    def act(session: Session, journey: Journey, trail: Trail) -> str:
        judgements.judge(session, journey, sent.get("percent"), sent.get("expected"), sent["reason"], trail)
        return "judged"

    return _acted(id_, act, "funding.prepare")


@ground.writes(room, f"{_ONE}/end", "journey.update", JourneyEnd, answers.JourneyActed)
def end_journey(query: object, sent: Mapping[str, Any], id_: int) -> Any:
    """End a journey: connected, or given up with a reason."""

    def act(session: Session, journey: Journey, trail: Trail) -> str:
        journeys.end(session, journey, Outcome(sent["outcome"]), sent.get("reason", ""), trail)
        return str(sent["outcome"])

    return _acted(id_, act)
