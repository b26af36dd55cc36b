"""What the service refuses, as words for people. `app` makes an exit code or an HTTP status of them.

DomainError
 + Refused        a rule says no, or content is malformed     exit 1, HTTP 422
 |  + RowsRefused   rows of a file, each with place and reason
 |  + FieldsRefused fields of what was given, each with its reason
 |  + Unreadable    a file as a whole
 + Conflict       the world has moved on                      exit 1, HTTP 409
 + NotFound       nothing there, or not for you               exit 1, HTTP 404
 |  + Gone          it was there, and was taken away            exit 1, HTTP 410
 + NotNow         could not be done now                       exit 3, HTTP 503
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.language import Text, joined, same


class DomainError(Exception):
    """Something was refused; `text` says what, where and how to mend it."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes as what it is: its class and what it holds, whatever its making takes."""
        return _revived, (type(self), self.args, self.__dict__)


def _revived(kind: type[DomainError], arguments: tuple[Any, ...], held: dict[str, Any]) -> DomainError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(held)
    return error


class Refused(DomainError):
    """A rule says no, or what was given is malformed."""


class FieldsRefused(Refused):
    """What was given is wrong in some fields; `faults` tells what, by field."""

    def __init__(self, faults: Mapping[str, Text]) -> None:
        super().__init__(joined([same(f"{name}: ") + fault for name, fault in faults.items()], by="\n"))
        self.faults = faults


class Unreadable(Refused):
    """The file as a whole cannot be read."""


class Conflict(DomainError):
    """What was asked no longer fits what stands."""


class NotFound(DomainError):
    """Nothing of that name."""


class Gone(NotFound):
    """It was here, and was taken away for good reason."""


class NotNow(DomainError):
    """The database, the disk or the network cannot do it now; trying again may help."""


#: So many wrong rows of a file are listed; the others are counted.
FAULTS_TOLD = 1_000


@dataclass(frozen=True, slots=True)
class RowFault:
    """One wrong cell: its row (the header is row 1), its column (empty for the whole row) and the reason."""

    row: int
    column: str
    reason: Text

    @property
    def text(self) -> Text:
        """The fault as a line to read."""
        place = Text(f"række {self.row}", f"row {self.row}")
        if self.column:
            place += Text(f", kolonne {self.column}", f", column {self.column}")
        return place + Text(": ", ": ") + self.reason


class RowsRefused(Refused):
    """A file was refused as a whole; every wrong row is listed up to FAULTS_TOLD, `untold` ones beside them counted."""

    def __init__(self, source: str, faults: Sequence[RowFault], untold: int = 0) -> None:
        self.source = source
        self.faults = tuple(faults[:FAULTS_TOLD])
        count = len(faults) + untold
        head = Text(
            f"{source}: {count} fejl, intet er gemt",
            f"{source}: {count} {'fault' if count == 1 else 'faults'}, nothing was stored",
        )
        lines = [head, *(fault.text for fault in self.faults)]
        self.head, self.untold = head, count - len(self.faults)
        if more := self.untold:
            lines.append(Text(f"… og {more} mere", f"… and {more} more"))
        super().__init__(joined(lines, by="\n  "))
