"""Credit notes: what is taken back is exactly what was charged, once, by two people above the limit."""

from __future__ import annotations

from typing import Any

from tests.command_line import CommandLine
from tests.scenarios import database, files

FIRST, SECOND = files.starter()[:2]
TWO = ("--by", "Anna Berg", "--approved-by", "Bo Dahl")
BANDS = "{ small = 22000, medium = 32000, large = 42000, very_large = 52000 }"


def a_year(line: CommandLine, **changes: str) -> str:
    """Issue a year to one authority: dues, an annual fee, and a joining fee with a rebate; give the number."""
    files.adopt(line, files.fee_table("Ny", f"annual_fee = {BANDS}", f"joining_fee = {BANDS}"))
    files.take_members(line, files.member(FIRST.cvr, gln=""))
    new = {"signed_on": "2026-12-01", "countersigned_on": "2026-12-15", "in_force_from": "2027-01-01"}
    rebate = {"rebate_dkk": "1000.50", "rebate_reason": "medfinansiering"}
    files.take_agreements(line, files.agreement(FIRST.cvr, "Ny", **new | rebate | changes))
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    line.issue(2027)
    return "2027-0001"


def position(line: CommandLine, kind: str, number: str = "2027-0001") -> int:
    """Give where the line of a kind stands."""
    found = "SELECT l.position FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id"
    (at,) = database.column(line, f"{found} WHERE i.number = '{number}' AND l.kind = '{kind}'")
    return int(at)


def credit(line: CommandLine, *more: object) -> Any:
    """Credit the year's first invoice; two people stand behind it."""
    return line.run("billing", "credit", "2027-0001", "--reason", "Forkert størrelse", *TWO, *more)


def balances(line: CommandLine) -> set[int]:
    """Give what stands on the accounts, by account and fund."""
    return set(database.column(line, "SELECT sum(amount_ore) FROM posting GROUP BY account, product"))


def test_a_whole_invoice_is_taken_back_and_every_account_is_back_at_zero(starter: CommandLine) -> None:
    """PV-079."""
    a_year(starter)

    told = credit(starter)

    assert told.code == 0, told
    assert "K-2027-0001" in told.out
    assert database.column(starter, "SELECT number FROM invoice ORDER BY id") == ["2027-0001", "K-2027-0001"]
    assert database.column(starter, "SELECT sum(gross_ore) FROM invoice") == [0]
    assert database.column(starter, "SELECT sum(vat_ore) FROM invoice") == [0]
    assert balances(starter) == {0}
    assert database.count(starter, "outbox_message") == 2
    assert starter.json("verify")["checked"]["credits"] == 1
