"""Imports of hostile bank files, many in one process of its own that may take only so much memory and time a file.

tried = fuzzed_imports.run(line, files)       a Tried for each file, in order
tried[0].code, tried[0].err, tried[0].kept    what `bank import` came to, and what it left in the database

The files go through the real command, each on the database as it was. What hangs is killed, and named by `run`.
"""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from billing import payment_checks
from billing.bank import FILES, STATEMENTS, TRANSACTIONS
from billing.vouchers import POSTINGS, VOUCHERS
from foundation.audit import ENTRIES
from tests.command_line import CommandLine

HOUSE = Path(__file__).resolve().parent.parent
MOST_MEMORY = 256 * 1024 * 1024  # bytes of data, as for a file of 40 MB
MOST_SPACE = 2_000_000_000  # bytes of addresses
PATIENCE = 30  # seconds a file; each takes a fraction of one

TABLES = (FILES, STATEMENTS, TRANSACTIONS, VOUCHERS, POSTINGS, ENTRIES)


@dataclass(frozen=True)
class Sent:
    """A file, how it was made, and for a CSV the text that says how it is read."""

    content: bytes
    made: str
    mapping: str | None = None


@dataclass(frozen=True)
class Tried:
    """What an import came to. `kept` counts the rows it left, `moved` and `told` sum them and what balances say."""

    code: int
    out: str
    err: str
    seconds: float
    kept: dict[str, int] = field(default_factory=dict)
    moved: int = 0
    told: int = 0
    broken: list[str] = field(default_factory=list)


def run(line: CommandLine, files: Sequence[Sent]) -> list[Tried]:
    """Import files one by one, each on the database as it is; fails where one hangs or ends the process."""
    folder = line.folder / "fuzz"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for nth, file in enumerate(files):
        (folder / f"{nth}.xml").write_bytes(file.content)
        if file.mapping is not None:
            (folder / f"{nth}.toml").write_text(file.mapping, encoding="utf-8")
    environ = {name: value for name, value in line.environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    words = [sys.executable, "-m", "tests.fuzzed_imports", line.url, str(line.folder), str(len(files))]
    done = subprocess.run(
        words, cwd=HOUSE, env=environ, capture_output=True, check=False, preexec_fn=_limit, timeout=PATIENCE * 20
    )
    found = [Tried(**json.loads(each)) for each in done.stdout.decode().splitlines()]
    assert len(found) == len(files), (done.returncode, done.stderr[-2_000:], files[len(found)])
    return found


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_SPACE, MOST_SPACE))


# --- inside the process


def _main() -> None:
    line = CommandLine(sys.argv[1], Path(sys.argv[2]))
    place = Path(line.url.removeprefix("sqlite:///"))
    pristine = line.folder / "fuzz" / "pristine"
    shutil.copyfile(place, pristine)
    before = _counted(line)
    for nth in range(int(sys.argv[3])):
        signal.alarm(PATIENCE)
        tried = _tried(line, nth, before)
        print(json.dumps(asdict(tried)), flush=True)
        if tried.kept:
            for name in (f"{place}-wal", f"{place}-shm"):
                Path(name).unlink(missing_ok=True)
            shutil.copyfile(pristine, place)


def _tried(line: CommandLine, nth: int, before: dict[str, int]) -> Tried:
    mapping = line.folder / "fuzz" / f"{nth}.toml"
    words = ["--mapping", mapping] if mapping.exists() else []
    began = time.monotonic()
    result = line.run("bank", "import", line.folder / "fuzz" / f"{nth}.xml", *words)
    took = time.monotonic() - began
    kept = {name: count - before[name] for name, count in _counted(line).items() if count != before[name]}
    with line.session() as session:
        checks = payment_checks.CHECKS.values()
        broken = [f"{each.check}: {each.subject}" for check in checks for each in check(session, Counter())]
        moved = session.scalar(select(func.sum(TRANSACTIONS.c.amount_ore))) or 0
        told = session.scalar(select(func.sum(STATEMENTS.c.closing_ore - STATEMENTS.c.opening_ore))) or 0
    return Tried(result.code, result.out, result.err, took, kept, int(moved), int(told), broken)


def _counted(line: CommandLine) -> dict[str, int]:
    with line.session() as session:
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES}


if __name__ == "__main__":
    _main()
