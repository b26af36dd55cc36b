"""Addresses nobody links to: whatever stands in them is answered in words, never by a fault of the service."""

from __future__ import annotations

import pytest

from app.access import Principal
from tests.app.web import desks
from tests.app.web.desks import APPROVER, FINANCE
from tests.command_line import CommandLine

HUGE = "9" * 40
ADDRESSES = [
    "/authorities/%00", "/authorities?q=%00", "/authorities?q=%ff%fe", "/authorities/%F0%9F%92%A9/history",
    f"/authorities?page={HUGE}", f"/authorities/55133018/billing/agreement/{HUGE}",
    f"/authorities/55133018/billing/proposals/{HUGE}", "/authorities/55133018/billing/proposals/0",
    "/authorities/55133018/billing/nothing/1", "/authorities/..%2f..%2fetc", "/authorities.exe",
    "/fee-tables/%00", "/fee-tables/OS2kitos/%00", "/fee-tables/OS2kitos/2017-08-15?with=%00",
    f"/fee-tables/proposals/{HUGE}", "/fee-tables/draft?product=%00", "/fee-tables/draft/text?product=%00",
    "/fee-tables/draft/text?product=%27%20OR%201=1--", "/fee-tables/%7B%7B7*7%7D%7D", "/imports/%00",
]  # fmt: skip


@pytest.mark.parametrize("who", [FINANCE, APPROVER], ids=["finance", "approver"])
def test_no_address_is_answered_by_a_fault(starter: CommandLine, who: Principal) -> None:
    desk = desks.desk(starter).sit(who)

    codes = {address: desk.get(address).status_code for address in ADDRESSES}
    codes |= {f"POST {address}": desk.post(address).status_code for address in ADDRESSES}

    assert {address: code for address, code in codes.items() if code >= 500} == {}
    assert codes["/authorities/%00"] == 400
    assert codes[f"/fee-tables/proposals/{HUGE}"] == 404


@pytest.mark.parametrize("act", ["approve", "reject", "withdraw"])
def test_a_proposal_beyond_all_numbers_is_not_there(starter: CommandLine, act: str) -> None:
    answer = desks.desk(starter).sit(APPROVER).post(f"/authorities/55133018/billing/proposals/{HUGE}/{act}")

    assert answer.status_code == (403 if act == "withdraw" else 404)
