"""Forms, read by the schemas of `app/schemas.py`: what a form may hold, and what is told at the fields that are wrong.

`read` is for a form that is shown again with its faults; `taken` for one that is a button, or is not shown again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError, fields

from app import schemas
from foundation import wording
from foundation.errors import Refused
from foundation.language import Text, joined, same

_TOKEN = "csrf_token"  # layout.py looks at what is in it
_LABELS = {
    "reason": Text("grund", "reason"), "digest": Text("kontrolsum", "digest"), "book": Text("regnskab", "book"),
    "language": Text("sprog", "language"),
}  # fmt: skip
_TWICE = Text("er sendt flere gange", "was sent more than once")


class FormRefused(Refused):
    """A form holds what it may not, or lacks what it must."""

    def __init__(self, errors: Mapping[str, Text]) -> None:
        super().__init__(joined([_named(name) + words for name, words in errors.items()], by="\n"))
        self.errors = errors


def _named(name: str) -> Text:
    return _LABELS.get(name, same(name)) + same(": ") if name else same("")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form held: its values where all is well, else what is told at each field; and what was typed."""

    values: Mapping[str, Any]
    errors: Mapping[str, Text]
    typed: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, otherwise: Any = None) -> Any:
        """Give a value, or another where it was not sent."""
        return self.values.get(name, otherwise)


#: What a page shows of its form before it was sent.
UNSENT = Sent({}, {}, {})


def read(of: type[Schema] | Schema, **known: Any) -> Sent:
    """Read the form that was sent; `known` is what the address says, which no field may say otherwise."""
    schema = of() if isinstance(of, type) else of
    sent = _sent(schema)
    typed = {name: value for name, value in sent.items() if name in schema.fields}
    if wrong := _strangers(name for name in sent if name not in schema.fields or name in known) or _twice(schema):
        return Sent({}, wrong, typed)
    try:
        return Sent(schema.load({**sent, **known}), {}, typed)
    except ValidationError as error:
        return Sent({}, _told(error, schema), typed)


def in_order(of: type[Schema] | Schema, errors: Mapping[str, Text], **before: str) -> dict[str, Text]:
    """Give faults that an act found in the order of the form; what is of no field comes first.

    `before` names for a group of fields, which is none itself, the field that it stands before.
    """
    order = {name: at for at, name in enumerate((of() if isinstance(of, type) else of).fields)}
    return dict(sorted(errors.items(), key=lambda each: order.get(before.get(each[0], each[0]), -1)))


def taken(of: type[Schema] | Schema, **known: Any) -> Mapping[str, Any]:
    """Give what a form held. Raises FormRefused."""
    sent = read(of, **known)
    if sent.errors:
        raise FormRefused(sent.errors)
    return sent.values


def _sent(schema: Schema) -> dict[str, Any]:
    """Give the fields of a form: a list where the schema has one; what is left empty, and may be, as not sent."""
    found = {
        name: request.form.getlist(name) if _is_list(schema, name) else _trimmed(request.form[name])
        for name in request.form
        if name != _TOKEN
    }
    kept = {name: value for name, value in found.items() if value != "" or not _may_lack(schema, name)}
    return kept | dict(request.files)


def _trimmed(words: str) -> str:
    """Give a line without the spaces around it; a text of lines is left as it is."""
    return words if "\n" in words else words.strip()


def _is_list(schema: Schema, name: str) -> bool:
    return isinstance(schema.fields.get(name), fields.List)


def _may_lack(schema: Schema, name: str) -> bool:
    return name in schema.fields and not schema.fields[name].required


def _twice(schema: Schema) -> dict[str, Text]:
    sent = (*request.form.items(multi=True), *request.files.items(multi=True))
    often = Counter(name for name, _ in sent)
    return {name: _TWICE for name in schema.fields if often[name] > 1 and not _is_list(schema, name)}


def _strangers(names: Iterable[str]) -> dict[str, Text]:
    """Tell of the first field that is not of the form."""
    for name in names:
        shown = wording.quoted(name)
        return {"": Text(f"Formularen har et felt, der ikke hører til: {shown}. Hent siden igen",
                         f"The form has a field that is not its own: {shown}. Load the page again")}  # fmt: skip
    return {}


def _told(error: ValidationError, schema: Schema) -> dict[str, Text]:
    """Give each field's first fault, in the order of the form."""
    found: dict[str, Text] = {}
    for place, words in schemas.faults(error.messages):
        found.setdefault(place.partition(".")[0], words)
    return {name: found[name] for name in schema.fields if name in found}
