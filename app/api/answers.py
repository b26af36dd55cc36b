"""What the API answers, as documented: whole øre, days as YYYY-MM-DD, instants in UTC, every member there."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow import RAISE, Schema, fields

from app.schemas import Shared

WORDS = {"type": "string"}


class Answer(Shared):
    """An answer; nothing in it is left out."""

    class Meta:
        unknown = RAISE  # documents that there is nothing beside


def _text(**other: Any) -> fields.String:
    return fields.String(required=True, **other)


def _maybe(words: str = "") -> fields.String:
    return fields.String(required=True, allow_none=True, metadata={"description": words} if words else {})


def _day() -> fields.Date:
    return fields.Date(required=True)


def _day_or_none() -> fields.Date:
    return fields.Date(required=True, allow_none=True)


def _instant() -> fields.AwareDateTime:
    return fields.AwareDateTime(required=True)


def _instant_or_none() -> fields.AwareDateTime:
    return fields.AwareDateTime(required=True, allow_none=True)


def _whole() -> fields.Integer:
    return fields.Integer(required=True)


def _whole_or_none() -> fields.Integer:
    return fields.Integer(required=True, allow_none=True)


def _ore() -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": "in whole øre"})


def _truth() -> fields.Boolean:
    return fields.Boolean(required=True)


def _one(of: type[Schema], *, may_lack: bool = False) -> fields.Nested:
    return fields.Nested(of, required=True, allow_none=may_lack)


def _many(of: type[Schema]) -> fields.List[Any]:
    return fields.List(fields.Nested(of), required=True)


def _texts() -> fields.List[Any]:
    return fields.List(fields.String(), required=True)


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """Give the schema of a page of a list."""
    members: dict[str, Any] = {
        "items": _many(item),
        "next": _maybe("the cursor of the next page; null where there is none"),
    }
    return type(f"{item.__name__}Page", (Answer,), members)


# --- refusals


class WrongRow(Answer):
    """One wrong cell of what was sent to a register."""

    row = _whole()
    column = _maybe("null for the whole row")
    reason_da = _text()
    reason_en = _text()


class WrongMember(Answer):
    """One member or parameter that is not as documented."""

    at = _text(metadata={"description": "its place, such as lines.0; empty for the whole body"})
    reason_da = _text()
    reason_en = _text()


class Problem(Answer):
    """A refusal (RFC 9457). Rely on `code`; the others are for people."""

    type = _text()
    title = _text()
    status = _whole()
    code = _text()
    detail = _text()
    detail_da = _text()
    detail_en = _text()
    rows = fields.List(fields.Nested(WrongRow), metadata={"description": "of a register's refusal"})
    untold_rows = fields.Integer(metadata={"description": "wrong rows beyond those listed"})
    errors = fields.List(fields.Nested(WrongMember), metadata={"description": "of a malformed request"})


# --- what the service holds


class Root(Answer):
    """Where the resources are."""

    resources = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class Authority(Answer):
    """A public authority. A coordination group reads its name and state; the rest is null."""

    cvr = _text()
    type = _text()
    name = _text()
    short_name = _text()
    code = _maybe("kommunekode or regionskode")
    region = _maybe()
    address = _maybe()
    postcode = _maybe()
    city = _maybe()
    valid_to = _day_or_none()
    succeeded_by_cvr = _maybe()


class Population(Answer):
    """Inhabitants on 1 January of a year."""

    cvr = _text()
    year = _whole()
    inhabitants = _whole()
    source = _text()


class Placement(Answer):
    """A size band by judgement."""

    cvr = _text()
    band = _text()
    valid_from = _day()
    decided_by = _text()
    reason = _text()


class Membership(Answer):
    """Membership of the association, up to but without `left_on`."""

    cvr = _text()
    joined_on = _day()
    left_on = _day_or_none()


class Product(Answer):
    """A product of OS2."""

    name = _text()
    account = _maybe()
    level = _maybe()
    description_da = _maybe()
    description_en = _maybe()
    coordinator = _maybe()
    users_shown = _maybe()


class Agreement(Answer):
    """A connection agreement. What is invoiced and where it is sent is null for who does not read its invoices."""

    id = _whole()
    cvr = _text()
    product = _text()
    kind = _text()
    status = _text(metadata={"description": "today, read from the days"})
    signed_on = _day()
    countersigned_on = _day_or_none()
    in_force_from = _day_or_none()
    terminated_to = _day_or_none()
    notice_given_on = _day_or_none()
    active_from = _day_or_none()
    endpoint = _maybe()
    gln = _maybe()
    person_reference = _maybe()
    order_reference = _maybe()
    accounting_cost = _maybe()
    contact_mail = _maybe()
    rebate_ore = fields.Integer(required=True, allow_none=True)
    rebate_reason = _maybe()
    joining_fee_exempt_reason = _maybe()


class Taken(Answer):
    """What taking rows into a register did."""

    source = _text()
    added = _whole()
    changed = _whole()
    unchanged = _whole()
    warnings_da = _texts()
    warnings_en = _texts()


class BankStatement(Answer):
    """A bank statement that was taken in."""

    id = _whole()
    account = _text()
    bank_id = _text(metadata={"description": "the bank's own name of it, which it uses again"})
    opening_on = _day_or_none()
    opening_ore = _ore()
    closing_on = _day()
    closing_ore = _ore()
    transactions = _whole()
    file = _text()
    format = _text()
    taken_by = _text()
    taken_at = _instant()


class Cost(Answer):
    """What a fund spent; `product` is null for the association's."""

    id = _whole()
    product = _maybe()
    account = _text()
    date = _day()
    supplier = _text()
    reference = _text()
    text = _text()
    amount_ore = _ore()
    state = _text(metadata={"description": "proposed, rejected, withdrawn, booked, paid or reversed"})
    paid_ore = _ore()
    minutes = fields.Integer(required=True, allow_none=True, metadata={"description": "of hours"})
    from_ = fields.Date(required=True, allow_none=True, data_key="from", attribute="from")
    to = _day_or_none()
    reverses = fields.Integer(required=True, allow_none=True, metadata={"description": "the cost it takes back"})
    proposal = fields.Integer(required=True, allow_none=True)
    entered_by = _text()
    entered_at = _instant()


