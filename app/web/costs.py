"""Costs in the browser: the list, entering, a file of them, one cost with its history, and what two people decide."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from app import access, database
from app.adapters import csv_files
from app.schemas import Approval, CostApprovals, CostEntry, CostFileIntake, CostPayment, CostReversal, CostVoucherIntake
from app.web import deciding, forms, layout, lists, memory_list
from app.web.forms import Sent
from app.web.lists import Choice, Column, Filter, Listing
from app.web.memory_list import NotAnAmount
from billing import payments
from billing.funding import cost_files, cost_intake, costs, hours, moves, recurring
from billing.funding.cost_files import FileRefused
from billing.funding.costs import ASSOCIATION, COSTS, STATES, Chart, CostRefused, Draft, State
from foundation import periods, proposals, wording
from foundation.errors import Refused, RowsRefused
from foundation.language import Text, same
from foundation.money import Money
from foundation.periods import NotAPeriod, Period
from foundation.proposals import Proposal

blueprint = Blueprint("costs", __name__)

_KINDS = ("cost", "recurring_cost", "hour_rate", "fund_move")
_EMPTY = Text("Ingen omkostninger endnu. Indtast en, eller indlæs en fil", "No costs yet. Enter one, or take a file in")
_WAITS = Text("Venter på, at en anden godkender", "Waits for another to approve")
_REJECTED = Text("Forslaget er afvist", "The proposal was rejected")
_WITHDRAWN = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
#: What a fault of the domain is told at, where the form calls it something else.
_FIELDS = {"to": "last", "from": "first"}
_MOST_PAYMENTS = 100


# --- the list


@blueprint.get("/costs")
@access.needs("cost.read")
def page() -> ResponseReturnValue:
    """List the costs, the newest first, and what waits for approval."""
    return _page({})


def _page(errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        chart = costs.chart(session)
        return render_template(
            "costs/list.html", page=lists.page(session, _listing(chart)), waiting=costs.waiting(session),
            others=[each for each in proposals.open(session) if each.kind in _KINDS[1:]], own=is_own, errors=errors,
            said=costs.said, states=STATES,
        )  # fmt: skip


@blueprint.get("/costs.<form>")
@access.needs("cost.read")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(costs.chart(session)), form)


def _listing(chart: Chart) -> Listing:
    names = {number: name for accounts in chart.by_fund.values() for number, name in accounts.items()}
    columns, stands = COSTS.c, costs.state()
    return Listing(
        name="costs",
        caption=Text("Omkostninger", "Costs"),
        statement=costs.listed(),
        columns=(
            Column("date", Text("Dag", "Day"), lambda row: row.incurred_on, columns.incurred_on,
                   lambda row: f"/costs/{row.id}"),
            Column("fund", Text("Fond", "Fund"), lambda row: row.product or ASSOCIATION, columns.product),
            Column("account", Text("Konto", "Account"),
                   lambda row: f"{row.account} {names.get(row.account, '')}".strip(), columns.account),
            Column("supplier", Text("Leverandør", "Supplier"), lambda row: row.supplier, columns.supplier),
            Column("reference", Text("Nummer", "Number"), lambda row: row.reference, columns.reference),
            Column("text", Text("Tekst", "Text"), lambda row: row.text),
            Column("amount", Text("Beløb", "Amount"), lambda row: Money(row.amount_ore), columns.amount_ore),
            Column("state", Text("Status", "State"), lambda row: STATES[State(row.state)], stands),
        ),
        filters=(
            Filter("q", Text("Leverandør, nummer eller tekst", "Supplier, number or text"), _says),
            Filter("product", Text("Fond", "Fund"), _of_fund, funds_to_choose(chart)),
            Filter("account", Text("Konto", "Account"), _on_account, accounts_to_choose(chart)),
            Filter("period", Text("Periode, fx 2027 eller 2027-Q1", "Period, such as 2027 or 2027-Q1"), _in_period),
            Filter("state", Text("Status", "State"), lambda given: stands == given,
                   [Choice(each.value, title) for each, title in STATES.items()]),
        ),
        sort="-date",
        tie=(columns.id.desc(),),
        empty=_EMPTY,
        numbers=frozenset({"amount"}),
        id=columns.id,
    )  # fmt: skip


def _says(words: str) -> ColumnElement[bool]:
    found = (lists.contains(COSTS.c[name], words) for name in ("supplier", "reference", "text"))
    first, second, third = found
    return first | second | third


def _of_fund(given: str) -> ColumnElement[bool]:
    return COSTS.c.product.is_(None) if given == ASSOCIATION else COSTS.c.product == given


def _on_account(given: str) -> ColumnElement[bool]:
    return COSTS.c.account.endswith(f"-{given}", autoescape=True)


def _in_period(given: str) -> ColumnElement[bool]:
    try:
        found: Period = periods.named(given)
    except NotAPeriod:
        return true()
    return (COSTS.c.incurred_on >= found.start) & (COSTS.c.incurred_on <= found.last_day)


def funds_to_choose(chart: Chart) -> list[Choice]:
    """Give the funds as choices: the association first."""
    named = sorted(name for name in chart.by_fund if name is not None)
    return [
        Choice(ASSOCIATION, Text("OS2 (foreningen)", "OS2 (the association)")),
        *(Choice(n, same(n)) for n in named),
    ]


def accounts_to_choose(chart: Chart) -> list[Choice]:
    """Give the accounts of every product, by their last five digits."""
    found: dict[str, str] = {}
    for product, accounts in chart.by_fund.items():
        if product is not None:
            found |= {number.rpartition("-")[2]: name for number, name in accounts.items()}
    return [Choice(suffix, same(f"{suffix} {name}")) for suffix, name in sorted(found.items())]


# --- entering


@blueprint.get("/costs/new")
@access.needs("cost.enter")
def new() -> ResponseReturnValue:
    """Show the form of a cost."""
    return _form({}, {})


@blueprint.post("/costs/new")
@access.needs("cost.enter")
def enter() -> ResponseReturnValue:
    """Enter a cost, for another to approve; what is wrong is told at its field."""
    sent = forms.read(CostEntry)
    errors: Mapping[str, Text] = sent.errors
    if not errors:
        try:
            made = _entered(sent)
        except CostRefused as refused:
            errors = forms.in_order(CostEntry, at_fields(refused))
        except NotAnAmount as refused:
            errors = {"amount": refused.text}
        except FileRefused as refused:
            errors = {"file": refused.text}
    if errors:
        return _form(sent.typed, errors), 422
    layout.done(_WAITS)
    return redirect(f"/costs/proposals/{made.id}", 303)


def at_fields(refused: CostRefused) -> dict[str, Text]:
    """Give the faults of the domain by the fields of the form."""
    return {_FIELDS.get(name, name): words for name, words in refused.faults.items()}


def _entered(sent: Sent) -> Proposal:
    amount, file = memory_list.amount(sent["amount"], layout.spoken()) or Money(0), sent.get("file")
    content = None if file is None else file.stream.read(cost_files.LARGEST + 1)
    with layout.acting() as (session, trail):
        fund = fund_of(sent["product"])
        account = costs.chart(session).named(fund, sent["account"]) or sent["account"]
        kept = None if content is None else cost_files.keep(session, file.filename or "", content, trail)
        draft = Draft(
            fund, account, sent["supplier"], sent["reference"], sent["date"], sent["text"], amount,
            _spread(sent), None if kept is None else kept.id,
        )  # fmt: skip
        return costs.propose(session, [draft], trail, on=layout.today())[0]


def fund_of(given: str) -> str | None:
    """Give the product of a fund as forms name it; None is the association."""
    return None if given == ASSOCIATION else given


def _spread(sent: Sent) -> Period | None:
    first, last = sent.get("first"), sent.get("last")
    if first is None and last is None:
        return None
    if first is None or last is None:
        missing = Text("angiv både første og sidste dag, eller ingen", "give both first and last day, or neither")
        raise CostRefused({"from" if first is None else "to": missing})
    return periods.through(first, last)


def _form(given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        chart = costs.chart(session)
    return render_template(
        "costs/new.html", given=given, errors=errors, funds=funds_to_choose(chart), accounts=accounts_to_choose(chart),
        own=chart.by_fund[None], today=layout.today(),
    )  # fmt: skip


@blueprint.get("/costs/import")
@access.needs("cost.enter")
def import_form() -> ResponseReturnValue:
    """Ask for a file of costs."""
    return _import_form()


@blueprint.post("/costs/import")
@access.needs("cost.enter")
def take_in() -> ResponseReturnValue:
    """Take a file of costs in, whole or not at all; what is wrong is told row by row."""
    sent = forms.read(CostFileIntake)
    if sent.errors:
        return _import_form(fault=next(iter(sent.errors.values()))), 422
    file = sent["file"]
    try:
        rows = csv_files.read_stream(file.stream, wording.legible(file.filename or ""), csv_files.COSTS)
        with layout.acting() as (session, trail):
            taken = cost_intake.take_in(session, rows, trail, on=layout.today())
    except RowsRefused as refused:
        return _import_form(refused, refused.head), 422
    except Refused as refused:
        return _import_form(fault=refused.text), 422
    layout.done(taken.text)
    return redirect("/costs", 303)


def _import_form(refused: RowsRefused | None = None, fault: Text | None = None) -> str:
    return render_template("costs/import.html", refused=refused, errors={"file": fault} if fault else {})


# --- one cost


@blueprint.get("/costs/<int:cost>")
@access.needs("cost.read")
def one(cost: int) -> ResponseReturnValue:
    """Show a cost: what it is, how it stands, what was booked of it, and what can be done."""
    return _one(cost)


def _one(cost: int, errors: Mapping[str, Text] | None = None, given: Mapping[str, Any] | None = None) -> str:
    with database.reading() as session:
        row = costs.get(session, cost)
        file = cost_files.of_cost(session, row)
        account = costs.chart(session).by_fund.get(row.product, {}).get(row.account, "")
        back = session.execute(select(COSTS.c.id).where(COSTS.c.reverses == cost)).scalars().all()
        return render_template(
            "costs/one.html", cost=row, amount=Money(row.amount_ore), paid=Money(int(row.paid_ore)),
            state=STATES[State(row.state)], file=file, account=account, back=back, errors=errors or {},
            given=given or {}, lacks=file is None and cost_files.may_have(row),
            accruals=list(costs.accruals(row)) if row.from_on else [],
            payments=_going_out(session, row), today=layout.today(),
        )  # fmt: skip


def _going_out(session: Session, row: Any) -> list[Any]:
    """Give the payments that went out and wait, those of the cost's own amount first."""
    if row.state != State.BOOKED or row.minutes is not None or row.amount_ore <= 0:
        return []
    owes = row.amount_ore - int(row.paid_ore)
    out = [each for each in payments.waiting(session) if each.left.ore < 0]
    return sorted(out, key=lambda each: (each.left.ore != -owes, each.id))[:_MOST_PAYMENTS]


