"""From the TOML text of a decision to its value; whatever is wrong is named with its line and the reason.

One decision a file. Amounts are whole kroner or strings such as "22000.50", shares are strings such as "9 %" or
"1/3"; a floating-point number is refused, since it is not what was decided.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from fee_tables.reader import Reader, TableRefused, is_day
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
from foundation import wording
from foundation.audit import sha256
from foundation.language import Text
from foundation.money import ORE_PER_KRONE, Money

Decision = SizeKey | AssociationTable | FeeTable
BandsOn = Callable[[date], Sequence[str]]

_LARGEST_COUNT = 10**9  # inhabitants
_LARGEST_RISE = 100  # times, of an index
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
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
        decided_by=reader.words("decided_by", longest=wording.LONGEST_NAME),
        source=reader.words("source", default=""),
        digest=sha256(reader.text),
        made_up=reader.switch("made_up", default=False),
    )


# --- the size key


def _size_key(reader: Reader) -> SizeKey:
    reader.only(_SIZE_KEY, reader.values)
    reference = _reference(reader, reader.words("size_key", longest=wording.LONGEST_NAME))
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
    if type(begins) is not int or not 0 <= begins <= _LARGEST_COUNT:
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
        reference=_reference(reader, reader.words("association", longest=wording.LONGEST_NAME)),
        dues=reader.amount(reader.values.get("dues"), "dues"),
        half_after=_half_after(reader),
        index=_index(reader),
        contribution_member=reader.share(shares.get("member"), "contribution", "member"),
        contribution_non_member=reader.share(shares.get("non_member"), "contribution", "non_member"),
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
    old, new = _index_value(reader, given, "old"), _index_value(reader, given, "new")
    if new > old * _LARGEST_RISE:
        reader.fault(Text("new er over 100 gange old", "new is more than 100 times old"), "index", "new")
    return Index(
        old=old,
        new=new,
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
    reference = _reference(reader, reader.words("product", longest=wording.LONGEST_PRODUCT))
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
        passive_share=reader.share(reader.values["passive_share"], "passive_share")
        if "passive_share" in reader.values
        else None,
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
        return SharedCost(reader.amount(value["shared_cost"], "annual_fee", "shared_cost"))
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
        return FlatFee(reader.amount(value, key))
    if bands is not None:
        for band in bands:
            if band not in value:
                reader.fault(Text(f"båndet {band} mangler", f"the band {band} is missing"), key)
        reader.only(set(bands), value, key)
    return BandFee({band: reader.amount(amount, key, band) for band, amount in value.items()})


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
        elif until is not None and (not is_day(until) or (steps and until <= (steps[-1][0] or date.min))):
            reader.fault(
                Text("until skal være stigende dage", "until must be rising days"), "joining_fee", "until", nth=nth
            )
            until = None
        steps.append((until, reader.amount(row.get("fee"), "joining_fee", "fee", nth=nth)))
    if not steps:
        reader.fault(Text("listen er tom", "the list is empty"), "joining_fee")
    return DatedFee(tuple(steps))


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
    rate = reader.share(given, "vat")
    if (rate * 10_000).denominator != 1:  # an e-invoice writes the rate with two decimals
        reader.fault(Text("højst to decimaler", "two decimals at most"), "vat")
    return Vat(rate)
