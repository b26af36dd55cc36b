"""A small world for tests of the workplace: three municipalities, two products, people of every role.

Aarhus is a member and has OS2valghalla; its signatory and the group of OS2valghalla see it. Aalborg and Odense have
OS2kitos, and Aalborg is a member. Odense's agreement has no GLN, so its line is held back until somebody mends that.
`issue` issues the year, and `wait` lets something of every kind wait for a second person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from importlib import resources

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import billing_details, correspondence, paper, table_proposals, templates
from agreements.models import Agreement, RightToSign
from agreements.road import files as road_files
from agreements.road import guide, inquiries, journeys, showings
from agreements.road.inquiries import Question
from app import (
    agreement_demonstration,
    association,
    bank_demonstration,
    clock,
    config,
    create_app,
    database,
    reminder_work,
)
from app.access import Principal
from app.agreement_demonstration import Way
from app.annual_work import InNameOf
from app.bank_demonstration import Moved
from app.identity import demonstration, tokens, users
from app.identity.models import UserAccount
from authorities.models import Authority
from billing import (
    account_mapping,
    annual_run,
    bookkeeping,
    credit_proposals,
    handover,
    holds,
    payments,
    reminder_terms,
    reminders,
    seller,
    settlements,
    vouchers,
    work_runs,
)
from billing.credits import Order
from billing.funding import budgets, cost_files, costs, forecast, pipeline
from billing.funding.costs import Draft
from billing.funding.pipeline import Seen
from billing.matching import Part
from billing.models import Invoice
from billing.reminder_models import Reminder
from foundation import letters, periods
from foundation.audit import Trail
from foundation.language import Text
from foundation.money import Money
from tests import paying, publishing, reminding
from tests.command_line import CommandLine
from tests.scenarios import acting, files

YEAR = 2027
AARHUS, AALBORG, ODENSE, VEJLE = (files.by_name(name).cvr for name in ("Aarhus", "Aalborg", "Odense", "Vejle"))


def fill(line: CommandLine) -> None:
    """Fill an empty place with the starter, the agreements and the people."""
    line.done("db", "upgrade")
    line.done("starter", "load")
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_members(line, files.member(AARHUS), files.member(AALBORG))
    files.take_agreements(
        line,
        files.agreement(AARHUS),
        files.agreement(AALBORG, "OS2kitos"),
        files.agreement(ODENSE, "OS2kitos", gln=""),
    )
    with made(line) as app, app.app_context(), database.writing() as session:
        trail = Trail(session, "kommandolinjen", clock.now(app.extensions["os2tilslut"]))
        demonstration.make(session, trail, app.extensions["os2tilslut"].oidc.issuer)
        trail.write()


def issue(line: CommandLine, *, reminded: bool = True) -> None:
    """Issue the year, credit two authorities their dues, make the documents, remind, and let money come in."""
    line.issue(YEAR)
    for cvr in (AARHUS, AALBORG):
        with line.session() as session:
            number = invoice_of(session, cvr)
        words = ("--line", 1, "--reason", "Opdigtet", "--by", "En Forbereder", "--approved-by", "En Godkender")
        line.done("billing", "credit", number, *words)
    line.done("billing", "export", YEAR, line.folder / "documents")
    if not reminded:
        return
    remind(line)  # before money comes in that stops it
    paid = [Moved(date(YEAR, 1, 20), 2_500_000, "1", message=("Kontingent",), payer="Aarhus Kommune")]
    statement = bank_demonstration.statement("1", 0, paid, date(YEAR, 1, 18), date(YEAR, 1, 24))
    line.done("bank", "import", line.write("bank.xml", statement.decode()))


def begin(line: CommandLine) -> None:
    """Let journeys, cases, questions, a cost and letters begin, for lists that have a row; nothing else waits."""
    for act in (_expect, _walk, _ask, _propose_cost, _write):
        acting.by(line, "En Forbereder", act)


def _write(session: Session, trail: Trail) -> None:
    wanted = letters.Letter("invitation", "opdigtet", "ny@example.org", "Velkommen", "Opdigtet")
    letters.write(session, [wanted], trail, sender=letters.Sender("OS2", "os2@example.org"))


@contextmanager
def made(line: CommandLine) -> Iterator[Flask]:
    """Make the application on a place meanwhile, in this process."""
    app = create_app(config.read(line.environment))
    yield app
    with app.app_context():
        database.db.engine.dispose()


def people(app: Flask) -> dict[str, Principal]:
    """Give the made-up people by the word their mail begins with, each freshly signed in."""
    settings = app.extensions["os2tilslut"]
    with app.app_context(), database.reading() as session:
        listed = session.execute(select(UserAccount.id, UserAccount.mail)).all()
        found = {
            mail.partition("@")[0]: users.principal_of(session, id_, clock.today(settings), clock.now(settings))
            for id_, mail in listed
        }
    return {name: person for name, person in found.items() if person is not None}


# --- what waits


@dataclass(frozen=True)
class Waiting:
    """The numbers of what waits for a second person."""

    credit: int
    table: int
    settings: int
    details: dict[str, int]  # by CVR
    token: int  # of the one who prepares
    run: int  # that was begun and has ended
    text: int  # an agreement template
    told: int  # who is told at the secretariat
    paper: int  # an agreement signed on paper
    closing: int  # of a period
    mapping: int  # of accounts
    offers: dict[str, str]  # references by CVR, of offers that can be signed
    payment: int  # that has not found its place
    match: int  # of another that has
    refund: int
    reminders: int  # a plan of reminders
    terms: int  # of reminding
    hold: int  # a dispute of Aarhus's first invoice
    journeys: dict[str, int]  # by CVR: Aarhus's to OS2valghalla, Aalborg's to OS2kitos
    files: dict[str, int]  # by CVR, on those journeys
    showings: dict[str, int]  # by CVR, of those products
    inquiries: dict[str, int]  # by CVR, on the same products
    forecasts: dict[str, int]  # by CVR, kept of the same products
    answer: int  # that is used again
    spending: int  # a proposal of one cost
    cost: int
    budgeting: int  # a proposal of one budget
    budget: int
    reports: dict[str, publishing.Published]  # by CVR: of the group's product, and of another


_TABLE = files.fee_table("OS2kitos", "annual_fee = 31000", 'vat = "25 %"', valid_from="2028-01-01")


def wait(line: CommandLine, known: Mapping[str, Principal]) -> Waiting:
    """Let a credit note, next year's plan, a fee table, settings and two changes of billing details wait."""
    finance = known["finance"].actor
    references = agree(line)
    acting.by(line, finance, lambda session, trail: _hand_over(session, trail, line))
    payment, match, refund = acting.by(line, finance, _pay)
    return Waiting(
        payment=payment,
        match=match,
        refund=refund,
        reminders=acting.by(line, finance, _plan_reminders),
        terms=acting.by(line, finance, _propose_terms),
        hold=acting.by(line, finance, _hold),
        journeys=(acting.by(line, finance, _expect), acting.by(line, finance, _walk))[1],
        files=acting.by(line, finance, _lay),
        showings=acting.by(line, finance, _show),
        inquiries=acting.by(line, finance, _ask),
        forecasts=acting.by(line, finance, _keep_forecasts),
        answer=acting.by(
            line, finance, lambda session, trail: inquiries.keep(session, "fees", "Pris", "Opdigtet", trail)
        ),
        reports={
            cvr: publishing.publish(line, finance, known["approver"].actor, product)
            for cvr, product in ((AARHUS, "OS2valghalla"), (AALBORG, "OS2kitos"))
        },
        text=acting.by(line, finance, _propose_text),
        told=acting.by(line, finance, _propose_told),
        closing=acting.by(line, finance, _propose_closing),
        mapping=acting.by(line, finance, _propose_mapping),
        paper=acting.by(line, finance, _record_paper),
        offers={AARHUS: references[0], AALBORG: references[2]},
        credit=acting.by(line, finance, lambda session, trail: _propose_credit(session, trail, line)),
        table=acting.by(line, finance, lambda session, trail: table_proposals.propose(session, _TABLE, trail).id),
        settings=acting.by(line, finance, _propose_settings),
        details={
            cvr: acting.by(line, known[person].actor, partial(_propose_details, cvr=cvr))
            for cvr, person in ((AARHUS, "signatory-aarhus"), (AALBORG, "signatory-aalborg"))
        },
        token=acting.by(line, finance, partial(_make_token, owner=known["finance"])),
        run=acting.by(line, finance, _run),
        spending=(spent := acting.by(line, finance, _propose_cost))[0],
        cost=spent[1],
        budgeting=(planned := acting.by(line, finance, _propose_budget))[0],
        budget=planned[1],
    )


