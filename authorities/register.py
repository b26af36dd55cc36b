"""The register of authorities: who they are, and taking a file of them in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from authorities.models import Authority
from authorities.succession import Life
from foundation import identifiers, periods
from foundation.audit import Trail
from foundation.intake import Intake, Row, Rows, Taken
from foundation.language import Text

AUTHORITIES: Table = Authority.__table__  # type: ignore[assignment]

#: Types of authorities whose inhabitants Statistics Denmark counts; the others need a placement.
COUNTED_TYPES = frozenset({"kommune"})

_MOST_SUCCESSORS = 20

_FACTS = ("type", "code", "name", "short_name", "region", "valid_to", "address", "postcode", "city", "succeeded_by_cvr")

#: The last invoiced year of an authority and the number of that invoice, by CVR number.
LastInvoiced = Mapping[str, tuple[int, str]]


def ids_by_cvr(session: Session) -> dict[str, int]:
    """Give every authority's id by its CVR number, in one query."""
    return {row.cvr: row.id for row in session.execute(select(AUTHORITIES.c.cvr, AUTHORITIES.c.id))}


def lives(session: Session) -> dict[int, Life]:
    """Give how long every authority lives and who follows it, by id, in one query."""
    columns = AUTHORITIES.c
    rows = session.execute(select(columns.id, columns.cvr, columns.valid_to, columns.succeeded_by_cvr)).all()
    id_of = {row.cvr: row.id for row in rows}
    return {row.id: Life(row.id, row.valid_to, id_of.get(row.succeeded_by_cvr)) for row in rows}


def unknown_cvr(cvr: str) -> Text:
    """Say that no authority has a CVR number."""
    return Text(
        f"ingen myndighed har CVR-nummer {cvr}; indlæs den først",
        f"no authority has the CVR number {cvr}; import it first",
    )


def take_in(
    session: Session,
    file: Rows,
    trail: Trail,
    *,
    forced: Mapping[str, str],
    invoiced: LastInvoiced,
    succeeded: Mapping[str, str],
) -> Taken:
    """Take a file of authorities in, by CVR number.

    `forced` gives, for a CVR number that fails modulus 11, the reason why it is right all the same; `succeeded` gives,
    for an authority whose lines its successor pays, the number of an invoice that rests on it.
    Raises RowsRefused with every wrong row.
    """
    intake = Intake(session, AUTHORITIES, ("cvr",), file)
    known = set(ids_by_cvr(session)) | {row["cvr"] for row in file}
    successors = {known["cvr"]: known["succeeded_by_cvr"] for known in intake.existing.values()}
    successors |= {row["cvr"]: row["succeeded_by_cvr"] for row in file if "succeeded_by_cvr" in row.cells}
    owners = _owners_of_codes(intake, file)
    for row in file:
        reason = _check_cvr(intake, row, forced)
        _check_code(intake, row, owners)
        _check_succession(intake, row, known, successors)
        _check_invoiced(intake, row, invoiced)
        _check_succeeded(intake, row, succeeded)
        if not row.get("address") and not (intake.known({"cvr": row["cvr"]}) or {}).get("address"):
            intake.warn(row, _without_address(row))
        intake.offer(row, {"cvr": row["cvr"], **row.only(*_FACTS), **reason}, key_column="cvr")
    return intake.finish(trail, "authorities.imported")


def _check_cvr(intake: Intake, row: Row, forced: Mapping[str, str]) -> dict[str, str]:
    cvr: str = row["cvr"]
    fault = identifiers.cvr_fault(cvr)
    if fault is None:
        return {}
    if identifiers.is_cvr_shaped(cvr):
        if cvr in forced:
            return {"cvr_forced_reason": forced[cvr]}
        if (intake.known({"cvr": cvr}) or {}).get("cvr_forced_reason"):
            return {}
        fault += Text(
            f'; er det rigtigt, så gentag med --force-cvr {cvr} "grunden"',
            f'; if it is right, repeat with --force-cvr {cvr} "the reason"',
        )
    intake.fault(row, "cvr", fault)
    return {}


