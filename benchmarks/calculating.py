"""How many prices the public calculator works out a second: its page by HTTP, and the calculation alone in process.

On the real authorities, inhabitants and fee tables that ship with the service; nobody is signed in.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import select

from authorities.register import AUTHORITIES
from benchmarks import pages, registers
from benchmarks.client import Measured
from billing import calculator
from billing.calculator import Wish
from tests.command_line import CommandLine

#: What is wished for: one product, and all that have a public table, together.
WISHES: Mapping[str, Sequence[Wish]] = {
    "one product": (Wish("OS2valghalla", "active"),),
    "three products": tuple(Wish(name, "active") for name in ("OS2valghalla", "OS2kitos", "OS2mo")),
}
_COUNT = 300
_WARMING = 20
_ON = registers.MOMENT.date()


@dataclass(frozen=True, slots=True)
class Told:
    """What one database's calculations came to, by what was wished for."""

    page: Mapping[str, Measured]
    alone: Mapping[str, float]  # calculations a second, in one process and thread


def measure(url: str, folder: str) -> Told:
    """Load the starter into an empty database, and calculate."""
    line = CommandLine(url, Path(folder), clock=registers.MOMENT.isoformat())
    line.done("db", "upgrade")
    line.done("starter", "load")
    with line.session() as session:
        cvrs = list(session.scalars(select(AUTHORITIES.c.cvr).where(AUTHORITIES.c.valid_to.is_(None))))
    alone = {name: _alone(line, cvrs, wishes) for name, wishes in WISHES.items()}
    with pages.served("wsgi:app", pages.environment(url, folder), folder) as (port, _):
        page = {name: pages.asked(port, _address(cvrs[0], wishes), {}) for name, wishes in WISHES.items()}
    return Told(page, alone)


def _address(cvr: str, wishes: Sequence[Wish]) -> str:
    asked = [("authority", cvr), *((wish.kind, wish.product) for wish in wishes), ("on", f"{_ON}")]
    return f"/calculator?{urlencode(asked)}"


def _alone(line: CommandLine, cvrs: Sequence[str], wishes: Sequence[Wish]) -> float:
    """Calculate for one authority after the other, in one snapshot."""
    with line.session() as session:
        for cvr in cvrs[:_WARMING]:
            calculator.calculate(session, cvr, wishes, _ON)
        begun = time.perf_counter()
        for cvr in islice(cycle(cvrs), _COUNT):
            calculator.calculate(session, cvr, wishes, _ON)
        return _COUNT / (time.perf_counter() - begun)
