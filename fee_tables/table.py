"""The fee table (takstblad) of a product and the table of the association, as values.

A table says what is paid from its day on; the newest table on or before the key day counts. Amounts live here,
never in code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from foundation.money import Money

FirstYear = Literal["full", "months", "days"]


@dataclass(frozen=True, slots=True)
class Vat:
    """How VAT is taken: a rate, or none with the reason why (code and text)."""

    rate: Fraction
    exemption: str = ""


@dataclass(frozen=True, slots=True)
class FlatFee:
    """The same amount for everyone."""

    amount: Money


@dataclass(frozen=True, slots=True)
class BandFee:
    """An amount for each size band."""

    amounts: Mapping[str, Money]


@dataclass(frozen=True, slots=True)
class SharedCost:
    """A fixed yearly cost, shared equally by the active agreements in force on 1 January."""

    cost: Money


@dataclass(frozen=True, slots=True)
class DatedFee:
    """A fee that depends on the day of signing: each step counts up to and including `until`, the last without end."""

    steps: tuple[tuple[date | None, Money], ...]

    def on(self, day: date) -> Money:
        """Give the amount for a signing day."""
        return next(amount for until, amount in self.steps if until is None or day <= until)


AnnualFee = FlatFee | BandFee | SharedCost
JoiningFee = FlatFee | BandFee | DatedFee


@dataclass(frozen=True)
class TableReference:
    """Which decision an amount rests on; `digest` is the SHA-256 of the adopted text."""

    product: str
    valid_from: date
    decided_on: date
    decided_by: str
    source: str
    digest: str
    made_up: bool = False

    @cached_property
    def written(self) -> dict[str, Any]:
        """The reference as plain JSON values, made once for all lines that rest on it."""
        written: dict[str, Any] = {
            "product": self.product,
            "valid_from": self.valid_from.isoformat(),
            "decided_on": self.decided_on.isoformat(),
            "decided_by": self.decided_by,
            "source": self.source,
            "digest": self.digest,
        }
        return written | {"made_up": True} if self.made_up else written


@dataclass(frozen=True, slots=True)
class FeeTable:
    """A product's fee table. `contribution` tells whether the association's surcharge is added to the annual fee."""

    reference: TableReference
    contribution: bool
    annual_fee: AnnualFee | None
    joining_fee: JoiningFee | None
    passive_share: Fraction | None
    first_year: FirstYear
    vat: Vat


@dataclass(frozen=True, slots=True)
class Index:
    """Regulation of the dues: times new over old, rounded half up to `round_to` øre."""

    old: Fraction
    new: Fraction
    round_to: int


@dataclass(frozen=True, slots=True)
class AssociationTable:
    """The association's dues and its contribution from the products; `vat` governs the dues only.

    `half_after` is (month, day): who joins after it pays half of that year's dues (bylaws § 5).
    """

    reference: TableReference
    dues: Money
    half_after: tuple[int, int] | None
    index: Index | None
    contribution_member: Fraction
    contribution_non_member: Fraction
    vat: Vat

    def contribution_share(self, *, member: bool) -> Fraction:
        """Give the surcharge on the annual fee, as a share of it."""
        return self.contribution_member if member else self.contribution_non_member
