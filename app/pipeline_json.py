"""The pipeline as JSON, the same by command and by API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agreements.road import journeys
from billing.funding import chances
from billing.funding.chances import Chance
from billing.funding.outlook import Prospect
from foundation.money import Money


def case(row: Prospect) -> dict[str, Any]:
    """Write who may join, with what it would bring; `journey` is null for what was written by hand."""
    of, task = row.case, None if row.case.journey is None else journeys.next_task(row.case.journey)
    return {
        "cvr": of.cvr, "name": of.name, "product": of.product, "journey": None if of.journey is None else of.journey.id,
        "version": of.version, "stage": of.stage, "since": of.since, "next": None if task is None else task.key,
        "questions_waiting": row.asked, "expected_from": of.expected_from, "percent": of.percent,
        "basis": of.basis, "first_year_ore": _ore(row.first), "whole_year_ore": _ore(row.full),
        "expected_first_year_ore": _ore(row.counted), "expected_whole_year_ore": _ore(row.counted_full),
        "outcome": of.outcome, "source": of.source,
    }  # fmt: skip


def steps(found: Mapping[str, Chance]) -> list[dict[str, Any]]:
    """Write how likely each step is, by what, and how many journeys that is learned from, or would be."""
    return [
        {"stage": step, "percent": chance.percent, "basis": chance.basis, "given_percent": chance.given,
         "ended": chance.ended, "connected": chance.came, "enough": chances.ENOUGH}
        for step, chance in found.items()
    ]  # fmt: skip


def _ore(amount: Money | None) -> int | None:
    return None if amount is None else amount.ore
