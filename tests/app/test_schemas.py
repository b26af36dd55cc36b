"""Schemas of what people and programs send: nothing unknown, everything bounded, every fault told in two languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import RAISE, Schema, ValidationError, fields

from app import api, schemas
from app.schemas import CreditOrder, HandOver, Invitation, Issuing, Strict, TokenRequest
from foundation.language import Text

#: The API's queries are schemas of this kind, too: they are there once the API is.
assert api.ROOMS


def _all(kind: type[Schema] = Strict) -> Iterator[type[Schema]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all(each)


SCHEMAS = sorted({each for each in _all() if not each.__module__.startswith("tests")}, key=lambda each: each.__name__)


def _fields(schema: Schema) -> Iterator[fields.Field[Any]]:
    for each in schema.fields.values():
        yield each
        if isinstance(each, fields.List):
            yield each.inner


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
def test_whatever_a_schema_can_say_it_says_in_both_languages(schema: type[Schema]) -> None:
    made = schema()

    said = [*made.error_messages.values(), *(words for each in _fields(made) for words in each.error_messages.values())]

    assert all(isinstance(words, Text) and words.da and words.en for words in said)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
@pytest.mark.parametrize(
    "hostile", ["x" * 100_000, 10**30, {"$ne": ""}, ["x"] * 5_000, None, True, "\ud800", "\0", -1.5]
)
def test_no_field_takes_what_is_hostile_and_each_says_why_in_two_languages(schema: type[Schema], hostile: Any) -> None:
    made = schema()
    sent = {name: hostile for name, field in made.fields.items() if not _takes(field, hostile)}

    told = _refused(made, sent)

    assert {place.partition(".")[0] for place, _ in told} >= sent.keys()
    assert all(words.da and words.en and words.da != words.en for _, words in told)


def _takes(field: fields.Field[Any], hostile: Any) -> bool:
    """What of these a field is for: its own kind of value, whose content is judged behind the schema."""
    return (
        (hostile is True and isinstance(field, fields.Boolean))
        or (hostile is None and bool(field.allow_none))
        or (hostile in ("\0", "\ud800") and isinstance(field, schemas.Typed))
    )


def _refused(schema: Schema, sent: Any) -> list[tuple[str, Text]]:
    try:
        schema.load(sent)
    except ValidationError as error:
        return list(schemas.faults(error.messages))
    return []


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
def test_what_is_not_of_the_schema_is_refused_by_its_name(schema: type[Schema]) -> None:
    told = dict(_refused(schema(), {"approved_by": "En Godkender"}))

    assert schema.Meta.unknown == RAISE
    assert told["approved_by"] == Text("kendes ikke her", "is not known here")


@pytest.mark.parametrize(
    ("schema", "sent", "place", "danish"),
    [
        (HandOver, {}, "digest", "skal angives"),
        (HandOver, {"digest": "0" * 64, "book": "x"}, "book", "skal være en af: real, rehearsal"),
        (CreditOrder, {"number": "1", "reason": "x", "lines": [1, 0]}, "lines.1", "skal være 1 til 10000"),
        (CreditOrder, {"number": "1", "reason": "x" * 501}, "reason", "har over 500 tegn"),
        (Issuing, {"dated": "2027-02-30"}, "dated", "Skriv fakturadatoen som 2027-01-15"),
        (Issuing, {"dated": "1999-12-31"}, "dated", "Skriv fakturadatoen som 2027-01-15"),
        (Issuing, {"dated": "20270115"}, "dated", "Skriv fakturadatoen som 2027-01-15"),
        (Invitation, {"name": "En #1", "mail": "a@b.dk", "role": "finance"}, "name", "må ikke ende som et nummer"),
        (Invitation, {"name": "En", "mail": "a@b.dk, c@d.dk", "role": "finance"}, "mail",
         "'a@b.dk, c@d.dk' er ikke én mailadresse"),
        (Invitation, {"name": "En", "mail": "a@b.dk\r\nBcc: c@d.dk", "role": "finance"}, "mail",
         "tegnet U+000D kan ikke stå på en faktura"),
        (Invitation, {"name": "En", "mail": "a@b.dk", "role": "king"}, "role", "vælg en rolle"),
        (TokenRequest, {"name": "x", "permissions": ["run.approve"]}, "permissions.0", None),
        (TokenRequest, [], "", "skal være et objekt"),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_its_place(schema: type[Schema], sent: Any, place: str, danish: str | None) -> None:
    ((found, words),) = _refused(schema(), sent)

    assert found == place
    assert danish is None or words.da == danish


def test_a_text_has_its_lines_ended_in_one_way() -> None:
    assert schemas.TableText().load({"text": "a\r\nb\rc\n"}) == {"text": "a\nb\nc\n"}
