"""Bank files: camt.053 and mapped CSV, from bytes to plain values of `billing.bank`, and what both read alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from app.adapters import bank_csv, camt, incoming
from app.adapters.bank_csv import Mapping
from billing.bank import Statement, refusal
from foundation import wording
from foundation.audit import sha256
from foundation.language import Text

LARGEST = 40 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Taken:
    """A bank file in memory, as bytes; without a mapping it is camt.053."""

    name: str
    content: bytes
    mapping: Mapping | None = None

    @cached_property
    def sha256(self) -> str:
        """Give the SHA-256 of its bytes."""
        return sha256(self.content)

    @property
    def format(self) -> str:
        """Give its format, as it is recorded."""
        return "csv" if self.mapping else "camt.053"

    def statements(self) -> Iterator[Statement]:
        """Read it from the beginning. Raises BankFileRefused."""
        if self.mapping:
            return bank_csv.statements(self.name, self.content, self.mapping)
        return camt.statements(self.name, self.content)


def taken(name: str, content: bytes, mapping: str | None = None) -> Taken:
    """Give a bank file that came in, by its name as a reader may see it; `mapping` is the TOML text of a CSV.

    Raises BankFileRefused for one that is empty or too large, and for a mapping that is not right.
    """
    name = wording.legible(name) or "?"
    if len(content) > LARGEST:
        raise refusal(name, Text("filen er over 40 MB", "the file is over 40 MB"))
    if not content.strip():
        raise refusal(name, Text("filen er tom", "the file is empty"))
    return Taken(name, content, None if mapping is None else bank_csv.mapping(mapping))


def read(path: Path, mapping: str | None = None) -> Taken:
    """Read a file of this machine. Raises Unreadable, BankFileRefused and OSError."""
    with incoming.opened(path, LARGEST) as file:
        return taken(path.name, file.read(LARGEST + 1), mapping)
