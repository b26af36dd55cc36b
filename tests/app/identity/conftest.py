"""A browser on the application, with a provider of identities that answers over the network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import config, create_app, database
from tests.app.identity.provider import Liar, Local, served
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter


@dataclass
class Browser:
    """A browser: it keeps cookies, sends forms as pages have them, and goes to the provider and back."""

    app: Flask
    client: FlaskClient

    def get(self, path: str) -> TestResponse:
        """Ask for a page."""
        return self.client.get(path)

    def post(self, path: str, page: str = "", **data: str | list[str]) -> TestResponse:
        """Send a form with the token of a page that has one; where none is named, that of the form's own path."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(page or path).text)
        assert token is not None, page or path
        return self.client.post(path, data=data | {"csrf_token": token[1]})

    def sign_in(self, person: str, strength: str = "strong", path: str = "/sign-in") -> TestResponse:
        """Sign in at the local provider; give the answer to coming back."""
        return self.client.get(self.at_the_provider(person, strength, path))

    def at_the_provider(self, person: str, strength: str = "strong", path: str = "/sign-in") -> str:
        """Sign in there without coming back; give where it sends the browser."""
        asked = self.client.get(path)
        assert asked.status_code == 303, asked.text
        answer = requests.post(
            asked.headers["Location"], data={"person": person, "strength": strength}, allow_redirects=False, timeout=10
        )
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"].removeprefix("http://localhost")

    @property
    def name(self) -> str:
        """Who is signed in, as the page says; empty for nobody."""
        found = re.search(r'class="top-name">([^<]*)<', self.client.get("/").text)
        return found[1] if found else ""

    @property
    def cookie(self) -> str:
        """The session's cookie, or nothing."""
        found = self.client.get_cookie(self.app.config["SESSION_COOKIE_NAME"])
        return found.value if found else ""


@pytest.fixture(scope="session")
def local() -> Iterator[Local]:
    """The local provider, running."""
    provider = Local()
    with served(provider.make):
        yield provider


@pytest.fixture
def liar() -> Iterator[Liar]:
    """A provider that lies as it is told."""
    provider = Liar()
    with served(provider.make):
        yield provider


Browsers = Callable[..., Browser]


@pytest.fixture
def browsers() -> Iterator[Browsers]:
    """Gives browsers on an application as a command line's settings and further variables make it."""
    with ExitStack() as made:

        def browser(line: CommandLine, **environ: str) -> Browser:
            app = create_app(config.read(line.with_environ(**environ).environment))
            made.callback(_dispose, app)
            return Browser(app, app.test_client())

        yield browser


def _dispose(app: Flask) -> None:
    with app.app_context():
        database.db.engine.dispose()


@pytest.fixture
def peopled(prepared: Prepared, local: Local) -> CommandLine:
    """The command line on a database with the starter and the made-up people."""
    return prepared(with_starter, people, **local.environ)


def people(line: CommandLine) -> None:
    """Add the made-up people, as `serve` does."""
    from app import clock
    from app.identity import demonstration
    from foundation.audit import Trail

    settings = config.read(line.environment)
    app = create_app(settings)
    with app.app_context(), database.writing() as session:
        trail = Trail(session, "kommandolinjen", clock.now(settings))
        demonstration.make(session, trail, settings.oidc.issuer)
        trail.write()
    _dispose(app)
