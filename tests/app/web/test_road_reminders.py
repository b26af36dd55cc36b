"""Reminders of what was promised on the road: only who wants them, once a week at most, gathered, without words."""

from __future__ import annotations

from sqlalchemy import select, update

from app.access import Role
from app.identity.models import UserAccount
from foundation.letters import LETTERS
from tests.app.web.desks import FINANCE, GROUP, NOW, person
from tests.app.web.test_road import AARHUS, OWNER, Road, change, id_of, road
from tests.app.web.test_road_keeping import at, seated, written

__all__ = ["road"]

KIND = "road_reminder"


def promise(road: Road) -> None:
    """Let a task, a trial and a question pass their day in the spring."""
    change(road, OWNER, status="under_way", owner="En Person", due_on="2027-02-01", note="Hemmelig note")
    road.desk.post(f"{road.address}/test/trials", way="own", proves="Hemmelig prøve")
    words = {"cvr": AARHUS, "product": "OS2valghalla", "topic": "fees", "subject": "Hemmelig", "words": "Hemmelig"}
    thread = road.desk.post("/questions/new", **words).location
    road.desk.post(f"{thread}/assign", assigned_to="En Person", due_on="2027-02-01")


def turn(road: Road, number: int, wanted: str) -> None:
    who = person(number, Role.SIGNATORY, authorities=frozenset({id_of(road.line, AARHUS)}))
    assert road.desk.sit(who).post("/road/reminders", wanted=wanted).status_code == 303
    road.desk.sit(FINANCE)


def bodies(road: Road) -> list[str]:
    with road.line.session() as session:
        rows = session.execute(select(LETTERS.c.content).where(LETTERS.c.kind == KIND).order_by(LETTERS.c.id))
        return [bytes(row.content).decode() for row in rows]


def test_nobody_is_reminded_who_has_not_asked_for_it(road: Road) -> None:
    promise(road)
    seated(road)

    assert "Det lovede på vejen: intet at gøre" in at(road, "2027-03-01").done("work").out
    assert written(road, KIND) == []


def test_who_wants_it_gets_one_mail_a_week_that_gathers_all_and_tells_no_words(road: Road) -> None:
    promise(road)
    number = seated(road)
    turn(road, number, "yes")
    assert written(road, KIND) == []

    at(road, "2027-01-31").done("work")
    assert written(road, KIND) == []  # no day has passed
    assert "Det lovede på vejen: 1 breve skrevet" in at(road, "2027-03-01").done("work").out
    for day in ("2027-03-01", "2027-03-02", "2027-03-07"):
        assert "Det lovede på vejen: intet at gøre" in at(road, day).done("work").out
    assert "Det lovede på vejen: 1 breve skrevet" in at(road, "2027-03-08").done("work").out

    assert [to for to, _ in written(road, KIND)] == ["en@example.org"] * 2
    body = bodies(road)[0]
    assert "1 opgave med overskredet frist, 1 pr=C3=B8ve uden afg=C3=B8relse" in body.replace("=\r\n", "")
    assert f"{road.address}\r\n" in body and "/questions/1\r\n" in body and "/road/reminders" in body
    assert "Hemmelig" not in body and "En Person" not in body
    assert body.count("Message-ID:") == 1 and bodies(road)[1].count("Message-ID:") == 1


def test_turned_off_it_is_quiet_again_and_on_once_more(road: Road) -> None:
    promise(road)
    number = seated(road, language="en")
    for wanted in ("yes", "yes", "no", "no"):
        turn(road, number, wanted)
    at(road, "2027-03-01").done("work")
    assert written(road, KIND) == []

    turn(road, number, "yes")
    at(road, "2027-03-01").done("work")
    assert written(road, KIND) == [("en@example.org", "Reminder: something waits on the road to a connection")]


def test_who_may_not_see_a_journey_or_has_left_is_not_told_of_it(road: Road) -> None:
    promise(road)
    number = seated(road)
    turn(road, number, "yes")
    with road.line.session() as session:
        session.execute(update(UserAccount).where(UserAccount.id == number).values(ended_at=NOW))
        session.commit()

    at(road, "2027-03-01").done("work")

    assert written(road, KIND) == []


def test_the_setting_is_one_s_own_and_takes_nothing_else(road: Road) -> None:
    assert "slået fra for dig" in road.desk.sit(GROUP).read("/road/reminders")
    assert road.desk.post("/road/reminders", wanted="yes").status_code == 303
    assert "slået til for dig" in road.desk.read("/road/reminders")
    assert "slået fra for dig" in road.desk.sit(FINANCE).read("/road/reminders")
    assert road.desk.post("/road/reminders", wanted="maybe").status_code == 422
    assert road.desk.post("/road/reminders", wanted="yes", user="1").status_code == 422
