"""Credit notes by two people: one prepares which lines go back and why, another approves exactly that, or rejects it.

What is proposed names its lines one by one, so it means the same on the day it is approved; it is checked on both days.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session

from billing import credits
from billing.credits import Issued, Order
from billing.seller import Seller
from foundation import proposals
from foundation.audit import Trail, canonical
from foundation.errors import Conflict
from foundation.language import Text
from foundation.proposals import Proposal


class WaitsAlready(Conflict):
    """A line is in another proposal that waits."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What preparing a credit note came to: it was issued at once, or it waits for another person."""

    issued: Issued | None
    waiting: Proposal | None


def prepare(session: Session, order: Order, seller: Seller, trail: Trail) -> Prepared:
    """Issue a credit note at once where the settings let one person do it; propose it where they do not.

    Raises NoSuchLine, NotCreditable, AlreadyCredited or WaitsAlready.
    """
    order = replace(order, prepared_by=trail.actor, approved_by="")
    checked = credits.check(session, order, seller)
    waiting = proposals.open_for(session, "credit", order.number)
    content = _content(checked.order)
    same = next((each for each in waiting if each.content == content), None)
    if same is not None:
        return Prepared(None, same)
    _refuse_waiting(checked.order, waiting)
    if not checked.needs_approval:
        return Prepared(credits.credit(session, checked.order, seller, trail), None)
    return Prepared(None, proposals.propose(session, "credit", order.number, content, trail))


def approve(session: Session, id_: int, seller: Seller, trail: Trail, *, on: date) -> Issued:
    """Issue the proposed credit note, another person than who prepared it; the caller commits both or neither.

    Raises what `proposals.decide` and `credits.credit` raise; the caller then rolls back.
    """
    proposal = proposals.approve(session, id_, "credit", trail)
    order = replace(order_of(proposal), on=on, approved_by=trail.actor)
    return credits.credit(session, order, seller, trail)


def order_of(proposal: Proposal) -> Order:
    """Read what a proposal would take back, dated as it was proposed."""
    found = json.loads(proposal.content)
    return Order(
        number=proposal.subject, reason=found["reason"], prepared_by=proposal.proposed_by,
        on=proposal.proposed_at.date(), lines=tuple(found["lines"]), then_reissue=found["then_reissue"],
    )  # fmt: skip


def _content(order: Order) -> str:
    return canonical(
        {
            "invoice": order.number, "lines": list(order.lines), "reason": order.reason.strip(),
            "then_reissue": order.then_reissue,
        }
    )  # fmt: skip


def _refuse_waiting(order: Order, waiting: list[Proposal]) -> None:
    for proposal in waiting:
        if both := sorted({*order.lines} & {*order_of(proposal).lines}):
            listed = ", ".join(map(str, both))
            raise WaitsAlready(
                Text(
                    f"{order.number}: linje {listed} står i forslag {proposal.id}, der venter; afgør det først",
                    f"{order.number}: line {listed} is in proposal {proposal.id}, which waits; decide that first",
                )
            )
