"""The agreement as a value: one text for one value, one digest for what is shown, signed and sealed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from agreements import document, template_text
from agreements.document import Billing, Grants
from foundation.audit import sha256
from tests.agreements.documents import agreement, annex


def test_a_document_is_read_back_as_what_was_written() -> None:
    made = agreement(grants=Grants(100, "Medfinansierer", ""), annex=annex(later=annex().lines[2:], band=None))

    read = document.from_canonical(made.canonical())

    assert read == made
    assert read.digest() == made.digest() == sha256(made.canonical())


def test_the_canonical_text_has_sorted_keys_and_no_spaces_between() -> None:
    text = agreement().canonical()

    assert text.startswith('{"annex":{"band":{"da":"Meget stor"')
    assert '"effective_on":"2027-01-01"' in text


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"effective_on": date(2027, 2, 1)},
        {"kind": "passive"},
        {"billing": Billing("cvr")},
        {"annex": annex(total_ore=40_668_001)},
        {"in_order": False},
        {"notices": (agreement().title,)},
    ],
)
def test_whatever_changes_in_it_changes_its_digest(changed: dict[str, object]) -> None:
    made = agreement()

    other = replace(made, **changed)  # type: ignore[arg-type]

    assert other.digest() != made.digest()


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('"version":1', '"version":"1"'),
        ('"version":1', '"version":true'),
        ('"version":1', '"version":1.0'),
        ('"kind":"active"', '"kind":"asleep"'),
        ('"effective_on":"2027-01-01"', '"effective_on":"20270101"'),
        ('"effective_on":"2027-01-01"', '"effective_on":"tomorrow"'),
        ('"in_order":true', '"in_order":true,"more":1'),
        ('"in_order":true,', ""),
        ('"notices":[]', '"notices":{}'),
        ('"title":{', '"title":{ '),
        ('"version":1', '"version":2,"version":1'),
    ],
)
def test_a_text_that_is_not_letter_for_letter_a_document_is_refused(was: str, now: str) -> None:
    text = agreement().canonical()
    assert was in text

    with pytest.raises(ValueError):
        document.from_canonical(text.replace(was, now, 1))


@pytest.mark.parametrize(
    "text", ["[]", "null", '"x"', "", "{}", '{"a":1}', "[" * 5_000, "1e999", "\ud800", '{"title":{"da":"\\ud800"}}']
)
def test_whatever_else_is_no_document_and_no_template(text: str) -> None:
    for read in (document.from_canonical, template_text.from_canonical):
        with pytest.raises(ValueError):
            read(text)
