"""The gate: nothing counts as validated before the official rules passed it, and what waits is released by state."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pikepdf
import pytest
from lxml import etree
from sqlalchemy import text

from billing import renderings, verdicts
from billing.einvoice import rule_packs
from tests.command_line import CommandLine
from tests.scenarios import database, files

CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


def issued_one(line: CommandLine, count: int = 1, **facts: str) -> None:
    """Issue invoices of one line each."""
    numbers = [authority.cvr for authority in files.starter()[:count]]
    files.take_agreements(line, *(files.agreement(cvr, "OS2kitos", **facts) for cvr in numbers))
    line.issue(2027)


def once(kind: str) -> None:
    """Leave a test that compiles several packs to one kind of database."""
    if kind == "postgresql":
        pytest.skip("packs are compiled anew, which takes seconds and asks no database")


def customization(folder: Path, number: str = "2027-0001") -> str:
    """Give the format that an exported XML says it is."""
    return str(etree.parse(folder / f"{number}.xml").getroot().findtext(f"{CBC}CustomizationID"))


# --- which format a receiver gets


def test_a_receiver_gets_oioubl_unless_peppol_was_asked_for(starter: CommandLine) -> None:
    one, two = (authority.cvr for authority in files.starter()[:2])
    files.take_agreements(starter, files.agreement(one, "OS2kitos"), files.agreement(two, "OS2kitos", format="peppol"))
    plan = starter.json("billing", "plan", 2027)
    starter.issue(2027)

    starter.done("billing", "export", 2027, starter.folder / "out")
    starter.done("billing", "export", 2027, starter.folder / "all", "--format", "peppol")

    assert Counter(invoice["format"] for invoice in plan["invoices"]) == {"oioubl": 1, "peppol": 1}
    told = {customization(starter.folder / "out", f"2027-000{nth}")[:10] for nth in (1, 2)}
    assert told == {"OIOUBL-2.1", "urn:cen.eu"}
    assert {customization(starter.folder / "all", f"2027-000{nth}")[:10] for nth in (1, 2)} == {"urn:cen.eu"}
    starter.done("verify")


def test_lines_of_one_payer_in_different_formats_stand_on_different_invoices(starter: CommandLine) -> None:
    cvr = files.starter()[0].cvr
    files.take_agreements(
        starter, files.agreement(cvr, "OS2kitos"), files.agreement(cvr, "OS2valghalla", format="peppol")
    )

    plan = starter.json("billing", "plan", 2027)

    assert sorted(invoice["format"] for invoice in plan["invoices"]) == ["oioubl", "peppol"]


def test_a_format_changed_after_the_approval_is_named_and_issues_nothing(starter: CommandLine) -> None:
    cvr = files.starter()[0].cvr
    files.take_agreements(starter, files.agreement(cvr, "OS2kitos"))
    starter.approve(2027)

    files.take_agreements(starter, files.agreement(cvr, "OS2kitos", format="peppol"))
    result = starter.run("billing", "issue", 2027)

    assert result.code == 1
    assert database.count(starter, "invoice") == 0


def test_an_unknown_format_is_refused_with_its_row(starter: CommandLine) -> None:
    table = starter.write("agreements.csv", files.text(files.AGREEMENTS, [files.agreement(
        files.starter()[0].cvr, "OS2kitos", format="fax")]))  # fmt: skip

    result = starter.run("agreements", "import", table)

    assert result.code == 1 and "format" in result.err and "række 2" in result.err


# --- what our own checks tell


def test_what_may_be_passed_over_is_told_before_it_is_issued_and_afterwards(starter: CommandLine) -> None:
    cvr = files.starter()[0].cvr
    files.take_agreements(starter, files.agreement(cvr, "OS2kitos", person_reference="", order_reference=""))
    digest = starter.json("billing", "plan", 2027)["digest"]

    approved = starter.done("billing", "approve", 2027, "--digest", digest, "--by", "En Godkender")
    starter.done("billing", "issue", 2027)
    words = starter.done("explain", "2027-0001").out

    told = "Fakturaen har hverken personreference eller ordrenummer. Spørg køber, og registrér det."
    assert f"Bemærk: Københavns Kommune: {told}" in approved.err
    assert f"Bemærk: {told}" in words


# --- attachments


def test_the_pdf_carries_the_bare_xml_and_each_xml_carries_that_pdf(starter: CommandLine) -> None:
    issued_one(starter, format="peppol")
    with starter.session() as session:
        rows = session.execute(text("SELECT format, content FROM rendering")).all()
    content = {row.format: bytes(row.content) for row in rows}

    with pikepdf.open(starter_file(starter, content["pdf"])) as pdf:
        attached = {name: spec.get_file().read_bytes() for name, spec in pdf.attachments.items()}

    assert set(content) == set(renderings.FORMATS)
    (bare,) = attached.values()
    assert b"urn:cen.eu:en16931" in bare and b"EmbeddedDocumentBinaryObject" not in bare
    for format_ in renderings.XML_FORMATS:
        embedded = etree.fromstring(content[format_]).iter(f"{CBC}EmbeddedDocumentBinaryObject")
        assert [decoded(element) for element in embedded] == [content["pdf"]]


def starter_file(line: CommandLine, content: bytes) -> Path:
    """Write a kept PDF to a file."""
    file = line.folder / "kept.pdf"
    file.write_bytes(content)
    return file


def decoded(element: etree._Element) -> bytes:
    """Read an attachment."""
    import base64

    return base64.b64decode(element.text or "")


# --- without rules, with rules, with other rules


def test_without_a_pack_everything_waits_and_the_reason_is_told(starter: CommandLine) -> None:
    issued_one(starter)

    result = starter.run("einvoice", "validate", 2027)

    assert result.code == 3
    assert "alle 1 i oioubl venter: regelpakken oioubl-2.1 mangler" in result.err
    assert database.count(starter, "verdict") == 0
    starter.done("verify")


def test_installing_the_pack_releases_what_waited(starter: CommandLine, small_rules: Path) -> None:
    issued_one(starter)
    ruled = starter.with_environ(OS2TILSLUT_RULES_DIR=str(small_rules))

    result = ruled.done("einvoice", "validate", 2027)
    again = ruled.done("einvoice", "validate", 2027)

    assert "1 XML består de officielle regler" in result.out
    assert again.out == result.out
    with starter.session() as session:
        rows = session.execute(text("SELECT * FROM verdict ORDER BY id")).all()
    assert {(row.pack, row.pack_version, row.outcome) for row in rows} == {
        (rule_packs.PREFIX[format].rstrip("-"), rule_packs.status(small_rules, format).version, "valid")
        for format in rule_packs.PREFIX
    }
    assert len(rows) == 2 and all(len(row.pack_sha256) == 64 and json.loads(row.failures) == [] for row in rows)
    starter.done("verify")


def test_issuing_validates_at_once_where_there_are_rules(starter: CommandLine, small_rules: Path) -> None:
    ruled = starter.with_environ(OS2TILSLUT_RULES_DIR=str(small_rules))

    issued_one(ruled)

    assert database.count(starter, "verdict") == 2


def test_a_newer_pack_judges_anew_and_the_older_verdict_stays(
    kind: str, starter: CommandLine, small_rules: Path
) -> None:
    once(kind)
    issued_one(starter)
    starter.done("einvoice", "rules", "install", small_rules)
    starter.done("einvoice", "validate", 2027)
    before = [pack["version"] for pack in starter.json("einvoice", "rules", "status")["packs"]]
    sheets = {file.name: file.read_bytes() for file in small_rules.glob("peppol*/xslt/*")}
    newer = starter.folder / "peppol-3.0.22"
    newer.mkdir()
    for name, content in sheets.items():
        (newer / name).write_bytes(content.replace(b"</xsl:stylesheet>", b"<!-- newer --></xsl:stylesheet>"))

    starter.done("einvoice", "rules", "install", newer)
    starter.done("einvoice", "validate", 2027)

    with starter.session() as session:
        versions = session.execute(text("SELECT pack_version FROM verdict ORDER BY id")).scalars().all()
    assert sorted(versions) == sorted([*before, "3.0.22"])
    starter.done("verify")


def test_what_breaks_a_rule_is_not_valid_and_every_failure_is_kept_and_told(
    kind: str, starter: CommandLine, whole_rules: Path
) -> None:
    once(kind)
    issued_one(starter)
    stricter = starter.folder / "stricter-3.0.21"
    for file in whole_rules.glob("*/xslt/*.xsl*"):
        target = stricter / file.parent.parent.name / "xslt" / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes().replace(b"'OIOUBL-2.1'", b"'OIOUBL-9.9'"))
    starter.done("einvoice", "rules", "install", whole_rules)
    starter.done("einvoice", "rules", "install", stricter)

    result = starter.run("einvoice", "validate", 2027)
    exported = starter.done("billing", "export", 2027, starter.folder / "out")

    assert result.code == 1 and "Ikke valideret: 2027-0001: F-" in result.err
    assert "Ikke valideret: 2027-0001" in exported.err and (starter.folder / "out" / "2027-0001.xml").exists()
    with starter.session() as session:
        stored = session.execute(text("SELECT failures FROM verdict WHERE outcome = 'invalid'")).scalars().all()
    (failures,) = (verdicts.read(one) for one in stored)
    assert failures[0].layer == "oioubl" and failures[0].location and failures[0].text
    starter.done("verify")


@pytest.mark.tampers  # the half that is taken away leaves a hole in the rows
def test_an_invoice_with_half_its_documents_gets_the_other_half_with_the_kept_pdf(starter: CommandLine) -> None:
    issued_one(starter)
    before = database.dump(starter)["rendering"]
    database.tamper(starter, "rendering", "DELETE FROM rendering WHERE format <> 'pdf'")

    starter.done("billing", "export", 2027, starter.folder / "out")

    with starter.session() as session:
        formats = session.execute(text("SELECT format FROM rendering")).scalars().all()
    assert Counter(formats) == dict.fromkeys(renderings.FORMATS, 1)
    assert len(database.dump(starter)["rendering"]) == len(before)


# --- verify


TAMPERED = {
    "an outcome": ("UPDATE verdict SET outcome = 'invalid' WHERE id = 1", "siger andet end reglerne"),
    "failures": ("UPDATE verdict SET failures = '[1]' WHERE id = 1", "kan ikke læses"),
    "the pack": ("UPDATE verdict SET pack = 'fax' WHERE id = 1", "ikke afsagt over et XML af sin art"),
}


@pytest.mark.tampers
@pytest.mark.parametrize(("statement", "told"), TAMPERED.values(), ids=TAMPERED)
def test_verify_finds_a_verdict_that_was_changed(
    statement: str, told: str, starter: CommandLine, small_rules: Path
) -> None:
    issued_one(starter.with_environ(OS2TILSLUT_RULES_DIR=str(small_rules)))
    database.tamper(starter, "verdict", statement)

    result = starter.run("verify")

    assert result.code == 1 and told in result.out
    assert "BRUDT audit_chain" in result.out or "BRUDT rows" in result.out
