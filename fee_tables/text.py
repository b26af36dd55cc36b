"""From the TOML text of a decision to its value; whatever is wrong is named with its line and the reason.

One decision a file. Amounts are whole kroner or strings such as "22000.50", shares are strings such as "9 %" or
"1/3"; a floating-point number is refused, since it is not what was decided.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from fee_tables.size_key import STANDARD_BANDS, SizeBand, SizeKey
from fee_tables.table import (
    AnnualFee,
    AssociationTable,
    BandFee,
    DatedFee,
    FeeTable,
    FirstYear,
    FlatFee,
    Index,
    JoiningFee,
    SharedCost,
    TableReference,
    Vat,
)
from foundation import toml_text, wording
from foundation.audit import sha256
from foundation.errors import Refused
from foundation.language import Text, joined
from foundation.money import ORE_PER_KRONE, Money
from foundation.toml_text import NotToml, NotWhole

Decision = SizeKey | AssociationTable | FeeTable
BandsOn = Callable[[date], Sequence[str]]

_FAULTS_KEPT = 50
_LARGEST_AMOUNT = 10**9  # kroner
_LARGEST_COUNT = 10**9  # inhabitants
_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?")
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_PERCENT = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{1,4})?)\s*%")
_FRACTION = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_MONTH_AND_DAY = re.compile(r"[0-9]{2}-[0-9]{2}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DEFAULT_VAT = "25 %"

_DECIDED = {"valid_from", "decided_on", "decided_by", "source", "made_up"}
_SIZE_KEY = _DECIDED | {"size_key", "bands"}
_ASSOCIATION = _DECIDED | {
    "association", "dues", "dues_half_when_joining_after", "index", "contribution", "vat", "vat_exemption",
}  # fmt: skip
_FEE_TABLE = _DECIDED | {
    "product", "contribution", "annual_fee", "joining_fee", "passive_share", "first_year", "vat", "vat_exemption",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableFault:
    """One thing wrong in a table's text, with its line (1 is the first)."""

    line: int
    reason: Text


class TableRefused(Refused):
    """A table's text was refused; every fault stands with file and line."""

    def __init__(self, faults: Mapping[str, Sequence[TableFault]]) -> None:
        self.faults = faults
        super().__init__(
            joined(
                [
                    Text(f"{name}, linje {fault.line}: ", f"{name}, line {fault.line}: ") + fault.reason
                    for name, listed in faults.items()
                    for fault in listed
                ],
                by="\n",
            )
        )


