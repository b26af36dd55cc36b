"""Reminders in the browser: who would be reminded and why, approved by another, issued; each with its papers.

Beside them the members that owe their dues despite one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app import access, database, delivery_words, reminder_letters, reminder_work
from app.adapters import pictures
from app.annual_work import InNameOf
from app.schemas import Approval, Nothing, ReminderHandOver, WithdrawalOrder
from app.web import deciding, forms, layout, lists
from app.web.deciding import Find
from app.web.forms import Sent
from app.web.letters import STATES as LETTER_STATES
from app.web.lists import Choice, Column, Filter, Listing
from authorities.register import AUTHORITIES
from billing import (
    delivery_register,
    reminder_document,
    reminder_files,
    reminder_plan,
    reminder_terms,
    reminders,
    withdrawals,
)
from billing.gathering import INVOICES
from billing.papers import REMINDER
from billing.reminder_plan import REMINDERS
from billing.reminders import Issued, NoSuchReminder
from billing.renderings import OneKept
from billing.withdrawals import WithdrawalRefused
from foundation import letters, proposals
from foundation.language import Text, joined, same
from foundation.money import Money
from foundation.proposals import Proposal

blueprint = Blueprint("reminders", __name__)

_KINDS = ("reminders", "withdrawal")
_TYPES = {"pdf": "application/pdf", "oioubl": "application/xml"}
_LEVELS = {str(level): Text(f"{level}. rykker", f"Reminder {level}") for level in (1, 2, 3)}


# --- the list


@blueprint.get("/reminders")
@access.needs("reminders.read")
def page() -> ResponseReturnValue:
    """List the issued reminders."""
    with database.reading() as session:
        return render_template(
            "reminders/list.html", page=lists.page(session, _listing(session)),
            ready=_ready(session) if access.current().may("reminders.send") else 0,
        )  # fmt: skip


def _ready(session: Session) -> int:
    """Count what is approved and may be issued."""
    return reminders.left_to_issue(session, layout.today())


@blueprint.get("/reminders.<form>")
@access.needs("reminders.read")
def export(form: str) -> Response:
    """Give the list as a file."""
    with database.reading() as session:
        return lists.export(session, _listing(session), form)


def _listing(session: Session) -> Listing:
    columns = REMINDERS.c
    statement = (
        select(columns.id, columns.number, columns.level, columns.issued_on, columns.due_on, columns.outstanding_ore,
               columns.to_pay_ore, INVOICES.c.number.label("invoice"), AUTHORITIES.c.name.label("authority"))
        .join(INVOICES, columns.invoice_id == INVOICES.c.id)
        .join(AUTHORITIES, columns.authority_id == AUTHORITIES.c.id)
    )  # fmt: skip
    years = session.scalars(access.reminders(select(columns.series)).distinct().order_by(columns.series.desc())).all()
    return Listing(
        name="reminders",
        caption=Text("Udstedte rykkere", "Issued reminders"),
        statement=access.reminders(statement),
        columns=_COLUMNS,
        filters=(
            Filter("q", Text("Nummer, faktura eller myndighed", "Number, invoice or authority"), _matching),
            Filter("level", Text("Rykker nr.", "Reminder no."), lambda level: columns.level == int(level),
                   [Choice(level, title) for level, title in _LEVELS.items()]),
            Filter("series", Text("År", "Year"), lambda series: columns.series == series,
                   [Choice(series, same(series.removeprefix("RY-"))) for series in years]),
            *([_sending(session)] if access.current().may("reminders.plan") else []),
        ),
        sort="-number",
        tie=(columns.id.desc(),),
        empty=Text("Ingen rykkere er udstedt. Se planen for i dag for at finde de fakturaer, der kan rykkes for",
                   "No reminders were issued. See the plan for those that may be reminded"),
        numbers=frozenset({"level", "outstanding", "to_pay"}),
    )  # fmt: skip


def _sending(session: Session) -> Filter:
    """Let those be found that cannot be sent; worked out where it is asked for."""

    def narrow(_: str) -> Any:
        return REMINDERS.c.id.in_(reminder_letters.without_contact(session, layout.today()))

    title = Text("Kan ikke sendes: ingen kontakt", "Cannot be sent: no contact")
    return Filter("sending", Text("Afsendelse", "Sending"), narrow, [Choice("no_contact", title)])


_COLUMNS = (
    Column("number", Text("Nummer", "Number"), lambda row: row.number, REMINDERS.c.id,
           lambda row: f"/reminders/{row.number}"),
    Column("invoice", Text("Faktura", "Invoice"), lambda row: row.invoice, INVOICES.c.number,
           lambda row: f"/invoices/{row.invoice}"),
    Column("level", Text("Rykker nr.", "Reminder no."), lambda row: row.level, REMINDERS.c.level),
    Column("authority", Text("Myndighed", "Authority"), lambda row: row.authority, AUTHORITIES.c.name),
    Column("issued", Text("Udstedt", "Issued"), lambda row: row.issued_on, REMINDERS.c.issued_on),
    Column("due", Text("Ny frist", "New time"), lambda row: row.due_on, REMINDERS.c.due_on),
    Column("outstanding", Text("Manglede betaling", "Was not paid"), lambda row: Money(row.outstanding_ore),
           REMINDERS.c.outstanding_ore),
    Column("to_pay", Text("At betale", "To pay"), lambda row: Money(row.to_pay_ore), REMINDERS.c.to_pay_ore),
)  # fmt: skip


def _matching(words: str) -> Any:
    named = (lists.contains(column, words) for column in (REMINDERS.c.number, INVOICES.c.number, AUTHORITIES.c.name))
    number, invoice, authority = named
    return number | invoice | authority


# --- planning, approving, issuing


@blueprint.get("/reminders/plan")
@access.needs("reminders.plan")
def plan() -> ResponseReturnValue:
    """Show who would be reminded today, of what and why, and what stands in the way."""
    with database.reading() as session:
        made = reminders.plan(session, layout.today())
        waiting = proposals.open_for(session, "reminders", reminders.SUBJECT)
        return render_template(
            "reminders/plan.html", plan=made, waiting=waiting, counted=reminder_plan.counted(made.stopped),
            ready=_ready(session), stops=STOPS,
        )  # fmt: skip


#: What stands in the way, in words that count.
STOPS = {
    reminder_plan.Code.DISPUTED: Text("bestridt", "disputed"),
    reminder_plan.Code.PROMISED: Text("lovet betalt", "promised"),
    reminder_plan.Code.PAID_TODAY: Text("betalt i dag", "paid today"),
    reminder_plan.Code.PARTLY_PAID: Text("nylig delbetaling", "paid in part lately"),
    reminder_plan.Code.CREDITED: Text("nylig kreditnota", "credited lately"),
    reminder_plan.Code.PAYMENT_WAITS: Text("indbetaling er ikke placeret", "a payment has no place yet"),
    reminder_plan.Code.STATEMENT_MISSING: Text("kontoudtog mangler", "bank statement missing"),
    reminder_plan.Code.RATE_MISSING: Text("referencesats mangler", "reference rate missing"),
    reminder_plan.Code.UNSENT: Text("forrige rykker er ikke sendt", "the reminder before has not left"),
    reminder_plan.Code.NO_MORE: Text("rykket så ofte, det må ske", "reminded as often as may be"),
}


@blueprint.post("/reminders/plan")
@access.needs("reminders.send")
def hand_over() -> ResponseReturnValue:
    """Hand the plan that was read over for another person's approval."""
    digest = forms.taken(ReminderHandOver)["digest"]
    with layout.acting() as (session, trail):
        made = reminders.hand_over(session, trail, on=layout.today(), digest=digest)
    layout.done(Text("Planen venter på, at en anden godkender den", "The plan waits for another to approve it"))
    return redirect(f"/reminders/proposals/{made.id}", 303)


