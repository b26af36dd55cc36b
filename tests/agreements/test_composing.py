"""Composing an agreement: every field has its value, what is wrong with the terms is told by field."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from agreements import composing, template_text
from agreements.clauses import NoticeTerms, TemplateName, notice_words
from agreements.composing import Terms, TermsRefused
from agreements.document import AgreementDocument, Billing, Grants, Party, Signatory, Subject, from_canonical
from agreements.template_text import NAMES
from agreements.templates import Adopted
from foundation.language import Text, same
from tests.agreements.documents import agreement, annex
from tests.agreements.templates_made import CONNECTION, shipped


def adopted(name: TemplateName = "connection", text: str = "") -> Adopted:
    template = template_text.parse(text or shipped(name))
    return Adopted(1, name, 3, template, template.digest(), date(2026, 11, 1), "En Godkender", "En Forbereder")


def terms(**changed: Any) -> Terms:
    return replace(composing.terms_of(agreement()), **changed)


def words(document: AgreementDocument) -> str:
    return "\n".join(clause.text.da for section in document.sections for clause in section.clauses)


def faults(**changed: Any) -> dict[str, str]:
    with pytest.raises(TermsRefused) as refused:
        composing.compose(adopted(), terms(**changed))
    return {name: fault.en for name, fault in refused.value.faults.items()}


def test_the_text_is_filled_in_and_the_template_is_named() -> None:
    document = composing.compose(adopted(), terms())

    assert (document.template.name, document.template.version) == ("connection", 3)
    assert document.template.digest == adopted().digest
    assert "mellem Aarhus Kommune, CVR 55133018 (myndigheden), og OS2" in words(document)
    assert "underskriver En Direktør, Direktør; En Borgmester, Borgmester" in words(document)
    assert "6 måneders varsel til udgangen af et kalenderår" in words(document)
    assert "OS2valghalla fra 1. januar 2023, vedtaget 10. maj 2022 af OS2valghallas styregruppe" in words(document)
    assert document.draft is not None
    assert from_canonical(document.canonical()) == document


@pytest.mark.parametrize("name", NAMES)
def test_no_brace_is_left_in_a_shipped_template(name: TemplateName) -> None:
    subject = Subject("OS2valghalla", same("")) if name == "connection" else Subject("", same(""))

    document = composing.compose(adopted(name), terms(subject=subject))

    assert "{" not in document.canonical().replace('{"', "")
    assert "{" not in words(document) + document.personal_data.da + document.personal_data.en


def test_a_name_with_braces_stays_as_it_is() -> None:
    authority = Party("{product} {0} {{x}}", "55133018", "", "", "")

    document = composing.compose(adopted(text=CONNECTION), terms(authority=authority))

    assert "Mellem {product} {0} {{x}} og OS2" in words(document)


def test_the_terms_of_a_document_compose_it_again_and_a_changed_one_the_next_version() -> None:
    first = composing.compose(adopted(), terms())

    again = composing.compose(adopted(), composing.terms_of(first))
    second = composing.compose(adopted(), replace(composing.terms_of(first), version=2, kind="passive"))

    assert again == first
    assert "version 2" in words(second) and "Tilslutningen er passiv." in words(second)


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        (Grants(), "Der er ikke givet rabat på eller fritagelse"),
        (
            Grants(3_000_000, "Medfinansierer"),
            "en rabat på 30.000,00\u00a0kr. på tilslutningsafgiften: Medfinansierer.",
        ),
        (Grants(exempt_reason="Medfinansierer"), "fritaget for tilslutningsafgiften: Medfinansierer."),
    ],
)
def test_what_is_granted_stands_in_the_text(grants: Grants, expected: str) -> None:
    assert expected in words(composing.compose(adopted(), terms(grants=grants)))


@pytest.mark.parametrize(
    ("notice", "danish", "english"),
    [
        (NoticeTerms(6, "year"), "6 måneders varsel til udgangen af et kalenderår",
         "6 months' notice to the end of a calendar year"),
        (NoticeTerms(1, "month"), "1 måneds varsel til udgangen af en måned", "1 month's notice to the end of a month"),
        (NoticeTerms(3, "day"), "3 måneders varsel", "3 months' notice"),
        (NoticeTerms(0, "year"), "virkning til udgangen af et kalenderår", "effect to the end of a calendar year"),
        (NoticeTerms(0, "day"), "virkning fra den dag, opsigelsen er registreret",
         "effect from the day the notice is registered"),
    ],
)  # fmt: skip
def test_terms_of_notice_are_said_in_words(notice: NoticeTerms, danish: str, english: str) -> None:
    assert notice_words(notice) == Text(danish, english)


SOMEBODY = Signatory(1, "En Direktør", "Direktør", "direktoer@kommune.example")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"subject": Subject("", same(""))}, "product"),
        ({"reference": ""}, "reference"),
        ({"version": 0}, "reference"),
        ({"signatories": ()}, "signatories"),
        ({"signatories": (replace(SOMEBODY, position=2),)}, "signatories"),
        ({"signatories": (SOMEBODY, replace(SOMEBODY, position=2, mail="DIREKTOER@kommune.example"))}, "signatories"),
        ({"signatories": (replace(SOMEBODY, name=" "),)}, "signatories.1.name"),
        ({"signatories": (replace(SOMEBODY, title=""),)}, "signatories.1.title"),
        ({"signatories": (replace(SOMEBODY, mail="direktoer"),)}, "signatories.1.mail"),
        ({"signatories": (replace(SOMEBODY, name="En\u202eX"),)}, "signatories.1.name"),
        ({"countersignatory": Signatory(1, "", "", "")}, "countersignatory.title"),
        ({"grants": Grants(100)}, "rebate_reason"),
        ({"grants": Grants(-100, "grund")}, "rebate_ore"),
        ({"grants": Grants(100, "grund", "fritaget")}, "exempt_reason"),
        ({"billing": Billing("gln")}, "gln"),
        ({"billing": Billing("gln", "2995513301807")}, "gln"),
        ({"billing": Billing("cvr", contact_mail="x")}, "contact_mail"),
        ({"billing": Billing("cvr", accounting_cost="x" * 201)}, "billing.accounting_cost"),
        ({"annex": annex(sheets=())}, "annex"),
        ({"annex": annex(year=2026)}, "annex"),
        ({"annex": annex(total_ore=1)}, "annex"),
        ({"effective_on": date(2028, 1, 1)}, "annex"),
        ({"authority": Party("A\nB", "55133018", "", "", "")}, "authority.name"),
    ],
)
def test_pv_106_and_pv_126_what_is_wrong_with_the_terms_is_told_by_field(changed: dict[str, Any], field: str) -> None:
    assert [*faults(**changed)] == [field]


def test_a_membership_is_on_no_product_and_never_passive() -> None:
    for changed in ({}, {"subject": Subject("", same("")), "kind": "passive"}):
        with pytest.raises(TermsRefused) as refused:
            composing.compose(adopted("membership"), terms(**changed))
        assert [*refused.value.faults] == ["product"]