@dataclass
class Reader:
    """Reads one TOML text key by key and collects the faults."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[TableFault] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            self.values = toml_text.parse(self.text)
        except NotToml as error:
            self.faults.append(TableFault(error.line, error.reason))

    def fault(self, reason: Text, *path: str, nth: int = 0) -> None:
        """Note what is wrong at a key (or at the first line); enough is enough for one page."""
        if len(self.faults) < _FAULTS_KEPT:
            self.faults.append(TableFault(self.line(*path, nth=nth), reason))

    def line(self, *path: str, nth: int = 0) -> int:
        """Find the line of a key: the top key by its own line, an inner one behind it, the n-th where it repeats."""
        if not path:
            return 1
        top = re.search(rf"^[ \t]*\[*\[?[ \t]*\"?{re.escape(path[0])}\b", self.text, re.MULTILINE)
        if top is None:
            return 1
        at, end = self._item(path[0], top.end(), nth)
        for key in path[1:]:
            inner = re.compile(rf"(?<!\w){re.escape(key)}\b\"?\s*=").search(self.text, at, end)
            if inner is None:
                break
            at = inner.start()
        return self.text.count("\n", 0, at) + 1

    def _item(self, top: str, at: int, nth: int) -> tuple[int, int]:
        """Give where the n-th item of a list of tables begins and ends; the rest of the text where it is no list."""
        if not isinstance(self.values.get(top), list):
            return at, len(self.text)
        header = re.compile(rf"^[ \t]*\[\[[ \t]*{re.escape(top)}[ \t]*\]\]", re.MULTILINE)
        starts = [found.start() for found in header.finditer(self.text)]
        starts = starts or [found.start() for found in re.compile(r"\{").finditer(self.text, at)]
        if nth >= len(starts):
            return at, len(self.text)
        return starts[nth], [*starts, len(self.text)][nth + 1]

    def only(self, allowed: set[str], found: Mapping[str, Any], *path: str, nth: int = 0) -> None:
        """Refuse keys that mean nothing here."""
        for key in found:
            if key not in allowed:
                self.fault(Text(f"ukendt nøgle {key!r}", f"unknown key {key!r}"), *path, key, nth=nth)

    def words(self, key: str, default: str | None = None) -> str:
        """Read a text on one line; required unless a default is given."""
        value = self.values.get(key, default)
        if value is None:
            self.fault(Text(f"nøglen {key} mangler", f"the key {key} is missing"))
        elif not isinstance(value, str) or not (value.strip() or default == ""):
            self.fault(Text(f"{key} skal være en tekst", f"{key} must be a text"), key)
        elif fault := wording.fault(wording.composed(value)):
            self.fault(Text(f"{key}: ", f"{key}: ") + fault, key)
        else:
            return wording.composed(value).strip()
        return ""

    def day(self, key: str) -> date:
        """Read a required day."""
        value = self.values.get(key)
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if value is None:
            self.fault(Text(f"nøglen {key} mangler", f"the key {key} is missing"))
        else:
            self.fault(Text(f"{key} skal være en dag, fx 2027-01-01", f"{key} must be a day such as 2027-01-01"), key)
        return date.min

    def switch(self, key: str, default: bool) -> bool:
        """Read true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.fault(Text(f"{key} skal være true eller false", f"{key} must be true or false"), key)
            return default
        return value

    def inner(self, key: str) -> dict[str, Any]:
        """Read a required inline table; an empty one where it is missing or something else."""
        value = self.values.get(key)
        if isinstance(value, dict):
            return value
        self.fault(Text(f"{key} skal være en tabel {{ … }}", f"{key} must be a table {{ … }}"), key)
        return {}


def standard_bands(day: date) -> Sequence[str]:
    """Give OS2's four bands, whatever the day."""
    return STANDARD_BANDS


def read(text: str, bands_on: BandsOn | None = standard_bands) -> Decision:
    """Read one decision. `bands_on` gives the bands of the size key in force on a day; None takes any bands.

    Raises TableRefused (under the name "") with every fault found.
    """
    reader = Reader(text)
    decision: Decision | None = None
    if not reader.faults:
        kinds = [kind for kind in ("size_key", "association", "product") if kind in reader.values]
        if len(kinds) != 1:
            reader.fault(
                Text(
                    "teksten skal have netop én af nøglerne size_key, association, product",
                    "the text must have exactly one of the keys size_key, association, product",
                )
            )
        elif kinds == ["size_key"]:
            decision = _size_key(reader)
        elif kinds == ["association"]:
            decision = _association(reader)
        else:
            decision = _fee_table(reader, bands_on)
    if reader.faults or decision is None:
        raise TableRefused({"": sorted(reader.faults, key=lambda fault: fault.line)})
    return decision


def _reference(reader: Reader, name: str) -> TableReference:
    return TableReference(
        product=name,
        valid_from=reader.day("valid_from"),
        decided_on=reader.day("decided_on"),
        decided_by=reader.words("decided_by"),
        source=reader.words("source", default=""),
        digest=sha256(reader.text),
        made_up=reader.switch("made_up", default=False),
    )


# --- the size key


def _size_key(reader: Reader) -> SizeKey:
    reader.only(_SIZE_KEY, reader.values)
    reference = _reference(reader, reader.words("size_key"))
    listed = reader.values.get("bands")
    if not isinstance(listed, list) or not listed or not all(isinstance(row, dict) for row in listed):
        reader.fault(Text("bands skal være en liste af bånd", "bands must be a list of bands"), "bands")
        listed = []
    return SizeKey(
        name=reference.product,
        valid_from=reference.valid_from,
        decided_on=reference.decided_on,
        decided_by=reference.decided_by,
        source=reference.source,
        digest=reference.digest,
        bands=_bands(reader, listed),
    )


