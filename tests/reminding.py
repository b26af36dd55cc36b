"""Reminders for tests: terms, rates and statements put in place by the people they take, and days that go by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import deliveries, holds, interest, reminder_files, reminder_terms, reminders, seller
from billing.einvoice.rule_packs import Failure, RulePack
from billing.gathering import INVOICES
from billing.interest import Rate
from billing.reminder_files import RENDERINGS
from billing.verdicts import Task
from foundation.audit import Trail
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


def left(line: CommandLine) -> None:
    """Note of every reminder that lies here that people sent it, so that its days run."""
    listed = [each["number"] for each in line.json("reminders", "list")["reminders"]]
    gone = {each["number"] for each in line.json("deliver", "list")["deliveries"] if each["state"] == "handed_over"}
    if numbers := [number for number in listed if number not in gone]:
        line.done("deliver", "by-hand", *numbers, "--by", "En Forbereder")


def leave(session: Session, trail: Trail, numbers: Sequence[str]) -> None:
    """Make the papers of reminders, and note that people sent them."""
    lacking = reminder_files.missing(session)
    reminder_files.store(session, [(each, reminder_files.render(each)) for each in lacking], trail)
    for number in numbers:
        deliveries.by_hand(session, number, trail, now=trail.at)


def codes(plan: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Give what stands in the way, by invoice."""
    return [(item["invoice"], [stop["code"] for stop in item["stops"]]) for item in plan["stopped"]]


#: A day when all that is issued by the middle of January is overdue.
LATE = date(2027, 4, 1)


def keep(line: CommandLine) -> None:
    """Keep some of everything: rates, holds and their ends, reminders with their papers and verdicts."""
    enter_rates(line)
    decide(line, fee=100, interest="true")
    bank(line, date(2027, 6, 1))
    acting.by(line, PREPARER, _hold_twice)
    made = acting.by(line, PREPARER, lambda session, trail: reminders.hand_over(session, trail, on=LATE))
    acting.by(line, APPROVER, lambda session, trail: reminders.approve(session, made.id, trail))
    acting.by(line, PREPARER, _issue)


def _hold_twice(session: Session, trail: Trail) -> None:
    found = select(INVOICES.c.number).where(INVOICES.c.series == "2027").order_by(INVOICES.c.id)
    number = session.execute(found.limit(1)).scalar_one()
    for why in ("Opdigtet", "Opdigtet igen"):
        held = holds.hold(session, number, "disputed", why, trail, on=LATE, until=None)
        holds.end(session, number, held.id, why, trail, on=LATE)


def _issue(session: Session, trail: Trail) -> None:
    """Issue what is approved, with its papers, and verdicts on two of them as a pack that is not here gives them."""
    terms = seller.current(session)
    assert terms is not None
    reminders.issue(session, terms, trail, on=LATE)
    lacking = reminder_files.missing(session)
    reminder_files.store(session, [(each, reminder_files.render(each)) for each in lacking], trail)
    found = select(RENDERINGS.c.id).where(RENDERINGS.c.format == "oioubl").order_by(RENDERINGS.c.id).limit(2)
    pack = RulePack("oioubl", "1.17.2", Path(), "0" * 64)
    warning = Failure("oioubl", "warning", "W-REM001", "/Reminder[1]", "A warning.")
    tasks = [(Task(id_, pack, b""), (warning,)) for id_ in session.execute(found).scalars()]
    reminder_files.store_verdicts(session, tasks, trail)
