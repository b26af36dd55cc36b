"""What forecasts are made of, by program: every figure's rows come to it, page by page, for whoever may see it."""

from __future__ import annotations

from typing import Any

import pytest

from app.access import Role
from app.identity.users import SeatOf
from tests.app.api.programs import Program

FUND = "OS2mo"
ASKED = f"/forecasts/parts?product={FUND}&year="


def rows(program: Program, path: str, token: str) -> tuple[list[dict[str, Any]], int | None]:
    """Read all pages of a figure."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = program.get(f"{path}&limit=7{cursor}", token)
        assert answer.status_code == 200, answer.text
        found += answer.json["items"]
        if answer.json["next"] is None:
            assert answer.json["count"] == len(found)
            return found, answer.json["sum_ore"]
        cursor = f"&cursor={answer.json['next']}"


@pytest.mark.parametrize("year", [2027, 2028])
def test_the_rows_of_every_figure_come_to_it(demonstration: Program, year: int) -> None:
    token = demonstration.token(Role.AUDITOR)
    told = demonstration.get(f"/forecasts?product={FUND}&year={year}", token).json
    wanted = {each["part"]: each["low_ore" if each["part"] == "notices" else "expected_ore"] for each in told["terms"]}
    wanted |= {each["part"]: each["amount_ore"] for each in told["changes"]}
    wanted |= {"before": told["forecast"]["before"]}

    found = {part: rows(demonstration, f"{ASKED}{year}&part={part}", token) for part in wanted}

    assert {part: sum(row["amount_ore"] for row in listed) for part, (listed, _) in found.items()} == wanted
    assert {part: whole for part, (_, whole) in found.items()} == wanted
    assert sum(each["expected_ore"] for each in told["terms"]) == told["expected_ore"]
    whole: list[int] = [row["whole_ore"] for row in found["pipeline"][0]] if "pipeline" in found else []
    assert sum(whole) == sum(each["high_ore"] for each in told["terms"] if each["part"] == "pipeline")


def test_a_kept_forecast_and_its_outcome_are_read_and_taken_apart(demonstration: Program) -> None:
    token = demonstration.token(Role.AUDITOR)
    kept = demonstration.get(f"/forecasts/kept?product={FUND}&year=2027", token).json["items"][0]

    invoiced, sum_ore = rows(demonstration, f"{ASKED}2027&part=invoiced", token)
    of_kept = [rows(demonstration, f"{ASKED}2027&part={term['part']}&kept={kept['id']}", token)[1]
               for term in kept["terms"]]  # fmt: skip

    assert sum_ore == kept["invoiced_ore"] and all(row["invoice"] and row["why"] for row in invoiced)
    assert sum(each or 0 for each in of_kept) == kept["expected_ore"]
    assert kept["difference_ore"] == sum(each["amount_ore"] for each in kept["differences"])


def test_a_group_reads_its_own_fund_alone_and_no_invoice(demonstration: Program) -> None:
    token = demonstration.token(Role.COORDINATION, seats=[SeatOf(product=FUND)])

    listed, _ = rows(demonstration, f"{ASKED}2027&part=invoiced", token)

    assert listed and {row["invoice"] for row in listed} == {None}
    for other in ("/forecasts/parts?product=OS2kitos&year=2027&part=certain",
                  "/forecasts/parts?product=OS2kitos&year=2027&part=certain&kept=1",
                  "/forecasts/kept?product=OS2kitos&year=2027"):  # fmt: skip
        assert demonstration.get(other, token).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status"),
    [("2028&part=nothing", 404), ("2028&part=change:%27--", 404), ("2028&part=" + "a" * 41, 422), ("2028", 422),
     ("2028&part=certain&kept=0", 422), ("2028&part=certain&kept=99", 404), ("2028&part=certain&kept=x", 422),
     ("2199&part=certain", 422), ("2028&part=certain&cursor=x", 422), ("2028&part=certain&by=x", 422)],
)  # fmt: skip
def test_a_figure_that_there_is_not_is_refused(demonstration: Program, asked: str, status: int) -> None:
    assert demonstration.get(ASKED + asked, demonstration.token(Role.AUDITOR)).status_code == status