class CostVoucher(Answer):
    """The file that a cost was given."""

    cost = _whole()
    name = _text()
    media_type = _text()
    sha256 = _text()


class Budget(Answer):
    """A version of a fund's budget of a year; `product` is null for the association's."""

    id = _whole()
    product = _maybe()
    year = _whole()
    version = _whole()
    state = _text(metadata={"description": "draft, proposed, adopted or replaced"})
    basis = _text()
    drafted_by = _text()
    drafted_at = _instant()
    proposal = _whole_or_none()
    adopted_on = _day_or_none()
    adopted_by = _maybe()


class BudgetDrafted(Answer):
    """A draft that was kept."""

    id = _whole()
    version = _whole()


class BudgetLine(Answer):
    """What an account is given, month by month."""

    account = _text()
    amount_ore = _ore()
    months_ore = fields.List(fields.Integer(), required=True, metadata={"description": "January first"})


class BudgetWhole(Budget):
    """A version with its lines."""

    lines = _many(BudgetLine)


class HourRate(Answer):
    """What an hour of the secretariat costs a product from a day on."""

    id = _whole()
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    amount_ore = _ore()


class HourRates(Answer):
    """The rates, the one that counts first where several begin on a day."""

    items = _many(HourRate)


class RecurringCost(Answer):
    """A cost that comes every month or quarter; `product` is null for the association's."""

    id = _whole()
    product = _maybe()
    account = _text()
    supplier = _text()
    text = _text()
    amount_ore = _ore()
    every = _text(metadata={"description": "month or quarter"})
    first = _day()
    last = _day()
    proposal = _whole()


class FundMove(Answer):
    """What a fund opened with, or what was moved from one to another; null is the association's fund."""

    id = _whole()
    kind = _text(metadata={"description": "opening or transfer"})
    from_ = fields.String(required=True, allow_none=True, data_key="from", attribute="from",
                          metadata={"description": "null for an opening, too"})  # fmt: skip
    to = _maybe()
    amount_ore = _ore()
    date = _day()
    reason = _text()
    proposal = _whole()


class BankTransaction(Answer):
    """Money that moved: in above zero, out below."""

    id = _whole()
    statement_id = _whole()
    bank_id = _text(metadata={"description": "of its statement"})
    account = _text()
    booked_on = _day()
    value_on = _day_or_none()
    amount_ore = _ore()
    fik_id = _text(metadata={"description": "fifteen digits, or empty"})
    creditor_reference = _text(metadata={"description": "ISO 11649, or empty"})
    message = _text()
    payer = _text()
    payer_account = _text()
    bank_reference = _text()
    end_to_end_id = _text()


class BankTransactionWhole(BankTransaction):
    """A transaction with the bank's own text."""

    raw = _text()
    file = _text()
    taken_by = _text()
    taken_at = _instant()


