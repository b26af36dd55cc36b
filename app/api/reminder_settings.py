"""The terms of reminding and the reference rates: what is in force, and proposing others; a person approves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app import database, reminder_json
from app.api import answers, ground, writes
from app.api.fee_tables import proposed
from app.api.writes import Answer
from app.schemas import RatesOrder, ReminderTermsText
from billing import interest, reminder_terms
from billing.interest import Rate
from foundation.audit import Trail

room = ground.room("reminder-settings", "The terms of reminding, and the reference rates of interest")


@ground.reads(room, "/reminder-terms", "settings.read", answers.ReminderTerms)
def terms(query: object) -> Any:
    """Give the terms of reminding that are in force."""
    with database.reading() as session:
        found, text = reminder_terms.current(session), reminder_terms.text(session)
    return {
        "text": text, "digest": found.digest, "decided_on": found.decided_on, "decided_by": found.decided_by,
        "proposal": found.proposal_id,
    }  # fmt: skip


@ground.writes(room, "/reminder-terms/proposals", "settings.propose", ReminderTermsText, answers.Proposed)
def propose_terms(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose terms of reminding; another person puts them in force, in the browser."""
    return writes.once(
        lambda session, trail: Answer(proposed(reminder_terms.propose(session, sent["text"], trail)))
    )  # fmt: skip


@ground.reads(room, "/interest-rates", "settings.read", answers.InterestRates)
def rates(query: object) -> Any:
    """List the reference rates that are entered, by the first day of their half-years."""
    with database.reading() as session:
        known = interest.known(session)
    return {"items": [reminder_json.rate(each) | {"valid_from": each.valid_from} for each in known.values()]}


@ground.writes(room, "/interest-rates/proposals", "settings.propose", RatesOrder, answers.Proposed)
def propose_rates(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose reference rates, each with its source; another person enters them, in the browser."""

    def act(session: Session, trail: Trail) -> Answer:
        given = [Rate(each["valid_from"], interest.percent(each["percent"]), each["source"]) for each in sent["rates"]]
        return Answer(proposed(interest.propose(session, given, trail)))

    return writes.once(act)