def _bands(reader: Reader, listed: list[dict[str, Any]]) -> tuple[SizeBand, ...]:
    bands: list[SizeBand] = []
    least = 0
    for nth, row in enumerate(listed):
        reader.only({"band", "from", "below", "up_to"}, row, "bands", nth=nth)
        name = row.get("band")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            reader.fault(
                Text("båndets navn mangler eller er ugyldigt", "the band's name is missing or invalid"),
                "bands",
                "band",
                nth=nth,
            )
            continue
        if name in {band.name for band in bands}:
            reader.fault(
                Text(f"båndet {name} står to gange", f"the band {name} stands twice"), "bands", "band", nth=nth
            )
        _meets(reader, name, row.get("from", least), least, nth)
        most = _upper_limit(reader, name, row, nth)
        is_last = nth == len(listed) - 1
        if not is_last and not {"below", "up_to"} & row.keys():
            reader.fault(
                Text(f"båndet {name} mangler below eller up_to", f"the band {name} lacks below or up_to"),
                "bands",
                "band",
                nth=nth,
            )
        if most is not None and is_last:
            reader.fault(
                Text(
                    f"hul foroven: ingen bånd over {most} indbyggere; det sidste bånd må ikke have en grænse",
                    f"gap at the top: no band above {most} inhabitants; the last band must have no limit",
                ),
                "bands",
                "band",
                nth=nth,
            )
        if most is not None and most < least:
            reader.fault(
                Text(
                    f"overlap: båndet {name} slutter før det begynder",
                    f"overlap: the band {name} ends before it begins",
                ),
                "bands",
                "band",
                nth=nth,
            )
        bands.append(SizeBand(name, least, most))
        least = least if most is None else most + 1
    return tuple(bands)


def _meets(reader: Reader, name: str, begins: object, expected: int, nth: int) -> None:
    if type(begins) is not int:
        reader.fault(Text("from skal være et helt tal", "from must be a whole number"), "bands", "from", nth=nth)
    elif begins > expected:
        missing = str(expected) if begins == expected + 1 else f"{expected}-{begins - 1}"
        reader.fault(
            Text(
                f"hul: {missing} indbyggere har intet bånd før {name}",
                f"gap: {missing} inhabitants have no band before {name}",
            ),
            "bands",
            "band",
            nth=nth,
        )
    elif begins < expected:
        reader.fault(
            Text(
                f"overlap: {name} begynder ved {begins}, men båndet før slutter ved {expected - 1}",
                f"overlap: {name} begins at {begins}, but the band before ends at {expected - 1}",
            ),
            "bands",
            "band",
            nth=nth,
        )


def _upper_limit(reader: Reader, name: str, row: dict[str, Any], nth: int) -> int | None:
    given = [key for key in ("below", "up_to") if key in row]
    if not given:
        return None
    if len(given) == 2:
        reader.fault(
            Text(f"båndet {name} har både below og up_to", f"the band {name} has both below and up_to"),
            "bands",
            "band",
            nth=nth,
        )
    value = row[given[0]]
    if type(value) is not int or not 0 < value <= _LARGEST_COUNT:
        reader.fault(
            Text(f"{given[0]} skal være et helt tal over nul", f"{given[0]} must be a whole number above zero"),
            "bands",
            given[0],
            nth=nth,
        )
        return None
    return value - 1 if given[0] == "below" else value


# --- the association's table


def _association(reader: Reader) -> AssociationTable:
    reader.only(_ASSOCIATION, reader.values)
    shares = reader.inner("contribution")
    reader.only({"member", "non_member"}, shares, "contribution")
    return AssociationTable(
        reference=_reference(reader, reader.words("association")),
        dues=_amount(reader, reader.values.get("dues"), "dues"),
        half_after=_half_after(reader),
        index=_index(reader),
        contribution_member=_share(reader, shares.get("member"), "contribution", "member"),
        contribution_non_member=_share(reader, shares.get("non_member"), "contribution", "non_member"),
        vat=_vat(reader),
    )


