"""A program that uses the API in these tests: an application on a database, people with tokens, requests.

program = Program(line)                       on the database of a command line
token = program.token(Role.FINANCE)           of somebody new with that role
program.get("/authorities", token)            the answer, as werkzeug gives it
program.post("/…", token, {…})                with a key of its own, or `key=`
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import config, create_app, database
from app.access import Role
from app.identity import tokens, users
from app.identity.users import SeatOf
from foundation.audit import Trail
from tests.command_line import CommandLine
from tests.scenarios import files

DAY = date(2027, 1, 15)
AT = datetime(2027, 1, 15, 10, tzinfo=UTC)

_numbers = itertools.count(1)


@dataclass
class Program:
    """Somebody's program."""

    line: CommandLine
    app: Flask = field(init=False)

    def __post_init__(self) -> None:
        self.app = create_app(config.read(self.line.environment))

    def close(self) -> None:
        """Let the database go."""
        with self.app.app_context():
            database.db.engine.dispose()

    @contextmanager
    def writing(self, actor: str = "kommandolinjen") -> Iterator[tuple[Session, Trail]]:
        """Open a transaction that commits at the end."""
        with self.app.app_context(), database.writing() as session:
            trail = Trail(session, actor, AT)
            yield session, trail
            trail.write()

    def person(self, *roles: Role, seats: Collection[SeatOf] = ()) -> int:
        """Add somebody; give their number."""
        with self.writing() as (session, trail):
            user, _ = users.invite(session, "En Person", "en@example.dk", trail, roles=roles, seats=seats, on=DAY)
            return user.id

    def token_of(self, user_id: int, permissions: Collection[str] | None = None, days: int = 90) -> str:
        """Make somebody a token, with all they can give it where nothing is said."""
        with self.writing() as (session, trail):
            person = users.principal_of(session, user_id, DAY)
            assert person is not None
            chosen = tokens.offered_to(person) if permissions is None else sorted(permissions)
            return tokens.make(session, person, "et program", chosen, days, trail)[1]

    def token(self, *roles: Role, seats: Collection[SeatOf] = (), permissions: Collection[str] | None = None) -> str:
        """Give the token of somebody new."""
        return self.token_of(self.person(*roles, seats=seats), permissions)

    def get(self, path: str, token: str | None = None, **headers: str) -> Any:
        """Read."""
        named = {name.replace("_", "-"): value for name, value in headers.items()} | _bearer(token)
        return self.app.test_client().get(f"/api/v1{path}", headers=named)

    def post(
        self, path: str, token: str | None, body: Any = None, *, key: str | None = None, kind: str = "", **headers: str
    ) -> Any:
        """Write, with a key of its own unless one is given; an empty one is not sent."""
        key = f"key-{next(_numbers)}" if key is None else key
        named = {name.replace("_", "-"): value for name, value in headers.items()} | _bearer(token)
        named |= {"Idempotency-Key": key} if key else {}
        sent: Any = {"data": body, "content_type": kind} if kind else {"json": body}
        return self.app.test_client().post(f"/api/v1{path}", headers=named, **sent)

    def all(self, path: str, token: str, limit: int = 100) -> list[Any]:
        """Read a list to its end, page by page."""
        items: list[Any] = []
        cursor = ""
        while True:
            separator = "&" if "?" in path else "?"
            page = self.get(f"{path}{separator}limit={limit}{cursor and f'&cursor={cursor}'}", token).json
            assert page is not None
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = page["next"]

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Collect the SELECT statements that run meanwhile."""
        seen: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if statement.lstrip().upper().startswith("SELECT"):
                seen.append(statement)

        with self.app.app_context():
            engine = database.db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)


def row(header: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row of a register as a program sends it: every column, null where nothing is given."""
    named = {"rebate_ore" if name == "rebate_dkk" else name: given.get(name) for name in header}
    return named | dict(given)


def agreement(cvr: str) -> dict[str, Any]:
    """Give an everyday agreement."""
    return row(files.AGREEMENTS, files.agreement(cvr))


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}
