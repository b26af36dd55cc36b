"""How quickly agreements are sealed, and how long a countersigned one waits for its seal.

The agreements are made as pages make them, on the real registers, with made-up keys and the local time stamps; so what
a service of time stamps takes to answer over the net is not in the figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from agreements.offered import Offer
from agreements.products import PRODUCTS
from app import clock, create_app, database, seals
from app.adapters import sealing
from app.annual_work import InNameOf
from app.config import Config, read
from authorities.register import AUTHORITIES
from foundation.audit import canonical
from tests.agreements.signed import DIRECTOR, Way
from tests.command_line import CommandLine

MANY = 1_000  # agreements in one act
SINGLE = 60  # agreements countersigned and sealed one at a time
SAMPLE = 60  # seals of each level


@dataclass(frozen=True, slots=True)
class Told:
    """What one database's sealing came to."""

    each_second: dict[str, float]  # seals a second and core, by level
    kilobytes: dict[str, float]
    waits: list[float]  # seconds from the association's signature to the kept file, sorted
    together: float  # seconds to countersign many in one act
    sealing: float  # seconds until all of them are sealed and kept


def measure(url: str, folder: str, many: int = MANY) -> Told:
    """Make agreements on an empty database, and countersign and seal them."""
    line = CommandLine(url, Path(folder), clock="2026-11-24T10:00:00Z")
    for words in (("db", "upgrade"), ("starter", "load"), ("signing", "rotate", "--made-up")):
        line.done(*words)
    config = read(line.environment)
    app = create_app(config)
    with app.app_context():
        work = InNameOf(config, "benchmark")
        offers = list(_signed(line, SINGLE + many))
        each_second, kilobytes = _alone(config, offers[0])
        waits = sorted(_timed(partial(_one, line, work, one)) for one in offers[:SINGLE])
        together = _timed(lambda: Way(line).countersign(*offers[SINGLE:]))
        told = Told(each_second, kilobytes, waits, together, _timed(lambda: seals.seal_waiting(work)))
        database.db.engine.dispose()
    return told


def _signed(line: CommandLine, count: int) -> Iterator[Offer]:
    """Make so many offers that only the association has not signed."""
    Way(line).chair_may_countersign()
    with line.session() as session:
        standing = AUTHORITIES.c.type == "kommune", AUTHORITIES.c.valid_to.is_(None)
        cvrs = list(session.scalars(select(AUTHORITIES.c.cvr).where(*standing).order_by(AUTHORITIES.c.id)))
        products = list(session.scalars(select(PRODUCTS.c.name).order_by(PRODUCTS.c.id)))
    made = 0
    for cvr in cvrs:
        way = Way(line, cvr=cvr)
        way.may_sign(DIRECTOR)
        for product in products:
            if made == count:
                return
            made += 1
            yield replace(way, product=product).signed(DIRECTOR)


def _alone(config: Config, offer: Offer) -> tuple[dict[str, float], dict[str, float]]:
    """Seal one agreement again and again, without a database."""
    key, pdf = seals.key(config), seals.of_agreements().render(offer)
    evidence = sealing.Evidence("bevis.json", canonical({"text": offer.text}).encode())
    each_second, kilobytes = {}, {}
    for level, stamping in ((sealing.B_B, None), (sealing.B_LTA, sealing.timestamps(config.signing))):
        act = partial(sealing.seal, pdf, evidence, key, stamping, clock.now(config))
        kilobytes[level] = len(act().content) / 1000
        each_second[level] = SAMPLE / sum(_timed(act) for _ in range(SAMPLE))
    return each_second, kilobytes


def _one(line: CommandLine, work: InNameOf, offer: Offer) -> None:
    Way(line).countersign(offer)
    done = seals.seal_waiting(work)
    if done.sealed != [offer.id]:
        raise SystemExit(f"not sealed: {done.failed}")


def _timed(act: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun
