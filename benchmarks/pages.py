"""How many pages a second, beside a bare Flask and SQLAlchemy page under the same server, on both databases.

The server runs as in production (`app.serving`), and so does the application but for its clock; somebody of the role
`finance` is signed in. One year is issued and has its documents, the next one waits as a plan.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

from sqlalchemy import select

from app import annual_work, create_app, migrating
from app.access import Role
from app.cli.service import Service
from app.config import read
from benchmarks import client, people, registers
from benchmarks.client import Measured
from billing import annual_run, approvals, seller
from billing.gathering import INVOICES

AUTHORITIES = 1_000
BARE = "bare list"
SECONDS = 6.0  # each page
_WARMING = 2.0
_MADE_ANEW = 10
_PLANNED = registers.YEAR + 1
FLAT_AFTER = 2_000  # requests
_PATIENCE = 30.0  # seconds
_ON = date(registers.YEAR, 1, 15)
_RUN = "import sys; from app import serving; serving.run(sys.argv[1], int(sys.argv[2]))"


@dataclass(frozen=True, slots=True)
class Told:
    """What one database's pages came to."""

    pages: Mapping[str, Measured]
    anew: list[float]  # seconds to show a plan that must be made first
    memory: tuple[int, int]  # MB of the largest worker: warm, and after many requests more


@dataclass(frozen=True, slots=True)
class Ground:
    """A filled database and somebody who may read."""

    service: Service
    environ: Mapping[str, str]
    cookie: str
    token: str
    invoice: str


def measure(url: str, folder: str) -> Told:
    """Fill an empty database and measure every page."""
    ground = _filled(url, folder)
    try:
        with served("benchmarks.bare_page:app", {"DATABASE_URL": url}, folder) as (port, _):
            bare = asked(port, "/authorities", {})
        with served("wsgi:app", ground.environ, folder) as (port, process):
            browser = {"Cookie": f"{ground.service.config.session_cookie}={ground.cookie}"}
            program = {"Authorization": f"Bearer {ground.token}"}
            pages = {BARE: bare} | {name: asked(port, path, browser) for name, path in _paths(ground)}
            pages["API page of 100"] = asked(port, "/api/v1/authorities?limit=100", program)
            anew = [_anew(ground, port, browser) for _ in range(_MADE_ANEW)]
            memory = _memory(port, process, browser)
    finally:
        ground.service.close()
    return Told(pages, anew, memory)


def _paths(ground: Ground) -> Iterator[tuple[str, str]]:
    yield "authority list", "/authorities"
    yield "invoice", f"/invoices/{ground.invoice}"
    yield "plan", f"/year/{_PLANNED}"


def asked(port: int, path: str, headers: Mapping[str, str]) -> Measured:
    """Ask for a page for some seconds, once the workers are warm."""
    client.measure(port, path, headers, _WARMING)
    return client.measure(port, path, headers, SECONDS)


def _anew(ground: Ground, port: int, headers: Mapping[str, str]) -> float:
    """Show the plan after something was written that may have changed it."""
    with ground.service.writing("benchmark") as (_, trail):
        trail.record("benchmark.disturbed", "the registers", {})
    return client.measure(port, f"/year/{_PLANNED}", headers, 0, connections=1).each[0]


def _memory(port: int, process: int, headers: Mapping[str, str]) -> tuple[int, int]:
    before, asked = _largest(process), 0
    while asked < FLAT_AFTER:
        asked += len(client.measure(port, "/authorities", headers, 1).each)
    return before, _largest(process)


def _largest(process: int) -> int:
    """Give the memory of the largest worker now, in MB."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    pages = [int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children]
    return max(pages) * os.sysconf("SC_PAGE_SIZE") // 1024**2


# --- the ground


def _filled(url: str, folder: str) -> Ground:
    environ = environment(url, folder)
    config = read(environ)
    service = Service(config, create_app(config))
    with service.app.app_context():
        migrating.upgrade()
    with service.writing("benchmark") as (session, _):
        registers.fill(session, AUTHORITIES)
        registers.count_again(session, AUTHORITIES)
    _issue(service)
    with service.writing("benchmark") as (session, _):
        reader = people.person(session, Role.FINANCE, service.now)
        cookie, token = people.browser(session, reader, service.now), people.token(session, reader, service.now)
        invoice = session.execute(select(INVOICES.c.number).order_by(INVOICES.c.id).limit(1)).scalar_one()
    return Ground(service, environ, cookie, token, invoice)


def environment(url: str, folder: str) -> dict[str, str]:
    """Give the variables the application is served with."""
    return {
        "OS2TILSLUT_ENV": "demo",
        "OS2TILSLUT_DATABASE_URL": url,
        "OS2TILSLUT_DATA_DIR": folder,
        "OS2TILSLUT_BASE_URL": "https://127.0.0.1",
        "OS2TILSLUT_TRUSTED_HOSTS": "127.0.0.1",
        "OS2TILSLUT_CLOCK": registers.MOMENT.isoformat(),
    }


def _issue(service: Service) -> None:
    """Issue the year, with its documents."""
    association = seller.made_up()
    with service.writing("benchmark") as (session, trail):
        digest = annual_run.plan(session, registers.YEAR, association).digest
        approvals.approve(session, registers.YEAR, digest, association, trail)
    annual_work.issue_all(service, registers.YEAR, "real", _ON)
    annual_work.render_all(service, registers.YEAR, "real")


# --- the server


@contextmanager
def served(target: str, environ: Mapping[str, str], folder: str) -> Iterator[tuple[int, int]]:
    """Run an application meanwhile, its lines of log in a file; give its port and its process."""
    port, command = _free_port(), [sys.executable, "-c", _RUN, target]
    with Path(folder, "server.log").open("wb+") as log:
        running = subprocess.Popen([*command, str(port)], env={**os.environ, **environ}, stdout=log, stderr=log)
        try:
            _wait_for(running, port, log)
            yield port, running.pid
        finally:
            _stop(running)


def _stop(running: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop; one whose workers are still starting may not hear it, and is ended."""
    running.send_signal(signal.SIGINT)
    try:
        running.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def _wait_for(running: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        if running.poll() is not None or time.monotonic() > until:
            log.seek(0)
            raise SystemExit(f"the server did not start: {log.read().decode(errors='replace')}")
        time.sleep(0.05)
