"""The plan of a year as a list: what its columns say, which rows an address asks for, its lines as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.web import memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from billing import explanation, plan_snapshot
from billing.charges import DraftLine
from billing.plan_snapshot import COLUMNS, Row, Snapshot, Wanted
from fee_tables.calculation import Kind
from fee_tables.size_key import band_title
from foundation.language import Language, Text, same

KINDS: Mapping[Kind, Text] = {
    Kind.ANNUAL_FEE: Text("Vederlag", "Annual fee"),
    Kind.JOINING_FEE: Text("Tilslutningsafgift", "Joining fee"),
    Kind.REBATE: Text("Rabat", "Rebate"),
    Kind.EXEMPTION: Text("Fritagelse", "Exemption"),
    Kind.MEMBERSHIP_DUES: Text("Kontingent", "Dues"),
}

_COLUMNS = (
    Column("order", Text("Nr.", "No."), lambda row: row.position),
    Column("name", Text("Myndighed", "Authority"), lambda row: row.draft.payer.name,
           link=lambda row: f"/authorities/{row.draft.payer.cvr}"),
    Column("cvr", same("CVR"), lambda row: row.draft.payer.cvr),
    Column("band", Text("Størrelse", "Size"), lambda row: band_title(row.band)),
    Column("lines", Text("Linjer", "Lines"), lambda row: len(row.draft.lines)),
    Column("net", Text("Uden moms", "Net"), lambda row: row.draft.net),
    Column("vat", Text("Moms", "VAT"), lambda row: row.draft.vat),
    Column("gross", Text("I alt", "Total"), lambda row: row.draft.gross),
)  # fmt: skip


def listing(snapshot: Snapshot) -> MemoryListing:
    """Declare the list of a plan; its choices are those that the plan knows."""
    return MemoryListing(
        name=f"plan-{snapshot.plan.year}",
        caption=Text(f"Fakturaer i planen for {snapshot.plan.year}", f"Invoices of the plan for {snapshot.plan.year}"),
        columns=_COLUMNS,
        filters=_fields(snapshot),
        sort="order",
        sortable=frozenset(COLUMNS),
        numbers=frozenset({"order", "lines", "net", "vat", "gross"}),
        empty=Text("Der er intet nyt at fakturere for året.", "There is nothing new to invoice for the year."),
    )


def _fields(snapshot: Snapshot) -> tuple[Field, ...]:
    return (
        Field("q", Text("Navn eller CVR", "Name or CVR")),
        Field("product", Text("Produkt", "Product"), [Choice(name, same(name)) for name in snapshot.products]),
        Field("kind", Text("Slags linje", "Kind of line"), [Choice(kind, title) for kind, title in KINDS.items()]),
        Field("band", Text("Størrelse", "Size"), [Choice(name, band_title(name)) for name in snapshot.bands]),
        Field("problems", Text("Problemer", "Problems"), [Choice("yes", Text("Kun med problemer", "Only with some"))]),
        Field("least", Text("Mindst, kr. uden moms", "At least, DKK net")),
        Field("most", Text("Højst, kr. uden moms", "At most, DKK net")),
    )


def wanted(of: MemoryListing, asked: Mapping[str, str], spoken: Language) -> Wanted:
    """Read which rows an address asks for. Raises NotFound or NotAnAmount."""
    given = memory_list.values(of, asked)
    sort, descending = memory_list.sorting(of, asked)
    return Wanted(
        text=given["q"],
        product=given["product"],
        kind=Kind(given["kind"]) if given["kind"] else None,
        band=given["band"],
        with_problems=bool(given["problems"]),
        least=memory_list.amount(given["least"], spoken),
        most=memory_list.amount(given["most"], spoken),
        sort=next(column for column in COLUMNS if column == sort),
        descending=descending,
    )


# --- as a file: a row for each line


class Line(NamedTuple):
    """A line with its invoice."""

    row: Row
    line: DraftLine


def lines(rows: Sequence[Row]) -> Iterator[Line]:
    """Give the lines of some invoices, one after another."""
    return (Line(row, line) for row in rows for line in row.draft.lines)


LINE_COLUMNS = (
    Column("order", Text("Faktura", "Invoice"), lambda of: of.row.position),
    Column("cvr", same("CVR"), lambda of: of.row.draft.payer.cvr),
    Column("name", Text("Myndighed", "Authority"), lambda of: of.row.draft.payer.name),
    Column("gln", same("GLN"), lambda of: of.row.draft.details.gln),
    Column("person", Text("Att.", "Attention"), lambda of: of.row.draft.details.person_reference),
    Column("reference", Text("Ordrenummer", "Order number"), lambda of: of.row.draft.details.order_reference),
    Column("account", Text("Kontering", "Accounting cost"), lambda of: of.row.draft.details.accounting_cost),
    Column("product", Text("Produkt", "Product"), lambda of: of.line.charge.product or "OS2"),
    Column("kind", Text("Slags", "Kind"), lambda of: KINDS[of.line.charge.kind]),
    Column("net", Text("Uden moms", "Net"), lambda of: of.line.charge.parts.net),
    Column("to_product", Text("Til produktet", "To the product"), lambda of: of.line.charge.parts.product),
    Column("to_os2", Text("Til foreningen", "To the association"), lambda of: of.line.charge.parts.association),
    Column("vat", Text("Moms", "VAT"), lambda of: of.line.vat),
    Column("why", Text("Begrundelse", "Reason"), lambda of: short_reason(of.line)),
)


def short_reason(line: DraftLine) -> Text:
    """Give a line's reason in one sentence."""
    return explanation.why(line.charge.kind, line.charge.reason, line.charge.parts)


# --- why


@dataclass(frozen=True, slots=True)
class Told:
    """A line with its reason in full."""

    title: Text
    line: DraftLine
    sentences: tuple[Text, ...]


def told(row: Row, year: int) -> list[Told]:
    """Explain the lines of an invoice to be."""
    return [_told(line, year) for line in row.draft.lines]


def _told(line: DraftLine, year: int) -> Told:
    kind, product, reason, parts = line.charge.kind, line.charge.product, line.charge.reason, line.charge.parts
    sentences = tuple(explanation.sentences(kind, product, year, reason, parts))
    return Told(explanation.title(kind, product, year), line, sentences)


def of_payer(snapshot: Snapshot, cvr: str) -> list[Row]:
    """Give a payer's invoices of the plan."""
    return [row for row in snapshot.rows if row.draft.payer.cvr == cvr]


def sums(rows: Sequence[Row]) -> plan_snapshot.Sums:
    """Add the rows of a list up, on all of its pages."""
    return plan_snapshot.sums(rows)
