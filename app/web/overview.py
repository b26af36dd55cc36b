"""What the start page tells each person: what waits for them, how the years stand, and what is their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements import agreement_list
from agreements.agreement_list import STATES
from app import access, clock, reminder_letters
from app.access import Principal
from app.web import layout, own, planning
from app.web import year as year_pages
from billing import balances, delivery_register, invoice_register, overview, payments, withdrawals
from billing.gathering import INVOICES, LINES
from billing.overview import Missing, Overview, YearState
from fee_tables.expiry import Expiry
from foundation import letters, money
from foundation.language import Text, day, kroner, same
from foundation.money import Money
from foundation.proposals import Kind, Proposal

_OWN_SHOWN = 10

#: Who decides each kind of proposal, and what it is called.
_DECIDERS: dict[Kind, tuple[str, Text]] = {
    "plan": ("run.approve", Text("Plan til godkendelse", "Plan for approval")),
    "credit": ("credit.approve", Text("Kreditnota til godkendelse", "Credit note for approval")),
    "table": ("tables.adopt", Text("Takster til vedtagelse", "Fee table for adoption")),
    "settings": ("settings.approve", Text("Indstillinger til godkendelse", "Settings for approval")),
    "correspondence": ("settings.approve", Text("Breve og frister til godkendelse", "Letters and terms for approval")),
    "billing_details": ("authority.approve", Text("Faktureringsoplysninger til godkendelse",
                                                  "Billing details for approval")),
    "template": ("templates.adopt", Text("Skabelon til vedtagelse", "Template for adoption")),
    "recorded_agreement": ("agreement.approve_record", Text("Aftale fra papir til godkendelse",
                                                            "Agreement from paper for approval")),
    "close_period": ("accounts.approve", Text("Periode til lukning", "Period to be closed")),
    "account_mapping": ("accounts.approve", Text("Kontooversættelse til vedtagelse", "Account mapping for adoption")),
    "funding_report": ("funding.publish", Text("Rapport til offentliggørelse", "Report to be published")),
    "disclosure": ("funding.publish", Text("Åbenhed til afgørelse", "What becomes public, for decision")),
    "refund": ("refund.approve", Text("Tilbagebetaling til godkendelse", "Refund for approval")),
    "write_off": ("refund.approve", Text("Afskrivning til godkendelse", "Write-off for approval")),
    "charge_waiver": ("refund.approve", Text("Eftergivelse til godkendelse", "Waiver for approval")),
    "reminders": ("reminders.approve", Text("Rykkere til godkendelse", "Reminders for approval")),
    "withdrawal": ("reminders.approve", Text("Udmeldelse til afgørelse", "Withdrawal for decision")),
    "reminder_terms": ("settings.approve", Text("Rykkervilkår til godkendelse", "Terms of reminding for approval")),
    "cost": ("cost.approve", Text("Omkostninger til godkendelse", "Costs for approval")),
    "recurring_cost": ("cost.approve", Text("Fast omkostning til godkendelse", "Recurring cost for approval")),
    "hour_rate": ("cost.approve", Text("Timesats til godkendelse", "Hourly rate for approval")),
    "fund_move": ("cost.approve", Text("Bevægelse mellem fonde til godkendelse", "Move between funds for approval")),
    "budget": ("cost.approve", Text("Budget til vedtagelse", "Budget for adoption")),
    "interest_rates": ("settings.approve", Text("Referencesatser til godkendelse", "Reference rates for approval")),
}  # fmt: skip

#: What belongs to all products: what it is called, and its place among the fee tables.
_COMMON = {
    "size_key": (Text("Fordelingsnøglen", "The size key"), "size-key"),
    "association": (Text("Kontingent og bidrag", "Dues and contribution"), "association"),
}

_LACKS = {
    "size_key": Text("fordelingsnøgle mangler", "the size key is missing"),
    "association": Text("foreningens takster mangler", "the association's table is missing"),
    "population": Text("indbyggertal for året før mangler", "inhabitants of the year before are missing"),
    "fee_table": Text("takster mangler", "a fee table is missing"),
}


_LACKS_AT = {
    "population": "/imports#population",
    "size_key": "/fee-tables/size-key",
    "association": "/fee-tables/association",
}


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits: for this person, or for somebody else."""

    title: Text
    address: str
    about: str
    is_yours: bool


def told(session: Session) -> dict[str, Any]:
    """Read what the start page tells who is signed in; a fixed number of queries for each role."""
    person = access.current()
    found = overview.of(session, layout.today()) if person.may("run.read") else None
    return {
        "overview": found,
        "tasks": [
            *_of_letters(session, person),
            *_of_agreements(session, person),
            *_of_arrears(session, person),
            *_of_deliveries(session, person),
            *_of_reminders(session, person),
            *_of_payments(session, person),
            *(_tasks(person, found) if found else []),
        ],
        "warnings": _warnings(session, person),
        "expiring": [_expiring(each) for each in found.expiring] if found else [],
        "plan_problems": _problems(session, found.plan_year) if found else None,
        "own_invoices": _own_invoices(session) if access.scope("invoice.read").authorities else None,
        "states": STATES,
        "own": own.of(session) if access.scope("agreement.read").own else None,
        "totals": _totals(session) if access.scope("invoice.totals").products else None,
    }


