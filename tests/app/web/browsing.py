"""A browser without JavaScript on a database of the tests: somebody is signed in, reads pages and sends their forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from app import clock, config, create_app, database
from app.access import Principal, Role
from tests.command_line import CommandLine

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Browser:
    """One person's browser."""

    app: Flask
    person: Principal

    def __post_init__(self) -> None:
        self._client = self.app.test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        """Read a page."""
        self.app.extensions["principal_loader"] = lambda: self.person
        return self._client.get(path, headers=headers)

    def page(self, path: str) -> str:
        """Read a page that must be there; give its words."""
        response = self.get(path)
        assert response.status_code == 200, (response.status_code, response.text)
        return response.text

    def post(self, path: str, *, page: str = "/", **fields: str) -> TestResponse:
        """Send a form with the token of the page it stands on."""
        found = _TOKEN.search(self.page(page))
        assert found is not None
        return self._client.post(path, data={"csrf_token": found[1], **fields})

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Hear the statements of what happens inside."""
        heard: list[str] = []

        def hear(*given: Any) -> None:
            heard.append(given[2])

        with self.app.app_context():
            engine = database.db.engine
        event.listen(engine, "before_cursor_execute", hear)
        yield heard
        event.remove(engine, "before_cursor_execute", hear)


@contextmanager
def service(line: CommandLine) -> Iterator[Flask]:
    """The application on the database of a command line."""
    app = create_app(config.read(line.environment))
    yield app
    with app.app_context():
        database.db.engine.dispose()


def someone(app: Flask, id_: int, name: str, *roles: Role, **more: Any) -> Browser:
    """The browser of a person with these roles, who signed in this moment."""
    now = clock.now(app.extensions["os2tilslut"])
    person = Principal(id_, name, frozenset(roles), **{"signed_in_at": now, "via": "browser", **more})
    return Browser(app, person)
