"""Forecasts, the pipeline and the krone's way in the browser, and what is refused there."""

from __future__ import annotations

import re

import pytest

from agreements.road import guide
from app.access import Role
from tests.app.web.desks import AUDITOR, FINANCE, GROUP, Desk, person

YEAR = "/forecast/OS2valghalla/2027"
CASE = {"cvr": "55133018", "product": "OS2kitos", "expected": "2027-03-01", "stage": "contact", "source": "Opdigtet"}
STRANGERS = person(6, Role.COORDINATION, products=frozenset({"OS2kitos"}))


def test_a_case_is_written_and_another_group_does_not_see_it(desk: Desk) -> None:
    assert desk.sit(FINANCE).post("/pipeline", **CASE).status_code == 303

    assert "Opdigtet" in desk.read("/pipeline/55133018/OS2kitos")
    assert "Opdigtet" in desk.sit(STRANGERS).read("/pipeline")
    assert "Opdigtet" not in desk.sit(GROUP).read("/pipeline")
    assert desk.get("/pipeline/55133018/OS2kitos").status_code == 404
    assert desk.post("/pipeline", **CASE).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [("cvr", "12345678"), ("product", "'; --"), ("expected", "2027-02-30"), ("stage", "drøm"), ("percent", "101"),
     ("source", ""), ("outcome", "måske")],
)  # fmt: skip
def test_what_is_wrong_with_a_case_is_told_at_its_field(desk: Desk, field: str, value: str) -> None:
    answer = desk.sit(FINANCE).post("/pipeline", **(CASE | {field: value}))

    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text


@pytest.fixture
def walked(desk: Desk) -> Desk:
    """Somebody is on the way to OS2valghalla, as journey 1."""
    assert desk.sit(FINANCE).post("/road/guide", text=guide.shipped()).status_code == 303
    assert desk.post("/road/new", cvr="29189420", product="OS2valghalla").location == "/road/1"
    return desk


def test_a_journey_stands_in_the_pipeline_with_what_is_next_and_a_case_by_hand_says_that_it_gives_way(
    walked: Desk,
) -> None:
    walked.post("/questions/new", cvr="29189420", product="OS2valghalla", topic="fees", subject="Pris", words="Hvad?")
    walked.post("/pipeline", **(CASE | {"cvr": "29189420", "product": "OS2valghalla"}))

    told = walked.read("/pipeline")

    assert "myndighedens rejse til produktet tæller i stedet for den" in told
    assert "Aalborg Kommune OS2valghalla 1. Mobilisering 0 Passer produktet ind i jeres it-landskab? 1" in told
    assert "Afløst af en rejse" in told and "0 af de 20 afsluttede rejser" in told
    assert "tæller i stedet for den" in walked.read("/pipeline/29189420/OS2valghalla")
    assert "Intet passer på filtret" in walked.read("/pipeline?kind=hand&sort=-counted")
    assert "Passer produktet ind" in walked.get("/pipeline.csv?asked=yes").text


def test_a_journey_is_judged_by_who_prepares_and_its_group_reads_why(walked: Desk) -> None:
    judged = {"percent": "70", "expected": "2027-07-01", "reason": "Budgettet <b>er</b> vedtaget"}
    assert walked.post("/pipeline/journeys/1", **judged).status_code == 303

    told = walked.sit(GROUP).read("/pipeline/journeys/1")

    assert "70 % – vurderet for sig: Budgettet <b>er</b> vedtaget" in told and "1. juli 2027" in told
    assert walked.post("/pipeline/journeys/1", **judged).status_code == 403
    assert walked.sit(STRANGERS).get("/pipeline/journeys/1").status_code == 404
    assert "Aalborg" not in walked.read("/pipeline")


@pytest.mark.parametrize(
    ("field", "value"), [("percent", "101"), ("expected", "i morgen"), ("reason", ""), ("reason", "\u202e")]
)
def test_what_is_wrong_with_a_judgement_is_told_at_its_field(walked: Desk, field: str, value: str) -> None:
    answer = walked.post("/pipeline/journeys/1", **({"percent": "50", "reason": "Derfor"} | {field: value}))

    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text


def test_a_forecast_is_kept_by_who_prepares_and_read_by_its_group_alone(desk: Desk) -> None:
    assert desk.sit(FINANCE).post(f"{YEAR}/keep").status_code == 303

    assert "Tidligere prognoser" in desk.sit(GROUP).read(YEAR)
    assert desk.post(f"{YEAR}/keep").status_code == 403
    assert desk.sit(STRANGERS).get(YEAR).status_code == 404


def test_who_could_join_is_named_to_the_secretariat_alone(desk: Desk) -> None:
    assert 'name="join"' in desk.sit(AUDITOR).html(YEAR)
    assert 'name="join"' not in desk.sit(GROUP).html(YEAR)


def test_what_a_group_supposes_has_the_same_sums_and_names_nobody_who_is_not_connected(desk: Desk) -> None:
    free = dict(re.findall(r'value="([0-9]{8})"[^>]*><label for="join-[0-9]+">([^<]+)<', desk.sit(AUDITOR).html(YEAR)))
    supposed = f"{YEAR}?band=medium&count=3"
    told = desk.read(supposed)
    named = [name for name in free.values() if name in table_of(told)]
    sums = re.search(r"Fonden får [\d., kr]+ i stedet for [\d., kr]+", told)
    assert len(named) == 3 and sums

    for_group = desk.sit(GROUP).read(supposed)
    tricked = [desk.read(f"{YEAR}?join={cvr}") for cvr in list(free)[:2]]

    assert sums.group() in for_group and "De, der kommer til" in table_of(for_group)
    assert [name for name in free.values() for words in (for_group, *tricked) if name in words] == []


def table_of(words: str) -> str:
    """Give what stands in the table of effects."""
    return words.partition("Før Efter Forskel")[2].partition("I alt, alle")[0]


@pytest.mark.parametrize("asked", ["leave=%27--", "join=12345678", "leave=1&join=1"])
def test_a_scenario_with_somebody_unknown_says_so(desk: Desk, asked: str) -> None:
    assert desk.sit(AUDITOR).get(f"{YEAR}?{asked}").status_code == 422


@pytest.mark.parametrize(
    "asked", ["band=huge&count=3", "band=medium&count=-1", "band=medium&count=999999999999", "x=y"]
)
def test_a_band_that_there_is_not_supposes_nothing(desk: Desk, asked: str) -> None:
    assert desk.sit(AUDITOR).get(f"{YEAR}?{asked}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/forecast?year=1", "/forecast?year=²", "/forecast/OS2valghalla/1999", "/funds/trace/2027-9999/lines/0"]
)
def test_an_address_of_no_year_or_line_is_refused(desk: Desk, path: str) -> None:
    assert desk.sit(AUDITOR).get(path).status_code in {404, 409, 422}
