"""The page of one's own tokens: shown once, ended at once, made in person and freshly signed in."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.access import Role
from app.identity import sessions, tokens, users
from app.web.tokens import TITLES
from tests.app.api.programs import AT, DAY, Program
from tests.command_line import CommandLine


@pytest.fixture
def program(starter: CommandLine) -> Program:
    """A program on the starter."""
    return Program(starter)


def _browser(program: Program, user_id: int, monkeypatch: pytest.MonkeyPatch, age: int = 1) -> FlaskClient:
    """Give somebody's browser, signed in so many minutes ago."""
    with program.writing() as (session, _):
        found = users.principal_of(session, user_id, DAY, AT - timedelta(minutes=age))
        assert found is not None
    monkeypatch.setattr(sessions, "principal", lambda: replace(found, language="en"))
    program.app.config["WTF_CSRF_ENABLED"] = False
    return program.app.test_client()


def _sent(**changes: Any) -> dict[str, Any]:
    return {"name": "et program", "permissions": ["run.read"], "days": "30"} | changes


def test_a_secret_is_shown_once_and_opens_the_api(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = _browser(program, program.person(Role.FINANCE), monkeypatch)

    made = browser.post("/tokens", data=_sent())
    after = browser.get("/tokens")

    secret = re.search("os2t_[A-Za-z0-9_-]{43}", made.text)
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert secret is not None and secret[0] not in after.text
    assert program.get("/plans/2027", secret[0]).status_code == 200


def test_a_token_that_is_ended_opens_nothing(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    person = program.person(Role.FINANCE)
    secret = program.token_of(person)
    browser = _browser(program, person, monkeypatch)
    with program.writing() as (session, _):
        id_ = tokens.of(session, person)[0].id

    ended = browser.post(f"/tokens/{id_}/end")
    unknown = browser.post(f"/tokens/{id_ + 1}/end")

    assert (ended.status_code, ended.headers["Location"], unknown.status_code) == (303, "/tokens", 404)
    assert program.get("/me", secret).status_code == 401


def test_nobody_ends_anothers_token(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = program.person(Role.FINANCE)
    secret = program.token_of(owner)
    browser = _browser(program, program.person(Role.FINANCE), monkeypatch)
    with program.writing() as (session, _):
        id_ = tokens.of(session, owner)[0].id

    answer = browser.post(f"/tokens/{id_}/end")

    assert answer.status_code == 404
    assert program.get("/me", secret).status_code == 200


def test_a_token_asks_for_a_fresh_sign_in(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = _browser(program, program.person(Role.FINANCE), monkeypatch, age=6)

    answer = browser.post("/tokens", data=_sent())

    assert (answer.status_code, "fresh=1" in answer.text) == (403, True)


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"permissions": []}, {"permissions": ["run.approve"]}, {"permissions": ["audit"]}, {"days": "367"},
     {"days": "0"}, {"days": "1e1"}, {"user_id": "1"}],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_made(
    program: Program, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]
) -> None:
    person = program.person(Role.FINANCE)
    browser = _browser(program, person, monkeypatch)

    answer = browser.post("/tokens", data=_sent(**wrong))

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    with program.writing() as (session, _):
        assert tokens.of(session, person) == []


def test_nobody_makes_a_token_without_being_signed_in(program: Program) -> None:
    answer = program.app.test_client().get("/tokens")

    assert (answer.status_code, answer.headers["Location"].startswith("/sign-in?")) == (303, True)


def test_every_permission_has_its_words() -> None:
    assert set(TITLES) == set(tokens.OFFERED)
