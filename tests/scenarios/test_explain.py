"""Explaining an issued invoice: as sentences in both languages, and as JSON from which the amount can be recomputed."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from tests.command_line import CommandLine
from tests.scenarios import database, files, stories


def rounded(exact: Fraction) -> int:
    """Round half up to a whole number, by decimals instead of the service's own way."""
    sign = -1 if exact < 0 else 1
    whole, rest = divmod(abs(exact).numerator, exact.denominator)
    up = Decimal(rest) / Decimal(exact.denominator) >= Decimal("0.5")
    return sign * (whole + up)


def recomputed(kind: str, reason: dict[str, Any]) -> tuple[int, int]:
    """Compute a line's parts from its reason alone, as someone outside would from the contract's rules of price."""
    base = Fraction(reason["base_ore"])
    if kind == "membership_dues":
        if "index" in reason:
            index = reason["index"]
            exact = Decimal(int(base)) * Decimal(index["new"]) / Decimal(index["old"]) / index["round_to_ore"]
            base = Fraction(int(exact.quantize(Decimal(1), ROUND_HALF_UP)) * index["round_to_ore"])
        return 0, rounded(base * Fraction(reason.get("year_share", "1")))
    if kind == "rebate":
        return -min(reason["rebate_ore"], reason["base_ore"]), 0
    if kind == "exemption":
        return -reason["base_ore"], 0
    shares = [Fraction(reason[name]) for name in ("year_share", "passive_share") if name in reason]
    product = rounded(base * (shares[0] if shares else 1) * (shares[1] if len(shares) > 1 else 1))
    return product, rounded(product * Fraction(reason.get("contribution_share", "0")))


def test_each_amount_can_be_recomputed_from_its_reason_alone(starter: CommandLine) -> None:
    stories.everything(starter)
    starter.issue(2027)
    numbers = database.column(starter, "SELECT number FROM invoice ORDER BY sequence")

    lines = [line for number in numbers for line in starter.json("explain", number)["lines"]]

    assert len(lines) == 22
    for line in lines:
        parts = line["parts"]
        assert recomputed(line["kind"], line["reason"]) == (parts["product_ore"], parts["association_ore"]), line
        assert line["net_ore"] == sum(parts.values())
    amounts = {(line["kind"], line["product"], line["net_ore"]) for line in lines}
    # PV-007 (25.887), PV-006 (half of it), PV-008 (the dated joining fee with its rebate)
    assert {("membership_dues", None, 2_588_700), ("membership_dues", None, 1_294_350)} <= amounts
    assert {("joining_fee", "Dage", 6_000_000), ("joining_fee", "Dage", 12_000_000)} <= amounts
    assert ("rebate", "Dage", -3_000_000) in amounts
    # PV-011: a shared cost adds up to the cost
    assert sum(line["net_ore"] for line in lines if line["product"] == "Delt") == 10_000_000


def test_the_json_of_an_explanation_has_the_shape_of_the_contract(starter: CommandLine) -> None:
    stories.everything(starter)
    starter.issue(2027)

    explained = starter.json("explain", "2027-0001")

    assert set(explained) == {"number", "authority", "lines"}
    assert explained["number"] == "2027-0001"
    assert set(explained["authority"]) == {"cvr", "name"}
    for line in explained["lines"]:
        assert set(line) == {"kind", "product", "net_ore", "parts", "vat_ore", "reason", "sentences"}
        assert set(line["sentences"]) == {"da", "en"}
        assert len(line["sentences"]["da"]) == len(line["sentences"]["en"]) >= 2
        assert line["sentences"]["da"] != line["sentences"]["en"]


def test_an_explanation_is_told_in_danish_and_in_english(starter: CommandLine) -> None:
    stories.everything(starter)
    starter.issue(2027)

    danish = starter.done("explain", "2027-0001").out.replace("\u00a0", " ")
    english = starter.done("--language", "en", "explain", "2027-0001").out.replace("\u00a0", " ")
    by_environment = starter.with_environ(OS2TILSLUT_LANGUAGE="en").done("explain", "2027-0001").out

    for words in ("671.714 indbyggere 1. januar 2026", "meget stor", "52.000,00 kr.", "9 %", "4.680,00 kr."):
        assert words in danish
    for words in ("671,714 inhabitants on 1 January 2026", "very large", "DKK 52,000.00", "9%", "DKK 4,680.00"):
        assert words in english
    assert by_environment.replace("\u00a0", " ") == english
    for line in starter.json("explain", "2027-0001")["lines"]:
        for sentence in line["sentences"]["da"]:
            assert sentence.replace("\u00a0", " ") in danish


def test_explaining_rests_on_what_was_issued_and_not_on_the_registers_of_today(starter: CommandLine) -> None:
    number = files.cvrs(1)[0]
    files.take_authorities(starter, files.municipality(number, "0001"))
    files.take_population(starter, files.inhabitants("0001", 2026, 30_000))
    files.take_agreements(starter, files.agreement(number))
    starter.issue(2027)
    before = starter.done("explain", "2027-0001", "--json").out

    files.take_authorities(starter, files.municipality(number, "0001", name="Nyt navn"))
    files.take_members(starter, files.member(number))
    files.adopt(
        starter,
        files.fee_table("OS2valghalla", f"annual_fee = {stories.BANDS}".replace("22000", "1"), valid_from="2026-01-01"),
    )

    assert starter.done("explain", "2027-0001", "--json").out == before


def test_an_unknown_number_is_refused(starter: CommandLine) -> None:
    result = starter.run("explain", "2027-9999", "--json")

    assert (result.code, result.out) == (1, "")
    assert "2027-9999" in result.err
