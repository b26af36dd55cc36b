"""The seller's settings drafted field by field: the same settings back, and each fault at its field."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as any_of

from billing import seller, seller_drafts
from billing.seller import SettingsRefused

RIGHT = seller_drafts.values_of(seller.made_up())


def test_settings_come_back_from_their_fields() -> None:
    again = seller.read(seller_drafts.text_of(RIGHT))

    assert replace(again, digest="") == replace(seller.made_up(), digest="")


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [({"seller": " "}, ["seller"]), ({"cvr": "12345678"}, ["cvr"]), ({"gln": "1"}, ["gln"]),
     ({"payment_days": "99"}, ["payment_days"]), ({"payment_days": "snart"}, ["payment_days"]),
     ({"credit_limit": "-1"}, ["credit_limit"]), ({"registration": "12"}, ["registration"]),
     ({"iban": "DK00"}, ["iban"]), ({"fik_creditor": "1"}, ["fik_creditor"]),
     ({"fik_creditor": "", "number": "", "registration": ""}, ["number"])],
)  # fmt: skip
def test_a_fault_stands_at_its_field(wrong: dict[str, str], fields: list[str]) -> None:
    with pytest.raises(SettingsRefused) as refused:
        seller.read(seller_drafts.text_of(RIGHT | wrong))

    assert list(seller_drafts.faults_by_field(refused.value)) == fields


@given(any_of.dictionaries(any_of.sampled_from(seller_drafts.FIELDS), any_of.text(max_size=40)))
def test_whatever_is_typed_is_read_or_refused_at_fields_that_there_are(typed: dict[str, str]) -> None:
    try:
        seller.read(seller_drafts.text_of(RIGHT | typed))
    except SettingsRefused as refused:
        assert set(seller_drafts.faults_by_field(refused)) <= set(seller_drafts.FIELDS)
