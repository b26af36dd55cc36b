"""Who is on the way: journeys by themselves, how likely a step is, what it brings, and that nobody counts twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from agreements.road import guide, inquiries, journeys
from agreements.road.inquiries import Question
from agreements.road.journeys import JOURNEYS, Change, Journey, JourneyEnded, Outcome, Status
from authorities.register import AUTHORITIES
from billing.funding import chances, forecast, judgements, outlook, pipeline
from billing.funding.judgements import JudgementRefused
from billing.funding.outlook import Prospect
from billing.funding.pipeline import Seen
from foundation.audit import Trail
from foundation.money import ZERO
from tests.command_line import CommandLine
from tests.scenarios import acting, files

ODENSE, VARDE = (files.by_name(name).cvr for name in ("Odense", "Varde"))
PRODUCT = "OS2valghalla"
TODAY = acting.AT.date()


@pytest.fixture
def session(starter: CommandLine) -> Iterator[Session]:
    """A database where the road's text is published, and where Odense is on its way to OS2valghalla."""
    with starter.session() as opened:
        act(opened, lambda trail: guide.publish(opened, guide.shipped(), trail))
        begin(opened, ODENSE)
        yield opened


def act(session: Session, done: Callable[[Trail], object]) -> None:
    trail = Trail(session, "En Forbereder", acting.AT)
    done(trail)
    trail.write()


def begin(session: Session, cvr: str, product: str = PRODUCT) -> None:
    id_ = session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar_one()
    act(session, lambda trail: journeys.open_(session, id_, product, trail))


def only(session: Session) -> Journey:
    (row,) = session.execute(journeys.listing()).all()
    return journeys.read(session, [row])[0]


def judge(session: Session, percent: int | None = None, expected: date | None = None, reason: str = "Vedtaget") -> None:
    act(session, lambda trail: judgements.judge(session, only(session), percent, expected, reason, trail))


def by_hand(session: Session, cvr: str = ODENSE) -> None:
    seen = Seen(cvr, PRODUCT, date(2027, 6, 1), "contact", "Et møde")
    act(session, lambda trail: pipeline.see(session, seen, trail))


def listed(session: Session, on: date = TODAY) -> tuple[Prospect, ...]:
    return outlook.read(session, on).prospects


def ended(session: Session, number: int, outcome: str, reached: str) -> None:
    """Let so many journeys have ended, as facts are."""
    ids = session.scalars(select(AUTHORITIES.c.id).order_by(AUTHORITIES.c.id).limit(number)).all()
    product = session.execute(select(JOURNEYS.c.product_id)).scalars().first()
    said = {"product_id": product, "guide_version": 1, "opened_on": TODAY, "opened_by": "x", "ended_on": TODAY,
            "outcome": outcome, "reason": "", "reached": reached}  # fmt: skip
    session.execute(JOURNEYS.insert(), [{"authority_id": id_, **said} for id_ in ids])


# --- in the forecast


def test_a_journey_stands_in_the_forecast_by_itself_and_a_case_by_hand_gives_way_to_it(session: Session) -> None:
    by_hand(session)
    by_hand(session, VARDE)

    found = outlook.read(session, TODAY)
    coming = forecast.compute(session, PRODUCT, 2028, TODAY).coming

    assert [(row.case.cvr, row.case.journey is not None) for row in found.prospects] == [(ODENSE, True), (VARDE, False)]
    assert [case.cvr for case in found.pipeline.gave_way] == [ODENSE]
    assert [(each.cvr, each.percent) for each in coming] == [(ODENSE, 10), (VARDE, 50)]


def test_a_journey_that_was_given_up_counts_no_more_and_brings_no_older_case_back(session: Session) -> None:
    by_hand(session)
    act(session, lambda trail: journeys.end(session, only(session), Outcome.GIVEN_UP, "For dyrt", trail))

    assert listed(session) == ()
    assert only(session).outcome is Outcome.GIVEN_UP
    assert session.execute(select(JOURNEYS.c.reached)).scalar_one() == "mobilisation"


def test_who_has_its_agreement_is_expected_no_more(session: Session, starter: CommandLine) -> None:
    by_hand(session, VARDE)
    session.commit()
    files.take_agreements(starter, files.agreement(ODENSE, PRODUCT), files.agreement(VARDE, PRODUCT))

    assert pipeline.expected(session, 2028, TODAY) == []
    assert [(row.case.cvr, row.first, row.full) for row in listed(session)] == [
        (ODENSE, None, None), (VARDE, None, None),
    ]  # fmt: skip


