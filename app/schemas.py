"""What people and programs send, read by one schema an act: forms and the API share them. Unknown members are refused.

Texts are composed and checked as everything that paper and XML must show; numbers and truths are exactly that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from app.identity import tokens
from foundation import wording

_WHOLE = re.compile(r"-?[0-9]{1,9}")


class Strict(Schema):
    """A schema that refuses what it does not know, so that nothing is set that was not meant to be."""

    class Meta:
        unknown = RAISE


class Words(fields.String):
    """A text that paper and XML can show."""

    def __init__(self, longest: int = wording.LONGEST_TEXT, *, may_be_empty: bool = False, **other: Any) -> None:
        self._longest = longest
        self._may_be_empty = may_be_empty
        least = {} if may_be_empty else {"minLength": 1}
        super().__init__(metadata={"maxLength": longest, **least, **other.pop("metadata", {})}, **other)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> str:
        words = wording.composed(super()._deserialize(value, attr, data, **other)).strip()
        if fault := wording.fault(words, self._longest):
            raise ValidationError(fault.en)
        if not words and not self._may_be_empty:
            raise ValidationError("Must not be empty.")
        return words


class Whole(fields.Integer):
    """A whole number: a JSON number without a fraction, or in a form and an address its digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and _WHOLE.fullmatch(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **other)


class Truth(fields.Boolean):
    """True or false, and nothing that looks like it; a ticked box of a form is "on"."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> bool:
        if value is True or value == "on":
            return True
        if value is False:
            return False
        raise self.make_error("invalid", input=value)


class Formed(fields.String):
    """A text of a form, from its first to its last character."""

    def __init__(self, form: str, *, metadata: Mapping[str, Any] | None = None, **other: Any) -> None:
        self._form = re.compile(form)
        super().__init__(metadata={"pattern": f"^{form}$", **(metadata or {})}, **other)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> str:
        words: str = super()._deserialize(value, attr, data, **other)
        if not self._form.fullmatch(words):
            raise ValidationError("Not of the documented form.")
        return words


def book() -> fields.String:
    """Give a field for the book: real, or a rehearsal that binds nobody."""
    return fields.String(
        validate=validate.OneOf(("real", "rehearsal")), load_default="real",
        metadata={"description": "`real`, or `rehearsal`, which binds nobody"},
    )  # fmt: skip


class HandOver(Strict):
    """A plan handed over for another person's approval, by its digest."""

    digest = Formed("[0-9a-f]{64}", required=True, metadata={"description": "of the plan that was read"})
    book = book()


class Issuing(Strict):
    """Issuing what another person approved."""

    book = book()
    dated = fields.Date(format="iso", allow_none=True, metadata={"description": "today without it"})


class CreditOrder(Strict):
    """Taking an invoice, or lines of it, back."""

    number = Words(40, required=True, metadata={"description": "of the invoice"})
    lines = fields.List(
        Whole(validate=validate.Range(1, 10_000)), validate=validate.Length(max=1_000),
        metadata={"description": "positions; all that is left without them"},
    )  # fmt: skip
    reason = Words(required=True, metadata={"description": "stands on the credit note"})
    then_reissue = Truth(load_default=False, metadata={"description": "whether the next plan proposes the lines again"})


class TableText(Strict):
    """The TOML text of one fee table, size key or association's table."""

    text = fields.String(required=True, validate=validate.Length(1, 20_000))


class TokenRequest(Strict):
    """A token somebody makes for a program of theirs."""

    name = Words(wording.LONGEST_NAME, required=True)
    permissions = fields.List(fields.String(validate=validate.OneOf(tokens.OFFERED)), load_default=list)
    days = Whole(load_default=90, validate=validate.Range(1, tokens.LONGEST_DAYS))
