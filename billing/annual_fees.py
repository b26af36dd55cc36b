"""The annual fee (vederlag) of an agreement: by the newest table on 1 January, the payer's size and its membership."""

from __future__ import annotations

from fractions import Fraction

from agreements import lifecycle
from billing import case
from billing.case import Case, Ground, NothingDue, Withheld
from billing.charges import Code, Connection
from fee_tables.calculation import CostShare, Kind, Reason, Size, share_of_cost
from fee_tables.table import BandFee, FeeTable, FlatFee, SharedCost
from foundation import periods
from foundation.language import Text, day
from foundation.money import Money


def key(of: Case, connection: Connection) -> str:
    """Name the line: nothing is invoiced twice under one name."""
    return f"{_KIND}|{connection.name}|{of.ground.year}"


def keys(of: Case, connection: Connection) -> list[str]:
    """Give the names of all lines that a problem with the annual fee withholds."""
    return [key(of, connection)]


_KIND = Kind.ANNUAL_FEE.value


def charge(of: Case, connection: Connection) -> None:
    """Charge the annual fee of an agreement that is billed. Raises Withheld or NothingDue."""
    _refuse_covered(of, connection)
    ground = of.ground
    table = ground.annual_table(connection.product)
    if table is None:
        raise Withheld(Code.NO_TABLE, _no_table(ground, connection.product))
    active = lifecycle.is_active(connection.facts, ground.key_day)
    if not active and table.passive_share is None:
        raise Withheld(Code.NO_PASSIVE_SHARE, _no_passive_share(table))
    base, size, cost = _base(of, connection, table, active=active)
    year_share = _year_share(ground, connection, table)
    reason = Reason(
        table=table.reference,
        base=base,
        size=size,
        member=of.is_member,
        contribution_share=_contribution(of, table),
        year_share=year_share,
        passive_share=None if active else table.passive_share,
        shared_cost=cost,
        in_force_from=None if year_share is None else connection.facts.in_force_from,
    )
    first = max(ground.key_day, connection.facts.in_force_from or ground.key_day)
    case.charge(
        of, Kind.ANNUAL_FEE, key(of, connection), connection, table, reason, first_day=first, last_day=ground.last_day
    )


def _refuse_covered(of: Case, connection: Connection) -> None:
    """Charge the year once where one agreement follows another on the same product: by the first of them."""
    others = of.others(connection)
    if not others or key(of, connection) in of.billable.invoiced:
        return
    year, last_day = of.ground.year, of.ground.last_day
    before = connection.facts.in_force_from or last_day
    for other in others:
        if of.is_billed(other) and (other.facts.in_force_from or last_day) < before:
            since = day(other.facts.signed_on)
            raise NothingDue(
                Code.COVERED_BY_EARLIER,
                Text(
                    f"vederlaget for {year} betales efter aftalen underskrevet {since.da}, som denne afløser",
                    f"the annual fee of {year} is paid by the agreement signed on {since.en} before this",
                ),
            )


def _base(
    of: Case, connection: Connection, table: FeeTable, *, active: bool
) -> tuple[Money, Size | None, CostShare | None]:
    fee = table.annual_fee
    if isinstance(fee, BandFee):
        assert of.billable.payer is not None  # what an ended authority would pay is withheld before
        size = of.size(of.billable.payer, of.ground.year)
        return case.of_band(fee, size, table), size, None
    if isinstance(fee, SharedCost):
        cost = _cost_share(of.ground, connection, fee, active=active)
        return share_of_cost(cost.cost, cost.sharers, cost.number), None, cost
    assert isinstance(fee, FlatFee)
    return fee.amount, None, None


def _cost_share(ground: Ground, connection: Connection, fee: SharedCost, *, active: bool) -> CostShare:
    sharers = ground.sharers.get(connection.product, ())
    if not sharers:
        raise Withheld(
            Code.NO_TABLE,
            Text(
                f"ingen aktiv aftale om {connection.product} var i kraft 1. januar {ground.year} til at dele udgiften",
                f"no active agreement on {connection.product} was in force on 1 January {ground.year} to share it",
            ),
        )
    if not active:
        return CostShare(fee.cost, len(sharers), len(sharers))
    if connection.signer.cvr not in sharers:
        raise NothingDue(
            Code.SHARES_FROM_NEXT_YEAR,
            Text(
                f"{connection.product} trådte i kraft efter 1. januar {ground.year}: deler udgiften fra næste år",
                f"{connection.product} came into force after 1 January {ground.year}: shares the cost from next year",
            ),
        )
    return CostShare(fee.cost, len(sharers), sharers.index(connection.signer.cvr) + 1)


def _contribution(of: Case, table: FeeTable) -> Fraction | None:
    if not table.contribution:
        return None
    return case.association_table(of.ground).contribution_share(member=of.is_member)


def _year_share(ground: Ground, connection: Connection, table: FeeTable) -> Fraction | None:
    first = connection.facts.in_force_from
    if first is None or first.year != ground.year or table.first_year == "full":
        return None
    share = periods.share_by_months(first) if table.first_year == "months" else periods.share_by_days(first)
    return None if share == 1 else share


def _no_table(ground: Ground, product: str) -> Text:
    first = ground.catalogue.first_day(product, "annual_fee")
    if first is None:
        return Text(
            f"{product} har intet takstblad med vederlag; vedtag et",
            f"{product} has no fee table with an annual fee; adopt one",
        )
    return Text(
        f"{product} har intet takstblad for {ground.year}; det første gælder fra {day(first).da}",
        f"{product} has no fee table for {ground.year}; the first is valid from {day(first).en}",
    )


def _no_passive_share(table: FeeTable) -> Text:
    since = day(table.reference.valid_from)
    return Text(
        f"takstbladet for {table.reference.product} fra {since.da} har ingen andel for passive tilslutninger",
        f"the fee table of {table.reference.product} from {since.en} has no share for passive connections",
    )
