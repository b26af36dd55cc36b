"""Inhabitants by year, and placements by judgement for authorities that have none to count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from authorities import register
from authorities.models import Authority, Placement, Population
from foundation.audit import Trail
from foundation.intake import Intake, Row, Rows, Taken
from foundation.language import Text

POPULATION: Table = Population.__table__  # type: ignore[assignment]
PLACEMENTS: Table = Placement.__table__  # type: ignore[assignment]

#: Which invoice rests on the inhabitants of (CVR number, day).
Counted = Mapping[tuple[str, date], str]
#: Which invoice rests on the placement of (CVR number, its first day).
Placed = Mapping[tuple[str, date], str]


def inhabitants(session: Session, year: int) -> list[int]:
    """Give the inhabitants of every municipality on 1 January of a year, in one query."""
    return list(session.execute(select(POPULATION.c.inhabitants).where(POPULATION.c.year == year)).scalars())


def known(session: Session) -> set[tuple[str, int]]:
    """Give which inhabitants are known, as (municipality code, year), in one query."""
    rows = session.execute(
        select(Authority.code, POPULATION.c.year).join(POPULATION, POPULATION.c.authority_id == Authority.id)
    )
    return {(row.code, row.year) for row in rows}


def take_in_population(session: Session, file: Rows, trail: Trail, *, counted: Counted) -> Taken:
    """Take a file of inhabitants in, by municipality code and year. Raises RowsRefused with every wrong row."""
    intake = Intake(session, POPULATION, ("authority_id", "year"), file)
    municipalities = {
        row.code: row
        for row in session.execute(select(Authority.id, Authority.code, Authority.cvr).where(
            Authority.type.in_(register.COUNTED_TYPES)
        ))
    }  # fmt: skip
    for row in file:
        municipality = municipalities.get(row["kommunekode"])
        if municipality is None:
            intake.fault(row, "kommunekode", _unknown_code(row["kommunekode"]))
            continue
        key = {"authority_id": municipality.id, "year": row["year"]}
        values = key | {"inhabitants": row["population"], "source": row.get("source") or file.source}
        number = counted.get((municipality.cvr, date(row["year"], 1, 1)))
        _refuse_change(intake, row, values, "inhabitants", "population", number)
        intake.offer(row, values, key_column="kommunekode")
    return intake.finish(trail, "population.imported")


def _unknown_code(code: str) -> Text:
    return Text(
        f"ingen kommune har koden {code}; indlæs myndighederne først",
        f"no municipality has the code {code}; import the authorities first",
    )


def take_in_placements(session: Session, file: Rows, trail: Trail, *, bands: Collection[str], placed: Placed) -> Taken:
    """Take a file of placements in, by CVR number and first day; `bands` are the bands there are.

    Raises RowsRefused with every wrong row.
    """
    intake = Intake(session, PLACEMENTS, ("authority_id", "valid_from"), file)
    ids = register.ids_by_cvr(session)
    for row in file:
        if row["cvr"] not in ids:
            intake.fault(row, "cvr", register.unknown_cvr(row["cvr"]))
            continue
        if row["band"] not in bands:
            intake.fault(row, "band", _unknown_band(row["band"], bands))
        values = {"authority_id": ids[row["cvr"]], **row.only("band", "valid_from", "decided_by", "reason")}
        _refuse_change(intake, row, values, "band", "band", placed.get((row["cvr"], row["valid_from"])))
        intake.offer(row, values, key_column="cvr")
    return intake.finish(trail, "placements.imported")


def _unknown_band(band: str, bands: Collection[str]) -> Text:
    listed = ", ".join(bands)
    return Text(f"ukendt bånd {band!r}; båndene er {listed}", f"unknown band {band!r}; the bands are {listed}")


def _refuse_change(
    intake: Intake, row: Row, values: dict[str, object], fact: str, column: str, number: str | None
) -> None:
    known = intake.known(values)
    if number is not None and known is not None and known[fact] != values[fact]:
        intake.fault(row, column, register.rests(number))
