"""Money in whole øre, and the only two places where an amount is rounded: `scaled` and `split`.

A factor (a share of a year, a percentage) is a `Fraction` and is never rounded itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

ORE_PER_KRONE = 100


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in Danish øre; may be negative (a rebate, a reversed posting)."""

    ore: int

    def __post_init__(self) -> None:
        if type(self.ore) is not int:
            raise TypeError(f"money is whole øre in an int, not {self.ore!r}")

    def __add__(self, other: Money) -> Money:
        return Money(self.ore + other.ore)

    def __sub__(self, other: Money) -> Money:
        return Money(self.ore - other.ore)

    def __neg__(self) -> Money:
        return Money(-self.ore)

    def __bool__(self) -> bool:
        return self.ore != 0

    def scaled(self, factor: Fraction) -> Money:
        """Give this amount times an exact factor, rounded half up to the øre, once."""
        return Money(_half_up_of(self.ore * factor.numerator, factor.denominator))


ZERO = Money(0)


def kroner(amount: int) -> Money:
    """Give whole kroner as money."""
    return Money(amount * ORE_PER_KRONE)


def total(amounts: Iterable[Money]) -> Money:
    """Give the sum; nothing sums to zero."""
    return Money(sum(amount.ore for amount in amounts))


def half_up(exact: Fraction | int) -> int:
    """Round to the nearest whole number, a half away from zero, so that a reversed amount is the exact opposite."""
    return _half_up_of(exact.numerator, exact.denominator)


def _half_up_of(numerator: int, denominator: int) -> int:
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def split(whole: Money, weights: Sequence[int]) -> list[Money]:
    """Divide an amount by non-negative weights; the parts always add up to the whole.

    Raises ValueError where no weight is above zero.
    """
    over = sum(weights)
    if over <= 0 or min(weights) < 0:
        raise ValueError("a split needs weights of zero or more, and one above zero")
    return apportion(whole, [whole.ore * weight for weight in weights], over)


def apportion(whole: Money, parts: Sequence[int], over: int) -> list[Money]:
    """Round the exact parts `part / over` øre so that they add up to `whole`: largest remainder first, then the
    earlier part.

    `whole` is the rounded sum of the parts. Raises ValueError where it lies further away than rounding explains.
    """
    floors = [part // over for part in parts]
    remainders = [part % over for part in parts]
    left_over = whole.ore - sum(floors)
    if not 0 <= left_over <= len(parts) - remainders.count(0):
        raise ValueError(f"{whole.ore} øre is not the rounded sum of {list(parts)} over {over}")
    if left_over:
        for at in sorted(range(len(parts)), key=lambda at: -remainders[at])[:left_over]:  # sorting keeps the order
            floors[at] += 1
    return [Money(ore) for ore in floors]
