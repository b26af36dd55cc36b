"""Files of costs and budgets by API: CSV as the command line takes it, and what it brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from app.adapters import csv_files
from app.adapters.csv_files import Layout
from app.api.fee_tables import proposed
from billing.funding.budget_intake import TakenBudgets
from billing.funding.cost_intake import TakenCosts
from foundation.intake import Rows

#: The body as the documentation tells it.
CSV: Mapping[str, Any] = {
    "required": True,
    "content": {"text/csv": {"schema": {"type": "string", "description": "the file as the command line takes it"}}},
}

_SOURCE = "API"


def rows(layout: Layout) -> Rows:
    """Read the body as CSV with the columns of a layout. Raises what reading a file raises, or 415."""
    if request.mimetype != "text/csv":
        raise UnsupportedMediaType
    return csv_files.read_bytes(_SOURCE, request.get_data(), layout)


def told(taken: TakenCosts | TakenBudgets) -> dict[str, Any]:
    """Tell what a file brought, and what waits for another person."""
    return {
        "added": taken.added, "unchanged": taken.unchanged, "proposals": [proposed(each) for each in taken.proposals],
    }  # fmt: skip
