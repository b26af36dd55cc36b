"""Journeys and questions by API: the acts of the pages, once for each key, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agreements.road import guide
from app.access import Role
from app.identity.users import SeatOf
from tests.app.api.programs import Program
from tests.command_line import CommandLine

AARHUS, AALBORG = SeatOf(cvr="55133018"), SeatOf(cvr="29189420")
GROUP, STRANGERS = SeatOf(product="OS2valghalla"), SeatOf(product="OS2mo")
OPENING = {"cvr": AARHUS.cvr, "product": "OS2valghalla"}
QUESTION = OPENING | {"topic": "fees", "subject": "Prisen", "words": "Hvad koster det?"}

#: What is written into a journey, and what the API says was written.
ACTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("tasks", {"task": "mobilisation/anchoring/owner", "status": "done", "owner": "It-chefen"},
     "mobilisation/anchoring/owner"),
    ("own-tasks", {"step": "mobilisation", "theme": "value", "title": "Find tal"}, "own/1"),
    ("trials", {"way": "own", "proves": "At det virker"}, "trial/1"),
    ("plan", {"manner": "stages"}, "stages"),
    ("stages", {"title": "Biblioteket", "due_on": "2027-05-01"}, "stage/1"),
    ("risks", {"words": "Forsinket", "likelihood": "low", "consequence": "high"}, "risk/1"),
    ("end", {"outcome": "given_up", "reason": "For dyrt"}, "given_up"),
)  # fmt: skip


@pytest.fixture
def road(starter: CommandLine) -> Iterator[Program]:
    """A program on the starter, where Aarhus is on its way to OS2valghalla, and has asked about it: both number 1."""
    made = Program(starter)
    with made.writing() as (session, trail):
        guide.publish(session, guide.shipped(), trail)
    token = made.token(Role.SIGNATORY, seats=[AARHUS])
    assert made.post("/journeys", token, OPENING).json == {"journey": 1, "what": "opened"}
    assert made.post("/questions", token, QUESTION).json == {"question": 1, "what": "asked"}
    yield made
    made.close()


def test_an_authority_s_program_walks_its_journey_and_reads_what_it_wrote(road: Program) -> None:
    token = road.token(Role.SIGNATORY, seats=[AARHUS])

    for path, body, what in ACTS:
        first, again = (road.post(f"/journeys/1/{path}", token, body, key=path) for _ in range(2))
        assert (first.status_code, first.json) == (201, {"journey": 1, "what": what}), path
        assert again.data == first.data

    told = road.get("/journeys/1", token).json
    owner = next(task for theme in told["steps"][0]["themes"] for task in theme["tasks"] if task["status"] == "done")
    assert (owner["owner"], told["settled"], told["outcome"]) == ("It-chefen", 1, "given_up")
    assert [told[name][0]["number"] for name in ("trials", "stages", "risks")] == [1, 1, 1]
    assert road.all("/journeys?state=open", token) == []
    assert road.post("/journeys/1/tasks", token, ACTS[0][1]).status_code == 409


def test_another_authority_and_another_group_find_nothing_and_write_nothing(road: Program) -> None:
    for seat, role in ((AALBORG, Role.SIGNATORY), (STRANGERS, Role.COORDINATION)):
        token = road.token(role, seats=[seat])
        assert road.all("/journeys", token) == [] == road.all("/questions", token)
        for path in ("/journeys/1", "/questions/1"):
            unknown = road.get(path.replace("1", "999"), token)
            assert (road.get(path, token).status_code, unknown.status_code) == (404, 404)
    theirs = road.token(Role.SIGNATORY, seats=[AALBORG])
    for path, body, _ in ACTS:
        assert road.post(f"/journeys/1/{path}", theirs, body).status_code == 404, path
    assert road.post("/questions/1/further", theirs, {"words": "Hvad?"}).status_code == 404
    assert road.post("/journeys", theirs, OPENING).status_code == 422
    assert road.post("/questions", theirs, QUESTION).status_code == 422
    strangers = road.token(Role.COORDINATION, seats=[STRANGERS])
    assert road.post("/questions/1/answers", strangers, {"words": "Ja"}).status_code == 404


def test_a_group_reads_and_answers_and_the_secretariat_judges(road: Program) -> None:
    group, finance = road.token(Role.COORDINATION, seats=[GROUP]), road.token(Role.FINANCE)
    mine = road.token(Role.SIGNATORY, seats=[AARHUS])

    assert road.post("/questions/1/notes", group, {"words": "Kun for os"}).status_code == 201
    assert road.post("/questions/1/assignments", group, {"assigned_to": "Koordinatoren"}).status_code == 201
    assert road.post("/questions/1/answers", group, {"words": "Se beregneren"}).status_code == 201
    judged = {"percent": 70, "expected": "2027-07-01", "reason": "Vedtaget"}
    assert road.post("/journeys/1/judgements", group, judged).status_code == 403
    assert road.post("/journeys/1/judgements", finance, judged).status_code == 201

    seen = {who: [each["kind"] for each in road.get("/questions/1", token).json["messages"]]
            for who, token in (("group", group), ("mine", mine))}  # fmt: skip
    assert seen == {"group": ["question", "note", "answer"], "mine": ["question", "answer"]}
    (case,) = road.all("/pipeline", group)
    assert (case["journey"], case["percent"], case["basis"], case["expected_from"]) == (1, 70, "own", "2027-07-01")
    assert road.get("/pipeline", mine).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/journeys/1/tasks", {"task": "mobilisation/none/none", "status": "done"}),
        ("/journeys/1/tasks", {"task": "mobilisation/anchoring/owner", "status": "done", "stage": 1}),
        ("/journeys/1/own-tasks", {"step": "mobilisation", "theme": "ukendt", "title": "x"}),
        ("/journeys/1/risks", {"words": "x", "likelihood": "never", "consequence": "low"}),
        ("/journeys/1/stages", {"title": "x", "stage": 7}),
        ("/journeys/1/plan", {"manner": "x", "journey": 2}),
        ("/questions/1/further", {"words": "\u202e" * 9_000}),
        ("/pipeline/chances", {"stage": "contact", "percent": 101, "reason": "x"}),
    ],
)
def test_what_is_wrong_is_refused_and_writes_nothing(road: Program, path: str, body: dict[str, Any]) -> None:
    token = road.token(Role.FINANCE)
    before = road.get("/journeys/1", token).data

    assert road.post(path, token, body).status_code in (404, 422)
    assert road.get("/journeys/1", token).data == before
