"""The year: its plan as a table, why each amount is what it is, how it differs from last year, and its steps from
handing over to validated documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access, clock, database, delivery_words
from app.adapters import background
from app.schemas import HandOver, Issuing, OfBook, PlanReturned
from app.web import (
    archive,
    comparison_list,
    deciding,
    forms,
    layout,
    lists,
    memory_list,
    plan_list,
    planning,
    problem_list,
    year_steps,
)
from app.web.deciding import Find
from app.web.forms import Sent
from app.web.memory_list import NotAnAmount
from app.web.planning import checked, planned
from billing import comparison, delivery_register, handover, progress, work_runs, years
from billing.causes import TITLES
from billing.gathering import Book
from billing.plan_snapshot import Snapshot, Wanted, chosen
from foundation.errors import NotFound
from foundation.language import Text, day
from foundation.proposals import Proposal

blueprint = Blueprint("year", __name__, url_prefix="/year")

_SHOWN_NOTHING, _SHOWN_OF_A_CODE, _SHOWN_AT_ONCE = 50, 25, 5


# --- reading


@blueprint.get("")
@access.needs("run.read")
def page() -> ResponseReturnValue:
    """List the years and their state."""
    with database.reading() as session:
        listed = years.states(session, layout.today())
    return render_template("year/years.html", years=listed, today=layout.today())


@blueprint.get("/<int:year>")
@access.needs("run.read")
def plan(year: int) -> ResponseReturnValue:
    """Show the plan of a year, its steps, and what is in the way."""
    return _plan_page(year)


def _plan_page(year: int, sent: Sent = forms.UNSENT) -> str:
    with planned(year) as (session, snapshot):
        standing = year_steps.standing(session, snapshot, at=clock.machine())
    wanted, faults = _wanted(snapshot)
    rows = chosen(snapshot, wanted)
    listed = memory_list.page(plan_list.listing(snapshot), rows, request.args)
    return render_template(
        "year/plan.html", year=year, book=snapshot.plan.book, plan=snapshot.plan, page=listed,
        sums=plan_list.sums(rows), standing=standing, steps=year_steps.steps(standing),
        problems=problem_list.grouped(snapshot.plan.problems, _SHOWN_OF_A_CODE),
        notes=problem_list.grouped(snapshot.plan.notes, _SHOWN_OF_A_CODE),
        nothing=snapshot.plan.nothing[:_SHOWN_NOTHING], mending=problem_list.mending, titles=year_steps.NEXT_TITLES,
        is_own=year_steps.is_own(standing, access.current()), faults=faults, sent=sent, today=layout.today(),
    )  # fmt: skip


def _wanted(snapshot: Snapshot) -> tuple[Wanted, list[Text]]:
    """Read the rows asked for; an amount that cannot be read asks for nothing, and is told."""
    listing, asked, faults = plan_list.listing(snapshot), dict(request.args), []
    for key in ("least", "most"):
        try:
            memory_list.amount(asked.get(key, ""), layout.spoken())
        except NotAnAmount as fault:
            faults.append(fault.text)
            del asked[key]
    return plan_list.wanted(listing, asked, layout.spoken()), faults


@blueprint.get("/<int:year>/plan/<cvr>")
@access.needs("run.read")
def why(year: int, cvr: str) -> ResponseReturnValue:
    """Tell why a payer's invoices are what they are; as a part of the list where htmx asks."""
    with planned(year) as (_, snapshot):
        rows = plan_list.of_payer(snapshot, cvr)
    if not rows:
        raise NotFound(Text(f"{cvr} har ingen faktura i planen", f"{cvr} has no invoice in the plan"))
    told = [(row, plan_list.told(row, year)) for row in rows]
    template = "year/why_part.html" if layout.is_fragment() else "year/why.html"
    return render_template(template, year=year, book=_book(), told=told, kinds=plan_list.KINDS)


@blueprint.get("/<int:year>/comparison")
@access.needs("run.read")
def compare(year: int) -> ResponseReturnValue:
    """Show the year beside the one before, each difference in named parts."""
    found = _compared(year)
    listing = comparison_list.listing(found)
    rows = comparison_list.chosen(found, listing, request.args)
    listed = memory_list.page(listing, rows, request.args)
    return render_template("year/comparison.html", year=year, book=_book(), found=found, page=listed, titles=TITLES)


