"""The size key and the association's table drafted field by field, and back from the shipped ones to their fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from fee_tables import common_drafts, drafts, text
from fee_tables.drafts import Draft
from fee_tables.reader import TableRefused
from fee_tables.size_key import SizeKey
from fee_tables.table import AssociationTable

DATA = Path(__file__).parents[2] / "fee_tables" / "data"
DECIDED = {"valid_from": "2028-01-01", "decided_on": "2027-11-01", "decided_by": "generalforsamlingen"}
KEY = DECIDED | {"size_key": "nøgle", "band_1": "small", "up_to_1": "20.000", "band_2": "large"}
TABLE = DECIDED | {"association": "OS2", "dues": "26.000", "member": "9 %", "non_member": "1/6"}


def faults(draft: Draft) -> list[str]:
    """Give the fields that are refused."""
    with pytest.raises(TableRefused) as refused:
        text.read(draft.text)
    return list(drafts.faults_by_field(draft, refused.value.faults[""]))


def shipped(kind: type) -> list[SizeKey | AssociationTable]:
    """Give the shipped decisions of a kind."""
    found = [text.read(file.read_text(encoding="utf-8")) for file in sorted(DATA.glob("*.toml"))]
    return [decision for decision in found if isinstance(decision, kind)]  # type: ignore[misc]


@pytest.mark.parametrize("key", shipped(SizeKey), ids=str)
def test_a_size_key_comes_back_from_its_fields(key: SizeKey) -> None:
    again = text.read(common_drafts.size_key_text(common_drafts.size_key_values(key) | DECIDED).text)

    assert isinstance(again, SizeKey)
    assert (again.name, again.bands) == (key.name, key.bands)


@pytest.mark.parametrize("table", shipped(AssociationTable), ids=str)
def test_a_table_of_the_association_comes_back_from_its_fields(table: AssociationTable) -> None:
    again = text.read(common_drafts.association_text(common_drafts.association_values(table) | DECIDED).text)

    assert isinstance(again, AssociationTable)
    facts = ("dues", "half_after", "index", "contribution_member", "contribution_non_member", "vat")
    assert [getattr(again, fact) for fact in facts] == [getattr(table, fact) for fact in facts]


def test_the_rise_of_an_index_is_kept_exactly() -> None:
    typed = TABLE | {"old": "124,0", "new": "128.450001", "round_to": "0.01", "half_after": "07-01"}

    table = text.read(common_drafts.association_text(typed).text)

    assert isinstance(table, AssociationTable)
    assert common_drafts.association_values(table)["new"] == "128.450001"
    assert common_drafts.association_values(table)["old"] == "124"
    assert common_drafts.association_values(table)["half_after"] == "07-01"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"band_2": "Stor"}, "band_2"), ({"up_to_1": "mange"}, "up_to_1"), ({"up_to_2": "30000"}, "band_2"),
     ({"valid_from": "snart"}, "valid_from"), ({"decided_by": ""}, "decided_by"), ({"up_to_1": ""}, "band_1")],
)  # fmt: skip
def test_a_fault_of_a_size_key_stands_at_its_field(wrong: dict[str, str], field: str) -> None:
    assert field in faults(common_drafts.size_key_text(KEY | wrong))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"dues": "mange"}, "dues"), ({"member": "9"}, "member"), ({"non_member": ""}, "non_member"),
     ({"half_after": "13-01"}, "half_after"), ({"old": "124.0"}, "new"), ({"vat": "exempt"}, "vat")],
)  # fmt: skip
def test_a_fault_of_the_association_stands_at_its_field(wrong: dict[str, str], field: str) -> None:
    assert field in faults(common_drafts.association_text(TABLE | wrong))


def test_what_is_right_is_read() -> None:
    assert isinstance(text.read(common_drafts.size_key_text(KEY).text), SizeKey)
    assert isinstance(text.read(common_drafts.association_text(TABLE).text), AssociationTable)


def test_a_fault_at_a_field_does_not_repeat_the_key_of_the_text() -> None:
    draft = common_drafts.size_key_text(KEY | {"valid_from": "snart"})

    with pytest.raises(TableRefused) as refused:
        text.read(draft.text)

    assert drafts.faults_by_field(draft, refused.value.faults[""])["valid_from"].da == "skal være en dag, fx 2027-01-01"
