"""Deliveries by program: a round is started once, and what people handed over is noted with their words."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from app.access import Role
from app.adapters import background
from tests.app.api.programs import Program
from tests.scenarios import database

NUMBER = "2027-0001"

#: What a token leaves when it is used.
_BY_ASKING = ("api_token",)


def test_a_document_is_noted_as_handed_over_by_people_once_with_their_words(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    sent = {"number": NUMBER, "reason": "Afleveret på virk.dk"}

    noted = demonstration.post("/deliveries/by-hand", token, sent, key="a")
    again = demonstration.post("/deliveries/by-hand", token, sent, key="a")
    story = demonstration.get(f"/invoices/{NUMBER}/delivery", token).json

    assert (noted.status_code, noted.json, again.data) == (201, {"number": NUMBER}, noted.data)
    newest, *earlier = story["deliveries"]
    assert (story["state"], newest["channel"]) == ("handed_over", "hand")
    assert [event["reason"]["en"].partition("outside")[2] for event in newest["events"]] == [
        " the service: Afleveret på virk.dk"
    ]
    assert all(each["channel"] != "hand" for each in earlier)
    demonstration.line.done("verify")


def test_a_reminder_that_is_a_letter_alone_is_noted_too(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE, permissions=["delivery.send", "reminders.read"])
    before = demonstration.get("/reminders/RY-2027-0001/delivery", token)

    noted = demonstration.post("/deliveries/by-hand", token, {"number": "RY-2027-0001", "reason": "Digital Post"})
    again = demonstration.post("/deliveries", token, {"number": "RY-2027-0001"})

    after = demonstration.get("/reminders/RY-2027-0001/delivery", token).json
    assert (before.status_code, noted.status_code, again.json["code"]) == (404, 201, "not_deliverable")
    assert (after["state"], [each["channel"] for each in after["deliveries"]]) == ("handed_over", ["hand"])
    demonstration.line.done("verify")


def test_a_round_is_started_once_in_the_name_of_who_asked(
    demonstration: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int | None] = []
    monkeypatch.setattr(background, "launch_delivering", lambda config, year: started.append(year))
    token = demonstration.token(Role.FINANCE, Role.AUDITOR)

    round_ = demonstration.post("/deliveries/rounds", token, {"year": 2027}, key="a")
    again = demonstration.post("/deliveries/rounds", token, {"year": 2027}, key="a")
    demonstration.post("/deliveries/rounds", token, {}, key="b")

    assert (round_.status_code, again.data, started) == (202, round_.data, [2027, None])
    assert [each["channel"] for each in round_.json["channels"]] == ["nemhandel", "peppol"]
    entries = demonstration.all("/audit-entries?action=delivery.started", token)
    assert [(each["subject"], json.loads(each["data"])["ready"]) for each in entries] == [
        ("2027", round_.json["ready"]), ("", entries and json.loads(entries[1]["data"])["ready"]),
    ]  # fmt: skip
    assert {each["actor"].partition(" #")[0] for each in entries} == {"En Person"}


def test_the_next_round_is_told_page_by_page_and_writes_nothing(demonstration: Program) -> None:
    token, before = demonstration.token(Role.AUDITOR), database.dump(demonstration.line)
    path = "/deliveries/next-round"

    told = demonstration.get(path, token).json
    listed = demonstration.all(path, token)
    command = demonstration.line.json("deliver", "--dry-run", "--json")
    other = demonstration.get(f"{path}?year=1999", token).json

    assert listed == command["items"] and len(told["items"]) == 50 < len(listed)
    assert (told["ready"], told["channels"]) == (command["ready"], command["channels"])
    assert {item["goes"] for item in listed} == {"waits"}, "no rules are installed here"
    assert {item["channel"] for item in listed} == {"nemhandel", "peppol", "mail"}
    assert other["items"] == []
    assert database.dump(demonstration.line, without=_BY_ASKING) == {
        table: rows for table, rows in before.items() if table not in _BY_ASKING
    }


@pytest.mark.parametrize(
    "query",
    [
        "year=2027%20OR%201=1", "year=1", "year=2027&year=2026", "limit=0", "limit=101", "cursor=' OR 1=1 --",
        "cursor=" + "x" * 501, "actor=En%20Anden", "state=waits",
    ],
)  # fmt: skip
def test_a_strange_question_on_the_next_round_is_refused(query: str, demonstration: Program) -> None:
    refused = demonstration.get(f"/deliveries/next-round?{query}", demonstration.token(Role.FINANCE))

    assert (refused.status_code, refused.json["code"]) == (422, "malformed")


def test_a_cursor_of_the_next_round_is_of_its_year_alone(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    cursor = demonstration.get("/deliveries/next-round?year=2027&limit=1", token).json["next"]

    stolen = [demonstration.get(f"/deliveries{path}cursor={cursor}", token).status_code
              for path in ("/next-round?", "?", "/next-round?year=2026&")]  # fmt: skip
    own = demonstration.get(f"/deliveries/next-round?year=2027&limit=1&cursor={cursor}", token)

    assert (stolen, own.status_code) == ([422, 422, 422], 200)


def test_the_process_that_is_started_goes_a_round(demonstration: Program) -> None:
    environ = demonstration.line.with_environ(OS2TILSLUT_ENV="demo").environment

    done = subprocess.run(
        [sys.executable, "-m", "app.delivery_work", "2027"], env=environ, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("by-hand", {"number": "2027-9999"}, 404),
        ("by-hand", {"number": "' OR 1=1 --"}, 404),
        ("by-hand", {"number": NUMBER, "reason": "\u202eomvendt"}, 422),
        ("by-hand", {"number": NUMBER, "reason": "x" * 1_000_000}, 413),
        ("by-hand", {"number": NUMBER, "reason": ["x"]}, 422),
        ("by-hand", {"number": NUMBER, "by": "En Anden"}, 422),
        ("by-hand", {"reason": "x"}, 422),
        ("rounds", {"year": "2027; rm -rf /"}, 422),
        ("rounds", {"year": True}, 422),
        ("rounds", {"year": 10**30}, 422),
        ("rounds", {"actor": "En Anden"}, 422),
        ("rounds", [], 422),
    ],
)
def test_what_does_not_fit_is_refused_and_starts_nothing(
    path: str, sent: object, status: int, demonstration: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "launch_delivering", lambda config, year: pytest.fail("started"))

    refused = demonstration.post(f"/deliveries/{path}", demonstration.token(Role.FINANCE), sent)

    assert refused.status_code == status, refused.json


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR, Role.COORDINATION, Role.SIGNATORY])
def test_who_may_not_send_starts_and_notes_nothing(role: Role, demonstration: Program) -> None:
    token = demonstration.token(role)

    answers = [demonstration.post("/deliveries/by-hand", token, {"number": NUMBER}),
               demonstration.post("/deliveries/rounds", token, {})]  # fmt: skip

    assert {answer.status_code for answer in answers} == {403}
