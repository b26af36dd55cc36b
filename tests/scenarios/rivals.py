"""A process of its own that works on a database beside others: what `test_concurrency.py` starts eight of.

Each process takes jobs as JSON, one on a line of its standard input, and answers each with one line. It ends by itself
when its input ends. A job's commands run exactly as the program would run them; some of the writing transactions are
rolled back on purpose just before their commit, by the job's seed, and the command is then given again.
"""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.adapters import work
from billing import invoices
from foundation.audit import Trail
from tests import shared_statements
from tests.command_line import CommandLine, Result

PROGRAM = Path(sys.executable).with_name("os2tilslut")
PATIENCE = 300  # seconds; no job takes a tenth of it
PAUSE = 0.05  # seconds between two rounds, so that the others get a processor

#: What must be true of every snapshot, however many are writing: each gives 0.
HALVES = {
    "invoices whose lines are not theirs": "SELECT count(*) FROM invoice i WHERE gross_ore <> "
    "(SELECT COALESCE(SUM(net_ore + vat_ore), 0) FROM invoice_line l WHERE l.invoice_id = i.id)",
    "invoices whose receivable is not theirs": "SELECT count(*) FROM invoice i WHERE gross_ore <> "
    "(SELECT COALESCE(SUM(p.amount_ore), 0) FROM ledger_entry e JOIN posting p ON p.entry_id = e.id "
    "WHERE e.invoice_id = i.id AND p.account = '6190')",
    "entries that do not balance": "SELECT count(*) FROM ledger_entry e WHERE 0 <> "
    "(SELECT COALESCE(SUM(p.amount_ore), 1) FROM posting p WHERE p.entry_id = e.id)",
    "deliveries missing": "SELECT (SELECT count(*) FROM invoice) - (SELECT count(*) FROM outbox_message)",
    "numbers missing": "SELECT (SELECT COALESCE(MAX(sequence), 0) FROM invoice) - (SELECT count(*) FROM invoice)",
    "numbers beside the counter": "SELECT (SELECT COALESCE(SUM(last_number), 0) FROM invoice_series) - "
    "(SELECT count(*) FROM invoice)",
}


class Forced(Exception):
    """A rollback on purpose."""


@dataclass
class Rival:
    """One process at one job: its command line, its chance, and what its commands came to."""

    line: CommandLine
    chance: random.Random
    share: float  # of writing transactions that are rolled back
    ends: list[tuple[str, int, str]] = field(default_factory=list)
    forced: int = 0

    def command(self, *words: object) -> Result:
        """Give a command, again as often as it was rolled back."""
        while True:
            try:
                result = self.line.run(*words)
            except Forced:
                self.forced += 1
                continue
            self.ends.append((" ".join(map(str, words[:2])), result.code, result.out + result.err))
            return result

    def program(self, *words: object) -> int:
        """Run the program itself, in a process of its own."""
        command = [str(PROGRAM), *map(str, words)]
        ended = subprocess.run(
            command, env=self.line.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        self.ends.append((" ".join(map(str, words[:2])), ended.returncode, ended.stdout + ended.stderr))
        return ended.returncode


# --- the jobs


def commands(rival: Rival, job: dict[str, Any]) -> None:
    """Give commands one after the other; one that is refused or cannot now is not given again."""
    for words in job["commands"]:
        rival.command(*words)


def issue_until_quiet(rival: Rival, job: dict[str, Any]) -> None:
    """Plan, approve and issue, over and over, until nobody changes anything and nothing is left to issue.

    The plan may change under our hands, and others may be further on in the calendar: both are refused, and the next
    round reads the plan again and takes a later day.
    """
    day = 10
    for _ in _until_quiet(job):
        plan = rival.line.json("billing", "plan", 2027)
        if not plan["invoices"]:
            continue
        rival.command("billing", "approve", 2027, "--digest", plan["digest"], "--by", f"Nr. {job['seed']}")
        dated = ("--on", f"2027-01-{day}")
        if job["as_program"]:
            code = rival.program("billing", "issue", 2027, *dated)
        else:
            code = rival.command("billing", "issue", 2027, *dated).code
        day = min(day + 1, 31) if code else max(day, rival.chance.randint(10, 20))


def look_until_quiet(rival: Rival, job: dict[str, Any]) -> None:
    """Look at one snapshot after the other, and let the program look: nothing half-done may ever be seen."""
    for _ in _until_quiet(job):
        with rival.line.session() as session:
            for what, counted in HALVES.items():
                number = session.execute(text(counted)).scalar_one()
                if number:
                    rival.ends.append(("look", 1, f"{number} {what}"))
        rival.command("verify")
        rival.command("billing", "plan", 2027)


def _until_quiet(job: dict[str, Any]) -> Iterator[None]:
    """Go on until the file is there, and once more after it."""
    end = time.monotonic() + PATIENCE
    quiet = False
    while not quiet and time.monotonic() < end:
        quiet = Path(job["quiet"]).exists()
        yield
        time.sleep(PAUSE)


JOBS = {"commands": commands, "issue": issue_until_quiet, "look": look_until_quiet}


def done(job: dict[str, Any]) -> dict[str, Any]:
    """Do a job and tell what its commands came to."""
    chance = random.Random(job["seed"])
    rival = Rival(CommandLine(job["url"], Path(job["folder"])), chance, job["share"])
    write = Trail.write

    def write_or_not(trail: Trail) -> None:
        write(trail)  # everything is written now, and only the commit is missing
        if chance.random() < rival.share:
            raise Forced

    Trail.write = write_or_not  # type: ignore[method-assign,assignment]
    try:
        JOBS[job["kind"]](rival, job)
    finally:
        Trail.write = write  # type: ignore[method-assign]
    return {"ends": rival.ends, "forced": rival.forced}


def main() -> None:
    """Answer every job until the input ends."""
    shared_statements.share()
    work.WORTH_SPREADING = 10**6  # eight processes are enough
    invoices.issue_batch = functools.partial(invoices.issue_batch, at_most=5)
    for line in sys.stdin:
        print(json.dumps(done(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
