"""The files that the stories import: CSV rows and tables with everyday values, changed where a story needs it.

GLNs are made up: they begin with 299 and end with a right check digit. CVR numbers of made-up authorities begin with 9.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import authorities
from tests.command_line import CommandLine

AUTHORITIES = (
    "type", "code", "name", "short_name", "region", "cvr", "valid_to", "address", "postcode", "city",
    "succeeded_by_cvr",
)  # fmt: skip
POPULATION = ("kommunekode", "kommune", "year", "population", "source")
PLACEMENTS = ("cvr", "band", "valid_from", "decided_by", "reason")
PRODUCTS = ("product", "account", "level")
MEMBERS = ("cvr", "joined_on", "left_on", "gln", "person_reference", "order_reference", "accounting_cost")
AGREEMENTS = (
    "cvr", "product", "kind", "signed_on", "countersigned_on", "in_force_from", "terminated_to", "notice_given_on",
    "gln", "person_reference", "order_reference", "accounting_cost", "rebate_dkk", "rebate_reason",
    "joining_fee_exempt_reason",
)  # fmt: skip

Row = Mapping[str, str]


@dataclass(frozen=True)
class Known:
    """An authority of the starter."""

    code: str
    cvr: str
    name: str


@cache
def starter(type_: str = "kommune") -> tuple[Known, ...]:
    """Give the starter's authorities of a type, in the order of their codes."""
    file = Path(str(authorities.__file__)).parent / "data" / "authorities.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["type"] == type_]
    return tuple(sorted((Known(row["code"], row["cvr"], row["name"]) for row in rows), key=lambda known: known.code))


def by_name(short: str) -> Known:
    """Give one of the starter's authorities by a part of its name."""
    return next(known for type_ in ("kommune", "region") for known in starter(type_) if short in known.name)


def gln(number: int | str) -> str:
    """Give a made-up GLN with a right check digit; the same number (a CVR number, say) gives the same GLN."""
    digits = f"299{int(number) % 10**9:09d}"
    odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
    return digits + str(-(odd + 3 * even) % 10)


@cache
def cvrs(count: int) -> tuple[str, ...]:
    """Give the first made-up CVR numbers."""
    found: list[str] = []
    candidate = 90_000_000
    while len(found) < count:
        candidate += 1
        digits = [int(digit) for digit in str(candidate)]
        if sum(d * w for d, w in zip(digits, (2, 7, 6, 5, 4, 3, 2, 1), strict=True)) % 11 == 0:
            found.append(str(candidate))
    return tuple(found)


def text(header: Sequence[str], rows: Iterable[Row], *, delimiter: str = ",") -> str:
    """Write rows as CSV; a column that a row lacks is empty, and columns that rows have beyond the header follow it."""
    listed = list(rows)
    further = [name for name in dict.fromkeys(name for row in listed for name in row) if name not in header]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*header, *further], restval="", delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue()


# --- rows with everyday values


def authority(number: str, **changes: str) -> Row:
    """Give a row on a made-up state body with an address."""
    return {
        "type": "stat", "name": f"Styrelsen {number}", "short_name": f"S{number[-4:]}", "cvr": number,
        "address": "Prøvevej 1", "postcode": "8000", "city": "Aarhus C",
    } | changes  # fmt: skip


def municipality(number: str, code: str, **changes: str) -> Row:
    """Give a row on a made-up municipality."""
    own = {"type": "kommune", "code": code, "name": f"Kommune {code}", "short_name": f"K{code}"}
    return authority(number, **own | changes)


def inhabitants(code: str, year: int, count: int, **changes: str) -> Row:
    """Give a row on the inhabitants of a municipality."""
    return {
        "kommunekode": code, "kommune": f"Kommune {code}", "year": str(year), "population": str(count),
        "source": "opdigtet",
    } | changes  # fmt: skip


def placement(number: str, band: str = "large", **changes: str) -> Row:
    """Give a row that places an authority."""
    return {
        "cvr": number, "band": band, "valid_from": "2022-01-01", "decided_by": "sekretariatet",
        "reason": "formål, kontaktflade og it-budget",
    } | changes  # fmt: skip


def member(number: str, **changes: str) -> Row:
    """Give a row on a member since 2020 whose dues have a GLN of their own."""
    return {"cvr": number, "joined_on": "2020-01-01", "gln": gln(number)} | changes


def agreement(number: str, product: str = "OS2valghalla", **changes: str) -> Row:
    """Give a row on an active agreement, in force since 2023 and signed before OS2valghalla had a joining fee."""
    return {
        "cvr": number, "product": product, "kind": "active", "signed_on": "2022-11-15",
        "countersigned_on": "2022-12-01", "in_force_from": "2023-01-01", "gln": gln(number),
    } | changes  # fmt: skip


# --- tables


def fee_table(product: str, *lines: str, valid_from: str = "2023-01-01") -> str:
    """Write a fee table with these further lines."""
    head = [
        f'product = "{product}"',
        f"valid_from = {valid_from}",
        "decided_on = 2022-11-01",
        f'decided_by = "styregruppen for {product}"',
        'source = "opdigtet"',
    ]
    return "\n".join([*head, *lines]) + "\n"


def association(*lines: str, valid_from: str = "2025-01-01") -> str:
    """Write a table of the association; further lines come after dues, half-year rule and contribution."""
    head = [
        'association = "OS2"',
        f"valid_from = {valid_from}",
        "decided_on = 2022-05-01",
        'decided_by = "generalforsamlingen"',
        "dues = 25000",
        'dues_half_when_joining_after = "07-01"',
        'contribution = { member = "9 %", non_member = "35 %" }',
    ]
    return "\n".join([*head, *lines]) + "\n"


SELLER = """
seller = "OS2 – Offentligt digitaliseringsfællesskab"
address = "Hack Kampmanns Plads 2"
postcode = "8000"
city = "Aarhus C"
cvr = "41849983"
vat_registered = true
gln = "5790002750595"
account = { registration = "1234", number = "0001234567" }
fik_creditor = "80000000"
payment_days = 30
"""


# --- importing


def take(line: CommandLine, register: str, header: Sequence[str], rows: Iterable[Row]) -> None:
    """Import rows into a register; they must be right."""
    line.done(register, "import", line.write(f"{register}.csv", text(header, rows)))


def take_agreements(line: CommandLine, *rows: Row) -> None:
    """Import agreements."""
    take(line, "agreements", AGREEMENTS, rows)


def take_members(line: CommandLine, *rows: Row) -> None:
    """Import memberships."""
    take(line, "members", MEMBERS, rows)


def take_authorities(line: CommandLine, *rows: Row) -> None:
    """Import authorities."""
    take(line, "authorities", AUTHORITIES, rows)


def take_population(line: CommandLine, *rows: Row) -> None:
    """Import inhabitants."""
    take(line, "population", POPULATION, rows)


def take_placements(line: CommandLine, *rows: Row) -> None:
    """Import placements."""
    take(line, "placements", PLACEMENTS, rows)


def adopt(line: CommandLine, *texts: str) -> None:
    """Adopt tables."""
    line.done("fee-tables", "adopt", *(line.write(f"table{nth}.toml", words) for nth, words in enumerate(texts)))
