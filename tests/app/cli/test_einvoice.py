"""`einvoice`: rules are installed whole or not at all, files are held against them, and hostile ones cost little."""

from __future__ import annotations

import json
import shutil
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from billing.einvoice import peppol
from tests.billing.einvoice import documents as make
from tests.command_line import CommandLine

INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    """A command line that needs no database: rules lie beside it."""
    return CommandLine(f"sqlite:///{tmp_path / 'none.sqlite'}", tmp_path)


def zipped(file: Path, members: dict[str, bytes]) -> Path:
    """Make an archive."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def below(folder: Path, put_under: str = "") -> dict[str, bytes]:
    """Give every file of a folder, as an archive would hold them."""
    return {
        f"{put_under}{file.relative_to(folder).as_posix()}": file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def as_published(rules: Path, folder: Path) -> list[Path]:
    """Make the three publishers' archives, in the publishers' own layout."""
    schemas = below(rules / "ubl-2.1", "xsd/")
    bare = {name.replace("xsd/", "xsdrt/", 1): b"<not-looked-at/>" for name in schemas}
    (peppol_rules,) = rules.glob("peppol-bis-billing-*")
    (oioubl_rules,) = rules.glob("oioubl-2.1-*")
    sheets, version = below(peppol_rules / "xslt"), peppol_rules.name.rpartition("-")[2]
    return [
        zipped(folder / "UBL-2.1.zip", {**schemas, **bare, "UBL-2.1.html": b"<html/>"}),
        zipped(folder / "en16931-ubl.zip", {"xslt/EN16931-UBL-validation.xslt": sheets["CEN-EN16931-UBL.xslt"]}),
        zipped(folder / f"peppol-{version}.zip", {"rules/peppol-ubl.xslt": sheets["PEPPOL-EN16931-UBL.xslt"]}),
        zipped(folder / "oioubl.zip", below(oioubl_rules, "OIOUBL_Schematron_2.1/")),
    ]


# --- installing


def test_the_publishers_archives_are_laid_out_and_judge_as_the_folder_does(
    line: CommandLine, rules_directory: Path
) -> None:
    archives = as_published(rules_directory, line.folder)
    beside = line.with_environ(OS2TILSLUT_RULES_DIR=str(rules_directory))

    line.done("einvoice", "rules", "install", *archives)

    installed, shown = line.json("einvoice", "rules", "status"), beside.json("einvoice", "rules", "status")
    assert [pack["sha256"] for pack in installed["packs"]] == [pack["sha256"] for pack in shown["packs"]]
    assert {pack["format"]: pack["covers"] for pack in installed["packs"]} == {
        "oioubl": ["invoice", "credit_note", "reminder"],
        "peppol": ["invoice", "credit_note"],
    }
    versions = [pack["version"] for pack in installed["packs"]]
    assert versions == [pack["version"] for pack in shown["packs"]] and all(versions)


def test_installing_twice_changes_nothing_and_a_folder_is_taken_like_an_archive(
    line: CommandLine, small_rules: Path
) -> None:
    line.done("einvoice", "rules", "install", small_rules)
    before = below(line.folder / "rules")

    result = line.at("2027-03-01").done("einvoice", "rules", "install", small_rules)

    assert below(line.folder / "rules") == before
    assert result.out.count("stod der allerede") == 3
    assert line.at("2027-01-25").json("einvoice", "rules", "status")["packs"][0]["days_old"] == 10
    told = line.at("2027-01-25").done("einvoice", "rules", "status").out
    assert told.startswith(f"{line.folder / 'rules'}:\n") and "(fra 15. januar 2027, 10 dage): faktura" in told


def test_the_manifest_names_version_source_and_digest_of_every_file(line: CommandLine, small_rules: Path) -> None:
    line.done("einvoice", "rules", "install", small_rules)

    (folder,) = (line.folder / "rules").glob("oioubl-2.1-*")
    noted = json.loads((folder / "manifest.json").read_text())
    assert noted["name"] == folder.name and (small_rules / folder.name).is_dir()
    assert noted["installed_at"] == "2027-01-15T10:00:00+00:00"
    assert len(noted["files"]) == 3 and {len(digest) for digest in noted["files"].values()} == {64}


def test_a_pack_changed_after_its_installation_counts_no_more_until_it_is_installed_again(
    line: CommandLine, small_rules: Path
) -> None:
    line.done("einvoice", "rules", "install", small_rules)
    good = line.folder / "good.xml"
    good.write_bytes(peppol.render(make.invoice()))
    (sheet,) = line.folder.glob("rules/peppol-bis-billing-*/xslt/CEN-EN16931-UBL.xslt")
    sheet.write_bytes(sheet.read_bytes().replace(b"EN16931", b"EN16932"))

    result = line.run("einvoice", "check", good)

    assert result.code == 3 and "ændret, siden den blev installeret" in result.out
    assert line.run("einvoice", "rules", "status").code == 3
    line.done("einvoice", "rules", "install", small_rules)
    line.done("einvoice", "check", good)


# --- the publishers' own trees


def tree(rules: Path, *, under: str, cen: str = "CEN-EN16931-UBL.xslt") -> dict[str, bytes]:
    """Lay Peppol's and CEN's sheets out as those who compile them do, beside sheets of the same title."""
    (pack,) = rules.glob("peppol-bis-billing-*/xslt")
    ubl, of_cen = (pack / f"{owner}-EN16931-UBL.xslt" for owner in ("PEPPOL", "CEN"))
    start = b"<xsl:template"
    cii = b"<?by urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100?>" + start
    self_billed = b"<?by urn:fdc:peppol.eu:2017:poacc:selfbilling:01:1.0?>" + start
    others = {
        "PEPPOL-EN16931-CII.xslt": ubl.read_bytes().replace(b"for Peppol", b"for PEPPOL").replace(start, cii, 1),
        "PEPPOL-EN16931-UBL-SB.xslt": ubl.read_bytes().replace(start, self_billed, 1),
        "CEN-EN16931-CII.xslt": of_cen.read_bytes().replace(b"to UBL", b"to CII"),
    }
    own = {"PEPPOL-EN16931-UBL.xslt": ubl.read_bytes(), cen: of_cen.read_bytes()}
    return {f"{under}{name}": content for name, content in {**others, **own}.items()}


SOURCE = (
    b"<schema xmlns='http://purl.oclc.org/dsdl/schematron'><title>Rules for Peppol BIS 3.0 Billing</title></schema>"
)


def of_oasis(rules: Path) -> dict[str, bytes]:
    """UBL-2.1.zip: the schemas with and without annotations, beside much else."""
    schemas = below(rules / "ubl-2.1")
    return {
        **{f"xsd/{name}": content for name, content in schemas.items()},
        **{f"xsdrt/{name}": b"<not-looked-at/>" for name in schemas},
        "xsd/maindoc/UBL-Order-2.1.xsd": b"<not-looked-at/>",
        "val/UBL-DefaultDTQ-2.1.xsl": b"<not-looked-at/>",
        "cl/gc/default/AllowanceChargeReasonCode-2.1.gc": b"<not-looked-at/>",
        "UBL-2.1.html": b"<html/>",
    }


def of_cen(rules: Path) -> dict[str, bytes]:
    """en16931-ubl-1.3.16.zip: the compiled sheet beside its sources."""
    (sheet,) = rules.glob("peppol-bis-billing-*/xslt/CEN-EN16931-UBL.xslt")
    return {
        "LICENSE": b"EUPL", "schematron/UBL/EN16931-UBL-model.sch": SOURCE,
        "schematron/preprocessed/EN16931-UBL-validation-preprocessed.sch": SOURCE,
        "xslt/EN16931-UBL-validation.xslt": sheet.read_bytes(),
    }  # fmt: skip


def of_erhvervsstyrelsen(rules: Path) -> dict[str, bytes]:
    """The package with the Danish CIUS: sheets for both syntaxes, and their sources; its own version, not Peppol's."""
    sources = {f"SCH/{name}": SOURCE for name in ("CEN-EN16931-UBL.sch", "PEPPOL-EN16931-UBL.sch")}
    empty = b"<xsl:stylesheet xmlns:xsl='http://www.w3.org/1999/XSL/Transform' version='2.0'/>"
    found = {
        "Readme.txt": b"Version 1.17.0 mandatory",
        **sources,
        "DK-EN16931-UBL.xslt": empty,
        **tree(rules, under=""),
    }
    return {f"Danish_CIUS_v1.17.0/Schematron/{name}": content for name, content in found.items()}


