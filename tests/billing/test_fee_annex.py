"""The fee annex: what was promised when the agreement was offered is what the plan asks for, to the øre."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.document import AgreementKind, FeeAnnex, Grants
from authorities.register import AUTHORITIES
from billing import fee_annex
from foundation.errors import DomainError
from foundation.language import Text
from tests.command_line import CommandLine
from tests.scenarios import files

SIGNED, NEW_YEAR = date(2026, 11, 24), date(2027, 1, 1)
AARHUS, AALBORG, SAMSOE, VIBORG = "55133018", "29189420", "23795515", "29189846"
CAPITAL_REGION = "29190623"

HEAD = """
valid_from = 2025-01-01
decided_on = 2024-11-01
decided_by = "styregruppen"
source = ""
vat = "25 %"
"""
BANDS = "{ small = 10000, medium = 20000, large = 30000, very_large = 40001 }"
TABLES = {
    "passive.toml": f'product = "OS2passiv"{HEAD}annual_fee = {BANDS}\njoining_fee = {BANDS}\npassive_share = "1/3"\n',
    "shared.toml": f'product = "OS2delt"{HEAD}annual_fee = {{ shared_cost = 100000 }}\n',
    "months.toml": f'product = "OS2maaned"{HEAD}annual_fee = 7001\nfirst_year = "months"\ncontribution = true\n',
    "exempt.toml": f'product = "OS2fri"{HEAD}annual_fee = 500\n'.replace(
        '"25 %"', '"exempt"\nvat_exemption = "VATEX-EU-132 momsfri"'
    ),
}


@pytest.fixture
def kind() -> str:
    """SQLite: the queries are the plan's own, which its tests ask on both; the one test that holds plan and annex
    against each other does so, too.
    """
    return "sqlite"


@pytest.fixture
def line(starter: CommandLine) -> CommandLine:
    """Tables of every form beside the public ones; two members."""
    starter.done("fee-tables", "adopt", *(starter.write(name, text) for name, text in TABLES.items()))
    members = f"cvr,joined_on,left_on\n{AARHUS},2012-01-01,\n{SAMSOE},2015-01-01,\n"
    starter.done("members", "import", starter.write("members.csv", members))
    return starter


def id_of(session: Session, cvr: str) -> int:
    return int(session.execute(select(AUTHORITIES.c.id).where(AUTHORITIES.c.cvr == cvr)).scalar_one())


def make(
    line: CommandLine, cvr: str, product: str, kind: AgreementKind = "active", from_: date = NEW_YEAR, **more: Any
) -> FeeAnnex:
    with line.session() as session:
        return fee_annex.make(session, id_of(session, cvr), product, kind, SIGNED, effective_on=from_, **more)


def refusal(line: CommandLine, *asked: Any, **more: Any) -> Text:
    with pytest.raises(DomainError) as refused:
        make(line, *asked, **more)
    return refused.value.text


def by_kind(annex: FeeAnnex) -> dict[str, int]:
    return {each.kind: each.amount_ore for each in annex.lines}


HEADER = (
    "cvr,product,kind,signed_on,countersigned_on,in_force_from,terminated_to,notice_given_on,gln,person_reference,"
    "order_reference,accounting_cost,rebate_dkk,rebate_reason,joining_fee_exempt_reason\n"
)
#: Who, on what, how, from when; rebate in kroner; why exempt.
WISHES: list[tuple[str, str, AgreementKind, date, int, str]] = [
    (AARHUS, "OS2valghalla", "active", NEW_YEAR, 0, ""),
    (AALBORG, "OS2valghalla", "active", date(2027, 4, 1), 50_000, ""),
    (SAMSOE, "OS2valghalla", "active", NEW_YEAR, 0, "Medfinansierer"),
    (SAMSOE, "OS2passiv", "passive", NEW_YEAR, 0, ""),
    (AALBORG, "OS2passiv", "active", date(2027, 6, 30), 0, ""),
    (AARHUS, "OS2delt", "active", NEW_YEAR, 0, ""),
    (AARHUS, "OS2maaned", "active", date(2027, 8, 15), 0, ""),
    (VIBORG, "OS2maaned", "active", date(2027, 1, 2), 0, ""),
    (VIBORG, "OS2fri", "active", NEW_YEAR, 0, ""),
    (VIBORG, "OS2kitos", "active", NEW_YEAR, 0, ""),
]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_the_annex_promises_is_what_the_plan_asks_for(line: CommandLine) -> None:
    promised: Counter[tuple[str, str, str]] = Counter()
    rows = ""
    for cvr, product, kind, from_, rebate, exempt in WISHES:
        grants = Grants(rebate * 100, "Tidlig" if rebate else "", exempt)
        for each in make(line, cvr, product, kind, from_, grants=grants).lines:
            promised[cvr, product, each.kind] += each.amount_ore
        reason = "Tidlig" if rebate else ""
        rows += (
            f"{cvr},{product},{kind},{SIGNED},{SIGNED},{from_},,,2995513301806,,,,{rebate or ''},{reason},{exempt}\n"
        )
    line.done("agreements", "import", line.write("agreements.csv", HEADER + rows))

    plan = line.json("billing", "plan", 2027)

    assert plan["problems"] == []
    assert dict(promised) == asked_for(plan)


def asked_for(plan: Any) -> dict[tuple[str, str, str], int]:
    """Sum a plan's lines by payer, product and kind, as the annex names them."""
    names = {"annual_fee": "annual", "joining_fee": "joining"}
    found: Counter[tuple[str, str, str]] = Counter()
    for invoice in plan["invoices"]:
        for each in invoice["lines"]:
            if each["product"]:
                place = (invoice["authority"]["cvr"], each["product"])
                found[*place, names.get(each["kind"], each["kind"])] += each["parts"]["product_ore"]
                if each["reason"].get("contribution_share") is not None:
                    found[*place, "contribution"] += each["parts"]["association_ore"]
    return dict(found)


