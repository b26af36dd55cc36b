"""What a fee table comes to for members and for others: the product's price, and the price with the contribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from fee_tables.calculation import Kind, Reason, parts_of
from fee_tables.facts import step
from fee_tables.size_key import band_title
from fee_tables.table import AnnualFee, AssociationTable, BandFee, DatedFee, FeeTable, FlatFee, JoiningFee
from foundation import periods
from foundation.language import Text
from foundation.money import Money

_FOR_ALL = Text("Alle", "All")


@dataclass(frozen=True, slots=True)
class Price:
    """What somebody pays, without VAT: to the product alone, and in all as a member and as none."""

    whom: Text
    product: Money
    member: Money
    non_member: Money


def key_day(table: FeeTable) -> date:
    """Give the first 1 January on which a table's annual fee counts."""
    day = table.reference.valid_from
    return day if (day.month, day.day) == (1, 1) else periods.new_year(day.year + 1)


def annual(table: FeeTable, association: AssociationTable | None) -> list[Price]:
    """Give the annual prices by band; none where there is no annual fee, or where it depends on how many share it."""
    return [
        Price(
            whom,
            base,
            price(table, association, base, member=True),
            price(table, association, base, member=False),
        )
        for whom, base in _bases(table.annual_fee)
    ]


def joining(table: FeeTable) -> list[tuple[Text, Money]]:
    """Give the joining fee by band or by day of signing; no contribution is taken of it."""
    return list(_bases(table.joining_fee))


def price(
    table: FeeTable, association: AssociationTable | None, base: Money, *, member: bool, passive: bool = False
) -> Money:
    """Give a whole year's fee with the association's contribution, from the product's amount."""
    contribution = association.contribution_share(member=member) if association and table.contribution else None
    share = table.passive_share if passive else None
    reason = Reason(table.reference, base, contribution_share=contribution, passive_share=share)
    return parts_of(Kind.ANNUAL_FEE, reason).net


def _bases(fee: AnnualFee | JoiningFee | None) -> Iterator[tuple[Text, Money]]:
    if isinstance(fee, FlatFee):
        yield _FOR_ALL, fee.amount
    elif isinstance(fee, BandFee):
        for band, amount in fee.amounts.items():
            yield band_title(band), amount
    elif isinstance(fee, DatedFee):
        for until, amount in fee.steps:
            yield step(until), amount
