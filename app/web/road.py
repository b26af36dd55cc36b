"""The road to a connection in the browser: journeys as lists of tasks, trials, and who is how far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from agreements import agreement_list, offered, signing
from agreements.products import PRODUCTS
from agreements.road import files as road_files
from agreements.road import guide as guides
from agreements.road import implementation, inquiries, journeys, reminding, retention, showings
from agreements.road.files import Brought
from agreements.road.implementation import Risk, Stage
from agreements.road.inquiries import Inquiry
from agreements.road.journeys import Change, Journey, JourneyOpen, Outcome, RoadRefused, Status, Trial
from agreements.signing import Task
from app import access, database
from app.schemas import (
    GuideWords,
    JourneyEnd,
    JourneyFileEntry,
    JourneyOpening,
    Nothing,
    OwnTask,
    PlanManner,
    RiskWords,
    RoadReminders,
    StageWords,
    TaskChange,
    TrialWords,
)
from app.web import filling, forms, layout, lists, memory_list, road_list
from app.web.forms import Sent
from authorities.register import AUTHORITIES
from billing import calculator as prices
from billing.calculator import Calculation, Wish
from foundation.audit import Trail
from foundation.errors import DomainError
from foundation.language import Text
from foundation.sorting import alphabetical

blueprint = Blueprint("road", __name__)

STATUSES: Mapping[Status, Text] = {
    Status.NOT_STARTED: Text("Ikke begyndt", "Not started"), Status.UNDER_WAY: Text("I gang", "Under way"),
    Status.DONE: Text("Færdig", "Done"), Status.NOT_NEEDED: Text("Ikke nødvendig", "Not needed"),
}  # fmt: skip
OUTCOMES: Mapping[Outcome, Text] = {
    Outcome.CONNECTED: Text("Tilsluttet", "Connected"), Outcome.GIVEN_UP: Text("Opgivet", "Given up"),
}  # fmt: skip


def _scoped(permission: str = "journey.read") -> Select[Any]:
    """Give the journeys in the person's scope: its authority's, its product's group's, or all."""
    return access.of_products(journeys.listing(), AUTHORITIES.c.id, PRODUCTS.c.name, permission)


def _seen(session: Session, number: int, permission: str = "journey.read") -> Journey:
    return journeys.get(session, _scoped(permission), number)


# --- the list ------------------------------------------------------------------------------------------------------


@blueprint.get("/road")
@access.needs("journey.read")
def page() -> ResponseReturnValue:
    """List the journeys: who is on the way to what, at which step, since when, and what is next."""
    with database.reading() as session:
        rows, listing = _journeys(session)
    return render_template(
        "road/list.html",
        page=memory_list.page(listing, rows, request.args),
        may_open=access.current().may("journey.update"),
    )


@blueprint.get("/road.<form>")
@access.needs("export.use")
def export(form: str) -> Response:
    """Give the list as shown, as a file."""
    with database.reading() as session:
        rows, listing = _journeys(session)
    return lists.export_rows(listing.name, listing.columns, rows, form)


def _journeys(session: Session) -> tuple[list[Journey], memory_list.MemoryListing]:
    found = journeys.read(session, session.execute(_scoped()).all())
    listing = road_list.listing(found, layout.today())
    return road_list.chosen(found, listing, request.args, layout.today()), listing


# --- opening -------------------------------------------------------------------------------------------------------


@blueprint.get("/road/new")
@access.needs("journey.update")
def opening() -> ResponseReturnValue:
    """Ask which authority is on its way to which product."""
    typed = {name: request.args[name] for name in ("cvr", "product") if name in request.args}
    return _opening(typed, {})


def _opening(typed: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    with database.reading() as session:
        reach = access.scope("journey.update")
        rows = session.execute(select(AUTHORITIES.c.id, AUTHORITIES.c.cvr, AUTHORITIES.c.name)).all()
        own = [row for row in rows if reach.everything or row.id in reach.authorities]
        names = session.scalars(select(PRODUCTS.c.name))
        return render_template(
            "road/new.html", typed=typed, errors=errors,
            authorities=[(row.cvr, row.name) for row in sorted(own, key=lambda row: alphabetical(row.name))],
            products=[(name, name) for name in sorted(names, key=alphabetical)],
        )  # fmt: skip


@blueprint.post("/road/new")
@access.needs("journey.update")
def open_() -> ResponseReturnValue:
    """Open a journey; one that is open already is shown instead."""
    sent = forms.read(JourneyOpening)
    if sent.errors:
        return _opening(sent.typed, sent.errors), 422
    with database.reading() as session:
        authority_id = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == sent["cvr"])).scalar()
        if authority_id is None or not access.reaches("journey.update", authority_id):
            return _opening(sent.typed, {"cvr": Text("Vælg en myndighed", "Choose an authority")}), 422
        known = journeys.open_one(session, authority_id, sent["product"])
    if known is not None:
        return redirect(f"/road/{known}", 303)
    try:
        with layout.acting() as (session, trail):
            number = journeys.open_(session, authority_id, sent["product"], trail)
    except RoadRefused as refused:
        return _opening(sent.typed, refused.faults), 422
    except JourneyOpen:
        return redirect("/road", 303)  # by a colleague, a moment ago
    layout.done(Text("Rejsen er begyndt", "The journey has begun"))
    return redirect(f"/road/{number}", 303)


# --- one journey ---------------------------------------------------------------------------------------------------


@blueprint.get("/road/<int:journey>")
@access.needs("journey.read")
def one(journey: int) -> ResponseReturnValue:
    """Show a journey: its five steps, what is next, what it will cost, and how it ends."""
    with database.reading() as session:
        return _one(session, journey, {}, {})


def _one(session: Session, number: int, typed: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    found = _seen(session, number)
    return render_template(
        "road/one.html", journey=found, statuses=STATUSES, outcomes=OUTCOMES, today=layout.today(),
        came_on=journeys.came_on(found), cost=_cost(session, found), typed=typed, errors=errors,
        next=journeys.next_task(found), may_update=_may_update(found), terms=layout.config().road,
        quiet_until=retention.waits_for_answer(session, found),
    )  # fmt: skip


def _may_update(journey: Journey) -> bool:
    return journey.ended_on is None and _reaches(journey)


def _reaches(journey: Journey) -> bool:
    return access.reaches("journey.update", journey.authority_id)


def _cost(session: Session, journey: Journey) -> Calculation | None:
    """Calculate what the connection would cost; None where nothing can be calculated."""
    try:
        return prices.calculate(session, journey.cvr, [Wish(journey.product, "active")], layout.today())
    except DomainError:
        return None


@blueprint.get("/road/<int:journey>/<step>")
@access.needs("journey.read")
def step(journey: int, step: str) -> ResponseReturnValue:
    """Show a step: its tasks by theme, each with its history and a form."""
    with database.reading() as session:
        return _step(session, journey, step, {}, {})


def _step(session: Session, number: int, key: str, typed: Mapping[str, Any], errors: Mapping[str, Text]) -> str:
    found = _seen(session, number)
    walk = found.walk(key)
    plan = implementation.read(session, found.id) if key == implementation.STEP else None
    return render_template(
        "road/step.html", journey=found, step=walk, statuses=STATUSES, today=layout.today(), typed=typed,
        errors=errors, may_update=_may_update(found), may_withdraw=_reaches(found), files=_files(found),
        ways=journeys.WAYS, verdicts=journeys.VERDICTS,
        plan=plan, timeline=implementation.timeline(walk, plan), manners=implementation.MANNERS,
        grades=implementation.GRADES, likelihoods=implementation.LIKELIHOODS,
        cost=_cost(session, found) if key == "connection" else None,
        signing=_signing(session, found) if key == "connection" else None,
        threads=_threads(session, found) if key == "contact" else None,
        shown=showings.of_product(session, found.product, layout.today()) if key == "test" else (),
    )  # fmt: skip


def _threads(session: Session, journey: Journey) -> Sequence[Inquiry]:
    """Give what the authority asked about the product, the newest first, as far as the person may see it."""
    asked = access.of_products(inquiries.listing(), AUTHORITIES.c.id, PRODUCTS.c.name, "journey.read").where(
        inquiries.INQUIRIES.c.authority_id == journey.authority_id, PRODUCTS.c.name == journey.product
    )
    return inquiries.read(session, session.execute(asked.order_by(inquiries.INQUIRIES.c.id.desc())).all())


def _signing(session: Session, journey: Journey) -> tuple[str, Task] | None:
    """Give the newest offer of what the journey leads to, and where signing stands for the person.

    None where there is none, and for who reads no agreements of the authority: the sentence names who signs.
    """
    if not access.reaches("agreement.whole", journey.authority_id):
        return None
    listed = agreement_list.on(layout.today(), drafts=False)
    columns = listed.columns
    found = listed.statement.where(
        columns.authority_id == journey.authority_id, columns.product == journey.product, columns.offer_id.is_not(None)
    )
    row = session.execute(found.order_by(columns.offer_id.desc()).limit(1)).first()
    if row is None:
        return None
    (offer,) = offered.many(session, [row.offer_id])
    user_id = access.current().user_id or 0
    return row.reference, signing.task(session, offer, user_id, layout.today())


@blueprint.post("/road/<int:journey>/<step>/tasks")
@access.needs("journey.update")
def change(journey: int, step: str) -> ResponseReturnValue:
    """Write how a task stands."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        found = _seen(session, journey, "journey.update")
        wanted = Change(
            Status(sent["status"]), sent.get("owner", ""), sent.get("starts_on"), sent.get("due_on"),
            sent.get("note", ""), sent.get("stage"),
        )  # fmt: skip
        journeys.write(session, found, found.walk(step).task(sent["task"]), wanted, trail)
        return f"/road/{journey}/{step}#{sent['task']}"

    return filling.filled(TaskChange, act, partial(_step_again, journey, step), Text("Gemt", "Kept"))


