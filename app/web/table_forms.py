"""The fields of what belongs to all products, the size key and the association's table, as a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.web.fields import FormField, Group
from app.web.lists import Choice
from fee_tables import common_drafts
from fee_tables.catalogue import Catalogue
from fee_tables.drafts import Draft
from foundation.language import Text

ADD = "add"  # the button that asks for one row more, and checks nothing


@dataclass(frozen=True, slots=True)
class TableForm:
    """One form: its heading, its fields, how they become a text, and what they begin with."""

    title: Text
    groups: Callable[[Mapping[str, str]], tuple[Group, ...]]  # as its values ask for: a size key has as many rows
    names: tuple[str, ...]
    text_of: Callable[[Mapping[str, str]], Draft]
    begun: Callable[[Catalogue], dict[str, str]]
    add: Text | None = None  # what the button says that draws the form again with a row more


def _decision(name: str, title: Text) -> Group:
    return Group(Text("Beslutningen", "The decision"), (
        FormField(name, title),
        FormField("valid_from", Text("Gælder fra", "Valid from"), Text("fx 2028-01-01", "such as 2028-01-01")),
        FormField("decided_on", Text("Besluttet den", "Decided on"), Text("fx 2027-11-01", "such as 2027-11-01")),
        FormField("decided_by", Text("Besluttet af", "Decided by")),
        FormField("source", Text("Kilde", "Source"), is_required=False),
    ))  # fmt: skip


def _band(nth: int) -> tuple[FormField, FormField]:
    """Give the two fields of a size; only the first must be there."""
    return (
        FormField(f"band_{nth}", Text(f"Størrelse {nth}", f"Size {nth}"), Text("fx small", "such as small")),
        FormField(f"up_to_{nth}", Text(f"Størrelse {nth}, til og med", f"Size {nth}, up to and including"),
                  Text("indbyggere; tom i den sidste", "inhabitants; empty in the last")),
    )  # fmt: skip


def _bands(rows: int) -> Group:
    title = Text("Størrelserne, den mindste først; tomme rækker tæller ikke",
                 "The sizes, smallest first; empty rows do not count")  # fmt: skip
    return Group(title, tuple(field for nth in range(1, rows + 1) for field in _band(nth)), is_pairs=True)


_DUES = Group(Text("Kontingent", "Dues"), (
    FormField("dues", Text("Kontingent, kr. om året", "Dues, DKK a year")),
    FormField("half_after", Text("Halvt ved indmeldelse efter", "Half when joining after"),
              Text("måned og dag, fx 07-01", "month and day, such as 07-01"), is_required=False),
    FormField("old", Text("Indeks før", "Index before"), Text("fx 124,0", "such as 124.0"), is_required=False),
    FormField("new", Text("Indeks efter", "Index after"), is_required=False),
    FormField("round_to", Text("Afrundes til", "Rounded to"), choices=(
        Choice("1", Text("Hele kroner", "Whole kroner")), Choice("0.01", Text("Øre", "Øre")))),
    FormField("vat", Text("Moms af kontingentet", "VAT on the dues"), Text("25 % eller exempt", "25 % or exempt"),
              is_required=False),
    FormField("vat_exemption", Text("Grund til momsfritagelse", "Reason for VAT exemption"), is_required=False),
))  # fmt: skip
_SHARES = Group(Text("Foreningens bidrag af vederlaget", "The association's contribution, of the annual fee"), (
    FormField("member", Text("Medlemmer", "Members"), Text("fx 9 % eller 1/11", "such as 9 % or 1/11")),
    FormField("non_member", Text("Andre", "Others"), Text("fx 18 %", "such as 18 %")),
))  # fmt: skip


def _newest(decisions: Any) -> Any:
    return next(iter(decisions), None)


SIZE_KEY = TableForm(
    Text("Ny fordelingsnøgle", "New size key"),
    lambda values: (_decision("size_key", Text("Navn", "Name")), _bands(common_drafts.rows(values))),
    (*common_drafts.SIZE_KEY_FIELDS, common_drafts.ROWS, ADD),
    common_drafts.size_key_text,
    lambda known: common_drafts.size_key_values(_newest(known.size_keys)),
    Text("Tilføj en størrelse", "Add a size"),
)
ASSOCIATION = TableForm(
    Text("Nyt kontingent og bidrag", "New dues and contribution"),
    lambda values: (_decision("association", Text("Forening", "Association")), _DUES, _SHARES),
    common_drafts.ASSOCIATION_FIELDS,
    common_drafts.association_text,
    lambda known: common_drafts.association_values(_newest(known.association)),
)