def of_kosit(rules: Path) -> dict[str, bytes]:
    """validation-configuration-bis-3.0.21.zip: the version in a folder's name, and OASIS' schemas."""
    return {
        "scenarios.xml": b"<scenarios/>",
        **below(rules / "ubl-2.1", "resources/ubl/2.1/xsd/"),
        **tree(rules, under="resources/peppol/billing-bis/3.0.21/"),
    }


def of_oioubl(rules: Path, version: str = "1.17.2.05ec0bcd") -> dict[str, bytes]:
    """OIOUBL_Schematron_DATE_vVERSION.zip: sixteen documents' sheets, each with day, version and commit."""
    found = {"ReadmeUK.txt": b"Revision"}
    for sheet in rules.glob("oioubl-2.1-*/xslt/*.xsl"):
        content = sheet.read_bytes().replace(b"stand-in, Version 0.0", f"2026-05-01, Version {version}".encode())
        found[sheet.name] = content
        found["OIOUBL_Order_Schematron.xsl"] = content.replace(b"OIOUBL-2.1 Reminder", b"OIOUBL-2.1 Order")
    return {f"OIOUBL_Schematron_2026-05-01_v{version}/{name}": content for name, content in found.items()}


def test_erhvervsstyrelsens_two_packages_and_oasis_schemas_are_all_that_is_needed(
    line: CommandLine, small_rules: Path
) -> None:
    archives = [
        zipped(line.folder / "UBL-2.1.zip", of_oasis(small_rules)),
        zipped(line.folder / "Danish_CIUS_v1.17.0.zip", of_erhvervsstyrelsen(small_rules)),
        zipped(line.folder / "OIOUBL_Schematron_2026-05-01_v1.17.2.05ec0bcd.zip", of_oioubl(small_rules)),
    ]

    line.done("einvoice", "rules", "install", *archives, "--version", "3.0.21")

    assert {pack["format"]: pack["version"] for pack in line.json("einvoice", "rules", "status")["packs"]} == {
        "oioubl": "1.17.2", "peppol": "3.0.21",
    }  # fmt: skip
    (sheet,) = small_rules.glob("peppol-bis-billing-*/xslt/PEPPOL-EN16931-UBL.xslt")
    installed = line.folder / "rules" / "peppol-bis-billing-3.0.21" / "xslt" / "PEPPOL-EN16931-UBL.xslt"
    assert installed.read_bytes() == sheet.read_bytes()


