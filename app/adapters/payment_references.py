"""What a payment says it is for, found in a bank's words: the id of a joint payment form, a creditor reference."""

from __future__ import annotations

import re

# Each begins with its letters, and looks back from there: so a long text is skipped as fast as it is copied.
_FORM = re.compile(r"71(?<![0-9]71)\s?[<>/#]\s?([0-9]{15})(?![0-9])")
_CREDITOR_REFERENCE = re.compile(r"RF(?<![A-Z0-9]RF)[0-9]{2}[A-Z0-9]{1,21}(?![A-Z0-9])")


def fik_id(words: str) -> str:
    """Give the fifteen digits behind `71/` or `+71<`, right or mistyped; empty where there are none."""
    found = _FORM.search(words)
    return found[1] if found else ""


def creditor_reference(words: str) -> str:
    """Give the ISO 11649 reference (RF…), right or mistyped; empty where there is none."""
    found = _CREDITOR_REFERENCE.search(words)
    return found[0] if found else ""
