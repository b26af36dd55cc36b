"""The size key: from inhabitants to a band, and the published counts of the real municipalities."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fee_tables.size_key import NoBand, SizeKey, band_title
from tests import builders

CHRISTIANSO = "0411"


def shipped_key() -> SizeKey:
    """OS2's own key, as shipped."""
    key = builders.shipped("size_key_2022")
    assert isinstance(key, SizeKey)
    return key


@pytest.mark.parametrize(
    ("inhabitants", "band"),
    [
        (0, "small"), (24_999, "small"), (25_000, "medium"), (25_001, "medium"), (60_000, "medium"),
        (60_001, "large"), (120_000, "large"), (120_001, "very_large"), (700_000, "very_large"),
    ],
)  # fmt: skip
def test_pv_003_the_bands_meet_where_the_rule_says(inhabitants: int, band: str) -> None:
    assert shipped_key().band_of(inhabitants).name == band


@pytest.mark.parametrize(
    ("year", "counts"), [(2022, (17, 56, 21, 4)), (2023, (17, 56, 20, 5)), (2026, (14, 58, 21, 5))]
)
def test_pv_005_the_98_municipalities_fall_into_the_published_bands(year: int, counts: tuple[int, ...]) -> None:
    key = shipped_key()
    rows = [row for row in builders.register_rows("population") if row["year"] == str(year)]
    municipalities = [row for row in rows if row["kommunekode"] != CHRISTIANSO]

    found = Counter(key.band_of(int(row["population"])).name for row in municipalities)

    assert len(municipalities) == 98
    assert tuple(found[band] for band in key.band_names) == counts


def test_pv_005_only_vejle_changed_its_band_between_2022_and_2023() -> None:
    key = shipped_key()
    bands = {
        (row["kommune"], row["year"]): key.band_of(int(row["population"])).name
        for row in builders.register_rows("population")
        if row["year"] in ("2022", "2023")
    }

    moved = {name for name, year in bands if bands[name, "2022"] != bands[name, "2023"]}

    assert moved == {"Vejle"}


def test_every_counted_municipality_stands_in_the_register_of_authorities() -> None:
    codes = {row["code"] for row in builders.register_rows("authorities") if row["type"] == "kommune"}
    counted = {row["kommunekode"] for row in builders.register_rows("population") if row["year"] == "2026"}

    assert len(codes) == 98
    assert counted - {CHRISTIANSO} == codes


def test_pv_021_a_value_that_no_band_covers_is_an_error_never_a_silent_zero() -> None:
    key = builders.size_key((("child", 0, 6), ("youth", 7, 18), ("adult", 19, 99)))

    assert [key.band_of(age).name for age in (6, 7, 20)] == ["child", "youth", "adult"]
    with pytest.raises(NoBand) as refusal:
        key.band_of(110)
    assert "intet bånd for 110 indbyggere" in refusal.value.text.da
    assert "no band for 110 inhabitants" in refusal.value.text.en


def test_fewer_than_no_inhabitants_have_no_band() -> None:
    with pytest.raises(NoBand):
        shipped_key().band_of(-1)


@given(st.integers(0, 10**9))
def test_every_number_of_inhabitants_has_exactly_one_band(inhabitants: int) -> None:
    key = shipped_key()

    fitting = [b for b in key.bands if b.least <= inhabitants and (b.most is None or inhabitants <= b.most)]

    assert fitting == [key.band_of(inhabitants)]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_inhabitants_never_mean_a_smaller_band(one: int, other: int) -> None:
    key = shipped_key()
    order = key.band_names

    smaller, larger = sorted((one, other))

    assert order.index(key.band_of(smaller).name) <= order.index(key.band_of(larger).name)


def test_a_band_is_called_as_people_know_it() -> None:
    assert [band_title(name).da for name in shipped_key().band_names] == ["Lille", "Mellem", "Stor", "Meget stor"]
    assert [band_title(name).en for name in shipped_key().band_names] == ["Small", "Medium", "Large", "Very large"]
    assert band_title("tiny").da == band_title("tiny").en == "tiny"
