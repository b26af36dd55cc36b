"""The joining fee (tilslutningsafgift) of an agreement: once, at the level of its signing day; what is taken off it."""

from __future__ import annotations

from agreements import lifecycle
from billing import case
from billing.case import Case, Ground, NothingDue
from billing.charges import Code, Connection, InvoicedLine, Problem
from fee_tables.calculation import Kind, Parts, Reason, parts_of
from fee_tables.table import BandFee, DatedFee, FeeTable, FlatFee
from foundation.language import Text, day, kroner


def key(kind: Kind, connection: Connection) -> str:
    """Name a line: it is invoiced once in an agreement's life."""
    return f"{kind.value}|{connection.name}"


def keys(of: Case, connection: Connection) -> list[str]:
    """Give the names of all lines that a problem with the joining fee withholds."""
    return [key(kind, connection) for kind in (Kind.JOINING_FEE, Kind.REBATE, Kind.EXEMPTION)]


def charge(of: Case, connection: Connection) -> None:
    """Charge the joining fee where it is due and not invoiced before, and show what is taken off it.

    Raises Withheld or NothingDue.
    """
    first = of.ground.first_joining_day(connection.product)
    if first is None or not _is_due(of, connection):
        return
    signed_on = connection.facts.signed_on
    table = of.ground.catalogue.joining_table(connection.product, signed_on)
    if table is None:
        raise NothingDue(Code.NO_JOINING_FEE, _before_any(of.ground, connection))
    due = _due(of, connection, table)
    case.charge(of, Kind.JOINING_FEE, key(Kind.JOINING_FEE, connection), connection, table, due)
    if connection.exempt_reason is not None:
        taken_off, reason = Kind.EXEMPTION, due._replace(exemption=connection.exempt_reason)
    elif connection.rebate:
        taken_off, reason = Kind.REBATE, due._replace(rebate=connection.rebate, rebate_reason=connection.rebate_reason)
    else:
        return
    name, fee = key(taken_off, connection), _invoiced(of, connection)
    if fee is not None and name not in of.billable.invoiced:
        of.priced.problems.append(_too_late(of, fee, parts_of(taken_off, reason)))
    else:
        case.charge(of, taken_off, name, connection, table, reason)


def _invoiced(of: Case, connection: Connection) -> InvoicedLine | None:
    return of.billable.invoiced.get(key(Kind.JOINING_FEE, connection))


def _too_late(of: Case, fee: InvoicedLine, taken_off: Parts) -> Problem:
    """Tell of a rebate or exemption whose fee is invoiced without it: alone it would make an invoice below zero."""
    less = kroner(taken_off.net)
    return Problem(
        of.billable.named,
        fee.product,
        Code.INVOICED_DIFFERS,
        Text(
            f"tilslutningsafgiften er faktureret på {fee.number}; {less.da} givet siden trækkes ikke fra bagefter",
            f"the joining fee is invoiced on {fee.number}; {less.en} granted since are not taken off afterwards",
        ),
    )


def _is_due(of: Case, connection: Connection) -> bool:
    earlier = _invoiced(of, connection)
    last_day = min(of.ground.last_day, connection.facts.terminated_to or of.ground.last_day)
    return (
        lifecycle.is_active(connection.facts, last_day)
        and connection.invoiced_elsewhere_on is None
        and (earlier is None or earlier.year == of.ground.year)
    )


def _due(of: Case, connection: Connection, table: FeeTable) -> Reason:
    fee, signed_on, size = table.joining_fee, connection.facts.signed_on, None
    if isinstance(fee, BandFee):
        size = of.size(connection.signer, signed_on.year)
        base = case.of_band(fee, size, table)
    else:
        assert isinstance(fee, DatedFee | FlatFee)
        base = fee.on(signed_on) if isinstance(fee, DatedFee) else fee.amount
    return Reason(table=table.reference, base=base, size=size, signed_on=signed_on)


def _before_any(ground: Ground, connection: Connection) -> Text:
    first = ground.first_joining_day(connection.product)
    assert first is not None
    signed = day(connection.facts.signed_on)
    return Text(
        f"underskrevet {signed.da}, før {connection.product} havde en tilslutningsafgift "
        f"(fra {day(first).da}): ingen skyldes",
        f"signed on {signed.en}, before {connection.product} had a joining fee (from {day(first).en}): none is due",
    )
