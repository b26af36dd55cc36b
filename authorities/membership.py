"""Membership of the association: the partnership agreements as periods, and where their dues are sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from authorities import register, succession
from authorities.models import Membership
from authorities.succession import Life
from foundation import identifiers, periods
from foundation.audit import Trail
from foundation.errors import Conflict
from foundation.intake import Intake, Row, Rows, Taken
from foundation.language import Text
from foundation.periods import Period

MEMBERSHIPS: Table = Membership.__table__  # type: ignore[assignment]

_DETAILS = ("gln", "person_reference", "order_reference", "accounting_cost", "format", "contact_mail")

#: The years whose membership an authority's issued lines rest on, as (year, invoice number), by CVR number.
InvoicedYears = Mapping[str, Sequence[tuple[int, str]]]


def take_in(session: Session, file: Rows, trail: Trail, *, invoiced: InvoicedYears) -> Taken:
    """Take a file of memberships in, by CVR number and first day. Raises RowsRefused with every wrong row."""
    intake = Intake(session, MEMBERSHIPS, ("authority_id", "joined_on"), file)
    ids, lives = register.ids_by_cvr(session), register.lives(session)
    invoiced_to = {ids[cvr]: years for cvr, years in invoiced.items() if cvr in ids}
    for row in file:
        if row["cvr"] not in ids:
            intake.fault(row, "cvr", register.unknown_cvr(row["cvr"]))
            continue
        values = {
            "authority_id": ids[row["cvr"]],
            **row.only("joined_on", "left_on", *_DETAILS),
        }
        _check(intake, row, values, _resting(lives, ids[row["cvr"]], invoiced_to))
        intake.offer(row, values, key_column="cvr")
    _check_overlaps(intake, file, ids)
    return intake.finish(trail, "members.imported")


def resting(session: Session, authority: int, invoiced: InvoicedYears) -> Iterator[tuple[int, str]]:
    """Give the invoiced years that rest on one authority's membership, with an invoice's number."""
    ids = register.ids_by_cvr(session)
    return _resting(register.lives(session), authority, {ids[cvr]: of for cvr, of in invoiced.items() if cvr in ids})


class NotWithdrawn(Conflict):
    """A membership cannot end so: there is none that goes on, or issued lines rest on it."""


def withdraw(session: Session, cvr: str, left_on: date, trail: Trail, *, invoiced: InvoicedYears, because: str) -> None:
    """End the membership that an authority has on a day with that day. Needs the writer's lock. Raises NotWithdrawn."""
    ids, lives = register.ids_by_cvr(session), register.lives(session)
    columns = MEMBERSHIPS.c
    found = select(MEMBERSHIPS).where(columns.authority_id == ids.get(cvr, 0), columns.left_on.is_(None))
    row = session.execute(found.order_by(columns.joined_on.desc()).limit(1)).first()
    if row is None or row.joined_on >= left_on:
        raise NotWithdrawn(Text(f"{cvr} har intet medlemskab, der løber", f"{cvr} has no membership that goes on"))
    before, after = Period(row.joined_on, None), Period(row.joined_on, left_on)
    invoiced_to = {ids[payer]: years for payer, years in invoiced.items() if payer in ids}
    for year, number in _resting(lives, row.authority_id, invoiced_to):
        if (periods.new_year(year) in before) != (periods.new_year(year) in after):
            raise NotWithdrawn(register.rests(number))
    session.execute(update(MEMBERSHIPS).where(columns.id == row.id).values(left_on=left_on))
    trail.record("member.withdrawn", cvr, {"left_on": left_on, "because": because})


def _resting(
    lives: Mapping[int, Life], authority: int, invoiced: Mapping[int, Sequence[tuple[int, str]]]
) -> Iterator[tuple[int, str]]:
    """Give the invoiced years that rest on an authority's membership: it paid, or who followed it paid in its place."""
    for payer in succession.line(lives, authority):
        for year, number in invoiced.get(payer, ()):
            if succession.payer(lives, authority, periods.new_year(year)) == payer:
                yield year, number


def _check(intake: Intake, row: Row, values: dict[str, object], invoiced: Iterable[tuple[int, str]]) -> None:
    joined_on, left_on = row["joined_on"], row.get("left_on")
    if left_on is not None and left_on <= joined_on:
        intake.fault(row, "left_on", Text("skal ligge efter joined_on", "must lie after joined_on"))
        return
    if row.get("gln") and (fault := identifiers.gln_fault(row["gln"])):
        intake.fault(row, "gln", fault)
    known = intake.known(values)
    if known is None:
        return
    before, after = Period(joined_on, known["left_on"]), Period(joined_on, left_on)
    for year, number in invoiced:
        key_day = periods.new_year(year)
        if (key_day in before) != (key_day in after):
            intake.fault(row, "left_on", register.rests(number))
            return


def _check_overlaps(intake: Intake, file: Rows, ids: Mapping[str, int]) -> None:
    of_rows = {(ids[row["cvr"]], row["joined_on"]): row for row in file if row["cvr"] in ids}
    merged = {(known["authority_id"], known["joined_on"]): known["left_on"] for known in intake.existing.values()}
    merged |= {key: row.get("left_on") for key, row in of_rows.items()}
    for key in _overlapping(merged):
        if key in of_rows:
            intake.fault(
                of_rows[key], "joined_on", Text("overlapper et andet medlemskab", "overlaps another membership")
            )


def _overlapping(memberships: Mapping[tuple[int, date], date | None]) -> Iterator[tuple[int, date]]:
    """Give each (authority, first day) that shares a day with another of its authority, in one walk through them."""
    walk = sorted(memberships)
    last_authority, latest = 0, date.min
    for nth, (authority, joined_on) in enumerate(walk):
        left_on = memberships[authority, joined_on] or date.max
        if authority != last_authority:
            last_authority, latest = authority, date.min
        is_next_inside = nth + 1 < len(walk) and walk[nth + 1][0] == authority and walk[nth + 1][1] < left_on
        if joined_on < latest or is_next_inside:
            yield authority, joined_on
        latest = max(latest, left_on)
