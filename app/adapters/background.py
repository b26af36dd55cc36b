"""Starting work in a process of its own, so that it goes on when the page is closed or the server's worker ends."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from sqlalchemy.orm import Session

from app import clock, database
from app.config import Config
from billing import progress, work_runs
from billing.approvals import NotApproved
from billing.gathering import Book
from foundation.language import Text

_started: list[subprocess.Popen[bytes]] = []

_ROOT = Path(__file__).resolve().parents[2]


def start(config: Config, year: int, book: Book, dated: date, actor: str) -> int:
    """Start issuing what is approved of a year, and its documents and verdicts, in somebody's name; give the run's id.

    Needs an application context, and no transaction open. Raises NotApproved or AlreadyRunning.
    """
    with database.writing() as session:
        run_id = begin(session, year, book, dated, actor)
    launch(config, run_id)
    return run_id


def begin(session: Session, year: int, book: Book, dated: date, actor: str) -> int:
    """Note that issuing starts; give the run's id. Needs the writer's lock. Raises NotApproved or AlreadyRunning."""
    if book == "real" and not progress.of(session, year, book).approved:
        raise NotApproved(
            Text(
                f"planen for {year} er ikke godkendt: overdrag den, og lad en anden godkende den",
                f"the plan for {year} is not approved: hand it over, and let another person approve it",
            )
        )
    return work_runs.start(session, year, book, dated, actor, at=clock.machine())


def launch(config: Config, run_id: int) -> None:
    """Start the process of a run that was noted and committed; one that never starts counts as interrupted soon."""
    _launch(config, "app.background", str(run_id))


def launch_sealing(config: Config) -> None:
    """Start the process that seals what is countersigned; what it leaves, the next one takes."""
    _launch(config, "app.sealing_work")


def launch_delivering(config: Config, year: int | None) -> None:
    """Start the process that goes one round of handing over; what it leaves, the next round takes."""
    _launch(config, "app.delivery_work", *([] if year is None else [str(year)]))


def _launch(config: Config, module: str, *arguments: str) -> None:
    command = [sys.executable, "-m", module, *arguments]
    _started[:] = [process for process in _started if process.poll() is None]  # asking lets those that ended go
    _started.append(
        subprocess.Popen(command, env=_environment(config), stdin=subprocess.DEVNULL, start_new_session=True)
    )


def _environment(config: Config) -> dict[str, str]:
    """Give the variables of this process, and these settings wherever they came from."""
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | config.environ() | {"PYTHONPATH": path}