# --- what waits


def _tasks(person: Principal, found: Overview) -> list[Task]:
    waiting = [_proposed(person, each) for kind in _DECIDERS for each in found.proposals[kind]]
    of_years = [task for year in found.years for task in _of_year(person, year)]
    lacking = [_lacking(person, each, found.plan_year) for each in found.missing]
    return sorted([*waiting, *of_years, *lacking], key=lambda task: not task.is_yours)


def _warnings(session: Session, person: Principal) -> list[Text]:
    """Tell those who look after the seals what is wrong with them."""
    if not (person.may("agreement.draft") or person.may("settings.propose")):
        return []
    from app import seals  # late: what makes seals takes a third of a start, and few look after them

    return seals.warnings(session, layout.config(), clock.now(layout.config()))


def _of_letters(session: Session, person: Principal) -> list[Task]:
    """Name the letters that could not be sent."""
    failed = letters.given_up(session) if person.may("letter.resend") else []
    title = Text("Breve kunne ikke sendes", "Letters could not be sent")
    return [Task(title, "/letters?state=failed", layout.say(_count(len(failed))), is_yours=True)] if failed else []


def _of_payments(session: Session, person: Principal) -> list[Task]:
    """Name the money that has not found its place, and the invoices that are overdue."""
    if not person.may("payment.read"):
        return []
    today = layout.today()
    count, amount, _ = payments.clearing(session)
    late = [each.outstanding for each in balances.still_open(session, today).values() if each.due_on < today]
    told = (
        (count, amount, Text("Betalinger venter på at blive placeret", "Payments wait to be placed"), "/payments"),
        (len(late), money.total(late), Text("Forfaldne fakturaer", "Overdue invoices"), "/invoices?paid=overdue"),
    )
    return [
        Task(title, address, f"{layout.say(_count(number))}, {layout.say(kroner(sum_))}", person.may("payment.match"))
        for number, sum_, title, address in told
        if number
    ]


def _of_agreements(session: Session, person: Principal) -> list[Task]:
    """Name the agreements that wait for the association: its signature, or the draft that is to be offered."""
    if not person.may("agreement.draft"):
        return []
    listed = agreement_list.on(layout.today())
    columns = listed.columns
    rows = session.execute(
        select(columns.state, func.count().label("number"))
        .where(columns.state.in_(("signed", "draft")))
        .group_by(columns.state)
    )
    counts = {row.state: row.number for row in rows}
    titles = {
        "signed": (Text("Aftaler venter på OS2's underskrift", "Agreements wait for the signature of OS2"),
                   "/agreements/countersign" if person.is_chair else "/agreements?state=signed",
                   "agreement.countersign"),
        "draft": (Text("Udkast, der ikke er tilbudt", "Drafts that are not offered"), "/agreements?state=draft",
                  "agreement.draft"),
    }  # fmt: skip
    return [
        Task(title, address, layout.say(_count(counts[state])), person.may(permission))
        for state, (title, address, permission) in titles.items()
        if counts.get(state)
    ]


def _of_arrears(session: Session, person: Principal) -> list[Task]:
    """Name the members that owe their dues despite a reminder; nobody is taken off by itself."""
    if not person.may("reminders.plan"):
        return []
    found = withdrawals.candidates(session, layout.today())
    open_ = [each for each in found if each.proposal_id is None]
    title = Text("Medlemmer, der ikke har betalt kontingent trods rykker",
                 "Members that have not paid their dues despite a reminder")  # fmt: skip
    if not open_:
        return []
    return [Task(title, "/reminders/arrears", layout.say(_count(len(open_))), person.may("reminders.send"))]


def _of_deliveries(session: Session, person: Principal) -> list[Task]:
    """Name the documents that no carrier takes, or that a receiver rejected."""
    if not person.may("delivery.send"):
        return []
    many = delivery_register.needing(session)
    title = Text("Dokumenter, der ikke kunne afleveres", "Documents that could not be handed over")
    return [Task(title, "/deliveries?state=to_mend", layout.say(_count(many)), is_yours=True)] if many else []


def _of_reminders(session: Session, person: Principal) -> list[Task]:
    """Name the reminders that cannot be sent, for no agreement names a contact."""
    if not person.may("reminders.send"):
        return []
    many = len(reminder_letters.without_contact(session, layout.today()))
    title = Text("Rykkere, der ikke kan sendes: ingen kontakt", "Reminders that cannot be sent: no contact")
    return [Task(title, "/reminders?sending=no_contact", layout.say(_count(many)), is_yours=True)] if many else []


