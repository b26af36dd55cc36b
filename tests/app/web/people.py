"""A browser on a test's database, with somebody in front of it: the pages as each role sees them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event
from werkzeug.test import TestResponse

from app import access, config, create_app, database
from app.access import Principal, Role
from tests.command_line import CommandLine

NOW = datetime(2027, 1, 15, 10, tzinfo=UTC)


def person(number: int, *roles: Role, fresh: bool = True, **about: Any) -> Principal:
    """Make somebody up who signed in a minute, or an hour, ago."""
    signed_in_at = NOW - (timedelta(minutes=1) if fresh else timedelta(hours=1))
    return Principal(number, "En Person", frozenset(roles), signed_in_at=signed_in_at, via="browser", **about)


FINANCE = person(1, Role.FINANCE)
APPROVER = person(2, Role.APPROVER)
AUDITOR = person(3, Role.AUDITOR)
ADMINISTRATOR = person(4, Role.ADMINISTRATOR)


@dataclass
class Desk:
    """A browser on one database; `sit` changes who is in front of it."""

    app: Flask
    who: Principal = access.ANONYMOUS
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.app.extensions["principal_loader"] = lambda: self.who
        self.client = self.app.test_client()

    def sit(self, who: Principal) -> Desk:
        """Let somebody else sit down."""
        self.who = who
        return self

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        answer: TestResponse = self.client.get(path)
        return answer

    def post(self, path: str, **form: Any) -> TestResponse:
        """Send a form."""
        answer: TestResponse = self.client.post(path, data=form)
        return answer

    def read(self, path: str) -> str:
        """Open a page that is there, and give its words."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return words(answer)

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Collect the statements that reach the database meanwhile."""
        statements: list[str] = []

        def note(*given: Any) -> None:
            statements.append(given[2])

        with self.app.app_context():
            engine: Engine = database.db.engine
        event.listen(engine, "before_cursor_execute", note)
        yield statements
        event.remove(engine, "before_cursor_execute", note)


def desk(line: CommandLine, **environ: str) -> Desk:
    """Put a browser in front of a database; forms need no token here, since that is tried elsewhere."""
    made = create_app(config.read(line.with_environ(**environ).environment))
    made.config["WTF_CSRF_ENABLED"] = False
    return Desk(made)


def words(answer: TestResponse) -> str:
    """Give what a page's main part says, without its marks."""
    main = re.search(r"<main.*?</main>", answer.text, re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", main[0] if main else answer.text)
    return html.unescape(re.sub(r"\s+", " ", text))
