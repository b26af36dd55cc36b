"""A year with every kind of line on it, small enough to issue in a moment."""

from __future__ import annotations

from tests.command_line import CommandLine
from tests.scenarios import files

BANDS = "{ small = 22000, medium = 32000, large = 42000, very_large = 52000 }"

TABLES = (
    files.association(
        'index = { old = "124.0", new = "128.4", round_to = "1" }', 'vat = "exempt"',
        'vat_exemption = "VATEX-EU-132-1L Kontingent til forening"', valid_from="2027-01-01",
    ),
    files.fee_table("Bånd", f"annual_fee = {BANDS}", f"joining_fee = {BANDS}", 'passive_share = "1/3"'),
    files.fee_table("Delt", "contribution = false", "annual_fee = { shared_cost = 100000 }"),
    files.fee_table("Måneder", 'annual_fee = "1587.35"', 'first_year = "months"', 'vat = "exempt"',
                    'vat_exemption = "VATEX-EU-132-1F Fritaget"'),
    files.fee_table("Dage", "annual_fee = 100", 'first_year = "days"', 'joining_fee = [ { until = 2026-12-31, '
                    "fee = 60000 }, { fee = 120000 } ]"),
)  # fmt: skip


def everything(line: CommandLine) -> None:
    """Members and non-members, by inhabitants and by placement, with every kind of fee, share, waiver and VAT."""
    first, second, third, fourth, fifth = files.starter()[:5]
    region = files.by_name("Region Nordjylland")
    files.adopt(line, *TABLES)
    files.take_placements(line, files.placement(region.cvr, "large"))
    files.take_members(
        line,
        files.member(first.cvr, gln="", joined_on="2019-05-01"),
        files.member(second.cvr, joined_on="2027-07-02", person_reference="Kontingent & co."),
        files.member(third.cvr, gln=""),
    )
    new = {"signed_on": "2026-12-01", "countersigned_on": "2026-12-15", "in_force_from": "2027-05-10"}
    later = {"signed_on": "2027-01-02", "countersigned_on": "2027-01-03", "in_force_from": "2027-08-01"}
    files.take_agreements(
        line,
        files.agreement(
            first.cvr, person_reference="Ø. Ægir <oe@example.dk>", order_reference="PO-77", accounting_cost="1234-5678"
        ),
        files.agreement(first.cvr, "Bånd", **new, rebate_dkk="1000.50", rebate_reason="medfinansiering"),
        files.agreement(second.cvr, "Bånd", **new, joining_fee_exempt_reason="deltog i crowdfunding"),
        files.agreement(third.cvr, "Bånd", kind="passive"),
        files.agreement(first.cvr, "Delt"),
        files.agreement(second.cvr, "Delt"),
        files.agreement(fourth.cvr, "Delt"),
        files.agreement(fourth.cvr, "Måneder", **new),
        files.agreement(third.cvr, "Dage", **new),
        files.agreement(fifth.cvr, "Dage", **later, endpoint="cvr", rebate_dkk="30000", rebate_reason="pilot"),
        files.agreement(region.cvr, "Bånd"),
        files.agreement(region.cvr, "OS2kitos", order_reference="O-9"),
    )
