"""The official rules, as installed: they take the official examples, and name the rule that a wrong invoice breaks."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from billing.einvoice import peppol, rule_packs
from billing.einvoice.rule_packs import BrokenPack, RulePack
from tests.billing.einvoice import documents as make
from tests.official_rules import Rules

EXAMPLES = [
    "Allowance-example.xml",
    "Vat-category-S.xml",
    "base-creditnote-correction.xml",
    "base-example.xml",
    "base-example_profile02.xml",
    "base-negative-inv-correction.xml",
    "sales-order-example.xml",
    "vat-category-E.xml",
    "vat-category-O.xml",
    "vat-category-Z.xml",
]

# rule broken, what to look for in a good invoice, what to put there
SINGLE_FAULTS = [
    ("PEPPOL-COMMON-R040", "2996494221206", "2996494221207"),  # wrong digit in the GLN
    ("PEPPOL-COMMON-R042", ">DK29189730<", ">DK2918973<"),
    ("DK-R-005", ">93<", ">30<"),  # payment means Danish sellers may not use
    ("DK-R-010", ">80000000<", ">8000000<"),
    ("DK-R-011", "71#112027000000016", "71#1120270000"),
    ("DK-R-014", 'fællesskab</cbc:RegistrationName>\n        <cbc:CompanyID schemeID="0184"',
                 'fællesskab</cbc:RegistrationName>\n        <cbc:CompanyID schemeID="0088"'),
    ("BR-CO-10", 'LineExtensionAmount currencyID="DKK">34880.00', 'LineExtensionAmount currencyID="DKK">1.00'),
    ("BR-CO-15", 'TaxInclusiveAmount currencyID="DKK">43600.00', 'TaxInclusiveAmount currencyID="DKK">43600.01'),
    ("BR-S-08", '<cbc:TaxableAmount currencyID="DKK">34880.00', '<cbc:TaxableAmount currencyID="DKK">34890.00'),
    ("BR-27", '<cbc:PriceAmount currencyID="DKK">', '<cbc:PriceAmount currencyID="DKK">-'),
    ("PEPPOL-EN16931-R008", "<cbc:BuyerReference>Økonomi, Ådalen<", "<cbc:BuyerReference><"),
    ("PEPPOL-EN16931-R120", ">1</cbc:InvoicedQuantity>", ">2</cbc:InvoicedQuantity>"),
]  # fmt: skip


def faulty(before: str, after: str) -> bytes:
    """Make a good invoice and put one thing wrong in it."""
    good = peppol.render(make.invoice()).decode()
    assert before in good
    return good.replace(before, after, 1).encode()


@pytest.fixture
def copy(rules_directory: Path, tmp_path: Path) -> Path:
    """A rules directory of one's own, to damage."""
    copied = tmp_path / "rules"
    shutil.copytree(rules_directory, copied, copy_function=shutil.copyfile)
    for path in [copied, *copied.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return copied


# --- judging ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.usefixtures("whole_rules")
def test_the_official_examples_break_no_rule(name: str, pack: RulePack) -> None:
    xml = (pack.directory / "examples" / name).read_bytes()

    found = pack.validate(xml)

    assert [failure for failure in found if failure.flag == "fatal"] == []


@pytest.mark.parametrize(("rule", "before", "after"), SINGLE_FAULTS, ids=[fault[0] for fault in SINGLE_FAULTS])
def test_a_single_fault_is_named_by_its_rule(rule: str, before: str, after: str, rules: Rules, pack: RulePack) -> None:
    rules.need(rule)
    xml = faulty(before, after)

    found = pack.validate(xml)

    assert rule in [failure.id for failure in found if failure.flag == "fatal"]


def test_a_failure_says_where_and_what(rules: Rules, pack: RulePack) -> None:
    rules.need("DK-R-005")

    (failure,) = pack.validate(faulty(">93<", ">30<"))

    assert (failure.layer, failure.flag, failure.id) == ("peppol", "fatal", "DK-R-005")
    assert failure.location == "/Invoice[1]/PaymentMeans[1]"
    assert failure.text.startswith("[DK-R-005]-For Danish suppliers the following Payment means codes are allowed")


def test_a_warning_is_told_as_one(pack: RulePack) -> None:
    xml = faulty("<cbc:DocumentCurrencyCode>", '<cbc:DocumentCurrencyCode listAgencyID="6">')

    assert [(failure.layer, failure.flag, failure.id) for failure in pack.validate(xml)] == [
        ("cen", "warning", "UBL-DT-28")
    ]


def test_what_breaks_the_schema_is_told_and_goes_no_further(pack: RulePack) -> None:
    found = pack.validate(
        faulty("<cbc:IssueDate>2027-01-15</cbc:IssueDate>", "<cbc:IssueDay>2027-01-15</cbc:IssueDay>")
    )

    assert {failure.layer for failure in found} == {"xsd"}
    assert "IssueDay" in found[0].text


def test_what_is_not_xml_is_told(pack: RulePack) -> None:
    assert [failure.id for failure in pack.validate(b"%PDF-1.7")] == ["XML"]


def test_a_document_that_is_no_invoice_is_told(pack: RulePack) -> None:
    assert [failure.id for failure in pack.validate(b"<Reminder/>")] == ["ROOT"]


def test_a_document_that_names_a_file_is_refused_and_the_file_is_not_read(pack: RulePack, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hemmeligt")
    xml = f'<!DOCTYPE Invoice [<!ENTITY x SYSTEM "{secret.as_uri()}">]><Invoice>&x;</Invoice>'

    (failure,) = pack.validate(xml.encode())

    assert failure.id == "DOCTYPE"
    assert "hemmeligt" not in failure.text


def test_threads_may_ask_at_the_same_time(pack: RulePack) -> None:
    good, bad = peppol.render(make.invoice()), faulty("<cbc:ID>2027-0001</cbc:ID>", "<cbc:ID> </cbc:ID>")

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(pack.validate, [good, bad] * 10))

    assert [bool(each) for each in found] == [False, True] * 10
    assert all("BR-02" in {failure.id for failure in each} for each in found[1::2])


def test_the_official_rules_do_not_miss_a_due_date_so_our_own_checks_must(pack: RulePack) -> None:
    assert pack.validate(faulty("  <cbc:DueDate>2027-02-14</cbc:DueDate>\n", "")) == []


# --- finding ----------------------------------------------------------------------------------------------------


def test_a_pack_is_named_with_its_version_and_digest(rules_directory: Path) -> None:
    found = rule_packs.find(rules_directory)

    assert found is not None
    assert (found.name, len(found.sha256)) == ("peppol-bis-billing", 64)
    assert found.directory.name == f"peppol-bis-billing-{found.version}"
    assert found == rule_packs.find(rules_directory)


@pytest.mark.parametrize("changed", ["common/UBL-QualifiedDataTypes-2.1.xsd", "maindoc/UBL-Invoice-2.1.xsd"])
def test_the_digest_changes_with_any_file_it_validates_with(changed: str, copy: Path, pack: RulePack) -> None:
    with (copy / "ubl-2.1" / changed).open("a") as file:
        file.write("<!-- changed -->")

    found = rule_packs.find(copy)

    assert found is not None
    assert found.sha256 != pack.sha256


def test_the_digest_is_the_same_wherever_the_pack_lies(copy: Path, pack: RulePack) -> None:
    found = rule_packs.find(copy)

    assert found is not None
    assert found.sha256 == pack.sha256


def test_the_newest_pack_is_found_by_number_not_by_letter(copy: Path, pack: RulePack) -> None:
    (copy / pack.directory.name).rename(copy / "peppol-bis-billing-3.0.9")
    shutil.copytree(copy / "peppol-bis-billing-3.0.9", copy / "peppol-bis-billing-3.0.21")

    found = rule_packs.find(copy)

    assert found is not None
    assert found.version == "3.0.21"


def test_validating_leaves_the_directory_as_it_was(copy: Path) -> None:
    before = sorted(copy.rglob("*"))
    found = rule_packs.find(copy)
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)

    assert found is not None
    assert found.validate(peppol.render(make.invoice())) == []
    assert sorted(copy.rglob("*")) == before


