"""Rounds of all that comes by itself: each step finds its work by the state of things, and does what is due.

A step that fails is told, and the others go on; the next round tries again. Further steps are added to `STEPS`.

usage: python -m app.rounds --every SECONDS --starter PID        started by `serve --work`
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from agreements import correspondence, offers
from agreements.offered import Offer
from app import clock, config, create_ground, database, delivering, mailing, reminder_work, road_work
from app.adapters import starter
from app.annual_work import InNameOf, Surroundings
from app.config import Config
from billing import payments, reminder_plan, reminder_terms
from billing.funding import costs, recurring
from foundation.errors import DomainError
from foundation.language import Text, joined, same

#: Who is recorded for what comes by itself.
ACTOR = "tjenesten"

_log = logging.getLogger("os2tilslut.rounds")


class Came(NamedTuple):
    """What a step came to; `is_whole` where nothing of it failed."""

    told: Text
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of work that comes by itself."""

    name: str
    title: Text
    do: Callable[[Surroundings], Came]


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was tried."""

    step: Step
    came: Came

    @property
    def text(self) -> Text:
        """What came of it, as a line to read."""
        return self.step.title + same(": ") + self.came.told


def expire(surroundings: Surroundings) -> Came:
    """Let offers run out whose last day has passed."""
    with surroundings.reading() as session:
        due = offers.running_out(session, clock.today(surroundings.config))
    if not due:
        return Came(_NOTHING)
    with surroundings.writing() as (session, trail):
        return Came(_names(offers.expire_due(session, trail)))


def remind(surroundings: Surroundings) -> Came:
    """Remind those who have not signed, on the days that the settings say."""
    with surroundings.reading() as session:
        after = correspondence.current(session).reminders
        due = offers.to_remind(session, after, clock.today(surroundings.config))
    if not due:
        return Came(_NOTHING)
    with surroundings.writing() as (session, trail):
        return Came(_names(offers.remind_due(session, after, trail)))


def match(surroundings: Surroundings) -> Came:
    """Place the payments that are certain on their invoices; the others wait for a person."""
    with surroundings.reading() as session:
        found = payments.findings(session, payments.waiting(session))
    if not any(each.finding.is_certain for each in found):
        return Came(_NOTHING)
    with surroundings.writing() as (session, trail):
        found = payments.match_certain(session, clock.today(surroundings.config), trail)
    placed = sum(each.finding.is_certain for each in found)
    return Came(
        Text(f"{placed} placeret, {len(found) - placed} venter", f"{placed} placed, {len(found) - placed} wait")
    )


def remind_of_invoices(surroundings: Surroundings) -> Came:
    """Issue the reminders of invoices that are due, where a standing rule of the association lets it be."""
    on = clock.today(surroundings.config)
    with surroundings.reading() as session:
        terms = reminder_terms.current(session)
        if not terms.automatic or not reminder_plan.plan(session, on, terms).items:
            return Came(_NOTHING)
    issued = reminder_work.issue(surroundings, on)
    return Came(same(", ".join(issued.numbers)) if issued.numbers else _NOTHING)


def book_costs(surroundings: Surroundings) -> Came:
    """Book the recurring costs that have come, and the months of those that are spread."""
    on = clock.today(surroundings.config)
    with surroundings.reading() as session:
        if not recurring.due(session, on) and not costs.accruals_due(session, on):
            return Came(_NOTHING)
    with surroundings.writing() as (session, trail):
        came, months = recurring.book_due(session, on, trail), costs.accrue(session, on, trail)
    return Came(
        Text(
            f"{came} faste omkostninger og {months} måneder bogført", f"{came} recurring costs, {months} months booked"
        )
    )


def remind_of_promises(surroundings: Surroundings) -> Came:
    """Remind those who want it of what was promised on the road."""
    written = road_work.remind(surroundings)
    return Came(Text(f"{written} breve skrevet", f"{written} letters written") if written else _NOTHING)


def let_go(surroundings: Surroundings) -> Came:
    """Ask about quiet journeys, and empty what the road kept long enough."""
    found = road_work.let_go(surroundings)
    asked, emptied = len(found.ask), len(found.empty) + len(found.inquiries) + len(found.showings)
    told = Text(f"{asked} spurgt, {len(found.end)} sluttet, {emptied} tømt",
                f"{asked} asked, {len(found.end)} ended, {emptied} emptied")  # fmt: skip
    return Came(told if found else _NOTHING)


def seal(surroundings: Surroundings) -> Came:
    """Seal what is countersigned."""
    from app import seals  # late: a server starts without what makes them

    with surroundings.reading() as session:
        if not seals.waits(session):
            return Came(_NOTHING)
    done = seals.seal_waiting(surroundings)
    told = [Text(f"{len(done.sealed)} forseglet", f"{len(done.sealed)} sealed"), *done.failed.values()]
    return Came(joined(told, by="; "), is_whole=not done.failed)


def send(surroundings: Surroundings) -> Came:
    """Send the letters that are due; those given up stand on their list."""
    done = mailing.send_due(surroundings)
    sent, put_off, failed = (done.outcomes[outcome] for outcome in ("sent", "deferred", "failed"))
    if not done.outcomes:
        return Came(_NOTHING)
    told = Text(
        f"{sent} sendt, {put_off} udskudt, {failed} kunne ikke sendes",
        f"{sent} sent, {put_off} put off, {failed} could not be sent",
    )
    if done.is_late:
        told += Text("; resten venter til næste omgang", "; the rest waits for the next round")
    return Came(told, is_whole=not (done.is_down or failed))


def deliver(surroundings: Surroundings) -> Came:
    """Hand over the documents that are due, and take receipts in."""
    done = delivering.deliver(surroundings)
    if done.held:
        return Came(joined(list(done.silent.values()), by="; "), is_whole=False)
    if not (done.handed_over or done.receipts or done.deferred or done.failed or done.refused or done.reminders):
        return Came(_NOTHING)
    told = Text(
        f"{done.handed_over} afleveret, {done.receipts} kvitteringer, {len(done.deferred)} udskudt, "
        f"{len(done.failed)} opgivet, {len(done.reminders)} rykkere som brev",
        f"{done.handed_over} handed over, {done.receipts} receipts, {len(done.deferred)} put off, "
        f"{len(done.failed)} given up, {len(done.reminders)} reminders as letters",
    )
    return Came(told, is_whole=not done.deferred and done.is_well)


_NOTHING = Text("intet at gøre", "nothing to do")


def _names(found: Sequence[Offer]) -> Text:
    return same(", ".join(each.name for each in found)) if found else _NOTHING


#: Everything that comes by itself, in this order: what one step writes, a later one sends in the same round.
STEPS: tuple[Step, ...] = (
    Step("expire", Text("Tilbud, der udløber", "Offers that run out"), expire),
    Step("remind", Text("Påmindelser", "Reminders"), remind),
    Step("match", Text("Betalinger", "Payments"), match),
    Step("dun", Text("Rykkere for fakturaer", "Reminders of invoices"), remind_of_invoices),
    Step("costs", Text("Faste omkostninger", "Recurring costs"), book_costs),
    Step("seal", Text("Forsegling", "Sealing"), seal),
    Step("promises", Text("Det lovede på vejen", "What was promised on the road"), remind_of_promises),
    Step("keeping", Text("Hvad vejen gemmer", "What the road keeps"), let_go),
    Step("deliver", Text("Afleveringer", "Deliveries"), deliver),
    Step("letters", Text("Breve", "Letters"), send),
)


def one(surroundings: Surroundings, steps: Sequence[Step] = STEPS) -> Iterator[Done]:
    """Go one round, step by step. Needs an application context."""
    for step in steps:
        yield Done(step, _came(step, surroundings))


def _came(step: Step, surroundings: Surroundings) -> Came:
    try:
        return step.do(surroundings)
    except DomainError as refused:
        return Came(refused.text, is_whole=False)
    except DBAPIError as error:
        return Came(database.explained(error).text, is_whole=False)
    except Exception as error:
        _log.exception("step %s failed", step.name)
        return Came(Text(f"fejl: {type(error).__name__}", f"error: {type(error).__name__}"), is_whole=False)


def in_name_of_the_service(settings: Config) -> InNameOf:
    """Give the surroundings of what comes by itself."""
    return InNameOf(settings, ACTOR)


def main() -> None:
    """Go round after round until the process that started this one is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, required=True)
    parser.add_argument("--starter", type=int, required=True)
    given = parser.parse_args()
    starter.end_with(given.starter)
    settings = config.read()
    with create_ground(settings).app_context():
        while True:
            for done in one(in_name_of_the_service(settings)):
                if not done.came.is_whole:
                    _log.warning("%s", done.text.en)
            time.sleep(given.every)


if __name__ == "__main__":
    main()
