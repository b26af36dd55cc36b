"""The server that other tests stand on is tried first, by itself."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.postgresql_server import PostgreSQLServer, PostgreSQLUnavailable, newest_binaries


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQLServer]:
    with PostgreSQLServer() as running:
        yield running


def ask(url: str, *statements: str) -> list[object]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        *before, last = statements
        for statement in before:
            connection.execute(text(statement))
        return list(connection.execute(text(last)).scalars())


def test_a_database_answers(server: PostgreSQLServer) -> None:
    url = server.create("answers")

    assert ask(url, "select 1") == [1]


def test_a_clone_holds_what_its_template_held_and_nothing_later(server: PostgreSQLServer) -> None:
    original = server.create("original")
    ask(original, "create table towns (name text)", "insert into towns values ('Odense') returning name")

    clone = server.create("clone", template="original")
    ask(original, "insert into towns values ('Aarhus') returning name")

    assert ask(clone, "select name from towns") == ["Odense"]


def test_a_dropped_database_is_gone_even_while_somebody_is_connected(server: PostgreSQLServer) -> None:
    url = server.create("dropped")
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("select 1"))

        server.drop("dropped")

        with pytest.raises(OperationalError, match="terminating connection"):
            connection.execute(text("select 1"))
    with pytest.raises(OperationalError, match="does not exist"):
        ask(url, "select 1")


def test_names_are_taken_as_they_are(server: PostgreSQLServer) -> None:
    url = server.create('a "curious" name')

    assert ask(url, "select current_database()") == ['a "curious" name']


def test_danish_names_sort_as_danes_sort_them(server: PostgreSQLServer) -> None:
    url = server.create("sorted")

    names = ask(
        url,
        "select name from (values ('Ærø'), ('Aarhus'), ('Ølstykke'), ('Vejle')) as t(name) "
        'order by name collate "da-x-icu"',
    )

    assert names == ["Vejle", "Ærø", "Ølstykke", "Aarhus"]


def test_a_stopped_server_leaves_nothing_behind() -> None:
    server = PostgreSQLServer().start()
    folder = server.folder

    server.stop()

    assert not folder.exists()
    with pytest.raises(PostgreSQLUnavailable):
        server.url("anything")


def test_a_server_does_not_outlive_a_killed_interpreter() -> None:
    house = Path(__file__).resolve().parent.parent
    script = (
        "import os, signal\n"
        "from tests.postgresql_server import PostgreSQLServer\n"
        "print(PostgreSQLServer().start().folder, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    command = [sys.executable, "-c", script]
    killed = subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)

    # The output ends only when the server, which inherited it, has ended too.
    assert killed.returncode == -9
    assert not Path(killed.stdout.strip()).exists()


def test_a_machine_without_a_server_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda self: False)

    with pytest.raises(PostgreSQLUnavailable, match="apt-get install postgresql"):
        newest_binaries()
