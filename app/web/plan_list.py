"""The plan of a year as a list: what its columns say, which rows an address asks for, its lines as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.web import memory_list
from app.web.lists import Choice, Column
from app.web.memory_list import Field, MemoryListing
from billing import explanation, plan_snapshot
from billing.charges import DraftLine, Problem
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


# --- problems and notes

PROBLEM_COLUMNS = (
    Column("cvr", same("CVR"), lambda problem: problem.named.cvr),
    Column("name", Text("Myndighed", "Authority"), lambda problem: problem.named.name),
    Column("product", Text("Produkt", "Product"), lambda problem: problem.product or "OS2"),
    Column("code", Text("Kode", "Code"), lambda problem: problem.code.value),
    Column("message", Text("Hvad", "What"), lambda problem: problem.message),
    Column("mend", Text("Hvor det rettes", "Where it is mended"), lambda problem: mending(problem).title),
)


@dataclass(frozen=True, slots=True)
class Mending:
    """Where a problem is mended."""

    path: str
    title: Text


def mending(problem: Problem) -> Mending:
    """Give the page on which a problem is mended."""
    code = problem.code.value
    if code in ("no_size_key", "no_table", "no_passive_share", "no_joining_fee", "no_account"):
        return Mending("/fee-tables", Text("Takster", "Fee tables"))
    if code == "invoiced_differs":
        return Mending(f"/invoices?q={problem.named.cvr}", Text("Fakturaerne", "The invoices"))
    return Mending(f"/authorities/{problem.named.cvr}", Text("Myndighedens side", "The authority's page"))


SHOWN_OF_A_CODE = 25


@dataclass(frozen=True, slots=True)
class Group:
    """The problems of one code: the first of them, and how many there are."""

    code: str
    title: Text
    first: Sequence[Problem]
    count: int


def grouped(problems: Sequence[Problem]) -> list[Group]:
    """Group problems by their code, in the order of the codes."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.code.value, []).append(problem)
    return [
        Group(code, CODES[code], found[code][:SHOWN_OF_A_CODE], len(found[code])) for code in CODES if code in found
    ]


CODES: Mapping[str, Text] = {
    "no_size_key": Text("Fordelingsnøgle mangler", "The size key is missing"),
    "no_inhabitants": Text("Indbyggertal mangler", "Inhabitants are missing"),
    "no_placement": Text("Indplacering mangler", "A placement is missing"),
    "no_table": Text("Takstblad mangler", "A fee table is missing"),
    "no_passive_share": Text("Andel for passive mangler", "A share for the passive is missing"),
    "no_endpoint": Text("Intet sted at sende til", "Nowhere to send to"),
    "not_countersigned": Text("Ikke kontrasigneret", "Not countersigned"),
    "duplicate_agreement": Text("Flere aftaler om samme produkt", "Several agreements on one product"),
    "authority_ended": Text("Ophørt uden efterfølger", "Ended without a successor"),
    "no_dues_receiver": Text("Kontingentet har ingen modtager", "The dues have no receiver"),
    "invoiced_differs": Text("Faktureret anderledes", "Invoiced differently"),
    "no_joining_fee": Text("Ingen tilslutningsafgift", "No joining fee"),
    "no_force_day": Text("Ingen ikrafttrædelsesdag", "No effective day"),
    "shares_from_next_year": Text("Deler udgiften fra næste år", "Shares the cost from next year"),
    "no_account": Text("Kontonummer mangler", "The account number is missing"),
    "covered_by_earlier": Text("Betalt efter en tidligere aftale", "Paid by an earlier agreement"),
}