class BankStatementTaken(Answer):
    """What came of one statement of a file."""

    account = _text()
    bank_id = _text()
    opening_on = _day()
    opening_ore = _ore()
    closing_on = _day()
    closing_ore = _ore()
    transactions = _whole()
    new = _whole()
    in_ore = _ore()
    out_ore = _ore()


class BankFileTaken(Answer):
    """What came of a bank file."""

    is_known = _truth()
    new = _whole()
    statements = _many(BankStatementTaken)


class FeeTable(Answer):
    """An adopted decision."""

    id = _whole()
    kind = _text(metadata={"description": "size_key, association or fee_table"})
    product = _maybe("null where it is for all")
    valid_from = _day()
    decided_on = _day()
    decided_by = _text()
    source = _text()
    digest = _text(metadata={"description": "SHA-256 of the text"})


class FeeTableText(FeeTable):
    """An adopted decision with its TOML text."""

    text = _text()


class CheckedTable(Answer):
    """A text that could be adopted."""

    kind = _text()
    product = _maybe()
    valid_from = _day()


class Proposed(Answer):
    """What waits for another person."""

    id = _whole()
    kind = _text()
    subject = _text()
    digest = _text(metadata={"description": "SHA-256 of the content"})
    content = _text()
    proposed_by = _text()
    proposed_at = _instant()


class TakenCosts(Answer):
    """What a file of costs or budgets brought."""

    added = _whole()
    unchanged = _whole()
    proposals = _many(Proposed)


class CreditProposed(Answer):
    """A credit note that waits for another person."""

    id = _whole()
    number = _text(metadata={"description": "of the invoice"})
    lines = fields.List(fields.Integer(), required=True)
    reason = _text()
    then_reissue = fields.Boolean(required=True)
    digest = _text(metadata={"description": "SHA-256 of what was proposed"})
    proposed_by = _text()
    proposed_at = _instant()


class CreditsProposed(Answer):
    """Credit notes that wait for another person, newest first."""

    items = _many(CreditProposed)


class Proposals(Answer):
    """What waits for another person, newest first."""

    items = _many(Proposed)


class PaymentPart(Answer):
    """Where some of a payment may go: an invoice, a refund, or else an authority's credit."""

    amount_ore = _ore()
    invoice_id = fields.Integer(required=True, allow_none=True)
    authority_id = fields.Integer(required=True, allow_none=True)
    refund_id = fields.Integer(required=True, allow_none=True)


class PaymentSuggestion(Answer):
    """Where a payment may belong, by which rule and why."""

    rule = _text()
    why = _text()
    parts = _many(PaymentPart)


class Payment(Answer):
    """A payment that has not found its place."""

    id = _whole()
    booked_on = _day()
    amount_ore = _ore()
    left_ore = _ore()
    payer = _text()
    message = _text()
    fik_id = _text()
    outcome = _text()
    certain = _truth()
    next_step = _text()
    suggestions = _many(PaymentSuggestion)


class Matched(Answer):
    """What matching came to."""

    matched = _whole()
    matched_ore = _ore()
    waiting = _whole()


class Placed(Answer):
    """The match that was written."""

    id = _whole()


class PlacedAt(Answer):
    """Where some of a payment went, or that it was undone; `undoes` names the match it stands against."""

    id = _whole()
    amount_ore = _ore()
    number = _maybe("of the invoice")
    account = _maybe("with an invoice: what its reminders charge")
    product = _maybe("whose fund got it as a single contribution")
    refund_id = _whole_or_none()
    rule = _text()
    on = _day()
    by = _text()
    undoes = _whole_or_none()
    undone_by = _whole_or_none()


class PlacedList(Answer):
    """All matches of a payment, in order."""

    items = _many(PlacedAt)


class AccountMovement(Answer):
    """One line of an account, and what was owed after it."""

    on = _day()
    kind = _text()
    invoice = _maybe("the number of the invoice or credit note it is about")
    text = _text()
    amount_ore = _ore()
    balance_ore = _ore()


class AccountInvoice(Answer):
    """An invoice that owes something."""

    number = _text()
    issued_on = _day()
    due_on = _day()
    state = _text()
    gross_ore = _ore()
    outstanding_ore = _ore()
    barred_after = _day()


class Account(Answer):
    """An authority's account on a day."""

    cvr = _text()
    on = _day()
    balance_ore = _ore()
    credit_ore = _ore()
    barred_ore = _ore()
    charges_ore = _ore()  # of reminders, not paid; within the balance
    movements = _many(AccountMovement)
    invoices = _many(AccountInvoice)


class Payer(Answer):
    """Who pays, or whom a problem is about."""

    cvr = _text()
    name = _text()


