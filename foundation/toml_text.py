"""Reading the TOML text of one decision, in bounded time; what is wrong is told with its line."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from foundation.language import Text

#: A decision is a page; whatever is larger is not one.
LARGEST_TEXT = 20_000  # characters
# A line's keys nest as deep as it is long, and the parser's time grows with the square of that.
_LONGEST_LINE = 1_000  # characters


@dataclass(frozen=True, slots=True)
class NotWhole:
    """A floating-point number as it stood in the text, kept apart so that it can be refused."""

    written: str


class NotToml(ValueError):
    """The text is not TOML; `line` counts from 1."""

    def __init__(self, line: int, reason: Text) -> None:
        super().__init__(reason.en)
        self.line = line
        self.reason = reason


def parse(text: str, largest: int = LARGEST_TEXT) -> dict[str, Any]:
    """Give the values of a text of at most `largest` characters. Raises NotToml."""
    if len(text) > largest:
        raise NotToml(1, Text("teksten er for lang til en tabel", "the text is too long for a table"))
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > _LONGEST_LINE:
            raise NotToml(number, Text("linjen er for lang", "the line is too long"))
    try:
        return tomllib.loads(text, parse_float=NotWhole)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        found = re.search(r"at line (\d+)", str(error))
        line_number = int(found[1]) if found else text.count("\n") + 1
        reason = f"{error}".splitlines()[0][:200] if str(error) else type(error).__name__
        raise NotToml(line_number, Text(f"ikke gyldig TOML: {reason}", f"not valid TOML: {reason}")) from None
