"""The year: its plan as a resource with a digest, handing it over, issuing what another person approved, and how far.

Approving is a person's, with a fresh sign-in, and never a token's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import make_response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import PreconditionFailed

from app import access, association, clock, database, plan_json
from app.adapters import background
from app.api import answers, ground, pages, writes
from app.api.fee_tables import proposed
from app.api.ground import ID, YEAR, Write
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.schemas import HandOver, Issuing, Strict, book
from app.web import layout
from billing import annual_run, handover, progress, work_runs
from billing.annual_run import Plan
from billing.annual_run import Proposal as Planned
from foundation.audit import Trail
from foundation.errors import Conflict
from foundation.language import Text

room = ground.room("plans", "The year: what would be invoiced, and issuing what is approved")

_PATH = f"/plans/{ground.YEAR_IN_PATH}"
_IF_MATCH = {
    "in": "header", "name": "If-Match", "required": False, "schema": {"type": "string"},
    "description": "The ETag of the plan that was read; 412 where it was of another digest",
}  # fmt: skip


class PlanMoved(Conflict):
    """The plan changed between two pages of its invoices."""


class PlanQuery(Strict):
    """Of which book."""

    book = book()


class PlannedQuery(PageQuery):
    """Of which book, and how much at a time."""

    book = book()


@ground.reads(room, _PATH, "run.read", answers.Plan, PlanQuery, parameters={"year": YEAR})
def plan(query: Mapping[str, Any], year: int) -> Any:
    """Make the plan of a year: sums, problems, and the digest, with which its ETag begins. Writes nothing."""
    with database.reading() as session:
        seller = association.seller(session, layout.config())
        made = annual_run.plan(session, year, seller, book=query["book"])
    response = make_response(answers.Plan().dump(plan_json.plan(made, access.current().language)))
    response.add_etag()
    # What stands in the way can change while the digest does not, so the tag tells of both.
    response.set_etag(f"{made.digest}.{(response.get_etag()[0] or '')[:16]}")
    return response


@ground.reads(
    room, f"{_PATH}/invoices", "run.read", answers.page_of(answers.PlannedInvoice), PlannedQuery,
    parameters={"year": YEAR},
)  # fmt: skip
def planned_invoices(query: Mapping[str, Any], year: int) -> Any:
    """List the new invoices of a plan; a cursor is good for as long as the plan is the same."""
    page = pages.asked(query, [0, ""])
    begins, digest = page.after
    found: list[Planned] = []
    seen = 0

    def hear(planned: Planned) -> None:
        nonlocal seen
        if begins <= seen < begins + page.limit:
            found.append(planned)
        seen += 1

    with database.reading() as session:
        seller = association.seller(session, layout.config())
        made = annual_run.plan(session, year, seller, book=query["book"], each=hear)
    _refuse_moved(made, digest)
    ends = begins + len(found)
    return {"items": map(plan_json.invoice, found), "next": page.next([ends, made.digest]) if ends < seen else None}


def _refuse_moved(made: Plan, digest: str) -> None:
    if digest and made.digest != digest:
        raise PlanMoved(
            Text(f"planen for {made.year} er ændret, mens den blev læst: begynd forfra",
                 f"the plan for {made.year} changed while it was read: begin anew")
        )  # fmt: skip


@ground.writes(
    room, f"{_PATH}/hand-overs", "run.plan", HandOver, answers.Proposed,
    Write(parameters={"year": YEAR}, headers=[_IF_MATCH]),
)  # fmt: skip
def hand_over(query: object, sent: Mapping[str, Any], year: int) -> Any:
    """Hand the plan with that digest over; another person approves it."""

    def act(session: Session, trail: Trail) -> Answer:
        _refuse_other(sent["digest"])
        seller = association.seller(session, layout.config())
        waiting = handover.hand_over(session, year, sent["digest"], seller, trail, book=sent["book"])
        return Answer(proposed(waiting))

    return writes.once(act)


def _refuse_other(digest: str) -> None:
    """Refuse where If-Match names plans, and none with that digest. Raises 412."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return
    if digest not in {(tag or "").partition(".")[0] for tag in request.if_match.as_set()}:  # "" is read as None
        raise PreconditionFailed


@ground.writes(
    room, f"{_PATH}/runs", "run.issue", Issuing, answers.StartedRun, Write(202, parameters={"year": YEAR})
)  # fmt: skip
def issue(query: object, sent: Mapping[str, Any], year: int) -> Any:
    """Start issuing what is approved, with documents and verdicts; the run's page tells how far it is."""
    config = layout.config()

    def act(session: Session, trail: Trail) -> Answer:
        dated = sent.get("dated") or clock.today(config)
        run_id = background.begin(session, year, sent["book"], dated, trail.actor)
        href = f"/api/v1/runs/{run_id}"
        return Answer({"id": run_id, "href": href}, 202, href, lambda: background.launch(config, run_id))

    return writes.once(act)


@ground.reads(room, f"/runs/{ground.ID_IN_PATH}", "run.read", answers.Run, parameters={"id_": ID})
def run(query: object, id_: int) -> Any:
    """Tell how a run of work stands, and how far its year is."""
    with database.reading() as session:
        found = work_runs.get(session, id_, at=clock.machine())
        far = progress.of(session, found.year, found.book)
    said = found.message
    return {
        "id": found.id, "year": found.year, "book": found.book, "dated": found.dated, "state": found.state,
        "started_by": found.started_by, "started_at": found.started_at, "ended_at": found.ended_at,
        "message_da": said and said.da, "message_en": said and said.en, "progress": far,
    }  # fmt: skip
