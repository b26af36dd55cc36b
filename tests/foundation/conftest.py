"""One migrated database of each kind for all tests here: each works in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.orm import Session

from app import database
from tests.command_line import CommandLine
from tests.postgresql_server import PostgreSQLServer


@pytest.fixture(scope="session")
def engines() -> Iterator[dict[str, Engine]]:
    """The databases made so far, by kind."""
    made: dict[str, Engine] = {}
    yield made
    for engine in made.values():
        engine.dispose()


def _engine(kind: str, request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Engine:
    folder = factory.mktemp("foundation")
    if kind == "sqlite":
        url = f"sqlite:///{folder}/foundation.sqlite"
    else:
        server: PostgreSQLServer = request.getfixturevalue("postgresql")
        url = server.create("foundation")
    CommandLine(url, folder).done("db", "upgrade")
    engine = create_engine(url, poolclass=NullPool)
    database.prepare(engine)
    return engine


@pytest.fixture
def session(
    kind: str, engines: dict[str, Engine], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Session]:
    """A session on an empty, migrated database; nothing of it stays."""
    if kind not in engines:
        engines[kind] = _engine(kind, request, tmp_path_factory)
    with Session(engines[kind]) as session:
        yield session
        session.rollback()