@blueprint.get("/costs/<int:cost>/voucher")
@access.needs("cost.read")
def voucher(cost: int) -> Response:
    """Give the supplier's file as it came, to be saved and not shown here."""
    with database.reading() as session:
        kept = cost_files.of_cost(session, costs.get(session, cost))
        if kept is None:
            raise cost_files.none_kept()
        content = cost_files.content(session, kept.id)
    response = Response(content, content_type=kept.media_type)
    ending = {"application/pdf": "pdf", "image/png": "png"}.get(kept.media_type, "jpg")
    response.headers["Content-Disposition"] = f'attachment; filename="bilag-{cost}.{ending}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.post("/costs/<int:cost>/voucher")
@access.needs("cost.enter")
def attach(cost: int) -> ResponseReturnValue:
    """Give a cost that has no voucher its file."""
    sent = forms.read(CostVoucherIntake)
    if sent.errors:
        return _one(cost, sent.errors), 422
    file = sent["file"]
    content = file.stream.read(cost_files.LARGEST + 1)
    try:
        with layout.acting() as (session, trail):
            cost_files.attach(session, cost, file.filename or "", content, trail)
    except FileRefused as refused:
        return _one(cost, {"file": refused.text}), 422
    layout.done(Text("Bilaget er gemt på omkostningen", "The voucher is kept with the cost"))
    return redirect(f"/costs/{cost}", 303)


