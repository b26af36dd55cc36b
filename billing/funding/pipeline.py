"""The pipeline: which authority may join which product, from when, and how likely that is.

A case stands at one of the five steps of the road to a connection. It is as likely as its step, or as somebody judges
it, with a reason. Nothing is changed: what is seen anew is another version, and the newest counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select
from sqlalchemy.orm import Session

from agreements import products
from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from agreements.road import guide
from authorities.register import AUTHORITIES
from billing.funding.forecast_models import PipelineCase, StageChance
from foundation import append_only
from foundation.audit import Trail
from foundation.errors import FieldsRefused
from foundation.language import Text

CASES: Table = PipelineCase.__table__  # type: ignore[assignment]
CHANCES: Table = StageChance.__table__  # type: ignore[assignment]

SEEN_ACTION, CHANCE_ACTION = "pipeline.seen", "pipeline.chance_set"

STAGES: Mapping[str, Text] = {
    "mobilisation": Text("1. Mobilisering", "1. Mobilisation"),
    "test": Text("2. Test", "2. Test"),
    "contact": Text("3. Kontakt til OS2", "3. Contact with OS2"),
    "implementation": Text("4. Implementering", "4. Implementation"),
    "connection": Text("5. Tilslutning", "5. Connection"),
}
assert tuple(STAGES) == guide.STEPS

#: ASSUMPTION: how likely a case is by its step until the secretariat sets it from its own experience, in per cent.
USUAL: Mapping[str, int] = {"mobilisation": 10, "test": 25, "contact": 50, "implementation": 75, "connection": 90}

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
    """A case as it stands; `percent` is its own or its stage's."""

    authority_id: int
    cvr: str
    name: str
    product: str
    version: int
    expected_from: date
    stage: str
    percent: int
    is_judged: bool
    reason: str
    source: str
    outcome: str
    written_by: str
    written_at: datetime


# --- questions


def chances(session: Session) -> dict[str, int]:
    """Give how likely each stage is, in per cent, in one query."""
    rows = session.execute(select(CHANCES.c.stage, CHANCES.c.percent).order_by(CHANCES.c.id))
    return {**USUAL, **{row.stage: row.percent for row in rows}}


def standing() -> Select[Any]:
    """Select the newest version of every case, with its authority's number and name."""
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
    """Give how a case was seen, the newest first, in two queries."""
    rows = session.execute(
        select(CASES, AUTHORITIES.c.cvr, AUTHORITIES.c.name)
        .join(AUTHORITIES, AUTHORITIES.c.id == CASES.c.authority_id)
        .where(AUTHORITIES.c.cvr == cvr, CASES.c.product == product)
        .order_by(CASES.c.version.desc())
    )
    found = chances(session)
    return [of_row(row, found) for row in rows]


def expected(session: Session, year: int, product: str | None = None) -> list[Case]:
    """Give the open cases that are expected to have joined by the end of a year, by name, in two queries.

    Who has an agreement that is countersigned and not ended before the year is no longer expected: it came.
    """
    first, last = date(year, 1, 1), date(year, 12, 31)
    came = (
        select(AGREEMENTS.c.id)
        .join(PRODUCTS, PRODUCTS.c.id == AGREEMENTS.c.product_id)
        .where(
            AGREEMENTS.c.authority_id == CASES.c.authority_id,
            PRODUCTS.c.name == CASES.c.product,
            AGREEMENTS.c.countersigned_on.is_not(None),
            AGREEMENTS.c.terminated_to.is_(None) | (AGREEMENTS.c.terminated_to >= first),
        )
        .exists()
    )
    wanted: list[ColumnElement[bool]] = [CASES.c.outcome == OPEN, CASES.c.expected_from <= last, ~came]
    if product is not None:
        wanted.append(CASES.c.product == product)
    rows = session.execute(standing().where(*wanted).order_by(AUTHORITIES.c.name, CASES.c.product)).all()
    found = chances(session)
    return [of_row(row, found) for row in rows]


def of_row(row: Any, found: Mapping[str, int]) -> Case:
    """Read a row of `standing`, with how likely each stage is."""
    return Case(
        row.authority_id, row.cvr, row.name, row.product, row.version, row.expected_from, row.stage,
        found[row.stage] if row.percent is None else row.percent, row.percent is not None, row.reason, row.source,
        row.outcome, row.written_by, row.written_at,
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
