"""Keys of lines: once, taken back, and once more."""

from __future__ import annotations

from billing import line_keys

KEY = "annual_fee|29189846|C~|2024-03-01|2027"


def test_a_line_that_follows_has_the_next_key_and_leads_back() -> None:
    second = line_keys.next_of(KEY)
    third = line_keys.next_of(second)

    assert (second, third) == (f"{KEY}~2", f"{KEY}~3")
    assert [line_keys.previous_of(key) for key in (third, second, KEY)] == [second, KEY, None]
    assert {line_keys.base_of(key) for key in (KEY, second, third)} == {KEY}


def test_a_line_that_takes_another_back_has_a_key_of_its_own() -> None:
    assert line_keys.credit_of(KEY) == f"credit|{KEY}"
    assert line_keys.credit_of(line_keys.next_of(KEY)) != line_keys.credit_of(KEY)
