"""Reminders for tests: terms, rates and statements put in place by the people they take, and days that go by."""

from __future__ import annotations

from datetime import date
from typing import Any

from billing import interest, reminder_terms
from billing.interest import Rate
from tests.command_line import CommandLine
from tests.paying import payment, pays
from tests.scenarios import acting
from tests.scenarios.acting import APPROVER, PREPARER

DECIDED = {"decided_on": '"2026-10-01"', "decided_by": '"Generalforsamlingen"'}

#: Made up, for tests alone.
RATES = tuple(
    Rate(date(year, month, 1), hundredths, "opdigtet kilde")
    for year, month, hundredths in ((2027, 1, 160), (2027, 7, 185), (2028, 1, 210), (2028, 7, 200))
)


def terms(**changed: object) -> str:
    """Give the mild terms with some of them changed, as TOML."""
    lines = [line for line in reminder_terms.EXAMPLE.splitlines() if line.partition(" ")[0] not in changed]
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in changed.items())]) + "\n"


def decide(line: CommandLine, **changed: object) -> None:
    """Put terms in force: one proposes, another approves."""
    given = terms(**(DECIDED | changed))
    made = acting.by(line, PREPARER, lambda session, trail: reminder_terms.propose(session, given, trail))
    acting.by(line, APPROVER, lambda session, trail: reminder_terms.approve(session, made.id, trail))


def enter_rates(line: CommandLine, *rates: Rate) -> None:
    """Enter reference rates: one proposes, another approves."""
    made = acting.by(line, PREPARER, lambda session, trail: interest.propose(session, rates or RATES, trail))
    acting.by(line, APPROVER, lambda session, trail: interest.approve(session, made.id, trail))


def bank(line: CommandLine, to: date, *payments: dict[str, Any]) -> None:
    """Let a bank statement come in that tells of all days up to one; a payment of nothing stands for none."""
    pays(line, *payments, payment(0, to))


def approved(line: CommandLine) -> None:
    """Hand the plan over, approve it by another person, and issue it."""
    digest = line.json("reminders", "plan", "--hand-over", "--by", "En Forbereder")["digest"]
    line.done("reminders", "approve", "--digest", digest, "--by", "En Godkender")
    line.done("reminders", "issue")


def codes(plan: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Give what stands in the way, by invoice."""
    return [(item["invoice"], [stop["code"] for stop in item["stops"]]) for item in plan["stopped"]]