def test_kosits_configuration_tells_peppols_version_and_brings_cens_rules_of_its_own(
    line: CommandLine, small_rules: Path
) -> None:
    oasis = zipped(line.folder / "UBL-2.1.zip", of_oasis(small_rules))
    kosit = zipped(line.folder / "validation-configuration-bis-3.0.21.zip", of_kosit(small_rules))
    compiled_otherwise = {name: content + b"<!-- otherwise -->" for name, content in of_cen(small_rules).items()}
    cen = zipped(line.folder / "en16931-ubl-1.3.16.zip", compiled_otherwise)

    both = line.run("einvoice", "rules", "install", oasis, cen, kosit)
    result = line.done("einvoice", "rules", "install", oasis, kosit)

    assert both.code == 1 and "to udgaver (en16931-ubl-1.3.16.zip, validation-configuration-bis-3.0.21.zip)" in both.err
    assert "peppol-bis-billing-3.0.21: installeret, 2 filer" in result.out


def test_rules_for_what_the_buyer_writes_are_not_taken_for_those_of_invoices(
    line: CommandLine, small_rules: Path
) -> None:
    sheets = tree(small_rules, under="3.0.21/")
    del sheets["3.0.21/PEPPOL-EN16931-UBL.xslt"]

    result = line.run("einvoice", "rules", "install", zipped(line.folder / "bis-3.0.21.zip", sheets))

    assert result.code == 1 and "peppol-bis-billing er ikke hel: xslt/PEPPOL-EN16931-UBL.xslt mangler" in result.err


