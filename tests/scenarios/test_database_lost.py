"""Promise 20 on PostgreSQL: the connection, the backend or the server goes in the middle of a command.

Success is told only after COMMIT was answered; where the answer is lost, the same command looks the outcome up, and
nothing is done twice.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Literal

import psycopg
import pytest
from sqlalchemy import make_url

from tests.command_line import CommandLine, Result
from tests.conftest import FULL, SERVERS
from tests.postgresql_server import PORT, SUPERUSER, PostgreSQLServer
from tests.scenarios import database, files
from tests.scenarios.proxy import Door, Trouble

YEAR = 2027
INVOICES = 12

_names = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQLServer]:
    """A server that these tests may crash without disturbing others."""
    with PostgreSQLServer(below=SERVERS) as own:
        yield own


@pytest.fixture(scope="module")
def ground(server: PostgreSQLServer, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A database with agreements of a year that is not approved."""
    line = CommandLine(server.create("ground"), tmp_path_factory.mktemp("ground"))
    line.done("db", "upgrade")
    line.done("starter", "load")
    files.take_agreements(line, *(files.agreement(known.cvr) for known in files.starter()[:INVOICES]))
    line.write("new.csv", files.text(files.MEMBERS, [files.member(known.cvr) for known in files.starter()[:INVOICES]]))
    line.write("new.toml", files.fee_table("Ny", "annual_fee = 100"))
    return line


Fresh = Callable[[], CommandLine]
Undisturbed = Callable[[str], database.Dump]


@pytest.fixture
def fresh(server: PostgreSQLServer, ground: CommandLine) -> Iterator[Fresh]:
    """Gives copies of the ground."""
    made: list[str] = []

    def copied() -> CommandLine:
        made.append(f"copy{next(_names)}")
        return copy(server, ground, made[-1])

    yield copied
    for name in made:
        server.drop(name)


@contextmanager
def behind(server: PostgreSQLServer, line: CommandLine, trouble: Trouble) -> Iterator[CommandLine]:
    """Give the command line on the same database through a door with trouble."""
    # A folder of its own, for the path of a socket may have 107 bytes at most.
    with tempfile.TemporaryDirectory(dir="/tmp") as name, Door(server.folder, Path(name), trouble) as door:
        url = make_url(line.url).update_query_dict({"host": str(door.folder)})
        yield replace(line, url=url.render_as_string(hide_password=False))


def act(line: CommandLine, name: str) -> tuple[object, ...]:
    """Prepare one of the acts that store something, and give its command."""
    if name == "approve":
        digest = line.json("billing", "plan", YEAR)["digest"]
        return ("billing", "approve", YEAR, "--digest", digest, "--by", "En Godkender")
    if name == "issue":
        line.approve(YEAR)
        return ("billing", "issue", YEAR)
    if name == "import":
        return ("members", "import", line.folder / "new.csv")
    return ("fee-tables", "adopt", line.folder / "new.toml")


@pytest.fixture(scope="module")
def undisturbed(server: PostgreSQLServer, ground: CommandLine) -> Callable[[str], database.Dump]:
    """Gives what an act leaves when nothing goes wrong."""

    @cache
    def rows(name: str) -> database.Dump:
        line = copy(server, ground, f"undisturbed_{name}")
        line.done(*act(line, name))
        return comparable(line)

    return rows


def copy(server: PostgreSQLServer, ground: CommandLine, name: str) -> CommandLine:
    """Copy the ground."""
    return replace(ground, url=server.create(name, "ground")).with_environ(OS2TILSLUT_BATCH="5")


def comparable(line: CommandLine) -> database.Dump:
    """Give every row, but for the ids of registers: PostgreSQL's own counters do not go back with a transaction."""
    rows = database.dump(line)
    return rows | {name: [row[1:] for row in rows[name]] for name in ("membership", "product")}


def failed(result: Result) -> bool:
    """Tell whether a command ended as one that could not now: nothing reported, a message, no trace."""
    assert (result.code, result.out) == (3, ""), result
    assert "samme kommando igen" in result.err and "Traceback" not in result.err, result
    return True


