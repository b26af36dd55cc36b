"""What the demonstration's year promises: its products are described, and its funds have books, hours and reports."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import funding_demonstration
from billing.funding import budgets, costs, publications
from foundation import periods
from foundation.money import ZERO
from tests.app.web.desks import Desk, opened
from tests.command_line import CommandLine

SHIPPED = Path(__file__).resolve().parents[2] / "agreements/data/products.csv"


@pytest.fixture
def line(demonstration_year: Path, tmp_path: Path) -> CommandLine:
    """Give the command line on a copy of the demonstration's year."""
    file = tmp_path / "os2tilslut.sqlite"
    shutil.copy(demonstration_year, file)
    return CommandLine(f"sqlite:///{file}", tmp_path).with_environ(OS2TILSLUT_ENV="demo")


@pytest.fixture
def desk(line: CommandLine) -> Iterator[Desk]:
    with opened(line) as made:
        yield made


def test_every_product_is_described_as_made_up_and_names_a_function(desk: Desk) -> None:
    with SHIPPED.open(encoding="utf-8", newline="") as rows:
        names = [row["product"] for row in csv.DictReader(rows)]

    pages = {name: desk.read(f"/products/{name}") for name in names}

    assert [name for name, page in pages.items() if "opdigtet til demonstration" not in page] == []
    assert [name for name, page in pages.items() if "Koordinator (opdigtet)" not in page] == []
    assert not any("er ikke beskrevet her endnu" in page for page in pages.values())
    assert "Bemander valgsteder" in pages["OS2valghalla"]
    hidden = {name for name, page in pages.items() if "Det er ikke besluttet at vise" in page}
    assert hidden and len(hidden) < len(names) / 2
    desk.post("/language", language="en", next="/")
    assert "Staffs polling stations" in desk.read("/products/OS2valghalla")


def test_six_products_have_two_published_quarters_costs_hours_and_adopted_budgets(line: CommandLine) -> None:
    with line.session() as session:
        quarters = defaultdict(set)
        for edition in publications.listed(session):
            quarters[edition.product].add(periods.name(edition.period))
        published = sorted(product for product, named in quarters.items() if product and len(named) == 2)
        booked = session.execute(costs.listed().where(costs.is_booked())).all()
        adopted = {year: budgets.spending(session, year) for year in (2026, 2027)}

    assert len(published) >= funding_demonstration.PUBLISHED == 6
    assert all(quarters[product] == {"2026-Q3", "2026-Q4"} for product in published)
    assert set(published) <= {row.product for row in booked if row.minutes is None}
    assert set(published) <= {row.product for row in booked if row.minutes}
    assert all(by_fund.get(product, ZERO) > ZERO for by_fund in adopted.values() for product in published)
