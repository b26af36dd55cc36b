"""Budgets, costs, hours and moves of funds over the API: proposed by a program, decided by another person."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from app.access import Role
from app.identity.users import SeatOf
from billing.funding import budgets, costs, hours, moves, recurring
from tests.app.api.programs import DAY, Program

FUND = "OS2valghalla"
BUDGET: dict[str, Any] = {
    "product": FUND, "year": 2027, "basis": "Oplæg",
    "lines": [{"account": "00005", "amount_ore": 1_000_00}, {"account": "00008", "months_ore": [100] * 12}],
}  # fmt: skip
COST = {"product": FUND, "account": "00005", "date": "2027-01-05", "supplier": "Opdigtet Hosting", "reference": "F-1",
        "text": "Drift", "amount_ore": 12_000_00}  # fmt: skip
RECURRING = {"product": FUND, "account": "00005", "supplier": "Opdigtet Hosting", "text": "Servere",
             "amount_ore": 500_00, "every": "month", "first": "2027-01-01", "last": "2027-06-30"}  # fmt: skip
MOVE = {
    "kind": "transfer",
    "from": "OS2",
    "to": FUND,
    "amount_ore": 100_00,
    "date": "2027-01-10",
    "reason": "Besluttet",
}
RATE = {"from": "2027-01-01", "amount_ore": 750_00}
HOURS = {"product": FUND, "date": "2027-01-04", "minutes": 90, "text": "Møde"}
FILE = "product,account,date,supplier,reference,text,amount_dkk\n"


@pytest.fixture
def token(program: Program) -> str:
    """A token of somebody in finance."""
    return program.token(Role.FINANCE)


def made(answer: Any) -> Any:
    """Give what an act made."""
    assert answer.status_code == 201, answer.text
    return answer.json


def test_a_budget_is_drafted_proposed_and_read_and_adopted_by_another(program: Program, token: str) -> None:
    draft = made(program.post("/budgets", token, BUDGET))["id"]
    proposal = made(program.post(f"/budgets/{draft}/proposals", token, {}))["id"]
    with program.writing("En Anden #99") as (session, trail):
        budgets.adopt(session, proposal, trail, on=DAY)

    (listed,) = program.all(f"/budgets?product={FUND}&year=2027", token)
    whole = program.get(f"/budgets/{draft}", token).json
    assert (listed["state"], listed["adopted_by"], listed["version"]) == ("adopted", "En Anden #99", 1)
    assert [line["amount_ore"] for line in whole["lines"]] == [1_000_00, 12_00]
    assert sum(whole["lines"][0]["months_ore"]) == 1_000_00
    assert program.all("/budgets?product=OS2", token) == []
    assert program.post(f"/budgets/{draft}/proposals", token, {}).json["code"] == "already_adopted"


def test_costs_hours_recurring_costs_and_moves_wait_for_another_person(program: Program, token: str) -> None:
    rate = made(program.post("/hour-rates", token, RATE))["id"]
    with program.writing("En Anden #99") as (session, trail):
        hours.approve_rate(session, rate, trail)
    cost = made(program.post("/costs", token, COST | {"from": "2027-01-01", "to": "2027-12-31"}))["id"]
    worked = made(program.post("/hours", token, HOURS))["id"]
    every, move = (made(program.post(path, token, sent))["id"]
                   for path, sent in (("/recurring-costs", RECURRING), ("/transfers", MOVE)))  # fmt: skip
    assert program.all("/recurring-costs", token) == program.all("/transfers", token) == []
    with program.writing("En Anden #99") as (session, trail):
        costs.approve(session, [cost, worked], trail, on=DAY)
        recurring.approve(session, every, trail, on=DAY)
        moves.approve(session, move, trail)

    first, second, *_ = program.all("/costs", token)
    assert (first["from"], first["to"], first["state"]) == ("2027-01-01", "2027-12-31", "booked")
    assert (second["minutes"], second["amount_ore"]) == (90, 1_125_00)
    assert program.get("/hour-rates", token).json["items"][0]["amount_ore"] == 750_00
    assert program.all("/recurring-costs", token)[0]["every"] == "month"
    assert (moved := program.all("/transfers", token)[0])["to"] == FUND and moved["from"] is None
    assert made(program.post(f"/costs/{first['id']}/reversals", token, {"reason": "Fejl"}))["kind"] == "cost"
    assert program.post(f"/costs/{first['id']}/reversals", token, {"reason": "Fejl"}).json["code"] == "not_reversible"


def test_a_file_is_taken_all_or_none_and_the_same_again_changes_nothing(program: Program, token: str) -> None:
    good = FILE + f"{FUND},00005,2027-01-05,Opdigtet Hosting,F-9,Drift,100.00\n"
    plan = f"product,year,account,amount_dkk\n{FUND},2028,00005,1200\n"

    taken = [made(program.post("/costs/imports", token, good, kind="text/csv")) for _ in range(2)]
    planned = [made(program.post("/budgets/imports", token, plan, kind="text/csv")) for _ in range(2)]
    wrong = program.post("/costs/imports", token, good + "OS2intet,00005,2027-13-01,=x,,,-\n", kind="text/csv")

    assert [(each["added"], each["unchanged"], len(each["proposals"])) for each in taken] == [(1, 0, 1), (0, 1, 0)]
    assert [(each["added"], each["unchanged"]) for each in planned] == [(1, 0), (0, 1)]
    assert (wrong.status_code, wrong.json["code"]) == (422, "rows_refused")


#: What cannot be, and where it is sent.
_REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("/budgets", BUDGET | {"product": "OS2intet"}), ("/budgets", BUDGET | {"lines": []}),
    ("/budgets", BUDGET | {"lines": [{"account": "00005"}]}), ("/budgets", BUDGET | {"lines": ["x"]}),
    ("/budgets", BUDGET | {"lines": [{"account": "00005", "amount_ore": 1, "months_ore": [1] * 12}]}),
    ("/budgets", BUDGET | {"lines": [{"account": "00005", "amount_ore": 1}] * 2}),
    ("/budgets", BUDGET | {"lines": [{"account": "00005", "months_ore": [1] * 11}]}),
    ("/budgets", BUDGET | {"lines": [{"account": "'; --", "amount_ore": 1}]}), ("/budgets", BUDGET | {"year": 1}),
    ("/budgets", BUDGET | {"adopted_by": "x"}), ("/costs", COST | {"from": "2027-01-01"}),
    ("/costs", COST | {"from": "2027-12-01", "to": "2027-01-31"}), ("/costs", COST | {"amount_ore": -1}),
    ("/hours", HOURS), ("/hours", HOURS | {"minutes": 0}), ("/hours", HOURS | {"product": "OS2"}),
    ("/hour-rates", RATE | {"amount_ore": 999_999_999}), ("/hour-rates", RATE | {"from": "2027-02-30"}),
    ("/recurring-costs", RECURRING | {"every": "day"}), ("/recurring-costs", RECURRING | {"last": "2026-01-01"}),
    ("/transfers", MOVE | {"from": FUND}), ("/transfers", MOVE | {"kind": "opening"}),
    ("/transfers", {name: value for name, value in MOVE.items() if name != "from"}),
    ("/transfers", MOVE | {"amount_ore": -1}), ("/transfers", MOVE | {"reason": "\u202eskjult"}),
]  # fmt: skip


def test_what_cannot_be_is_refused_and_nothing_is_stored(program: Program, token: str) -> None:
    for path, sent in _REFUSED:
        answer = program.post(path, token, sent)

        assert (answer.status_code, answer.content_type) == (422, "application/problem+json"), (path, sent, answer.text)
        assert answer.json["code"] in ("malformed", "cost_refused", "budget_refused")
    for path in ("/budgets", "/costs", "/recurring-costs", "/transfers"):
        assert program.all(path, token) == []


def test_a_cost_is_given_its_voucher_once_and_only_a_file_is_taken(program: Program, token: str) -> None:
    good = "product,account,date,supplier,reference,text,amount_dkk\nOS2kitos,00008,2027-01-06,A,U-1,x,4500.00\n"
    made(program.post("/costs/imports", token, good, kind="text/csv"))
    id_ = program.all("/costs", token)[-1]["id"]
    path, pdf = f"/costs/{id_}/voucher", b64encode(b"%PDF-1.7\nopdigtet").decode()

    wrong: tuple[Any, ...] = (
        {}, [], {"name": "a.pdf"}, {"name": "a.pdf", "content": "ikke base64!"}, {"name": "a.pdf", "content": 7},
        {"name": "", "content": pdf}, {"name": "a" * 201, "content": pdf}, {"name": "a.pdf", "content": pdf, "by": "x"},
        {"name": "a.exe", "content": b64encode(b"MZ\x90").decode()},
    )  # fmt: skip
    for sent in wrong:
        assert program.post(path, token, sent).status_code == 422, sent
    assert program.post(path, token, "x" * 15 * 1024 * 1024, kind="application/json").status_code == 413
    assert program.post(path, token, "%PDF-1.7", kind="application/pdf").status_code == 415
    assert program.post("/costs/999999/voucher", token, {"name": "a.pdf", "content": pdf}).status_code == 404

    kept = made(program.post(path, token, {"name": "a.pdf", "content": pdf}))
    assert (kept["cost"], kept["name"], kept["media_type"]) == (id_, "a.pdf", "application/pdf")
    again = program.post(path, token, {"name": "b.pdf", "content": pdf})
    assert (again.status_code, again.json["code"]) == (409, "not_attachable")


@pytest.mark.parametrize("path", ["/budgets/1", "/costs/1"])
def test_what_there_is_not_is_not_found(program: Program, token: str, path: str) -> None:
    act, sent = ("proposals", {}) if path == "/budgets/1" else ("reversals", {"reason": "x"})

    assert program.get(path, token).status_code == 404
    assert program.post(f"{path}/{act}", token, sent).status_code == 404


def test_a_group_reads_none_of_it_and_nobody_approves_by_token(program: Program) -> None:
    group = program.token(Role.COORDINATION, seats=[SeatOf(product=FUND)])
    paths = ("/budgets", "/costs", "/hour-rates", "/recurring-costs", "/transfers")

    assert {program.get(path, group).status_code for path in paths} == {403}
    assert {program.post(path, group, {}).status_code for path in (*paths, "/hours")} == {403}
    approver = program.token(Role.APPROVER)
    assert "cost.approve" not in program.get("/me", approver).json["permissions"]