@blueprint.get("/<int:year>/problems")
@access.needs("run.read")
def problems(year: int) -> ResponseReturnValue:
    """List what stands in the way of the plan, each with where it is mended; the first of each where htmx asks."""
    with planned(year) as (_, snapshot):
        if layout.is_fragment():
            return render_template("year/problems_part.html", **of_plan(snapshot))
        listing = problem_list.listing(snapshot)
    listed = memory_list.page(listing, problem_list.chosen(snapshot, listing, request.args), request.args)
    return render_template("year/problems.html", year=year, book=_book(), page=listed)


def of_plan(snapshot: Snapshot) -> dict[str, Any]:
    """Give what a page needs to show the first problems of each kind."""
    found = problem_list.grouped(snapshot.plan.problems, _SHOWN_AT_ONCE)
    return {"problem_year": snapshot.plan.year, "problems": found, "mending": problem_list.mending}


@blueprint.get("/<int:year>/progress")
@access.needs("run.read")
def show_progress(year: int) -> ResponseReturnValue:
    """Show how far issuing is; the page asks again by itself while there is more to come."""
    book = _book(checked(year))
    with database.reading() as session:
        done = progress.of(session, year, book)
        run = work_runs.latest(session, year, book, at=clock.machine())
        delivered = delivery_register.counts(session, year) if book == "real" else {}
    template = "year/progress_part.html" if layout.is_fragment() else "year/progress.html"
    return render_template(
        template, year=year, book=book, done=done, run=run, delivered=delivered, today=layout.today(),
        states=delivery_words.STATES, papers=delivery_words.PAPERS,
    )  # fmt: skip


# --- files


@blueprint.get("/<int:year>/plan.<form>")
@access.needs("run.read")
def export_plan(year: int, form: str) -> Response:
    """Give the lines of the plan as shown, as a file."""
    with planned(year) as (_, snapshot):
        listing = plan_list.listing(snapshot)
    rows = chosen(snapshot, plan_list.wanted(listing, request.args, layout.spoken()))
    return _file(listing.name, plan_list.LINE_COLUMNS, list(plan_list.lines(rows)), form)


@blueprint.get("/<int:year>/problems.<form>")
@access.needs("run.read")
def export_problems(year: int, form: str) -> Response:
    """Give the problems and notes of the plan as shown, as a file."""
    with planned(year) as (_, snapshot):
        listing = problem_list.listing(snapshot)
    return _file(listing.name, problem_list.COLUMNS, problem_list.chosen(snapshot, listing, request.args), form)


@blueprint.get("/<int:year>/comparison.<form>")
@access.needs("run.read")
def export_comparison(year: int, form: str) -> Response:
    """Give every named part of every difference as shown, as a file."""
    found = _compared(year)
    listing = comparison_list.listing(found)
    rows = comparison_list.chosen(found, listing, request.args)
    return _file(listing.name, comparison_list.PART_COLUMNS, list(comparison_list.parts(rows)), form)


def _file(name: str, columns: Any, rows: list[Any], form: str) -> Response:
    response = lists.answer(name, columns, rows, form)
    _log_export(f"{name}.{form}", len(rows))
    return response


def _log_export(name: str, count: int) -> None:
    with layout.acting() as (_, trail):
        trail.record("export.made", name, {"asked": request.args.to_dict(), "count": count})


