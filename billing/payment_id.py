"""The payment id of a joint payment form (FIK), type 71: how an incoming payment names its invoice.

An id has fifteen digits, and is made from the invoice number alone:

    realm 1 | class 1 | year 4 | sequence 8 | check digit 1

The realm keeps a rehearsal's ids apart from real ones; the class leaves room for credit notes and reminders.
The check digit is modulus 10 (Luhn): any one wrong digit is noticed.
"""

from __future__ import annotations

from stdnum import luhn

_LENGTH = 15

#: First digit: who may ever be paid by it. A rehearsal's id can never meet a real one.
_REAL, _REHEARSAL = "1", "9"

#: Second digit: the class of document. 2 is kept for credit notes, 3 for reminders.
_INVOICE = "1"

_LAST_SEQUENCE = 99_999_999


def is_valid(id: str) -> bool:
    """Say whether an id has fifteen digits of which the last is the check digit."""
    return _has_digits(id, _LENGTH) and bool(luhn.is_valid(id))


def fik_id(fourteen_digits: str) -> str:
    """Give the fifteen digits: these fourteen and their check digit.

    Raises ValueError where they are not fourteen digits.
    """
    if not _has_digits(fourteen_digits, _LENGTH - 1):
        raise ValueError(f"a payment id is made of fourteen digits, not {fourteen_digits!r}")
    return fourteen_digits + str(luhn.calc_check_digit(fourteen_digits))


def for_invoice(year: int, sequence: int, *, rehearsal: bool) -> str:
    """Give the payment id of an invoice number: the same one each time, and no other number has it.

    Raises ValueError where the year has not four digits or the sequence is not from 1 to 99,999,999.
    """
    if not 1000 <= year <= 9999:
        raise ValueError(f"a year has four digits, not {year}")
    if not 1 <= sequence <= _LAST_SEQUENCE:
        raise ValueError(f"a sequence is from 1 to {_LAST_SEQUENCE}, not {sequence}")
    return fik_id(f"{_REHEARSAL if rehearsal else _REAL}{_INVOICE}{year}{sequence:08d}")


def _has_digits(text: str, count: int) -> bool:
    # isdigit alone also takes digits of other alphabets.
    return len(text) == count and text.isascii() and text.isdigit()
