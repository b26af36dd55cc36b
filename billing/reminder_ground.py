"""What reminding asks of payments: what money waits for its place that may be for an invoice."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from billing import payment_id, payments
from billing.balances import Owed
from billing.matching import Paid
from foundation.language import Text, day, kroner


def payments_waiting(session: Session, owed: Mapping[int, Owed], names: Mapping[int, str]) -> dict[int, Text]:
    """Tell for which invoices money may have come that has no place yet, in one query.

    It names the invoice by payment id or number, or is as much as is owed, or comes from the authority; `names` are
    those of authorities by id. Rather one reminder too few: whoever has paid is not to be reminded.
    """
    waiting = [
        (each, f"{each.message} {each.payer}".casefold()) for each in payments.waiting(session) if each.left.ore > 0
    ]
    found: dict[int, Text] = {}
    for id_, each in owed.items():
        name = names.get(each.authority_id, "").casefold()
        hit = next((paid for paid, words in waiting if _may_pay(paid, words, each, name)), None)
        if hit is not None:
            amount, on = kroner(hit.left), day(hit.booked_on)
            found[id_] = Text(f"{amount.da} fra {on.da} er ikke placeret", f"{amount.en} of {on.en} has no place yet")
    return found


def _may_pay(paid: Paid, words: str, owed: Owed, name: str) -> bool:
    return (
        paid.left == owed.outstanding
        or owed.number in words
        or (bool(paid.fik_id) and paid.fik_id == _fik(owed.number))
        or (bool(name) and name in words)
    )


def _fik(number: str) -> str:
    year, _, sequence = number.rpartition("-")
    return payment_id.for_invoice(int(year), int(sequence), rehearsal=False)
