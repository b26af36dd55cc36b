"""The invoice on paper: what a finance office reads, made from the same value as the electronic invoice.

What the VAT order § 58 asks for stands where a Danish reader looks for it. Lengths are points, measured from the
upper left corner.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from billing.document import DocumentLine, InvoiceDocument, Party, PaymentWays, VatTotal
from foundation import letterhead
from foundation.language import Language, Text, amount, day, same, share
from foundation.letterhead import LEFT, RIGHT, WIDTH, Block, Fact, Paper, Style, width, wrap
from foundation.money import Money

# The columns: where text begins, and where figures end.
_NUMBER, _TEXT, _PERIOD = LEFT, LEFT + 20, 296.0
_QUANTITY, _RATE, _AMOUNT = 420.0, 460.0, RIGHT
_TEXT_ROOM = _PERIOD - _TEXT - 12
_RATE_ROOM = _RATE - _QUANTITY - 4
_AMOUNT_ROOM = _AMOUNT - _RATE - 8

# The box of numbers and references; the sums further down stand below it.
_BOX, _PADDING = 296.0, 10.0
_BOX_WIDTH = RIGHT - _BOX
_BOX_LABEL, _BOX_VALUE = _BOX + _PADDING, _BOX + _PADDING + 106
_BOX_VALUE_ROOM = RIGHT - _PADDING - _BOX_VALUE
_MOST_LINES_IN_BOX = 4

_PARTY_ROOM = _BOX - LEFT - 24
_SELLER_ROOM = 270.0
_TITLE_ROOM = WIDTH - _SELLER_ROOM - 20
_LONG_VALUE = LEFT + 116
_SUM_ROOM = 96.0
_TO_PAY = Style(letterhead.SEMIBOLD, 11, 15, letterhead.INK)
_WAY_LABEL, _WAY_VALUE = LEFT + 14, LEFT + 140

_INVOICE = Text("Faktura", "Invoice")
_CREDIT_NOTE = Text("Kreditnota", "Credit note")
#: What stands in the VAT column where there is none; the reason stands with the sums.
_UNTAXED = {"E": Text("Momsfri", "Exempt"), "O": same("–")}


def render(document: InvoiceDocument, language: Language = "da") -> bytes:
    """Give the invoice as PDF; the same document and language always give the same bytes.

    Raises letterhead.FontsMissing where set-up has not brought the typefaces.
    """
    paper = Paper(_about(document, language))
    paper.pages(letterhead.on_pages(_layout(document, language)), foot=_foot(document, language))
    return paper.finish()


def _about(document: InvoiceDocument, language: Language) -> letterhead.About:
    subject = Text(f"Faktureringsår {document.year}: ", f"Billing year {document.year}: ") + same(document.buyer.name)
    return letterhead.About(
        title=_title(document, language),
        author=document.seller.name,
        subject=subject[language],
        language=language,
        dated_on=document.issued_on,
    )


def _title(document: InvoiceDocument, language: Language) -> str:
    return f"{_named(document)[language]} {document.number}"


def _named(document: InvoiceDocument) -> Text:
    return _CREDIT_NOTE if document.kind == "credit_note" else _INVOICE


def _foot(document: InvoiceDocument, language: Language) -> str:
    return f"{_title(document, language)} · CVR {document.seller.cvr} · {document.seller.name}"


def _layout(document: InvoiceDocument, language: Language) -> letterhead.Layout:
    banner = list(_banner(document, language))
    return letterhead.Layout(
        opening=[*banner, _masthead(document, language), *_parties(document, language)],
        running=[*banner, _running_head(document, language)],
        columns=[_column_heads(language)],
        rows=[_row(document, line, language) for line in document.lines],
        closing=[
            *_sums(document, language),
            _to_pay(document, language),
            _payment(document, language),
            _how_to_ask(document, language),
        ],
    )


# --- the head --------------------------------------------------------------------------------------------------------


def _banner(document: InvoiceDocument, language: Language) -> Iterator[Block]:
    """What the reader must know before anything else, on every page."""
    style = letterhead.ON_ACCENT
    lines = [line for notice in document.notices for line in wrap(notice[language], style, WIDTH - 28)]
    high = len(lines) * style.leading + 14

    def draw(paper: Paper, top: float) -> None:
        paper.panel(LEFT, top, WIDTH, high, letterhead.ACCENT)
        paper.lines(LEFT + 14, top + 7, lines, style)

    if lines:
        yield Block(high + 18, draw)


def _masthead(document: InvoiceDocument, language: Language) -> Block:
    seller = document.seller
    name = wrap(seller.name, letterhead.HEADING, _SELLER_ROOM)
    numbers = " · ".join(f"{kind}\u00a0{it}" for kind, it in (("CVR", seller.cvr), ("GLN", seller.gln)) if it)
    rest = [line for part in (*_address(seller), numbers) for line in wrap(part, letterhead.LABEL, _SELLER_ROOM)]
    high = len(name) * letterhead.HEADING.leading + len(rest) * letterhead.LABEL.leading

    def draw(paper: Paper, top: float) -> None:
        below = paper.lines(LEFT, top, name, letterhead.HEADING)
        paper.lines(LEFT, below + 2, rest, letterhead.LABEL)
        paper.right(RIGHT, top - 4, _named(document)[language].upper(), letterhead.TITLE, _TITLE_ROOM)
        paper.right(RIGHT, top + 27, document.number, letterhead.HEADING, _TITLE_ROOM)

    return Block(max(high, 42) + 28, draw)


def _address(party: Party) -> tuple[str, str]:
    return party.address, f"{party.postcode} {party.city}"


def _parties(document: InvoiceDocument, language: Language) -> Iterator[Block]:
    """The buyer beside the box; a reference too long for the box stands below it, across the page."""
    boxed, below = [], []
    for label, value, style in _references(document, language):
        narrow = letterhead.fact(label, value, _BOX_VALUE_ROOM, style)
        if len(narrow.value) <= _MOST_LINES_IN_BOX:
            boxed.append(narrow)
        else:
            below.append(letterhead.fact(label, value, RIGHT - _LONG_VALUE, style))
    yield _buyer_and_box(document, boxed, language)
    yield from map(_long_reference, below)
    yield _gap(28)


def _buyer_and_box(document: InvoiceDocument, facts: list[Fact], language: Language) -> Block:
    buyer = document.buyer
    name = wrap(buyer.name, letterhead.NAME, _PARTY_ROOM)
    below_name = (*_address(buyer), f"CVR {buyer.cvr}")
    rest = [line for part in below_name for line in wrap(part, letterhead.BODY, _PARTY_ROOM)]
    box = letterhead.height(facts) + 2 * _PADDING - 4
    high = 16 + len(name) * letterhead.NAME.leading + len(rest) * letterhead.BODY.leading

    def draw(paper: Paper, top: float) -> None:
        paper.text(LEFT, top + 2, (_named(document) + Text(" til", " to"))[language], letterhead.SMALL)
        below = paper.lines(LEFT, top + 15, name, letterhead.NAME)
        paper.lines(LEFT, below + 1, rest, letterhead.BODY)
        paper.panel(_BOX, top, _BOX_WIDTH, box)
        paper.facts(_BOX_LABEL, _BOX_VALUE, top + _PADDING - 1, facts)

    return Block(max(high, box), draw)


def _references(document: InvoiceDocument, language: Language) -> list[tuple[str, str, Style]]:
    given, plain = document.references, letterhead.BODY
    by_gln = given.endpoint == "gln"
    rows = [
        *_numbers_and_days(document, language),
        (Text("EAN-/GLN-nummer", "EAN/GLN number"), given.gln if by_gln else "", plain),
        (Text("Sendes til CVR-nr.", "Sent to CVR no."), "" if by_gln else document.buyer.cvr, plain),
        (Text("Personreference", "Person reference"), given.person_reference, plain),
        (Text("Ordre-/rekvisitionsnr.", "Order number"), given.order_reference, plain),
        (Text("Kontostreng", "Account string"), given.accounting_cost, plain),
    ]
    return [(label[language], value, style) for label, value, style in rows if value.strip()]


def _numbers_and_days(document: InvoiceDocument, language: Language) -> list[tuple[Text, str, Style]]:
    own, plain = letterhead.STRONG, letterhead.BODY
    issued = day(document.issued_on)[language]
    if document.credited is None:
        return [
            (Text("Fakturanummer", "Invoice number"), document.number, own),
            (Text("Fakturadato", "Invoice date"), issued, plain),
            (Text("Forfaldsdato", "Due date"), day(document.due_on)[language], plain),
        ]
    credited = document.credited
    return [
        (Text("Kreditnotanummer", "Credit note number"), document.number, own),
        (Text("Dato", "Date"), issued, plain),
        (Text("Krediterer faktura", "Credits invoice"), credited.number, own),
        (Text("Fakturadato", "Invoice date"), day(credited.issued_on)[language], plain),
        (Text("Årsag", "Reason"), credited.reason, plain),
    ]


def _long_reference(fact: Fact) -> Block:
    return Block(fact.height + 6, lambda paper, top: paper.facts(LEFT, _LONG_VALUE, top + 8, [fact]))


def _running_head(document: InvoiceDocument, language: Language) -> Block:
    """What stands on top of the second page and those after it."""
    title = f"{_title(document, language)}, {Text('fortsat', 'continued')[language]}"
    room = WIDTH - width(title, letterhead.STRONG) - 24
    buyer = letterhead.shortened(document.buyer.name, letterhead.LABEL, room)

    def draw(paper: Paper, top: float) -> None:
        paper.text(LEFT, top, title, letterhead.STRONG)
        paper.right(RIGHT, top, buyer, letterhead.LABEL, room)

    return Block(28, draw)


# --- the lines -------------------------------------------------------------------------------------------------------


def _column_heads(language: Language) -> Block:
    style = letterhead.SMALL_STRONG

    def draw(paper: Paper, top: float) -> None:
        paper.text(_NUMBER, top, Text("Nr.", "No.")[language], style)
        paper.text(_TEXT, top, Text("Beskrivelse", "Description")[language], style)
        paper.text(_PERIOD, top, Text("Periode", "Period")[language], style)
        paper.right(_QUANTITY, top, Text("Antal", "Qty")[language], style, _RATE_ROOM)
        paper.right(_RATE, top, Text("Moms", "VAT")[language], style, _RATE_ROOM)
        paper.right(_AMOUNT, top, Text("Beløb uden moms", "Net amount, DKK")[language], style, _AMOUNT_ROOM)
        paper.rule(top + 15, colour=letterhead.ACCENT)

    return Block(21, draw)


def _row(document: InvoiceDocument, line: DocumentLine, language: Language) -> Block:
    """One line of the invoice, in small letters its reason, and the number under which the whole reasoning is had."""
    words = wrap(line.text[language], letterhead.BODY, _TEXT_ROOM)
    pointer = f"{Text('Forklaring', 'Explanation')[language]} {document.number}/{line.position}"
    why = wrap(line.why[language], letterhead.SMALL, RIGHT - _TEXT - width(pointer, letterhead.SMALL) - 16)
    small = max(len(words), 1) * letterhead.BODY.leading + 1
    high = small + max(len(why), 1) * letterhead.SMALL.leading

    def draw(paper: Paper, top: float) -> None:
        _draw_figures(paper, top, line, language)
        paper.lines(_TEXT, top, words, letterhead.BODY)
        paper.lines(_TEXT, top + small, why, letterhead.SMALL)
        paper.right(RIGHT, top + small, pointer, letterhead.SMALL, RIGHT - _TEXT)
        paper.rule(top + high + 5)

    return Block(high + 11, draw)


def _draw_figures(paper: Paper, top: float, line: DocumentLine, language: Language) -> None:
    style = letterhead.BODY
    paper.text(_NUMBER, top, str(line.position), letterhead.LABEL)
    paper.text(_PERIOD, top, _period(line, language), style)
    paper.right(_QUANTITY, top, "1", style, _RATE_ROOM)
    paper.right(_RATE, top, _rate(line, language), style, _RATE_ROOM)
    paper.right(_AMOUNT, top, amount(line.net, language), style, _AMOUNT_ROOM)


def _period(line: DocumentLine, language: Language) -> str:
    days = (_short_day(bound, language) for bound in (line.first_day, line.last_day) if bound)
    return "–".join(dict.fromkeys(days))


def _short_day(on: date, language: Language) -> str:
    if language == "da":
        return f"{on.day:02d}.{on.month:02d}.{on.year}"
    number, month, year = day(on).en.split()
    return f"{number} {month[:3]} {year}"


def _rate(line: DocumentLine, language: Language) -> str:
    return _UNTAXED.get(line.vat_category, share(line.vat_rate))[language]


# --- the sums --------------------------------------------------------------------------------------------------------


def _sums(document: InvoiceDocument, language: Language) -> Iterator[Block]:
    """The bases apart where there are several, their sum, and the VAT of each rate with its base."""
    yield _gap(5)
    if len(document.vat_totals) > 1:
        for row in document.vat_totals:
            yield _sum(_base(row)[language], row.net, language)
            yield from _remark(row.exemption)
    yield _sum(Text("I alt uden moms", "Total without VAT")[language], document.net, language)
    for row in document.vat_totals:
        if row.category not in _UNTAXED:
            yield _sum(_vat_of(row)[language], row.vat, language)
    yield from _why_no_vat(document, language)


def _base(row: VatTotal) -> Text:
    if row.category in _UNTAXED:
        return Text("Momsfrit beløb", "Amount without VAT")
    return Text("Momspligtigt beløb, ", "Amount with VAT at ") + share(row.rate)


def _vat_of(row: VatTotal) -> Text:
    rate = share(row.rate)
    return Text(f"Moms {rate.da} af {amount(row.net, 'da')}", f"VAT {rate.en} of {amount(row.net, 'en')}")


def _why_no_vat(document: InvoiceDocument, language: Language) -> Iterator[Block]:
    """The reason why there is no VAT, where it does not stand with its base already."""
    if not document.seller_vat_registered:
        reason = Text(
            "Der opkræves ikke moms: sælger er ikke momsregistreret.",
            "No VAT is charged: the seller is not registered for VAT.",
        )
        yield from _remark(reason[language])
    if len(document.vat_totals) == 1:
        yield from _remark(document.vat_totals[0].exemption)


def _gap(high: float) -> Block:
    return Block(high, lambda paper, top: None)


def _sum(label: str, value: Money, language: Language) -> Block:
    lines = wrap(label, letterhead.BODY, _BOX_WIDTH - _PADDING - _SUM_ROOM)

    def draw(paper: Paper, top: float) -> None:
        paper.lines(_BOX_LABEL, top, lines, letterhead.BODY)
        paper.right(_AMOUNT, top, amount(value, language), letterhead.BODY, _SUM_ROOM)

    return Block(len(lines) * letterhead.BODY.leading + 2, draw)


def _remark(words: str) -> Iterator[Block]:
    lines = wrap(words, letterhead.SMALL, RIGHT - _BOX_LABEL)

    def draw(paper: Paper, top: float) -> None:
        paper.lines(_BOX_LABEL, top - 1, lines, letterhead.SMALL)

    if lines:
        yield Block(len(lines) * letterhead.SMALL.leading + 3, draw)


def _to_pay(document: InvoiceDocument, language: Language) -> Block:
    def draw(paper: Paper, top: float) -> None:
        paper.rule(top + 3, start=_BOX_LABEL, colour=letterhead.ACCENT)
        to_pay = Text("At betale", "To pay") if document.credited is None else Text("Krediteret", "Credited")
        paper.text(_BOX_LABEL, top + 9, to_pay[language], _TO_PAY)
        paper.right(_AMOUNT, top + 9, f"DKK {amount(document.gross, language)}", _TO_PAY, 160)

    return Block(46, draw)


# --- the payment -----------------------------------------------------------------------------------------------------


def _payment(document: InvoiceDocument, language: Language) -> Block:
    """The ways to pay, in one box that is never split."""
    room = RIGHT - 14 - _WAY_VALUE
    facts = [letterhead.fact(label[language], value, room, style) for label, value, style in _ways(document)]
    high = letterhead.height(facts) + (36 if facts else 30)

    def draw(paper: Paper, top: float) -> None:
        paper.panel(LEFT, top, WIDTH, high)
        paper.panel(LEFT, top, 3, high, letterhead.ACCENT)
        paper.text(_WAY_LABEL, top + 8, _how_soon(document)[language], letterhead.HEADING)
        paper.facts(_WAY_LABEL, _WAY_VALUE, top + 28, facts)

    return Block(high + 12, draw)


def _how_soon(document: InvoiceDocument) -> Text:
    if document.credited is not None:
        number = document.credited.number
        return Text(f"Modregnes i faktura {number}; intet skal betales.",
                    f"Set off against invoice {number}; nothing is to be paid.")  # fmt: skip
    if document.gross.ore <= 0:
        return Text("Der er intet at betale.", "There is nothing to pay.")
    return Text("Betales senest ", "To be paid by ") + day(document.due_on)


def _ways(document: InvoiceDocument) -> list[tuple[Text, str, Style]]:
    pay = document.payment
    if document.gross.ore <= 0 or document.credited is not None:
        return []
    ways = [
        (Text("Indbetalingskort (FIK)", "Payment form (FIK)"), pay.fik_line, letterhead.STRONG),
        (Text("Reg.- og kontonummer", "Reg. and account number"), _account(pay), letterhead.BODY),
        (same("IBAN"), _grouped(pay.iban), letterhead.BODY),
        (Text("Betalingsreference", "Payment reference"), document.number, letterhead.STRONG),
    ]
    return [way for way in ways if way[1]]


def _account(pay: PaymentWays) -> str:
    return " – ".join(filter(None, (pay.registration, pay.account))) if pay.account else ""


def _grouped(iban: str) -> str:
    compact = iban.replace(" ", "")
    return " ".join(compact[at : at + 4] for at in range(0, len(compact), 4))


def _how_to_ask(document: InvoiceDocument, language: Language) -> Block:
    command = f"os2tilslut explain {document.number}".replace(" ", "\u00a0")
    words = Text(
        f"En linjes fulde begrundelse fås hos sekretariatet under dens forklaringsnummer eller med »{command}«.",
        f"A line's full reasoning is given by the secretariat under its explanation number or by “{command}”.",
    )
    lines = wrap(words[language], letterhead.SMALL, WIDTH)

    def draw(paper: Paper, top: float) -> None:
        paper.lines(LEFT, top, lines, letterhead.SMALL)

    return Block(len(lines) * letterhead.SMALL.leading, draw)
