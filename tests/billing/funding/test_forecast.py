"""What a fund is expected to get: the plan's own rules, who may come, what a kept forecast was worth, and "what if"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from billing import annual_run, gathering, seller
from billing.funding import forecast, forecast_parts, pipeline, scenarios
from billing.funding.forecast import Forecast, NoSuchYear
from billing.funding.forecast_parts import Part
from billing.funding.pipeline import CaseRefused, Seen
from billing.funding.scenarios import ScenarioRefused
from foundation.audit import Trail
from foundation.money import ZERO, Money, total
from tests.command_line import CommandLine
from tests.scenarios import acting, files

AARHUS, AALBORG, ODENSE = (files.by_name(name).cvr for name in ("Aarhus", "Aalborg", "Odense"))
PRODUCT, SHARED = "OS2valghalla", "OS2kle"
TODAY = date(2026, 6, 1)
_SINCE = dict.fromkeys(("signed_on", "countersigned_on", "in_force_from"), "2024-02-01")
ENDED = _SINCE | {"terminated_to": "2025-12-31"}


@pytest.fixture
def session(starter: CommandLine) -> Iterator[Session]:
    """Three authorities: two of them with OS2valghalla, two share the cost of OS2kle."""
    files.adopt(starter, files.fee_table(SHARED, "annual_fee.shared_cost = 90001", 'vat = "25 %"'))
    files.take_members(starter, files.member(AARHUS))
    files.take_agreements(
        starter, files.agreement(AARHUS), files.agreement(AALBORG),
        files.agreement(AARHUS, SHARED), files.agreement(ODENSE, SHARED),
    )  # fmt: skip
    with starter.session() as opened:
        yield opened


def expect(session: Session, cvr: str, product: str = PRODUCT, **about: Any) -> None:
    said: dict[str, Any] = {"expected_from": date(2027, 3, 1), "stage": "contact", "source": "Opdigtet"} | about
    trail = Trail(session, "En Forbereder", acting.AT)
    pipeline.see(session, Seen(cvr, product, **said), trail)
    trail.write()


def planned(session: Session, year: int) -> Counter[str]:
    """Give what the plan brings each product, by the plan's own way."""
    found: Counter[str] = Counter()
    plans = annual_run.payer_plans(session, gathering.begin(session, year, "real"), seller.made_up())
    for line in (line for plan in plans for proposal in plan.proposals for line in proposal.draft.lines):
        if line.charge.product is not None:
            found[line.charge.product] += line.charge.parts.product.ore
    return found


def test_with_nobody_on_the_way_the_forecast_is_the_plan_to_the_ore(session: Session) -> None:
    plan = planned(session, 2027)

    found = forecast.compute_all(session, 2027, TODAY)

    assert {each.product: each.expected.ore for each in found if each.expected} == dict(plan)
    assert plan[PRODUCT] > 0 < plan[SHARED]
    assert all(each == forecast.compute(session, each.product, 2027, TODAY) for each in found)


def test_the_reasons_add_up_to_low_expected_and_high_and_the_changes_to_the_certain(session: Session) -> None:
    expect(session, ODENSE)

    for each in forecast.compute_all(session, 2027, TODAY):
        assert total(reason.low for reason in each.reasons) == each.low
        assert total(reason.expected for reason in each.reasons) == each.expected
        assert total(reason.high for reason in each.reasons) == each.high
        assert each.before + total(change.amount for change in each.changes) == each.certain
        assert each.low <= each.expected <= each.high


def test_every_figure_is_the_sum_of_what_it_is_made_of(session: Session, starter: CommandLine) -> None:
    session.commit()
    files.take_agreements(starter, files.agreement(files.by_name("Vejle").cvr, **ENDED))
    expect(session, ODENSE, percent=33, reason="Byrådet")

    for year in (2026, 2027, 2028):
        for each in forecast.compute_all(session, year, TODAY):
            parts = {name: take_apart(session, each, name) for name in ("before", "certain", "ended", "standing")}
            assert (parts["before"].sum, parts["certain"].sum) == (each.before, each.certain)
            assert (len(parts["ended"].rows), len(parts["standing"].rows)) == (each.ended, each.standing)
            for reason in each.reasons:
                part = take_apart(session, each, reason.name)
                assert part.sum == (reason.low if reason.name == "notices" else reason.expected), reason
                assert reason.name != "pipeline" or total(row.whole or ZERO for row in part.rows) == reason.high
            for change in each.changes:
                part = take_apart(session, each, f"change:{change.why}")
                assert (part.sum, len(part.rows)) == (change.amount, change.authorities)


def take_apart(session: Session, made: Forecast, name: str) -> Part:
    return forecast_parts.take_apart(session, made.product, made.year, TODAY, name)


def test_what_notices_would_take_is_parted_among_the_annual_fees(session: Session, starter: CommandLine) -> None:
    session.commit()
    files.take_agreements(starter, files.agreement(files.by_name("Vejle").cvr, **ENDED))
    made = forecast.compute(session, PRODUCT, 2027, TODAY)

    part = take_apart(session, made, "notices")

    assert made.lost > ZERO and part.sum == -made.lost
    assert len(part.rows) == len([line for line in made.lines if line.is_annual])
    assert [row.on for row in take_apart(session, made, "ended").rows] == [date(2025, 12, 31)]


