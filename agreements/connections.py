"""Connection agreements as recorded facts: taking a file of them in, and what of them may still change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Session

from agreements import products
from agreements.lifecycle import Kind
from agreements.models import Agreement
from authorities import register
from foundation import identifiers, periods
from foundation.audit import Trail
from foundation.intake import Intake, Row, Rows, Taken
from foundation.language import Text

AGREEMENTS: Table = Agreement.__table__  # type: ignore[assignment]

#: What names an agreement: CVR number of the authority that signed, product, day of signing.
Key = tuple[str, str, date]

_FACTS = (
    "kind", "signed_on", "countersigned_on", "in_force_from", "terminated_to", "notice_given_on", "endpoint", "gln",
    "person_reference", "order_reference", "accounting_cost", "rebate_reason", "joining_fee_exempt_reason",
    "joining_fee_invoiced_on", "active_from", "format", "contact_mail",
)  # fmt: skip
_YEARLY_FACTS = ("countersigned_on", "in_force_from")
_JOINING_FACTS = ("rebate_ore", "joining_fee_exempt_reason", "joining_fee_invoiced_on")


@dataclass(frozen=True, slots=True)
class Invoiced:
    """An issued line that rests on an agreement: the year of an annual fee, or the joining fee (no year)."""

    number: str
    year: int | None


def take_in(
    session: Session, file: Rows, trail: Trail, *, invoiced: Mapping[Key, Sequence[Invoiced]], on: date
) -> Taken:
    """Take a file of agreements in, by CVR number, product and day of signing.

    `invoiced` tells which issued lines rest on an agreement, `on` is today: a passive agreement that has been
    invoiced and is now active became so today. Raises RowsRefused with every wrong row.
    """
    intake = Intake(session, AGREEMENTS, ("authority_id", "product_id", "signed_on"), file)
    authority_ids, product_ids = register.ids_by_cvr(session), products.ids_by_name(session)
    for row in file:
        authority, product = authority_ids.get(row["cvr"]), product_ids.get(row["product"])
        if authority is None:
            intake.fault(row, "cvr", register.unknown_cvr(row["cvr"]))
        if product is None:
            intake.fault(row, "product", _unknown_product(row["product"]))
        _check(intake, row)
        if authority is None or product is None:
            continue
        values = {"authority_id": authority, "product_id": product, **_values(row)}
        resting = invoiced.get((row["cvr"], row["product"], row["signed_on"]), ())
        _keep_what_is_invoiced(intake, row, values, resting, on)
        _keep_what_is_signed(intake, row, values)
        intake.offer(row, values, key_column="cvr")
    return intake.finish(trail, "agreements.imported")


def _values(row: Row) -> dict[str, Any]:
    values = {**row.only(*_FACTS), "rebate_ore": row.get("rebate_dkk") or 0}
    if row["kind"] == Kind.PASSIVE:
        return values | {"active_from": None}
    return values


def _unknown_product(name: str) -> Text:
    return Text(
        f"ukendt produkt {name!r}; indlæs det, eller vedtag dets takstblad",
        f"unknown product {name!r}; import it, or adopt its fee table",
    )


def _check(intake: Intake, row: Row) -> None:
    _check_order(intake, row, "countersigned_on", "signed_on")
    _check_order(intake, row, "terminated_to", "in_force_from")
    _check_order(intake, row, "notice_given_on", "signed_on")
    _check_order(intake, row, "terminated_to", "notice_given_on")
    if row.get("gln") and (fault := identifiers.gln_fault(row["gln"])):
        intake.fault(row, "gln", fault)
    if row.get("rebate_dkk") and not row.get("rebate_reason"):
        intake.fault(row, "rebate_reason", Text("en rabat skal have en grund", "a rebate must have a reason"))
    if row.get("active_from") and row["kind"] == Kind.PASSIVE:
        intake.fault(row, "kind", Text("er active, når active_from er givet", "is active where active_from is given"))


def _check_order(intake: Intake, row: Row, later: str, earlier: str) -> None:
    first, last = row.get(earlier), row.get(later)
    if first is not None and last is not None and last < first:
        intake.fault(row, later, Text(f"ligger før {earlier}", f"lies before {earlier}"))


def _keep_what_is_invoiced(
    intake: Intake, row: Row, values: dict[str, Any], resting: Sequence[Invoiced], on: date
) -> None:
    known = intake.known(values)
    years = {line.year: line.number for line in resting if line.year is not None}
    joining = next((line.number for line in resting if line.year is None), None)
    values |= _activity(row, known, years, on)
    if known is None:
        return
    _keep_activity(intake, row, values, known, years, joining)
    if resting:
        _refuse(intake, row, values, known, _YEARLY_FACTS, resting[0].number)
    if joining is not None:
        _refuse(intake, row, values, known, _JOINING_FACTS, joining)
    last = max(years, default=None)
    ended = values.get("terminated_to")
    if last is not None and ended is not None and ended < periods.new_year(last) and ended != known["terminated_to"]:
        intake.fault(row, "terminated_to", register.rests(years[last]))


#: What a file may not change of an agreement that was signed here: it takes a step of its own.
_SIGNED_FACTS = (
    "kind", "countersigned_on", "in_force_from", "terminated_to", "notice_given_on", "active_from", "rebate_ore",
    "rebate_reason", "joining_fee_exempt_reason",
)  # fmt: skip


def _keep_what_is_signed(intake: Intake, row: Row, values: Mapping[str, Any]) -> None:
    known = intake.known(values)
    if known is None or known["offer_id"] is None:
        return
    for fact in _SIGNED_FACTS:
        if fact in values and values[fact] != known[fact]:
            told = Text(
                "er underskrevet her og ændres ikke af en fil (agreement show)",
                "was signed here and is not changed by a file (agreement show)",
            )
            intake.fault(row, "rebate_dkk" if fact == "rebate_ore" else fact, told)


def _refuse(
    intake: Intake, row: Row, values: dict[str, Any], known: Mapping[str, Any], facts: Sequence[str], number: str
) -> None:
    for fact in facts:
        if fact in values and values[fact] != known[fact]:
            intake.fault(row, "rebate_dkk" if fact == "rebate_ore" else fact, register.rests(number))


def _activity(row: Row, known: Mapping[str, Any] | None, years: Mapping[int, str], on: date) -> dict[str, Any]:
    """Give `kind` and `active_from` as they are kept: passive as it began, with the day it became active."""
    if row["kind"] == Kind.PASSIVE:
        return {"kind": Kind.PASSIVE.value, "active_from": None}
    since = row.get("active_from")
    if known is not None and known["kind"] == Kind.PASSIVE:
        if years:
            since = since or known["active_from"] or _became_active(years, on)
            return {"kind": Kind.PASSIVE.value, "active_from": since}
        if "active_from" not in row.cells:
            since = known["active_from"]
    if since is not None and since > (row.get("in_force_from") or date.min):
        return {"kind": Kind.PASSIVE.value, "active_from": since}
    return {"kind": Kind.ACTIVE.value, "active_from": None}


def _keep_activity(
    intake: Intake,
    row: Row,
    values: Mapping[str, Any],
    known: Mapping[str, Any],
    years: Mapping[int, str],
    joining: str | None,
) -> None:
    """Refuse to change whether it was active on 1 January of an invoiced year, or when, once the joining fee stands."""
    number = next((years[year] for year in years if _is_active(values, year) != _is_active(known, year)), None)
    changed = any(values[fact] != known[fact] for fact in ("kind", "active_from"))
    if number is None and joining is not None and changed:
        number = joining
    if number is not None:
        column = "kind" if row["kind"] == Kind.PASSIVE or not row.get("active_from") else "active_from"
        intake.fault(row, column, register.rests(number))


def _is_active(values: Mapping[str, Any], year: int) -> bool:
    since = values["active_from"]
    return values["kind"] == Kind.ACTIVE or (since is not None and since <= periods.new_year(year))


def _became_active(years: Mapping[int, str], on: date) -> date:
    """Today; but from New Year where this year's fee is not invoiced yet, and never inside a year invoiced ahead."""
    last = max(years)
    if last < on.year:
        return periods.new_year(on.year)
    return max(on, date(last, 1, 2))
