"""Days that clocks and calendars get wrong: no fee is missed or doubled, no number is dated before its predecessor.

A day is the day in Copenhagen: one hour ahead of UTC in winter, two in summer.
"""

from __future__ import annotations

import pytest

from tests.command_line import CommandLine
from tests.scenarios import database, files

NIGHTS = {
    "New Year": [
        ("2027-12-31T22:59:59Z", "2027-12-31"),
        ("2027-12-31T23:00:00Z", "2028-01-01"),
        ("2027-12-31T23:30:00Z", "2028-01-01"),
    ],
    "the leap day": [
        ("2028-02-28T23:30:00Z", "2028-02-29"),
        ("2028-02-29T22:59:59Z", "2028-02-29"),
        ("2028-02-29T23:00:00Z", "2028-03-01"),
    ],
    "the night that lacks an hour": [
        ("2027-03-27T22:59:59Z", "2027-03-27"),
        ("2027-03-28T00:59:59Z", "2027-03-28"),
        ("2027-03-28T01:00:00Z", "2027-03-28"),
        ("2027-03-28T21:59:59Z", "2027-03-28"),
        ("2027-03-28T22:00:00Z", "2027-03-29"),
    ],
    "the night that has an hour twice": [
        ("2027-10-30T21:59:59Z", "2027-10-30"),
        ("2027-10-31T00:30:00Z", "2027-10-31"),
        ("2027-10-31T01:30:00Z", "2027-10-31"),
        ("2027-10-31T22:59:59Z", "2027-10-31"),
        ("2027-10-31T23:00:00Z", "2027-11-01"),
    ],
}  # fmt: skip


def connect(line: CommandLine, nth: int, **changes: str) -> None:
    """Connect the nth municipality to OS2kitos, a flat fee: one more invoice of 2027."""
    files.take_agreements(line, files.agreement(files.starter()[nth].cvr, "OS2kitos", **changes))


def issued(line: CommandLine) -> list[tuple[str, str]]:
    """Give every number with its day, in order."""
    numbers = database.column(line, "SELECT number FROM invoice ORDER BY year, sequence")
    days = database.column(line, "SELECT issued_on FROM invoice ORDER BY year, sequence")
    return list(zip(numbers, map(str, days), strict=True))


@pytest.mark.parametrize("night", NIGHTS)
def test_whoever_is_invoiced_through_a_night_is_invoiced_once_and_on_the_right_day(
    night: str, starter: CommandLine
) -> None:
    for nth, (moment, _) in enumerate(NIGHTS[night]):
        connect(starter, nth)
        line = starter.at(moment)

        line.issue(2027)
        line.done("billing", "issue", 2027)

    assert issued(starter) == [(f"2027-{nth:04}", day) for nth, (_, day) in enumerate(NIGHTS[night], start=1)]
    assert database.column(starter, "SELECT count(DISTINCT authority_id) FROM invoice") == [len(NIGHTS[night])]
    starter.done("verify")


def test_with_the_clock_set_back_nothing_is_issued_and_with_it_right_again_nothing_is_missed(
    starter: CommandLine,
) -> None:
    connect(starter, 0)
    starter.at("2027-03-01T12:00:00Z").issue(2027)
    connect(starter, 1)
    starter.approve(2027)
    before = database.dump(starter)

    early = starter.at("2027-02-28T12:00:00Z").run("billing", "issue", 2027)

    assert early.code == 1 and "1. marts 2027" in early.err, early
    assert database.dump(starter) == before
    starter.at("2027-03-01T08:00:00Z").done("billing", "issue", 2027)
    assert issued(starter) == [("2027-0001", "2027-03-01"), ("2027-0002", "2027-03-01")]
    starter.done("verify")


def test_an_hour_set_back_within_the_day_stops_nothing(starter: CommandLine) -> None:
    connect(starter, 0)
    starter.at("2027-10-31T01:30:00Z").issue(2027)
    connect(starter, 1)

    starter.at("2027-10-31T00:30:00Z").issue(2027)

    assert issued(starter) == [("2027-0001", "2027-10-31"), ("2027-0002", "2027-10-31")]
    starter.done("verify")


def test_the_last_half_hour_of_the_year_in_utc_is_next_year_in_copenhagen_for_a_passive_who_becomes_active(
    starter: CommandLine,
) -> None:
    files.adopt(starter, files.fee_table("Ny", "annual_fee = 900", 'passive_share = "1/3"', "joining_fee = 500",
                                         valid_from="2022-01-01"))  # fmt: skip
    agreement = files.agreement(files.starter()[0].cvr, "Ny", kind="passive")
    files.take_agreements(starter, agreement)
    starter.issue(2027)

    files.take_agreements(starter.at("2027-12-31T23:30:00Z"), {**agreement, "kind": "active"})

    assert list(map(str, database.column(starter, "SELECT active_from FROM agreement"))) == ["2028-01-01"]
    (invoice,) = starter.json("billing", "plan", 2028)["invoices"]
    assert [(line["kind"], line["parts"]["product_ore"]) for line in invoice["lines"]] == [
        ("annual_fee", 900_00), ("joining_fee", 500_00)
    ]  # fmt: skip
    assert starter.json("billing", "plan", 2027)["invoices"] == []


@pytest.mark.parametrize(("first_year", "ore"), [("months", 335_50), ("days", 307_00), ("full", 366_00)])
def test_an_agreement_in_force_from_the_leap_day_pays_from_it(first_year: str, ore: int, starter: CommandLine) -> None:
    files.adopt(starter, files.fee_table("Ny", "annual_fee = 366", f'first_year = "{first_year}"'))
    connect_on = {"signed_on": "2028-02-28", "countersigned_on": "2028-02-29", "in_force_from": "2028-02-29"}
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr, "Ny", **connect_on))
    line = starter.at("2028-02-29T12:00:00Z")

    line.issue(2028)

    assert database.column(line, "SELECT product_ore FROM invoice_line") == [ore]
    assert list(map(str, database.column(line, "SELECT due_on FROM invoice"))) == ["2028-03-30"]
    assert [invoice["net_ore"] for invoice in line.json("billing", "plan", 2029)["invoices"]] == [366_00 * 135 // 100]
    line.done("verify")


def test_a_membership_that_begins_on_the_leap_day_owes_that_year_in_full(starter: CommandLine) -> None:
    files.take_members(starter, files.member(files.starter()[0].cvr, joined_on="2028-02-29", left_on="2028-12-31"))

    plans = [starter.json("billing", "plan", year) for year in (2027, 2028, 2029)]

    assert [plan["totals"]["association"]["dues_ore"] for plan in plans] == [0, 25_000_00, 0]
