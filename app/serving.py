"""The web server with the settings production runs with, for `serve` and for the benchmarks alike.

Why these numbers: docs/decisions/0018-how-many-at-once.md.
"""

from __future__ import annotations

from typing import Any

from granian import Granian
from granian.constants import Interfaces

#: Processes. Each answers by itself; more of them use more processor cores.
WORKERS = 2
#: Requests a process works on at a time. Python computes for one of them; the others wait for the database.
THREADS = 4


def server(target: str, port: int, workers: int = WORKERS, threads: int = THREADS, address: str = "127.0.0.1") -> Any:
    """Make the server of a WSGI application; `serve` runs it until it is stopped."""
    return Granian(
        target,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        websockets=False,
    )
