"""Made-up registers for measuring: N authorities with eight lines each or so many more, on tables by band."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session
from stdnum import ean

from agreements.connections import AGREEMENTS
from agreements.products import PRODUCTS
from authorities.membership import MEMBERSHIPS
from authorities.population import POPULATION
from authorities.register import AUTHORITIES
from fee_tables import catalogue
from foundation.audit import Trail

YEAR = 2027
MOMENT = datetime(YEAR, 1, 15, tzinfo=UTC)
LINES_EACH = 8
_AT_A_TIME = 1_000

_KEY = """
size_key = "measured"
valid_from = 2022-01-01
decided_on = 2021-05-01
decided_by = "benchmark"
made_up = true
bands = [ { band = "small", below = 25000 }, { band = "medium", up_to = 60000 }, { band = "large", up_to = 120000 },
          { band = "very_large" } ]
"""
_ASSOCIATION = """
association = "measured"
valid_from = 2023-01-01
decided_on = 2022-05-01
decided_by = "benchmark"
made_up = true
dues = 25000
contribution = { member = "9 %", non_member = "35 %" }
"""
_TABLE = """
product = "measured {nth}"
valid_from = 2023-01-01
decided_on = 2022-11-01
decided_by = "benchmark"
made_up = true
annual_fee = {{ small = 22000, medium = 32000, large = 42000, very_large = 52000 }}
"""


def fill(session: Session, count: int, *, products: int = LINES_EACH, lines: int = LINES_EACH) -> None:
    """Fill an empty database with so many authorities, of which each has some of the products; the caller commits."""
    trail = Trail(session, "benchmark", MOMENT)
    numbers = range(1, products + 1)
    tables = {f"table {nth}": _TABLE.format(nth=nth) for nth in numbers}
    catalogue.adopt(session, {"key": _KEY, "association": _ASSOCIATION, **tables}, trail)
    session.execute(insert(PRODUCTS), [_product(nth) for nth in numbers])
    add(session, range(1, count + 1), products=products, lines=lines)
    trail.write()


def add(session: Session, ids: range, *, products: int = LINES_EACH, lines: int = LINES_EACH) -> None:
    """Add authorities with these ids; the caller commits."""
    for start in range(0, len(ids), _AT_A_TIME):
        for table, rows in _registers(ids[start : start + _AT_A_TIME], products, lines):
            session.execute(insert(table), rows)


def count_again(session: Session, count: int, year: int = YEAR) -> None:
    """Add the inhabitants of a later year, on which the fees of the one after rest; the caller commits."""
    session.execute(insert(POPULATION), [_inhabitants(id_) | {"year": year} for id_ in range(1, count + 1)])


def _registers(ids: range, products: int, lines: int) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    yield AUTHORITIES, [_authority(id_) for id_ in ids]
    yield POPULATION, [_inhabitants(id_) for id_ in ids]
    yield MEMBERSHIPS, [_membership(id_) for id_ in ids if _is_member(id_)]
    yield AGREEMENTS, [_agreement(id_, nth) for id_ in ids for nth in _products(id_, products, lines)]


def _is_member(id_: int) -> bool:
    """Three of four are members; their dues are one of the eight lines."""
    return id_ % 4 != 0


def _products(id_: int, products: int, lines: int) -> list[int]:
    """Give the products an authority has: a member one less, for its dues are a line, too."""
    begins = 0 if lines == products else id_
    return [(begins + at) % products + 1 for at in range(lines - 1 if _is_member(id_) else lines)]


def _authority(id_: int) -> dict[str, object]:
    row = dict.fromkeys(column.name for column in AUTHORITIES.columns)
    return row | {
        "id": id_, "cvr": f"{10000000 + id_}", "type": "kommune", "code": f"{id_:05d}", "name": f"Authority {id_}",
        "short_name": f"Authority {id_}", "address": "Measured Street 1", "postcode": "8000", "city": "Aarhus",
    }  # fmt: skip


def _inhabitants(id_: int) -> dict[str, object]:
    return {"authority_id": id_, "year": YEAR - 1, "inhabitants": 5_000 + id_ * 7919 % 200_000, "source": "benchmark"}


def _membership(id_: int) -> dict[str, object]:
    row = dict.fromkeys(column.name for column in MEMBERSHIPS.columns if column.name != "id")
    return row | {"authority_id": id_, "joined_on": date(2020, 1, 1)}


def _product(nth: int) -> dict[str, object]:
    return {"id": nth, "name": f"measured {nth}", "account": f"XG-{nth:010d}", "level": None}


def _agreement(id_: int, nth: int) -> dict[str, object]:
    row = dict.fromkeys(column.name for column in AGREEMENTS.columns if column.name != "id")
    digits = f"299{id_:09d}"
    return row | {
        "authority_id": id_, "product_id": nth, "kind": "active", "signed_on": date(2022, 12, 1),
        "countersigned_on": date(2022, 12, 15), "in_force_from": date(2023, 1, 1),
        "gln": digits + str(ean.calc_check_digit(digits)), "rebate_ore": 0,
    }  # fmt: skip
