"""What the road keeps, how long, and letting it go: asked first, ended without an answer, emptied; days stay."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.road import journeys
from agreements.road.inquiries import INQUIRIES, MESSAGES
from agreements.road.journeys import ENTRIES, TRIALS
from agreements.road.showings import SHOWINGS
from agreements.road.terms import Terms, later
from app.access import Role
from app.identity.models import RoleGrant, Seat, UserAccount
from billing.funding import judgements
from billing.funding.judgements import JUDGEMENTS
from foundation import letters
from foundation.audit import Trail
from tests.app.web import desks
from tests.app.web.desks import FINANCE, NOW, Desk, person
from tests.app.web.test_road import AALBORG, AARHUS, OWNER, Road, change, id_of, road
from tests.app.web.test_road_files import PDF, lay, rows
from tests.command_line import CommandLine
from tests.scenarios import acting

__all__ = ["road"]


def at(road: Road, day: str) -> CommandLine:
    """Give the command line on another day."""
    return road.line.with_environ(OS2TILSLUT_CLOCK=f"{day}T10:00:00Z")


def desk_at(road: Road, day: str) -> Desk:
    return desks.desk(at(road, day)).sit(FINANCE)


def first(road: Road, table: Any) -> Any:
    with road.line.session() as session:
        return session.execute(select(table)).first()


def seated(road: Road, mail: str = "en@example.org", language: str = "da", cvr: str = AARHUS) -> int:
    """Let somebody sign for Aarhus, or another, with an account that letters go to."""
    authority_id = id_of(road.line, cvr)
    with road.line.session() as session:
        account = UserAccount(name="Opdigtet", mail=mail, language=language, created_at=NOW)
        session.add(account)
        session.flush()
        number = account.id
        session.add(RoleGrant(user_id=number, role=Role.SIGNATORY, from_on=NOW.date(), granted_by="x", granted_at=NOW))
        session.add(Seat(user_id=number, authority_id=authority_id, from_on=NOW.date(), given_by="x"))
        session.commit()
    return number


def written(road: Road, kind: str) -> list[tuple[str, str]]:
    with road.line.session() as session:
        return [(row.receiver, row.title) for row in session.execute(letters.listing()) if row.kind == kind]


def kept(road: Road) -> str:
    """Give all that the tables of journeys hold."""
    tables = [table for table in ENTRIES.metadata.sorted_tables if table.name.startswith("journey")]
    with road.line.session() as session:
        return str([(table.name, tuple(row)) for table in tables for row in session.execute(select(table))])


def fill(road: Road) -> None:
    """Write words of every kind on a journey."""
    change(road, OWNER, status="under_way", owner="En Person", note="Ring til En Person")
    road.desk.post(f"{road.address}/mobilisation/own", theme="value", title="Spørg En Person")
    trial = {"way": "supplier", "place": "Hos En Person", "proves": "En Person", "result": "Ja", "seen_by": "En Person"}
    road.desk.post(f"{road.address}/test/trials", verdict="worth_it", why="En Person", **trial)
    plan = f"{road.address}/implementation"
    road.desk.post(f"{plan}/plan", manner="stages")
    road.desk.post(f"{plan}/stages", title="En Persons afdeling")
    road.desk.post(f"{plan}/risks", words="En Person rejser", likelihood="low", consequence="high", owner="En Person")
    lay(road, name="En Person.pdf")
    lay(road, PDF.replace(b"1.7", b"1.6"), name="En Person igen.pdf")
    road.desk.post(f"{road.address}/files/{rows(road)[1].id}/withdraw")
    acting.by(road.line, "Nogen", lambda session, trail: _judge(session, road.number, trail))


def _judge(session: Session, number: int, trail: Trail) -> None:
    found = journeys.get(session, journeys.listing(), number)
    judgements.judge(session, found, 60, None, "En Person tror på det", trail)


def test_an_ended_journey_is_emptied_when_its_day_has_come_and_keeps_steps_and_days(road: Road) -> None:
    fill(road)
    road.desk.post(f"{road.address}/end", outcome="given_up", reason="En Person ville ikke")
    assert "Noter, filer og navne gemmes til 15. januar 2029" in road.desk.read(road.address)

    assert at(road, "2029-01-14").json("road", "retention")["emptied"] == []
    dry = at(road, "2029-01-15").json("road", "retention", "--dry-run")
    assert (dry["dry_run"], dry["emptied"]) == (True, [road.number])
    assert first(road, ENTRIES).note == "Ring til En Person"
    assert {"En Persons afdeling", "En Person rejser"} <= set(re.findall(r"En Person\w* \w+", kept(road)))
    assert "rejser tømt" in at(road, "2029-01-15").done("road", "retention").out

    entry = first(road, ENTRIES)
    assert (entry.status, entry.owner, entry.note, entry.written_by) == ("under_way", "", "", "")
    assert (first(road, TRIALS).verdict, first(road, TRIALS).seen_by) == ("worth_it", "")
    assert (first(road, JUDGEMENTS).percent, first(road, JUDGEMENTS).reason) == (60, "")
    assert [(row.content, row.name, row.size) for row in rows(road)] == [(None, "", len(PDF))] * 2
    desk = desk_at(road, "2029-01-15")
    pages = [desk.html(f"{road.address}{step}") for step in ("", "/mobilisation", "/test")]
    assert "blev slettet 15. januar 2029" in pages[0] and "Slettet opgave" in pages[1]
    assert not any("En Person" in each for each in (kept(road), *pages))
    assert desk.get(f"{road.address}/files/{rows(road)[0].id}").status_code == 404
    assert at(road, "2029-01-16").json("road", "retention")["emptied"] == []


def test_a_quiet_journey_is_asked_about_and_goes_on_where_somebody_says_so(road: Road) -> None:
    seated(road)
    seated(road, "two@example.org", "en")
    assert "spurgt" not in at(road, "2028-01-14").done("work").out

    assert "Hvad vejen gemmer: 1 spurgt" in at(road, "2028-01-15").done("work").out
    assert at(road, "2028-01-16").json("road", "retention", "--dry-run")["asked"] == []  # once
    asked = [("en@example.org", "Er I stadig på vej?"), ("two@example.org", "Are you still on the way?")]
    assert written(road, "road_quiet") == asked

    desk = desk_at(road, "2028-02-01").sit(person(8, Role.SIGNATORY, authorities=frozenset({id_of(road.line, AARHUS)})))
    assert "Rejsen slutter 14. februar 2028" in desk.read(road.address)
    for _ in range(2):
        assert desk.post(f"{road.address}/confirm").status_code == 303
    assert "Rejsen slutter" not in desk.read(road.address)
    assert at(road, "2028-03-01").json("road", "retention")["ended"] == []
    assert at(road, "2029-02-01").json("road", "retention")["asked"] == [road.number]


def test_a_quiet_journey_ends_where_nobody_answers(road: Road) -> None:
    at(road, "2028-01-15").done("road", "retention")
    assert at(road, "2028-02-13").json("road", "retention")["ended"] == []

    assert at(road, "2028-02-14").json("road", "retention")["ended"] == [road.number]

    told = desk_at(road, "2028-02-14").read(road.address)
    assert "opgivet. Intet er sket siden 15. januar 2027, og ingen har svaret" in told
    assert desk_at(road, "2028-02-14").post(f"{road.address}/confirm").status_code == 409


def test_whatever_is_done_on_a_journey_is_a_sign_of_life(road: Road) -> None:
    at(road, "2028-01-15").done("road", "retention")
    desk = desk_at(road, "2028-02-01")
    given = (io.BytesIO(PDF), "plan.pdf")
    assert desk.post(f"{road.address}/mobilisation/files", about=OWNER, file=given).status_code == 303

    assert at(road, "2028-02-14").json("road", "retention")["ended"] == []


def test_only_who_is_on_the_road_says_that_it_goes_on(road: Road) -> None:
    theirs = person(9, Role.SIGNATORY, authorities=frozenset({id_of(road.line, AALBORG)}))
    assert road.desk.sit(theirs).post(f"{road.address}/confirm").status_code == 404
    assert road.desk.sit(desks.GROUP).post(f"{road.address}/confirm").status_code == 403


def test_threads_and_showings_are_emptied_so_long_after_their_last_word_and_end(road: Road) -> None:
    words = {"cvr": AARHUS, "product": "OS2valghalla", "topic": "fees", "subject": "En Person", "words": "En Person"}
    thread = road.desk.post("/questions/new", **words).location
    assert "Gemmes til 15. januar 2029" in road.desk.read(thread)
    offer = {"cvr": "leverandør", "supplier": "Opdigtet", "product": "OS2valghalla", "shows": "Det", "contact": "Hej"}
    showing = road.desk.post("/showings/new", until_on="2027-01-20", **offer).location

    assert at(road, "2029-01-15").json("road", "retention")["inquiries"] == [1]
    assert at(road, "2029-01-20").json("road", "retention")["showings"] == [1]

    assert (first(road, MESSAGES).words, first(road, INQUIRIES).subject, first(road, SHOWINGS).contact) == ("", "", "")
    assert first(road, INQUIRIES).topic == "fees"
    desk = desk_at(road, "2029-01-20")
    assert desk.get(thread).status_code == 404 and "Slettet" in desk.read(showing)


def test_the_months_are_settings(road: Road) -> None:
    road.desk.post(f"{road.address}/end", outcome="given_up", reason="For dyrt")
    line = at(road, "2027-02-15").with_environ(OS2TILSLUT_ROAD_KEPT_MONTHS="1")

    assert line.json("road", "retention", "--dry-run")["emptied"] == [road.number]
    wrong = line.with_environ(OS2TILSLUT_ROAD_QUIET_MONTHS="0").run("road", "retention")
    assert wrong.code == 1 and "OS2TILSLUT_ROAD_QUIET_MONTHS" in wrong.err


@pytest.mark.parametrize(
    ("on", "months", "expected"),
    [("2027-01-31", 1, "2027-02-28"), ("2028-02-29", 12, "2029-02-28"), ("2027-12-15", 24, "2029-12-15")],
)
def test_a_month_that_is_shorter_ends_sooner(on: str, months: int, expected: str) -> None:
    day = type(NOW.date()).fromisoformat

    assert later(day(on), months) == day(expected)
    assert Terms(kept_months=months).kept_until(day(on)) == day(expected)
