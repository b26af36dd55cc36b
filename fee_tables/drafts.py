"""A fee table drafted field by field: from what was typed to the TOML text, and from a fault's line back to its field.

Nothing is judged here. What cannot be written as the text wants it is written as it was typed, so that the reader of
the text refuses it, with its own words, in the same way as a text written by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from fee_tables.reader import TableFault
from fee_tables.table import AnnualFee, BandFee, DatedFee, FeeTable, FlatFee, JoiningFee, SharedCost
from foundation.language import Text
from foundation.money import ORE_PER_KRONE, Money

STEPS = 4  # of a dated joining fee

_THOUSANDS = re.compile(r"[0-9]{1,3}(?:([.,])[0-9]{3})(?:\1[0-9]{3})*(?:(?!\1)[.,][0-9]{1,2})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS = ("decided_by", "source")
_NAMES = ("product", "valid_from", "decided_on", *_WORDS)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text, and which field wrote each of its lines."""

    text: str
    fields: Mapping[int, str]


def field_names(bands: Sequence[str]) -> tuple[str, ...]:
    """Give every field there is, by its name; a form takes these and no other."""
    by_band = [f"{fee}_{band}" for fee in ("annual", "joining") for band in bands]
    steps = [f"step_{what}_{nth}" for nth in range(1, STEPS + 1) for what in ("until", "fee")]
    return (
        *_NAMES, "contribution", "annual_form", "annual_flat", "annual_shared", "joining_form", "joining_flat",
        "passive_share", "first_year", "vat", "vat_exemption", *by_band, *steps,
    )  # fmt: skip


def text_of(values: Mapping[str, str], bands: Sequence[str]) -> Draft:
    """Write fields as a TOML text, each on a line of its own."""
    return drafted(_lines(values, bands))


def drafted(named: Iterable[tuple[str, str]]) -> Draft:
    """Put lines together, each given with the field that wrote it."""
    listed = list(named)
    text = "\n".join(line for _, line in listed) + "\n"
    return Draft(text, {number: name for number, (name, _) in enumerate(listed, start=1)})


def faults_by_field(draft: Draft, faults: Sequence[TableFault]) -> dict[str, Text]:
    """Give each field its first fault; what belongs to no line of its own goes to the first field."""
    found: dict[str, Text] = {}
    for fault in faults:
        name = draft.fields.get(fault.line, draft.fields[1])
        found.setdefault(name, _at_field(name, fault.reason))
    return found


def _at_field(name: str, reason: Text) -> Text:
    """Leave the key out of a reason that begins with it: the field has a name of its own, in the person's language."""
    return Text(reason.da.removeprefix(f"{name} "), reason.en.removeprefix(f"{name} "))