@pytest.mark.parametrize("lost", ["never sent", "answer lost"])
@pytest.mark.parametrize("name", ["approve", "issue", "import", "adopt"])
def test_a_lost_answer_to_commit_is_no_success_and_the_same_command_looks_the_outcome_up(
    name: str,
    lost: Literal["never sent", "answer lost"],
    server: PostgreSQLServer,
    fresh: Fresh,
    undisturbed: Undisturbed,
) -> None:
    line = fresh()
    command = act(line, name)
    before = database.dump(line)
    trouble = Trouble("COMMIT", kind=lost, nth=1)

    with behind(server, line, trouble) as troubled:
        result = troubled.run(*command)

    assert trouble.has_struck
    assert failed(result) and "helt eller slet ikke" in result.err
    assert (database.dump(line) == before) is (lost == "never sent")
    line.done(*command)
    assert comparable(line) == undisturbed(name)
    line.done("verify")


@pytest.mark.parametrize("nth", [2, 3, 4, 6] if FULL else [6])  # batches of 5, 5 and 2 invoices, then documents
def test_any_commit_of_a_run_may_lose_its_answer(
    nth: int, server: PostgreSQLServer, fresh: Fresh, undisturbed: Undisturbed
) -> None:
    line = fresh()
    command = act(line, "issue")
    trouble = Trouble("COMMIT", kind="answer lost", nth=nth)

    with behind(server, line, trouble) as troubled:
        result = troubled.run(*command)

    assert trouble.has_struck
    assert result.code == 3 and "samme kommando igen" in result.err
    told = "fakturaer udstedt" in result.out
    assert told is (nth > 3), "issuing is reported behind its last commit"
    line.done(*command)
    assert comparable(line) == undisturbed("issue")
    line.done("verify")


# --- the backend and the server


def watching(server: PostgreSQLServer) -> psycopg.Connection[tuple[object, ...]]:
    """Connect beside the program."""
    return psycopg.connect(host=str(server.folder), port=PORT, user=SUPERUSER, dbname="postgres", autocommit=True)


def terminate(server: PostgreSQLServer, backend: int) -> None:
    """End a backend as an administrator does, and wait until it is gone."""
    with watching(server) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 10000)", [backend])


def kill(server: PostgreSQLServer, backend: int) -> None:
    """Kill a backend, as the system does when memory runs out; the server ends all others and recovers."""
    with suppress(psycopg.OperationalError), watching(server) as connection:
        os.kill(backend, signal.SIGKILL)
        while True:  # until the server has noticed, and ended this one too
            connection.execute("SELECT 1")
            time.sleep(0.01)


def crash(server: PostgreSQLServer, backend: int) -> None:
    """End the whole server at once."""
    server.crash()


@pytest.mark.parametrize(("statement", "nth"), [("UPDATE invoice_series", 1), ("COMMIT", 2)])  # of the second batch
@pytest.mark.parametrize("strike", [terminate, kill, crash])
def test_a_backend_that_goes_in_the_middle_of_a_run_leaves_what_the_same_command_completes(
    strike: Callable[[PostgreSQLServer, int], None],
    statement: str,
    nth: int,
    server: PostgreSQLServer,
    fresh: Fresh,
    undisturbed: Undisturbed,
) -> None:
    line = fresh()
    command = act(line, "issue")
    trouble = Trouble(statement, kind="server", nth=nth, strike=lambda backend: strike(server, backend))

    with behind(server, line, trouble) as troubled:
        result = troubled.run(*command)
    assert trouble.has_struck
    meanwhile = line.run(*command) if strike is crash else None
    if strike is crash:
        server.revive()
    server.wait_until_it_answers()

    assert failed(result)
    assert ("helt eller slet ikke" in result.err) is (statement == "COMMIT")
    if meanwhile is not None:
        assert (meanwhile.code, meanwhile.out) == (3, "") and "databasen" in meanwhile.err, meanwhile
    assert database.count(line, "invoice") == 5
    line.done("verify")
    line.done(*command)
    assert comparable(line) == undisturbed("issue")
    line.done("verify")


def test_a_verdict_that_loses_its_database_cannot_tell(server: PostgreSQLServer, fresh: Fresh) -> None:
    line = fresh()
    trouble = Trouble("SELECT", kind="server", nth=5, strike=lambda backend: terminate(server, backend))

    with behind(server, line, trouble) as troubled:
        result = troubled.run("verify")

    assert trouble.has_struck
    assert failed(result)


def test_what_was_reported_as_stored_survives_a_server_that_crashes_right_behind_it(
    server: PostgreSQLServer, fresh: Fresh
) -> None:
    """This server answers a COMMIT before it is written, unless a writer asks it not to; ours does."""
    line = fresh()

    line.done(*act(line, "import"))
    server.crash()
    server.revive()

    assert database.count(line, "membership") == INVOICES
    line.done("verify")
