"""The reminder as a value: which invoices are owed, what is charged for the delay, and what is to be paid now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Literal

from billing.document import Party, PaymentWays, References
from foundation import plain
from foundation.audit import canonical
from foundation.language import Text
from foundation.money import Money


@dataclass(frozen=True, slots=True)
class RemindedInvoice:
    """An invoice that was due and is not paid, and what of it is still owed."""

    number: str
    issued_on: date
    due_on: date
    outstanding: Money


@dataclass(frozen=True, slots=True)
class ReminderCharge:
    """What the delay costs: the fee for reminding, interest, or the compensation for collecting. None bears VAT.

    `earlier` is what earlier reminders charged and is not paid.
    """

    kind: Literal["fee", "interest", "compensation", "earlier"]
    text: Text
    amount: Money


@dataclass(frozen=True, slots=True)
class ReminderDocument:
    """A whole reminder as sent. `sequence` counts the reminders of a debt from 1; `due_on` is the new due date."""

    number: str
    sequence: int
    issued_on: date
    due_on: date
    seller: Party
    seller_vat_registered: bool
    buyer: Party
    references: References
    invoices: tuple[RemindedInvoice, ...]
    charges: tuple[ReminderCharge, ...]
    outstanding: Money  # of the invoices
    charged: Money  # for the delay
    to_pay: Money
    payment: PaymentWays
    notices: tuple[Text, ...]


def to_json(reminder: ReminderDocument) -> str:
    """Write a reminder as canonical JSON."""
    return canonical(plain.written(reminder))


def from_json(text: str) -> ReminderDocument:
    """Read a reminder back. Raises ValueError where the text is none."""
    return plain.read(ReminderDocument, json.loads(text))