class Parts(Answer):
    """How an amount is shared."""

    product_ore = _ore()
    association_ore = _ore()


class ProductTotals(Answer):
    """What a product gets."""

    annual_fee_ore = _ore()
    joining_fee_ore = _ore()


class AssociationTotals(Answer):
    """What the association gets."""

    dues_ore = _ore()
    contribution_ore = _ore()


class Totals(Answer):
    """Sums over the new invoices of a plan."""

    invoices = _whole()
    lines = _whole()
    net_ore = _ore()
    vat_ore = _ore()
    gross_ore = _ore()
    by_product = fields.Dict(keys=fields.String(), values=fields.Nested(ProductTotals), required=True)
    association = _one(AssociationTotals)


class PlanProblem(Answer):
    """What stands in the way of a line, or is worth knowing."""

    authority = _one(Payer)
    product = _maybe()
    code = _text()
    message = _text()
    at_risk_ore = fields.Integer(metadata={"description": "in whole øre, where it is known what is withheld"})


class NothingToInvoice(Answer):
    """A payer whose lines sum to zero."""

    authority = _one(Payer)
    reason = _text()


class Plan(Answer):
    """What would be invoiced for a year. `digest` is over every new invoice; it is what is handed over and approved."""

    year = _whole()
    book = _text()
    digest = _text()
    totals = _one(Totals)
    unchanged = _whole()
    problems = _many(PlanProblem)
    notes = _many(PlanProblem)
    nothing_to_invoice = _many(NothingToInvoice)


class Line(Answer):
    """One line to be invoiced; `reason` holds everything the amount was computed from."""

    kind = _text()
    product = _maybe()
    net_ore = _ore()
    parts = _one(Parts)
    vat_ore = _ore()
    reason = fields.Dict(required=True)


class PlannedInvoice(Answer):
    """An invoice of a plan."""

    authority = _one(Payer)
    gln = _maybe()
    endpoint = _text()
    person_reference = _text()
    order_reference = _text()
    accounting_cost = _text()
    format = _text()
    lines = _many(Line)
    net_ore = _ore()
    vat_ore = _ore()
    gross_ore = _ore()


class Progress(Answer):
    """How far a year is, read from the facts."""

    approved = _whole()
    issued = _whole()
    documents = _whole()
    rendered = _whole()
    xml = _whole()
    judged = _whole()


class Run(Answer):
    """Work that goes on by itself, and how far its year is."""

    id = _whole()
    year = _whole()
    book = _text()
    dated = _day()
    state = _text(metadata={"description": "running, done, failed or interrupted"})
    started_by = _text()
    started_at = _instant()
    ended_at = _instant_or_none()
    message_da = _maybe()
    message_en = _maybe()
    progress = _one(Progress)


class StartedRun(Answer):
    """Work that was started; its page tells how far it is."""

    id = _whole()
    href = _text()


class ClosedPeriod(Answer):
    """A period in which nothing is booked any more."""

    period = _text()
    postings = _whole()
    digest = _text(metadata={"description": "SHA-256 over its postings"})
    prepared_by = _text()
    closed_by = _text()
    closed_at = _instant()


class OpenPeriod(Answer):
    """A quarter that is not closed."""

    period = _text()
    postings = _whole()


class Periods(Answer):
    """The periods of the books, newest first."""

    closed = _many(ClosedPeriod)
    open = _many(OpenPeriod)


class AccountTotal(Answer):
    """What an account came to; a debit is above zero."""

    account = _text()
    name = _text()
    standard_account = _maybe("its number in the public standard chart")
    product = _maybe()
    postings = _whole()
    debit_ore = _ore()
    credit_ore = _ore()
    amount_ore = _ore()


class AccountTotals(Answer):
    """What each account came to in a period."""

    period = _text()
    accounts = _many(AccountTotal)


class MappedAccount(Answer):
    """An account of the association, and where it stands in the public chart; empty where it does not."""

    account = _text()
    name = _text()
    standard_account = _text()
    standard_name = _text()


class AccountMapping(Answer):
    """The mapping to the public chart; the text and who adopted it are null where none is adopted."""

    text = _maybe("TOML")
    digest = _maybe("SHA-256 of the text")
    adopted_by = _maybe()
    adopted_at = _instant_or_none()
    accounts = _many(MappedAccount)


class PublishedReport(Answer):
    """One version of a published report; `product` is null for the association's own fund."""

    id = _whole()
    product = _maybe("null for the association's own")
    period = _text()
    version = _whole()
    newest_version = _whole()
    digest = _text(metadata={"description": "SHA-256 of the report"})
    prepared_by = _text()
    published_by = _text()
    published_at = _instant()


