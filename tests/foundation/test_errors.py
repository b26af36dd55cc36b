"""Refusals: words in both languages, and the same refusal on the other side of a process boundary."""

from __future__ import annotations

import pickle

import pytest

from fee_tables.reader import TableFault, TableRefused
from foundation.errors import Conflict, DomainError, NotFound, NotNow, Refused, RowFault, RowsRefused
from foundation.language import Text

WORDS = Text("nej", "no")


@pytest.mark.parametrize("kind", [DomainError, Refused, Conflict, NotFound, NotNow])
def test_a_refusal_has_words_in_both_languages(kind: type[DomainError]) -> None:
    error = kind(WORDS)

    assert error.text == WORDS
    assert str(error) == "no"
    assert isinstance(error, DomainError)


@pytest.mark.parametrize(
    "error",
    [
        Conflict(WORDS),
        RowsRefused("members.csv", [RowFault(2, "gln", WORDS), RowFault(5, "", WORDS)]),
        TableRefused({"a.toml": [TableFault(3, WORDS)]}),
    ],
)
def test_a_refusal_travels_between_processes_as_what_it_is(error: DomainError) -> None:
    arrived = pickle.loads(pickle.dumps(error))

    assert type(arrived) is type(error)
    assert arrived.text == error.text
    assert str(arrived) == str(error)
    assert arrived.__dict__ == error.__dict__


def test_a_refused_file_lists_every_row_with_its_column() -> None:
    refused = RowsRefused("members.csv", [RowFault(2, "gln", WORDS), RowFault(5, "", WORDS)])

    assert refused.text.da.splitlines() == [
        "members.csv: 2 fejl, intet er gemt",
        "  række 2, kolonne gln: nej",
        "  række 5: nej",
    ]
    assert refused.text.en.splitlines()[0] == "members.csv: 2 faults, nothing was stored"
    assert isinstance(refused, Refused)
