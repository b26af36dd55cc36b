"""Reminders and their plans as JSON, the same for the command line and the API."""

from __future__ import annotations

from typing import Any

from billing import interest
from billing.interest import Rate
from billing.reminder_plan import Item, Plan
from billing.withdrawals import Arrears
from foundation.language import Language


def plan(made: Plan, language: Language) -> dict[str, Any]:
    """Give a plan: what would be sent, what is stopped and why."""
    return {
        "on": str(made.on), "digest": made.digest, "terms": made.terms.digest,
        "statement_to": made.covered_to and str(made.covered_to), "automatic": made.terms.automatic,
        "outstanding_ore": made.outstanding.ore, "charged_ore": made.charged.ore,
        "items": [_item(item, language) for item in made.items],
        "stopped": [_item(item, language) for item in made.stopped],
    }  # fmt: skip


def _item(item: Item, language: Language) -> dict[str, Any]:
    return {
        "invoice": item.owed.number, "level": item.level, "authority": {"cvr": item.cvr, "name": item.authority},
        "due_on": str(item.owed.due_on), "overdue_days": item.overdue_days,
        "outstanding_ore": item.owed.outstanding.ore, "fee_ore": item.fee.ore,
        "compensation_ore": item.compensation.ore, "interest_ore": item.interest.amount.ore,
        "to_pay_ore": item.to_pay.ore, "why": item.why[language],
        "stops": [{"code": stop.code.value, "text": stop.text[language]} for stop in item.stops],
    }  # fmt: skip


def row(found: Any) -> dict[str, Any]:
    """Give an issued reminder."""
    return {
        "number": found.number, "invoice": found.invoice, "level": found.level,
        "authority": {"cvr": found.cvr, "name": found.authority}, "issued_on": str(found.issued_on),
        "due_on": str(found.due_on), "outstanding_ore": found.outstanding_ore, "fee_ore": found.fee_ore,
        "compensation_ore": found.compensation_ore, "interest_ore": found.interest_ore, "to_pay_ore": found.to_pay_ore,
    }  # fmt: skip


def rate(found: Rate) -> dict[str, Any]:
    """Give a reference rate."""
    percent = interest.in_words(found.hundredths).en.removesuffix(" %")
    return {"valid_from": str(found.valid_from), "percent": percent, "source": found.source}


def arrears(found: Arrears) -> dict[str, Any]:
    """Give a member that owes its dues despite a reminder."""
    return {
        "authority": {"cvr": found.cvr, "name": found.authority}, "invoice": found.invoice,
        "outstanding_ore": found.outstanding.ore, "reminder": found.reminder, "level": found.level,
        "due_on": str(found.due_on), "proposal": found.proposal_id,
    }  # fmt: skip