class WholeReport(PublishedReport):
    """A published report with its figures."""

    report = fields.Raw(required=True, metadata={"type": "object", "description": "its figures, in whole øre"})


class Said(Answer):
    """Something that was said of a report: a question, an answer or a decision."""

    id = _whole()
    kind = _text(metadata={"description": "question, answer or decision"})
    version = fields.Integer(required=True, allow_none=True, metadata={"description": "null for the draft"})
    text = _text()
    decided_on = _day_or_none()
    reference = _text(metadata={"description": "where a decision stands; else empty"})
    written_by = _text()
    written_at = _instant()


class Comment(Said):
    """A question with its answers, or a decision."""

    answers = _many(Said)


class Comments(Answer):
    """All that is said of a report."""

    items = _many(Comment)


class Asked(Answer):
    """A question that was kept."""

    id = _whole()
    product = _text()
    period = _text()


class Invoice(Answer):
    """An issued invoice or credit note; the amounts of a credit note are below zero."""

    number = _text()
    kind = _text(metadata={"description": "invoice or credit_note"})
    book = _text()
    year = _whole()
    authority = _one(Payer)
    issued_on = _day()
    due_on = _day()
    net_ore = _ore()
    vat_ore = _ore()
    gross_ore = _ore()


class Reminder(Answer):
    """An issued reminder of an invoice."""

    number = _text()
    invoice = _text()
    level = _whole()
    authority = _one(Payer)
    issued_on = _day()
    due_on = _day()
    outstanding_ore = _ore()
    fee_ore = _ore()
    compensation_ore = _ore()
    interest_ore = _ore()
    to_pay_ore = _ore()


class ReminderStop(Answer):
    """What stands in the way of a reminder."""

    code = _text()
    text = _text()


class PlannedReminder(Answer):
    """A reminder to be, or one that is stopped."""

    invoice = _text()
    level = _whole()
    authority = _one(Payer)
    due_on = _text()
    overdue_days = _whole()
    outstanding_ore = _ore()
    fee_ore = _ore()
    compensation_ore = _ore()
    interest_ore = _ore()
    to_pay_ore = _ore()
    why = _text()
    stops = _many(ReminderStop)


class ReminderPlan(Answer):
    """Who would be reminded today, and who would not, and why."""

    on = _text()
    digest = _text()
    terms = _text(metadata={"description": "digest of the terms of reminding"})
    statement_to = _maybe("the last day the bank has told of")
    automatic = _truth()
    outstanding_ore = _ore()
    charged_ore = _ore()
    items = _many(PlannedReminder)
    stopped = _many(PlannedReminder)


class WithheldReminder(Answer):
    """A reminder that was approved, and is not issued any more."""

    invoice = _text()
    level = _whole()
    why = _text()


class IssuedReminders(Answer):
    """What issuing came to."""

    numbers = _texts()
    withheld = _many(WithheldReminder)


class Hold(Answer):
    """A dispute, or a promise to pay; what ended is null or empty while it goes on."""

    id = _whole()
    kind = _text(metadata={"description": "disputed or promised"})
    begins_on = _day()
    until = _day_or_none()
    reason = _text()
    entered_by = _text()
    counts = fields.Boolean(required=True, metadata={"description": "whether it holds a reminder back today"})
    ended_on = _day_or_none()
    end_reason = _text()
    ended_by = _text()


class Holds(Answer):
    """The disputes and promises of an invoice, newest first."""

    items = _many(Hold)


class ReminderTerms(Answer):
    """The terms of reminding in force; `proposal` is null for the mild ones, which hold until others are approved."""

    text = _text(metadata={"description": "TOML"})
    digest = _text(metadata={"description": "SHA-256 of the text"})
    decided_on = _day_or_none()
    decided_by = _text()
    proposal = _whole_or_none()


class InterestRate(Answer):
    """The reference rate of a half-year, and where it was read."""

    valid_from = _day()
    percent = _text(metadata={"description": "with two decimals, without the surcharge of the law"})
    source = _text()


class InterestRates(Answer):
    """The reference rates, of one entered again the last."""

    items = _many(InterestRate)


class Arrears(Answer):
    """A member that owes its dues though the time of its last reminder is out."""

    authority = _one(Payer)
    invoice = _text()
    outstanding_ore = _ore()
    reminder = _text()
    level = _whole()
    due_on = _day()
    proposal = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "that it leaves; null where none waits"},
    )


class Withdrawals(Answer):
    """Members of whom it may be proposed that they leave."""

    items = _many(Arrears)


