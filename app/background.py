"""The process that does a run of work: issue, make documents, validate; it tells that it lives, and how it ended.

usage: python -m app.background RUN-ID        started by `app/adapters/background.py`
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from flask import Flask
from sqlalchemy.exc import DBAPIError

from app import annual_work, clock, config, create_ground, database
from app.annual_work import InNameOf
from billing import work_runs
from billing.work_runs import Outcome, Run
from foundation.errors import DomainError, NotNow
from foundation.language import Text

#: Seconds between two signs of life.
BEAT = 2.0

_UNEXPECTED = Text(
    "uventet fejl; serverens log fortæller mere. Det, der er udstedt, står; fortsæt, når fejlen er rettet",
    "unexpected error; the server's log tells more. What is issued stands; continue when the error is mended",
)


class TakenOver(NotNow):
    """The run was closed meanwhile, for its process was not heard of in time."""


def main(run_id: int) -> int:
    """Do a run of work; give the exit code."""
    app = create_ground(config.read())
    with app.app_context(), database.reading() as session:
        run = work_runs.get(session, run_id, at=clock.machine())
    outcome: Outcome = "failed"
    message = _UNEXPECTED
    try:
        with _beating(app, run_id) as is_ours, app.app_context():
            message = _work(run, is_ours)
        outcome = "done"
    except DomainError as refused:
        message = refused.text
    except DBAPIError as error:
        message = database.explained(error).text
    finally:
        with app.app_context(), database.marking() as session:
            work_runs.end(session, run_id, outcome, message, at=clock.machine())
    return 0 if outcome == "done" else 1


def _work(run: Run, is_ours: Callable[[], bool]) -> Text:
    """Do what is left of a year; give what to tell of it."""
    surroundings = InNameOf(config.read(), run.started_by)

    def begin(label: Text, whole: int) -> Callable[[int], object]:
        return lambda by: _refuse_taken_over(is_ours())

    if run.book == "rehearsal":
        annual_work.approve_rehearsal(surroundings, run.year)
    numbers = annual_work.issue_all(surroundings, run.year, run.book, run.dated, begin)
    annual_work.render_all(surroundings, run.year, run.book, begin)
    annual_work.judge_all(surroundings, run.year, run.book, begin)
    return annual_work.issued_words(run.year, numbers)


def _refuse_taken_over(is_ours: bool) -> None:
    if not is_ours:
        raise TakenOver(Text("en anden proces har overtaget arbejdet", "another process has taken the work over"))


@contextmanager
def _beating(app: Flask, run_id: int) -> Iterator[Callable[[], bool]]:
    """Tell every two seconds that the process lives; give what tells whether the run is still ours."""
    over, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            with suppress(DBAPIError), app.app_context(), database.marking() as session:  # the next one may succeed
                if not work_runs.seen(session, run_id, at=clock.machine()):
                    lost.set()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield lambda: not lost.is_set()
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
