"""Where an agreement stands on a day, read from its dated facts whatever their order."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements import lifecycle
from agreements.lifecycle import Facts, Kind, Status
from foundation import periods
from foundation.periods import Period
from tests.builders import facts

days = st.dates(date(2024, 1, 1), date(2028, 12, 31))
maybe = st.none() | days
any_facts = st.builds(
    Facts,
    kind=st.sampled_from(Kind),
    signed_on=days,
    countersigned_on=maybe,
    in_force_from=maybe,
    terminated_to=maybe,
    notice_given_on=maybe,
    active_from=maybe,
)


@pytest.mark.parametrize(
    ("on", "status"),
    [
        ("2026-01-10", Status.SIGNED),
        ("2026-01-19", Status.SIGNED),
        ("2026-01-20", Status.COUNTERSIGNED),
        ("2026-01-31", Status.COUNTERSIGNED),
        ("2026-02-01", Status.IN_FORCE),
        ("2026-05-31", Status.IN_FORCE),
        ("2026-06-01", Status.UNDER_NOTICE),
        ("2026-12-31", Status.UNDER_NOTICE),
        ("2027-01-01", Status.ENDED),
    ],
)
def test_the_status_follows_the_days(on: str, status: Status) -> None:
    dated = facts(
        signed_on=date(2026, 1, 10),
        countersigned_on=date(2026, 1, 20),
        in_force_from=date(2026, 2, 1),
        notice_given_on=date(2026, 6, 1),
        terminated_to=date(2026, 12, 31),
    )

    assert lifecycle.status(dated, date.fromisoformat(on)) is status


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_the_facts_decides_and_nothing_else(order: tuple[int, int, int]) -> None:
    steps = [date(2026, 3, 1) + timedelta(days=10 * at) for at in order]
    countersigned, in_force, ended = steps
    dated = facts(
        signed_on=date(2026, 2, 1), countersigned_on=countersigned, in_force_from=in_force, terminated_to=ended
    )

    for offset in range(60):
        on = date(2026, 2, 1) + timedelta(days=offset)
        status = lifecycle.status(dated, on)

        assert (status is Status.ENDED) is (on > ended)
        assert (status is Status.SIGNED) is (on <= ended and on < countersigned)
        assert (status is Status.COUNTERSIGNED) is (countersigned <= on <= ended and on < in_force)
        assert (status is Status.IN_FORCE) is (max(countersigned, in_force) <= on <= ended)


def test_an_agreement_without_countersignature_is_only_signed() -> None:
    dated = facts(countersigned_on=None, in_force_from=date(2024, 4, 1))

    assert lifecycle.status(dated, date(2027, 1, 1)) is Status.SIGNED


def test_an_agreement_without_a_first_day_is_only_countersigned() -> None:
    dated = facts(in_force_from=None)

    assert lifecycle.status(dated, date(2027, 1, 1)) is Status.COUNTERSIGNED
    assert lifecycle.force(dated) is None


def test_a_last_day_without_notice_and_a_notice_without_a_last_day_leave_it_in_force() -> None:
    ending = facts(terminated_to=date(2027, 12, 31))
    noticed = facts(notice_given_on=date(2026, 12, 1))

    assert lifecycle.status(ending, date(2027, 6, 1)) is Status.IN_FORCE
    assert lifecycle.status(noticed, date(2027, 6, 1)) is Status.IN_FORCE


def test_pv_104_an_agreement_that_ends_with_the_year_is_ended_on_new_years_day() -> None:
    """PV-104: an agreement that ends on 31 December is not in force on the key day."""
    dated = facts(terminated_to=date(2026, 12, 31))

    assert lifecycle.status(dated, date(2026, 12, 31)) is Status.IN_FORCE
    assert lifecycle.status(dated, date(2027, 1, 1)) is Status.ENDED
    force = lifecycle.force(dated)
    assert force is not None
    assert not force.overlaps(periods.year(2027))


def test_the_last_day_of_force_is_inside() -> None:
    force = lifecycle.force(facts(in_force_from=date(2026, 2, 1), terminated_to=date(2026, 12, 31)))

    assert force == Period(date(2026, 2, 1), date(2027, 1, 1))


@given(any_facts, days)
def test_an_agreement_never_goes_back_from_ended(dated: Facts, on: date) -> None:
    later = on + timedelta(days=1)

    if lifecycle.status(dated, on) is Status.ENDED:
        assert lifecycle.status(dated, later) is Status.ENDED


@given(any_facts, days)
def test_in_force_means_countersigned_and_inside_the_agreed_days(dated: Facts, on: date) -> None:
    status = lifecycle.status(dated, on)

    force = lifecycle.force(dated)
    agreed = force is not None and on in force
    countersigned = dated.countersigned_on is not None and dated.countersigned_on <= on
    ended = dated.terminated_to is not None and dated.terminated_to < on
    in_force = agreed and countersigned and not ended
    assert (status in (Status.IN_FORCE, Status.UNDER_NOTICE)) is in_force


def test_a_passive_connection_is_active_from_the_day_it_became_so() -> None:
    passive = facts(kind=Kind.PASSIVE)
    became = facts(kind=Kind.PASSIVE, active_from=date(2027, 3, 1))

    assert not lifecycle.is_active(passive, date(2030, 1, 1))
    assert not lifecycle.is_active(became, date(2027, 2, 28))
    assert lifecycle.is_active(became, date(2027, 3, 1))
    assert lifecycle.is_active(facts(), date(2020, 1, 1))
