"""The reminder on paper: which invoice is owed, what the delay costs, what is to be paid and how.

Made from the same value as the electronic reminder, and drawn as the invoice is: an archive PDF, tagged for those who
cannot see it. Lengths are points, measured from the upper left corner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from billing.document import Party
from billing.reminder_document import RemindedInvoice, ReminderDocument
from foundation import archive, letterhead, tagged
from foundation.language import Language, Text, amount, day, same
from foundation.letterhead import LEFT, RIGHT, WIDTH, Block, Paper, Style, width, wrap
from foundation.money import Money
from foundation.tagged import Group

# The columns: where text begins, and where figures end.
_NUMBER, _ISSUED, _DUE = LEFT, LEFT + 120, LEFT + 250
_AMOUNT = RIGHT

# The box of numbers and references; the sums further down stand below it.
_BOX, _PADDING = 296.0, 10.0
_BOX_LABEL, _BOX_VALUE = _BOX + _PADDING, _BOX + _PADDING + 106
_PARTY_ROOM = _BOX - LEFT - 24
_SELLER_ROOM = 270.0
_SUM_ROOM = 96.0
_TO_PAY = Style(letterhead.SEMIBOLD, 11, 15, letterhead.INK)
_WAY_LABEL, _WAY_VALUE = LEFT + 14, LEFT + 140

_TITLE = Text("Rykker", "Reminder")


def render(reminder: ReminderDocument, language: Language = "da", attached_xml: bytes | None = None) -> bytes:
    """Give the reminder as PDF, with its XML inside where that is given; the same input always gives the same bytes.

    Raises letterhead.FontsMissing where set-up has not brought the typefaces.
    """
    paper = Paper(about(reminder, language))
    foot = f"{_title(reminder, language)} · CVR {reminder.seller.cvr} · {reminder.seller.name}"
    paper.pages(letterhead.on_pages(_layout(reminder, language)), foot=foot)
    return paper.finish([] if attached_xml is None else [_attachment(reminder, attached_xml, language)])


def about(reminder: ReminderDocument, language: Language) -> archive.About:
    """Say what the reminder is in its properties."""
    numbers = ", ".join(invoice.number for invoice in reminder.invoices)
    subject = Text(f"Faktura {numbers}: ", f"Invoice {numbers}: ") + same(reminder.buyer.name)
    return archive.About(
        title=_title(reminder, language), author=reminder.seller.name, subject=subject[language], language=language,
        dated_on=reminder.issued_on,
    )  # fmt: skip


def _attachment(reminder: ReminderDocument, xml: bytes, language: Language) -> archive.Attachment:
    words = Text("Den elektroniske udgave af ", "The electronic form of ") + same(_title(reminder, language))
    return archive.Attachment(f"{reminder.number}.xml", xml, "text/xml", words[language], "Alternative")


def _title(reminder: ReminderDocument, language: Language) -> str:
    return f"{_TITLE[language]} {reminder.number}"


def _layout(reminder: ReminderDocument, language: Language) -> letterhead.Layout:
    banner, lines, sums = list(_banner(reminder, language)), Group("Table"), Group("Table")
    return letterhead.Layout(
        opening=[
            *banner, _masthead(reminder, language), _parties(reminder, language), _gap(24),
            _paragraph(_opening(reminder)[language]), _gap(10),
        ],
        running=[*banner, _running_head(reminder, language)],
        columns=[replace(_column_heads(language), within=lines)],
        rows=[replace(_row(invoice, language), within=lines) for invoice in reminder.invoices],
        closing=[
            _gap(5), *(replace(block, within=sums) for block in _sums(reminder, language)),
            _ways(reminder, language), _paragraph(_closing(reminder)[language]),
        ],
    )  # fmt: skip


def _gap(high: float) -> Block:
    return Block(high, lambda paper, top: None)


def _paragraph(words: str) -> Block:
    lines = wrap(words, letterhead.BODY, WIDTH)

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("P"):
            paper.lines(LEFT, top, lines, letterhead.BODY)

    return Block(len(lines) * letterhead.BODY.leading, draw)


# --- the head --------------------------------------------------------------------------------------------------------


def _banner(reminder: ReminderDocument, language: Language) -> Iterator[Block]:
    """What the reader must know before anything else, on every page."""
    style = letterhead.ON_ACCENT
    lines = [line for notice in reminder.notices for line in wrap(notice[language], style, WIDTH - 28)]
    high = len(lines) * style.leading + 14

    def draw(paper: Paper, top: float) -> None:
        paper.panel(LEFT, top, WIDTH, high, letterhead.ACCENT)
        with paper.tag("P"):
            paper.lines(LEFT + 14, top + 7, lines, style)

    if lines:
        yield Block(high + 18, draw)


def _masthead(reminder: ReminderDocument, language: Language) -> Block:
    seller = reminder.seller
    name = wrap(seller.name, letterhead.HEADING, _SELLER_ROOM)
    numbers = " · ".join(f"{kind}\u00a0{it}" for kind, it in (("CVR", seller.cvr), ("GLN", seller.gln)) if it)
    rest = [line for part in (*_address(seller), numbers) for line in wrap(part, letterhead.LABEL, _SELLER_ROOM)]
    high = len(name) * letterhead.HEADING.leading + len(rest) * letterhead.LABEL.leading
    room = WIDTH - _SELLER_ROOM - 20

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("P"):
            below = paper.lines(LEFT, top, name, letterhead.HEADING)
            paper.lines(LEFT, below + 2, rest, letterhead.LABEL)
        with paper.tag("H1"):
            paper.right(RIGHT, top - 4, _TITLE[language].upper(), letterhead.TITLE, room)
            paper.right(RIGHT, top + 27, reminder.number, letterhead.HEADING, room)

    return Block(max(high, 42) + 28, draw)


def _address(party: Party) -> tuple[str, str]:
    return party.address, f"{party.postcode} {party.city}"


def _parties(reminder: ReminderDocument, language: Language) -> Block:
    buyer = reminder.buyer
    name = wrap(buyer.name, letterhead.NAME, _PARTY_ROOM)
    rest = [
        line for part in (*_address(buyer), f"CVR {buyer.cvr}") for line in wrap(part, letterhead.BODY, _PARTY_ROOM)
    ]
    room = RIGHT - _PADDING - _BOX_VALUE
    facts = [
        letterhead.fact(label[language], value, room, style) for label, value, style in _references(reminder, language)
    ]
    box = letterhead.height(facts) + 2 * _PADDING - 4
    high = 16 + len(name) * letterhead.NAME.leading + len(rest) * letterhead.BODY.leading

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("H2"):
            paper.text(LEFT, top + 2, Text("Rykker til", "Reminder to")[language], letterhead.SMALL)
        with paper.tag("P"):
            below = paper.lines(LEFT, top + 15, name, letterhead.NAME)
            paper.lines(LEFT, below + 1, rest, letterhead.BODY)
        paper.panel(_BOX, top, RIGHT - _BOX, box)
        paper.facts(_BOX_LABEL, _BOX_VALUE, top + _PADDING - 1, facts)

    return Block(max(high, box), draw)


def _references(reminder: ReminderDocument, language: Language) -> list[tuple[Text, str, Style]]:
    given, plain = reminder.references, letterhead.BODY
    by_gln = given.endpoint == "gln"
    rows = [
        (Text("Rykkernummer", "Reminder number"), reminder.number, letterhead.STRONG),
        (Text("Rykker nr.", "Reminder no."), str(reminder.sequence), plain),
        (Text("Rykkerdato", "Date of reminder"), day(reminder.issued_on)[language], plain),
        (Text("Ny frist", "New time"), day(reminder.due_on)[language], plain),
        (Text("EAN-/GLN-nummer", "EAN/GLN number"), given.gln if by_gln else "", plain),
        (Text("Sendes til CVR-nr.", "Sent to CVR no."), "" if by_gln else reminder.buyer.cvr, plain),
        (Text("Personreference", "Person reference"), given.person_reference, plain),
        (Text("Ordre-/rekvisitionsnr.", "Order number"), given.order_reference, plain),
        (Text("Kontostreng", "Account string"), given.accounting_cost, plain),
    ]
    return [row for row in rows if row[1].strip()]


def _opening(reminder: ReminderDocument) -> Text:
    due = day(reminder.due_on)
    return Text(
        f"Vi har ikke registreret betaling af nedenstående faktura. Vi beder jer betale senest den {due.da}.",
        f"We have not registered payment of the invoice below. Please pay by {due.en}.",
    )


def _closing(reminder: ReminderDocument) -> Text:
    return Text(
        f"Er beløbet betalt inden for de seneste dage, kan I se bort fra rykkeren. Er I uenige i kravet, så skriv til "
        f"{reminder.seller.name} og oplys rykkernummeret.",
        f"If the amount was paid within the last few days, please disregard this. If you dispute the claim, write to "
        f"{reminder.seller.name} and give the number of the reminder.",
    )


def _running_head(reminder: ReminderDocument, language: Language) -> Block:
    """What stands on top of the second page and those after it."""
    title = f"{_title(reminder, language)}, {Text('fortsat', 'continued')[language]}"
    room = WIDTH - width(title, letterhead.STRONG) - 24
    buyer = letterhead.shortened(reminder.buyer.name, letterhead.LABEL, room)

    def draw(paper: Paper, top: float) -> None:
        paper.text(LEFT, top, title, letterhead.STRONG)
        paper.right(RIGHT, top, buyer, letterhead.LABEL, room)

    return Block(28, draw, artifact="Header")


# --- what is owed ----------------------------------------------------------------------------------------------------


def _column_heads(language: Language) -> Block:
    style = letterhead.SMALL_STRONG
    heads = ((_NUMBER, Text("Faktura", "Invoice")), (_ISSUED, Text("Fakturadato", "Invoice date")),
             (_DUE, Text("Forfaldt", "Was due")))  # fmt: skip

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"):
            for x, words in heads:
                with paper.tag("TH", tagged.COLUMN_HEAD):
                    paper.text(x, top, words[language], style)
            with paper.tag("TH", tagged.COLUMN_HEAD):
                paper.right(_AMOUNT, top, Text("Mangler betaling", "Not paid, DKK")[language], style, 120)
        paper.rule(top + 15, colour=letterhead.ACCENT)

    return Block(21, draw)


def _row(invoice: RemindedInvoice, language: Language) -> Block:
    cells = ((_NUMBER, invoice.number), (_ISSUED, day(invoice.issued_on)[language]),
             (_DUE, day(invoice.due_on)[language]))  # fmt: skip

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"):
            for x, words in cells:
                with paper.tag("TD"):
                    paper.text(x, top, words, letterhead.BODY)
            with paper.tag("TD"):
                paper.right(_AMOUNT, top, amount(invoice.outstanding, language), letterhead.BODY, 120)
        paper.rule(top + 18)

    return Block(24, draw)


def _sums(reminder: ReminderDocument, language: Language) -> Iterator[Block]:
    if reminder.charges:
        yield _sum(Text("Mangler betaling i alt", "Not paid in all")[language], reminder.outstanding, language)
    for charge in reminder.charges:
        yield _sum(charge.text[language], charge.amount, language)
    yield _in_all(reminder, language)


def _sum(label: str, value: Money, language: Language) -> Block:
    lines = wrap(label, letterhead.BODY, RIGHT - _BOX - _PADDING - _SUM_ROOM)

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"):
            with paper.tag("TH", tagged.ROW_HEAD):
                paper.lines(_BOX_LABEL, top, lines, letterhead.BODY)
            with paper.tag("TD"):
                paper.right(_AMOUNT, top, amount(value, language), letterhead.BODY, _SUM_ROOM)

    return Block(len(lines) * letterhead.BODY.leading + 2, draw)


def _in_all(reminder: ReminderDocument, language: Language) -> Block:
    def draw(paper: Paper, top: float) -> None:
        paper.rule(top + 3, start=_BOX_LABEL, colour=letterhead.ACCENT)
        with paper.tag("TR"):
            with paper.tag("TH", tagged.ROW_HEAD):
                paper.text(_BOX_LABEL, top + 9, Text("At betale", "To pay")[language], _TO_PAY)
            with paper.tag("TD"):
                paper.right(_AMOUNT, top + 9, f"DKK {amount(reminder.to_pay, language)}", _TO_PAY, 160)

    return Block(46, draw)


def _ways(reminder: ReminderDocument, language: Language) -> Block:
    """How to pay, in one box that is never split."""
    pay = reminder.payment
    title = (Text("Betales senest ", "To be paid by ") + day(reminder.due_on))[language]
    account = f"{pay.registration} – {pay.account}" if pay.account else ""
    compact = pay.iban.replace(" ", "")
    rows = [
        (Text("Indbetalingskort (FIK)", "Payment form (FIK)"), pay.fik_line, letterhead.STRONG),
        (Text("Reg.- og kontonummer", "Reg. and account number"), account, letterhead.BODY),
        (same("IBAN"), " ".join(compact[at : at + 4] for at in range(0, len(compact), 4)), letterhead.BODY),
        (Text("Betalingsreference", "Payment reference"), reminder.invoices[0].number, letterhead.STRONG),
    ]
    room = RIGHT - 14 - _WAY_VALUE
    facts = [letterhead.fact(label[language], value, room, style) for label, value, style in rows if value]
    high = letterhead.height(facts) + 36

    def draw(paper: Paper, top: float) -> None:
        paper.panel(LEFT, top, WIDTH, high)
        paper.panel(LEFT, top, 3, high, letterhead.ACCENT)
        with paper.tag("H2"):
            paper.text(_WAY_LABEL, top + 8, title, letterhead.HEADING)
        paper.facts(_WAY_LABEL, _WAY_VALUE, top + 28, facts)

    return Block(high + 12, draw)