#: Offers on their way: to be signed by two in order, signed and waiting for the chair, and to be signed by one.
WAYS = (
    Way(AARHUS, "OS2kitos", ("signatory-aarhus", "signatory-aarhus-2")),
    Way(AARHUS, "OS2valghalla", ("signatory-aarhus",), signed_by=1),
    Way(AALBORG, "OS2kitos", ("signatory-aalborg",)),
)


def agree(line: CommandLine, *more: Way) -> list[str]:
    """Adopt the texts, give rights and offices, and offer; give the references of `WAYS`, and of what comes on top."""
    with made(line) as app, app.app_context():
        return agreement_demonstration.make(app.extensions["os2tilslut"], (*WAYS, *more))


def _propose_told(session: Session, trail: Trail) -> int:
    return correspondence.propose(session, correspondence.Correspondence(("post@example.org",)), trail).id


def _pay(session: Session, trail: Trail) -> tuple[int, int, int]:
    """Let two payments come in; put the second to Aarhus's credit, and propose to pay some of it back."""
    waits, placed = paying.take_in(
        session, trail, [paying.payment(100_000, payer="En Fremmed"), paying.payment(50_000, payer="Aarhus")]
    )
    authority_id = session.scalars(select(Authority.id).where(Authority.cvr == AARHUS)).one()
    why = Text("valgt i hånden", "chosen by hand")
    placing = payments.Placing(placed, (Part(Money(50_000), authority_id),), "hand", why)
    (match,) = payments.place(session, [placing], trail.at.date(), trail)
    order = settlements.RefundOrder(AARHUS, Money(10_000), "Betalt for meget")
    return waits, match, settlements.propose_refund(session, order, trail).id


