"""The price calculator, for everybody: an authority, products, and what they cost as a member of OS2 and as none.

The address holds the whole calculation, so a link carries it. Nothing is kept, and nothing is told of what the
authority has agreed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import access, database
from app.web import layout
from authorities.register import AUTHORITIES
from billing import calculator
from billing.calculator import Calculation, Line, Wish, Year
from billing.fee_annex import NoSuchPayer
from fee_tables import catalogue, facts
from fee_tables.calculation import Kind
from fee_tables.catalogue import Catalogue
from fee_tables.size_key import band_title
from foundation.language import Text, day
from foundation.money import Money
from foundation.sorting import alphabetical

blueprint = Blueprint("calculator", __name__)

#: More products than there are; an address of more is nobody's.
MOST_WISHES = 60
_TYPES = {
    "kommune": Text("Kommuner", "Municipalities"),
    "region": Text("Regioner", "Regions"),
}
_OTHERS = Text("Andre myndigheder", "Other authorities")


@dataclass(frozen=True, slots=True)
class Offered:
    """A product that can be wished for: what it costs today, and whether it can be joined passively."""

    name: str
    fee: Text
    may_be_passive: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for; `errors` by field."""

    cvr: str
    on: date
    wishes: tuple[Wish, ...]
    errors: Mapping[str, Text]

    @property
    def is_whole(self) -> bool:
        """Tell whether there is something to calculate."""
        return bool(self.cvr) and not self.errors

    def chose(self, product: str, kind: str) -> bool:
        """Tell whether a product is wished for in this way."""
        return any(wish.product == product and wish.kind == kind for wish in self.wishes)

    @property
    def address(self) -> str:
        """Give the address of the same calculation, shorter than a form writes it."""
        fields = [("authority", self.cvr), *((wish.kind, wish.product) for wish in self.wishes), ("on", str(self.on))]
        return f"/calculator?{urlencode(fields)}"


@dataclass(frozen=True, slots=True)
class Pair:
    """One line as a member and as none, beside each other; None where it is not due."""

    title: Text
    as_member: Money | None
    as_other: Money | None
    told: tuple[tuple[Text, tuple[Text, ...]], ...]  # for whom, and the way to the amount


@blueprint.get("/calculator")
@access.public
def page() -> ResponseReturnValue:
    """Show the form, and what its wishes cost."""
    with database.reading() as session:
        known, today = catalogue.read(session), layout.today()
        asked = read(request.args, today)
        found: Calculation | None = None
        if asked.is_whole:
            try:
                found = calculator.calculate(session, asked.cvr, asked.wishes, asked.on)
            except NoSuchPayer as refused:
                asked = Asked(asked.cvr, asked.on, asked.wishes, {"authority": refused.text})
        answer = render_template(
            "calculator/page.html",
            asked=asked,
            found=found,
            offered=offered(known, asked.on),
            choices=authorities_by_kind(session, today),
            pairs=pairs,
            remarks=_remarks(found) if found else [],
            band_title=band_title,
        )
    return (answer, 422) if asked.errors else answer


def read(given: MultiDict[str, str], today: date) -> Asked:
    """Read an address: an authority's CVR number, products by how they are joined, a day (today where it says none)."""
    errors: dict[str, Text] = {}
    on = today
    if told := given.get("on", "").strip():
        try:
            on = date.fromisoformat(told)
        except ValueError:
            errors["on"] = Text("Skriv dagen som 2027-01-31", "Write the day as 2027-01-31")
        if abs(on.year - today.year) > 1:
            on, errors["on"] = today, Text("Vælg en dag i år, sidste år eller næste år",
                                           "Choose a day of this year, the last or the next")  # fmt: skip
    wishes = dict.fromkeys(name.strip() for name in given.getlist("active") if name.strip())
    passive = dict.fromkeys(name.strip() for name in given.getlist("passive") if name.strip())
    if len(wishes) + len(passive) > MOST_WISHES:
        errors["active"] = Text("Vælg færre produkter", "Choose fewer products")
        wishes, passive = {}, {}
    active = (Wish(name, "active") for name in wishes if name not in passive)
    return Asked(
        given.get("authority", "").strip(), on, (*active, *(Wish(name, "passive") for name in passive)), errors
    )


def offered(known: Catalogue, on: date) -> list[Offered]:
    """Give the products with an annual fee on a day, by name."""
    tables = {name: known.annual_table(name, on) for name in known.fee_tables}
    return [
        Offered(name, facts.amount_of(table.annual_fee), table.passive_share is not None)
        for name, table in sorted(tables.items(), key=lambda each: alphabetical(each[0]))
        if table is not None
    ]


def authorities_by_kind(session: Session, on: date) -> list[tuple[Text, Sequence[Any]]]:
    """Give the authorities that there are today, by kind."""
    columns = AUTHORITIES.c
    rows = session.execute(
        select(columns.cvr, columns.name, columns.type).where(columns.valid_to.is_(None) | (columns.valid_to >= on))
    ).all()
    ordered = sorted(rows, key=lambda row: alphabetical(row.name))
    kinds: list[tuple[Text, Sequence[Any]]] = [
        (title, [row for row in ordered if row.type == type_]) for type_, title in _TYPES.items()
    ]
    others = [row for row in ordered if row.type not in _TYPES]
    return [(title, listed) for title, listed in (*kinds, (_OTHERS, others)) if listed]


def pairs(as_member: Year, as_other: Year) -> list[Pair]:
    """Put the lines of a year beside each other: products in their order, the dues behind them."""
    mine, theirs = ({_place(line): line for line in year.lines} for year in (as_member, as_other))
    places = sorted(dict.fromkeys((*mine, *theirs)), key=lambda place: (place[0] == "", place[0], place[1].value))
    return [_pair(mine.get(place), theirs.get(place)) for place in places]


def _place(line: Line) -> tuple[str, Kind]:
    return line.product or "", line.kind


def _pair(mine: Line | None, theirs: Line | None) -> Pair:
    line = mine or theirs
    assert line is not None
    alike = mine is not None and theirs is not None and mine.sentences == theirs.sentences
    told = [(Text("Som medlem", "As a member"), mine), (Text("Uden medlemskab", "Without membership"), theirs)]
    whom = [(Text("", ""), mine)] if alike else told
    return Pair(
        line.title, mine.net if mine else None, theirs.net if theirs else None,
        tuple((title, each.sentences) for title, each in whom if each is not None),
    )  # fmt: skip


def _remarks(found: Calculation) -> list[Text]:
    """Give what is estimated, not due or cannot be told, each once."""
    estimated = [_estimated(*days) for days in found.carried]
    years = (found.as_other.first, found.as_other.later, found.as_member.first, found.as_member.later)
    return [*estimated, *dict.fromkeys(remark for year in years for remark in year.remarks)]


def _estimated(missing: date, known: date) -> Text:
    wanted, used = day(missing), day(known)
    return Text(
        f"Indbyggertallet {wanted.da} kendes ikke endnu; der er regnet med tallet fra {used.da}.",
        f"The inhabitants on {wanted.en} are not known yet; those of {used.en} stand in for them.",
    )
