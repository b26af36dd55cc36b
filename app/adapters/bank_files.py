"""Bank files: camt.053 and mapped CSV, from bytes to plain values of `billing.bank`, and what both read alike."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from app.adapters import bank_csv, camt, incoming
from app.adapters.bank_csv import Mapping
from billing.bank import Statement, refusal
from foundation import wording
from foundation.language import Text

LARGEST = 40 * 1024 * 1024  # bytes
#: Bytes of a request that brings one: the file, and the form or the words around it.
LARGEST_REQUEST = LARGEST + 1024 * 1024

_BEGINNING = 1024  # bytes
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_XML = Text(
    "er ikke camt.053 (XML). En CSV-fil tages ind med en kolonneopsætning (mapping) ved siden af",
    "is no camt.053 (XML). A CSV file is taken in with a mapping beside it",
)
_PIECE = 1024 * 1024
_KEPT_IN_MEMORY = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Taken:
    """A bank file, copied where nobody changes it: a large one to the disk. Without a mapping it is camt.053."""

    name: str
    content: IO[bytes]
    sha256: str
    mapping: Mapping | None = None

    @property
    def format(self) -> str:
        """Give its format, as it is recorded."""
        return "csv" if self.mapping else "camt.053"

    def statements(self) -> Iterator[Statement]:
        """Read it from the beginning. Raises BankFileRefused."""
        self.content.seek(0)
        if self.mapping:
            return bank_csv.statements(self.name, self.content, self.mapping)
        self._refuse_what_begins_otherwise()
        return camt.statements(self.name, self.content)

    def _refuse_what_begins_otherwise(self) -> None:
        """Say what is missing where somebody brings a CSV as if it were XML."""
        began = self.content.read(_BEGINNING).removeprefix(b"\xef\xbb\xbf").lstrip()
        self.content.seek(0)
        if began and not began.startswith((b"<", *_UTF_16)):  # of which the reader says what is wrong with it
            raise refusal(self.name, _NOT_XML)

    def close(self) -> None:
        """Let the copy go."""
        self.content.close()


def taken(name: str, content: bytes | IO[bytes], mapping: str | None = None) -> Taken:
    """Give a bank file that came in, by its name as a reader may see it; `mapping` is the TOML text of a CSV.

    What is no bytes is read from where it stands. Raises BankFileRefused for one that is empty or too large, and for a
    mapping that is not right.
    """
    name = wording.legible(name) or "?"
    by = None if mapping is None else bank_csv.mapping(mapping)
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    copy = tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY)  # noqa: SIM115 - it is closed by whoever took it
    try:
        return Taken(name, copy, _copied(name, source, copy), by)
    except BaseException:
        copy.close()
        raise


def _copied(name: str, source: IO[bytes], copy: IO[bytes]) -> str:
    """Copy a file piece by piece; give its SHA-256."""
    digest, size, is_empty = hashlib.sha256(), 0, True
    for piece in iter(partial(source.read, _PIECE), b""):
        size += len(piece)
        if size > LARGEST:
            raise refusal(name, Text("filen er over 40 MB", "the file is over 40 MB"))
        is_empty = is_empty and piece.isspace()
        digest.update(piece)
        copy.write(piece)
    if is_empty:
        raise refusal(name, Text("filen er tom", "the file is empty"))
    return digest.hexdigest()


def read(path: Path, mapping: str | None = None) -> Taken:
    """Read a file of this machine. Raises Unreadable, BankFileRefused and OSError."""
    with incoming.opened(path, LARGEST) as file:
        return taken(path.name, file, mapping)