class Sentences(Answer):
    """Why an amount is what it is, in words."""

    da = _texts()
    en = _texts()


class Warned(Answer):
    """What our own checks tell of a document, which does not hold it back."""

    da = _text()
    en = _text()


class ExplainedLine(Line):
    """A line with its reason in words."""

    sentences = _one(Sentences)


class Credit(Answer):
    """What a credit note takes back."""

    number = _text()
    credits = _text()
    lines = fields.List(fields.Integer(), required=True)
    reason = _text()
    prepared_by = _text()
    approved_by = _maybe("null where the settings let one person do it")
    then_reissue = _truth()


class InvoiceWhole(Invoice):
    """An invoice or credit note with its lines, the credit notes that concern it, and what was invoiced anew."""

    lines = _many(ExplainedLine)
    credits = _many(Credit)
    warnings = _many(Warned)
    corrects = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "numbers of the invoices whose credited lines stand here"},
    )
    corrected_by = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "numbers of the invoices where credited lines stand anew"},
    )


class Document(Answer):
    """The bytes of an invoice in one format."""

    format = _text()
    sha256 = _text()
    bytes = _whole()
    rendered_at = _instant()
    href = _text()


class Documents(Answer):
    """The documents of an invoice; none before they are made."""

    items = _many(Document)


class PreparedCredit(Answer):
    """A credit note that was issued at once, or waits for another person."""

    number = _maybe("of the credit note; null while it waits")
    waiting = _one(Proposed, may_lack=True)


class Words(Answer):
    """The same in both languages."""

    da = _text()
    en = _text()


class DeliveryStanding(Answer):
    """How a document is handed over; `channel`, `address` and `message_id` are null before it is to be sent."""

    number = _text()
    kind = _text(metadata={"description": "invoice, also of credit notes, or reminder"})
    authority = _one(Payer)
    state = _text(metadata={"description": "waits, to_send, handed_over, acknowledged, rejected or given_up"})
    reason = _one(Words)
    channel = _maybe("nemhandel, peppol or hand")
    address = _maybe("0088:GLN or 0184:DKCVR; empty where people did it by hand")
    message_id = _maybe()
    tries = _whole()
    next_at = _instant_or_none()


class DeliveryEvent(Answer):
    """A try, or what the receiver's side told."""

    at = _instant()
    outcome = _text(metadata={"description": "handed_over, deferred, failed, acknowledged or rejected"})
    reason = _one(Words)


class DeliverySent(Answer):
    """Bytes that were to be handed over to an address, and what happened."""

    channel = _text()
    address = _text()
    message_id = _text()
    file_name = _text()
    sha256 = _text()
    made_at = _instant()
    made_by = _text()
    events = _many(DeliveryEvent)


class DeliveryStory(Answer):
    """How a document is handed over, and everything that happened; the newest delivery first."""

    state = _text()
    reason = _one(Words)
    next_at = _instant_or_none()
    deliveries = _many(DeliverySent)


class SentAgain(Answer):
    """A document that is sent again in the next round."""

    number = _text()
    message_id = _text()


class NotedByHand(Answer):
    """A document of which it is noted that people handed it over."""

    number = _text()


class DueDeliveries(Answer):
    """Documents that are due on a channel; `silent` says why nothing leaves by it now."""

    channel = _text()
    due = _whole()
    silent = _one(Words, may_lack=True)


class DeliveryProspect(Answer):
    """What the next round would do with a document that has not left."""

    number = _text()
    kind = _text(metadata={"description": "invoice, credit_note or reminder"})
    authority = _one(Payer)
    channel = _text(metadata={"description": "nemhandel, peppol, or mail for a reminder that is a letter alone"})
    address = _text(metadata={"description": "0088:GLN, 0184:DKCVR, or the letter's mail addresses; empty without one"})
    goes = _text(metadata={
        "description": "goes, if_accepted (by the official rules, which are asked first in the round) or waits"
    })  # fmt: skip
    reason = _one(Words)
    next_at = _instant_or_none()


class NextRound(Answer):
    """What the next round of handing over would do: counts of all, and a page of documents."""

    ready = _whole()
    channels = _many(DueDeliveries)
    items = _many(DeliveryProspect)
    next = _maybe("the cursor of the next page")


class StartedDeliveries(Answer):
    """A round of handing over that was started, and what was due when it was."""

    ready = _whole()
    channels = _many(DueDeliveries)


