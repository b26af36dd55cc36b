"""Explaining: every kind of line and every reason becomes sentences with the figures, in both languages."""

from __future__ import annotations

import itertools
from datetime import date
from fractions import Fraction

import pytest

from billing import explanation
from fee_tables.calculation import CostShare, Kind, Reason, Size, parts_of
from fee_tables.table import Index
from foundation.language import LANGUAGES, Text
from foundation.money import kroner
from tests import builders

NBSP = "\u00a0"
COUNTED = Size("medium", 47_218, date(2026, 1, 1), "FOLK1A")
PLACED = Size("large", placement=builders.placement())


def told(kind: Kind, reason: Reason, product: str | None = "OS2valghalla") -> Text:
    """All sentences of a line, with plain spaces."""
    listed = explanation.sentences(kind, product, 2027, reason, parts_of(kind, reason))
    return Text(*(" ".join(sentence[language] for sentence in listed).replace(NBSP, " ") for language in LANGUAGES))


def short(kind: Kind, reason: Reason) -> Text:
    """The short why, with plain spaces."""
    found = explanation.why(kind, reason, parts_of(kind, reason))
    return Text(found.da.replace(NBSP, " "), found.en.replace(NBSP, " "))


def holds(text: Text, danish: list[str], english: list[str]) -> None:
    """See to it that a text has all of these."""
    assert [words for words in danish if words not in text.da] == [], text.da
    assert [words for words in english if words not in text.en] == [], text.en


def test_an_annual_fee_of_a_member_is_told_with_its_figures() -> None:
    reason = builders.reason(size=COUNTED, member=True, contribution_share=Fraction(9, 100))

    text = told(Kind.ANNUAL_FEE, reason)

    holds(
        text,
        ["OS2valghalla", "1. januar 2023", "1. november 2022", "styregruppen for OS2valghalla", "47.218 indbyggere",
         "1. januar 2026", "FOLK1A", "mellem", "32.000,00 kr.", "medlem af OS2 1. januar 2027", "9 %", "2.880,00 kr.",
         "Linjen er 34.880,00 kr. uden moms."],
        ["47,218 inhabitants", "1 January 2026", "medium", "DKK 32,000.00", "a member of OS2", "9%", "DKK 2,880.00",
         "The line is DKK 34,880.00 without VAT."],
    )  # fmt: skip
    assert "ikke medlem" not in text.da


def test_who_is_no_member_is_told_so() -> None:
    reason = builders.reason(size=COUNTED, member=False, contribution_share=Fraction(35, 100))

    holds(
        told(Kind.ANNUAL_FEE, reason),
        ["ikke medlem af OS2 1. januar 2027", "35 %", "11.200,00 kr.", "43.200,00 kr."],
        ["not a member of OS2", "35%", "DKK 11,200.00", "DKK 43,200.00"],
    )


def test_a_fee_without_contribution_says_that_all_goes_to_the_product() -> None:
    holds(
        told(Kind.ANNUAL_FEE, builders.reason(kroner(30_000)), "OS2kitos"),
        ["30.000,00 kr. går til produktet", "intet bidrag"],
        ["DKK 30,000.00 goes to the product", "no contribution"],
    )


def test_a_placement_is_told_with_who_and_why() -> None:
    text = told(Kind.ANNUAL_FEE, builders.reason(size=PLACED))

    holds(
        text,
        ["indplaceret som stor", "1. januar 2023", "sekretariatet", "formål og it-budget"],
        ["placed as large", "1 January 2023", "sekretariatet"],
    )
    assert "indbyggere" not in text.da


def test_a_shared_cost_tells_the_cost_the_sharers_and_the_number() -> None:
    reason = builders.reason(kroner(30_000), shared_cost=CostShare(kroner(300_000), 10, 3))

    holds(
        told(Kind.ANNUAL_FEE, reason, "OS2kle"),
        ["300.000,00 kr.", "10 aktive aftaler", "nummer 3", "30.000,00 kr."],
        ["DKK 300,000.00", "10 active agreements", "number 3"],
    )


def test_shares_of_a_passive_connection_and_of_a_first_year_are_told() -> None:
    reason = builders.reason(passive_share=Fraction(1, 3), year_share=Fraction(5, 12), in_force_from=date(2027, 8, 1))

    holds(
        told(Kind.ANNUAL_FEE, reason),
        ["passiv", "1/3", "5/12", "første år", "1. august 2027", "4.444,44 kr."],
        ["passive", "1/3", "5/12", "first year", "1 August 2027", "DKK 4,444.44"],
    )


def test_a_joining_fee_tells_the_signing_day() -> None:
    reason = builders.reason(kroner(70_000), size=COUNTED, signed_on=date(2026, 11, 3))

    holds(
        told(Kind.JOINING_FEE, reason),
        ["tilslutningsafgiften", "3. november 2026", "70.000,00 kr.", "Linjen er 70.000,00 kr."],
        ["the joining fee", "3 November 2026", "DKK 70,000.00"],
    )


def test_pv_010_a_waived_fee_tells_why() -> None:
    reason = builders.reason(kroner(190_000), exemption="medfinansierede udviklingen")

    holds(
        told(Kind.EXEMPTION, reason),
        ["190.000,00 kr. er eftergivet", "medfinansierede udviklingen", "Linjen er -190.000,00 kr."],
        ["DKK 190,000.00 is waived", "medfinansierede udviklingen", "DKK -190,000.00"],
    )


def test_pv_008_a_rebate_tells_what_was_granted_and_what_it_takes() -> None:
    reason = builders.reason(kroner(60_000), rebate=kroner(70_000), rebate_reason="medfinansierede")

    holds(
        told(Kind.REBATE, reason),
        ["rabat på 70.000,00 kr.", "60.000,00 kr.", "medfinansierede", "Linjen er -60.000,00 kr."],
        ["rebate of DKK 70,000.00", "DKK 60,000.00", "DKK -60,000.00"],
    )


