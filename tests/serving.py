"""The real program as a server: `os2tilslut serve` on free ports, with its local provider of identities."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.command_line import CommandLine

PATIENCE = 120.0  # seconds; a busy machine starts the four processes of a workplace slowly

#: Below those that the system gives to whoever calls out, so that no caller takes one between asking and listening.
_PORTS = range(12_000, 30_000)


def free_port() -> int:
    """Give a port that nobody has."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as asked, suppress(OSError):
            asked.bind(("127.0.0.1", port))
            return port


def answers(port: int) -> bool:
    """Tell whether somebody listens."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def until(wanted: bool, *ports: int) -> None:
    """Wait until all ports answer, or none does."""
    end = time.monotonic() + PATIENCE
    while any(answers(port) != wanted for port in ports):
        assert time.monotonic() < end, f"ports {ports} should {'' if wanted else 'not '}answer"
        time.sleep(0.05)


@contextmanager
def serving(line: CommandLine, port: int, provider_port: int, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `serve` meanwhile."""
    words = [sys.executable, "-c", "from app.cli import main; main()", "serve"]
    options = ["--port", str(port), "--provider-port", str(provider_port), *more]
    with (line.folder / "serve.log").open("wb") as log:
        running = subprocess.Popen(
            [*words, *options], env=line.environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield running
        except AssertionError as error:
            error.add_note((line.folder / "serve.log").read_text(errors="replace"))
            raise
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)  # its workers, too
            running.wait()
