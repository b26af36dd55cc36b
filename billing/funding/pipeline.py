"""The pipeline: which authority may join which product, from when, and how likely that is.

A case is a journey, or is written by hand of who has none. It stands at one of the five steps of the road, and is as
likely as its step, or as somebody judges it, with a reason. Nothing written is changed: what is seen anew is another
version, and the newest counts. A case by hand gives way to a journey to the same product, so that nobody counts twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, Table, false, func, select
from sqlalchemy.orm import Session

from agreements import products
from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from agreements.road import guide, journeys
from agreements.road.journeys import JOURNEYS, Journey
from authorities.register import AUTHORITIES
from billing.funding import chances, judgements
from billing.funding.chances import CHANCES, Basis, Chance
from billing.funding.forecast_models import PipelineCase
from billing.funding.judgements import Judgement
from foundation import append_only
from foundation.audit import Trail
from foundation.errors import FieldsRefused
from foundation.language import Text
from foundation.periods import BUSINESS_ZONE

CASES: Table = PipelineCase.__table__  # type: ignore[assignment]

SEEN_ACTION, CHANCE_ACTION = "pipeline.seen", "pipeline.chance_set"

STAGES: Mapping[str, Text] = {
    "mobilisation": Text("1. Mobilisering", "1. Mobilisation"),
    "test": Text("2. Test", "2. Test"),
    "contact": Text("3. Kontakt til OS2", "3. Contact with OS2"),
    "implementation": Text("4. Implementering", "4. Implementation"),
    "connection": Text("5. Tilslutning", "5. Connection"),
}
assert tuple(STAGES) == guide.STEPS

OPEN = ""
OUTCOMES: Mapping[str, Text] = {
    OPEN: Text("Åben", "Open"),
    "joined": Text("Tilsluttet", "Joined"),
    "given_up": Text("Kommer ikke", "Does not come"),
}
_MOST = 100
_FIRST, _LAST = date(2000, 1, 1), date(2100, 1, 1)


class CaseRefused(FieldsRefused):
    """A case, or a chance, that cannot be written; each field that is wrong says why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody sees of a case."""

    cvr: str
    product: str
    expected_from: date
    stage: str
    source: str
    percent: int | None = None
    reason: str = ""
    outcome: str = OPEN


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands; `percent` is its own or its stage's. Of a journey, `version` counts its judgements."""

    authority_id: int
    cvr: str
    name: str
    product: str
    version: int
    expected_from: date
    stage: str
    percent: int
    basis: Basis
    reason: str
    source: str
    outcome: str
    written_by: str
    written_at: datetime | None
    journey: Journey | None = None  # None: written by hand

    @property
    def is_judged(self) -> bool:
        """Tell whether its probability is its own."""
        return self.basis == "own"

    @property
    def since(self) -> date | None:
        """Give the day it came to its step; None where that is not known, since it was written by hand."""
        return None if self.journey is None else journeys.came_on(self.journey)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Who may join, by name and product, and the cases by hand that gave way to a journey."""

    cases: tuple[Case, ...]
    gave_way: tuple[Case, ...]
    chances: Mapping[str, Chance]


# --- questions


def read(session: Session, on: date, of: Collection[str] | None = None) -> Pipeline:
    """Give the journeys under way on a day and the cases by hand, of some products or of all, in some ten queries."""
    found = chances.read(session)
    walked = session.execute(_of_products(journeys.listing(), PRODUCTS.c.name, of)).all()
    written = [of_row(row, found) for row in session.execute(_of_products(standing(), CASES.c.product, of))]
    gave_way = {case for case in written if _gives_way(case, walked)}
    begun = [row for row in walked if row.ended_on is None and row.opened_on <= on]
    judged = judgements.newest(session, [row.id for row in begun])
    under_way = [_of_journey(each, judged.get(each.id), found, on) for each in journeys.read(session, begun)]
    cases = [*under_way, *(case for case in written if case not in gave_way)]
    return Pipeline(tuple(sorted(cases, key=_place)), tuple(sorted(gave_way, key=_place)), found)


def _of_products(statement: Select[Any], product: Any, of: Collection[str] | None) -> Select[Any]:
    return statement if of is None else statement.where(product.in_(sorted(of)) if of else false())


def _place(case: Case) -> tuple[str, str, str]:
    return case.name, case.cvr, case.product


def _gives_way(case: Case, walked: Collection[Any]) -> bool:
    """A journey knows more; one that has ended does, too, until the case is written anew."""
    assert case.written_at is not None
    written_on = case.written_at.astimezone(BUSINESS_ZONE).date()
    return any(
        (row.authority_id, row.product) == (case.authority_id, case.product)
        and (row.ended_on is None or row.ended_on >= written_on)
        for row in walked
    )


def _of_journey(journey: Journey, judged: Judgement | None, found: Mapping[str, Chance], on: date) -> Case:
    own = None if judged is None else judged.percent
    said = judgements.expected_from(journey, judged, on)
    chance = found[journey.step.key]
    return Case(
        journey.authority_id, journey.cvr, journey.authority, journey.product, 0 if judged is None else judged.version,
        said, journey.step.key, chance.percent if own is None else own, chance.basis if own is None else "own",
        "" if judged is None else judged.reason, "", OPEN, "" if judged is None else judged.written_by,
        None if judged is None else judged.written_at, journey,
    )  # fmt: skip


def standing() -> Select[Any]:
    """Select the newest version of every case by hand, with its authority's number and name."""
    newest = (
        select(CASES.c.authority_id, CASES.c.product, func.max(CASES.c.version).label("version"))
        .group_by(CASES.c.authority_id, CASES.c.product)
        .subquery("newest")
    )
    return (
        select(CASES, AUTHORITIES.c.cvr, AUTHORITIES.c.name)
        .join(newest, (newest.c.authority_id == CASES.c.authority_id) & (newest.c.product == CASES.c.product)
              & (newest.c.version == CASES.c.version))
        .join(AUTHORITIES, AUTHORITIES.c.id == CASES.c.authority_id)
    )  # fmt: skip


