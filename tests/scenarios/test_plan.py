"""The plan: what would be invoiced, why, and what stands in the way, on the real municipalities."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.command_line import CommandLine
from tests.scenarios import database, files

VEJLE = files.by_name("Vejle Kommune")


def all_municipalities_join_valghalla(line: CommandLine) -> None:
    """Every municipality is a member and connected since 2023, its joining fee waived before this service."""
    known = files.starter()
    files.take_members(line, *(files.member(each.cvr) for each in known))
    files.take_agreements(line, *(files.agreement(each.cvr, joining_fee_invoiced_on="2022-12-15") for each in known))


def bands(plan: dict[str, Any]) -> Counter[str]:
    """Count the annual fees of a plan by band."""
    lines = [line for invoice in plan["invoices"] for line in invoice["lines"]]
    return Counter(line["reason"]["band"] for line in lines if line["kind"] == "annual_fee")


# --- the published figures


def test_all_municipalities_as_members_of_os2valghalla_give_the_published_figures(starter: CommandLine) -> None:
    """PV-005, PV-016, PV-001."""
    all_municipalities_join_valghalla(starter)

    first, second = (starter.json("billing", "plan", year) for year in (2023, 2024))

    assert bands(first) == {"small": 17, "medium": 56, "large": 21, "very_large": 4}
    assert bands(second) == {"small": 17, "medium": 56, "large": 20, "very_large": 5}
    for plan, fees, contribution in ((first, 3_256_000, 293_040), (second, 3_266_000, 293_940)):
        assert plan["problems"] == []
        assert plan["totals"]["by_product"] == {"OS2valghalla": {"annual_fee_ore": fees * 100, "joining_fee_ore": 0}}
        assert plan["totals"]["association"] == {"dues_ore": 98 * 25_000_00, "contribution_ore": contribution * 100}
        assert plan["totals"]["net_ore"] == (fees + contribution + 98 * 25_000) * 100
        assert plan["totals"]["invoices"] == 98
    nets = [{i["authority"]["cvr"]: i["net_ore"] for i in plan["invoices"]} for plan in (first, second)]
    assert {cvr: nets[1][cvr] - net for cvr, net in nets[0].items() if nets[1][cvr] != net} == {VEJLE.cvr: 10_900_00}


def test_invoicing_2027_counts_the_inhabitants_of_1_january_2026(starter: CommandLine) -> None:
    """PV-005 for the newest count."""
    all_municipalities_join_valghalla(starter)

    plan = starter.json("billing", "plan", 2027)

    assert bands(plan) == {"small": 14, "medium": 58, "large": 21, "very_large": 5}
    reason = plan["invoices"][0]["lines"][1]["reason"]
    assert reason["inhabitants_on"] == "2026-01-01"


def test_invoicing_2025_has_no_inhabitants_for_any_municipality(starter: CommandLine) -> None:
    all_municipalities_join_valghalla(starter)

    plan = starter.json("billing", "plan", 2025)

    about = {(p["authority"]["cvr"], p["product"], p["code"]) for p in plan["problems"]}
    assert about == {(each.cvr, "OS2valghalla", "no_inhabitants") for each in files.starter()}
    assert len(plan["problems"]) == 98
    # A problem withholds only its own line: the dues are invoiced all the same.
    assert plan["totals"]["association"] == {"dues_ore": 98 * 25_000_00, "contribution_ore": 0}


# --- the shape


def test_the_plan_has_exactly_the_shape_of_the_contract(starter: CommandLine) -> None:
    known = files.starter()
    files.take_members(starter, files.member(known[0].cvr))
    files.take_agreements(
        starter,
        files.agreement(known[0].cvr, person_reference="P-1", order_reference="O-1", accounting_cost="A-1"),
        files.agreement(known[1].cvr, gln=""),
        files.agreement(known[2].cvr),
        files.agreement(
            known[3].cvr, signed_on="2026-05-01", countersigned_on="2026-05-02", in_force_from="2026-06-01",
            joining_fee_exempt_reason="medfinansierede udviklingen",
        ),
    )  # fmt: skip

    plan = starter.json("billing", "plan", 2027)

    assert {key: type(value) for key, value in plan.items() if key != "book"} == {
        "year": int, "digest": str, "totals": dict, "invoices": list, "unchanged": int, "problems": list,
        "notes": list, "nothing_to_invoice": list,
    }  # fmt: skip
    assert plan["year"] == 2027 and re.fullmatch("[0-9a-f]{64}", plan["digest"])
    totals = plan["totals"]
    assert set(totals) == {"invoices", "lines", "net_ore", "vat_ore", "gross_ore", "by_product", "association"}
    assert set(totals["by_product"]["OS2valghalla"]) == {"annual_fee_ore", "joining_fee_ore"}
    assert set(totals["association"]) == {"dues_ore", "contribution_ore"}
    for invoice in plan["invoices"]:
        assert {"authority", "gln", "lines", "net_ore", "vat_ore", "gross_ore"} <= set(invoice)
        assert set(invoice["authority"]) == {"cvr", "name"}
        for line in invoice["lines"]:
            assert set(line) == {"kind", "product", "net_ore", "parts", "vat_ore", "reason"}
            assert set(line["parts"]) == {"product_ore", "association_ore"}
            assert set(line["reason"]["table"]) == {
                "product", "valid_from", "decided_on", "decided_by", "source", "digest",
            }  # fmt: skip
    for listed in ("problems", "notes"):
        for problem in plan[listed]:
            assert set(problem) == {"authority", "product", "code", "message"}
            assert set(problem["authority"]) == {"cvr", "name"}
    assert [p["code"] for p in plan["problems"]] == ["no_endpoint"]
    assert {note["code"] for note in plan["notes"]} == {"no_joining_fee"}


def test_the_sums_of_a_plan_are_the_sums_of_its_lines(starter: CommandLine) -> None:
    all_municipalities_join_valghalla(starter)

    plan = starter.json("billing", "plan", 2027)

    for invoice in plan["invoices"]:
        assert invoice["net_ore"] == sum(line["net_ore"] for line in invoice["lines"])
        assert invoice["vat_ore"] == sum(line["vat_ore"] for line in invoice["lines"])
        assert invoice["gross_ore"] == invoice["net_ore"] + invoice["vat_ore"]
        for line in invoice["lines"]:
            assert line["net_ore"] == sum(line["parts"].values())
    totals = plan["totals"]
    for sum_ in ("net_ore", "vat_ore", "gross_ore"):
        assert totals[sum_] == sum(invoice[sum_] for invoice in plan["invoices"])
    assert totals["invoices"] == len(plan["invoices"])
    assert totals["lines"] == sum(len(invoice["lines"]) for invoice in plan["invoices"])
    parts = [fees for product in totals["by_product"].values() for fees in product.values()]
    assert totals["net_ore"] == sum(parts) + sum(totals["association"].values())


def test_an_annual_fee_is_one_line_at_the_price_of_the_price_sheet_and_says_whose_it_is(starter: CommandLine) -> None:
    """PV-001, PV-002: small member and non-member of OS2valghalla."""
    files.take_authorities(
        starter, files.municipality(files.cvrs(1)[0], "0001"), files.municipality(files.cvrs(2)[1], "0002")
    )
    files.take_population(starter, files.inhabitants("0001", 2026, 24_999), files.inhabitants("0002", 2026, 24_999))
    files.take_members(starter, files.member(files.cvrs(1)[0]))
    files.take_agreements(starter, *(files.agreement(cvr) for cvr in files.cvrs(2)))

    plan = starter.json("billing", "plan", 2027)

    fees = {i["authority"]["cvr"]: line for i in plan["invoices"] for line in i["lines"] if line["product"]}
    inside, outside = (fees[cvr] for cvr in files.cvrs(2))
    assert (inside["net_ore"], inside["parts"]) == (2_398_000, {"product_ore": 2_200_000, "association_ore": 198_000})
    assert (outside["net_ore"], outside["parts"]) == (2_970_000, {"product_ore": 2_200_000, "association_ore": 770_000})
    assert (inside["reason"]["member"], outside["reason"]["member"]) == (True, False)
    assert (inside["reason"]["contribution_share"], outside["reason"]["contribution_share"]) == ("9/100", "7/20")


def test_the_boundaries_of_the_bands_are_those_of_the_size_key(starter: CommandLine) -> None:
    """PV-003."""
    counts = [24_999, 25_000, 25_001, 60_000, 60_001, 120_000, 120_001]
    cvrs = files.cvrs(len(counts))
    codes = [f"000{nth}" for nth in range(len(counts))]
    files.take_authorities(starter, *(files.municipality(*pair) for pair in zip(cvrs, codes, strict=True)))
    files.take_population(starter, *(files.inhabitants(code, 2026, n) for code, n in zip(codes, counts, strict=True)))
    files.take_agreements(starter, *(files.agreement(cvr) for cvr in cvrs))

    plan = starter.json("billing", "plan", 2027)

    found = {i["authority"]["cvr"]: i["lines"][0]["reason"]["band"] for i in plan["invoices"]}
    assert [found[cvr] for cvr in cvrs] == ["small", "medium", "medium", "medium", "large", "large", "very_large"]


# --- twice, elsewhere, and without a trace


def test_planning_twice_gives_the_same_bytes_and_writes_nothing(starter: CommandLine) -> None:
    """PV-058: however often it is asked for."""
    all_municipalities_join_valghalla(starter)
    before = database.dump(starter)

    texts = {starter.done("billing", "plan", 2027, "--json").out for _ in range(3)}
    starter.done("billing", "plan", 2027)

    assert len(texts) == 1
    assert database.dump(starter) == before


def test_the_plan_does_not_depend_on_the_clock(starter: CommandLine) -> None:
    """PV-049: the day of the run must not change an amount."""
    all_municipalities_join_valghalla(starter)

    plans = [
        starter.at(moment).json("billing", "plan", 2027)
        for moment in ("2026-12-30", "2027-01-01", "2026-12-31T23:30:00Z", "2027-09-26", "2031-02-28")
    ]

    assert all(plan == plans[0] for plan in plans)


def test_sqlite_and_postgresql_give_the_same_digest_for_the_same_facts(both: tuple[CommandLine, CommandLine]) -> None:
    """PV-067: the digest is over what decides the plan, not over where it is kept or in what order it came in."""
    for line in both:
        known = list(files.starter())
        if line is both[1]:
            known.reverse()
        files.take_members(line, *(files.member(each.cvr) for each in known))
        files.take_agreements(line, *(files.agreement(each.cvr) for each in known))

    plans = [line.json("billing", "plan", 2027) for line in both]

    assert plans[0] == plans[1]


def test_the_text_of_a_plan_names_every_sum_problem_and_the_digest_in_danish_and_english(starter: CommandLine) -> None:
    known = files.starter()
    files.take_agreements(starter, files.agreement(known[0].cvr), files.agreement(known[1].cvr, gln=""))

    plan = starter.json("billing", "plan", 2027)
    danish = starter.done("billing", "plan", 2027)
    english = starter.done("--language", "en", "billing", "plan", 2027)

    assert plan["digest"] in danish.out and plan["digest"] in english.out
    assert "70.200,00" in danish.out and "70,200.00" in english.out
    assert "Problemer (1)" in danish.out and "Problems (1)" in english.out
    assert "no_endpoint" in danish.out and known[1].name in danish.out
    assert f"os2tilslut billing approve 2027 --digest {plan['digest']}" in danish.out


# --- grouping


def test_lines_with_equal_billing_details_stand_on_one_invoice(starter: CommandLine) -> None:
    """PV-062, PV-055: 1 200 + 110 + 120 on one invoice of 1 430; another authority's lines on its own."""
    first, second = files.starter()[:2]
    for product, fee in (("A", 1200), ("B", 110), ("C", 120)):
        files.adopt(starter, files.fee_table(product, "contribution = false", f"annual_fee = {fee}"))
    files.take_agreements(
        starter,
        *(files.agreement(first.cvr, product) for product in "ABC"),
        files.agreement(second.cvr, "A"),
    )

    plan = starter.json("billing", "plan", 2027)

    nets = [(i["authority"]["cvr"], i["net_ore"], [x["product"] for x in i["lines"]]) for i in plan["invoices"]]
    assert nets == [(first.cvr, 143_000, ["A", "B", "C"]), (second.cvr, 120_000, ["A"])]
    starter.issue(2027)
    again = starter.json("billing", "plan", 2027)
    assert (again["invoices"], again["unchanged"]) == ([], 4)


