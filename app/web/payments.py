"""The work page of payments: what waits and where it may belong, taking a suggestion, placing by hand, undoing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import products
from app import access, database
from app.schemas import Approval, Nothing, Placement, TakenSuggestion, Undoing
from app.web import deciding, forms, layout, lists, memory_list
from app.web.deciding import Find
from app.web.forms import FormRefused, Sent
from app.web.lists import Choice, Column, Filter, Listing
from app.web.memory_list import NotAnAmount
from authorities.register import AUTHORITIES
from billing import balances, matching, payments, placing, reminder_charges, settlements
from billing.balances import TRANSACTIONS, Owed
from billing.matching import OUTCOMES, Part, Suggestion
from billing.payments import EVER, AlreadyPlaced, Placing, Unplaceable, Waiting
from billing.placing import Wanted
from billing.reminder_charges import Charged
from foundation import proposals
from foundation.language import Text, kroner, same
from foundation.money import Money, total

blueprint = Blueprint("payments", __name__)

_MOST_CANDIDATES = 30


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed to place money: at the numbers that the page names, and in the rows that are free."""

    at: Mapping[str, str]
    free: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Undone:
    """What was sent to undo a match, where it was refused."""

    match: int
    sent: Sent


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion as a page shows it: in words, and as the form sends it back."""

    suggestion: Suggestion
    words: Text
    sent: str


# --- what waits


@blueprint.get("/payments")
@access.needs("payment.read")
def page() -> ResponseReturnValue:
    """List what waits, each with what it may be for."""
    with database.reading() as session:
        listed = lists.page(session, _listing())
        found = payments.findings(session, [payments.paid_of(row) for row in listed.rows])
        count, amount, since = payments.clearing(session)
        return render_template(
            "payments/list.html", page=listed, waiting=_shown(session, found), outcomes=OUTCOMES, count_=count,
            amount=amount, since=since, today=layout.today(), due=payments.refunds_due(session),
            titles=_titles(session), overdue=_overdue(session),
            proposed=settlements.waiting(session),
        )  # fmt: skip


@blueprint.get("/payments.<form>")
@access.needs("payment.read")
def export(form: str) -> Response:
    """Give what waits as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(), form)


def _listing() -> Listing:
    columns = TRANSACTIONS.c
    return Listing(
        name="payments",
        caption=Text("Betalinger, der venter", "Payments that wait"),
        statement=payments.unplaced().order_by(None),
        columns=(
            Column("booked", Text("Bogført", "Booked"), lambda row: row.booked_on, columns.booked_on, _address),
            Column("payer", Text("Betaler", "Payer"), lambda row: row.payer, columns.payer),
            Column("message", Text("Tekst", "Text"), lambda row: row.message),
            Column("reference", Text("Reference", "Reference"), lambda row: row.fik_id or row.creditor_reference),
            Column("amount", Text("Beløb", "Amount"), lambda row: Money(row.amount_ore), columns.amount_ore),
            Column("left", Text("Ikke placeret", "Not placed"), lambda row: Money(int(row.left_ore))),
            Column("age", Text("Alder i dage", "Age in days"), lambda row: (layout.today() - row.booked_on).days),
        ),
        filters=(
            Filter("q", Text("Betaler, tekst eller reference", "Payer, text or reference"), _matching),
            Filter("way", Text("Retning", "Direction"),
                   lambda way: columns.amount_ore < 0 if way == "out" else columns.amount_ore > 0,
                   [Choice("in", Text("Ind", "In")), Choice("out", Text("Ud", "Out"))]),
        ),
        sort="booked",
        tie=(columns.id,),
        empty=Text("Intet venter: alle betalinger har fundet deres plads",
                   "Nothing waits: every payment has found its place"),
        numbers=frozenset({"amount", "left", "age"}),
    )  # fmt: skip


def _address(row: Any) -> str:
    return f"/payments/{row.id}"


def _matching(words: str) -> Any:
    columns = TRANSACTIONS.c
    by_text = lists.contains(columns.payer, words) | lists.contains(columns.message, words)
    return by_text | columns.fik_id.contains(words, autoescape=True)


def _overdue(session: Session) -> tuple[int, Money]:
    today = layout.today()
    late = [each.outstanding.ore for each in balances.still_open(session, today).values() if each.due_on < today]
    return len(late), Money(sum(late))


def _titles(session: Session) -> dict[int, str]:
    return {row.id: row.name for row in session.execute(select(AUTHORITIES.c.id, AUTHORITIES.c.name))}


def _shown(session: Session, found: list[Waiting]) -> list[tuple[Waiting, list[Shown]]]:
    """Write the suggestions in words; the numbers and names they need in one query each."""
    parts = [part for each in found for made in each.finding.suggestions for part in made.parts]
    ids = {part.invoice_id for part in parts if part.invoice_id is not None}
    numbers = {id_: owed.number for id_, owed in balances.outstanding(session, EVER, invoice_ids=ids).items()}
    titles = _titles(session)
    return [
        (each, [Shown(made, matching.told(made.parts, numbers, titles), written(made.parts))
                for made in each.finding.suggestions])
        for each in found
    ]  # fmt: skip


