"""A fee table drafted field by field: what is written for what was typed, and back from a table to its fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as any_of

from fee_tables import drafts, text
from fee_tables.reader import TableRefused
from fee_tables.size_key import STANDARD_BANDS
from fee_tables.table import FeeTable

SHIPPED = sorted((Path(__file__).parents[2] / "fee_tables" / "data").glob("os2*.toml"))
DECIDED = {"valid_from": "2028-01-01", "decided_on": "2027-11-01", "decided_by": "styregruppen"}


@pytest.mark.parametrize(
    ("typed", "ore"),
    [("22000", 2_200_000), ("22.000", 2_200_000), ("22,000", 2_200_000), ("22 000", 2_200_000), ("0", 0),
     ("22.000,50", 2_200_050), ("22,000.50", 2_200_050), ("22000,5", 2_200_050), ("22000.50", 2_200_050),
     ("1.234.567", 123_456_700), ("22.000 kr.", 2_200_000), ("12,50", 1_250)],
)  # fmt: skip
def test_an_amount_is_taken_as_it_was_meant(typed: str, ore: int) -> None:
    draft = drafts.text_of(DECIDED | {"product": "P", "annual_form": "flat", "annual_flat": typed}, STANDARD_BANDS)

    table = text.read(draft.text)

    assert isinstance(table, FeeTable)
    assert getattr(table.annual_fee, "amount").ore == ore  # noqa: B009 - of a flat fee


@pytest.mark.parametrize("typed", ["", "-1", "1e5", "22.00.000", "22.0000", "1,2,3", "kr.", "0x10", "22.000,505"])
def test_what_is_no_amount_is_refused_at_its_field(typed: str) -> None:
    draft = drafts.text_of(DECIDED | {"product": "P", "annual_form": "flat", "annual_flat": typed}, STANDARD_BANDS)

    with pytest.raises(TableRefused) as refused:
        text.read(draft.text)

    assert list(drafts.faults_by_field(draft, refused.value.faults[""])) == ["annual_flat"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_table_comes_back_from_its_fields(file: Path) -> None:
    table = text.read(file.read_text(encoding="utf-8"))
    assert isinstance(table, FeeTable)

    again = text.read(drafts.text_of(drafts.values_of(table) | DECIDED, STANDARD_BANDS).text)

    assert isinstance(again, FeeTable)
    facts = ("contribution", "annual_fee", "joining_fee", "passive_share", "first_year", "vat")
    assert [getattr(again, fact) for fact in facts] == [getattr(table, fact) for fact in facts]


def test_a_shared_cost_and_steps_are_written_each_on_its_line() -> None:
    values = {"product": "P", "annual_form": "shared", "annual_shared": "100.000", "joining_form": "dated",
              "step_until_1": "2028-06-30", "step_fee_1": "1000", "step_fee_2": "x"}  # fmt: skip
    draft = drafts.text_of(DECIDED | values, STANDARD_BANDS)

    with pytest.raises(TableRefused) as refused:
        text.read(draft.text)

    assert list(drafts.faults_by_field(draft, refused.value.faults[""])) == ["step_fee_2"]


@given(any_of.dictionaries(any_of.sampled_from(drafts.field_names(STANDARD_BANDS)), any_of.text(max_size=40)))
def test_whatever_is_typed_is_a_table_or_a_refusal(typed: dict[str, str]) -> None:
    draft = drafts.text_of(typed, STANDARD_BANDS)

    try:
        decision = text.read(draft.text)
    except TableRefused as refused:
        assert drafts.faults_by_field(draft, refused.faults[""])
    else:
        assert isinstance(decision, FeeTable)
