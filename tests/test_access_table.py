"""Promise 13: who may do what, route by route. `tests/access_table.csv` says it after the authorisation matrix.

A route that has no line there fails, and so does one that answers anybody otherwise.
"""

from __future__ import annotations

import csv
import html
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from agreements.road import guide
from app import access, database
from app.access import ANONYMOUS, POLICY, Principal, Role
from tests import access_walk, seen_fields, world
from tests.access_walk import PEOPLE, Line
from tests.app.identity.provider import Local, served
from tests.billing.funding.reports import usual
from tests.command_line import CommandLine

MATRIX = Path(__file__).resolve().parents[2] / "shared" / "authorisation-matrix.csv"

#: What no answer to anybody may be.
_NEVER = frozenset({"?", "500", "503", "405"})

#: A statement that changes the world.
_CHANGES = re.compile(r"(INSERT INTO|REPLACE INTO|UPDATE|DELETE FROM) (?!browser_session\b)")


class Walk:
    """The world, asked by anybody for anything; each time as it was."""

    def __init__(self, line: CommandLine, app: Flask) -> None:
        self.line, self.app = line, app
        self.things = world.things(line, world.wait(line, world.people(app)))
        known = world.people(app)  # with what they were given meanwhile
        self.people = {role: known.get(name, ANONYMOUS) for role, name in PEOPLE.items()}
        self._who = ANONYMOUS
        app.extensions["principal_loader"] = lambda: self._who
        app.config["WTF_CSRF_ENABLED"] = False  # another test holds every form to it
        self._has_written = False
        with app.app_context():
            event.listen(database.db.engine, "before_cursor_execute", self._look)
        self._file = Path(line.url.removeprefix("sqlite:///"))
        self._kept = self._file.with_suffix(".kept")
        self._close()
        shutil.copy(self._file, self._kept)

    def ask(self, line: Line, who: Principal, **sent: str) -> TestResponse:
        """Ask for a line's address as somebody, with the fields of a form; what it changed is undone."""
        is_program = line.rule.startswith("/api/") and who.user_id is not None
        self._who = replace(who, via="token") if is_program else who
        path = line.template.format_map(self.things[line.whose])
        self._has_written = False
        answer = self.app.test_client().open(
            path, method=line.method, data=sent if line.method == "POST" else None, buffered=True
        )
        if self._has_written:
            self._close()
            shutil.copy(self._kept, self._file)
        return answer

    def _look(self, connection: object, cursor: object, statement: str, *more: object) -> None:
        """Notice whoever writes. That somebody looked is no change: a browser's session is of that browser alone."""
        self._has_written |= bool(_CHANGES.match(statement))

    def _close(self) -> None:
        with self.app.app_context(), database.db.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        with self.app.app_context():
            database.db.engine.dispose()


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The world with an issued year, and something of every kind that waits."""
    folder = tmp_path_factory.mktemp("walk")
    line = CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder).with_environ(OS2TILSLUT_ENV="demo")
    world.fill(line)
    world.issue(line)
    provider = Local()
    with served(provider.make), world.made(line.with_environ(**provider.environ)) as app:
        yield Walk(line, app)


LINES = list(access_walk.read())


def test_every_route_has_its_lines_and_every_line_its_route(walk: Walk) -> None:
    listed = [(line.rule, line.method, line.whose) for line in LINES]

    assert listed == access_walk.routes(walk.app), "python -m tests.access_walk writes the lines that lack"


def test_every_line_says_what_its_route_asks_for(walk: Walk) -> None:
    assert [line for line in LINES if line.asks != access_walk.asks(walk.app, line.rule, line.method)] == []


def test_every_line_says_what_is_expected_and_no_fault_is() -> None:
    assert [line for line in LINES if _NEVER & set(line.expected)] == []


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.method} {line.rule} {line.whose}".strip())
def test_a_route_answers_everybody_as_the_table_says(walk: Walk, line: Line) -> None:
    found = {role: walk.ask(line, walk.people[role]) for role in PEOPLE}

    assert {role: str(answer.status_code) for role, answer in found.items()} == dict(
        zip(PEOPLE, line.expected, strict=True)
    ), {role: answer.text[-600:] for role, answer in found.items() if answer.status_code in (400, 500)}
    if line.whose == "other" and line.expected[1] == "404":
        assert _told(found["signatory"]) == _told(walk.ask(replace(line, whose="unknown"), walk.people["signatory"]))


def test_no_form_takes_a_field_that_is_not_its_own(walk: Walk) -> None:
    forms = [line for line in LINES if line.method == "POST" and not line.rule.startswith("/api/")]
    taken = {line: [role for role in PEOPLE if line.answer(role) not in ("401", "403", "404")] for line in forms}

    answers = [
        (line.rule, role, walk.ask(line, walk.people[role], approved_by="En Anden"))
        for line, roles in taken.items()
        for role in roles[:1]
    ]

    assert len(answers) > len({line.rule for line in forms}) - 3
    assert [
        (rule, role, answer.status_code)
        for rule, role, answer in answers
        if answer.status_code != 422 or "et felt, der ikke hører til" not in answer.text
    ] == []


def _told(answer: TestResponse) -> tuple[Any, ...]:
    """What a refusal gives away, but for the address that was asked for."""
    return answer.status_code, answer.text.count("\n"), sorted(answer.headers.keys())


def _is_sent_to_sign_in(answer: TestResponse, line: Line) -> bool:
    """A page sends on to the sign-in by itself; a form answers by a page with the link."""
    if line.method == "GET":
        return answer.status_code == 303 and "fresh=1" in answer.headers["Location"]
    return answer.status_code == 403 and "Log ind igen" in answer.text


def test_what_binds_asks_everybody_for_a_fresh_sign_in(walk: Walk) -> None:
    binding = [line for line in LINES if line.asks.endswith("!") and line.whose in ("", "own", "known")]

    for line in binding:
        for role, person in walk.people.items():
            if person.signed_in_at is not None and person.may(line.asks.rstrip("!")):
                answer = walk.ask(line, replace(person, signed_in_at=person.signed_in_at - timedelta(minutes=6)))
                assert _is_sent_to_sign_in(answer, line), (line, role)
    assert binding


# --- the policy and the matrix it comes from

#: What the matrix calls a resource and an action, and the permission that is made of it.
_PERMISSIONS = {
    ("agreement", "read"): "agreement.read",
    ("agreement", "sign or decline"): "agreement.sign",
    ("agreement", "countersign"): "agreement.countersign",
    ("agreement", "draft or send or withdraw"): "agreement.draft",
    ("agreement evidence", "read"): "agreement.evidence",
    ("authority master data", "read"): "authority.read",
    ("fee tables and size key", "read"): "tables.read",
    ("fee tables and size key", "draft"): "tables.draft",
    ("fee tables and size key", "adopt"): "tables.adopt",
    ("annual run", "plan"): "run.plan",
    ("annual run", "approve"): "run.approve",
    ("annual run", "issue"): "run.issue",
    ("invoice and credit note", "read"): "invoice.read",
    ("credit note", "prepare"): "credit.prepare",
    ("credit note", "approve"): "credit.approve",
    ("payments and bank files", "import and match"): "bank.import",
    ("reminders", "send"): "reminders.send",
    ("exports", "use"): "export.use",
    ("audit log", "read"): "audit.read",
    ("api token", "create"): "token.create",
}

#: Cells that one permission cannot say: what they say is another permission's.
_ELSEWHERE = {
    ("reminders.send", "auditor"): "reminders.plan",
    ("run.plan", "auditor"): "run.read",
    ("bank.import", "auditor"): "bank.read",
    ("agreement.evidence", "administrator"): "agreement.read",
    ("invoice.read", "coordination"): "invoice.totals",
    ("export.use", "administrator"): "users.read",
}


@pytest.mark.skipif(not MATRIX.exists(), reason="the authorisation matrix is not here: ../shared")
def test_the_policy_is_the_authorisation_matrix() -> None:
    with MATRIX.open(encoding="utf-8", newline="") as rows:
        matrix = {(row["resource"], row["action"]): row for row in csv.DictReader(rows)}

    wrong = []
    for cell, permission in _PERMISSIONS.items():
        for role in Role:
            says, has = matrix[cell][role.value], role in POLICY[permission]
            if (permission, role.value) in _ELSEWHERE:
                assert role in POLICY[_ELSEWHERE[permission, role.value]]
            elif has != (says != "no"):
                wrong.append((permission, role.value, says))

    assert wrong == []


@pytest.mark.skipif(not MATRIX.exists(), reason="the authorisation matrix is not here: ../shared")
def test_the_policy_reaches_no_further_than_the_matrix() -> None:
    with MATRIX.open(encoding="utf-8", newline="") as rows:
        matrix = {(row["resource"], row["action"]): row for row in csv.DictReader(rows)}

    for cell, permission in _PERMISSIONS.items():
        for role, extent in POLICY[permission].items():
            says = matrix[cell][role.value]
            if says.startswith("own"):
                assert extent is access.OWN, (permission, role)
            if says.startswith("group"):
                assert extent is access.GROUP, (permission, role)


# --- what a coordination group sees


#: Where everybody reads the same, or a person about itself.
_NOT_OF_GROUPS = ("-", "account.use", "token.create", "tables.read")

#: A file of a journey is as it was sent.
_AS_SENT = "/road/<int:journey>/files/<int:file>"

#: What is only told to who asks for a fund and a period, or for another kind of file.
_ASKED_WITH = {
    "/api/v1/funding-reports": ("/api/v1/funding-reports?product={fund}&period=2027",),
    "/api/v1/forecasts": ("/api/v1/forecasts?product={fund}&year=2028",),
    "/api/v1/forecasts/kept": ("/api/v1/forecasts/kept?product={fund}&year=2028",),
    "/api/v1/forecasts/parts": tuple(
        "/api/v1/forecasts/parts?product={fund}&year=" + asked
        for asked in ("2028&part=certain", "2028&part=pipeline", "2028&part=change:joined", "2027&part=invoiced")
    ),
    "/forecast/<product>/<int:year>": ("/forecast/{fund}/2028?band=medium&count=3",),
    "/forecast/<product>/<int:year>/<part>": tuple(
        "/forecast/{fund}/2028/" + part for part in ("pipeline", "before", "standing", "change:joined")
    ),
    "/forecast/<product>/<int:year>/<part>.<any(csv,xlsx):form>": (
        "/forecast/{fund}/2027/invoiced.csv", "/forecast/{fund}/2028/pipeline.csv",
    ),
    "/funds/<product>/<period>": ("/funds/{fund}/2027",),
    "/road/<int:journey>/<step>": tuple("/road/{journey}/" + step for step in guide.STEPS[1:]),
    "/funds/<product>/<period>/versions/<int:version>/report.<form>": (
        "/funds/{fund}/2026-Q4/versions/1/report.pdf", "/funds/{fund}/2026-Q4/versions/1/report.xlsx",
    ),
    "/funds/trace/<product>/<period>/<figure>.<any(csv,xlsx):form>": ("/funds/trace/{fund}/2027/earned.csv",),
}  # fmt: skip

#: What a report's figures lead to: asked for wherever the page of a report leads.
_TRACE = "/funds/trace/<product>/<period>/<figure>"


def _of_groups() -> dict[str, list[str]]:
    """Give every address of their own that a group reads, by its rule."""
    found: dict[str, list[str]] = {}
    for line in LINES:
        is_theirs = line.whose in ("", "own", "known") and line.asks not in _NOT_OF_GROUPS
        if line.method == "GET" and is_theirs and line.rule != _AS_SENT:
            bare = [line.template] if line.answer("coordination") == "200" else []
            found[line.rule] = [*bare, *_ASKED_WITH.get(line.rule, ())]
    return found


def test_a_group_sees_the_fields_listed_for_it_and_no_other(walk: Walk) -> None:
    found = {(rule, field) for rule, answer in _seen_by(walk, "coordination") for field in seen_fields.of(answer)}
    found |= {(file, field) for file, fields in seen_fields.of_report(usual()).items() for field in fields}

    unlisted, unseen = found - seen_fields.listed(), seen_fields.listed() - found
    assert not unlisted, f"tests/coordination_fields.csv lacks\n{seen_fields.lines(unlisted)}"
    assert not unseen, f"tests/coordination_fields.csv lists what nobody sees\n{seen_fields.lines(unseen)}"


def test_nothing_a_group_reads_names_another_product_a_contact_or_a_paper(walk: Walk) -> None:
    other, told = walk.things["other"]["fund"], []
    for rule, answer in _seen_by(walk, "coordination"):
        words = seen_fields.words(answer)
        told += [(rule, each) for each in _FORBIDDEN if re.search(each, words)]
        told += [(rule, other)] if rule.startswith(("/funds", "/forecast", "/pipeline")) and other in words else []

    assert told == []
    to_staff = " ".join(seen_fields.words(answer) for rule, answer in _seen_by(walk, "auditor") if "trace" in rule)
    assert re.search("/invoices/", to_staff) and re.search(_FORBIDDEN[-1], to_staff)


#: Mail addresses, GLN numbers, invoices, costs, and what the world's agreements say of persons.
_FORBIDDEN = (r"[\w.]@[\w.]", r"\b(299|579)[0-9]{10}\b", r"/invoices/", r"/costs/[0-9]", r"\b20[0-9]{2}-[0-9]{4}\b")


def test_where_a_group_reads_its_own_another_product_is_not_there() -> None:
    own = {line.rule for line in LINES if line.method == "GET" and line.whose == "own"
           and line.answer("coordination") == "200" and line.asks not in _NOT_OF_GROUPS}  # fmt: skip
    other = {line.rule: line.answer("coordination") for line in LINES if line.method == "GET" and line.whose == "other"}

    assert own
    assert {rule for rule in own if other[rule] != "404"} == set()


def _seen_by(walk: Walk, role: str) -> Iterator[tuple[str, TestResponse]]:
    who, figures = walk.people[role], set[str]()
    for rule, addresses in _of_groups().items():
        walk.app.extensions["principal_loader"] = lambda: walk._who
        walk._who = replace(who, via="token") if rule.startswith("/api/") else who
        for address in addresses:
            answer = _found(walk, address.format_map(walk.things["own"]))
            if rule == "/funds/<product>/<period>":
                figures |= set(re.findall(r'href="(/funds/trace/[^"]+)"', answer.text))
            yield rule, answer
    assert len(figures) > 25
    walk._who = who
    for address in sorted(figures):
        yield _TRACE, _found(walk, html.unescape(address))


def _found(walk: Walk, address: str) -> TestResponse:
    answer = walk.app.test_client().get(address, buffered=True)
    assert answer.status_code == 200, (address, answer.text[-600:])
    return answer
