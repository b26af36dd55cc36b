"""Who pays for an authority that has ended: its registered successor takes over assets, rights and duties.

Source for the first case: Lov nr. 699 of 2025-06-20, § 126 (two regions become Region Østdanmark on 1 January 2027).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Life:
    """How long an authority lives and who follows it."""

    id: int
    valid_to: date | None
    successor: int | None


def payer(lives: Mapping[int, Life], authority: int, on: date) -> int | None:
    """Give who stands in an authority's place on a day: itself, its successor, or None where nobody does."""
    passed: set[int] = set()
    life = lives[authority]
    while life.valid_to is not None and life.valid_to < on:
        if life.successor is None or life.successor in passed:
            return None
        passed.add(life.id)
        life = lives[life.successor]
    return life.id


def line(lives: Mapping[int, Life], authority: int) -> Iterator[int]:
    """Give an authority and whoever follows it, one after the other."""
    passed: set[int] = set()
    at: int | None = authority
    while at is not None and at not in passed:
        yield at
        passed.add(at)
        at = lives[at].successor
