"""What names a line. A key is unique in its book, so nothing is invoiced twice, taken back twice or followed twice.

annual_fee|CVR|product|signing day|year            the line; keys end in a day or a year
credit|annual_fee|CVR|product|signing day|year     the line that takes it back
annual_fee|CVR|product|signing day|year~2          the one that follows it, where it may be invoiced again
"""

from __future__ import annotations

import re

_TAKEN_BACK = "credit|"
_AGAIN = re.compile(r"(?P<base>.*)~(?P<time>[0-9]+)", re.DOTALL)


def credit_of(key: str) -> str:
    """Name the line that takes a line back."""
    return _TAKEN_BACK + key


def taken_back_by(key: str) -> str | None:
    """Give the key of the line that one takes back; None for a line of an invoice."""
    return key.removeprefix(_TAKEN_BACK) if key.startswith(_TAKEN_BACK) else None


def base_of(key: str) -> str:
    """Give what a line is for, however often it was taken back and invoiced again."""
    found = _AGAIN.fullmatch(key)
    return found["base"] if found else key


def next_of(key: str) -> str:
    """Name the line that follows one taken back."""
    found = _AGAIN.fullmatch(key)
    return f"{found['base']}~{int(found['time']) + 1}" if found else f"{key}~2"


def previous_of(key: str) -> str | None:
    """Give the key of the line that one follows; None for a first one."""
    found = _AGAIN.fullmatch(key)
    if found is None:
        return None
    time = int(found["time"]) - 1
    return f"{found['base']}~{time}" if time > 1 else found["base"]
