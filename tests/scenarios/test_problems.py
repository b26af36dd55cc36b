"""What stands in the way of a line: every problem code of the contract, each withholding only its own line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database, files

HOVEDSTADEN = files.by_name("Region Hovedstaden")
SJAELLAND = files.by_name("Region Sjælland")
NORDJYLLAND = files.by_name("Region Nordjylland")


def codes(plan: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    """Give who has a problem with what."""
    found = ((p["authority"]["cvr"], p["product"], p["code"]) for p in plan["problems"])
    return sorted(found, key=lambda problem: (problem[0], problem[1] or "", problem[2]))


def invoiced(plan: dict[str, Any]) -> set[tuple[str, str | None, str]]:
    """Give who would be invoiced for what."""
    return {
        (invoice["authority"]["cvr"], line["product"], line["kind"])
        for invoice in plan["invoices"]
        for line in invoice["lines"]
    }


def test_a_problem_withholds_only_its_own_line_and_blocks_nobody_else(starter: CommandLine) -> None:
    first, second = files.starter()[:2]
    files.adopt(starter, files.fee_table("A", "annual_fee = 100"))
    files.take_agreements(
        starter,
        files.agreement(first.cvr, "A", gln=""),
        files.agreement(first.cvr),
        files.agreement(second.cvr, "A"),
    )

    result = starter.done("billing", "plan", 2027, "--json")

    plan = result.json()
    assert codes(plan) == [(first.cvr, "A", "no_endpoint")]
    assert invoiced(plan) == {(first.cvr, "OS2valghalla", "annual_fee"), (second.cvr, "A", "annual_fee")}


def test_without_a_size_key_a_fee_by_band_is_a_problem(empty: CommandLine) -> None:
    number = files.cvrs(1)[0]
    files.take_authorities(empty, files.municipality(number, "0001"))
    files.take_population(empty, files.inhabitants("0001", 2026, 30_000))
    files.adopt(
        empty,
        files.association(),
        files.fee_table("A", "annual_fee = { small = 1, medium = 2, large = 3, very_large = 4 }"),
    )
    files.take_agreements(empty, files.agreement(number, "A"))

    plan = empty.json("billing", "plan", 2027)

    assert codes(plan) == [(number, "A", "no_size_key")]
    assert plan["invoices"] == []


def test_a_municipality_without_inhabitants_is_a_problem_and_never_a_silent_zero(starter: CommandLine) -> None:
    """PV-021."""
    number = files.cvrs(1)[0]
    files.take_authorities(starter, files.municipality(number, "0001"))
    files.take_population(starter, files.inhabitants("0001", 2025, 30_000))
    files.take_agreements(starter, files.agreement(number))

    plan = starter.json("billing", "plan", 2027)

    assert codes(plan) == [(number, "OS2valghalla", "no_inhabitants")]
    assert "1. januar 2026" in plan["problems"][0]["message"]
    assert plan["totals"]["invoices"] == 0


def test_an_authority_without_inhabitants_to_count_needs_a_placement(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(NORDJYLLAND.cvr))

    without = starter.json("billing", "plan", 2027)
    files.take_placements(starter, files.placement(NORDJYLLAND.cvr, "large", valid_from="2027-01-02"))
    too_late = starter.json("billing", "plan", 2027)
    files.take_placements(starter, files.placement(NORDJYLLAND.cvr, "small", valid_from="2027-01-01"))
    placed = starter.json("billing", "plan", 2027)

    assert codes(without) == codes(too_late) == [(NORDJYLLAND.cvr, "OS2valghalla", "no_placement")]
    line = placed["invoices"][0]["lines"][0]
    assert line["net_ore"] == 2_970_000
    assert line["reason"]["placement"]["decided_by"] == "sekretariatet"
    assert line["reason"]["placement"]["valid_from"] == "2027-01-01"


def test_a_year_before_the_first_table_names_authority_product_and_first_day(starter: CommandLine) -> None:
    """PV-024."""
    known = files.starter()[0]
    files.take_agreements(starter, files.agreement(known.cvr, in_force_from="2022-12-01"))

    plan = starter.json("--language", "en", "billing", "plan", 2022)

    assert codes(plan) == [(known.cvr, "OS2valghalla", "no_table")]
    problem = plan["problems"][0]
    assert problem["authority"]["name"] == known.name
    assert "OS2valghalla" in problem["message"] and "1 January 2023" in problem["message"]


def test_a_passive_agreement_on_a_table_without_passive_share_is_a_problem(starter: CommandLine) -> None:
    known = files.starter()[0]
    files.take_agreements(starter, files.agreement(known.cvr, kind="passive"))

    plan = starter.json("billing", "plan", 2027)

    assert codes(plan) == [(known.cvr, "OS2valghalla", "no_passive_share")]


def test_an_agreement_that_is_not_countersigned_has_no_line(starter: CommandLine) -> None:
    """PV-117."""
    known = files.starter()[0]
    files.take_agreements(starter, files.agreement(known.cvr, countersigned_on=""))

    plan = starter.json("billing", "plan", 2027)

    assert codes(plan) == [(known.cvr, "OS2valghalla", "not_countersigned")]
    assert plan["invoices"] == []


def test_an_agreement_countersigned_after_the_year_has_no_line_in_it(starter: CommandLine) -> None:
    """PV-117."""
    known = files.starter()[0]
    files.take_agreements(starter, files.agreement(known.cvr, "OS2kitos", countersigned_on="2028-01-01"))

    before, after = (starter.json("billing", "plan", year) for year in (2027, 2028))

    assert codes(before) == [(known.cvr, "OS2kitos", "not_countersigned")]
    assert invoiced(after) == {(known.cvr, "OS2kitos", "annual_fee")}


def test_two_agreements_in_force_on_one_product_are_a_problem(starter: CommandLine) -> None:
    known = files.starter()[0]
    files.take_agreements(
        starter,
        files.agreement(known.cvr),
        files.agreement(known.cvr, signed_on="2022-11-16"),
    )

    plan = starter.json("billing", "plan", 2027)

    assert set(codes(plan)) == {(known.cvr, "OS2valghalla", "duplicate_agreement")}
    assert plan["invoices"] == []


def test_a_second_agreement_on_what_is_invoiced_is_named_and_not_billed(starter: CommandLine) -> None:
    """PV-064: no double billing of a period."""
    known = files.starter()[0]
    files.take_agreements(starter, files.agreement(known.cvr))
    starter.issue(2027)
    files.take_agreements(starter, files.agreement(known.cvr, signed_on="2022-11-16"))

    plan = starter.json("billing", "plan", 2027)

    assert codes(plan) == [(known.cvr, "OS2valghalla", "duplicate_agreement")]
    assert (plan["invoices"], plan["unchanged"]) == ([], 1)
    starter.done("verify")


def test_dues_without_a_receiver_are_a_problem_until_there_is_one(starter: CommandLine) -> None:
    known = files.starter()[0]
    files.take_members(starter, files.member(known.cvr, gln=""))

    without = starter.json("billing", "plan", 2027)
    files.take_agreements(starter, files.agreement(known.cvr))
    with_product = starter.json("billing", "plan", 2027)

    assert codes(without) == [(known.cvr, None, "no_dues_receiver")]
    assert with_product["problems"] == []
    assert len(with_product["invoices"]) == 1
    assert [line["kind"] for line in with_product["invoices"][0]["lines"]] == ["membership_dues", "annual_fee"]


def test_dues_without_details_go_with_the_alphabetically_first_product(starter: CommandLine) -> None:
    known = files.starter()[0]
    files.adopt(starter, files.fee_table("B", "annual_fee = 100"), files.fee_table("a", "annual_fee = 100"))
    files.take_members(starter, files.member(known.cvr, gln=""))
    files.take_agreements(
        starter, files.agreement(known.cvr, "B", gln=files.gln(1)), files.agreement(known.cvr, "a", gln=files.gln(2))
    )

    plan = starter.json("billing", "plan", 2027)

    kinds = {invoice["gln"]: [line["kind"] for line in invoice["lines"]] for invoice in plan["invoices"]}
    assert kinds == {files.gln(1): ["annual_fee"], files.gln(2): ["membership_dues", "annual_fee"]}


# --- authorities that end


def test_the_regions_that_end_with_2026_are_a_problem_until_a_successor_is_registered(starter: CommandLine) -> None:
    files.take_placements(starter, *(files.placement(each.cvr) for each in (HOVEDSTADEN, SJAELLAND)))
    files.take_members(starter, *(files.member(each.cvr) for each in (HOVEDSTADEN, SJAELLAND)))
    files.take_agreements(
        starter, files.agreement(HOVEDSTADEN.cvr, "OS2kitos"), files.agreement(SJAELLAND.cvr, "OS2valghalla")
    )

    before = starter.json("billing", "plan", 2026)
    ended = starter.json("billing", "plan", 2027)

    assert {cvr for cvr, _, _ in invoiced(before)} == {HOVEDSTADEN.cvr, SJAELLAND.cvr}
    assert set(codes(ended)) == {
        (HOVEDSTADEN.cvr, "OS2kitos", "authority_ended"), (HOVEDSTADEN.cvr, None, "authority_ended"),
        (SJAELLAND.cvr, "OS2valghalla", "authority_ended"), (SJAELLAND.cvr, None, "authority_ended"),
    }  # fmt: skip
    assert ended["invoices"] == []


def register_successor(line: CommandLine) -> str:
    """Register Region Østdanmark, whose number is made up here, as successor of both regions."""
    number = files.cvrs(1)[0]
    names = {"type": "region", "region": "", "address": "Prøvevej 1", "postcode": "4000", "city": "Roskilde"}
    old = {"valid_to": "2026-12-31", "succeeded_by_cvr": number}
    files.take_authorities(
        line,
        names | {"code": "086", "name": "Region Østdanmark", "short_name": "Østdanmark", "cvr": number},
        names | old | {
            "code": "084", "name": "Region Hovedstaden", "short_name": "Hovedstaden", "cvr": HOVEDSTADEN.cvr,
        },
        names | old | {"code": "085", "name": "Region Sjælland", "short_name": "Sjælland", "cvr": SJAELLAND.cvr},
    )  # fmt: skip
    return number


def test_the_membership_of_a_succeeded_authority_stands_once_its_successor_is_invoiced(starter: CommandLine) -> None:
    successor = register_successor(starter)
    member = files.member(HOVEDSTADEN.cvr)
    files.take_members(starter, member)
    files.take_agreements(starter, files.agreement(successor, "OS2valghalla"))
    files.take_placements(starter, files.placement(successor))
    starter.issue(2027)
    before = database.dump(starter)
    left = files.text(files.MEMBERS, [{**member, "left_on": "2026-12-31"}])

    refused = starter.run("members", "import", starter.write("left.csv", left))

    assert refused.code == 1
    assert "kolonne left_on: kan ikke ændres: faktura 2027-0001 hviler på det" in refused.err
    assert database.dump(starter) == before


def test_a_registered_successor_pays_what_the_two_regions_had_joined(starter: CommandLine) -> None:
    files.take_agreements(
        starter, files.agreement(HOVEDSTADEN.cvr, "OS2kitos"), files.agreement(SJAELLAND.cvr, "OS2valghalla")
    )
    successor = register_successor(starter)
    files.take_placements(starter, files.placement(successor, "very_large", valid_from="2027-01-01"))

    plan = starter.json("billing", "plan", 2027)

    assert plan["problems"] == []
    assert invoiced(plan) == {
        (successor, "OS2kitos", "annual_fee"), (successor, "OS2valghalla", "annual_fee"),
    }  # fmt: skip
    # It is sized and judged by itself: no member, very large.
    nets = {line["product"]: line["net_ore"] for i in plan["invoices"] for line in i["lines"]}
    assert nets == {"OS2kitos": 3_000_000, "OS2valghalla": 7_020_000}
    starter.issue(2027)
    starter.done("verify")


def test_two_agreements_that_come_to_one_successor_are_a_duplicate(starter: CommandLine) -> None:
    files.take_agreements(
        starter, files.agreement(HOVEDSTADEN.cvr, "OS2kitos"), files.agreement(SJAELLAND.cvr, "OS2kitos")
    )
    successor = register_successor(starter)

    plan = starter.json("billing", "plan", 2027)
    files.take_agreements(
        starter, files.agreement(SJAELLAND.cvr, "OS2kitos", notice_given_on="2026-06-01", terminated_to="2026-12-31")
    )
    mended = starter.json("billing", "plan", 2027)

    assert set(codes(plan)) == {(successor, "OS2kitos", "duplicate_agreement")}
    assert plan["invoices"] == []
    assert mended["problems"] == []
    assert invoiced(mended) == {(successor, "OS2kitos", "annual_fee")}


# --- what is invoiced and would be different now


def test_a_table_adopted_later_never_bills_again_and_the_difference_is_reported(starter: CommandLine) -> None:
    """PV-029."""
    known = files.starter()[0]
    files.adopt(starter, files.fee_table("A", "contribution = false", "annual_fee = 10", "joining_fee = 100"))
    signed = {"signed_on": "2026-11-01", "countersigned_on": "2026-11-02", "in_force_from": "2027-01-01"}
    files.take_agreements(starter, files.agreement(known.cvr, "A", **signed))
    starter.issue(2027)
    files.adopt(
        starter,
        files.fee_table("A", "contribution = false", "annual_fee = 20", "joining_fee = 200", valid_from="2026-10-01"),
    )

    plan = starter.json("billing", "plan", 2027)
    starter.issue(2027)

    assert codes(plan) == [(known.cvr, "A", "invoiced_differs")] * 2
    assert all("2027-0001" in problem["message"] for problem in plan["problems"])
    assert (plan["invoices"], plan["unchanged"]) == ([], 2)
    assert database.column(starter, "SELECT net_ore FROM invoice") == [11_000]
    starter.done("verify")


def test_another_vat_rate_shows_in_a_new_plan_and_leaves_the_issued_invoice_alone(starter: CommandLine) -> None:
    """PV-033."""
    first, second = files.starter()[:2]
    files.adopt(starter, files.fee_table("A", "contribution = false", "annual_fee = 100"))
    files.take_agreements(starter, files.agreement(first.cvr, "A"))
    starter.issue(2027)
    issued = database.dump(starter)["invoice"]
    files.adopt(
        starter,
        files.fee_table("A", "contribution = false", "annual_fee = 100", 'vat = "20 %"', valid_from="2026-01-01"),
    )
    files.take_agreements(starter, files.agreement(second.cvr, "A"))

    plan = starter.json("billing", "plan", 2027)

    assert [(i["authority"]["cvr"], i["vat_ore"]) for i in plan["invoices"]] == [(second.cvr, 2_000)]
    assert plan["unchanged"] == 1
    assert database.dump(starter)["invoice"] == issued


def test_an_agreement_ended_within_the_invoiced_year_stays_billed(starter: CommandLine) -> None:
    known = files.starter()[0]
    files.take_agreements(starter, files.agreement(known.cvr))
    starter.issue(2027)
    files.take_agreements(starter, files.agreement(known.cvr, notice_given_on="2027-02-01", terminated_to="2027-12-31"))

    this_year = starter.json("billing", "plan", 2027)
    next_year = starter.json("billing", "plan", 2028)

    assert (this_year["problems"], this_year["unchanged"]) == ([], 1)
    assert (next_year["problems"], next_year["invoices"]) == ([], [])


def test_an_ended_agreement_is_not_billed_and_only_the_new_level_is(starter: CommandLine) -> None:
    """PV-104: an agreement ends on 31 December; another product takes its place."""
    known = files.starter()[0]
    files.adopt(starter, files.fee_table("Niveau 2", "annual_fee = 100"))
    files.take_agreements(
        starter,
        files.agreement(known.cvr, terminated_to="2026-12-31"),
        files.agreement(known.cvr, "Niveau 2", signed_on="2022-11-20", in_force_from="2027-01-01"),
    )

    last, next_ = (starter.json("billing", "plan", year) for year in (2026, 2027))

    assert invoiced(last) == {(known.cvr, "OS2valghalla", "annual_fee")}
    assert invoiced(next_) == {(known.cvr, "Niveau 2", "annual_fee")}


# --- nothing to invoice, and notes


def test_who_owes_nothing_gets_no_invoice_and_is_listed_with_the_reason(starter: CommandLine) -> None:
    """PV-070, PV-010: a waived joining fee stands as two lines that sum to zero."""
    known = files.starter()[0]
    files.adopt(starter, files.fee_table("A", "joining_fee = 100"))
    files.take_agreements(
        starter,
        files.agreement(
            known.cvr, "A", signed_on="2026-11-01", countersigned_on="2026-11-02", in_force_from="2027-01-01",
            joining_fee_exempt_reason="medfinansierede udviklingen",
        ),
    )  # fmt: skip
    files.adopt(starter, files.fee_table("A", "annual_fee = 0", valid_from="2024-01-01"))

    plan = starter.json("billing", "plan", 2027)

    assert plan["invoices"] == []
    (nothing,) = plan["nothing_to_invoice"]
    assert nothing["authority"] == {"cvr": known.cvr, "name": known.name}
    assert "medfinansierede udviklingen" in nothing["reason"]
    starter.issue(2027)
    assert database.count(starter, "invoice") == 0


def test_a_waived_joining_fee_is_seen_as_two_lines_beside_the_annual_fee(starter: CommandLine) -> None:
    """PV-010: a large municipality that took part in the crowdfunding."""
    number = files.cvrs(1)[0]
    files.take_authorities(starter, files.municipality(number, "0001"))
    files.take_population(starter, *(files.inhabitants("0001", year, 90_000) for year in (2025, 2026)))
    files.take_agreements(
        starter,
        files.agreement(
            number, signed_on="2026-11-01", countersigned_on="2026-11-02", in_force_from="2027-01-01",
            joining_fee_exempt_reason="crowdfunding 2022",
        ),
    )  # fmt: skip

    plan = starter.json("billing", "plan", 2027)

    lines = plan["invoices"][0]["lines"]
    assert [(line["kind"], line["net_ore"]) for line in lines] == [
        ("annual_fee", 5_670_000), ("joining_fee", 19_000_000), ("exemption", -19_000_000),
    ]  # fmt: skip
    assert lines[2]["reason"]["exemption"] == "crowdfunding 2022"
    assert plan["totals"]["by_product"]["OS2valghalla"] == {"annual_fee_ore": 4_200_000, "joining_fee_ore": 0}


def test_notes_say_what_is_not_due_and_which_product_lacks_an_account(starter: CommandLine) -> None:
    first, second = files.starter()[:2]
    files.adopt(starter, files.fee_table("A", "annual_fee = 100"))
    files.take_agreements(
        starter,
        files.agreement(first.cvr),
        files.agreement(second.cvr, "A"),
        files.agreement(second.cvr, "OS2kitos", in_force_from=""),
    )

    plan = starter.json("billing", "plan", 2027)

    notes = {(note["authority"]["cvr"], note["product"], note["code"]) for note in plan["notes"]}
    assert notes == {
        (first.cvr, "OS2valghalla", "no_joining_fee"), (second.cvr, "A", "no_account"),
        (second.cvr, "OS2kitos", "no_force_day"),
    }  # fmt: skip
    assert plan["problems"] == []


# --- passive, then active

PASSIVE = {"signed_on": "2026-12-01", "countersigned_on": "2026-12-02", "in_force_from": "2027-01-01"}


def _parts(line: CommandLine, year: int) -> list[tuple[str, int]]:
    invoices = line.json("billing", "plan", year)["invoices"]
    return [(each["kind"], each["parts"]["product_ore"]) for invoice in invoices for each in invoice["lines"]]


def _halves(line: CommandLine) -> None:
    files.adopt(line, files.fee_table("Ny", "annual_fee = 900", 'passive_share = "1/3"', "joining_fee = 500"))


@pytest.fixture
def halves(prepared: Prepared) -> CommandLine:
    """A product that costs 900, for a passive connection 300, and 500 to join."""
    return prepared(with_starter, _halves)


@pytest.mark.parametrize("was_known", [True, False])
def test_a_connection_that_becomes_active_on_a_later_day_is_passive_until_then(
    was_known: bool, halves: CommandLine
) -> None:
    cvr = files.starter()[0].cvr
    if was_known:
        files.take_agreements(halves, files.agreement(cvr, "Ny", **PASSIVE, kind="passive"))

    files.take_agreements(halves, files.agreement(cvr, "Ny", **PASSIVE, active_from="2028-06-01"))

    assert _parts(halves, 2027) == [("annual_fee", 300_00)]
    assert _parts(halves, 2028) == [("annual_fee", 300_00), ("joining_fee", 500_00)]
    assert _parts(halves, 2029) == [("annual_fee", 900_00), ("joining_fee", 500_00)]


def test_a_file_without_the_column_keeps_the_day_a_connection_became_active(halves: CommandLine) -> None:
    cvr = files.starter()[0].cvr
    files.take_agreements(halves, files.agreement(cvr, "Ny", **PASSIVE, active_from="2028-06-01"))

    files.take_agreements(halves, files.agreement(cvr, "Ny", **PASSIVE))

    assert _parts(halves, 2027) == [("annual_fee", 300_00)]


def test_when_a_connection_became_active_stands_once_its_joining_fee_is_invoiced(halves: CommandLine) -> None:
    cvr = files.starter()[0].cvr
    files.take_agreements(halves, files.agreement(cvr, "Ny", **PASSIVE, active_from="2027-06-01"))
    halves.issue(2027)
    before = database.dump(halves)
    later = files.agreement(cvr, "Ny", **PASSIVE, active_from="2028-06-01")

    refused = halves.run("agreements", "import", halves.write("later.csv", files.text(files.AGREEMENTS, [later])))

    assert refused.code == 1
    assert "kolonne active_from: kan ikke ændres: faktura 2027-0001 hviler på det" in refused.err
    assert database.dump(halves) == before