@blueprint.post("/reminders/issue")
@access.needs("reminders.send")
def issue() -> ResponseReturnValue:
    """Issue what another person approved."""
    forms.taken(Nothing)
    issued = reminder_work.issue(InNameOf(layout.config(), access.current().actor), layout.today())
    _tell(issued)
    return redirect("/reminders", 303)


def _tell(issued: Issued) -> None:
    count = len(issued.numbers)
    if count:
        span = " – ".join(dict.fromkeys((issued.numbers[0], issued.numbers[-1])))
        layout.done(Text(f"{count} rykkere er udstedt: {span}", f"{count} reminders were issued: {span}"))
    else:
        layout.warn(Text("Ingen rykkere blev udstedt", "No reminders were issued"))
    for held in issued.withheld:
        layout.warn(Text(f"{held.number}, rykker {held.level}, er udeladt: ",
                         f"{held.number}, reminder {held.level}, was left out: ") + held.why)  # fmt: skip


# --- what another person decides


@blueprint.get("/reminders/proposals/<int:proposal>")
@access.needs("reminders.plan")
def proposed(proposal: int) -> ResponseReturnValue:
    """Show a plan that was handed over, or a withdrawal that is proposed."""
    return _page_of(proposal)


def _page_of(proposal: int, sent: Sent = forms.UNSENT) -> str:
    with database.reading() as session:
        found = _proposal(session, proposal)
        names = _names(session, found) if found.kind == "reminders" else {}
        said = reminders.read(found.content) if found.kind == "reminders" else None
    return render_template(
        "reminders/proposal.html", proposal=found, plan=said, names=names,
        withdrawal=withdrawals.read(found) if found.kind == "withdrawal" else None,
        own=proposals.is_same_person(found.proposed_by, access.current().actor), sent=sent,
    )  # fmt: skip