#: When all that was issued is overdue.
LATE = date(2027, 4, 1)


def remind(line: CommandLine) -> None:
    """Remind everybody once, after the bank has told of all days; the last reminder leaves, the others lie here."""
    reminding.bank(line, LATE + timedelta(days=60))
    reminding.decide(line, automatic="true")
    with made(line) as app, app.app_context():
        issued = reminder_work.issue(InNameOf(app.extensions["os2tilslut"], "En Bogholder #4"), LATE)
    acting.by(line, "En Bogholder #4", lambda session, trail: reminding.leave(session, trail, issued.numbers[-1:]))
    reminding.decide(line, first_after_days=11)


def _plan_reminders(session: Session, trail: Trail) -> int:
    return reminders.hand_over(session, trail, on=LATE + timedelta(days=30)).id


def _propose_terms(session: Session, trail: Trail) -> int:
    return reminder_terms.propose(session, reminding.terms(first_after_days=20), trail).id


def _hold(session: Session, trail: Trail) -> int:
    number = invoice_of(session, AARHUS)
    return holds.hold(session, number, "disputed", "Opdigtet", trail, on=trail.at.date(), until=None).id


def _walk(session: Session, trail: Trail) -> dict[str, int]:
    """Let Aarhus and Aalborg be on their way."""
    guide.publish(session, guide.shipped(), trail)
    ids = {row.cvr: row.id for row in session.execute(select(Authority.id, Authority.cvr))}
    ways = ((AARHUS, "OS2valghalla"), (AALBORG, "OS2kitos"))
    return {cvr: journeys.open_(session, ids[cvr], product, trail) for cvr, product in ways}


def _lay(session: Session, trail: Trail) -> dict[str, int]:
    """Lay a file to each journey."""
    found = journeys.read(session, session.execute(journeys.listing()).all())
    brought = road_files.Brought("plan.pdf", b"%PDF-1.7\ntrailer << >>\n%%EOF\n")
    about = "mobilisation/anchoring/owner"
    return {each.cvr: road_files.add(session, each, about, brought, trail) for each in found}


def _show(session: Session, trail: Trail) -> dict[str, int]:
    ids = {row.cvr: row.id for row in session.execute(select(Authority.id, Authority.cvr))}
    on = trail.at.date()
    offers = {
        cvr: showings.Offer(product, ids[cvr], "", "Opdigtet", "Opdigtet", on)
        for cvr, product in ((AARHUS, "OS2valghalla"), (AALBORG, "OS2kitos"))
    }
    return {cvr: showings.offer(session, given, trail, on=on) for cvr, given in offers.items()}