def versions(session: Session, cvr: str, product: str) -> list[Case]:
    """Give how a case by hand was seen, the newest first, in three queries."""
    rows = session.execute(
        select(CASES, AUTHORITIES.c.cvr, AUTHORITIES.c.name)
        .join(AUTHORITIES, AUTHORITIES.c.id == CASES.c.authority_id)
        .where(AUTHORITIES.c.cvr == cvr, CASES.c.product == product)
        .order_by(CASES.c.version.desc())
    )
    found = chances.read(session)
    return [of_row(row, found) for row in rows]


def journey_before(session: Session, case: Case) -> int | None:
    """Give the journey to which a case by hand gives way; None where it counts itself."""
    rows = session.execute(
        journeys.listing()
        .where(JOURNEYS.c.authority_id == case.authority_id, PRODUCTS.c.name == case.product)
        .order_by(JOURNEYS.c.id.desc())
    ).all()
    return int(rows[0].id) if _gives_way(case, rows) else None


def newest_journey(session: Session, cvr: str, product: str) -> int | None:
    """Give the newest journey of an authority to a product, under way or ended; None where there is none."""
    found = journeys.listing().where(AUTHORITIES.c.cvr == cvr, PRODUCTS.c.name == product)
    return session.execute(
        found.with_only_columns(JOURNEYS.c.id).order_by(JOURNEYS.c.id.desc()).limit(1)
    ).scalar()  # fmt: skip


def expected(session: Session, year: int, on: date, product: str | None = None) -> list[Case]:
    """Give the open cases that are expected to have joined by the end of a year, by name.

    Who has an agreement that is countersigned and not ended before the year is no longer expected: it came.
    """
    came = came_by(session, year)
    return [
        case
        for case in read(session, on, None if product is None else [product]).cases
        if case.outcome == OPEN and case.expected_from.year <= year and (case.authority_id, case.product) not in came
    ]


def came_by(session: Session, year: int) -> set[tuple[int, str]]:
    """Give who has a countersigned agreement that is in force in a year or later: authority and product."""
    rows = session.execute(
        select(AGREEMENTS.c.authority_id, PRODUCTS.c.name)
        .join(PRODUCTS, PRODUCTS.c.id == AGREEMENTS.c.product_id)
        .where(
            AGREEMENTS.c.countersigned_on.is_not(None),
            AGREEMENTS.c.terminated_to.is_(None) | (AGREEMENTS.c.terminated_to >= date(year, 1, 1)),
        )
    )
    return {(row.authority_id, row.name) for row in rows}