@blueprint.post("/road/<int:journey>/<step>/own")
@access.needs("journey.update")
def add(journey: int, step: str) -> ResponseReturnValue:
    """Add a task of the journey's own."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        journeys.add(session, _seen(session, journey, "journey.update"), step, sent["theme"], sent["title"], trail)
        return f"/road/{journey}/{step}"

    told = Text("Opgaven er tilføjet", "The task is added")
    return filling.filled(OwnTask, act, partial(_step_again, journey, step), told)


@blueprint.post("/road/<int:journey>/implementation/plan")
@access.needs("journey.update")
def choose(journey: int) -> ResponseReturnValue:
    """Choose whether the implementation comes at once or in stages."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        implementation.choose(session, _seen(session, journey, "journey.update"), sent["manner"], trail)
        return f"/road/{journey}/implementation#stages"

    return filling.filled(PlanManner, act, partial(_step_again, journey, implementation.STEP), Text("Gemt", "Kept"))


@blueprint.post("/road/<int:journey>/implementation/stages")
@access.needs("journey.update")
def stage(journey: int) -> ResponseReturnValue:
    """Write a stage, or its next version."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        wanted = Stage(sent["title"], sent.get("starts_on"), sent.get("due_on"))
        found = _seen(session, journey, "journey.update")
        implementation.write_stage(session, found, wanted, trail, sent.get("stage"))
        return f"/road/{journey}/implementation#stages"

    told = Text("Etapen er gemt", "The stage is kept")
    return filling.filled(StageWords, act, partial(_step_again, journey, implementation.STEP), told)


@blueprint.post("/road/<int:journey>/implementation/risks")
@access.needs("journey.update")
def risk(journey: int) -> ResponseReturnValue:
    """Write a risk, or its next version."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        words = {name: value for name, value in sent.values.items() if name != "risk"}
        found = _seen(session, journey, "journey.update")
        implementation.write_risk(session, found, Risk(**words), trail, sent.get("risk"))
        return f"/road/{journey}/implementation#risks"

    told = Text("Risikoen er gemt", "The risk is kept")
    return filling.filled(RiskWords, act, partial(_step_again, journey, implementation.STEP), told)