def _half_after(reader: Reader) -> tuple[int, int] | None:
    value = reader.values.get("dues_half_when_joining_after")
    if value is None:
        return None
    try:
        is_shaped = isinstance(value, str) and _MONTH_AND_DAY.fullmatch(value)
        day = date.fromisoformat(f"2027-{value}") if is_shaped else None
    except ValueError:
        day = None
    if day is None:
        reader.fault(
            Text('skal være måned og dag, fx "07-01"', 'must be month and day such as "07-01"'),
            "dues_half_when_joining_after",
        )
        return None
    return (day.month, day.day)


def _index(reader: Reader) -> Index | None:
    if "index" not in reader.values:
        return None
    given = reader.inner("index")
    reader.only({"old", "new", "round_to"}, given, "index")
    round_to = given.get("round_to", "1")
    if round_to not in ("1", "0.01"):
        reader.fault(Text('round_to skal være "1" eller "0.01"', 'round_to must be "1" or "0.01"'), "index", "round_to")
    return Index(
        old=_index_value(reader, given, "old"),
        new=_index_value(reader, given, "new"),
        round_to=1 if round_to == "0.01" else ORE_PER_KRONE,
    )


def _index_value(reader: Reader, given: dict[str, Any], key: str) -> Fraction:
    value = given.get(key)
    if isinstance(value, str) and _DECIMAL.fullmatch(value) and Fraction(value) > 0:
        return Fraction(value)
    reader.fault(Text(f'{key} skal være en tekst som "124.0"', f'{key} must be a text such as "124.0"'), "index", key)
    return Fraction(1)


# --- a product's fee table


def _fee_table(reader: Reader, bands_on: BandsOn | None) -> FeeTable:
    reader.only(_FEE_TABLE, reader.values)
    reference = _reference(reader, reader.words("product"))
    bands = bands_on(reference.valid_from) if bands_on else None
    if "annual_fee" not in reader.values and "joining_fee" not in reader.values:
        reader.fault(
            Text("hverken annual_fee eller joining_fee er givet", "neither annual_fee nor joining_fee is given")
        )
    return FeeTable(
        reference=reference,
        contribution=reader.switch("contribution", default=True),
        annual_fee=_annual_fee(reader, bands),
        joining_fee=_joining_fee(reader, bands),
        passive_share=_optional_share(reader, "passive_share"),
        first_year=_first_year(reader),
        vat=_vat(reader),
    )


def _first_year(reader: Reader) -> FirstYear:
    value = reader.values.get("first_year", "full")
    for known in ("full", "months", "days"):
        if value == known:
            return known
    reader.fault(Text('skal være "full", "months" eller "days"', 'must be "full", "months" or "days"'), "first_year")
    return "full"


def _annual_fee(reader: Reader, bands: Sequence[str] | None) -> AnnualFee | None:
    value = reader.values.get("annual_fee")
    if value is None:
        return None
    if isinstance(value, dict) and "shared_cost" in value:
        reader.only({"shared_cost"}, value, "annual_fee")
        return SharedCost(_amount(reader, value["shared_cost"], "annual_fee", "shared_cost"))
    return _flat_or_by_band(reader, value, bands, "annual_fee")


def _joining_fee(reader: Reader, bands: Sequence[str] | None) -> JoiningFee | None:
    value = reader.values.get("joining_fee")
    if value is None:
        return None
    if isinstance(value, list):
        return _dated(reader, value)
    return _flat_or_by_band(reader, value, bands, "joining_fee")


def _flat_or_by_band(reader: Reader, value: object, bands: Sequence[str] | None, key: str) -> FlatFee | BandFee:
    if not isinstance(value, dict):
        return FlatFee(_amount(reader, value, key))
    if bands is not None:
        for band in bands:
            if band not in value:
                reader.fault(Text(f"båndet {band} mangler", f"the band {band} is missing"), key)
        reader.only(set(bands), value, key)
    return BandFee({band: _amount(reader, amount, key, band) for band, amount in value.items()})


