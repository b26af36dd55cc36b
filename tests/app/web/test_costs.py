"""What a page costs in queries: the same number for a list of ten, of sixty and of a thousand rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from agreements.road import guide, inquiries, journeys
from agreements.road.journeys import Change, Status, Trial
from app import clock, config, create_app, database
from app.access import Role
from authorities.register import AUTHORITIES as AUTHORITY
from benchmarks import people, registers
from billing import annual_run, approvals, invoices, payments, reminders, seller, vouchers
from billing.funding import budgets, costs, judgements, pipeline
from billing.funding.pipeline import Seen
from billing.invoices import Terms
from billing.matching import Part
from billing.payments import Placing
from foundation import append_only
from foundation.audit import Trail
from foundation.language import same
from foundation.letters import LETTERS
from foundation.money import Money
from tests import paying, queries, reminding, spending
from tests.app.web.desks import OWN
from tests.command_line import CommandLine
from tests.places import with_starter

TERMS = Terms(registers.YEAR, "real", date(registers.YEAR, 1, 15), seller.made_up())
FEW, SOME, MANY = 10, 60, 1_000

#: When somebody is expected to join.
EXPECTED = date(2027, 6, 1)
QUARTER = timedelta(days=91)

#: Who asks; what there is to choose from; the rows and their number.
AUTHORITIES = 3
PLAN = 7


Sit = Callable[[Role], FlaskClient]


@pytest.fixture
def sit(empty: CommandLine) -> Iterator[Sit]:
    """Gives a browser in which somebody of a role is signed in."""
    settings = config.read(empty.environment)
    app = create_app(settings)

    def opened(role: Role) -> FlaskClient:
        with empty.session() as session:
            cookie = people.browser(session, people.person(session, role, clock.now(settings)), clock.now(settings))
        client = app.test_client()
        client.set_cookie(settings.session_cookie, cookie)
        return client

    yield opened
    with app.app_context():
        database.db.engine.dispose()


@pytest.fixture
def reader(sit: Sit) -> FlaskClient:
    """A browser in which somebody who may read everything is signed in."""
    return sit(Role.AUDITOR)


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


def booked(session: Session, numbers: range) -> None:
    """Book costs, each on another account."""
    funds = {fund: accounts for fund, accounts in costs.chart(session).by_fund.items() if fund is not None}
    places = [(fund, number.rpartition("-")[2]) for fund, accounts in funds.items() for number in accounts]
    drafts = (spending.draft(session, 100_00 + nth, product=places[nth][0], suffix=places[nth][1]) for nth in numbers)
    spending.spend(session, *drafts)


def dated_back(session: Session, numbers: range) -> None:
    """Book opening balances, each in another quarter, further and further back."""
    trail, days = Trail(session, "En Økonom", registers.MOMENT), [date(2027, 1, 1) - QUARTER * nth for nth in numbers]
    amounts = (vouchers.Entry("6480", Money(100)), vouchers.Entry("6935", Money(-100)))
    vouchers.book(session, [vouchers.Order("opening", f"{on}", on, "Opdigtet", amounts) for on in days], trail)
    trail.write()


def budgeted(session: Session, numbers: range) -> None:
    """Write versions of one fund's budget, and let each wait for another person."""
    trail, account = Trail(session, "En Økonom", registers.MOMENT), budgets.accounts(session)["OS2kitos"]
    line = budgets.Line(account.named("00005") or "", budgets.equal(Money(12_000_00)))
    for nth in numbers:
        wanted = budgets.Draft("OS2kitos", registers.YEAR, (line,), f"Oplæg {nth}")
        budgets.propose(session, budgets.draft(session, wanted, trail), trail)
    trail.write()


def some_authorities(session: Session, numbers: range) -> list[Row[Any]]:
    """Give as many authorities, other ones for other numbers."""
    found = select(AUTHORITY.c.id, AUTHORITY.c.cvr).order_by(AUTHORITY.c.id)
    return list(session.execute(found.offset(numbers.start).limit(len(numbers))))


def wondered(session: Session, numbers: range) -> None:
    """Ask questions, answer them, and let somebody be named for each."""
    trail = Trail(session, "En Økonom", registers.MOMENT)
    for each in some_authorities(session, numbers):
        asked = inquiries.Question(each.id, "OS2kitos", "fees", "Pris", "Hvad koster det?")
        number = inquiries.ask(session, asked, None, trail)
        thread = inquiries.get(session, inquiries.listing(), number)
        inquiries.write(session, thread, "answer", "Det står i taksten", trail)
        inquiries.assign(session, thread, "En Koordinator", None, trail)
    trail.write()


def walked(session: Session, numbers: range) -> None:
    """Let authorities be on their way, each with a task done, a trial, a judgement, and a question that waits."""
    trail = Trail(session, "En Økonom", registers.MOMENT)
    if numbers.start == 1:
        guide.publish(session, guide.shipped(), trail)
    for each in some_authorities(session, numbers):
        number = journeys.open_(session, each.id, "OS2kitos", trail)
        journey = journeys.get(session, journeys.listing(), number)
        journeys.write(session, journey, journey.steps[0].tasks[0], Change(Status.DONE), trail)
        journeys.try_(session, journey, Trial("own", "At det virker"), trail)
        judgements.judge(session, journey, 60, EXPECTED, "Opdigtet", trail)
        inquiries.ask(session, inquiries.Question(each.id, "OS2kitos", "fees", "Pris", "Hvad koster det?"), None, trail)
    trail.write()


def expected(session: Session, numbers: range) -> None:
    """Write cases by hand, some of which give way to a journey."""
    walked(session, numbers)
    trail = Trail(session, "En Økonom", registers.MOMENT)
    for each in some_authorities(session, numbers):
        for product in ("OS2kitos", "OS2valghalla"):
            pipeline.see(session, Seen(each.cvr, product, EXPECTED, "contact", "Opdigtet"), trail)
    trail.write()


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
        ("/accounts", dated_back),
        (f"/accounts/{registers.YEAR}", booked),
        (f"/budgets?year={registers.YEAR}", budgeted),
        ("/questions", wondered),
        ("/road", walked),
        ("/pipeline", expected),
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


def remind(line: CommandLine) -> None:
    """Remind of all that is overdue: one plans, another approves, and it is issued."""
    with line.session() as session:
        one, other = (
            Trail(session, "En Økonom #1", registers.MOMENT),
            Trail(session, "En Godkender #2", registers.MOMENT),
        )
        made = reminders.hand_over(session, one, on=reminding.LATE)
        one.write()
        reminders.approve(session, made.id, other)
        reminders.issue(session, TERMS.seller, other, on=reminding.LATE)
        other.write()


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.FINANCE])
def test_reminders_ask_as_often_for_many_as_for_few(empty: CommandLine, role: Role, sit: Sit) -> None:
    reader = sit(role)
    with empty.session() as session:
        registers.fill(session, SOME)
    approve(empty)
    reminding.decide(empty)
    reminding.bank(empty, reminding.LATE)
    issue(empty, FEW)
    remind(empty)
    few = asked(reader, "/reminders"), asked(reader, "/reminders?sending=no_contact")
    issue(empty, SOME - FEW)
    remind(empty)

    assert (asked(reader, "/reminders"), asked(reader, "/reminders?sending=no_contact")) == few
    assert reader.get("/reminders").text.count("<tr") > SOME - FEW