@blueprint.post("/costs/<int:cost>/reverse")
@access.needs("cost.enter")
def reverse(cost: int) -> ResponseReturnValue:
    """Propose to take a cost back, with a reason."""
    sent = forms.read(CostReversal)
    if sent.errors:
        return _one(cost, sent.errors, sent.typed), 422
    with layout.acting() as (session, trail):
        made = costs.propose_reversal(session, cost, sent["reason"], trail, on=layout.today())
    layout.done(_WAITS)
    return redirect(f"/costs/proposals/{made.id}", 303)


@blueprint.post("/costs/<int:cost>/pay")
@access.needs("payment.match")
def pay(cost: int) -> ResponseReturnValue:
    """Place a payment that went out on a cost."""
    sent = forms.read(CostPayment)
    if sent.errors:
        return _one(cost, sent.errors, sent.typed), 422
    with layout.acting() as (session, trail):
        costs.pay(session, cost, sent["transaction"], trail, on=layout.today())
    layout.done(Text("Udbetalingen er placeret på omkostningen", "The payment is placed on the cost"))
    return redirect(f"/costs/{cost}", 303)


# --- what two people decide


@blueprint.post("/costs/approve")
@access.needs("cost.approve", fresh=True)
def approve_many() -> ResponseReturnValue:
    """Approve several proposals of costs in one act: all, or none."""
    sent = forms.read(CostApprovals)
    if sent.errors:
        return _page(sent.errors), 422
    chosen = [each.split(":") for each in sent["chosen"]]
    with layout.acting() as (session, trail):
        for id_, digest in chosen:
            proposals.expect(session, int(id_), digest)
        booked = costs.approve(session, [int(id_) for id_, _ in chosen], trail, on=layout.today())
    count = len(booked)
    layout.done(Text(f"{count} omkostninger er godkendt og bogført", f"{count} costs are approved and booked"))
    return redirect("/costs", 303)


