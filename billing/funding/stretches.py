"""Between which of some marks something lies, told by the database: days by periods, months by those of a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, literal


def of(value: ColumnElement[Any], marks: Sequence[Any], first: int = 0) -> ColumnElement[int]:
    """Tell between which of some marks, in order, a value lies, from zero; by halves, so that few are compared."""
    if len(marks) <= 2:
        return literal(first)
    half = len(marks) // 2
    earlier, later = of(value, marks[: half + 1], first), of(value, marks[half:], first + half)
    return case((value < marks[half], earlier), else_=later)