@blueprint.get("/<int:year>/documents.zip")
@access.needs("export.use")
def export_documents(year: int) -> ResponseReturnValue:
    """Give every document of the year that the person may read, as one archive."""
    book, form = _book(checked(year)), request.args.get("format", "receiver")
    if form not in archive.CHOICES:
        raise NotFound(Text("Formatet er receiver, peppol eller oioubl", "The format is receiver, peppol or oioubl"))
    with database.reading() as session:
        ids = archive.found(session, year, book)
    _log_export(f"documents-{year}.zip", len(ids))
    pieces = stream_with_context(archive.stream(ids, form, english=request.args.get("english") == "yes"))
    response = Response(pieces, mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="documents-{year}-{book}.zip"'
    return response


# --- acting


@blueprint.post("/<int:year>/hand-over")
@access.needs("run.plan")
def hand_over(year: int) -> ResponseReturnValue:
    """Hand the plan that was read over to another person."""
    sent, book = _read(year)
    with layout.acting() as (session, trail):
        handover.hand_over(session, year, sent["digest"], planning.seller(session), trail, book=book)
    layout.done(Text(f"Planen for {year} er overdraget. En anden person godkender den.",
                     f"The plan for {year} is handed over. Another person approves it."))  # fmt: skip
    return _back(year, book)


@blueprint.post("/<int:year>/approve")
@access.needs("run.approve", fresh=True)
def approve(year: int) -> ResponseReturnValue:
    """Approve exactly the plan that was read and that another person handed over."""
    sent, book = _read(year)
    with layout.acting() as (session, trail):
        approval = handover.approve(session, year, sent["digest"], planning.seller(session), trail, book=book)
    if told := len(approval.warnings):
        layout.warn(
            Text(
                f"{told} bemærkninger til fakturaerne; de står på hver fakturas side, når den er udstedt.",
                f"{told} notes on the invoices; each stands on its invoice's page once it is issued.",
            )
        )
    layout.done(Text(f"Planen for {year} er godkendt og kan udstedes.",
                     f"The plan for {year} is approved and can be issued."))  # fmt: skip
    return _back(year, book)


@blueprint.post("/<int:year>/send-back")
@access.needs("run.approve")
def send_back(year: int) -> ResponseReturnValue:
    """Reject the plan that was handed over, with a reason."""
    book = _book(checked(year))
    told = Text(f"Planen for {year} er sendt tilbage.", f"The plan for {year} is sent back.")
    return deciding.reject(_finding(year, book), partial(_plan_page, year), told, _address(year, book), PlanReturned)


@blueprint.post("/<int:year>/withdraw")
@access.needs("run.plan")
def withdraw(year: int) -> ResponseReturnValue:
    """Take one's own handing over back."""
    book = _book(checked(year))
    told = Text(f"Planen for {year} er trukket tilbage.", f"The plan for {year} is withdrawn.")
    return deciding.withdraw(_finding(year, book), told, _address(year, book), OfBook)


def _finding(year: int, book: Book) -> Find:
    """Give what finds the plan that was handed over."""

    def find(session: Session) -> Proposal:
        waiting = handover.waiting(session, year, book)
        if waiting is None:
            raise NotFound(Text(f"Ingen plan for {year} venter", f"No plan for {year} waits"))
        return waiting

    return find


@blueprint.post("/<int:year>/issue")
@access.needs("run.issue")
def issue(year: int) -> ResponseReturnValue:
    """Start issuing what is approved; a process of its own goes on when the page is closed."""
    sent = forms.read(Issuing)
    if sent.errors:
        return _plan_page(checked(year), sent), 422
    dated, book = sent.get("dated") or layout.today(), sent["book"]
    background.start(layout.config(), year, book, dated, access.current().actor)
    if dated > layout.today():
        told = day(dated)
        layout.warn(Text(f"Fakturaerne dateres {told.da}, som ligger i fremtiden",
                         f"The invoices are dated {told.en}, which lies in the future"))  # fmt: skip
    return redirect(_address(year, book, "/progress"), 303)


def _read(year: int) -> tuple[Mapping[str, Any], Book]:
    """Read which plan of a year is meant. Raises NoSuchYear and FormRefused."""
    checked(year)
    sent = forms.taken(HandOver)
    return sent, sent["book"]


# --- what all of them need


def _book(_: object = None) -> Book:
    return planning.book()


def _compared(year: int) -> comparison.Comparison:
    with planned(year) as (session, snapshot):
        return comparison.of(session, snapshot)


def _address(year: int, book: Book, rest: str = "") -> str:
    return f"/year/{year}{rest}" + ("?book=rehearsal" if book == "rehearsal" else "")


def _back(year: int, book: Book) -> ResponseReturnValue:
    return redirect(_address(year, book), 303)