def test_a_very_large_member_reads_its_own_figures_and_what_they_rest_on(line: CommandLine) -> None:
    annex = make(line, AARHUS, "OS2valghalla")

    assert by_kind(annex) == {"annual": 5_200_000, "contribution": 468_000, "joining": 35_000_000}
    assert annex.total_ore == 40_668_000
    assert (annex.band, annex.counted_on, annex.member, annex.year) == (
        Text("Meget stor", "Very large"), date(2026, 1, 1), True, 2027,
    )  # fmt: skip
    assert annex.inhabitants and annex.inhabitants > 350_000
    sheet, association = annex.sheets
    assert (sheet.name, sheet.valid_from, len(sheet.digest)) == ("OS2valghalla", date(2023, 1, 1), 64)
    assert [(row.band.da, row.annual_ore, row.joining_ore) for row in sheet.rows] == [
        ("Lille", 2_200_000, 3_500_000),
        ("Mellem", 3_200_000, 7_000_000),
        ("Stor", 4_200_000, 19_000_000),
        ("Meget stor", 5_200_000, 35_000_000),
    ]
    assert [row.band.da for row in association.rows] == ["Bidrag, medlemmer 9\u00a0%", "Bidrag, andre 35\u00a0%"]
    assert annex.lines[0].told[-1].da == "Linjen er 56.680,00\u00a0kr. uden moms."


def test_a_passive_connection_reads_what_falls_due_when_it_becomes_active(line: CommandLine) -> None:
    annex = make(line, SAMSOE, "OS2passiv", "passive")

    assert by_kind(annex) == {"annual": 333_333, "contribution": 30_000}
    assert [(each.kind, each.amount_ore) for each in annex.later] == [("joining", 1_000_000)]


def test_who_joins_a_shared_cost_reads_it_shared_with_itself(line: CommandLine) -> None:
    rows = f"{AALBORG},OS2delt,active,2025-01-01,2025-01-01,2025-01-01,,,2995513301806,,,,,,\n"
    line.done("agreements", "import", line.write("agreements.csv", HEADER + rows))

    from_new_year, from_march = make(line, AARHUS, "OS2delt"), make(line, AARHUS, "OS2delt", from_=date(2027, 3, 1))

    assert by_kind(from_new_year) == {"annual": 5_000_000, "contribution": 450_000}
    assert (by_kind(from_march), "deler udgiften fra næste år" in from_march.notes[0].da) == ({}, True)


def test_the_dues_of_who_becomes_a_member_are_told_the_same_way(line: CommandLine) -> None:
    full, half = (make(line, AALBORG, "", from_=date(2027, month, 2)) for month in (1, 7))

    assert by_kind(full) == {"dues": 2_500_000}
    assert by_kind(half) == {"dues": 1_250_000}
    (sheet,) = full.sheets
    assert (sheet.rows[0].band.da, sheet.rows[0].annual_ore) == ("Kontingent", 2_500_000)