def test_different_billing_details_make_separate_invoices(starter: CommandLine) -> None:
    payer = files.starter()[0]
    for product in "ABCD":
        files.adopt(starter, files.fee_table(product, "contribution = false", "annual_fee = 100"))
    files.take_agreements(
        starter,
        files.agreement(payer.cvr, "A"),
        files.agreement(payer.cvr, "B", order_reference="O-2"),
        files.agreement(payer.cvr, "C", gln=files.gln(7)),
        files.agreement(payer.cvr, "D", endpoint="cvr"),
    )

    plan = starter.json("billing", "plan", 2027)

    assert sorted(line["product"] for i in plan["invoices"] for line in i["lines"]) == ["A", "B", "C", "D"]
    assert len(plan["invoices"]) == 4


def test_the_preview_of_two_groups_is_what_is_issued_and_a_second_run_bills_only_who_joined(
    starter: CommandLine,
) -> None:
    """PV-055, PV-056: two authorities with 3 and 6 lines of 5,00; then two more lines."""
    three, six = files.starter()[:2]
    products = [f"P{nth}" for nth in range(9)]
    tables = [files.fee_table(name, "contribution = false", "annual_fee = 5") for name in products]
    files.adopt(starter, *tables)
    files.take_agreements(
        starter,
        *(files.agreement(three.cvr, name) for name in products[:3]),
        *(files.agreement(six.cvr, name) for name in products[:6]),
    )

    first = starter.json("billing", "plan", 2027)
    starter.issue(2027)
    files.take_agreements(starter, files.agreement(six.cvr, "P6"), files.agreement(six.cvr, "P7"))
    second = starter.json("billing", "plan", 2027)
    starter.issue(2027)

    assert first["totals"]["net_ore"] == 4500
    assert [invoice["net_ore"] for invoice in first["invoices"]] == [1500, 3000]
    assert (second["totals"]["net_ore"], second["totals"]["lines"], second["unchanged"]) == (1000, 2, 9)
    assert database.column(starter, "SELECT net_ore FROM invoice ORDER BY sequence") == [1500, 3000, 1000]
