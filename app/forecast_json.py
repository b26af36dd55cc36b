"""What figures of forecasts are made of as JSON, the same by command and by API."""

from __future__ import annotations

from typing import Any

from billing.funding.forecast import Change, Forecast, Score
from billing.funding.forecast_parts import Row
from foundation.language import Text
from foundation.money import Money


def terms(made: Forecast) -> list[dict[str, Any]]:
    """Write the terms of a range; by its name each is taken apart."""
    return [
        {"part": each.name, "text": each.text.en, "text_da": each.text.da, "low_ore": each.low.ore,
         "expected_ore": each.expected.ore, "high_ore": each.high.ore}
        for each in made.reasons
    ]  # fmt: skip


def changes(found: tuple[Change, ...], kind: str) -> list[dict[str, Any]]:
    """Write what moves one sum to another, by reason; by its name each is taken apart."""
    return [
        {"part": f"{kind}:{each.why}", "text": each.text.en, "text_da": each.text.da,
         "authorities": each.authorities, "amount_ore": each.amount.ore}
        for each in found
    ]  # fmt: skip


def score(found: Score) -> dict[str, Any]:
    """Write a kept forecast beside what was invoiced of its year."""
    made = found.kept.forecast
    return {
        "id": found.kept.id, "made_on": made.made_on, "low_ore": made.low.ore, "expected_ore": made.expected.ore,
        "high_ore": made.high.ore, "invoiced_ore": found.outcome.ore, "difference_ore": found.difference.ore,
        "is_within": found.is_within, "digest": found.kept.digest, "kept_by": found.kept.by, "terms": terms(made),
        "differences": changes(found.reasons, "difference"),
    }  # fmt: skip


def row(of: Row, *, names_invoices: bool) -> dict[str, Any]:
    """Write one thing that a figure is made of; what does not apply, or may not be seen, is null."""
    return {
        "cvr": of.cvr, "name": of.name, "kind": of.kind or None, "agreement": of.agreement_id, "on": of.on,
        "notice_to": of.ends_on, "band": of.band or None, "is_estimated": of.is_estimated,
        "fee_table": of.table.product if of.table else None,
        "fee_table_from": of.table.valid_from if of.table else None,
        **_text("why", of.why), **_text("why_before", of.why_before),
        "stage": of.stage or None, "expected_from": of.expected_from, "percent": of.percent, "journey": of.journey,
        "invoice": of.number if names_invoices else None, "before_ore": _ore(of.before), "after_ore": _ore(of.after),
        "whole_ore": _ore(of.whole), "amount_ore": _ore(of.amount),
    }  # fmt: skip


def _text(name: str, said: Text | None) -> dict[str, str | None]:
    return {name: said.en if said else None, f"{name}_da": said.da if said else None}


def _ore(amount: Money | None) -> int | None:
    return None if amount is None else amount.ore