def _proposal(session: Session, id_: int) -> Proposal:
    found = proposals.get(session, id_)
    if found.kind not in _KINDS:
        raise proposals.NoSuchProposal(Text("det handler ikke om rykkere", "that is not about reminders"))
    return found


def _names(session: Session, proposal: Proposal) -> dict[str, str]:
    """Give who pays each invoice of a plan, in one query."""
    numbers = {number for number, _ in reminders.read(proposal.content).items}
    rows = session.execute(
        select(INVOICES.c.number, AUTHORITIES.c.name)
        .join(AUTHORITIES, INVOICES.c.authority_id == AUTHORITIES.c.id)
        .where(INVOICES.c.number.in_(numbers))
    )
    return {row.number: row.name for row in rows}


@blueprint.post("/reminders/proposals/<int:proposal>/approve")
@access.needs("reminders.approve", fresh=True)
def approve(proposal: int) -> ResponseReturnValue:
    """Approve a plan, or end the membership of who is proposed as withdrawn; another person than who proposed it."""
    with layout.acting() as (session, trail):
        found = _proposal(session, proposal)
        proposals.expect(session, proposal, forms.taken(Approval).get("digest"))
        if found.kind == "reminders":
            reminders.approve(session, proposal, trail)
        else:
            withdrawals.approve(session, proposal, trail, on=layout.today())
    if found.kind == "reminders":
        layout.done(Text("Planen er godkendt: rykkerne kan udstedes", "The plan is approved and can be issued"))
        return redirect("/reminders/plan", 303)
    layout.done(Text("Medlemmet er udmeldt", "The member is withdrawn"))
    return redirect("/reminders/arrears", 303)


@blueprint.post("/reminders/proposals/<int:proposal>/reject")
@access.needs("reminders.approve")
def reject(proposal: int) -> ResponseReturnValue:
    """Reject what is proposed, with a reason."""
    told = Text("Forslaget er afvist", "The proposal was rejected")
    return deciding.reject(_finding(proposal), partial(_page_of, proposal), told, f"/reminders/proposals/{proposal}")


@blueprint.post("/reminders/proposals/<int:proposal>/withdraw")
@access.needs("reminders.send")
def withdraw(proposal: int) -> ResponseReturnValue:
    """Take one's own proposal back."""
    told = Text("Forslaget er trukket tilbage", "The proposal was withdrawn")
    return deciding.withdraw(_finding(proposal), told, f"/reminders/proposals/{proposal}")


def _finding(proposal: int) -> Find:
    return partial(_proposal, id_=proposal)


# --- the page of one


