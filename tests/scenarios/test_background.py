"""Issuing in the background: it goes on by itself, survives a kill, is never done twice, and tells how it ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app import clock, config, create_app, database
from app.adapters import background
from billing import progress, work_runs
from billing.approvals import NotApproved
from billing.gathering import Book
from billing.progress import Progress
from billing.work_runs import AlreadyRunning, Run
from tests.command_line import CommandLine
from tests.scenarios import files, programs
from tests.scenarios.database import column

ON = date(2027, 1, 15)
ACTOR = "En Forbereder #1"
INVOICES = 20


@dataclass
class Server:
    """What a server would be: an application that starts work and looks how far it is."""

    line: CommandLine
    app: Flask

    def start(self, year: int = 2027, book: Book = "real") -> int:
        """Press the button."""
        settings = self.app.extensions["os2tilslut"]
        with self.app.app_context():
            return background.start(settings, year, book, ON, ACTOR)

    def progress(self) -> Progress:
        """Look how far it is."""
        with self.app.app_context(), database.reading() as session:
            return progress.of(session, 2027, "real")

    def run(self, book: Book = "real") -> Run:
        """Look at the newest run."""
        with self.app.app_context(), database.reading() as session:
            found = work_runs.latest(session, 2027, book, at=clock.machine())
        assert found is not None
        return found

    def ended(self, book: Book = "real") -> Run:
        """Wait for the end of the newest run."""
        programs.until(lambda: self.run(book).state != "running")
        return self.run(book)

    def kill(self) -> None:
        """Kill the last process with all its helpers."""
        process = background._started[-1]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        programs.until(lambda: not programs.members(process.pid))

    def wait_half_a_minute(self) -> None:
        """Let half a minute pass: the last sign of life lies further back."""
        with self.line.session() as session:
            last = session.execute(text("SELECT max(id) FROM work_run")).scalar_one()
            long_ago = clock.machine() - work_runs.PATIENCE - timedelta(seconds=1)
            session.execute(work_runs.RUNS.update().where(work_runs.RUNS.c.id == last).values(seen_at=long_ago))


@pytest.fixture
def server(starter: CommandLine) -> Iterator[Server]:
    """A server on an approved year, five invoices at a time."""
    known = files.starter()[:INVOICES]
    files.take_members(starter, *(files.member(each.cvr) for each in known))
    starter.approve(2027)
    settings = config.read(starter.with_environ(OS2TILSLUT_BATCH="5").environment)
    app = create_app(settings)
    server = Server(starter, app)
    yield server
    if background._started:
        server.kill()
    with app.app_context():
        database.db.engine.dispose()


def watched(server: Server, look: Callable[[Progress], int]) -> list[int]:
    """Look again and again until the run has ended; give every count that was seen, each once."""
    seen = [look(server.progress())]
    while server.run().state == "running":
        seen.append(look(server.progress()))
    return list(dict.fromkeys([*seen, look(server.progress())]))


def assert_all_is_done(server: Server) -> None:
    """Every invoice has its number and its documents, once."""
    whole = Progress(INVOICES, INVOICES, 3 * INVOICES, 3 * INVOICES, 2 * INVOICES, 0)
    assert server.progress() == whole and whole.is_complete
    numbers = column(server.line, "SELECT number FROM invoice ORDER BY id")
    assert numbers == [f"2027-{nth:04d}" for nth in range(1, INVOICES + 1)]
    server.line.done("verify")


def test_the_work_goes_on_by_itself_and_its_progress_is_read_from_the_facts(server: Server) -> None:
    before = server.progress()

    server.start()
    seen = watched(server, lambda found: found.issued + found.rendered)
    run = server.ended()

    assert (before.approved, before.issued, before.rendered) == (INVOICES, 0, 0)
    assert seen == sorted(seen) and len(seen) > 2
    assert (run.state, run.started_by, run.dated) == ("done", ACTOR, ON)
    assert run.message is not None and run.message.da == "2027: 20 fakturaer udstedt, 2027-0001 – 2027-0020"
    assert set(column(server.line, "SELECT issued_by FROM invoice")) == {ACTOR}
    assert_all_is_done(server)


def test_what_was_killed_counts_as_interrupted_after_half_a_minute_and_is_continued(server: Server) -> None:
    server.start()
    programs.until(lambda: server.progress().rendered > 0)
    server.kill()
    left = server.progress()

    with pytest.raises(AlreadyRunning):
        server.start()
    server.wait_half_a_minute()
    interrupted = server.run()
    server.start()
    run = server.ended()

    assert left.rendered < left.documents
    assert interrupted.state == "interrupted" and run.id == interrupted.id + 1
    assert run.state == "done"
    assert column(server.line, "SELECT outcome FROM work_run ORDER BY id") == ["interrupted", "done"]
    assert_all_is_done(server)


def test_two_starts_at_once_give_one(server: Server) -> None:
    def press(_: int) -> str:
        try:
            return str(server.start())
        except AlreadyRunning as refused:
            return refused.text.da

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(press, range(4)))
    run = server.ended()

    assert sorted(end.isdigit() for end in ends) == [False, False, False, True], ends
    assert any(f"startet af {ACTOR}" in end for end in ends)
    assert (run.state, column(server.line, "SELECT count(*) FROM work_run")) == ("done", [1])
    assert_all_is_done(server)


def test_the_database_itself_refuses_a_second_run_beside_one_that_has_not_ended(server: Server) -> None:
    row = "'issue', 2027, 'real', '2027-01-15', 'x', '2027-01-15 10:00:00.000000', '2027-01-15 10:00:00.000000'"
    columns = "id, kind, year, book, dated, started_by, started_at, seen_at"

    with pytest.raises(IntegrityError), server.line.session() as session:
        for id_ in (1, 2):
            session.execute(text(f"INSERT INTO work_run ({columns}) VALUES ({id_}, {row})".replace(":", "\\:")))

    assert column(server.line, "SELECT count(*) FROM work_run") == [0]


def test_a_process_whose_run_was_closed_stops(server: Server) -> None:
    with server.app.app_context(), database.writing() as session:
        id_ = work_runs.start(session, 2027, "real", ON, ACTOR, at=clock.machine())

        assert work_runs.seen(session, id_, at=clock.machine())
        work_runs.end(session, id_, "interrupted", None, at=clock.machine())
        assert not work_runs.seen(session, id_, at=clock.machine())
        work_runs.end(session, id_, "done", None, at=clock.machine())
        assert work_runs.get(session, id_, at=clock.machine()).state == "interrupted"


def test_what_is_refused_on_the_way_is_told_in_both_languages(server: Server) -> None:
    files.take_agreements(server.line, files.agreement(files.starter()[0].cvr))

    server.start()
    run = server.ended()

    assert run.state == "failed" and run.message is not None
    assert "ikke længere det godkendte" in run.message.da
    assert "no longer what was approved" in run.message.en
    assert server.progress().issued == 0


def test_a_year_that_is_not_approved_is_not_started(server: Server) -> None:
    with pytest.raises(NotApproved):
        server.start(2028)

    assert column(server.line, "SELECT count(*) FROM work_run") == [0]


def test_a_rehearsal_approves_itself(server: Server) -> None:
    server.start(book="rehearsal")

    run = server.ended("rehearsal")

    assert run.state == "done" and run.message is not None and "R-2027-0020" in run.message.da
    assert server.progress().issued == 0
