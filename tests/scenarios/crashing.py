"""Killing the annual run, and what must hold afterwards: nothing half done, and in the end the undisturbed result."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.command_line import CommandLine, Result
from tests.conftest import FULL
from tests.scenarios import database, files, programs, tracing

Way = Literal["moment", "call"]

#: What is committed at a time: small, so that a run has many commits and a kill lands between and within them.
BATCH = 10 if FULL else 5
INVOICES = 98 if FULL else 20

#: The system calls a run is killed at: those that bring something to the database, and those that write files.
CALLS: Mapping[str, tuple[str, ...]] = {
    "sqlite": ("pwrite64", "fdatasync"),
    "postgresql": ("sendto", "recvfrom"),
}
WRITING_FILES = ("write", "rename")


def approved_year(line: CommandLine) -> None:
    """Approve a year in which municipalities have one invoice of three lines each."""
    known = files.starter()[:INVOICES]
    files.take_members(line, *(files.member(each.cvr, gln="") for each in known))
    products = ("OS2kitos", "OS2valghalla")
    files.take_agreements(line, *(files.agreement(each.cvr, product) for each in known for product in products))
    line.approve(2027)


@dataclass(frozen=True)
class Command:
    """One of the commands that are killed; `calls` are the system calls at which."""

    words: tuple[object, ...]
    calls: tuple[str, ...]


def commands(line: CommandLine, kind: str) -> tuple[Command, Command]:
    """Give the two commands of a run: issuing, which also makes documents, and writing them as files."""
    return (
        Command(("billing", "issue", 2027), CALLS[kind]),
        Command(("billing", "export", 2027, line.folder / "out"), (*CALLS[kind], *WRITING_FILES)),
    )


@dataclass(frozen=True)
class Outcome:
    """All that a run leaves behind. The clock stands still, so two runs may differ in nothing."""

    rows: database.Dump
    files: Mapping[str, bytes]


def outcome(line: CommandLine) -> Outcome:
    """Read what a run left behind."""
    return Outcome(database.dump(line), exported(line))


def exported(line: CommandLine) -> dict[str, bytes]:
    """Give the exported files, whatever their names."""
    return {file.name: file.read_bytes() for file in (line.folder / "out").iterdir()}


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbed: what it left, how long each command took, how often it made each call."""

    outcome: Outcome
    seconds: tuple[float, ...]
    calls: tuple[Counter[str], ...]


def undisturbed(line: CommandLine, kind: str, way: Way) -> Undisturbed:
    """Run all commands to their end, and measure them."""
    seconds, calls = [], []
    for nth, command in enumerate(commands(line, kind)):
        trace = line.folder / f"trace{nth}"
        began = time.monotonic()
        result = programs.run(
            line, *command.words, under=tracing.strace(trace, *command.calls) if way == "call" else ()
        )
        seconds.append(time.monotonic() - began)
        assert result.code == 0, result
        made = tracing.calls_of_first_process(trace) if way == "call" else []
        calls.append(Counter(name for name, _ in made))
    return Undisturbed(outcome(line), tuple(seconds), tuple(calls))


def kill_once(
    line: CommandLine, kind: str, way: Way, nth_command: int, known: Undisturbed, chance: random.Random
) -> bool:
    """Run a command and kill it with all its helpers on the way; tell whether it was killed before its end."""
    command = commands(line, kind)[nth_command]
    if way == "moment":
        process = programs.start(line, *command.words)
        time.sleep(chance.uniform(0.1, 1) * known.seconds[nth_command])
        result = programs.kill(process)
        was_killed = result.code == -signal.SIGKILL
    else:
        call = chance.choice(command.calls)
        # Squared, for the calls of issuing come before the many of making documents.
        nth = 1 + int(known.calls[nth_command][call] * chance.random() ** 2)
        trace = line.folder / "trace"
        trace.unlink(missing_ok=True)
        process = programs.start(
            line, *command.words, under=tracing.strace(trace, call, inject=f"signal=KILL:when={nth}")
        )
        programs.until(lambda: process.poll() is not None or tracing.was_killed(trace))
        result = programs.kill(process)
        was_killed = tracing.was_killed(trace)
    nothing_is_half_done(line, result)
    return was_killed


def nothing_is_half_done(line: CommandLine, told: Result) -> None:
    """Hold the database against what must be true after any kill."""
    numbers = database.column(line, "SELECT number FROM invoice ORDER BY sequence")
    assert numbers == [f"2027-{nth:04d}" for nth in range(1, len(numbers) + 1)]
    assert len(numbers) % BATCH == 0 or len(numbers) == INVOICES
    assert database.column(line, "SELECT last_number FROM invoice_series") == ([len(numbers)] if numbers else [])
    for part, least in (("invoice_line", 3), ("ledger_entry", 1), ("outbox_message", 1)):
        assert database.count(line, part) == least * len(numbers), part
    assert [name for name, content in _whole_files(line) if not content.endswith((b"%EOF\n", b">", b">\n"))] == []
    if "fakturaer udstedt" in told.out:  # success is told after the last commit
        assert len(numbers) == INVOICES
    line.done("verify")


def _whole_files(line: CommandLine) -> list[tuple[str, bytes]]:
    folder: Path = line.folder / "out"
    return [(name, content) for name, content in exported(line).items() if name[0] != "."] if folder.exists() else []
