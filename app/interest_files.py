"""Reference rates as a CSV file, the same for commands and pages."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from app.adapters import csv_files
from app.adapters.csv_files import Layout, WrongCell
from billing import interest
from billing.interest import Rate, RateRefused
from foundation.intake import Rows


def _percent(cell: str) -> int:
    """Take a percentage with at most two decimals, with a comma or a point."""
    try:
        return interest.percent(cell)
    except RateRefused as refused:
        raise WrongCell(refused.text) from None


LAYOUT = Layout(
    required={"valid_from": csv_files.day, "percent": _percent, "source": csv_files.words()}, optional={},
    may_be_absent={},
)  # fmt: skip


def read(path: Path) -> list[Rate]:
    """Read a file. Raises RowsRefused with every wrong row."""
    return _rates(csv_files.read(path, LAYOUT))


def read_stream(file: IO[bytes], source: str) -> list[Rate]:
    """Read a file that was sent. Raises RowsRefused with every wrong row."""
    return _rates(csv_files.read_stream(file, source, LAYOUT))


def _rates(rows: Rows) -> list[Rate]:
    return [Rate(row["valid_from"], row["percent"], row["source"]) for row in rows]
