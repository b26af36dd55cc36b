"""A fee table by two people: one proposes its text, another adopts exactly that; its product is registered with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from agreements import products
from fee_tables import catalogue
from fee_tables.reader import TableFault, TableRefused
from fee_tables.text import Decision
from foundation import proposals
from foundation.audit import Trail
from foundation.errors import Refused
from foundation.language import Text
from foundation.proposals import Proposal

#: How faults name a text that came from no file.
NAME = "forslag"


class AdoptedAlready(Refused):
    """The table stands adopted word for word."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What adopting did: the decisions by the name their text came with, and the products that are new by them."""

    decisions: Mapping[str, Decision]
    products: tuple[str, ...]


def check(session: Session, text: str, name: str = NAME) -> Decision:
    """Read a text and hold it against what is adopted. Raises TableRefused with every fault, or AdoptedAlready."""
    found = catalogue.check({name: text}, catalogue.adopted_digests(session), catalogue.read(session))
    if not found:
        raise AdoptedAlready(
            Text("tabellen er allerede vedtaget ord for ord", "the table is adopted already, word for word")
        )
    return found[name]


def tried(session: Session, text: str) -> tuple[Decision | None, Sequence[TableFault]]:
    """Check a text for somebody who is still writing it: the decision, or none and every fault with its line."""
    try:
        return check(session, text), ()
    except TableRefused as refused:
        return None, refused.faults[NAME]
    except AdoptedAlready as already:
        return None, (TableFault(1, already.text),)


def propose(session: Session, text: str, trail: Trail) -> Proposal:
    """Propose a table; it takes the place of one proposed for the same product and day.

    Raises TableRefused with every fault, or AdoptedAlready.
    """
    decision = check(session, text)
    kind, product = catalogue.line_of(decision)
    subject = f"{product or kind} {catalogue.first_day_of(decision)}"
    return proposals.propose_newest(session, "table", subject, text, trail)


def approve(session: Session, id_: int, trail: Trail) -> Adopted:
    """Adopt a proposed table, another person than who proposed it; the caller commits both or neither.

    Raises what `proposals.decide` and `adopt` raise; the caller then rolls back.
    """
    proposal = proposals.approve(session, id_, "table", trail)
    return adopt(session, {proposal.subject: proposal.content}, trail)


def adopt(session: Session, texts: Mapping[str, str], trail: Trail) -> Adopted:
    """Adopt a set of texts by their names, all or none, and register their products.

    Raises TableRefused with file, line and reason, or LooksLikeAnother.
    """
    new = catalogue.adopt(session, texts, trail)
    names = [product for kind, product in map(catalogue.line_of, new.values()) if kind == "fee_table"]
    return Adopted(new, tuple(products.register_unknown(session, names, trail)))
