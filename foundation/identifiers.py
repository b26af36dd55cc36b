"""The public numbers of Danish organisations, and their check digits."""

from __future__ import annotations

from stdnum import ean
from stdnum.dk import cvr
from stdnum.exceptions import ValidationError

from foundation.language import Text

CVR_DIGITS = 8
GLN_DIGITS = 13


def is_cvr_shaped(number: str) -> bool:
    """Tell whether a text has the eight digits of a CVR number, whatever its check digit."""
    return len(number) == CVR_DIGITS and number.isascii() and number.isdigit() and number[0] != "0"


def cvr_fault(number: str) -> Text | None:
    """Say what is wrong with a CVR number: eight digits, modulus 11 with the weights 2 7 6 5 4 3 2 1."""
    if not is_cvr_shaped(number):
        return Text(f"{number!r} er ikke et CVR-nummer: otte cifre", f"{number!r} is no CVR number: eight digits")
    try:
        cvr.validate(number)
    except ValidationError:
        return Text(
            f"CVR-nummeret {number} har et forkert kontrolciffer (modulus 11)",
            f"the CVR number {number} has a wrong check digit (modulus 11)",
        )
    return None


def gln_fault(number: str) -> Text | None:
    """Say what is wrong with a GLN (EAN-nummer): thirteen digits, the last a GS1 check digit."""
    if len(number) != GLN_DIGITS or not (number.isascii() and number.isdigit()):
        return Text(f"{number!r} er ikke et GLN: tretten cifre", f"{number!r} is no GLN: thirteen digits")
    if not ean.is_valid(number):
        right = number[:-1] + ean.calc_check_digit(number[:-1])
        return Text(
            f"GLN {number} har et forkert kontrolciffer (med de første tolv cifre ville det være {right})",
            f"the GLN {number} has a wrong check digit (with its first twelve digits it would be {right})",
        )
    return None