def test_pv_007_indexed_dues_tell_both_index_values() -> None:
    index = Index(Fraction(124), Fraction("128.4"), 100)

    holds(
        told(Kind.MEMBERSHIP_DUES, builders.reason(kroner(25_000), member=True, regulation=index), None),
        ["kontingentet", "25.000,00 kr.", "124", "128,4", "hele kroner", "25.887,00 kr."],
        ["the dues", "DKK 25,000.00", "128.4", "whole kroner", "DKK 25,887.00"],
    )


def test_pv_006_half_dues_tell_when_the_member_joined() -> None:
    reason = builders.reason(kroner(25_000), year_share=Fraction(1, 2), joined_on=date(2027, 8, 2))

    holds(
        told(Kind.MEMBERSHIP_DUES, reason, None),
        ["2. august 2027", "50 %", "12.500,00 kr."],
        ["2 August 2027", "50%", "DKK 12,500.00"],
    )


def test_a_made_up_table_says_so_in_full_and_in_short() -> None:
    reason = builders.reason()._replace(table=builders.reference(made_up=True))

    holds(told(Kind.ANNUAL_FEE, reason), ["opdigtet"], ["made up"])
    holds(short(Kind.ANNUAL_FEE, reason), ["opdigtet takst"], ["made-up price"])


EVERY_REASON = [
    builders.reason(
        kroner(12_345),
        size=size,
        member=member,
        contribution_share=contribution,
        year_share=year,
        passive_share=passive,
        regulation=index,
        shared_cost=cost,
        exemption="fritaget" if waived else None,
        rebate=kroner(100) if waived else None,
        rebate_reason="rabat" if waived else None,
        signed_on=date(2026, 5, 1) if waived else None,
        table=builders.reference(source=source),
    )
    for size, (member, contribution), year, passive, index, cost, waived, source in itertools.product(
        [None, COUNTED, PLACED],
        [(None, None), (True, Fraction(9, 100)), (False, Fraction(35, 100))],
        [None, Fraction(236, 365)],
        [None, Fraction(1, 3)],
        [None, Index(Fraction(124), Fraction("128.4"), 1)],
        [None, CostShare(kroner(300_000), 7, 2)],
        [False, True],
        ["", "https://os2.eu"],
    )
]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_reason_of_every_kind_is_told_in_whole_sentences_of_both_languages(kind: Kind) -> None:
    product = None if kind is Kind.MEMBERSHIP_DUES else "OS2valghalla"

    relieves = kind in (Kind.REBATE, Kind.EXEMPTION)

    for reason in EVERY_REASON:
        if relieves and reason.exemption is None:
            continue
        parts = parts_of(kind, reason)
        listed = explanation.sentences(kind, product, 2027, reason, parts)
        brief = explanation.why(kind, reason, parts)

        assert len(listed) >= 3
        for sentence, language in itertools.product(listed, LANGUAGES):
            words = sentence[language]
            assert words[0].isupper() or words[0].isdigit() or words.startswith("DKK"), words
            assert words.endswith("."), words
            assert ".." not in words, words
            assert "None" not in words, words
            assert "  " not in words, words
            assert "()" not in words, words
        assert all(sentence.da != sentence.en for sentence in listed)
        assert "None" not in brief.da + brief.en
        assert brief.da
        assert brief.en


def test_a_line_is_named_by_what_it_is_for() -> None:
    titles = {kind: explanation.title(kind, "OS2mo", 2027) for kind in Kind}

    assert titles[Kind.ANNUAL_FEE] == Text("OS2mo – vederlag 2027", "OS2mo – annual fee 2027")
    assert titles[Kind.JOINING_FEE] == Text("OS2mo – tilslutningsafgift", "OS2mo – joining fee")
    assert titles[Kind.MEMBERSHIP_DUES] == Text("Kontingent til OS2 2027", "OS2 membership dues 2027")
    assert len({title.da for title in titles.values()}) == len(Kind)


def test_the_short_reason_names_band_count_split_and_table() -> None:
    reason = builders.reason(size=COUNTED, member=True, contribution_share=Fraction(9, 100))

    holds(
        short(Kind.ANNUAL_FEE, reason),
        ["Mellem: 47.218 indbyggere 1. januar 2026", "32.000,00 kr. til produktet + 9 % bidrag til OS2 (2.880,00 kr.)",
         "takstblad fra 1. januar 2023"],
        ["Medium: 47,218 inhabitants 1 January 2026", "DKK 32,000.00 to the product + 9% contribution to OS2",
         "fee table from 1 January 2023"],
    )  # fmt: skip


def test_the_short_reason_names_what_was_waived_granted_shared_and_halved() -> None:
    holds(short(Kind.EXEMPTION, builders.reason(exemption="Medstifter")), ["Medstifter"], ["Medstifter"])
    holds(short(Kind.REBATE, builders.reason(rebate=kroner(1), rebate_reason="Rabat")), ["Rabat"], ["Rabat"])
    holds(
        short(Kind.ANNUAL_FEE, builders.reason(size=PLACED, passive_share=Fraction(1, 3), year_share=Fraction(1, 2))),
        ["Stor (indplacering)", "passiv: 1/3", "50 % af året"],
        ["Large (placement)", "passive: 1/3", "50% of the year"],
    )
    holds(
        short(Kind.ANNUAL_FEE, builders.reason(shared_cost=CostShare(kroner(300_000), 7, 2))),
        ["300.000,00 kr. delt af 7"],
        ["DKK 300,000.00 shared by 7"],
    )