@blueprint.get("/reminders/<number>")
@access.needs("reminders.read")
def one(number: str) -> ResponseReturnValue:
    """Show a reminder: what it asks for, its papers, and what the rules say of it."""
    with database.reading() as session:
        row = seen(session, number)
        pdf = reminder_files.one(session, row.id, "pdf")
        sent = letters.about(session, row.number)
        story = delivery_register.story(session, REMINDER, row.id)
        return render_template(
            "reminders/page.html", reminder=row, document=reminder_document.from_json(row.document),
            verdict=reminder_files.verdict(session, row.id), made=pdf is not None,
            pictures=pictures.pages(pdf.sha256, lambda: pdf.content) if pdf else 0,
            delivery=story, delivery_words=delivery_words,
            letters=sent, letter_states=LETTER_STATES, why=None if sent else reminder_letters.why(session, row),
        )  # fmt: skip


def seen(session: Session, number: str) -> Row[Any]:
    """Give a reminder the person may see; one outside its scope is not there. Raises NoSuchReminder."""
    statement = select(REMINDERS, INVOICES.c.number.label("invoice")).join(
        INVOICES, REMINDERS.c.invoice_id == INVOICES.c.id
    )
    row = session.execute(access.reminders(statement.where(REMINDERS.c.number == number))).first()
    if row is None:
        raise NoSuchReminder(Text("ingen rykker har det nummer", "no reminder has that number"))
    return row


@blueprint.get("/reminders/<number>/<any(pdf, oioubl):form>")
@access.needs("reminders.read")
def document(number: str, form: str) -> ResponseReturnValue:
    """Give the kept bytes of a document."""
    with database.reading() as session:
        kept = _kept(session, number, form)
    ending = "pdf" if form == "pdf" else f"{form}.xml"
    response = Response(kept.content, content_type=_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{number}.{ending}"'
    return _tagged(response, kept.sha256)


@blueprint.get("/reminders/<number>/page-<int:at>.png")
@access.needs("reminders.read")
def picture(number: str, at: int) -> ResponseReturnValue:
    """Give a page of the PDF as a picture."""
    with database.reading() as session:
        kept = _kept(session, number, "pdf")
    drawn = pictures.page(kept.content, at)
    if drawn is None:
        raise NoSuchReminder(Text("rykkeren har ikke den side", "the reminder has no such page"))
    return _tagged(Response(drawn, content_type="image/png"), f"{kept.sha256}-{at}")


def _kept(session: Session, number: str, form: str) -> OneKept:
    found = reminder_files.one(session, seen(session, number).id, form)
    if found is None:
        raise NoSuchReminder(Text("dokumentet er ikke lavet endnu: det laves af os2tilslut reminders issue",
                                  "the document is not made yet: os2tilslut reminders issue makes it"))  # fmt: skip
    return found


def _tagged(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


# --- members in arrears


@blueprint.get("/reminders/arrears")
@access.needs("reminders.plan")
def arrears() -> ResponseReturnValue:
    """Show the members that owe their dues despite a reminder."""
    with database.reading() as session:
        return _arrears(session, {}, {})


@blueprint.post("/reminders/arrears")
@access.needs("reminders.send")
def propose_withdrawal() -> ResponseReturnValue:
    """Propose a member in arrears as withdrawn."""
    sent = forms.read(WithdrawalOrder)
    errors: Mapping[str, Text] = sent.errors
    made: Proposal | None = None
    if not errors:
        try:
            with layout.acting() as (session, trail):
                made = withdrawals.propose(
                    session, sent["cvr"], sent["left_on"], sent["reason"], trail, on=layout.today()
                )
        except WithdrawalRefused as refused:
            errors = {"left_on": refused.text}
    if made is None:
        with database.reading() as session:
            return _arrears(session, sent.typed, errors), 422
    layout.done(Text("Forslaget venter på, at en anden afgør det", "The proposal waits for another to decide it"))
    return redirect(f"/reminders/proposals/{made.id}", 303)


def _arrears(session: Session, given: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    found = withdrawals.candidates(session, layout.today())
    if errors and given.get("cvr") not in {each.cvr for each in found if not each.proposal_id}:
        errors = {"": joined(list(errors.values()), by="; ")}  # no form of that member is shown to tell it at
    return render_template(
        "reminders/arrears.html", members=found, given=given, errors=errors,
        first=f"{layout.today().year + 1}-01-01", terms=reminder_terms.current(session),
    )  # fmt: skip
