"""Who pays for an authority that has ended: its successor, theirs in turn, or nobody."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from authorities.succession import Life, payer

NEW_YEAR = date(2027, 1, 1)
LAST = date(2026, 12, 31)


def lives(*listed: Life) -> dict[int, Life]:
    """Lives by id."""
    return {life.id: life for life in listed}


def test_an_authority_that_lives_on_pays_for_itself() -> None:
    known = lives(Life(1, None, None), Life(2, date(2027, 1, 1), 1), Life(3, date(2027, 12, 31), None))

    assert [payer(known, id_, NEW_YEAR) for id_ in (1, 2, 3)] == [1, 2, 3]


def test_the_last_day_is_inside() -> None:
    known = lives(Life(1, LAST, 2), Life(2, None, None))

    assert payer(known, 1, LAST) == 1
    assert payer(known, 1, NEW_YEAR) == 2


def test_nobody_pays_for_an_ended_authority_without_a_successor() -> None:
    assert payer(lives(Life(1, LAST, None)), 1, NEW_YEAR) is None


def test_the_two_regions_become_one() -> None:
    known = lives(Life(1, LAST, 3), Life(2, LAST, 3), Life(3, None, None))

    assert [payer(known, id_, NEW_YEAR) for id_ in (1, 2, 3)] == [3, 3, 3]


def test_a_successor_that_has_ended_too_hands_on() -> None:
    known = lives(Life(1, date(2020, 12, 31), 2), Life(2, LAST, 3), Life(3, None, None))

    assert payer(known, 1, date(2021, 1, 1)) == 2
    assert payer(known, 1, NEW_YEAR) == 3


def test_a_chain_that_ends_in_nobody_gives_nobody() -> None:
    known = lives(Life(1, LAST, 2), Life(2, LAST, None))

    assert payer(known, 1, NEW_YEAR) is None


def test_a_circle_of_ended_authorities_gives_nobody_and_stops() -> None:
    known = lives(Life(1, LAST, 2), Life(2, LAST, 3), Life(3, LAST, 1), Life(4, LAST, 4), Life(5, LAST, 1))

    assert [payer(known, id_, NEW_YEAR) for id_ in known] == [None] * 5


@given(
    st.lists(
        st.tuples(st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.none() | st.integers(0, 9)),
        min_size=10,
        max_size=10,
    ),
    st.dates(date(2019, 1, 1), date(2031, 1, 1)),
)
def test_whoever_pays_lives_on_the_day_and_the_search_always_ends(
    listed: list[tuple[date | None, int | None]], on: date
) -> None:
    known = lives(*(Life(id_, valid_to, successor) for id_, (valid_to, successor) in enumerate(listed)))

    for id_ in known:
        found = payer(known, id_, on)

        if found is not None:
            valid_to = known[found].valid_to
            assert valid_to is None or valid_to >= on