def _proposed(person: Principal, proposal: Proposal) -> Task:
    permission, title = _DECIDERS[proposal.kind]
    is_own = proposal.proposed_by == person.actor
    about = f"{proposal.subject.removesuffix(' real')}, {proposal.proposed_by}"
    return Task(title, _address(proposal), about, person.may(permission) and not is_own)


def _address(proposal: Proposal) -> str:
    if proposal.kind == "plan":
        year, _, book = proposal.subject.partition(" ")
        return f"/year/{year}" + ("?book=rehearsal" if book == "rehearsal" else "")
    bases = {
        "template": "/templates/proposals", "recorded_agreement": "/agreements/record",
        "reminders": "/reminders/proposals", "withdrawal": "/reminders/proposals",
        "reminder_terms": "/settings/reminders/proposals", "interest_rates": "/settings/reminders/proposals",
        "credit": "/invoices/credits", "table": "/fee-tables/proposals", "settings": "/settings/proposals",
        "correspondence": "/settings/letters/proposals",
        "billing_details": f"/authorities/{proposal.subject}/billing/proposals",
        "close_period": "/accounts/closings", "account_mapping": "/accounts/mapping/proposals",
        **dict.fromkeys(("cost", "recurring_cost", "hour_rate", "fund_move"), "/costs/proposals"),
        **dict.fromkeys(("refund", "write_off", "charge_waiver"), "/payments/proposals"),
        "budget": "/budgets/proposals",
        "funding_report": "/funds/proposals", "disclosure": "/funds/disclosures",
    }  # fmt: skip
    return f"{bases[proposal.kind]}/{proposal.id}"


def _of_year(person: Principal, year: YearState) -> list[Task]:
    """Name what is left to do of a year; the links lead to where it is done."""
    invoices = f"/invoices?year={year.year}&state="
    left = (
        (year.outstanding, Text("Godkendt, ikke udstedt", "Approved, not issued"), f"/year/{year.year}", "run.issue"),
        (year.unmade, Text("Dokumenter mangler", "Documents are missing"), f"{invoices}missing", "run.issue"),
        (year.invalid, Text("Dokumenter afvist af reglerne", "Documents refused by the rules"), f"{invoices}invalid",
         "run.plan"),
        (year.waiting, Text("Dokumenter venter på validering", "Documents wait for validation"), f"{invoices}waiting",
         "run.issue"),
    )  # fmt: skip
    return [
        Task(title, address, f"{year.year}: {layout.say(_count(number))}", person.may(permission))
        for number, title, address, permission in left
        if number
    ]


def _count(number: int) -> Text:
    return Text(f"{number} stk.", f"{number}")


def _lacking(person: Principal, missing: Missing, year: int) -> Task:
    title = Text(f"Planen for {year}: ", f"The plan for {year}: ") + _LACKS[missing.what]
    address = _LACKS_AT.get(missing.what) or f"/fee-tables/{quote(missing.product)}"
    permission = "authority.change" if missing.what == "population" else "tables.draft"
    if not person.may(permission):
        address = f"/year/{year}/problems"
    return Task(title, address, missing.product, person.may(permission))


def _problems(session: Session, year: int) -> dict[str, Any] | None:
    """Give the first problems of the next plan where it is at hand; else the page asks for them when it is shown."""
    snapshot = planning.at_hand(session, year)
    return year_pages.of_plan(snapshot) if snapshot else None


def _expiring(ends: Expiry) -> Task:
    kind, product = ends.line
    name, place = (same(product), product) if kind == "fee_table" else _COMMON[kind]
    last, next_ = day(ends.last_day), day(ends.last_day + timedelta(days=1))
    title = name + Text(f": gælder til og med {last.da}", f": counts up to and including {last.en}")
    then = Text(f"nye takster fra {next_.da}", f"new prices from {next_.en}")
    if ends.becomes is not None:
        amount = kroner(ends.becomes)
        then = Text(f"tilslutningsafgiften er {amount.da} fra {next_.da}",
                    f"the joining fee is {amount.en} from {next_.en}")  # fmt: skip
    return Task(title, f"/fee-tables/{quote(place)}", layout.say(then), is_yours=False)


# --- what is one's own


def _own_invoices(session: Session) -> list[Any]:
    found = access.invoices(invoice_register.listing()).order_by(INVOICES.c.issued_on.desc(), INVOICES.c.id.desc())
    return list(session.execute(found.limit(_OWN_SHOWN)))


def _totals(session: Session) -> list[tuple[int, str, int, Money]]:
    """Sum what the person's groups were invoiced, by year and product: sums only, nobody's invoice."""
    columns = LINES.c
    rows = session.execute(
        select(columns.year, columns.product, func.count(columns.authority_id.distinct()), func.sum(columns.net_ore))
        .where(columns.book == "real", columns.product.in_(sorted(access.scope("invoice.totals").products)))
        .group_by(columns.year, columns.product)
        .order_by(columns.year.desc(), columns.product)
    )
    return [(year, product, payers, Money(int(net))) for year, product, payers, net in rows]