def _lines(values: Mapping[str, str], bands: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in ("product", *_WORDS):
        yield name, f"{name} = {quoted(values.get(name, ''))}"
    yield from days(values)
    yield "contribution", f"contribution = {'true' if values.get('contribution') == 'yes' else 'false'}"
    for name in ("passive_share", "vat_exemption"):
        if given := values.get(name, "").strip():
            yield name, f"{name} = {quoted(given)}"
    yield "first_year", f"first_year = {quoted(values.get('first_year') or 'full')}"
    yield "vat", f"vat = {quoted(values.get('vat', '').strip() or '25 %')}"
    # A plain value must stand above every table of the text.
    fees = sorted(("annual", "joining"), key=lambda fee: values.get(f"{fee}_form") != "flat")
    for fee in fees:
        yield from _fee(values, fee, bands)


def days(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Write the days of a decision; what is no day is written as it was typed, and refused by the reader."""
    for name in ("valid_from", "decided_on"):
        given = values.get(name, "").strip()
        yield name, f"{name} = {given if DAY.fullmatch(given) else quoted(given)}"


def _fee(values: Mapping[str, str], fee: str, bands: Sequence[str]) -> Iterator[tuple[str, str]]:
    form, key = values.get(f"{fee}_form", ""), f"{fee}_fee"
    if form == "flat":
        yield f"{fee}_flat", f"{key} = {amount(values.get(f'{fee}_flat', ''))}"
    elif form == "band":
        yield f"{fee}_form", f"[{key}]"
        for band in bands:
            yield f"{fee}_{band}", f"{band} = {amount(values.get(f'{fee}_{band}', ''))}"
    elif form == "shared" and fee == "annual":
        yield "annual_form", f"[{key}]"
        yield "annual_shared", f"shared_cost = {amount(values.get('annual_shared', ''))}"
    elif form == "dated" and fee == "joining":
        yield from _steps(values)


def _steps(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for nth in range(1, STEPS + 1):
        until, fee = (values.get(f"step_{what}_{nth}", "").strip() for what in ("until", "fee"))
        if not until and not fee:
            continue
        yield f"step_fee_{nth}", "[[joining_fee]]"
        if until:
            yield f"step_until_{nth}", f"until = {until if DAY.fullmatch(until) else quoted(until)}"
        yield f"step_fee_{nth}", f"fee = {amount(fee)}"


def amount(typed: str) -> str:
    """Write an amount: thousands may be marked, and øre stand behind a comma or a point."""
    words = re.sub(r"\s|kr\.?$", "", typed.strip())
    if _THOUSANDS.fullmatch(words):
        head, tail = _apart(words)
        words = re.sub(r"[.,]", "", head) + tail
    words = words.replace(",", ".")
    return words if re.fullmatch(r"0|[1-9][0-9]{0,9}", words) else quoted(words)


def _apart(words: str) -> tuple[str, str]:
    """Take the øre from an amount with marked thousands."""
    found = re.search(r"[.,][0-9]{1,2}$", words)
    return (words[: found.start()], words[found.start() :]) if found else (words, "")


def quoted(words: str) -> str:
    """Write words as TOML writes them."""
    return json.dumps(words.strip(), ensure_ascii=False).replace("\x7f", "\\u007f")


# --- from a table to the fields, to begin a draft with


def values_of(table: FeeTable) -> dict[str, str]:
    """Give the fields that would write a table; the day and the decision are left for the new one."""
    return {
        "product": table.reference.product,
        "contribution": "yes" if table.contribution else "no",
        "passive_share": share(table.passive_share),
        "first_year": table.first_year,
        "vat": "exempt" if table.vat.exemption else share(table.vat.rate),
        "vat_exemption": table.vat.exemption,
        **_fee_values("annual", table.annual_fee),
        **_fee_values("joining", table.joining_fee),
    }


def _fee_values(fee: str, given: AnnualFee | JoiningFee | None) -> dict[str, str]:
    if isinstance(given, FlatFee):
        return {f"{fee}_form": "flat", f"{fee}_flat": written(given.amount)}
    if isinstance(given, BandFee):
        amounts = {f"{fee}_{band}": written(amount) for band, amount in given.amounts.items()}
        return {f"{fee}_form": "band", **amounts}
    if isinstance(given, SharedCost):
        return {"annual_form": "shared", "annual_shared": written(given.cost)}
    if isinstance(given, DatedFee) and len(given.steps) <= STEPS:
        return {"joining_form": "dated", **_step_values(given.steps)}
    return {f"{fee}_form": "none"}


def _step_values(steps: Sequence[tuple[date | None, Money]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for nth, (until, amount) in enumerate(steps, start=1):
        found |= {f"step_until_{nth}": until.isoformat() if until else "", f"step_fee_{nth}": written(amount)}
    return found


def written(amount: Money) -> str:
    """Write an amount for a field."""
    whole, ore = divmod(amount.ore, ORE_PER_KRONE)
    return f"{whole}.{ore:02d}" if ore else str(whole)


def share(given: Fraction | None) -> str:
    """Write a share for a field: as per cent where two decimals do, else as a fraction; nothing for none."""
    if given is None:
        return ""
    hundredths = given * 10_000
    if hundredths.denominator != 1:
        return f"{given.numerator}/{given.denominator}"
    whole, rest = divmod(int(hundredths), 100)
    return (f"{whole}.{rest:02d}".rstrip("0").rstrip(".")) + " %"
