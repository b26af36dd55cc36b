"""Promise 19: kill -9 at any moment of a run, then the same command again, gives what an undisturbed run gives.

OS2TILSLUT_TEST_SEED decides where the kills land; it is printed at the end of every test run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from tests.command_line import CommandLine, Result
from tests.conftest import FULL, SEED
from tests.postgresql_server import PostgreSQLServer
from tests.scenarios import crashing, database, programs, tracing
from tests.scenarios.crashing import Undisturbed, Way

#: Kills on each database, by the way of killing.
KILLS: dict[Way, int] = {"moment": 25, "call": 15} if FULL else {"moment": 2, "call": 1}

#: Who is sent what, and when: as soon as rows stand in a table.
STOPS = [
    ("SIGTERM to the process", "invoice"),
    ("SIGINT to the group", "rendering"),
    *(
        [
            ("SIGTERM to the group", "rendering"),
            ("SIGINT to the group", "invoice"),
            ("SIGTERM to the process", "rendering"),
        ]
        if FULL
        else []
    ),
]

Fresh = Callable[[], CommandLine]


@pytest.fixture
def fresh(starter: CommandLine, kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fresh]:
    """Gives databases with an approved year in them, all the same, each with a folder of its own."""
    crashing.approved_year(starter)
    server: PostgreSQLServer | None = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    template, numbers, made = make_url(starter.url).database or "", count(1), []

    def copied() -> CommandLine:
        folder = tmp_path / f"copy{next(numbers)}"
        folder.mkdir()
        if server is not None:
            made.append(f"{template}_{folder.name}")
            url = server.create(made[-1], template)
        else:
            (folder / "os2tilslut.sqlite").write_bytes(Path(template).read_bytes())
            url = f"sqlite:///{folder / 'os2tilslut.sqlite'}"
        return replace(starter, url=url, folder=folder).with_environ(OS2TILSLUT_BATCH=str(crashing.BATCH))

    yield copied
    for name in made:
        if server is not None:
            server.drop(name)


@pytest.fixture(scope="module")
def measured() -> dict[tuple[str, Way], Undisturbed]:
    """The undisturbed runs made so far: the ground is the same in every test, so one of each kind is enough."""
    return {}


@pytest.mark.parametrize("way", ["moment", "call"])
def test_a_run_that_is_killed_and_killed_again_ends_like_one_that_nobody_disturbed(
    way: Way, kind: str, fresh: Fresh, measured: dict[tuple[str, Way], Undisturbed]
) -> None:
    if way == "call":
        tracing.skip_where_refused()
    print(f"OS2TILSLUT_TEST_SEED={SEED}")
    chance = random.Random(f"{SEED} {kind} {way}")
    known = measured[kind, way] = crashing.undisturbed(fresh(), kind, way)

    landed = 0
    for _ in range(3 * KILLS[way]):  # a run may also end before its kill
        if landed == KILLS[way]:
            break
        line = fresh()
        landed += killed_and_completed(line, kind, way, known, chance, most=KILLS[way] - landed)

        assert crashing.outcome(line) == known.outcome
        line.done("verify")
    assert landed == KILLS[way]


def killed_and_completed(
    line: CommandLine, kind: str, way: Way, known: Undisturbed, chance: random.Random, *, most: int
) -> int:
    """Kill each command of a run a few times, also while it resumes, then let it through; give how many landed."""
    landed = 0
    for nth, command in enumerate(crashing.commands(line, kind)):
        for _ in range(chance.randint(1, 3)):
            if landed == most or not crashing.kill_once(line, kind, way, nth, known, chance):
                break
            landed += 1
        result = programs.run(line, *command.words)
        assert result.code == 0, result
    return landed


def test_two_that_resume_a_killed_run_at_once_give_one_result(
    kind: str, fresh: Fresh, measured: dict[tuple[str, Way], Undisturbed]
) -> None:
    known = measured.get((kind, "moment")) or crashing.undisturbed(fresh(), kind, "moment")
    line = fresh()
    issue, export = crashing.commands(line, kind)
    process = programs.start(line, *issue.words)
    programs.until(lambda: database.count(line, "invoice") > 0)
    programs.kill(process)

    both = [programs.start(line, *issue.words) for _ in range(2)]
    ends = [programs.end(process) for process in both]

    assert [end.code for end in ends] == [0, 0], ends
    programs.run(line, *export.words)
    assert contents(line) == contents_of(known)
    line.done("verify")


def contents(line: CommandLine) -> tuple[database.Dump, dict[str, bytes]]:
    """Give what two runs at once may not differ in: all but how they took turns, which the trail tells."""
    found = crashing.outcome(line)
    return _without_turns(found.rows), dict(found.files)


def contents_of(known: Undisturbed) -> tuple[database.Dump, dict[str, bytes]]:
    """Give the same of an undisturbed run."""
    return _without_turns(known.outcome.rows), dict(known.outcome.files)


def _without_turns(rows: database.Dump) -> database.Dump:
    kept = {name: listed for name, listed in rows.items() if name != "audit_entry"}
    return kept | {"rendering": sorted(row[1:] for row in rows["rendering"])}


def test_a_reader_sees_one_state_while_the_writer_is_killed_and_another_goes_on(kind: str, fresh: Fresh) -> None:
    line = fresh()
    issue, _ = crashing.commands(line, kind)
    process = programs.start(line, *issue.words)
    programs.until(lambda: database.count(line, "invoice") > 0)

    with line.session() as reader:
        seen = reader.execute(text("SELECT count(*) FROM invoice")).scalar_one()
        programs.kill(process)
        after_kill = reader.execute(text("SELECT count(*) FROM invoice")).scalar_one()
        resumed = programs.run(line, *issue.words)
        after_resume = reader.execute(text("SELECT count(*) FROM invoice")).scalar_one()

    assert (after_kill, after_resume) == (seen, seen)
    assert resumed.code == 0, resumed
    assert database.count(line, "invoice") == crashing.INVOICES
    line.done("verify")


@pytest.mark.parametrize(("sent", "during"), STOPS)
def test_who_stops_a_run_is_told_and_the_same_command_goes_on(sent: str, during: str, kind: str, fresh: Fresh) -> None:
    stop = signal.SIGTERM if "SIGTERM" in sent else signal.SIGINT

    line, stopped = ended_on_the_way(
        fresh, during, lambda process: (os.killpg if "group" in sent else os.kill)(process.pid, stop)
    )

    assert stopped.code == 3, stopped
    assert "kommando" in stopped.err and "Traceback" not in stopped.err, stopped
    goes_on(line, stopped)


@pytest.mark.parametrize("kind", ["sqlite"])  # helpers know no database
def test_a_killed_helper_is_told_and_the_same_command_goes_on(kind: str, fresh: Fresh) -> None:
    line, stopped = ended_on_the_way(
        fresh, "rendering", lambda process: os.kill(programs.helpers(process.pid)[0], signal.SIGKILL)
    )

    assert stopped.code == 3, stopped
    assert "hjælpeproces" in stopped.err and "Traceback" not in stopped.err, stopped
    goes_on(line, stopped)


def ended_on_the_way(
    fresh: Fresh, during: str, strike: Callable[[subprocess.Popen[str]], None]
) -> tuple[CommandLine, Result]:
    """Issue until rows stand in a table, then strike; a run that was through before is left, and another begun."""
    for _ in range(10):
        line = fresh()
        result = struck(line, during, strike)
        if result.code != 0:
            return line, result
    raise AssertionError("every run was through before it could be struck")


def struck(line: CommandLine, during: str, strike: Callable[[subprocess.Popen[str]], None]) -> Result:
    """Issue until rows stand in a table, then strike, and wait until nobody of the run is left."""
    process = programs.start(line, "billing", "issue", 2027)
    programs.until(lambda: database.count(line, during) > 0)
    with suppress(LookupError):
        strike(process)
    result = programs.end(process)
    programs.until(lambda: not programs.members(process.pid), patience=10)
    return result


def goes_on(line: CommandLine, stopped: Result) -> None:
    """Hold a stopped run to being whole so far, and complete it."""
    crashing.nothing_is_half_done(line, stopped)
    assert programs.run(line, "billing", "issue", 2027).code == 0
    made = database.count(line, "invoice"), database.count(line, "rendering")
    assert made == (crashing.INVOICES, 3 * crashing.INVOICES)
    line.done("verify")
