"""What a page costs in queries: the same number for a list of ten, of sixty and of a thousand rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, config, create_app, database
from app.access import Role
from authorities.register import AUTHORITIES as AUTHORITY
from benchmarks import people, registers
from billing import annual_run, approvals, invoices, payments, seller
from billing.invoices import Terms
from billing.matching import Part
from billing.payments import Placing
from foundation import append_only
from foundation.audit import Trail
from foundation.language import same
from foundation.letters import LETTERS
from foundation.money import Money
from tests import paying, queries, spending
from tests.app.web.desks import OWN
from tests.command_line import CommandLine
from tests.places import with_starter

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


def came(session: Session, numbers: range) -> None:
    """Let payments of strangers come in on one statement."""
    trail = Trail(session, "En Økonom", registers.MOMENT)
    paying.take_in(session, trail, [paying.payment(100 + nth, payer=f"Fremmed {nth}") for nth in numbers])
    trail.write()


def stated(session: Session, numbers: range) -> None:
    """Take statements in, of one payment each."""
    for nth in numbers:
        came(session, range(nth, nth + 1))


def wrote(session: Session, numbers: range) -> None:
    """Write letters."""
    trail = Trail(session, "En Økonom", registers.MOMENT)
    texts = dict.fromkeys(("title", "sender", "message_id", "sha256", "reason"), "")
    told = {**texts, "kind": "invitation", "number": 1, "content": b"", "replaces_id": None,
            "written_by": "En Økonom", "written_at": registers.MOMENT}  # fmt: skip
    rows = [{**told, "id": nth, "subject": f"{nth}", "receiver": f"{nth}@example.dk"} for nth in numbers]
    trail.record("letters.written", "", rows=[(LETTERS, row) for row in rows])
    append_only.add(session, LETTERS, rows)
    trail.write()


def spent(session: Session, numbers: range) -> None:
    """Enter and approve costs."""
    spending.spend(session, *(spending.draft(session, 100_00 + nth) for nth in numbers))


def credited(session: Session, numbers: range) -> None:
    """Let payments come in, and place each to the credit of one authority."""
    trail, day = Trail(session, "En Økonom", registers.MOMENT), paying.DAY
    authority = session.execute(select(AUTHORITY.c.id).where(AUTHORITY.c.cvr == OWN.cvr)).scalar_one()
    came = paying.take_in(session, trail, [paying.payment(100 + nth) for nth in numbers])
    parts = (Part(Money(100 + nth), authority) for nth in numbers)
    placed = [Placing(id_, (part,), "hand", same("Aftalt")) for id_, part in zip(came, parts, strict=True)]
    payments.place(session, placed, day, trail)
    trail.write()


@pytest.mark.parametrize(
    ("path", "grow"),
    [
        ("/payments", came),
        ("/bank", stated),
        ("/bank/transactions", came),
        ("/letters", wrote),
        ("/costs", spent),
        (f"/authorities/{OWN.cvr}/account?on=2027-03-01", credited),
    ],
)
def test_a_list_asks_as_often_for_many_rows_as_for_few(
    path: str, grow: Callable[[Session, range], None], empty: CommandLine, reader: FlaskClient
) -> None:
    with_starter(empty)
    with empty.session() as session:
        grow(session, range(1, 3))
    few = asked(reader, path)
    with empty.session() as session:
        grow(session, range(3, 43))

    assert asked(reader, path) == few
    assert reader.get(path).text.count("<tr") > 40 or path == "/payments"


def test_deliveries_ask_as_often_for_many_documents_as_for_few(empty: CommandLine, reader: FlaskClient) -> None:
    with empty.session() as session:
        registers.fill(session, SOME)
    approve(empty)
    issue(empty, FEW)
    few = asked(reader, "/deliveries")
    issue(empty, SOME - FEW)

    assert asked(reader, "/deliveries") == few
