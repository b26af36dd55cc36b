"""What a fee amounts to. A `Reason` is the calculation's whole input; `parts_of` is the whole rule.

Because an issued line keeps its reason, anyone can compute its amount again from the reason alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from fee_tables.table import Index, TableReference
from foundation.money import ZERO, Money, half_up, split


class Kind(StrEnum):
    """What a line is for."""

    ANNUAL_FEE = "annual_fee"  # vederlag, to the product, with the association's contribution on top
    JOINING_FEE = "joining_fee"  # tilslutningsafgift, once, to the product
    MEMBERSHIP_DUES = "membership_dues"  # kontingent, to the association
    REBATE = "rebate"  # takes from the joining fee, never below zero
    EXEMPTION = "exemption"  # takes the whole joining fee away again, so that the waiver is seen


@dataclass(frozen=True, slots=True)
class Placement:
    """A band given by judgement, for who has no inhabitants to count."""

    band: str
    valid_from: date
    decided_by: str
    reason: str


@dataclass(frozen=True)
class Size:
    """The band of an authority, and what it rests on: counted inhabitants, or a placement."""

    band: str
    inhabitants: int | None = None
    inhabitants_on: date | None = None
    inhabitants_source: str | None = None
    placement: Placement | None = None

    @cached_property
    def written(self) -> dict[str, Any]:
        """The size as plain JSON values, made once for all lines that rest on it."""
        if self.placement is not None:
            placed = self.placement
            return {
                "band": self.band,
                "placement": {
                    "band": placed.band,
                    "valid_from": placed.valid_from.isoformat(),
                    "decided_by": placed.decided_by,
                    "reason": placed.reason,
                },
            }
        return {
            "band": self.band,
            "inhabitants": self.inhabitants,
            "inhabitants_on": self.inhabitants_on.isoformat() if self.inhabitants_on else None,
            "inhabitants_source": self.inhabitants_source,
        }


@dataclass(frozen=True, slots=True)
class CostShare:
    """One part of a shared cost: the `number`-th of `sharers`, in the order of their CVR numbers."""

    cost: Money
    sharers: int
    number: int


class Reason(NamedTuple):
    """Why a line is what it is. What does not apply is None.

    `base` is the table's amount before any share. `rebate` is what was granted, `exemption` why the fee is waived.
    The days tell what decided: the signing of the agreement for a joining fee, the first day in force for a first
    year's share, the joining of the association for its dues.
    """

    table: TableReference
    base: Money
    size: Size | None = None
    member: bool | None = None
    contribution_share: Fraction | None = None
    year_share: Fraction | None = None
    passive_share: Fraction | None = None
    regulation: Index | None = None
    shared_cost: CostShare | None = None
    exemption: str | None = None
    rebate: Money | None = None
    rebate_reason: str | None = None
    signed_on: date | None = None
    in_force_from: date | None = None
    joined_on: date | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """Whose the money is: the product's part and the association's."""

    product: Money
    association: Money
    #: The price without VAT.
    net: Money = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "net", self.product + self.association)

    def __neg__(self) -> Parts:
        return Parts(-self.product, -self.association)


def parts_of(kind: Kind, reason: Reason) -> Parts:
    """Compute a line's parts from its reason; each part is rounded half up to the øre, once.

    The contribution is taken of the rounded product part (a surcharge, not a cut).
    """
    if kind is Kind.MEMBERSHIP_DUES:
        return Parts(ZERO, _indexed(reason).scaled(reason.year_share or Fraction(1)))
    if kind is Kind.REBATE:
        return Parts(-min(reason.rebate or ZERO, reason.base), ZERO)
    if kind is Kind.EXEMPTION:
        return Parts(-reason.base, ZERO)
    share = Fraction(1)
    if kind is Kind.ANNUAL_FEE:
        share = (reason.year_share or Fraction(1)) * (1 if reason.passive_share is None else reason.passive_share)
    product = reason.base.scaled(share)
    return Parts(product, product.scaled(reason.contribution_share or Fraction(0)))


def _indexed(reason: Reason) -> Money:
    index = reason.regulation
    if index is None:
        return reason.base
    return Money(half_up(reason.base.ore * index.new / (index.old * index.round_to)) * index.round_to)


def share_of_cost(cost: Money, sharers: int, number: int) -> Money:
    """Give the `number`-th part (from 1) of a cost shared equally; the parts add up to the cost."""
    return split(cost, [1] * sharers)[number - 1]


# --- reasons as JSON (contract: `reason`)

_SHARES = ("contribution_share", "year_share", "passive_share")
_DAYS = ("signed_on", "in_force_from", "joined_on")
_PLAIN = ("member", "exemption", "rebate_reason")


def reason_json(reason: Reason) -> dict[str, Any]:
    """Write a reason as plain JSON values; what does not apply is left out."""
    return {"table": reason.table.written, **facts_json(reason)}


def facts_json(reason: Reason) -> dict[str, Any]:
    """Write what of a reason does not stand in its table."""
    written: dict[str, Any] = {"base_ore": reason.base.ore}
    if reason.size is not None:
        written |= reason.size.written
    for name in _SHARES + _DAYS:
        if (value := getattr(reason, name)) is not None:
            written[name] = str(value)
    for name in _PLAIN:
        if (value := getattr(reason, name)) is not None:
            written[name] = value
    if reason.regulation is not None or reason.shared_cost is not None or reason.rebate is not None:
        written |= _particulars_json(reason)
    return written


def _particulars_json(reason: Reason) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if reason.regulation is not None:
        index = reason.regulation
        written["index"] = {"old": _decimal(index.old), "new": _decimal(index.new), "round_to_ore": index.round_to}
    if reason.shared_cost is not None:
        cost = reason.shared_cost
        written["shared_cost"] = {"cost_ore": cost.cost.ore, "sharers": cost.sharers, "number": cost.number}
    if reason.rebate is not None:
        written["rebate_ore"] = reason.rebate.ore
    return written


def _decimal(value: Fraction) -> str:
    return str(Decimal(value.numerator) / Decimal(value.denominator))  # exact: index values have six decimals at most


def reason_from_json(written: Mapping[str, Any]) -> Reason:
    """Read a reason back, exactly. Raises KeyError or ValueError where it is not one."""
    table, index, cost = written["table"], written.get("index"), written.get("shared_cost")
    decided = {name: date.fromisoformat(table[name]) for name in ("valid_from", "decided_on")}
    found: dict[str, Any] = {name: written[name] for name in _PLAIN if name in written}
    found |= {name: Fraction(written[name]) for name in _SHARES if name in written}
    found |= {name: date.fromisoformat(written[name]) for name in _DAYS if name in written}
    if index is not None:
        found["regulation"] = Index(Fraction(index["old"]), Fraction(index["new"]), index["round_to_ore"])
    if cost is not None:
        found["shared_cost"] = CostShare(Money(cost["cost_ore"]), cost["sharers"], cost["number"])
    if "rebate_ore" in written:
        found["rebate"] = Money(written["rebate_ore"])
    return Reason(
        table=TableReference(**{**table, **decided}),
        base=Money(written["base_ore"]),
        size=_size_from_json(written),
        **found,
    )


def _size_from_json(written: Mapping[str, Any]) -> Size | None:
    if "band" not in written:
        return None
    if "placement" in written:
        placed = written["placement"]
        return Size(
            written["band"], placement=Placement(**{**placed, "valid_from": date.fromisoformat(placed["valid_from"])})
        )
    return Size(
        written["band"],
        written["inhabitants"],
        date.fromisoformat(written["inhabitants_on"]),
        written["inhabitants_source"],
    )
