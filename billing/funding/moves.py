"""What funds open with, and what is moved between them and the association: decided by two people, then booked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Row, Table, select
from sqlalchemy.orm import Session

from agreements import products
from billing import closed_periods, ledger, vouchers
from billing.funding.costs import ASSOCIATION, CostRefused
from billing.funding.models import FundMove
from billing.vouchers import Entry, Order
from foundation import append_only, proposals, wording
from foundation.audit import Trail, canonical
from foundation.language import Text
from foundation.money import ZERO, Money
from foundation.proposals import Proposal

MOVES: Table = FundMove.__table__  # type: ignore[assignment]

MOVED_ACTION = "fund.moved"
_KIND: proposals.Kind = "fund_move"
_LARGEST = Money(1_000_000_000_00)

Kind = Literal["opening", "transfer"]
TITLES: dict[str, Text] = {
    "opening": Text("Åbningssaldo", "Opening balance"), "transfer": Text("Overførsel", "Transfer"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """What a fund opens with, or what goes from one to another; without a product it is the association's fund."""

    kind: Kind
    to_product: str | None
    amount: Money
    on: date
    reason: str
    from_product: str | None = None


def propose(session: Session, move: Move, trail: Trail) -> Proposal:
    """Propose an opening balance or a transfer; the caller commits. Raises CostRefused."""
    if wrong := _faults(session, move):
        raise CostRefused(wrong)
    content = canonical({
        "kind": move.kind, "from_product": move.from_product, "to_product": move.to_product,
        "amount_ore": move.amount.ore, "on": move.on, "reason": move.reason,
    })  # fmt: skip
    subject = f"{move.kind} {move.from_product or ASSOCIATION} {move.to_product or ASSOCIATION} {move.on}"
    return proposals.propose(session, _KIND, subject, content, trail)


def _faults(session: Session, move: Move) -> dict[str, Text]:
    known, wrong = {None, *products.ids_by_name(session)}, dict[str, Text]()
    no_such = Text("produktet findes ikke; skriv navnet, som det står i registret",
                   "there is no such product; write its name as the register has it")  # fmt: skip
    if move.from_product not in known:
        wrong["from"] = no_such
    if move.to_product not in known:
        wrong["to"] = no_such
    if move.kind == "transfer" and move.from_product == move.to_product:
        wrong["to"] = Text("vælg en anden fond end den, pengene kommer fra",
                           "choose another fund than the one the money comes from")  # fmt: skip
    is_small = abs(move.amount.ore) <= _LARGEST.ore
    if not move.amount or not is_small or (move.kind == "transfer" and move.amount < ZERO):
        wrong["amount"] = Text("beløbet skal være over nul; en åbningssaldo kan være under",
                               "the amount is above zero; an opening balance may be below")  # fmt: skip
    if not move.reason.strip():
        wrong["reason"] = Text("skriv, hvad der er besluttet, og af hvem", "write what was decided, and by whom")
    elif fault := wording.fault(move.reason, wording.LONGEST_TEXT):
        wrong["reason"] = fault
    return wrong


def approve(session: Session, id_: int, trail: Trail) -> Move:
    """Decide a proposed move, another person than who proposed it, and book it. Raises what `proposals.decide` raises.

    What lies in a closed period is booked on the first open day.
    """
    move = move_of(proposals.approve(session, id_, _KIND, trail))
    on = max(move.on, closed_periods.first_open(session))
    words = f"{TITLES[move.kind].da}: {move.reason}"[:200]
    (voucher_id,) = vouchers.book(
        session, [Order(move.kind, f"move {id_}", on, words, entries_of(move))], trail
    )  # fmt: skip
    row = {
        "id": append_only.next_id(session, MOVES), "kind": move.kind, "from_product": move.from_product,
        "to_product": move.to_product, "amount_ore": move.amount.ore, "moved_on": move.on, "reason": move.reason,
        "proposal_id": id_, "voucher_id": voucher_id,
    }  # fmt: skip
    append_only.add(session, MOVES, [row])
    trail.record(MOVED_ACTION, f"move {row['id']}", {"proposal": id_, "ore": move.amount.ore}, rows=[(MOVES, row)])
    return move


def entries_of(move: Any) -> tuple[Entry, Entry]:
    """Give what a move books: to one fund, from another, or against what was there before all of this."""
    amount = move.amount if isinstance(move, Move) else Money(move.amount_ore)
    into = Entry(ledger.FUND, -amount, product=move.to_product)
    if move.kind == "opening":
        return Entry(ledger.OPENED, amount), into
    return Entry(ledger.FUND, amount, product=move.from_product), into


def move_of(proposal: Proposal) -> Move:
    """Read what a proposal would move."""
    said = json.loads(proposal.content)
    return Move(
        said["kind"], said["to_product"], Money(said["amount_ore"]), date.fromisoformat(said["on"]), said["reason"],
        said["from_product"],
    )  # fmt: skip


def listed(session: Session) -> Sequence[Row[Any]]:
    """Give the moves that were decided, the newest first, in one query."""
    return session.execute(select(MOVES).order_by(MOVES.c.moved_on.desc(), MOVES.c.id.desc())).all()
