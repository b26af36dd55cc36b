"""The web server with the settings production runs with, for `serve` and for the benchmarks alike.

Why these numbers: docs/decisions/0018-how-many-at-once.md.
"""

from __future__ import annotations

import os
import signal
from functools import partial
from importlib import import_module
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from app.adapters import starter

#: Processes. Each answers by itself; more of them use more processor cores.
WORKERS = 2
#: How long a process that is to end may go on with what it was asked, in seconds; longer than any page takes.
LAST_REQUESTS = 75
#: Requests a process works on at a time. Python computes for one of them; the others wait for the database.
THREADS = 4


def run(target: str, port: int, workers: int = WORKERS, threads: int = THREADS) -> None:
    """Serve a WSGI application, named as `module:name`, on this machine until stopped."""
    server: Any = Granian(
        target,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=LAST_REQUESTS,
        websockets=False,
    )
    server.serve(target_loader=partial(_load, os.getpid()), wrap_loader=True)


def _load(server: int, target: str) -> Any:
    """Load the application in a worker; the worker ends with the server, also with one that is killed.

    A forked worker has the server's signal handlers until it serves, and those would swallow the order to end.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    starter.end_with(server)
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
