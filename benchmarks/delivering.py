"""How quickly documents are handed over: into a folder, and to an access point on this machine.

usage: python -m benchmarks.delivering [COUNT]

The documents are an issued and validated year's. Beside both stands the least that sends the same to the same place:
the bytes posted by as many threads, and nothing noted. The access point is a process of its own that takes everything
at once, on the same cores.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import requests
from sqlalchemy import select

from app import clock, create_ground, database, delivering
from app.adapters import lanes
from app.annual_work import InNameOf
from app.config import Config, read
from billing import deliveries
from billing.gathering import INVOICES
from billing.papers import INVOICE
from billing.renderings import RENDERINGS
from tests import official_rules
from tests.access_point import AccessPoint
from tests.command_line import CommandLine
from tests.postgresql_server import PostgreSQLServer
from tests.scenarios import files

COUNT = 98


@dataclass(frozen=True, slots=True)
class Told:
    """Documents a second: into a folder, to an access point, and posted by threads alone."""

    folder: float
    web: float
    bare: float


def measure(url: str, folder: str, count: int = COUNT) -> Told:
    """Issue a year on an empty database, and hand its documents over by either way."""
    rules = official_rules.rules(Path(folder) / "rules").directory
    line = CommandLine(url, Path(folder)).with_environ(OS2TILSLUT_RULES_DIR=str(rules))
    line.done("db", "upgrade")
    line.done("starter", "load")
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_agreements(line, *(files.agreement(each.cvr, "OS2kitos") for each in files.starter()[:count]))
    line.issue(2027)
    config = read(line.environment)
    with create_ground(config).app_context(), _point() as address:
        work = InNameOf(config, "benchmark")
        by_folder = count / _timed(lambda: _deliver(work, count))
        _again(work)
        by_web = count / _timed(lambda: _deliver(replace(work, config=_by_web(config, address)), count))
        bare = count / _timed(lambda: _post(work, address))
        database.db.engine.dispose()
    return Told(by_folder, by_web, bare)


def _deliver(work: InNameOf, count: int) -> None:
    done = delivering.deliver(work)
    if done.handed_over != count:
        raise SystemExit(f"not all were handed over: {done}")


def _again(work: InNameOf) -> None:
    with work.writing() as (session, trail):
        for number in session.scalars(select(INVOICES.c.number)).all():
            deliveries.send_again(session, number, trail, now=clock.machine())


def _by_web(config: Config, address: str) -> Config:
    carriers = {channel: replace(one, place=address) for channel, one in config.carriers.items()}
    return replace(config, carriers=carriers)


def _post(work: InNameOf, address: str) -> None:
    """Send the same bytes by as many threads, and note nothing."""
    made = INVOICE.deliveries.c
    columns = select(RENDERINGS.c.content, made.message_id, made.file_name)
    with work.reading() as session:
        rows = session.execute(
            columns.join(INVOICE.deliveries, made.rendering_id == RENDERINGS.c.id).where(made.position == 2)
        ).all()

    def post(row: tuple[bytes, str, str]) -> int:
        headers = {"X-Message-Id": row[1], "Content-Disposition": f'attachment; filename="{row[2]}"'}
        return requests.post(address, data=row[0], headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(lanes.AT_ONCE) as threads:
        if {*threads.map(post, [tuple(row) for row in rows])} != {202}:
            raise SystemExit("the access point refused")


@contextmanager
def _point() -> Iterator[str]:
    """Run an access point in a process of its own meanwhile; give its address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    yield ours.recv()
    ours.send("end")
    process.join()


def _serve(pipe: Connection) -> None:
    with AccessPoint() as point:
        pipe.send(point.url)
        pipe.recv()


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def main() -> None:
    """Measure on both kinds of database, and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as folder, PostgreSQLServer() as server:
        for kind, url in (("sqlite", f"sqlite:///{folder}/bench.sqlite"), ("postgresql", server.create("bench"))):
            place = Path(folder) / kind
            place.mkdir()
            told = measure(url, str(place), count)
            print(f"{kind}: folder {told.folder:.0f}/s, access point {told.web:.0f}/s, bare posting {told.bare:.0f}/s")


if __name__ == "__main__":
    main()
