"""The installed program in processes of its own: started, watched, stopped and killed with all its helpers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.command_line import CommandLine, Result

PROGRAM = Path(sys.executable).with_name("os2tilslut")

#: Seconds; far more than any command here takes.
PATIENCE = 120


def compiled(line: CommandLine) -> dict[str, str]:
    """Give the variables of a command line, letting Python keep what it compiled: each start is then quicker."""
    return {name: value for name, value in line.environment.items() if name != "PYTHONDONTWRITEBYTECODE"}


def start(line: CommandLine, *arguments: object, under: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a command in a process group of its own; `under` is a program that starts it."""
    return subprocess.Popen(
        [*under, str(PROGRAM), *map(str, arguments)], env=compiled(line), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True,
        preexec_fn=_hear_interrupts,  # noqa: PLW1509 - no thread runs here when a program is started
    )  # fmt: skip


def _hear_interrupts() -> None:
    """Let Ctrl-C reach the program also where these tests run in the background, which ignores it for all below."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end(process: subprocess.Popen[str]) -> Result:
    """Wait for the end of a command."""
    out, err = process.communicate(timeout=PATIENCE)
    return Result(process.returncode, out, err)


def run(line: CommandLine, *arguments: object, under: Sequence[str] = ()) -> Result:
    """Run a command to its end."""
    return end(start(line, *arguments, under=under))


def kill(process: subprocess.Popen[str]) -> Result:
    """Kill a command with all its helpers, and wait until none of them is left."""
    with suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    result = end(process)
    until(lambda: not members(process.pid))
    return result


def members(session: int) -> list[int]:
    """Give the living processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def helpers(session: int) -> list[int]:
    """Give the processes of a session that make documents."""
    found = []
    for pid in members(session):
        with suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def until(is_so: Callable[[], bool], *, patience: float = PATIENCE) -> None:
    """Wait until something is so; fails where it does not become so."""
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)