@blueprint.post("/road/<int:journey>/test/trials")
@access.needs("journey.update")
def try_(journey: int) -> ResponseReturnValue:
    """Write a trial, or its next version."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        words = {name: value for name, value in sent.values.items() if name != "trial"}
        found = _seen(session, journey, "journey.update")
        journeys.try_(session, found, Trial(**words), trail, sent.get("trial"))
        return f"/road/{journey}/test#trials"

    told = Text("Prøven er gemt", "The trial is kept")
    return filling.filled(TrialWords, act, partial(_step_again, journey, "test"), told)


# --- files ---------------------------------------------------------------------------------------------------------


def _files(journey: Journey) -> Mapping[str, Sequence[Any]]:
    """Give a journey's files by what they are about."""
    found: dict[str, list[Any]] = {}
    for row in journey.files:
        found.setdefault(row.about, []).append(row)
    return found


@blueprint.post("/road/<int:journey>/<step>/files")
@access.needs("journey.update")
def bring(journey: int, step: str) -> ResponseReturnValue:
    """Lay a file to a task or a trial."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        found = _seen(session, journey, "journey.update")
        found.walk(step)
        brought = Brought(sent["file"].filename or "", sent["file"].stream.read(road_files.LARGEST + 1))
        road_files.add(session, found, sent["about"], brought, trail)
        return f"/road/{journey}/{step}#files-{sent['about']}"

    return filling.filled(JourneyFileEntry, act, partial(_step_again, journey, step), Text("Filen er gemt", "Kept"))


@blueprint.get("/road/<int:journey>/files/<int:file>")
@access.needs("journey.read")
def brought(journey: int, file: int) -> Response:
    """Give a file as it came, to be saved and not shown here."""
    with database.reading() as session:
        row, content = road_files.content(session, _seen(session, journey), file)
    response = Response(content, content_type=row.media_type)
    response.headers.set("Content-Disposition", "attachment", filename=row.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@blueprint.post("/road/<int:journey>/files/<int:file>/withdraw")
@access.needs("journey.update")
def withdraw(journey: int, file: int) -> ResponseReturnValue:
    """Take a file away; that it was there stays."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        found = _seen(session, journey, "journey.update")
        road_files.withdraw(session, found, file, trail)
        step = road_files.step_of(found, file)
    layout.done(Text("Filen er trukket tilbage", "The file is withdrawn"))
    return redirect(f"/road/{journey}/{step}", 303)