def _ask(session: Session, trail: Trail) -> dict[str, int]:
    ids = {row.cvr: row.id for row in session.execute(select(Authority.id, Authority.cvr))}
    return {
        cvr: inquiries.ask(session, Question(ids[cvr], product, "fees", "Opdigtet", "Opdigtet"), None, trail)
        for cvr, product in ((AARHUS, "OS2valghalla"), (AALBORG, "OS2kitos"))
    }


def _expect(session: Session, trail: Trail) -> None:
    """Let Aarhus and Aalborg be expected, and one that has no journey."""
    for cvr, product in ((AARHUS, "OS2valghalla"), (AALBORG, "OS2kitos"), (VEJLE, "OS2valghalla")):
        pipeline.see(session, Seen(cvr, product, date(YEAR + 1, 1, 1), "contact", "Opdigtet"), trail)


def _keep_forecasts(session: Session, trail: Trail) -> dict[str, int]:
    return {
        cvr: forecast.keep(session, forecast.compute(session, product, YEAR + 1, trail.at.date()), trail)
        for cvr, product in ((AARHUS, "OS2valghalla"), (AALBORG, "OS2kitos"))
    }


def _propose_text(session: Session, trail: Trail) -> int:
    text = resources.files("agreements").joinpath("data/connection_v1.toml").read_text(encoding="utf-8")
    return templates.propose(session, text.replace("Parterne", "De to parter", 1), trail).id


def _propose_closing(session: Session, trail: Trail) -> int:
    amounts = (vouchers.Entry("6480", Money(100)), vouchers.Entry("6935", Money(-100)))
    vouchers.book(session, [vouchers.Order("opening", "opdigtet", date(2026, 12, 15), "Opdigtet", amounts)], trail)
    on = trail.at.date()
    return bookkeeping.propose_closing(session, periods.named("2026-12"), trail, on=on).id


def _propose_budget(session: Session, trail: Trail) -> tuple[int, int]:
    account = budgets.accounts(session)["OS2kitos"].named("00005") or ""
    line = budgets.Line(account, budgets.equal(Money(12_000_00)))
    id_ = budgets.draft(session, budgets.Draft("OS2kitos", 2027, (line,), "Styregruppens oplæg"), trail)
    return budgets.propose(session, id_, trail).id, id_


def _propose_cost(session: Session, trail: Trail) -> tuple[int, int]:
    file = cost_files.keep(session, "faktura.pdf", b"%PDF-1.7 opdigtet", trail)
    account = costs.chart(session).named("OS2kitos", "00005") or ""
    on = trail.at.date()
    draft = Draft("OS2kitos", account, "Opdigtet Hosting", "F-1", on, "Drift", Money(100_00), file_id=file.id)
    (made,) = costs.propose(session, [draft], trail, on=on)
    return made.id, int(costs.said(made)["costs"][0])


def _propose_mapping(session: Session, trail: Trail) -> int:
    return account_mapping.propose(session, account_mapping.EXAMPLE, trail).id


def _record_paper(session: Session, trail: Trail) -> int:
    day = trail.at.date()
    facts = paper.Facts(ODENSE, "OS2valghalla", "active", day, day, day, gln=files.gln(ODENSE), endpoint="gln")
    return paper.propose(session, facts, ("papir.pdf", b"%PDF-1.7 opdigtet"), trail).id


def _make_token(session: Session, trail: Trail, owner: Principal) -> int:
    return tokens.make(session, owner, "Regnskabet", ["invoice.read"], 30, trail)[0]


def _run(session: Session, trail: Trail) -> int:
    run = work_runs.start(session, YEAR, "real", trail.at.date(), trail.actor, at=trail.at)
    work_runs.end(session, run, "done", Text("alt er udstedt", "all is issued"), at=trail.at)
    return run


def _propose_credit(session: Session, trail: Trail, line: CommandLine) -> int:
    order = Order(invoice_of(session, AARHUS), "Produktet blev ikke taget i brug", "", trail.at.date(), (2,))
    terms = association.seller(session, config.read(line.environment))
    made = credit_proposals.prepare(session, order, terms, trail)
    assert made.waiting is not None
    return made.waiting.id


def _hand_over(session: Session, trail: Trail, line: CommandLine) -> None:
    terms = association.seller(session, config.read(line.environment))
    digest = annual_run.plan(session, YEAR + 1, terms).digest
    handover.hand_over(session, YEAR + 1, digest, terms, trail)


def _propose_settings(session: Session, trail: Trail) -> int:
    return seller.propose(session, files.SELLER + "credit_limit = 500\n", trail, allow_made_up=False).id


