"""The size key and the association's table drafted field by field, as `drafts` does it for a product's fee table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from fee_tables import drafts
from fee_tables.drafts import Draft
from fee_tables.size_key import STANDARD_BANDS, SizeKey
from fee_tables.table import AssociationTable, Index
from foundation.money import ORE_PER_KRONE

BANDS = 20  # rows that a form has at most
ROWS = "rows"  # the field that says how many a form shows

_DECISION = ("valid_from", "decided_on", "decided_by", "source")
SIZE_KEY_FIELDS = (
    "size_key", *_DECISION, *(f"{what}_{nth}" for nth in range(1, BANDS + 1) for what in ("band", "up_to")),
)  # fmt: skip
ASSOCIATION_FIELDS = (
    "association", *_DECISION, "dues", "half_after", "old", "new", "round_to", "member", "non_member", "vat",
    "vat_exemption",
)  # fmt: skip


def size_key_text(values: Mapping[str, str]) -> Draft:
    """Write a size key's fields as a TOML text."""
    return drafts.drafted(_size_key_lines(values))


def association_text(values: Mapping[str, str]) -> Draft:
    """Write the fields of the association's table as a TOML text."""
    return drafts.drafted(_association_lines(values))


def _decision(values: Mapping[str, str], name: str) -> Iterator[tuple[str, str]]:
    for field in (name, "decided_by", "source"):
        yield field, f"{field} = {drafts.quoted(values.get(field, ''))}"
    yield from drafts.days(values)


def _size_key_lines(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from _decision(values, "size_key")
    for nth in range(1, BANDS + 1):
        band, most = (values.get(f"{what}_{nth}", "").strip() for what in ("band", "up_to"))
        if not band and not most:
            continue
        yield f"band_{nth}", "[[bands]]"
        yield f"band_{nth}", f"band = {drafts.quoted(band)}"
        if most:
            yield f"up_to_{nth}", f"up_to = {drafts.amount(most)}"


def _association_lines(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from _decision(values, "association")
    yield "dues", f"dues = {drafts.amount(values.get('dues', ''))}"
    if half := values.get("half_after", "").strip():
        yield "half_after", f"dues_half_when_joining_after = {drafts.quoted(half)}"
    yield "vat", f"vat = {drafts.quoted(values.get('vat', '').strip() or '25 %')}"
    if exemption := values.get("vat_exemption", "").strip():
        yield "vat_exemption", f"vat_exemption = {drafts.quoted(exemption)}"
    yield "member", "[contribution]"
    for name in ("member", "non_member"):
        yield name, f"{name} = {drafts.quoted(values.get(name, ''))}"
    old, new = (values.get(name, "").strip().replace(",", ".") for name in ("old", "new"))
    if old or new:
        yield "old", "[index]"
        yield "old", f"old = {drafts.quoted(old)}"
        yield "new", f"new = {drafts.quoted(new)}"
        yield "round_to", f"round_to = {drafts.quoted(values.get('round_to') or '1')}"


def rows(values: Mapping[str, str]) -> int:
    """Tell how many rows of sizes a form shows: as many as it was asked for, and every one that holds something."""
    asked = values.get(ROWS, "")
    wanted = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 3 else len(STANDARD_BANDS)
    filled = (nth for nth in range(1, BANDS + 1) if values.get(f"band_{nth}") or values.get(f"up_to_{nth}"))
    return min(BANDS, max(1, wanted, *filled))


# --- from a decision to the fields; the days, who decided and the source are left for the new one


def size_key_values(key: SizeKey | None) -> dict[str, str]:
    """Give the fields that would write a size key; the standard bands' names where there is none."""
    if key is None:
        return {f"band_{nth}": name for nth, name in enumerate(STANDARD_BANDS, start=1)}
    found = {"size_key": key.name, ROWS: str(len(key.bands))}
    for nth, band in enumerate(key.bands, start=1):
        found |= {f"band_{nth}": band.name, f"up_to_{nth}": "" if band.most is None else str(band.most)}
    return found


def association_values(table: AssociationTable | None) -> dict[str, str]:
    """Give the fields that would write a table of the association."""
    if table is None:
        return {}
    return {
        "association": table.reference.product,
        "dues": drafts.written(table.dues),
        "half_after": "{:02d}-{:02d}".format(*table.half_after) if table.half_after else "",
        "member": drafts.share(table.contribution_member),
        "non_member": drafts.share(table.contribution_non_member),
        "vat": "exempt" if table.vat.exemption else drafts.share(table.vat.rate),
        "vat_exemption": table.vat.exemption,
        **(_index_values(table.index) if table.index else {}),
    }


def _index_values(index: Index) -> dict[str, str]:
    return {
        "old": _decimal(index.old), "new": _decimal(index.new),
        "round_to": "1" if index.round_to == ORE_PER_KRONE else "0.01",
    }  # fmt: skip


def _decimal(value: Fraction) -> str:
    """Write a number of at most six decimals, which is all that a table can hold."""
    whole, rest = divmod(int(value * 10**6), 10**6)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
