"""The invoice as a value: its JSON is canonical, and reading it back gives the same document."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.document import (
    HEAD,
    Credited,
    DocumentLine,
    InvoiceDocument,
    Party,
    PaymentWays,
    References,
    VatTotal,
    body_json,
    completed,
    from_json,
    is_completed,
    to_json,
)
from foundation.audit import canonical
from foundation.language import Text
from foundation.money import Money
from tests.billing import documents

words = st.text(st.characters(codec="utf-8"), max_size=30)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
amounts = st.integers(-(10**12), 10**12).map(Money)
rates = st.fractions(0, 1, max_denominator=10_000)
texts = st.builds(Text, words, words)
categories = st.sampled_from(["S", "E", "O", "Z"])
endpoints = st.sampled_from(["gln", "cvr"])
lines = st.builds(
    DocumentLine,
    position=st.integers(1, 999),
    kind=words,
    product=words,
    text=texts,
    why=texts,
    first_day=st.none() | days,
    last_day=st.none() | days,
    net=amounts,
    vat_category=categories,
    vat_rate=rates,
    vat=amounts,
)
vat_totals = st.builds(VatTotal, category=categories, rate=rates, exemption=words, net=amounts, vat=amounts)
parties = st.builds(Party, *[words] * 6)
whole_documents = st.builds(
    InvoiceDocument,
    number=words,
    year=st.integers(2000, 2100),
    issued_on=days,
    due_on=days,
    seller=parties,
    seller_vat_registered=st.booleans(),
    buyer=parties,
    references=st.builds(References, endpoints, *[words] * 4),
    lines=st.lists(lines, max_size=4).map(tuple),
    vat_totals=st.lists(vat_totals, max_size=3).map(tuple),
    net=amounts,
    vat=amounts,
    gross=amounts,
    payment=st.builds(PaymentWays, *[words] * 5),
    notices=st.lists(texts, max_size=2).map(tuple),
    kind=st.sampled_from(["invoice", "credit_note"]),
    credited=st.none() | st.builds(Credited, words, days, words),
)


@given(whole_documents)
def test_reading_what_was_written_gives_the_same_document(document: InvoiceDocument) -> None:
    text = to_json(document)

    read = from_json(text)

    assert read == document
    assert to_json(read) == text


@pytest.mark.parametrize(
    "sample",
    [documents.typical, documents.many, documents.long_names, documents.mixed, documents.unregistered],
)
def test_a_real_document_survives_too(sample: object) -> None:
    assert callable(sample)
    document = sample()

    assert from_json(to_json(document)) == document


def test_head_and_body_are_canonical_and_amounts_are_ore() -> None:
    text = to_json(documents.typical())

    written = json.loads(text)
    head = {name: written[name] for name in HEAD}
    body = {name: value for name, value in written.items() if name not in HEAD}
    assert text == canonical(head)[:-1] + "," + canonical(body)[1:]
    assert isinstance(written["net"], int)
    assert written["lines"][0]["vat_rate"] == "1/4"
    assert written["issued_on"] == "2027-01-15"
    assert "ø" in text


@given(whole_documents, whole_documents)
def test_a_body_stays_letter_for_letter_what_it_was_under_any_head(
    document: InvoiceDocument, other: InvoiceDocument
) -> None:
    body = body_json(document)

    text = completed(body, {name: getattr(other, name) for name in HEAD})

    read = from_json(text)
    assert {name: getattr(read, name) for name in HEAD} == {name: getattr(other, name) for name in HEAD}
    assert body_json(read) == body
    assert is_completed(text, body)
    assert not is_completed(text, body.replace("{", "{ ", 1))


@given(whole_documents)
def test_another_document_has_another_text(document: InvoiceDocument) -> None:
    text = to_json(document)

    changed = {**json.loads(text), "gross": document.gross.ore + 1}

    assert canonical(changed) != text


@pytest.mark.parametrize("wrong", ["", "[]", "{}", '{"number": "2027-0001"}', "null"])
def test_what_is_no_document_is_not_read_as_one(wrong: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_json(wrong)


@pytest.mark.parametrize("gross", [1.5, True, "1"])
def test_an_amount_that_is_not_whole_ore_is_not_read(gross: object) -> None:
    written = json.loads(to_json(documents.typical())) | {"gross": gross}

    with pytest.raises(TypeError):
        from_json(json.dumps(written))


def test_the_payment_form_line_has_type_identification_and_creditor() -> None:
    ways = PaymentWays("80000000", "000000020211041", "", "", "")

    assert ways.fik_line == "+71<000000020211041+80000000<"
    assert PaymentWays("", "000000020211041", "", "", "").fik_line == ""


def test_a_share_is_kept_exactly() -> None:
    third = documents.invoice([documents.line()], vat_totals=(VatTotal("S", Fraction(1, 3), "", Money(1), Money(0)),))

    assert from_json(to_json(third)).vat_totals[0].rate == Fraction(1, 3)


def test_an_ordinary_invoice_says_nothing_of_credit_notes() -> None:
    written = json.loads(to_json(documents.typical()))

    assert not {"kind", "credited"} & set(written)


def test_a_credit_note_says_what_it_is_and_what_it_takes_back_in_its_body() -> None:
    credited = Credited("2027-0001", date(2027, 1, 15), "Opsagt aftale")
    credit_note = documents.invoice([documents.line()], kind="credit_note", credited=credited)

    body = json.loads(body_json(credit_note))

    assert body["kind"] == "credit_note"
    assert body["credited"] == {"issued_on": "2027-01-15", "number": "2027-0001", "reason": "Opsagt aftale"}
