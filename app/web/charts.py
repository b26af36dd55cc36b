"""Small charts as whole-number coordinates; a Jinja macro draws them, with the figures in a table beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fee_tables.size_key import SizeKey, band_title
from foundation.language import Text

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 112, 624, 16, 222
_HEADROOM = 20  # a twentieth above and below the figures
_LABELS_APART = 60  # units of the drawing between two years


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of the line: where it stands, and the figure it stands for."""

    x: int
    y: int
    year: int
    value: int


@dataclass(frozen=True, slots=True)
class Boundary:
    """A boundary between two bands that the chart's range holds."""

    y: int
    least: int  # inhabitants of the upper band
    title: Text  # of the upper band


@dataclass(frozen=True, slots=True)
class Chart:
    """Inhabitants over the years, with the boundaries of the bands near them."""

    marks: Sequence[Mark]
    boundaries: Sequence[Boundary]
    labelled: Sequence[Mark]  # those whose year is written below
    low: int
    high: int

    @property
    def line(self) -> str:
        """Give the points of the line as SVG writes them."""
        return " ".join(f"{mark.x},{mark.y}" for mark in self.marks)


def inhabitants(counts: Sequence[tuple[int, int]], key: SizeKey | None) -> Chart | None:
    """Lay a chart out over (year, inhabitants), oldest first; None where there are too few to draw."""
    if len(counts) < 2:
        return None
    least, most = min(value for _, value in counts), max(value for _, value in counts)
    room = max((most - least) // 2, most // _HEADROOM, 10)
    low, high = max(0, least - room), most + room
    first, last = counts[0][0], counts[-1][0]
    marks = [Mark(_across(year, first, last), _up(value, low, high), year, value) for year, value in counts]
    return Chart(marks, _boundaries(key, low, high), _labelled(marks), low, high)


def _across(year: int, first: int, last: int) -> int:
    return _LEFT + (year - first) * (_RIGHT - _LEFT) // max(1, last - first)


def _up(value: int, low: int, high: int) -> int:
    return _BOTTOM - (value - low) * (_BOTTOM - _TOP) // max(1, high - low)


def _boundaries(key: SizeKey | None, low: int, high: int) -> list[Boundary]:
    bands = key.bands if key else ()
    return [
        Boundary(_up(band.least, low, high), band.least, band_title(band.name))
        for band in bands
        if low < band.least < high
    ]


def _labelled(marks: Sequence[Mark]) -> list[Mark]:
    """Give the marks whose year can be written without touching the next; the last always."""
    found = [marks[-1]]
    for mark in reversed(marks[:-1]):
        if found[-1].x - mark.x >= _LABELS_APART:
            found.append(mark)
    return found
