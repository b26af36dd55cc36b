"""What a fee table comes to for members and others, and a decision as facts to read and to compare."""

from __future__ import annotations

from datetime import date

from fee_tables import facts, prices, text
from fee_tables.table import AssociationTable, FeeTable
from foundation.language import Text
from foundation.money import Money

DECIDED = 'decided_on = 2026-11-01\ndecided_by = "styregruppen"\n'
KEY = f"""size_key = "Nøglen"
valid_from = 2022-01-01
{DECIDED}bands = [{{ band = "small", below = 25000 }}, {{ band = "large" }}]
"""


def table(words: str, valid_from: str = "2027-01-01") -> FeeTable:
    """Read a fee table from what is special about it."""
    found = text.read(f'product = "P"\nvalid_from = {valid_from}\n{DECIDED}{words}', bands_on=None)
    assert isinstance(found, FeeTable)
    return found


def association() -> AssociationTable:
    """Give a table with the usual shares."""
    words = 'association = "OS2"\nvalid_from = 2023-01-01\ndues = 25000\n'
    shares = 'contribution = { member = "9 %", non_member = "35 %" }\n'
    found = text.read(words + DECIDED + shares)
    assert isinstance(found, AssociationTable)
    return found


def test_members_and_others_pay_the_contribution_on_top() -> None:
    small, large = prices.annual(table("annual_fee = { small = 100, large = 1000 }"), association())

    assert (small.whom.da, small.product, small.member, small.non_member) == (
        "Lille", Money(10_000), Money(10_900), Money(13_500),
    )  # fmt: skip
    assert large.non_member == Money(135_000)


def test_a_product_without_contribution_costs_all_the_same() -> None:
    (only,) = prices.annual(table("annual_fee = 100\ncontribution = false"), association())

    assert (only.product, only.member, only.non_member) == (Money(10_000),) * 3


def test_a_passive_connection_pays_its_share_rounded_once_to_the_ore() -> None:
    third = table('annual_fee = 100\npassive_share = "1/3"')

    paid = prices.price(third, association(), Money(10_000), member=True, passive=True)

    assert paid == Money(3_333 + 300)  # 9 % of 33,33 is 3,00


def test_a_shared_cost_has_no_price_of_its_own() -> None:
    assert prices.annual(table("annual_fee = { shared_cost = 100 }"), association()) == []


def test_a_joining_fee_is_told_step_by_step() -> None:
    steps = prices.joining(table("joining_fee = [{ until = 2027-06-30, fee = 10 }, { fee = 20 }]"))

    assert [(whom.en, fee.ore) for whom, fee in steps] == [
        ("signed by 30 June 2027", 1_000), ("signed later", 2_000),
    ]  # fmt: skip


def test_an_annual_fee_counts_from_the_first_new_year() -> None:
    days = [prices.key_day(table("annual_fee = 1", day)) for day in ("2027-01-01", "2027-01-02", "2027-12-31")]

    assert days == [date(2027, 1, 1), date(2028, 1, 1), date(2028, 1, 1)]


def test_what_differs_between_two_tables_is_said_in_words() -> None:
    first = table('annual_fee = { small = 1, large = 2 }\npassive_share = "1/3"')
    second = table("annual_fee = { small = 1, large = 3, huge = 4 }", "2028-01-01")

    differing = {pair.title.en: pair.differs.en for pair in facts.compared(first, second) if pair.differs}

    assert differing == {
        "Valid from": "changed", "Annual fee, Large": "changed", "Annual fee, huge": "new", "Passive pay": "removed",
    }  # fmt: skip


def test_a_size_key_is_told_band_by_band() -> None:
    told = {fact.title.da: fact.value for fact in facts.of(text.read(KEY))}

    assert told["Lille"] == Text("0–24.999 indbyggere", "0–24,999 inhabitants")
    assert told["Stor"] == Text("25.000 og op indbyggere", "25,000 and up inhabitants")


def test_a_fee_is_said_in_short() -> None:
    fees = ["100", '"100.50"', "{ small = 10, large = 2000 }", "{ shared_cost = 5 }"]

    said = [facts.amount_of(table(f"annual_fee = {fee}").annual_fee).da for fee in fees]

    assert said == ["100", "100,50", "10–2.000", "deles: 5"]
