"""The chart of inhabitants: what it draws lies inside its frame, and boundaries stand where they are."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as any_of

from app.web import charts
from fee_tables.size_key import SizeBand, SizeKey

KEY = SizeKey(
    "Nøglen", date(2022, 1, 1), date(2021, 1, 1), "alle", "", "",
    (SizeBand("small", 0, 24_999), SizeBand("medium", 25_000, 59_999), SizeBand("large", 60_000, None)),
)  # fmt: skip


def test_one_figure_is_no_chart() -> None:
    assert charts.inhabitants([(2026, 10)], KEY) is None


def test_a_boundary_that_was_passed_lies_between_the_figures() -> None:
    chart = charts.inhabitants([(2025, 24_000), (2026, 26_000)], KEY)

    assert chart is not None
    (boundary,) = chart.boundaries
    assert boundary.least == 25_000
    assert chart.marks[1].y < boundary.y < chart.marks[0].y


def test_a_boundary_far_away_is_not_drawn() -> None:
    chart = charts.inhabitants([(2025, 40_000), (2026, 40_010)], KEY)

    assert chart is not None
    assert list(chart.boundaries) == []


@given(any_of.dictionaries(any_of.integers(1900, 2999), any_of.integers(0, 10_000_000), min_size=2, max_size=60))
def test_whatever_the_figures_the_drawing_stays_in_its_frame(counts: dict[int, int]) -> None:
    chart = charts.inhabitants(sorted(counts.items()), KEY)

    assert chart is not None
    assert all(0 <= mark.x <= charts.WIDTH and 0 <= mark.y <= charts.HEIGHT for mark in chart.marks)
    assert all(0 <= boundary.y <= charts.HEIGHT for boundary in chart.boundaries)
    assert [mark.value for mark in chart.marks] == [counts[year] for year in sorted(counts)]
    assert chart.labelled[0] == chart.marks[-1]