def test_who_may_come_counts_by_its_step_or_by_its_own_probability(session: Session) -> None:
    expect(session, ODENSE)
    (usual,) = forecast.compute(session, PRODUCT, 2027, TODAY).coming
    expect(session, ODENSE, percent=80, reason="Byrådet har besluttet det")
    (judged,) = forecast.compute(session, PRODUCT, 2027, TODAY).coming

    assert usual.whole > ZERO
    assert (usual.percent, judged.percent) == (50, 80)
    assert usual.counted.ore == usual.whole.ore // 2
    assert [each.version for each in pipeline.versions(session, ODENSE, PRODUCT)] == [2, 1]


def test_a_step_s_probability_is_set_and_a_case_that_ended_or_came_counts_no_more(session: Session) -> None:
    trail = Trail(session, "En Forbereder", acting.AT)
    pipeline.set_chance(session, "contact", 30, "Tre af ti kom", trail)
    trail.write()
    expect(session, ODENSE)
    expect(session, AALBORG)  # has it already

    (coming,) = forecast.compute(session, PRODUCT, 2027, TODAY).coming
    expect(session, ODENSE, outcome="given_up")

    assert (coming.cvr, coming.percent) == (ODENSE, 30)
    assert forecast.compute(session, PRODUCT, 2027, TODAY).coming == ()


@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"percent": 80}, "reason"), ({"percent": 101, "reason": "x"}, "percent"), ({"stage": "drøm"}, "stage"),
        ({"source": ""}, "source"), ({"outcome": "måske"}, "outcome"), ({"expected_from": date(1999, 1, 1)},
         "expected"),
    ],
)  # fmt: skip
def test_a_case_without_what_it_rests_on_is_refused(session: Session, about: dict[str, Any], field: str) -> None:
    with pytest.raises(CaseRefused) as refused:
        expect(session, ODENSE, **about)

    assert list(refused.value.faults) == [field]


def test_a_year_whose_inhabitants_are_not_known_is_estimated_and_says_so(session: Session) -> None:
    found = forecast.compute(session, PRODUCT, 2028, TODAY)

    assert any(line.is_estimated for line in found.lines)
    assert total(line.amount for line in found.lines if line.is_annual) > ZERO


@pytest.mark.parametrize("year", [2025, 2032, -1])
def test_a_year_too_far_away_is_refused(session: Session, year: int) -> None:
    with pytest.raises(NoSuchYear):
        forecast.compute(session, PRODUCT, year, TODAY)


# --- kept and scored


def keep(line: CommandLine, year: int = 2027) -> Forecast:
    with line.session() as opened:
        trail = Trail(opened, "En Forbereder", acting.AT)
        found = forecast.compute(opened, PRODUCT, year, TODAY)
        assert forecast.from_json(forecast.to_json(found)) == found
        assert forecast.keep(opened, found, trail) == forecast.keep(opened, found, trail)
        trail.write()
        opened.commit()
    return found


def test_a_kept_forecast_is_scored_and_its_reasons_are_the_difference(session: Session, starter: CommandLine) -> None:
    expect(session, ODENSE)
    session.commit()
    made = keep(starter)
    session.commit()
    files.take_agreements(starter, files.agreement(ODENSE))
    starter.issue(2027)

    (score,) = forecast.scores(session, forecast.kept(session, PRODUCT, 2027))

    assert score.kept.forecast == made
    assert total(reason.amount for reason in score.reasons) == score.difference
    assert [reason.text.en for reason in score.reasons] == ["Authorities that were on their way"]
    assert score.outcome > total(line.amount for line in made.lines)


# --- what if


def test_where_nobody_moves_nothing_changes(session: Session) -> None:
    for product in (PRODUCT, SHARED):
        found = scenarios.suppose(session, product, 2027, TODAY)

        assert found.moved == found.passed_on == ZERO
        assert [each for each in found.effects if each.moved] == []


def test_one_who_leaves_takes_its_fee_along_and_nobody_else_pays_more(session: Session) -> None:
    found = scenarios.suppose(session, PRODUCT, 2027, TODAY, leaving=[AALBORG])

    (gone,) = [each for each in found.effects if each.moved]
    assert (gone.cvr, gone.after, found.moved) == (AALBORG, ZERO, -gone.before)
    assert found.others == ()


def test_a_shared_cost_is_paid_by_those_who_stay_and_by_those_who_come(session: Session) -> None:
    alone = scenarios.suppose(session, SHARED, 2027, TODAY, leaving=[ODENSE])
    three = scenarios.suppose(session, SHARED, 2027, TODAY, joining=[AALBORG])

    assert alone.is_shared
    assert alone.before == alone.after == three.after == Money(90_001_00)
    assert [(each.cvr, each.after) for each in alone.others] == [(AARHUS, Money(90_001_00))]
    assert {each.cvr for each in three.others} == {AARHUS, ODENSE}


def test_a_band_gives_the_first_that_have_not_joined(session: Session) -> None:
    found = scenarios.of_band(session, PRODUCT, 2027, "medium", 3)

    assert len(set(found)) == 3
    assert scenarios.suppose(session, PRODUCT, 2027, TODAY, joining=found).moved > ZERO


@pytest.mark.parametrize("given", [{"leaving": [ODENSE]}, {"joining": [AARHUS]}, {"joining": ["'; --"]}])
def test_who_cannot_leave_or_join_is_named(session: Session, given: dict[str, list[str]]) -> None:
    with pytest.raises(ScenarioRefused):
        scenarios.suppose(session, PRODUCT, 2027, TODAY, **given)
