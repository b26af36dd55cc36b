"""A list that grows in a file is printed as the last member of one JSON document."""

from __future__ import annotations

import json

import pytest

from app.cli.output import JsonList


@pytest.mark.parametrize(
    "items",
    [[], [{}], [1, None, "to\nlinjer æ"], [{"a": [{"b": nth}]} for nth in range(20)], ["x" * 1_000] * 1_500],
    ids=["none", "one", "several", "nested", "more than memory keeps"],
)
def test_what_was_added_is_read_back_in_its_order(items: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    listed = JsonList()
    for item in items:
        listed.append(item)

    listed.say_in({"year": 2027, "totals": {"lines": 0}}, "invoices")

    assert json.loads(capsys.readouterr().out) == {"year": 2027, "totals": {"lines": 0}, "invoices": items}


def test_it_is_written_as_any_other_document(capsys: pytest.CaptureFixture[str]) -> None:
    listed = JsonList()
    listed.append({"a": [1, 2]})

    listed.say_in({"year": 2027}, "invoices")

    whole = {"year": 2027, "invoices": [{"a": [1, 2]}]}
    assert capsys.readouterr().out == json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