@blueprint.get("/costs/proposals/<int:proposal>")
@access.needs("cost.read")
def proposal(proposal: int) -> ResponseReturnValue:
    """Show what another person is to decide: costs, a recurring cost, an hourly rate, or a move between funds."""
    return _proposal(proposal)


def _proposal(id_: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _found(session, id_)
        rows = costs.of_proposal(session, id_) if found.kind == "cost" else []
    plan = recurring.plan_of(found) if found.kind == "recurring_cost" else None
    rate = hours.rate_of(found) if found.kind == "hour_rate" else None
    move = moves.move_of(found) if found.kind == "fund_move" else None
    return render_template(
        "costs/proposal.html", proposal=found, rows=rows, plan=plan, rate=rate, move=move, own=is_own(found), sent=sent,
        money=Money, every=recurring.EVERY, titles=moves.TITLES, association=ASSOCIATION,
    )  # fmt: skip


def is_own(found: Proposal) -> bool:
    """Tell whether the person asking proposed it."""
    return proposals.is_same_person(found.proposed_by, access.current().actor)


def _found(session: Session, id_: int) -> Proposal:
    found = proposals.get(session, id_)
    if found.kind not in _KINDS:
        raise proposals.NoSuchProposal(Text("det er et andet slags forslag", "that is another kind of proposal"))
    return found


@blueprint.post("/costs/proposals/<int:proposal>/approve")
@access.needs("cost.approve", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Approve what another person proposed, and do it."""
    digest, on = forms.taken(Approval).get("digest"), layout.today()
    with layout.acting() as (session, trail):
        proposals.expect(session, proposal, digest)
        kind = _found(session, proposal).kind
        if kind == "cost":
            costs.approve(session, [proposal], trail, on=on)
        elif kind == "recurring_cost":
            recurring.approve(session, proposal, trail, on=on)
        elif kind == "hour_rate":
            hours.approve_rate(session, proposal, trail)
        else:
            moves.approve(session, proposal, trail)
    layout.done(Text("Godkendt og bogført", "Approved and booked"))
    return redirect(f"/costs/proposals/{proposal}", 303)


@blueprint.post("/costs/proposals/<int:proposal>/reject")
@access.needs("cost.approve")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject what another person proposed, with a reason."""
    back = f"/costs/proposals/{proposal}"
    return deciding.reject(partial(_found, id_=proposal), partial(_proposal, proposal), _REJECTED, back)


@blueprint.post("/costs/proposals/<int:proposal>/withdraw")
@access.needs("cost.enter")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    return deciding.withdraw(partial(_found, id_=proposal), _WITHDRAWN, f"/costs/proposals/{proposal}")