def test_the_sources_that_openpeppol_publishes_are_not_enough_and_the_answer_says_what_is(
    line: CommandLine, small_rules: Path
) -> None:
    sources = zipped(
        line.folder / "peppol-bis-invoice-3-3.0.21.zip",
        {"peppol-bis-invoice-3-3.0.21/rules/sch/PEPPOL-EN16931-UBL.sch": SOURCE},
    )
    cen = zipped(line.folder / "en16931-ubl-1.3.16.zip", of_cen(small_rules))

    alone = line.run("einvoice", "rules", "install", sources)
    beside = line.with_environ(OS2TILSLUT_LANGUAGE="en").run("einvoice", "rules", "install", cen, sources)

    assert alone.code == 1 and "giv de oversatte (.xslt)" in alone.err
    assert beside.code == 1 and "PEPPOL-EN16931-UBL.xslt missing" in beside.err
    assert "the Danish CIUS" in beside.err and "validation-configuration-bis" in beside.err


def test_a_release_candidate_of_oioubl_is_named_as_one_and_is_older_than_its_release(
    line: CommandLine, small_rules: Path
) -> None:
    schemas = zipped(line.folder / "UBL-2.1.zip", of_oasis(small_rules))
    for version in ("1.18.0.9f3a", "1.18.RC.6ff27c6a"):
        archive = zipped(line.folder / "OIOUBL_Schematron.zip", of_oioubl(small_rules, version))
        line.done("einvoice", "rules", "install", schemas, archive)

    told = line.done("einvoice", "rules", "install", schemas, archive)
    assert "1.18.0 er nyere og gælder fortsat" in told.err
    assert (line.folder / "rules" / "oioubl-2.1-1.18.RC").is_dir()
    (oioubl, _) = json.loads(line.run("einvoice", "rules", "status", "--json").out)["packs"]
    assert oioubl["version"] == "1.18.0"


HOSTILE_NAMES = {
    "a way up": "../../outside.xslt",
    "an absolute path": "/etc/outside.xslt",
    "a drive": "C:/outside.xslt",
    "a backslash": "..\\outside.xslt",
    "a way up inside": "xslt/../../outside.xslt",
}


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_an_archive_whose_names_lead_out_of_it_is_refused(name: str, line: CommandLine) -> None:
    archive = zipped(line.folder / "hostile.zip", {name: b"<x/>"})

    result = line.run("einvoice", "rules", "install", archive)

    assert result.code == 1 and "fører ud af den" in result.err
    assert not (line.folder / "rules").exists()


def test_an_archive_with_a_link_is_refused(line: CommandLine) -> None:
    linked = zipfile.ZipInfo("xslt/PEPPOL-EN16931-UBL.xslt")
    linked.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(line.folder / "links.zip", "w") as archive:
        archive.writestr(linked, "/etc/passwd")

    result = line.run("einvoice", "rules", "install", line.folder / "links.zip")

    assert result.code == 1 and "link" in result.err


def test_a_folder_with_a_link_is_refused(line: CommandLine) -> None:
    folder = line.folder / "given"
    folder.mkdir()
    (folder / "rules.xsl").symlink_to("/etc/passwd")

    result = line.run("einvoice", "rules", "install", folder)

    assert result.code == 1 and "er et link" in result.err


def test_an_archive_that_unpacks_to_far_too_much_is_refused_before_it_does(line: CommandLine) -> None:
    archive = zipped(line.folder / "bomb.zip", {"xslt/bomb.xslt": bytes(200_000_000)})
    begun = time.perf_counter()

    result = line.run("einvoice", "rules", "install", archive)

    assert result.code == 1 and "fylder mere" in result.err
    assert time.perf_counter() - begun < 5


