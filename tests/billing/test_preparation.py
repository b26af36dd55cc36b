"""What is prepared of an invoice is what its draft says: every line, every øre, every reason."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from billing import preparation
from billing.charges import Draft, drafted
from billing.document import from_json
from billing.preparation import Faulty, prepare
from fee_tables.calculation import Kind, Parts, reason_json
from fee_tables.table import Vat
from foundation.money import ZERO, kroner
from tests import builders
from tests.builders import charge, details, payer, seller

HEAD = {
    "number": "2027-0001",
    "issued_on": "2027-01-15",
    "due_on": "2027-02-14",
    "payment": {"fik_creditor": "", "fik_id": "", "registration": "", "account": "", "iban": ""},
    "notices": [],
}


def draft(*, vat: Vat = builders.TAXED) -> Draft:
    """An invoice of dues, a fee with its contribution, and a joining fee that is waived."""
    fee = Parts(kroner(32_000), kroner(2_880))
    charges = [
        charge(None, kind=Kind.MEMBERSHIP_DUES, parts=Parts(ZERO, kroner(25_000))),
        charge("OS2valghalla", parts=fee, vat=vat),
        charge("OS2valghalla", 7_000_000, kind=Kind.JOINING_FEE),
        charge("OS2valghalla", -7_000_000, kind=Kind.EXEMPTION),
    ]
    return drafted(payer(), details(), charges, vat_registered=True)


def test_the_lines_are_those_of_the_draft() -> None:
    of = draft()

    lines = list(preparation.lines(prepare(of, 2027, seller()).lines))

    assert [(line.key, line.kind, line.product) for line in lines] == [
        (charge.key, charge.kind.value, charge.product) for charge, _, _, _ in of.lines
    ]
    assert [(line.net_ore, line.product_ore, line.association_ore, line.vat_ore) for line in lines] == [
        (charge.parts.net.ore, charge.parts.product.ore, charge.parts.association.ore, vat.ore)
        for charge, _, _, vat in of.lines
    ]
    assert [(line.agreement_id is None, line.membership_id is None) for line in lines] == [(True, False)] + [
        (False, True)
    ] * 3
    assert [json.loads(line.reason) for line in lines] == [reason_json(charge.reason) for charge, _, _, _ in of.lines]


def test_the_body_says_what_the_draft_says() -> None:
    of = draft()

    body = prepare(of, 2027, seller()).body

    document = from_json(json.dumps(HEAD | json.loads(body)))
    assert (document.net, document.vat, document.gross) == (of.net, of.vat, of.gross)
    assert document.buyer.name == of.payer.name and document.references == of.details
    assert [(line.net, line.vat, line.vat_rate) for line in document.lines] == [
        (charge.parts.net, vat, rate) for charge, _, rate, vat in of.lines
    ]
    assert not set(json.loads(body)) & set(HEAD)


def test_preparing_twice_gives_the_same_letters() -> None:
    assert prepare(draft(), 2027, seller()) == prepare(draft(), 2027, seller())


def test_what_fails_our_own_checks_is_refused_with_the_buyers_name() -> None:
    with pytest.raises(Faulty) as refused:
        prepare(draft(vat=Vat(Fraction(1, 3))), 2027, seller())

    assert payer().name in refused.value.text.da and "Momssatsen" in refused.value.text.da
    assert payer().name in refused.value.text.en and "VAT rate" in refused.value.text.en
