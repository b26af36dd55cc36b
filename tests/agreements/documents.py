"""Agreements made up for tests, as the values they are offered as."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from agreements import composing, template_text
from agreements.clauses import Clause, NoticeTerms, Section, TemplateName
from agreements.document import (
    AgreementDocument,
    Billing,
    FeeAnnex,
    FeeLine,
    Grants,
    Party,
    PriceRow,
    PriceSheet,
    Signatory,
    Subject,
    TemplateReference,
)
from agreements.templates import Adopted
from foundation.language import Text, same
from tests.agreements.templates_made import shipped

DIGEST = "d0" * 32

_ANNUAL = FeeLine(
    "annual",
    Text("OS2valghalla – vederlag 2027", "OS2valghalla – annual fee 2027"),
    5_200_000,
    Text("Meget stor: 378.415 indbyggere 1. januar 2026", "Very large: 378,415 inhabitants 1 January 2026"),
    (Text("Tabellens beløb er 52.000,00 kr.", "The table's amount is DKK 52,000.00."),),
)
_CONTRIBUTION = FeeLine("contribution", Text("Bidrag til OS2", "Contribution to OS2"), 468_000, same("9 %"), ())
_JOINING = FeeLine(
    "joining", Text("OS2valghalla – tilslutningsafgift", "OS2valghalla – joining fee"), 35_000_000,
    Text("Meget stor", "Very large"), (),
)  # fmt: skip


def annex(**changed: Any) -> FeeAnnex:
    """Give the fees of a very large member that joins OS2valghalla."""
    sheet = PriceSheet(
        "OS2valghalla", date(2023, 1, 1), date(2022, 5, 10), "OS2valghallas styregruppe", DIGEST, False,
        (
            PriceRow(Text("Lille", "Small"), 2_200_000, 3_500_000),
            PriceRow(Text("Mellem", "Medium"), 3_200_000, 7_000_000),
            PriceRow(Text("Stor", "Large"), 4_200_000, 19_000_000),
            PriceRow(Text("Meget stor", "Very large"), 5_200_000, 35_000_000),
        ),
    )  # fmt: skip
    rates = (PriceRow(Text("Bidrag, medlemmer 9\u00a0%", "Contribution, members 9%"), None, None),
             PriceRow(Text("Bidrag, andre 35\u00a0%", "Contribution, others 35%"), None, None))  # fmt: skip
    association = PriceSheet("OS2", date(2023, 1, 1), date(2022, 5, 1), "generalforsamlingen", DIGEST, True, rates)
    made = FeeAnnex(
        on=date(2026, 11, 24),
        year=2027,
        sheets=(sheet, association),
        band=Text("Meget stor", "Very large"),
        inhabitants=378_415,
        counted_on=date(2026, 1, 1),
        member=True,
        lines=(_ANNUAL, _CONTRIBUTION, _JOINING),
        total_ore=40_668_000,
        later=(),
        vat=(Text("Moms 25 %", "VAT 25%"),),
        notes=(),
    )
    return replace(made, **changed)


def agreement(**changed: Any) -> AgreementDocument:
    """Give a municipality's agreement on OS2valghalla, with two signatories in order."""
    made = AgreementDocument(
        reference="A-2026-00001",
        version=1,
        template=TemplateReference("connection", 1, DIGEST),
        draft=Text("Udkast: skal godkendes af foreningens jurist", "Draft: the association's lawyer must approve"),
        title=Text("Tilslutningsaftale", "Connection agreement"),
        authority=Party("Aarhus Kommune", "55133018", "Rådhuspladsen 2", "8000", "Aarhus C"),
        association=Party(
            "OS2 – Offentligt digitaliseringsfællesskab", "41849983", "Hack Kampmanns Plads 2", "8000", "Aarhus C",
            "5790002750595",
        ),
        subject=Subject("OS2valghalla", Text("Planlægning af valg", "Planning of elections")),
        kind="active",
        effective_on=date(2027, 1, 1),
        signatories=(
            Signatory(1, "En Direktør", "Direktør", "direktoer@kommune.example"),
            Signatory(2, "En Borgmester", "Borgmester", "borgmester@kommune.example"),
        ),
        in_order=True,
        countersignatory=Signatory(1, "En Formand", "Bestyrelsesformand", ""),
        notice=NoticeTerms(6, "year"),
        grants=Grants(),
        billing=Billing("gln", "2995513301806", person_reference="Digitalisering", contact_name="En Kontaktperson"),
        annex=annex(),
        sections=(
            Section(
                Text("Parter", "Parties"),
                (Clause("parties", Text("Aftalen er mellem Aarhus Kommune og OS2.", "Between Aarhus and OS2.")),),
            ),
        ),
        personal_data=Text("Navne registreres for at kunne bevise aftalen.", "Names are kept to prove the agreement."),
    )  # fmt: skip
    return replace(made, **changed)


def composed(name: TemplateName = "connection", **changed: Any) -> AgreementDocument:
    """Give an agreement on a template as it ships."""
    template = template_text.parse(shipped(name))
    adopted = Adopted(1, name, 1, template, template.digest(), date(2026, 11, 1), "En Godkender", "En Forbereder")
    terms = replace(composing.terms_of(agreement()), **changed)
    return composing.compose(adopted, terms)
