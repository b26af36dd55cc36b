"""Forms of many fields, told as data: their groups, their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.web.lists import Choice
from foundation.language import Text

YES_NO = (Choice("yes", Text("Ja", "Yes")), Choice("no", Text("Nej", "No")))


@dataclass(frozen=True, slots=True)
class FormField:
    """One field: a line to write, or a choice where `choices` are given."""

    name: str
    title: Text
    hint: Text | None = None
    is_required: bool = True
    choices: Sequence[Choice] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together, under one heading; as rows of two where `is_pairs`."""

    title: Text
    fields: Sequence[FormField]
    is_pairs: bool = False


def labels(groups: Sequence[Group]) -> Mapping[str, Text]:
    """Give what each field is called."""
    return {field.name: field.title for group in groups for field in group.fields}
