"""Drafts: VAT per rate on the sum and split to the lines, every charge on one draft, one order whatever came first."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.annual_run import draft_invoices
from billing.charges import Charge, Draft, content_digest, content_text, drafted
from fee_tables.calculation import Kind, Parts
from fee_tables.table import Vat
from foundation.money import ZERO, Money, half_up, kroner, total
from tests import builders
from tests.builders import charge, details, payer, seller

TEN = Vat(Fraction(1, 10))
EXEMPT = Vat(Fraction(0), "VATEX-EU-132-1L forening")
ZERO_RATED = Vat(Fraction(0))

vats = st.sampled_from([builders.TAXED, TEN, EXEMPT, ZERO_RATED, Vat(Fraction(1, 3))])
places = st.builds(
    details,
    gln=st.sampled_from(["5790002750595", "5798009811578", ""]),
    person_reference=st.sampled_from(["", "Åse"]),
    order_reference=st.sampled_from(["", "4711"]),
    accounting_cost=st.sampled_from(["", "1.06"]),
    endpoint=st.sampled_from(["gln", "cvr"]),
)


@st.composite
def charges(draw: st.DrawFn, *, one_place: bool = False) -> list[Charge]:
    """Charges with keys of their own, positive and negative, of several rates."""
    count = draw(st.integers(1, 12))
    made = []
    for nth in range(count):
        ore = draw(st.integers(-(10**7), 10**8))
        association = draw(st.integers(0, 10**6))
        made.append(
            charge(
                f"OS2p{nth:02d}",
                kind=draw(st.sampled_from([Kind.ANNUAL_FEE, Kind.JOINING_FEE, Kind.REBATE, Kind.EXEMPTION])),
                sent_to=details() if one_place else draw(places),
                vat=draw(vats),
                parts=Parts(Money(ore), Money(association)),
                agreement_id=draw(st.integers(1, 4)),
            )
        )
    return made


def draft(*listed: Charge, vat_registered: bool = True) -> Draft:
    """One invoice of these charges."""
    return drafted(payer(), details(), listed, vat_registered=vat_registered)


def drafts(listed: list[Charge]) -> list[Draft]:
    """The invoices of these charges."""
    return draft_invoices(builders.billable(), listed, seller())


# --- VAT


def test_pv_079_five_times_40_and_20_with_10_percent() -> None:
    made = draft(
        *(charge(f"OS2p{nth}", 4_000, vat=TEN) for nth in range(5)), charge("OS2untaxed", 2_000, vat=ZERO_RATED)
    )

    assert (made.net, made.vat, made.gross) == (kroner(220), kroner(20), kroner(240))
    assert {(share.category, share.net, share.vat) for share in made.vat_shares} == {
        ("S", kroner(200), kroner(20)),
        ("Z", kroner(20), ZERO),
    }


def test_pv_080_mixed_signs_on_one_invoice() -> None:
    made = draft(
        *(charge(f"OS2p{nth}", 1_000, vat=TEN) for nth in range(5)),
        *(charge(f"OS2q{nth}", -500, kind=Kind.REBATE, vat=TEN) for nth in range(2)),
    )

    assert (made.net, made.vat, made.gross) == (kroner(40), kroner(4), kroner(44))
    assert sorted(line.vat.ore for line in made.lines) == [-50, -50, 100, 100, 100, 100, 100]


def test_vat_is_rounded_once_on_the_sum_and_split_by_largest_remainder() -> None:
    made = draft(*(charge(f"OS2p{nth}", 2) for nth in range(3)))

    assert made.vat == Money(2)
    assert [line.vat.ore for line in made.lines] == [1, 1, 0]


@given(charges(one_place=True), st.booleans())
def test_the_vat_of_the_lines_is_the_vat_of_their_rate_which_is_its_net_times_the_rate_rounded(
    listed: list[Charge], vat_registered: bool
) -> None:
    made = draft(*listed, vat_registered=vat_registered)

    assert made.net == total(one.parts.net for one in listed)
    assert made.vat == total(line.vat for line in made.lines)
    for share in made.vat_shares:
        lines = [line for line in made.lines if (line.category, line.rate) == (share.category, share.rate)]
        assert share.net == total(line.charge.parts.net for line in lines)
        assert share.vat == Money(half_up(share.net.ore * share.rate)) == total(line.vat for line in lines)
        assert all(abs(line.vat.ore - line.charge.parts.net.ore * line.rate) < 1 for line in lines)


def test_each_way_of_vat_has_its_category() -> None:
    made = draft(charge("OS2a"), charge("OS2b", vat=EXEMPT), charge("OS2c", vat=ZERO_RATED), charge("OS2d", vat=TEN))

    assert [(line.charge.product, line.category, line.rate) for line in made.lines] == [
        ("OS2a", "S", Fraction(1, 4)),
        ("OS2b", "E", Fraction(0)),
        ("OS2c", "Z", Fraction(0)),
        ("OS2d", "S", Fraction(1, 10)),
    ]
    assert [share.exemption for share in made.vat_shares if share.category == "E"] == [EXEMPT.exemption]


def test_a_seller_that_is_not_registered_takes_no_vat_and_says_why() -> None:
    made = draft(charge("OS2a"), charge("OS2b", vat=EXEMPT), vat_registered=False)

    assert made.gross == made.net
    assert [(share.category, share.vat) for share in made.vat_shares] == [("O", ZERO)]
    assert made.vat_shares[0].exemption.startswith("VATEX-EU-O ")


# --- the order of the lines


def test_dues_stand_first_and_a_joining_fee_behind_its_annual_fee() -> None:
    listed = [
        charge("os2B", agreement_id=2),
        charge("OS2a", kind=Kind.REBATE),
        charge(None, kind=Kind.MEMBERSHIP_DUES),
        charge("OS2a", kind=Kind.JOINING_FEE),
        charge("OS2a"),
    ]

    made = draft(*listed)

    assert [(line.charge.kind, line.charge.product) for line in made.lines] == [
        (Kind.MEMBERSHIP_DUES, None),
        (Kind.ANNUAL_FEE, "OS2a"),
        (Kind.JOINING_FEE, "OS2a"),
        (Kind.REBATE, "OS2a"),
        (Kind.ANNUAL_FEE, "os2B"),
    ]


def test_pv_010_an_exemption_follows_the_fee_it_waives() -> None:
    made = draft(charge(kind=Kind.EXEMPTION, ore=-100), charge(kind=Kind.JOINING_FEE, ore=100))

    assert [line.charge.kind for line in made.lines] == [Kind.JOINING_FEE, Kind.EXEMPTION]


# --- grouping


@given(charges())
def test_every_charge_stands_on_exactly_one_draft_with_those_of_equal_details(listed: list[Charge]) -> None:
    made = drafts(listed)

    placed = [line.charge.key for one in made for line in one.lines]
    assert sorted(placed) == sorted(one.key for one in listed)
    assert len({one.details for one in made}) == len(made)
    assert all(line.charge.details == one.details for one in made for line in one.lines)
    assert total(one.net for one in made) == total(one.parts.net for one in listed)


@given(charges(), st.randoms(use_true_random=False))
def test_pv_067_the_drafts_are_the_same_whatever_the_order_of_the_charges(
    listed: list[Charge], chance: random.Random
) -> None:
    shuffled = list(listed)
    chance.shuffle(shuffled)

    assert [content_text(one) for one in drafts(shuffled)] == [content_text(one) for one in drafts(listed)]


@pytest.mark.parametrize("field", ["gln", "person_reference", "order_reference", "accounting_cost", "endpoint"])
def test_any_billing_detail_that_differs_makes_an_invoice_of_its_own(field: str) -> None:
    changed: dict[str, Any] = {field: "cvr" if field == "endpoint" else "5790002750595"}
    other = replace(details(), **changed)

    made = drafts([charge("OS2a"), charge("OS2b", sent_to=other), charge("OS2c")])

    assert sorted(len(one.lines) for one in made) == [1, 2]


def test_without_charges_there_is_no_draft() -> None:
    assert drafts([]) == []


# --- what is approved


def test_the_content_covers_what_decides_the_invoice() -> None:
    base = content_text(draft(charge()))
    variants = [
        draft(charge(ore=3_200_001)),
        draft(charge(vat=TEN)),
        draft(charge(vat=EXEMPT)),
        draft(charge(product="OS2other")),
        draft(charge()._replace(first_day=date(2027, 2, 1))),
        draft(charge()._replace(reason=builders.reason(member=True))),
        drafted(payer(name="Kolding Kommune"), details(), [charge()], vat_registered=True),
        drafted(payer(address="Torvet 1"), details(), [charge()], vat_registered=True),
        drafted(payer(), details(order_reference="4711"), [charge()], vat_registered=True),
        draft(charge(), vat_registered=False),
    ]

    texts = {content_text(variant) for variant in variants}

    assert len(texts) == len(variants)
    assert base not in texts


def test_the_content_is_plain_json_and_its_digest_follows_it() -> None:
    text = content_text(draft(charge()))

    content = json.loads(text)
    assert content["lines"][0]["product_ore"] == 3_200_000
    assert content["lines"][0]["period"] == ["2027-01-01", "2027-12-31"]
    assert content_digest(text) == content_digest(text)
    assert content_digest(text) != content_digest(text + " ")