def of_row(row: Any, found: Mapping[str, Chance]) -> Case:
    """Read a row of `standing`, with how likely each stage is."""
    chance = found[row.stage]
    return Case(
        row.authority_id, row.cvr, row.name, row.product, row.version, row.expected_from, row.stage,
        chance.percent if row.percent is None else row.percent, chance.basis if row.percent is None else "own",
        row.reason, row.source, row.outcome, row.written_by, row.written_at,
    )  # fmt: skip


# --- acts; each needs the writer's lock, and the caller commits


def see(session: Session, seen: Seen, trail: Trail) -> int:
    """Write a case as it is seen now, and give its version; the same as before writes nothing. Raises CaseRefused."""
    authority = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == seen.cvr)).scalar()
    wrong = _faults(session, seen, authority)
    if wrong:
        raise CaseRefused(wrong)
    said = {
        "expected_from": seen.expected_from, "stage": seen.stage, "percent": seen.percent,
        "reason": seen.reason, "source": seen.source, "outcome": seen.outcome,
    }  # fmt: skip
    before = session.execute(
        select(CASES)
        .where(CASES.c.authority_id == authority, CASES.c.product == seen.product)
        .order_by(CASES.c.version.desc())
        .limit(1)
    ).first()
    if before is not None and all(getattr(before, name) == value for name, value in said.items()):
        return int(before.version)
    version = 1 if before is None else before.version + 1
    row = {
        "id": append_only.next_id(session, CASES), "authority_id": authority, "product": seen.product,
        "version": version, **said, "written_by": trail.actor, "written_at": trail.at,
    }  # fmt: skip
    append_only.add(session, CASES, [row])
    told = {"version": version, "stage": seen.stage, "percent": seen.percent}
    trail.record(SEEN_ACTION, f"{seen.cvr} {seen.product}", told, rows=[(CASES, row)])
    return version


def _faults(session: Session, seen: Seen, authority: int | None) -> dict[str, Text]:
    wrong: dict[str, Text] = {}
    if authority is None:
        wrong["cvr"] = Text("CVR-nummeret er ikke i registret", "the CVR number is not in the register")
    if seen.product not in products.ids_by_name(session):
        wrong["product"] = Text("produktet er ikke i registret", "the product is not in the register")
    if not _FIRST <= seen.expected_from < _LAST:
        wrong["expected"] = Text("skal være en dag i dette århundrede", "must be a day of this century")
    if seen.stage not in STAGES:
        wrong["stage"] = Text("er ikke et af de fem trin", "is none of the five steps")
    if seen.outcome not in OUTCOMES:
        wrong["outcome"] = Text("er ikke et udfald", "is no outcome")
    if not seen.source:
        wrong["source"] = Text("skriv, hvor det vides fra", "write how it is known")
    if seen.percent is not None:
        wrong |= _percent_faults(seen.percent)
        if not seen.reason:
            wrong["reason"] = Text("skriv, hvorfor sagen vurderes for sig", "write why the case is judged on its own")
    return wrong


def _percent_faults(percent: int) -> dict[str, Text]:
    if 0 <= percent <= _MOST:
        return {}
    return {"percent": Text("skal være fra 0 til 100", "must be from 0 to 100")}


def set_chance(session: Session, stage: str, percent: int, reason: str, trail: Trail) -> None:
    """Set how likely cases of a stage are from now on. Raises CaseRefused."""
    wrong = _percent_faults(percent)
    if stage not in STAGES:
        wrong["stage"] = Text("er ikke et af de fem trin", "is none of the five steps")
    if not reason:
        wrong["reason"] = Text("skriv hvorfor", "write why")
    if wrong:
        raise CaseRefused(wrong)
    row = {
        "id": append_only.next_id(session, CHANCES), "stage": stage, "percent": percent, "reason": reason,
        "set_by": trail.actor, "set_at": trail.at,
    }  # fmt: skip
    append_only.add(session, CHANCES, [row])
    trail.record(CHANCE_ACTION, stage, {"percent": percent}, rows=[(CHANCES, row)])
