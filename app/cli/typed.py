"""What is typed behind a command: words that can be asked for, and amounts in kroner with a point before the øre."""

from __future__ import annotations

import click

from app.adapters import csv_files
from app.cli import output
from foundation.errors import Refused
from foundation.language import Text
from foundation.money import Money


class NotAnAmount(Refused):
    """What was written is no amount."""


def amount(given: str) -> Money:
    """Read an amount, below zero where money went out. Raises NotAnAmount."""
    sign = -1 if given.startswith("-") else 1
    try:
        return Money(sign * csv_files.kroner_as_ore(given.removeprefix("-")))
    except csv_files.WrongCell as wrong:
        raise NotAnAmount(wrong.reason) from None


class _Word(click.ParamType[str]):
    """A number or a name that a database can be asked for: bytes that are no UTF-8 are wrong arguments."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give the word, without space around it."""
        if not value.isprintable():
            self.fail(Text("er ikke læsbar tekst", "is no readable text")[output.language()], param, ctx)
        return value.strip()


WORD = _Word()
