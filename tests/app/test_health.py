"""The two answers for whoever watches the service, and what is not answered at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from app import config, create_app
from app.database import db
from tests.command_line import CommandLine

#: What these tests look at does not depend on the kind of database.
ON_ONE = pytest.mark.parametrize("kind", ["sqlite"])

Client = Callable[..., FlaskClient]


@pytest.fixture
def client() -> Iterator[Client]:
    """Gives a browser on the application as a command line's settings and further variables make it."""
    apps = []

    def browser(line: CommandLine, **variables: str) -> FlaskClient:
        apps.append(create_app(config.read(line.with_environ(**variables).environment)))
        return apps[-1].test_client()

    yield browser
    for app in apps:
        with app.app_context():
            db.engine.dispose()


@ON_ONE
def test_a_process_that_runs_is_healthy_whatever_its_database(empty: CommandLine, client: Client) -> None:
    gone = CommandLine(f"sqlite:///{empty.folder / 'nothing.sqlite'}", empty.folder)

    answers = [client(line).get("/healthz") for line in (empty, gone)]

    assert [(answer.status_code, answer.json) for answer in answers] == [(200, {"status": "ok"})] * 2
    assert answers[0].headers["Cache-Control"] == "no-store"


def test_a_service_with_its_database_set_up_is_ready(empty: CommandLine, client: Client) -> None:
    answer = client(empty).get("/readyz")

    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


@ON_ONE
def test_a_service_is_not_ready_before_its_database_is_set_up(empty: CommandLine, client: Client) -> None:
    line = CommandLine(f"sqlite:///{empty.folder / 'nothing.sqlite'}", empty.folder)

    answer = client(line).get("/readyz")

    assert answer.status_code == 503
    # No detail leaves the house.
    assert answer.json == {"status": "not ready"}


@ON_ONE
def test_a_service_whose_database_is_gone_is_not_ready(empty: CommandLine, client: Client) -> None:
    line = CommandLine("postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=2", empty.folder)
    browser = client(line)

    ready, healthy = browser.get("/readyz"), browser.get("/healthz")

    assert (ready.status_code, healthy.status_code) == (503, 200)
    assert b"127.0.0.1" not in ready.data


@ON_ONE
def test_an_unknown_route_is_not_found(empty: CommandLine, client: Client) -> None:
    browser = client(empty)

    assert [browser.get(path).status_code for path in ("/nothing", "/static/x")] == [404, 404]


@ON_ONE
def test_a_wrong_host_is_refused_where_hosts_are_named(empty: CommandLine, client: Client) -> None:
    """Promise 17."""
    browser = client(empty, OS2TILSLUT_TRUSTED_HOSTS="tilslut.example.dk,localhost")

    answers = {
        host: browser.get("/healthz", headers={"Host": host}).status_code
        for host in ("tilslut.example.dk", "localhost", "evil.example.com", "tilslut.example.dk.evil.com")
    }

    assert answers == {
        "tilslut.example.dk": 200, "localhost": 200, "evil.example.com": 400, "tilslut.example.dk.evil.com": 400,
    }  # fmt: skip


@ON_ONE
def test_health_answers_nothing_but_reading(empty: CommandLine, client: Client) -> None:
    browser = client(empty)

    assert [browser.open("/healthz", method=method).status_code for method in ("POST", "PUT", "DELETE")] == [405] * 3


@ON_ONE
def test_production_does_not_start_with_unsafe_settings(empty: CommandLine, client: Client) -> None:
    """Promise 18."""
    with pytest.raises(config.Unsafe, match="OS2TILSLUT_SECRET_KEY"):
        client(empty, OS2TILSLUT_ENV="production", OS2TILSLUT_CLOCK="")