NO_RULES: dict[str, Callable[[], dict[str, bytes]]] = {
    "nothing": dict,
    "a page": lambda: {"index.html": b"<html/>"},
    "another stylesheet": lambda: {"xslt/PEPPOL-EN16931-UBL.xslt": b"<xsl:stylesheet/>"},
    "only a name": lambda: {"xslt/OIOUBL_Invoice_Schematron.xsl": b"nothing"},
}


@pytest.mark.parametrize("content", NO_RULES.values(), ids=NO_RULES)
def test_what_is_no_rules_is_refused(content: Callable[[], dict[str, bytes]], line: CommandLine) -> None:
    archive = zipped(line.folder / "other.zip", content())

    result = line.run("einvoice", "rules", "install", archive)

    assert result.code == 1 and "ingen regler" in result.err
    assert not (line.folder / "rules").exists()


def test_what_is_no_archive_is_refused(line: CommandLine) -> None:
    file = line.folder / "broken.zip"
    file.write_bytes(b"PK\x03\x04 and then nothing")

    assert line.run("einvoice", "rules", "install", file).code == 1


def test_part_of_a_pack_is_refused_and_names_what_is_missing(line: CommandLine, small_rules: Path) -> None:
    archives = as_published(small_rules, line.folder)

    result = line.run("einvoice", "rules", "install", archives[0], archives[2])

    assert result.code == 1 and "CEN-EN16931-UBL.xslt mangler" in result.err
    assert not (line.folder / "rules").exists()


def test_peppol_rules_without_a_version_in_their_name_ask_for_it(line: CommandLine, small_rules: Path) -> None:
    archives = as_published(small_rules, line.folder)
    nameless = archives[2].rename(line.folder / "rules.zip")
    asked = ("einvoice", "rules", "install", archives[0], archives[1], nameless)

    refused = line.run(*asked)
    line.done(*asked, "--version", "3.0.22")

    assert refused.code == 1 and "--version" in refused.err
    assert (line.folder / "rules" / "peppol-bis-billing-3.0.22").is_dir()
    assert line.run(*asked, "--version", "../up").code == 1


def test_rules_that_do_not_compile_leave_the_installed_ones_as_they_were(line: CommandLine, small_rules: Path) -> None:
    line.done("einvoice", "rules", "install", small_rules)
    before = below(line.folder / "rules")
    copied = line.folder / "damaged"
    shutil.copytree(small_rules, copied, copy_function=shutil.copyfile)
    for sheet in copied.glob("oioubl*/xslt/*_Reminder_*"):
        sheet.write_bytes(sheet.read_bytes().replace(b"</xsl:stylesheet>", b""))

    result = line.run("einvoice", "rules", "install", copied)

    assert result.code == 1 and "hent arkivet hos udgiveren igen" in result.err
    assert ".installing-" not in result.err
    assert below(line.folder / "rules") == before


# --- checking


def test_a_file_is_told_by_rule_place_and_message(line: CommandLine, whole_rules: Path) -> None:
    ruled = line.with_environ(OS2TILSLUT_RULES_DIR=str(whole_rules))
    wrong = line.folder / "wrong.xml"
    wrong.write_bytes(peppol.render(make.invoice()).replace(b">93<", b">30<"))

    result = ruled.run("einvoice", "check", wrong)
    told = json.loads(ruled.run("einvoice", "check", wrong, "--json").out)["files"][0]

    assert result.code == 1
    assert "fatal DK-R-005, /Invoice[1]/PaymentMeans[1]: [DK-R-005]-For Danish suppliers" in result.out
    assert (told["format"], told["kind"], told["valid"]) == ("peppol", "invoice", False)
    assert told["failures"][0]["rule"] == "DK-R-005"
    assert told["pack"]["version"] == "3.0.21"


def test_the_official_examples_of_every_kind_pass(line: CommandLine, whole_rules: Path) -> None:
    ruled = line.with_environ(OS2TILSLUT_RULES_DIR=str(whole_rules))
    examples = sorted(whole_rules.glob("*/examples/*.xml"))

    told = ruled.json("einvoice", "check", *examples)["files"]

    assert {(one["format"], one["kind"]) for one in told} == {
        ("oioubl", "invoice"), ("oioubl", "credit_note"), ("oioubl", "reminder"),
        ("peppol", "invoice"), ("peppol", "credit_note"),
    }  # fmt: skip
    assert all(one["valid"] for one in told)


