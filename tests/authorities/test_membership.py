"""Memberships that share a day are found in one walk: the same ones as by comparing each pair."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from authorities.membership import _overlapping
from foundation.periods import Period

DAYS = st.integers(0, 30).map(lambda nth: date(2027, 1, 1) + timedelta(days=nth))
LENGTHS = st.one_of(st.none(), st.integers(1, 10))


@given(st.dictionaries(st.tuples(st.integers(1, 3), DAYS), LENGTHS, max_size=12))
def test_the_walk_finds_whoever_overlaps_another(lengths: dict[tuple[int, date], int | None]) -> None:
    memberships = {key: None if length is None else key[1] + timedelta(days=length) for key, length in lengths.items()}

    found = set(_overlapping(memberships))

    assert found == {
        one for one in memberships for other in memberships
        if one != other and one[0] == other[0]
        and Period(one[1], memberships[one]).overlaps(Period(other[1], memberships[other]))
    }  # fmt: skip
