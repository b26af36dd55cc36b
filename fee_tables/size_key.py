"""The size key (fordelingsnøgle): from inhabitants to a size band.

Source of the rule and of the shipped key: os2.eu/takstblade; decided by the general assembly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from foundation.errors import Refused
from foundation.language import Text, same, whole_number

_DANISH_BANDS = {"small": "Lille", "medium": "Mellem", "large": "Stor", "very_large": "Meget stor"}
_ENGLISH_BANDS = {"small": "Small", "medium": "Medium", "large": "Large", "very_large": "Very large"}

#: The bands of OS2's key; a fee table is checked against them where no key is adopted yet.
STANDARD_BANDS = tuple(_DANISH_BANDS)


class NoBand(Refused):
    """No band of the key covers that many inhabitants."""


@dataclass(frozen=True, slots=True)
class SizeBand:
    """One band: from `least` to `most` inhabitants, both inside; no `most` means above."""

    name: str
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class SizeKey:
    """A size key as decided; the bands stand in order and meet without gap or overlap."""

    name: str
    valid_from: date
    decided_on: date
    decided_by: str
    source: str
    digest: str
    bands: tuple[SizeBand, ...]

    @property
    def band_names(self) -> tuple[str, ...]:
        """The names of the bands, smallest first."""
        return tuple(band.name for band in self.bands)

    def band_of(self, inhabitants: int) -> SizeBand:
        """Give the band for a number of inhabitants. Raises NoBand where none covers it."""
        for band in self.bands:
            if band.least <= inhabitants and (band.most is None or inhabitants <= band.most):
                return band
        count = whole_number(inhabitants)
        raise NoBand(
            Text(
                f"fordelingsnøglen {self.name} har intet bånd for {count.da} indbyggere",
                f"the size key {self.name} has no band for {count.en} inhabitants",
            )
        )


def band_title(name: str) -> Text:
    """Give a band's name as people know it."""
    return Text(_DANISH_BANDS.get(name, name), _ENGLISH_BANDS.get(name, name)) if name in _DANISH_BANDS else same(name)
