"""How quickly funds are told from the database: one report, all of them beside each other, and next year's forecast.

usage: python -m benchmarks.funding URL FOLDER YEARS      on an empty database; prints one line of JSON

Each is read again and again, each time in a snapshot of its own, and is what pages, commands and API begin with.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import create_app
from app.cli.service import Service
from app.config import read
from benchmarks import fund_years
from billing import vouchers
from billing.funding import forecast, overview, reporting
from foundation import periods
from foundation.periods import Period

#: How long a history is that costs nothing, and how long one is that might.
YEARS = (1, 10)
TIMES = 15
_PRODUCT = "measured 7"

Act = Callable[[Session], object]


def acts(years: int) -> Mapping[str, Act]:
    """Give what is measured on a history of so many years."""
    last = fund_years.FIRST + years - 1
    whole = [periods.year(year) for year in range(fund_years.FIRST, last + 1)]
    on, quarters = date(last, 12, 31), _quarters(last)
    all_quarters = [quarter for each in whole for quarter in _quarters(each.start.year)]
    return {
        "one report, a quarter": lambda session: reporting.compute(session, _PRODUCT, quarters[0]),
        "one report, a year": lambda session: reporting.compute(session, _PRODUCT, whole[-1]),
        "the association's report, a year": lambda session: reporting.compute(session, None, whole[-1]),
        "all funds, a year by quarters": lambda session: overview.read(session, quarters),
        "all funds, the whole history by years": lambda session: overview.read(session, whole),
        "all funds, the whole history by quarters": lambda session: overview.read(session, all_quarters),
        "forecast of one fund": lambda session: forecast.compute(session, _PRODUCT, last + 1, on),
        "forecast of all funds": lambda session: forecast.compute_all(session, last + 1, on),
    }


def _quarters(year: int) -> list[Period]:
    return [periods.named(f"{year}-Q{nth}") for nth in (1, 2, 3, 4)]


def main() -> None:
    """Make the years, read what they hold, and print what each reading took, in seconds."""
    url, folder, years = sys.argv[1:]
    config = read({"OS2TILSLUT_DATABASE_URL": url, "OS2TILSLUT_DATA_DIR": folder})
    service = Service(config, create_app(config))
    fund_years.fill(service, int(years))
    with service.reading() as session:
        postings = session.execute(select(func.count()).select_from(vouchers.entries().subquery())).scalar()
    each = {name: [_timed(service, act) for _ in range(TIMES + 1)][1:] for name, act in acts(int(years)).items()}
    service.close()
    print(json.dumps({"postings": postings, "each": each}))


def _timed(service: Service, act: Act) -> float:
    with service.reading() as session:
        begun = time.perf_counter()
        act(session)
        return time.perf_counter() - begun


if __name__ == "__main__":
    main()