class AuditEntry(Answer):
    """Something that was done. `data` is null for who reads only that it was."""

    position = _whole()
    at = _instant()
    actor = _text()
    action = _text()
    subject = _text()
    data = _maybe("JSON")
    previous_hash = _text()
    hash = _text()


class Letter(Answer):
    """A mail that was written, and how it went. Its words are for its receiver."""

    id = _whole()
    kind = _text()
    subject = _text()
    receiver = _text()
    title = _text()
    message_id = _text()
    sha256 = _text()
    written_by = _text()
    written_at = _instant()
    state = _text()
    tries = _whole()
    tried_at = _instant_or_none()
    reason = _text()
    replaces_id = fields.Integer(required=True, allow_none=True)
    resent_id = fields.Integer(required=True, allow_none=True)


class Me(Answer):
    """Whose token this is, and what it may do today."""

    name = _text()
    language = _text()
    roles = _texts()
    cvrs = _texts()
    products = _texts()
    permissions = _texts()


class Token(Answer):
    """One of one's own tokens; its secret was shown once."""

    id = _whole()
    name = _text()
    permissions = _texts()
    made_at = _instant()
    expires_at = _instant()
    ended_at = _instant_or_none()
    last_used_on = _day_or_none()
    is_this = fields.Boolean(required=True, metadata={"description": "whether it is the one that asks"})


class Tokens(Answer):
    """One's own tokens, newest first."""

    items = _many(Token)


class FundingReport(Answer):
    """A fund's period as the figures are now, in whole øre."""

    product = _text()
    period = _text()
    digest = _text()
    report = fields.Raw(
        required=True,
        metadata={"type": "object", "description": "opening, income, payers, costs, closing"},
    )


class Remark(Answer):
    """A remark on a report as it was written once; an empty text took back what stood."""

    id = _whole()
    account = _text(metadata={"description": "empty where it is on the report as a whole"})
    text = _text()
    holds = _truth()
    written_by = _text()
    written_at = _instant()


class Remarks(Answer):
    """All remarks there ever were on a fund's period, the oldest first."""

    items = _many(Remark)


class RemarkKept(Answer):
    """A remark that was kept; nothing was changed where it stood there already."""

    product = _text()
    period = _text()
    account = _text()
    changed = _truth()


class ForecastTerm(Answer):
    """One term of a forecast's range, by whose name it is taken apart."""

    part = _text()
    text = _text()
    text_da = _text()
    low_ore = _ore()
    expected_ore = _ore()
    high_ore = _ore()


class ForecastChange(Answer):
    """What one reason moves a sum by, by whose name it is taken apart."""

    part = _text()
    text = _text()
    text_da = _text()
    authorities = _whole()
    amount_ore = _ore()


class KeptForecast(Answer):
    """A forecast as it was kept, beside what was invoiced of its year."""

    id = _whole()
    made_on = _day()
    low_ore = _ore()
    expected_ore = _ore()
    high_ore = _ore()
    invoiced_ore = _ore()
    difference_ore = _ore()
    is_within = _truth()
    digest = _text()
    kept_by = _text()
    terms = _many(ForecastTerm)
    differences = _many(ForecastChange)


class KeptForecasts(Answer):
    """The forecasts kept of a year."""

    items = _many(KeptForecast)


class ForecastRow(Answer):
    """One thing that a figure of a forecast is made of; what does not apply is null."""

    cvr = _text()
    name = _text()
    kind = _maybe("annual_fee, joining_fee, rebate or exemption")
    agreement = _whole_or_none()
    on = _day_or_none()
    notice_to = _day_or_none()
    band = _maybe("of the size key")
    is_estimated = _truth()
    fee_table = _maybe("the product of the adopted table")
    fee_table_from = _day_or_none()
    why = _maybe()
    why_da = _maybe()
    why_before = _maybe("of a change")
    why_before_da = _maybe()
    stage = _maybe("of who is on the way")
    expected_from = _day_or_none()
    percent = _whole_or_none()
    journey = _whole_or_none()
    invoice = _maybe("of what was invoiced; null to coordination groups")
    before_ore = _whole_or_none()
    after_ore = _whole_or_none()
    whole_ore = _whole_or_none()
    amount_ore = _whole_or_none()


class ForecastPart(Answer):
    """A figure of a forecast with what it is made of."""

    part = _text()
    title = _text()
    title_da = _text()
    count = _whole()
    sum_ore = _whole_or_none()
    items = _many(ForecastRow)
    next = _maybe("the cursor of the next page; null where there is none")