def written(parts: tuple[Part, ...]) -> str:
    """Write where money goes as a form sends it back, to be compared with what is suggested then."""
    return ";".join(f"{p.invoice_id or 0}:{p.refund_id or 0}:{p.authority_id or 0}:{p.amount.ore}" for p in parts)


# --- matching


@blueprint.post("/payments/match")
@access.needs("payment.match")
def match() -> ResponseReturnValue:
    """Match every payment that is certain."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        found = payments.match_certain(session, layout.today(), trail)
    certain, told = sum(each.finding.is_certain for each in found), kroner(payments.placed(found))
    layout.done(
        Text(f"{certain} betalinger er placeret, {told.da}; {len(found) - certain} venter",
             f"{certain} payments are placed, {told.en}; {len(found) - certain} wait")
    )  # fmt: skip
    return redirect("/payments", 303)


@blueprint.post("/payments/<int:transaction>/take")
@access.needs("payment.match")
def take(transaction: int) -> ResponseReturnValue:
    """Take the suggestion that was shown; one that is no longer suggested is refused."""
    with layout.acting() as (session, trail):
        paid = payments.transaction(session, transaction)
        sent = forms.taken(TakenSuggestion)
        (found,) = payments.findings(session, [paid])
        made = next((each for each in found.finding.suggestions if written(each.parts) == sent["parts"]), None)
        if made is None:
            raise AlreadyPlaced(
                Text("forslaget gælder ikke mere: hent siden igen", "the suggestion has changed: load the page again")
            )
        payments.place(session, [Placing(paid.id, made.parts, made.rule, made.why)], layout.today(), trail)
    return _placed(made.parts)


def _placed(parts: Sequence[Part]) -> ResponseReturnValue:
    told = kroner(total(part.amount for part in parts))
    layout.done(Text(f"{told.da} er placeret", f"{told.en} is placed"))
    return redirect("/payments", 303)


# --- one payment


@blueprint.get("/payments/<int:transaction>")
@access.needs("payment.read")
def one(transaction: int) -> ResponseReturnValue:
    """Show a payment: what it said, where it went, what is suggested, and a form to place it by hand."""
    with database.reading() as session:
        return _one(session, transaction, {}, {})


def _one(
    session: Session, id_: int, given: Mapping[str, Any], errors: Mapping[str, Text], undone: Undone | None = None
) -> str:
    paid = payments.transaction(session, id_)
    found = payments.findings(session, [paid]) if paid.left else []
    titles = _titles(session)
    candidates, charges = _candidates(session, found, request.args.get("q", "")), _charge_candidates(session, found)
    return render_template(
        "payments/one.html", paid=paid, waiting=_shown(session, found), matches=payments.matches(
            session, transaction_id=id_), titles=titles, outcomes=OUTCOMES, given=given, errors=errors,
        candidates=candidates, q=request.args.get("q", "")[:100],
        due=payments.refunds_due(session) if paid.left.ore < 0 else [],
        typed=_typed(given, "number", "amount", {each.number for each in candidates}, rows=2),
        funds=[("", layout.say(Text("Ingen", "None"))), *_funds(session)],
        charges=charges, undone=undone,
        charged=_typed(given, "charged", "charge", {each.number for each in charges}, rows=1),
    )  # fmt: skip


def _funds(session: Session) -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(products.ids_by_name(session))]


def _typed(given: Mapping[str, Any], names: str, amounts: str, named: Collection[str], *, rows: int) -> Typed:
    """Give back what was typed; what was named and is no more stands in a free row."""
    at: dict[str, str] = {}
    free: list[tuple[str, str]] = []
    for name, amount in zip(given.get(names, []), given.get(amounts, []), strict=False):
        if name in named and name not in at:
            at[name] = amount
        elif name or amount:
            free.append((name, amount))
    return Typed(at, [*free, *[("", "")] * (rows - len(free))])


def _candidates(session: Session, found: list[Waiting], words: str) -> list[Owed]:
    """Give the open invoices to choose from: those searched for, else those of the authorities suggested."""
    if not found or found[0].paid.left.ore < 0:
        return []
    open_ = [each for each in balances.still_open(session, EVER).values() if each.outstanding.ore > 0]
    if words.strip():
        wanted = words.strip()[:100].casefold()
        titles = _titles(session)
        chosen = [o for o in open_ if wanted in o.number.casefold() or wanted in titles[o.authority_id].casefold()]
    else:
        near = {part.authority_id for made in found[0].finding.suggestions for part in made.parts}
        chosen = [owed for owed in open_ if owed.authority_id in near]
    return sorted(chosen, key=lambda owed: (owed.due_on, owed.invoice_id))[:_MOST_CANDIDATES]


def _charge_candidates(session: Session, found: list[Waiting]) -> list[Charged]:
    """Give what reminders charge the authorities that are suggested."""
    if not found or found[0].paid.left.ore < 0:
        return []
    near = {part.authority_id for made in found[0].finding.suggestions for part in made.parts}
    asked = reminder_charges.charged(session, EVER).values()
    return [each for each in asked if each.outstanding and each.authority_id in near][:_MOST_CANDIDATES]


@blueprint.post("/payments/<int:transaction>/place")
@access.needs("payment.match")
def place(transaction: int) -> ResponseReturnValue:
    """Place a payment by hand, over one place or several."""
    with database.reading() as session:
        paid = payments.transaction(session, transaction)
    sent = forms.read(Placement)
    errors: Mapping[str, Text] = sent.errors
    if not errors:
        try:
            with layout.acting() as (session, trail):
                placed = Placing(paid.id, placing.parts(session, _wanted(sent)), "hand", same(sent["why"]))
                payments.place(session, [placed], layout.today(), trail)
            return _placed(placed.parts)
        except (Unplaceable, NotAnAmount, AlreadyPlaced, payments.MoreThanOwed) as refused:
            errors = {"number": refused.text}
    with database.reading() as session:
        return _one(session, transaction, sent.typed, errors), 422


def _wanted(sent: forms.Sent) -> Wanted:
    """Read where a form puts money; what reminders charge, by the invoice that was reminded of. Raises NotAnAmount."""
    return Wanted(
        _amounts(sent["number"], sent["amount"]),
        _amounts(sent["charged"], sent["charge"]),
        _amounts([sent.get("credit_to") or "-"], [sent.get("credit_amount") or ""]),
        _amounts([sent.get("account") or "-"], [sent.get("account_amount") or ""]),
        [(id_, None)] if (id_ := sent.get("refund")) else [],
        _amounts([sent.get("fund") or "-"], [sent.get("fund_amount") or ""]),
        sent.get("giver"),
    )


def _amounts(names: list[str], typed: list[str]) -> list[tuple[str, Money]]:
    return [
        (name.strip(), amount)
        for name, words in zip(names, typed, strict=False)
        if name.strip() and (amount := memory_list.amount(words, layout.spoken()))
    ]


@blueprint.post("/payments/matches/<int:match_id>/undo")
@access.needs("payment.match")
def undo(match_id: int) -> ResponseReturnValue:
    """Undo a match, with a reason; it stays, and a new row stands against it."""
    with database.reading() as session:
        match = payments.undoable(session, [match_id])[match_id]
    sent = forms.read(Undoing)
    if sent.errors:
        if match.transaction_id is None:  # a credit that was used: no page has a form to undo it
            raise FormRefused(sent.errors)
        with database.reading() as session:
            return _one(session, match.transaction_id, {}, {}, Undone(match_id, sent)), 422
    with layout.acting() as (session, trail):
        payments.unmatch(session, [match_id], sent["reason"], layout.today(), trail)
    layout.done(Text("Placeringen er ophævet; beløbet venter igen", "The placing is undone; the money waits again"))
    return redirect("/payments", 303)


# --- deciding refunds and write-offs


@blueprint.get("/payments/proposals/<int:proposal>")
@access.needs("refund.prepare")
def proposed(proposal: int) -> ResponseReturnValue:
    """Show a proposed refund or write-off, and who may decide it."""
    return _proposed(proposal)


def _proposed(proposal: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = settlements.get(session, proposal)
    order = settlements.order_of(found)
    own = proposals.is_same_person(found.proposed_by, access.current().actor)
    return render_template("payments/proposal.html", proposal=found, order=order, own=own, sent=sent)


@blueprint.post("/payments/proposals/<int:proposal>/approve")
@access.needs("refund.approve", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Decide the proposed refund or write-off: another person than who prepared it."""
    with layout.acting() as (session, trail):
        found = settlements.get(session, proposal)
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        amount = settlements.approve(session, found, layout.today(), trail)
    layout.done(settlements.told(found.kind, amount))
    return redirect(f"/payments/proposals/{proposal}", 303)


@blueprint.post("/payments/proposals/<int:proposal>/reject")
@access.needs("refund.approve")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject what was proposed, with a reason."""
    told = Text("Forslaget er afvist", "The proposal was rejected")
    return deciding.reject(_finding(proposal), partial(_proposed, proposal), told, f"/payments/proposals/{proposal}")


@blueprint.post("/payments/proposals/<int:proposal>/withdraw")
@access.needs("refund.prepare")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(_finding(proposal), told, f"/payments/proposals/{proposal}")


def _finding(proposal: int) -> Find:
    return partial(settlements.get, id_=proposal)
