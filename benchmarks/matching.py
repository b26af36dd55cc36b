"""How quickly payments find their invoices, and the memory it takes: many transactions against many open invoices.

usage: python -m benchmarks.matching [AUTHORITIES [DATABASE-URL]]        prints one line of JSON

The invoices are those of a year on made-up registers; every second payment names its invoice by payment id, the others
in words with the payer's name. Half of the invoices stay open.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import create_app
from app.cli.service import Service
from app.config import read
from authorities.register import AUTHORITIES
from benchmarks import steps
from billing import payments
from billing.gathering import INVOICES
from foundation.audit import Trail
from tests import paying


def main() -> None:
    """Make the invoices, let payments come in, match them, and print what was found."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{Path(folder) / 'matching.sqlite'}"
        config = read({"OS2TILSLUT_DATABASE_URL": url, "OS2TILSLUT_DATA_DIR": folder})
        service = Service(config, create_app(config))
        steps.fill(service, count)
        steps.approve(service)
        steps.issue(service)
        with service.writing("benchmark") as (session, trail):
            coming = _come(session, trail)
        before = _largest()
        with service.writing("benchmark") as (session, trail):
            begun = time.perf_counter()
            found = payments.match_certain(session, paying.DAY, trail)
            seconds = time.perf_counter() - begun
        service.close()
    matched = sum(each.finding.is_certain for each in found)
    told = {
        "invoices": count, "payments": coming, "matched": matched, "seconds": round(seconds, 2),
        "each_second": round(matched / seconds), "megabytes_before": before, "megabytes": _largest(),
    }  # fmt: skip
    print(json.dumps(told))


def _come(session: Session, trail: Trail) -> int:
    """Let a payment come in for every second invoice."""
    rows = session.execute(
        select(INVOICES.c.number, INVOICES.c.gross_ore, AUTHORITIES.c.name)
        .join(AUTHORITIES, INVOICES.c.authority_id == AUTHORITIES.c.id)
        .order_by(INVOICES.c.id)
    ).all()[::2]
    made = [
        paying.payment(row.gross_ore, fik_id=paying.fik_of(row.number))
        if nth % 2
        else paying.payment(row.gross_ore, message=f"Faktura {row.number}", payer=row.name)
        for nth, row in enumerate(rows)
    ]
    paying.take_in(session, trail, made)
    return len(made)


def _largest() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
