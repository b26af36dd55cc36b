"""Reading a decision's TOML key by key: values out, and every fault noted with the line it stands on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, TypeGuard

from foundation import toml_text, wording
from foundation.errors import Refused
from foundation.language import Text, joined
from foundation.money import ORE_PER_KRONE, Money
from foundation.toml_text import NotToml, NotWhole

_FAULTS_KEPT = 50
_LARGEST_AMOUNT = 10**9  # kroner
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?")
_PERCENT = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{1,4})?)\s*%")
_FRACTION = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class TableFault:
    """One thing wrong in a table's text, with its line (1 is the first)."""

    line: int
    reason: Text


class TableRefused(Refused):
    """A table's text was refused; every fault stands with file and line."""

    def __init__(self, faults: Mapping[str, Sequence[TableFault]]) -> None:
        self.faults = faults
        super().__init__(
            joined(
                [
                    Text(f"{name}, linje {fault.line}: ", f"{name}, line {fault.line}: ") + fault.reason
                    for name, listed in faults.items()
                    for fault in listed
                ],
                by="\n",
            )
        )


@dataclass
class Reader:
    """Reads one TOML text key by key and collects the faults."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[TableFault] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            self.values = toml_text.parse(self.text)
        except NotToml as error:
            self.faults.append(TableFault(error.line, error.reason))

    def fault(self, reason: Text, *path: str, nth: int = 0) -> None:
        """Note what is wrong at a key (or at the first line); enough is enough for one page."""
        if len(self.faults) < _FAULTS_KEPT:
            self.faults.append(TableFault(self.line(*path, nth=nth), reason))

    def line(self, *path: str, nth: int = 0) -> int:
        """Find the line of a key: the top key by its own line, an inner one behind it, the n-th where it repeats."""
        if not path:
            return 1
        top = re.search(rf"^[ \t]*(?:\[\[?[ \t]*)?\"?{re.escape(path[0])}\b", self.text, re.MULTILINE)
        if top is None:
            return 1
        at, end = self._item(path[0], top.end(), nth)
        for key in path[1:]:
            inner = re.compile(rf"(?<!\w){re.escape(key)}\b\"?\s*=").search(self.text, at, end)
            if inner is None:
                break
            at = inner.start()
        return self.text.count("\n", 0, at) + 1

    def _item(self, top: str, at: int, nth: int) -> tuple[int, int]:
        """Give where the n-th item of a list of tables begins and ends; the rest of the text where it is no list."""
        if not isinstance(self.values.get(top), list):
            return at, len(self.text)
        header = re.compile(rf"^[ \t]*\[\[[ \t]*{re.escape(top)}[ \t]*\]\]", re.MULTILINE)
        starts = [found.start() for found in header.finditer(self.text)]
        starts = starts or [found.start() for found in re.compile(r"\{").finditer(self.text, at)]
        if nth >= len(starts):
            return at, len(self.text)
        return starts[nth], [*starts, len(self.text)][nth + 1]

    def only(self, allowed: set[str], found: Mapping[str, Any], *path: str, nth: int = 0) -> None:
        """Refuse keys that mean nothing here."""
        for key in found:
            if key not in allowed:
                written = wording.quoted(key)
                self.fault(Text(f"ukendt nøgle {written}", f"unknown key {written}"), *path, key, nth=nth)

    def words(self, key: str, default: str | None = None, longest: int = wording.LONGEST_TEXT) -> str:
        """Read a text on one line; required unless a default is given."""
        value = self.values.get(key, default)
        if value is None:
            self.fault(Text(f"nøglen {key} mangler", f"the key {key} is missing"))
        elif not isinstance(value, str) or not (value.strip() or default == ""):
            self.fault(Text(f"{key} skal være en tekst", f"{key} must be a text"), key)
        elif fault := wording.fault(wording.composed(value), longest):
            self.fault(Text(f"{key}: ", f"{key}: ") + fault, key)
        else:
            return wording.composed(value).strip()
        return ""

    def day(self, key: str) -> date:
        """Read a required day."""
        value = self.values.get(key)
        if is_day(value):
            return value
        if value is None:
            self.fault(Text(f"nøglen {key} mangler", f"the key {key} is missing"))
        else:
            self.fault(Text(f"{key} skal være en dag, fx 2027-01-01", f"{key} must be a day such as 2027-01-01"), key)
        return date.min

    def switch(self, key: str, default: bool) -> bool:
        """Read true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.fault(Text(f"{key} skal være true eller false", f"{key} must be true or false"), key)
            return default
        return value

    def inner(self, key: str) -> dict[str, Any]:
        """Read a required inline table; an empty one where it is missing or something else."""
        value = self.values.get(key)
        if isinstance(value, dict):
            return value
        self.fault(Text(f"{key} skal være en tabel {{ … }}", f"{key} must be a table {{ … }}"), key)
        return {}

    def amount(self, value: object, *path: str, nth: int = 0) -> Money:
        """Take an amount: whole kroner, or a text with øre."""
        if type(value) is int and 0 <= value <= _LARGEST_AMOUNT:
            return Money(value * ORE_PER_KRONE)
        if isinstance(value, str) and (found := _AMOUNT.fullmatch(value)):
            return Money(int(found[1]) * ORE_PER_KRONE + int((found[2] or "0").ljust(2, "0")))
        self.fault(_not_an_amount(value), *path, nth=nth)
        return Money(0)

    def share(self, value: object, *path: str) -> Fraction:
        """Take a share: a percentage or a fraction, at most the whole."""
        share: Fraction | None = None
        if isinstance(value, str):
            if found := _PERCENT.fullmatch(value.strip()):
                share = Fraction(found[1].replace(",", ".")) / 100
            elif (found := _FRACTION.fullmatch(value.strip())) and int(found[2]):
                share = Fraction(int(found[1]), int(found[2]))
        if share is None or share > 1:
            self.fault(
                Text(
                    'andelen skal være en tekst som "9 %" eller "1/3", højst det hele',
                    'the share must be a text such as "9 %" or "1/3", at most the whole',
                ),
                *path,
            )
            return Fraction(0)
        return share


def is_day(value: object) -> TypeGuard[date]:
    """Tell whether a value is a day, and one that can be reckoned with."""
    return type(value) is date and _FIRST_YEAR <= value.year <= _LAST_YEAR


def _not_an_amount(value: object) -> Text:
    if value is None:
        return Text("beløbet mangler", "the amount is missing")
    if isinstance(value, NotWhole | float):
        written = value.written[:20] if isinstance(value, NotWhole) else value
        return Text(
            f'kommatal er ikke tilladt: skriv hele kroner eller "22000.50" i stedet for {written}',
            f'floats are not allowed: write whole kroner or "22000.50" instead of {written}',
        )
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return Text("beløbet er negativt", "the amount is negative")
    return Text(
        'beløbet skal være hele kroner eller "22000.50", højst 1.000.000.000',
        'the amount must be whole kroner or "22000.50", 1,000,000,000 at most',
    )
