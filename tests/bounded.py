"""A command in a process of its own that may take only so much memory and time, and what it really took.

result = bounded.run(line, "members", "import", file)
result.code, result.err, result.peak          the peak of resident memory, in MB

The limits given here are generous: they are there so that a fault shows as a failed test, not as a machine that stands
still. How much is right for a command is asserted by the test, on `peak`.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.command_line import CommandLine

HOUSE = Path(__file__).resolve().parent.parent
MOST_MEMORY = 2_000_000_000  # bytes of address space
PATIENCE = 120  # seconds

# Resident memory is read inside: what the system tells the parent counts the parent's own pages, too.
_MEASURED = """
import importlib, pathlib, re, sys
main = importlib.import_module(sys.argv.pop(1)).main
place = pathlib.Path(sys.argv.pop(1))
try:
    main()
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    place.write_text(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
"""


@dataclass(frozen=True)
class Taken:
    """What a command came to, and the most memory it held, in MB."""

    code: int
    out: str
    err: str
    peak: int


def run(line: CommandLine, *arguments: object, module: str = "app.cli") -> Taken:
    """Run a command, or another module's `main`, within limits; fails where it does not end in time."""
    environ = {name: value for name, value in line.environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.NamedTemporaryFile() as peak:
        words = [sys.executable, "-c", _MEASURED, module, peak.name, *map(str, arguments)]
        done = subprocess.run(
            words, cwd=HOUSE, env=environ, capture_output=True, timeout=PATIENCE, check=False, preexec_fn=_limit
        )  # fmt: skip
        kilobytes = int(Path(peak.name).read_text(encoding="ascii") or 0)
    return Taken(done.returncode, done.stdout.decode(), done.stderr.decode(), kilobytes // 1024)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