def test_where_there_is_no_pack_none_is_found_and_what_is_missing_is_named(tmp_path: Path) -> None:
    assert rule_packs.find(tmp_path) is None
    assert rule_packs.find(tmp_path / "nowhere") is None
    assert rule_packs.missing(tmp_path) == [
        "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
        "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
        "peppol-bis-billing-…/xslt/CEN-EN16931-UBL.xslt",
        "peppol-bis-billing-…/xslt/PEPPOL-EN16931-UBL.xslt",
    ]


def test_half_a_pack_is_no_pack(copy: Path, pack: RulePack) -> None:
    lacking = copy / pack.directory.name / "xslt" / "CEN-EN16931-UBL.xslt"
    lacking.unlink()

    assert rule_packs.find(copy) is None
    assert rule_packs.missing(copy) == [lacking.relative_to(copy).as_posix()]


@pytest.mark.parametrize("damaged", ["ubl-2.1/maindoc/UBL-Invoice-2.1.xsd", "xslt/PEPPOL-EN16931-UBL.xslt"])
def test_a_damaged_pack_validates_nothing(damaged: str, copy: Path, pack: RulePack) -> None:
    root = copy if damaged.startswith("ubl") else copy / pack.directory.name
    (root / damaged).write_text("<nothing/>")
    found = rule_packs.find(copy)

    assert found is not None
    with pytest.raises(BrokenPack, match="cannot be used"):
        found.validate(peppol.render(make.invoice()))
