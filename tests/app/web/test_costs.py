"""What a page costs in queries: the same number for a list of ten, of sixty and of a thousand rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app import clock, config, create_app, database
from app.access import Role
from benchmarks import people, registers
from billing import annual_run, approvals, invoices, seller
from billing.invoices import Terms
from foundation.audit import Trail
from tests import queries
from tests.command_line import CommandLine

TERMS = Terms(registers.YEAR, "real", date(registers.YEAR, 1, 15), seller.made_up())
FEW, SOME, MANY = 10, 60, 1_000

#: Who asks; what there is to choose from; the rows and their number.
AUTHORITIES = 3
PLAN = 7


@pytest.fixture
def reader(empty: CommandLine) -> Iterator[FlaskClient]:
    """A browser in which somebody who may read everything is signed in."""
    settings = config.read(empty.environment)
    app = create_app(settings)
    with empty.session() as session:
        cookie = people.browser(session, people.person(session, Role.AUDITOR, clock.now(settings)), clock.now(settings))
    client = app.test_client()
    client.set_cookie(settings.session_cookie, cookie)
    yield client
    with app.app_context():
        database.db.engine.dispose()


def asked(client: FlaskClient, path: str) -> int:
    """Count the queries of a page that was shown before."""
    assert client.get(path).status_code == 200, path
    with queries.heard() as statements:
        client.get(path)
    return len(statements)


def approve(line: CommandLine) -> None:
    """Approve the plan of the year."""
    with line.session() as session:
        trail = Trail(session, "En Godkender", registers.MOMENT)
        digest = annual_run.plan(session, registers.YEAR, TERMS.seller).digest
        approvals.approve(session, registers.YEAR, digest, TERMS.seller, trail)
        trail.write()


def issue(line: CommandLine, count: int) -> None:
    """Issue the next so many invoices, a row of the audit log each ten."""
    with line.session() as session:
        trail = Trail(session, "En Økonom", registers.MOMENT)
        for _ in range(count // 10):
            invoices.issue_batch(session, TERMS, trail, at_most=10)
        trail.write()


def test_registers_and_plan_ask_as_often_for_a_thousand_authorities_as_for_sixty(
    empty: CommandLine, reader: FlaskClient
) -> None:
    paths = ("/authorities", f"/year/{registers.YEAR}")
    with empty.session() as session:
        registers.fill(session, FEW)
    few = [asked(reader, path) for path in paths]
    with empty.session() as session:
        registers.add(session, range(FEW + 1, SOME + 1))
        disturb(session)
    some = [asked(reader, path) for path in paths]
    with empty.session() as session:
        registers.add(session, range(SOME + 1, MANY + 1))
        disturb(session)

    many = [asked(reader, path) for path in paths]

    assert few == some == many == [AUTHORITIES, PLAN]


def disturb(session: Session) -> None:
    """Leave the entry that an import leaves, so that the plan is made anew."""
    trail = Trail(session, "En Økonom", registers.MOMENT)
    trail.record("authorities.imported", "authorities.csv")
    trail.write()


def test_invoices_and_audit_log_ask_as_often_for_a_thousand_rows_as_for_sixty(
    empty: CommandLine, reader: FlaskClient
) -> None:
    paths = ("/invoices", "/audit", f"/invoices/{registers.YEAR}-0001")
    with empty.session() as session:
        registers.fill(session, MANY)
    approve(empty)
    issue(empty, SOME)
    some = [asked(reader, path) for path in paths]
    issue(empty, MANY - SOME)

    many = [asked(reader, path) for path in paths]

    assert many == some