# --- the end -------------------------------------------------------------------------------------------------------


@blueprint.post("/road/<int:journey>/end")
@access.needs("journey.update")
def end(journey: int) -> ResponseReturnValue:
    """End a journey: connected, or given up with a reason."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        found = _seen(session, journey, "journey.update")
        journeys.end(session, found, Outcome(sent["outcome"]), sent.get("reason", ""), trail)
        return f"/road/{journey}"

    def again(session: Session, sent: Sent) -> str:
        return _one(session, journey, sent.typed, sent.errors)

    return filling.filled(JourneyEnd, act, again, Text("Rejsen er slut", "The journey has ended"))


def _step_again(journey: int, step: str, session: Session, sent: Sent) -> str:
    return _step(session, journey, step, sent.typed, sent.errors)


@blueprint.post("/road/<int:journey>/confirm")
@access.needs("journey.update")
def confirm(journey: int) -> ResponseReturnValue:
    """Say that a journey on which nothing happened goes on."""
    forms.taken(Nothing)
    with layout.acting() as (session, trail):
        retention.confirm(session, _seen(session, journey, "journey.update"), trail)
    layout.done(Text("Godt. Rejsen fortsætter", "Good. The journey goes on"))
    return redirect(f"/road/{journey}", 303)


# --- being reminded ------------------------------------------------------------------------------------------------


@blueprint.get("/road/reminders")
@access.needs("journey.read")
def reminders() -> ResponseReturnValue:
    """Show whether the person is reminded of what was promised."""
    with database.reading() as session:
        wanted = reminding.is_wanted(session, access.current().user_id or 0)
    return render_template("road/reminders.html", wanted=wanted)


@blueprint.post("/road/reminders")
@access.needs("journey.read")
def want_reminders() -> ResponseReturnValue:
    """Turn the person's own reminders on or off."""
    is_on = forms.taken(RoadReminders)["wanted"] == "yes"
    with layout.acting() as (session, trail):
        reminding.want(session, access.current().user_id or 0, is_on, trail)
    on, off = (
        Text("Påmindelser er slået til", "Reminders are on"),
        Text("Påmindelser er slået fra", "Reminders are off"),
    )
    layout.done(on if is_on else off)
    return redirect("/road/reminders", 303)


# --- the guide's text ----------------------------------------------------------------------------------------------


@blueprint.get("/road/guide")
@access.needs("road.edit")
def guide() -> ResponseReturnValue:
    """Show the road's text as TOML, to be changed into a new version, and the versions before."""
    with database.reading() as session:
        versions = guides.versions(session)
    return _guide(versions, versions[0].text if versions else guides.shipped(), {})


def _guide(versions: Sequence[Any], text: str, errors: Mapping[str, Text]) -> str:
    return render_template("road/guide.html", versions=versions, text=text, errors=errors)


@blueprint.post("/road/guide")
@access.needs("road.edit")
def publish() -> ResponseReturnValue:
    """Publish a text as the newest version; journeys that have begun keep theirs."""

    def act(session: Session, trail: Trail, sent: Sent) -> str:
        guides.publish(session, sent["text"], trail)
        return "/road/guide"

    def again(session: Session, sent: Sent) -> str:
        return _guide(guides.versions(session), str(sent.typed.get("text", "")), sent.errors)

    told = Text("Den nyeste version gælder for nye rejser", "The newest version counts for new journeys")
    return filling.filled(GuideWords, act, again, told)


@blueprint.get("/road/guide/<int:version>")
@access.needs("road.edit")
def version(version: int) -> ResponseReturnValue:
    """Show one version of the road's text."""
    with database.reading() as session:
        found = guides.of_version(session, version)
        row = next(row for row in guides.versions(session) if row.version == version)
    return render_template("road/version.html", guide=found, row=row)