def test_an_oioubl_rule_that_is_broken_is_named(line: CommandLine, whole_rules: Path) -> None:
    ruled = line.with_environ(OS2TILSLUT_RULES_DIR=str(whole_rules))
    (example,) = whole_rules.glob("oioubl*/examples/*Reminder*.xml")
    wrong = line.write("wrong.xml", example.read_text(encoding="utf-8").replace(">DKK<", ">XXK<", 1))

    result = ruled.run("einvoice", "check", wrong)

    assert result.code == 1 and "F-LIB298" in result.out


def test_without_rules_a_file_is_not_judged_and_the_reason_is_told(line: CommandLine) -> None:
    good = line.folder / "good.xml"
    good.write_bytes(peppol.render(make.invoice()))

    result = line.run("einvoice", "check", good)

    assert result.code == 3 and "regelpakken peppol-bis-billing mangler" in result.out


def laughs() -> bytes:
    """Make entities that would expand to gigabytes."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><Invoice xmlns="{INVOICE}" a="&l11;">&l11;</Invoice>'.encode()


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "entities": ("DOCTYPE", laughs),
    "a file named": ("DOCTYPE", lambda: b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'),
    "depth": ("XML", lambda: b"<a>" * 90_000 + b"</a>" * 90_000),
    "too many tags": ("SIZE", lambda: b"<a>" + b"<b/>" * 3_000_000 + b"</a>"),
    "too many attributes": ("SIZE", lambda: b"<a " + b" ".join(b'a%d="1"' % n for n in range(400_000)) + b"/>"),
    "a ZIP": ("XML, –: This is a ZIP archive", lambda: b"PK\x03\x04rest"),
    "NUL": ("NUL", lambda: b"<a>\0</a>"),
    "UTF-16": ("NUL", lambda: "<a/>".encode("utf-16")),
    "UTF-7": ("ENCODING", lambda: b'<?xml version="1.0" encoding="UTF-7"?><a/>'),
    "a PDF": ("XML, –: This is a PDF", lambda: b"%PDF-1.7"),
    "nothing": ("XML", lambda: b""),
    "half": ("XML", lambda: b"<Invoice>"),
    "another document": ("FORMAT", lambda: b"<Order xmlns='urn:oasis:names:specification:ubl:schema:xsd:Order-2'/>"),
    "a brace in the namespace": ("XML", lambda: b"<Invoice xmlns='urn}oasis'/>"),
    "no format": ("FORMAT", f"<Invoice xmlns='{INVOICE}'/>".encode),
}


@pytest.mark.parametrize(("code", "content"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_xml_is_refused_quickly(code: str, content: Callable[[], bytes], line: CommandLine) -> None:
    file = line.folder / "hostile.xml"
    file.write_bytes(content())
    begun = time.perf_counter()

    result = line.run("einvoice", "check", file)

    assert result.code == 1 and f"fatal {code}" in result.out
    assert time.perf_counter() - begun < 5


def test_a_file_of_any_size_is_not_read_whole(line: CommandLine) -> None:
    huge = line.folder / "huge.xml"
    with huge.open("wb") as file:
        file.truncate(10**11)

    result = line.run("einvoice", "check", huge)

    assert result.code == 1 and "byte" in result.err


def test_an_invoice_of_many_lines_is_judged_in_bounded_time(line: CommandLine, rules_directory: Path) -> None:
    ruled = line.with_environ(OS2TILSLUT_RULES_DIR=str(rules_directory))
    lines = [make.line(position=nth) for nth in range(1, 1_001)]
    large = line.folder / "large.xml"
    large.write_bytes(peppol.render(make.invoice(*lines)))
    begun = time.perf_counter()

    ruled.done("einvoice", "check", large)

    assert time.perf_counter() - begun < 60


def test_a_pipe_is_no_file(line: CommandLine) -> None:
    assert line.run("einvoice", "check", "/dev/null").code == 1