def _owners_of_codes(intake: Intake, file: Rows) -> dict[tuple[str, str], list[str]]:
    """Give which authorities that have not ended hold a code, by type and code."""
    held = {known["cvr"]: _code_held(known) for known in intake.existing.values()}
    held |= {row["cvr"]: _code_held(row.cells) for row in file}
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for cvr, code in held.items():
        if code is not None:
            owners[code].append(cvr)
    return owners


def _code_held(authority: Mapping[str, Any]) -> tuple[str, str] | None:
    holds = authority["code"] and authority["valid_to"] is None
    return (authority["type"], authority["code"]) if holds else None


def _check_code(intake: Intake, row: Row, owners: Mapping[tuple[str, str], Sequence[str]]) -> None:
    code = _code_held(row.cells)
    other = next((cvr for cvr in owners.get(code, ()) if cvr != row["cvr"]), None) if code else None
    if other is not None:
        intake.fault(row, "code", Text(f"koden hører til {other}", f"the code belongs to {other}"))


def _check_succession(intake: Intake, row: Row, known: set[str], successors: Mapping[str, str | None]) -> None:
    successor = row.get("succeeded_by_cvr")
    if successor is None:
        return
    if successor == row["cvr"]:
        intake.fault(row, "succeeded_by_cvr", Text("kan ikke efterfølge sig selv", "cannot succeed itself"))
    elif successor not in known:
        intake.fault(row, "succeeded_by_cvr", unknown_cvr(successor))
    elif _is_endless(successors, row["cvr"]):
        intake.fault(row, "succeeded_by_cvr", _endless())
    elif row.get("valid_to") is None:
        intake.fault(
            row,
            "valid_to",
            Text("mangler: den sidste dag før efterfølgeren", "missing: the last day before the successor"),
        )


def _is_endless(successors: Mapping[str, str | None], start: str) -> bool:
    """Tell whether successors go in a circle, or on for so long that every plan would walk far to find who pays."""
    at: str | None = start
    for _ in range(_MOST_SUCCESSORS + 1):
        if at is None:
            return False
        at = successors.get(at)
    return at is not None


def _endless() -> Text:
    return Text(
        f"efterfølgerne går i ring, eller der er over {_MOST_SUCCESSORS} efter hinanden",
        f"the successors go in a circle, or there are more than {_MOST_SUCCESSORS} one after the other",
    )


def _check_succeeded(intake: Intake, row: Row, succeeded: Mapping[str, str]) -> None:
    """Keep who pays in an ended authority's place, once lines rest on it."""
    known = intake.known({"cvr": row["cvr"]})
    if known is None or row["cvr"] not in succeeded:
        return
    for column in ("valid_to", "succeeded_by_cvr"):
        if column in row.cells and row[column] != known[column]:
            intake.fault(row, column, rests(succeeded[row["cvr"]]))


def _check_invoiced(intake: Intake, row: Row, invoiced: LastInvoiced) -> None:
    if row["cvr"] not in invoiced:
        return
    year, number = invoiced[row["cvr"]]
    known = intake.known({"cvr": row["cvr"]}) or {}
    valid_to = row.get("valid_to")
    if valid_to is not None and valid_to < periods.new_year(year) and valid_to != known.get("valid_to"):
        intake.fault(row, "valid_to", rests(number))
    for column in ("type", "code"):
        if column in row.cells and row[column] != known.get(column):
            intake.fault(row, column, rests(number))


def rests(number: str) -> Text:
    """Say that a fact may no longer change, since an issued line rests on it."""
    return Text(
        f"kan ikke ændres: faktura {number} hviler på det",
        f"cannot be changed: invoice {number} rests on it",
    )


def _without_address(row: Row) -> Text:
    return Text(
        f"{row['name']} har ingen adresse; fakturaen vil mangle den",
        f"{row['name']} has no address; its invoices will lack it",
    )
