"""Looking at the program's system calls with strace, and failing or killing it at a chosen one."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest


@cache
def refusal() -> str:
    """Tell why calls cannot be traced on this machine; empty where they can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt-get install strace), so nothing fails at a chosen system call"
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()}"


def skip_where_refused() -> None:
    """Leave a test out where calls cannot be traced, and say why."""
    if refusal():
        pytest.skip(refusal())


def strace(trace: Path, *calls: str, inject: str = "") -> list[str]:
    """Give the words that start a program under strace, writing these calls to a file.

    `inject` says what happens to them, as in `signal=KILL:when=7`; each process and thread counts its own calls.
    """
    listed = ",".join(calls)
    # Filtered in the kernel it is quicker, but then no signal is injected.
    more = ["-e", f"inject={listed}:{inject}"] if inject else ["--seccomp-bpf"]
    return ["strace", "-f", "-q", "-y", "-o", str(trace), "-e", f"trace={listed}", *more, "--"]


def calls_of_first_process(trace: Path) -> list[tuple[str, str]]:
    """Give the calls of the program itself (not of its helpers), each as (name, the rest of the line)."""
    found = re.findall(r"^(\d+) +(\w+)\((.*)$", trace.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return [(name, rest) for process, name, rest in found if process == found[0][0]]


def was_killed(trace: Path) -> bool:
    """Tell whether a process was killed so far."""
    return trace.exists() and "+++ killed by SIGKILL" in trace.read_text(encoding="utf-8", errors="replace")
