"""Forecasts, the pipeline and the krone's way in the browser, and what is refused there."""

from __future__ import annotations

import pytest

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


def test_a_forecast_is_kept_by_who_prepares_and_read_by_its_group_alone(desk: Desk) -> None:
    assert desk.sit(FINANCE).post(f"{YEAR}/keep").status_code == 303

    assert "Tidligere prognoser" in desk.sit(GROUP).read(YEAR)
    assert desk.post(f"{YEAR}/keep").status_code == 403
    assert desk.sit(STRANGERS).get(YEAR).status_code == 404


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