def test_first_year_and_whole_year_are_what_the_run_would_bring_the_fund(session: Session) -> None:
    judge(session, 50, date(2027, 7, 1))

    (row,) = listed(session)
    (first,) = forecast.compute(session, PRODUCT, 2027, TODAY).coming

    assert row.first == first.whole and row.counted == first.counted
    assert row.first is not None and row.full is not None
    assert ZERO < row.full < row.first  # the joining fee is paid once
    assert (row.counted_full, row.case.percent) == (row.full.scaled(Fraction(1, 2)), 50)


# --- how likely


@pytest.mark.parametrize(
    ("came", "left", "percent", "basis"), [(5, 14, 10, "usual"), (5, 15, 25, "learned"), (20, 1, 95, "learned")]
)
def test_a_step_is_learned_from_ended_journeys_once_there_are_enough(
    session: Session, came: int, left: int, percent: int, basis: str
) -> None:
    ended(session, came, "connected", "connection")
    ended(session, left, "given_up", "mobilisation")

    found = chances.read(session)

    assert (found["mobilisation"].percent, found["mobilisation"].basis) == (percent, basis)
    assert (found["test"].ended, found["test"].came) == (came, came)  # nobody gave up so late
    assert f"{came + left}" in found["mobilisation"].told.da
    assert listed(session)[0].case.percent == percent


def test_a_journey_is_judged_with_a_reason_and_every_judgement_stays(session: Session) -> None:
    judge(session, 80)
    judge(session, 80)
    judge(session, 30, reason="Udskudt")

    (row,) = listed(session)

    assert (row.case.percent, row.case.basis, row.case.version) == (30, "own", 2)
    assert [each.reason for each in judgements.of(session, only(session).id)] == ["Udskudt", "Vedtaget"]


@pytest.mark.parametrize(
    ("percent", "expected", "reason", "field"),
    [(101, None, "x", "percent"), (-1, None, "x", "percent"), (5, None, "", "reason"), (5, None, "\u202e", "reason"),
     (None, date(2100, 1, 1), "x", "expected")],
)  # fmt: skip
def test_a_judgement_that_cannot_be_is_refused_at_its_field(
    session: Session, percent: int | None, expected: date | None, reason: str, field: str
) -> None:
    with pytest.raises(JudgementRefused) as refused:
        judge(session, percent, expected, reason)

    assert list(refused.value.faults) == [field]


def test_a_journey_that_ended_is_judged_no_more(session: Session) -> None:
    act(session, lambda trail: journeys.end(session, only(session), Outcome.CONNECTED, "", trail))

    with pytest.raises(JourneyEnded):
        judge(session, 50)


# --- from when


def test_it_is_expected_as_written_else_by_its_plan_else_from_the_new_year_and_never_before_today(
    session: Session,
) -> None:
    journey = only(session)
    assert judgements.expected_from(journey, None, TODAY) == date(2028, 1, 1)

    task = journey.walk("implementation").tasks[0]
    change = Change(Status.UNDER_WAY, due_on=date(2027, 9, 1))
    act(session, lambda trail: journeys.write(session, journey, task, change, trail))
    assert listed(session)[0].case.expected_from == date(2027, 9, 1)

    judge(session, expected=date(2027, 4, 1))
    assert listed(session)[0].case.expected_from == date(2027, 4, 1)
    assert listed(session, date(2027, 5, 2))[0].case.expected_from == date(2027, 5, 2)
    assert listed(session, date(2026, 12, 31)) == ()  # it had not begun


# --- what else is told


def test_questions_that_wait_are_counted_and_many_cases_cost_no_query_more(session: Session) -> None:
    journey = only(session)
    question = Question(journey.authority_id, PRODUCT, "fees", "Prisen", "Hvor meget?")
    act(session, lambda trail: inquiries.ask(session, question, None, trail))
    assert listed(session)[0].asked == 1
    few = queries(session)

    for known in files.starter()[2:10]:
        begin(session, known.cvr)

    assert len(listed(session)) == 9
    assert queries(session) == few


def queries(session: Session) -> int:
    seen: list[str] = []
    engine = session.get_bind()

    def note(*given: Any) -> None:
        seen.append(given[2])

    event.listen(engine, "before_cursor_execute", note)
    listed(session)
    event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_the_command_tells_the_same_and_names_what_gave_way(session: Session, starter: CommandLine) -> None:
    by_hand(session)
    session.commit()

    told = starter.json("funding", "pipeline", "--json")

    assert [(case["cvr"], case["percent"], case["basis"]) for case in told["cases"]] == [(ODENSE, 10, "usual")]
    assert told["gave_way"] == [{"cvr": ODENSE, "product": PRODUCT}]
    assert told["steps"][0] | {"enough": 20, "ended": 0} == told["steps"][0]
    assert "rejsen tæller" in starter.done("funding", "pipeline").err
