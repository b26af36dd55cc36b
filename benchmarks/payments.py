"""How quickly bank statements come in: transactions a second and memory, in a process of its own.

usage: python -m benchmarks.payments URL FOLDER      on an empty database that is not there yet; prints JSON
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

from app import bank_demonstration
from app.adapters import bank_files
from app.bank_demonstration import Moved
from billing import bank
from foundation.audit import Trail
from tests.command_line import CommandLine

TRANSACTIONS = 20_000
_DAYS = 28
_MOMENT = datetime(2027, 2, 1, tzinfo=UTC)


def measure(url: str, folder: str) -> dict[str, float]:
    """Measure on a database, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.payments", url, folder]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        raise SystemExit(f"payments: {said.stderr}")
    found: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return found


def _content() -> bytes:
    moved = [
        Moved(date(2027, 1, 1 + nth % _DAYS), 100_000 + nth, f"R{nth}", message=(f"Faktura 2027-{nth:05d}",),
              payer=f"Kommune {nth % 98}")
        for nth in range(TRANSACTIONS)
    ]  # fmt: skip
    return bank_demonstration.statement("benchmark", 0, moved, date(2027, 1, 1), date(2027, 1, 31))


def _taken(line: CommandLine, content: bytes) -> float:
    begun = time.perf_counter()
    with line.session() as session:
        trail = Trail(session, "benchmark", _MOMENT)
        bank.take_in(session, [bank_files.taken("benchmark.xml", content)], trail)
        trail.write()
    return TRANSACTIONS / (time.perf_counter() - begun)


def main() -> None:
    """Take a month in, then the same month made anew, of which all is known."""
    line = CommandLine(sys.argv[1], Path(sys.argv[2]))
    line.done("db", "upgrade")
    content = _content()
    before = _megabytes()
    found = {
        "imported_each_second": _taken(line, content),
        "known_each_second": _taken(line, content.replace(b"<AcctSvcrRef>", b"<AcctSvcrRef>X")),
        "file_megabytes": len(content) / 1e6,
        "megabytes_before": before,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found))


def _megabytes() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


if __name__ == "__main__":
    main()
