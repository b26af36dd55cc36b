"""What holds reminders back, their terms and rates, members in arrears: proposed by program, never approved."""

from __future__ import annotations

import json

import pytest

from app.access import Role
from billing import reminder_terms
from tests import reminding
from tests.app.api.programs import Program

NUMBER = "2027-0001"


def test_an_invoice_is_held_and_let_go_and_both_stay(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    sent = {"kind": "promised", "until": "2027-02-15", "reason": "Lovet i telefonen"}

    held = demonstration.post(f"/invoices/{NUMBER}/holds", token, sent, key="a")
    again = demonstration.post(f"/invoices/{NUMBER}/holds", token, sent, key="a")
    end = {"reason": "Trukket tilbage"}
    ended = demonstration.post(f"/invoices/{NUMBER}/holds/{held.json['id']}/end", token, end, key="b")
    twice = demonstration.post(f"/invoices/{NUMBER}/holds/{held.json['id']}/end", token, end, key="c")

    assert (held.status_code, held.json["counts"], again.data) == (201, True, held.data)
    assert (ended.status_code, ended.json["counts"], ended.json["end_reason"]) == (201, False, "Trukket tilbage")
    assert (twice.status_code, twice.json["code"]) == (409, "hold_ended")
    assert demonstration.get(f"/invoices/{NUMBER}/holds", token).json == {"items": [ended.json]}
    demonstration.line.done("verify")


def test_a_disputed_invoice_is_left_out_of_the_plan(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE)
    late = next(each["invoice"] for each in demonstration.get("/reminder-plan", token).json["stopped"])

    demonstration.post(f"/invoices/{late}/holds", token, {"kind": "disputed", "reason": "Beløbet bestrides"})

    stopped = demonstration.get("/reminder-plan", token).json["stopped"]
    (codes,) = [{stop["code"] for stop in each["stops"]} for each in stopped if each["invoice"] == late]
    assert "disputed" in codes


def test_a_token_that_only_reads_the_plan_reads_the_holds_and_enters_none(demonstration: Program) -> None:
    token = demonstration.token(Role.FINANCE, permissions=["reminders.plan"])

    read = demonstration.get(f"/invoices/{NUMBER}/holds", token)
    entered = demonstration.post(f"/invoices/{NUMBER}/holds", token, {"kind": "disputed", "reason": "x"})

    assert (read.status_code, entered.status_code) == (200, 403)


def test_terms_and_rates_are_proposed_and_nothing_is_in_force_before_another_approves(demonstration: Program) -> None:
    token = demonstration.token(Role.ADMINISTRATOR)
    before = demonstration.get("/reminder-terms", token).json, demonstration.get("/interest-rates", token).json
    terms = {"text": reminding.terms(days_apart=14)}
    days = ("2031-01-01", "2031-07-01")
    rates = {"rates": [{"valid_from": day, "percent": "1,60", "source": "opdigtet"} for day in days]}

    proposed = [demonstration.post("/reminder-terms/proposals", token, terms, key="a"),
                demonstration.post("/interest-rates/proposals", token, rates, key="b")]  # fmt: skip
    again = demonstration.post("/reminder-terms/proposals", token, terms, key="a")

    assert [answer.status_code for answer in proposed] == [201, 201]
    assert [answer.json["kind"] for answer in proposed] == ["reminder_terms", "interest_rates"]
    assert again.data == proposed[0].data
    assert [each["hundredths"] for each in json.loads(proposed[1].json["content"])] == [160, 160]
    after = demonstration.get("/reminder-terms", token).json, demonstration.get("/interest-rates", token).json
    assert after == before
    assert reminder_terms.read(after[0]["text"]).digest == after[0]["digest"]


def test_a_member_in_arrears_is_proposed_as_withdrawn_and_stays_a_member(demonstration: Program) -> None:
    later = Program(demonstration.line.at("2027-02-20"))
    token = later.token(Role.FINANCE)
    (owes, *_) = later.get("/withdrawals", token).json["items"]
    order = {"cvr": owes["authority"]["cvr"], "left_on": "2028-01-01", "reason": "Kontingentet er ikke betalt"}

    proposed = later.post("/withdrawals/proposals", token, order, key="a")
    again = later.post("/withdrawals/proposals", token, order, key="a")

    assert (proposed.status_code, proposed.json["kind"], again.data) == (201, "withdrawal", proposed.data)
    waiting = {each["authority"]["cvr"]: each["proposal"] for each in later.get("/withdrawals", token).json["items"]}
    assert (owes["proposal"], waiting[order["cvr"]]) == (None, proposed.json["id"])
    members = later.all(f"/memberships?cvr={order['cvr']}", token)
    assert {each["left_on"] for each in members} == {None}
    later.close()


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        (f"/invoices/{NUMBER}/holds", {"kind": "promised", "reason": "x"}, 422),
        (f"/invoices/{NUMBER}/holds", {"kind": "promised", "until": "2026-01-01", "reason": "x"}, 422),
        (f"/invoices/{NUMBER}/holds", {"kind": "disputed", "until": "2028-01-01", "reason": "x"}, 422),
        (f"/invoices/{NUMBER}/holds", {"kind": "forgotten", "reason": "x"}, 422),
        (f"/invoices/{NUMBER}/holds", {"kind": "disputed", "reason": " "}, 422),
        (f"/invoices/{NUMBER}/holds", {"kind": "disputed", "reason": "\u202eomvendt"}, 422),
        (f"/invoices/{NUMBER}/holds", {"kind": "disputed", "reason": "x", "entered_by": "En Anden"}, 422),
        ("/invoices/2027-9999/holds", {"kind": "disputed", "reason": "x"}, 404),
        ("/invoices/'--/holds", {"kind": "disputed", "reason": "x"}, 404),
        ("/invoices/%00/holds", {"kind": "disputed", "reason": "x"}, 404),
        ("/invoices/K-2027-0001/holds", {"kind": "disputed", "reason": "x"}, 404),
        (f"/invoices/{NUMBER}/holds/999999999/end", {"reason": "x"}, 404),
        (f"/invoices/{NUMBER}/holds/0/end", {"reason": "x"}, 404),
        (f"/invoices/{NUMBER}/holds/1/end", {}, 422),
        ("/reminder-terms/proposals", {"text": "fee = 200"}, 422),
        ("/reminder-terms/proposals", {"text": "[" * 20_000}, 422),
        ("/reminder-terms/proposals", {"text": "x" * 20_001}, 422),
        ("/reminder-terms/proposals", {"text": "", "approve": True}, 422),
        ("/interest-rates/proposals", {"rates": []}, 422),
        ("/interest-rates/proposals", {"rates": [{"valid_from": "2031-02-01", "percent": "1", "source": "x"}]}, 422),
        ("/interest-rates/proposals", {"rates": [{"valid_from": "2031-01-01", "percent": "99", "source": "x"}]}, 422),
        ("/interest-rates/proposals", {"rates": [{"valid_from": "2031-01-01", "percent": 1.6, "source": "x"}]}, 422),
        ("/interest-rates/proposals", {"rates": [{"valid_from": "2031-01-01", "percent": "1"}]}, 422),
        ("/interest-rates/proposals", {"rates": [[]] * 101}, 422),
        ("/withdrawals/proposals", {"cvr": "55133018'--", "left_on": "2028-01-01", "reason": "x"}, 422),
        ("/withdrawals/proposals", {"cvr": "55133018", "left_on": "i morgen", "reason": "x"}, 422),
        ("/withdrawals/proposals", {"cvr": "55133018", "left_on": "2028-01-01", "reason": "x", "decide": 1}, 422),
        ("/accounts/mapping/proposals", {"text": "[accounts]\n'x' = 'y'"}, 422),
        ("/accounts/mapping/proposals", {"text": "[[" * 10_000}, 422),
        ("/accounts/mapping/proposals", {"text": None}, 422),
    ],
)
def test_what_does_not_fit_is_refused(path: str, sent: dict[str, object], status: int, demonstration: Program) -> None:
    refused = demonstration.post(path, demonstration.token(Role.FINANCE), sent)

    assert refused.status_code == status, refused.json
    assert refused.content_type == "application/problem+json"