def _propose_details(session: Session, trail: Trail, cvr: str) -> int:
    authority_id = session.scalars(select(Authority.id).where(Authority.cvr == cvr)).one()
    standing = billing_details.of(session, authority_id)[0]
    wanted = {standing.place: replace(standing.details, person_reference="Ny modtager")}
    return billing_details.propose(session, authority_id, wanted, trail).id


def invoice_of(session: Session, cvr: str, *, last: bool = False) -> str:
    """Give the number of an authority's first invoice, or of the last it got, a credit note."""
    found = select(Invoice.number).join(Authority, Authority.id == Invoice.authority_id).where(Authority.cvr == cvr)
    return session.scalars(found.order_by(Invoice.id.desc() if last else Invoice.id)).first() or ""


def things(line: CommandLine, waiting: Waiting) -> dict[str, dict[str, str]]:
    """Give the names that addresses need, by whose they are: `own` is Aarhus's, `other` Aalborg's."""
    with line.session() as session:
        auditor = session.scalars(select(UserAccount.id).where(UserAccount.mail.startswith("auditor@"))).one()
    common = {
        "product": "OS2kitos", "draft": str(waiting.table), "terms": str(waiting.settings), "entry": "1",
        "credit": str(waiting.credit), "user": str(auditor), "register": "members", "token": str(waiting.token),
        "run": str(waiting.run), "adopted": "1", "link": "ukendt", "text": str(waiting.text),
        "paper": str(waiting.paper), "version": "1", "told": str(waiting.told), "letter": "1",
        "transaction": "1", "payment": str(waiting.payment), "match": str(waiting.match),
        "refund": str(waiting.refund), "plan": str(waiting.reminders), "reminding": str(waiting.terms),
        "spending": str(waiting.spending), "cost": str(waiting.cost),
        "budgeting": str(waiting.budgeting), "budget": str(waiting.budget),
        "answer": str(waiting.answer), "closing": str(waiting.closing), "mapping": str(waiting.mapping),
    }  # fmt: skip
    missing = dict.fromkeys(common, "987654") | {"link": "ukendt", "product": "OS2ukendt", "register": "ukendt"}
    missing |= {
        "cvr": "12345678",
        "invoice": f"{YEAR}-9999",
        "note": f"{YEAR}-9999",
        "details": "987654",
        "place": "987654",
        "offer": "A-2027-99999",
        "agreement": "987654",
        "right": "987654",
        "reminder": "RY-2027-9999",
        "hold": "987654",
        "journey": "987654",
        "file": "987654",
        "showing": "987654",
        "inquiry": "987654",
        "kept": "987654",
    }
    missing |= dict.fromkeys(("publication", "question", "report", "disclosure"), "987654") | {"fund": "OS2ukendt"}
    return {
        "": {},
        "own": common | _of(line, AARHUS, waiting),
        "other": common | _of(line, AALBORG, waiting),
        "known": common,
        "unknown": missing,
    }


def _of(line: CommandLine, cvr: str, waiting: Waiting) -> dict[str, str]:
    with line.session() as session:
        authority_id = session.scalars(select(Authority.id).where(Authority.cvr == cvr)).one()
        place, invoice = billing_details.of(session, authority_id)[0].place, invoice_of(session, cvr)
        note = invoice_of(session, cvr, last=True)
        agreements = select(Agreement.id).where(Agreement.authority_id == authority_id).order_by(Agreement.id)
        rights = select(RightToSign.id).where(RightToSign.authority_id == authority_id).order_by(RightToSign.id)
        found = select(Reminder.number).where(Reminder.authority_id == authority_id).order_by(Reminder.id)
        reminder = session.scalars(found).first()
        agreement, right = session.scalars(agreements).first(), session.scalars(rights).first()
    return {
        "cvr": cvr, "invoice": invoice, "note": note, "details": str(waiting.details[cvr]), "place": str(place.id),
        "offer": waiting.offers[cvr], "agreement": str(agreement), "right": str(right),
        "reminder": str(reminder), "hold": str(waiting.hold if cvr == AARHUS else 987654),
        "journey": str(waiting.journeys[cvr]), "file": str(waiting.files[cvr]), "showing": str(waiting.showings[cvr]),
        "inquiry": str(waiting.inquiries[cvr]), "kept": str(waiting.forecasts[cvr]),
        **{name: str(value) for name, value in vars(waiting.reports[cvr]).items()},
    }  # fmt: skip