class Forecast(Answer):
    """What a fund is expected to get in a year, in whole øre, and all that it is made of."""

    product = _text()
    year = _whole()
    made_on = _day()
    low_ore = _ore()
    expected_ore = _ore()
    high_ore = _ore()
    terms = _many(ForecastTerm)
    changes = _many(ForecastChange)
    forecast = fields.Raw(
        required=True, metadata={"type": "object", "description": "lines, pipeline, changes and what cannot be told"}
    )


class Journey(Answer):
    """A journey of an authority to a product."""

    id = _whole()
    cvr = _text()
    authority = _text()
    product = _text()
    opened_on = _day()
    ended_on = _day_or_none()
    outcome = _maybe("connected or given_up; null while it is under way")
    reason = _maybe()
    step = _text()
    since = _day()
    next = _maybe("the key of the task that is next")
    settled = _whole()
    tasks = _whole()


class JourneyTask(Answer):
    """A task of a journey as it stands."""

    key = _text()
    title = _text()
    status = _text()
    owner = _text()
    starts_on = _day_or_none()
    due_on = _day_or_none()
    note = _text()
    stage = _whole_or_none()


class JourneyTheme(Answer):
    """Tasks that belong together."""

    key = _text()
    title = _text()
    tasks = _many(JourneyTask)


class JourneyStep(Answer):
    """One of the five steps."""

    key = _text()
    title = _text()
    status = _text()
    themes = _many(JourneyTheme)


class JourneyTrial(Answer):
    """A trial, its newest version."""

    number = _whole()
    version = _whole()
    way = _text()
    place = _text()
    proves = _text()
    result = _text()
    seen_by = _text()
    verdict = _text()
    why = _text()
    written_at = _instant()


class JourneyStage(Answer):
    """A stage of the implementation, its newest version."""

    number = _whole()
    version = _whole()
    title = _text()
    starts_on = _day_or_none()
    due_on = _day_or_none()


class JourneyRisk(Answer):
    """A risk of the implementation, its newest version."""

    number = _whole()
    version = _whole()
    words = _text()
    likelihood = _text()
    consequence = _text()
    measure = _text()
    owner = _text()


class WholeJourney(Journey):
    """A journey with all that stands in it."""

    steps = _many(JourneyStep)
    trials = _many(JourneyTrial)
    manner = _text(metadata={"description": "at_once or stages; empty until it is chosen"})
    stages = _many(JourneyStage)
    risks = _many(JourneyRisk)


class JourneyActed(Answer):
    """What was written of which journey."""

    journey = _whole()
    what = _text()


class Thread(Answer):
    """A question on the road, and whether it waits."""

    id = _whole()
    cvr = _text()
    authority = _text()
    product = _maybe()
    topic = _text()
    subject = _text()
    asked_at = _instant()
    waits = _truth()
    waits_since = _day_or_none()
    assigned_to = _maybe()
    due_on = _day_or_none()


class ThreadMessage(Answer):
    """What was written in a thread."""

    kind = _text(metadata={"description": "question, answer or note"})
    words = _text()
    written_by = _text()
    written_at = _instant()


class WholeThread(Thread):
    """A thread with what was written in it, oldest first."""

    messages = _many(ThreadMessage)


class ThreadActed(Answer):
    """What was written in which thread."""

    question = _whole()
    what = _text()


class PipelineCase(Answer):
    """An authority that may join a product: a journey, or what was written by hand of who has none."""

    cvr = _text()
    name = _text()
    product = _text()
    journey = fields.Integer(
        required=True, allow_none=True, metadata={"description": "its number; null where written by hand"}
    )
    version = _whole()
    stage = _text()
    since = _day_or_none()
    next = _maybe("the key of the task that is next")
    questions_waiting = _whole()
    expected_from = _day()
    percent = _whole()
    basis = _text(metadata={"description": "own, learned, set or usual"})
    first_year_ore = _whole_or_none()
    whole_year_ore = _whole_or_none()
    expected_first_year_ore = _whole_or_none()
    expected_whole_year_ore = _whole_or_none()
    outcome = _text(metadata={"description": "joined or given_up; empty while it stands open"})
    source = _text()


class PipelineSeen(Answer):
    """A case as it was written by hand; `gives_way_to` is the journey that counts instead of it."""

    cvr = _text()
    product = _text()
    version = _whole()
    gives_way_to = _whole_or_none()


class StageChance(Answer):
    """How likely a step is; learned once `ended` journeys that came to it are `enough`."""

    stage = _text()
    percent = _whole()
    basis = _text(metadata={"description": "learned, set or usual"})
    given_percent = _whole()
    ended = _whole()
    connected = _whole()
    enough = _whole()


class StageChances(Answer):
    """How likely the steps are."""

    items = _many(StageChance)
