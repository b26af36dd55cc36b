"""Members that do not pay their dues despite a reminder: who they are, and proposing that one leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app import database, reminder_json
from app.api import answers, ground, writes
from app.api.fee_tables import proposed
from app.api.writes import Answer
from app.schemas import WithdrawalOrder
from app.web import layout
from billing import withdrawals
from foundation.audit import Trail

room = ground.room("withdrawals", "Members that owe their dues despite a reminder")


@ground.reads(room, "/withdrawals", "reminders.plan", answers.Withdrawals)
def list_withdrawals(query: object) -> Any:
    """List the members that owe dues though a reminder's time is out, with the proposal that waits."""
    with database.reading() as session:
        found = withdrawals.candidates(session, layout.today())
    return {"items": [reminder_json.arrears(each) | {"due_on": each.due_on} for each in found]}


@ground.writes(room, "/withdrawals/proposals", "reminders.send", WithdrawalOrder, answers.Proposed)
def propose_withdrawal(query: object, sent: Mapping[str, Any]) -> Any:
    """Propose that a member in arrears leaves; another person decides it, in the browser."""

    def act(session: Session, trail: Trail) -> Answer:
        order = (sent["cvr"], sent["left_on"], sent["reason"])
        return Answer(proposed(withdrawals.propose(session, *order, trail, on=layout.today())))

    return writes.once(act)