def test_an_agreement_that_replaces_another_is_priced_as_if_that_had_ended(line: CommandLine) -> None:
    rows = f"{AARHUS},OS2valghalla,active,2023-01-01,2023-01-01,2023-01-01,,,2995513301806,,,,,,\n"
    line.done("agreements", "import", line.write("agreements.csv", HEADER + rows))
    with line.session() as session:
        (old,) = session.connection().exec_driver_sql("SELECT id FROM agreement").scalars()
    exempt = Grants(exempt_reason="Genunderskrevet")

    from_new_year = make(line, AARHUS, "OS2valghalla", grants=exempt, replacing=[old])
    from_march = make(line, AARHUS, "OS2valghalla", from_=date(2027, 3, 1), grants=exempt, replacing=[old])

    assert from_new_year.total_ore == 5_668_000
    assert from_march.total_ore == 0
    assert "betales efter aftalen underskrevet" in from_march.notes[0].da
    told = refusal(line, AARHUS, "OS2valghalla").da
    assert "Aarhus Kommune har allerede en aftale om OS2valghalla" in told


def test_a_member_s_new_text_tells_the_dues_that_are_paid_anyway(line: CommandLine) -> None:
    annex, joining = make(line, AARHUS, ""), make(line, VIBORG, "")

    assert [one.amount_ore for one in annex.lines] == [one.amount_ore for one in joining.lines] != []


def test_where_the_plan_would_have_a_problem_there_is_no_annex(line: CommandLine) -> None:
    told = [
        refusal(line, AARHUS, "OS2mo"),
        refusal(line, AARHUS, "OS2ukendt"),
        refusal(line, AARHUS, "OS2valghalla", "passive"),
        refusal(line, AARHUS, "OS2valghalla", from_=date(2029, 1, 1)),
        refusal(line, CAPITAL_REGION, "OS2valghalla"),
    ]

    expected = [
        "OS2mo har intet takstblad",
        "OS2ukendt har intet takstblad",
        "ingen andel for passive",
        "indbyggertallet",
        "ophørt før 2027",
    ]
    assert [words in each.da for words, each in zip(expected, told, strict=True)] == [True] * len(expected)


def test_who_has_no_inhabitants_to_count_needs_a_placement(line: CommandLine) -> None:
    region = "29190941"

    told = refusal(line, region, "OS2valghalla")
    placed = f"cvr,band,valid_from,decided_by,reason\n{region},large,2025-01-01,sekretariatet,Formål\n"
    line.done("placements", "import", line.write("placements.csv", placed))
    annex = make(line, region, "OS2valghalla")

    assert "indplacering" in told.da
    assert (annex.band, annex.inhabitants, annex.counted_on) == (Text("Stor", "Large"), None, None)


def test_the_same_fees_on_another_day_are_the_same_and_other_fees_are_not(line: CommandLine) -> None:
    with line.session() as session:
        aarhus = id_of(session, AARHUS)
        first, next_day = (
            fee_annex.make(session, aarhus, "OS2valghalla", "active", on, effective_on=NEW_YEAR)
            for on in (SIGNED, date(2026, 11, 25))
        )
        year_after = fee_annex.make(session, aarhus, "OS2valghalla", "active", SIGNED)

    assert first != next_day
    assert first.amounts_to_the_same_as(next_day)
    assert not first.amounts_to_the_same_as(year_after)


def test_the_annex_says_whether_vat_is_added(line: CommandLine) -> None:
    taxed, exempt = make(line, AARHUS, "OS2valghalla"), make(line, VIBORG, "OS2fri")

    assert taxed.vat == (Text("Hertil kommer moms, 25\u00a0%", "VAT is added, 25%"),)
    assert exempt.vat[0].da == "Der lægges ikke moms til: VATEX-EU-132 momsfri"

    unregistered = files.SELLER.replace("vat_registered = true", "vat_registered = false")
    line.done("settings", "import", line.write("seller.toml", unregistered))

    assert "ikke momsregistreret" in make(line, AARHUS, "OS2valghalla").vat[0].da


def test_making_an_annex_writes_nothing(line: CommandLine) -> None:
    before = line.json("billing", "plan", 2027)

    make(line, AARHUS, "OS2valghalla")
    make(line, AALBORG, "")

    assert line.json("billing", "plan", 2027) == before
    line.done("verify")


def test_a_new_price_sheet_gives_other_fees_though_nothing_else_changed(line: CommandLine) -> None:
    before = make(line, AARHUS, "OS2kitos")
    newer = f'product = "OS2kitos"{HEAD}annual_fee = 30001\n'.replace("2025-01-01", "2027-01-01")
    line.done("fee-tables", "adopt", line.write("newer.toml", newer))

    after = make(line, AARHUS, "OS2kitos")

    assert (before.total_ore, by_kind(after)["annual"]) == (3_000_000, 3_000_100)
    assert not before.amounts_to_the_same_as(after)
    assert after.sheets[0].valid_from == NEW_YEAR
