"""The year handed over: who prepared a plan says which, by its digest, and another person approves exactly that."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing import annual_run, approvals
from billing.approvals import Approval
from billing.gathering import Book
from billing.seller import Seller
from foundation import proposals
from foundation.audit import Trail
from foundation.errors import Conflict, Refused
from foundation.language import Text
from foundation.proposals import Proposal


class NothingToHandOver(Refused):
    """The plan has no new invoices."""


class NotHandedOver(Conflict):
    """Nobody has handed exactly that plan over."""


def waiting(session: Session, year: int, book: Book = "real") -> Proposal | None:
    """Give the plan of a year that was handed over and is not decided."""
    return next(iter(proposals.open_for(session, "plan", approvals.subject(year, book))), None)


def hand_over(
    session: Session, year: int, digest: str, seller: Seller, trail: Trail, *, book: Book = "real"
) -> Proposal:
    """Hand a plan over for approval, if it still has that digest; it takes the place of one handed over before.

    Raises PlanChanged where today's plan has another digest, and NothingToHandOver.
    """
    made = annual_run.plan(session, year, seller, book=book)
    if made.digest != digest:
        raise approvals.changed(year, made.digest)
    if not made.totals.invoices:
        raise NothingToHandOver(
            Text(f"{year}: intet nyt at fakturere, intet at godkende", f"{year}: nothing new to invoice or approve")
        )
    return proposals.propose_newest(session, "plan", approvals.subject(year, book), digest, trail)


def approve(session: Session, year: int, digest: str, seller: Seller, trail: Trail, *, book: Book = "real") -> Approval:
    """Approve the plan that another person handed over with exactly that digest; the caller commits both or neither.

    Raises NotHandedOver, SamePerson, PlanChanged or Faulty; the caller then rolls back.
    """
    proposal = waiting(session, year, book)
    if proposal is None or proposal.content != digest:
        raise NotHandedOver(
            Text(
                f"planen for {year} med kontrolsummen {digest[:12]} er ikke overdraget til godkendelse; "
                "læs den plan, der er, og bed den, der forbereder, om at overdrage den",
                f"the plan for {year} with the digest {digest[:12]} is not handed over for approval; "
                "read the plan as it is, and ask who prepares it to hand it over",
            )
        )
    proposals.decide(session, proposal.id, "approved", trail)
    return approvals.approve(session, year, digest, seller, trail, book=book)