def _dated(reader: Reader, listed: list[Any]) -> DatedFee:
    steps: list[tuple[date | None, Money]] = []
    for nth, row in enumerate(listed):
        if not isinstance(row, dict):
            reader.fault(Text("hvert trin skal være { until, fee }", "each step must be { until, fee }"), "joining_fee")
            continue
        reader.only({"until", "fee"}, row, "joining_fee", nth=nth)
        until = row.get("until")
        is_last = nth == len(listed) - 1
        if is_last != (until is None):
            reader.fault(
                Text("netop det sidste trin skal være uden until", "exactly the last step must be without until"),
                "joining_fee",
                "fee",
                nth=nth,
            )
        elif until is not None and (type(until) is not date or (steps and until <= (steps[-1][0] or date.min))):
            reader.fault(
                Text("until skal være stigende dage", "until must be rising days"), "joining_fee", "until", nth=nth
            )
            until = None
        steps.append((until, _amount(reader, row.get("fee"), "joining_fee", "fee", nth=nth)))
    if not steps:
        reader.fault(Text("listen er tom", "the list is empty"), "joining_fee")
    return DatedFee(tuple(steps))


# --- amounts and shares


def _amount(reader: Reader, value: object, *path: str, nth: int = 0) -> Money:
    if type(value) is int and 0 <= value <= _LARGEST_AMOUNT:
        return Money(value * ORE_PER_KRONE)
    if isinstance(value, str) and (found := _AMOUNT.fullmatch(value)):
        return Money(int(found[1]) * ORE_PER_KRONE + int((found[2] or "0").ljust(2, "0")))
    reader.fault(_not_an_amount(value), *path, nth=nth)
    return Money(0)


def _not_an_amount(value: object) -> Text:
    if value is None:
        return Text("beløbet mangler", "the amount is missing")
    if isinstance(value, NotWhole | float):
        written = value.written if isinstance(value, NotWhole) else value
        return Text(
            f'kommatal er ikke tilladt: skriv hele kroner eller "22000.50" i stedet for {written}',
            f'floats are not allowed: write whole kroner or "22000.50" instead of {written}',
        )
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return Text("beløbet er negativt", "the amount is negative")
    return Text('beløbet skal være hele kroner eller "22000.50"', 'the amount must be whole kroner or "22000.50"')


def _optional_share(reader: Reader, key: str) -> Fraction | None:
    return _share(reader, reader.values[key], key) if key in reader.values else None


def _share(reader: Reader, value: object, *path: str) -> Fraction:
    share: Fraction | None = None
    if isinstance(value, str):
        if found := _PERCENT.fullmatch(value.strip()):
            share = Fraction(found[1].replace(",", ".")) / 100
        elif (found := _FRACTION.fullmatch(value.strip())) and int(found[2]):
            share = Fraction(int(found[1]), int(found[2]))
    if share is None or share > 1:
        reader.fault(
            Text(
                'andelen skal være en tekst som "9 %" eller "1/3", højst det hele',
                'the share must be a text such as "9 %" or "1/3", at most the whole',
            ),
            *path,
        )
        return Fraction(0)
    return share


def _vat(reader: Reader) -> Vat:
    given = reader.values.get("vat", _DEFAULT_VAT)
    exemption = reader.words("vat_exemption", default="")
    if given == "exempt":
        if not exemption:
            reader.fault(
                Text(
                    "vat_exemption mangler: grundens kode og tekst",
                    "vat_exemption is missing: the reason's code and text",
                ),
                "vat",
            )
        return Vat(Fraction(0), exemption)
    if exemption:
        reader.fault(
            Text('vat_exemption hører til vat = "exempt"', 'vat_exemption belongs to vat = "exempt"'), "vat_exemption"
        )
    rate = _share(reader, given, "vat")
    if (rate * 10_000).denominator != 1:  # an e-invoice writes the rate with two decimals
        reader.fault(Text("højst to decimaler", "two decimals at most"), "vat")
    return Vat(rate)
