"""Where a person says that money goes, in the numbers people know: read as the parts that are placed.

Pages, programs and commands name invoices, authorities, accounts and refunds; a part names the rows behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import products
from authorities.register import AUTHORITIES
from billing import balances, ledger, payments
from billing.matching import Part
from billing.payments import EVER, Placing, Unplaceable
from foundation.language import Text
from foundation.money import ZERO, Money


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where money goes: on invoices and what their reminders charge, by number; to credits, by CVR; on accounts.

    A refund is named by its own number, and paid in whole where no amount stands. Single contributions to funds go by
    product; `giver` is the CVR of the authority that gave them, where one did.
    """

    invoices: Sequence[tuple[str, Money]] = ()
    charges: Sequence[tuple[str, Money]] = ()
    credits: Sequence[tuple[str, Money]] = ()
    accounts: Sequence[tuple[str, Money]] = ()
    refunds: Sequence[tuple[int, Money | None]] = ()
    contributions: Sequence[tuple[str, Money]] = ()
    giver: str | None = None


def parts(session: Session, wanted: Wanted) -> tuple[Part, ...]:
    """Give the parts that are wanted. Raises Unplaceable for what is not there, or cannot take any money."""
    return (
        *_of_invoices(session, wanted.invoices),
        *payments.charge_parts(session, wanted.charges),
        *(Part(amount, _authority(session, cvr)) for cvr, amount in wanted.credits),
        *(Part(amount, account=account) for account, amount in wanted.accounts),
        *_of_refunds(session, wanted.refunds),
        *_to_funds(session, wanted.contributions, wanted.giver),
    )


def of_credit(session: Session, cvr: str, number: str, amount: Money) -> Placing:
    """Use an authority's credit on an invoice of its own. Raises Unplaceable."""
    authority_id = _authority(session, cvr)
    owed = balances.outstanding(session, EVER, authority_id=authority_id).values()
    found = next((each for each in owed if each.number == number), None)
    if found is None:
        raise Unplaceable(Text("myndigheden har ingen sådan faktura", "the authority has no such invoice"))
    if amount <= ZERO:
        raise Unplaceable(Text("skriv et beløb over nul", "write an amount above zero"))
    why = Text(f"til gode brugt på {number}", f"credit used on {number}")
    return Placing(None, (Part(amount, authority_id, found.invoice_id),), "credit", why)


def _of_invoices(session: Session, amounts: Sequence[tuple[str, Money]]) -> list[Part]:
    owed = payments.named(session, [number for number, _ in amounts]) if amounts else {}
    for number, _ in amounts:
        if number not in owed:
            raise Unplaceable(
                Text(f"{number} er ikke en faktura, der mangler noget", f"{number} is no invoice that owes anything")
            )
    return [Part(amount, owed[number].authority_id, owed[number].invoice_id) for number, amount in amounts]


def _to_funds(session: Session, amounts: Sequence[tuple[str, Money]], giver: str | None) -> list[Part]:
    if not amounts:
        return []
    numbers, gave = products.accounts_by_name(session), _authority(session, giver) if giver else None
    for product, _ in amounts:
        if product not in numbers:
            raise Unplaceable(
                Text(f"intet produkt hedder {product}; skriv navnet, som det står i registret",
                     f"no product is called {product}; write its name as the register has it")
            )  # fmt: skip
    return [
        Part(amount, gave, account=ledger.contribution_account(product, numbers[product]), product=product)
        for product, amount in amounts
    ]


def _authority(session: Session, cvr: str) -> int:
    found = session.scalar(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr))
    if found is None:
        raise Unplaceable(Text(f"ingen myndighed har CVR {cvr}", f"no authority has CVR {cvr}"))
    return int(found)


def _of_refunds(session: Session, wanted: Sequence[tuple[int, Money | None]]) -> list[Part]:
    due = {each.id: each for each in payments.refunds_due(session)} if wanted else {}
    for id_, _ in wanted:
        if id_ not in due:
            raise Unplaceable(
                Text(f"tilbagebetaling {id_} findes ikke, eller er betalt",
                     f"there is no refund {id_} that is to be paid")
            )  # fmt: skip
    return [
        Part(-due[id_].amount if amount is None else amount, due[id_].authority_id, refund_id=id_)
        for id_, amount in wanted
    ]
