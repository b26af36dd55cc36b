"""The agreement on paper: the text, the annex with the fees, and the page of those who sign, from the one value.

The foot of every page shows reference, version and digest. The canonical text is attached, so that anyone can take its
SHA-256 and compare. It is an archive PDF, tagged for those who cannot see it. Lengths are points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from agreements import clauses, composing
from agreements.clauses import Section
from agreements.document import (
    AgreementDocument,
    FeeAnnex,
    FeeLine,
    Party,
    PriceRow,
    PriceSheet,
    Signatory,
)
from foundation import archive, letterhead, tagged
from foundation.language import Language, Text, amount, day, joined, kroner, same, whole_number
from foundation.letterhead import LEFT, RIGHT, WIDTH, Block, Fact, Paper, Style, wrap
from foundation.money import Money
from foundation.tagged import Group, Role

_BODY = Style(letterhead.REGULAR, 9.5, 14, letterhead.INK)
_DIGEST = Style(letterhead.REGULAR, 7.5, 13, letterhead.INK)
_SUM = Style(letterhead.SEMIBOLD, 9.5, 14, letterhead.INK)
_CLAUSE = LEFT + 26
_VALUE = LEFT + 132
_PADDING = 12.0
_NAME_ROOM = 250.0
_AMOUNT_ROOM = 96.0
#: Where the columns of a price sheet end.
_ENDS = (RIGHT - 120, RIGHT)
_ROW_ROOM = _ENDS[0] - _AMOUNT_ROOM - LEFT
_PAGE = letterhead.BOTTOM - letterhead.TOP

#: Blocks that stand together on one page.
Unit = Sequence[Block]

_HELP = Text(
    "Oversættelse til hjælp: det er den danske tekst, der underskrives og gælder.",
    "A translation as help: the Danish text is what is signed, and what counts.",
)
_ANNEX = Text("Bilag: takstblad og beløb for ", "Annex: price sheet and amounts for ")


def render(
    document: AgreementDocument, language: Language = "da", attachments: Sequence[archive.Attachment] = ()
) -> bytes:
    """Give the agreement as PDF, with its canonical text inside; the same input always gives the same bytes.

    Raises letterhead.FontsMissing where set-up has not brought the typefaces.
    """
    paper = Paper(_about(document, language))
    paper.pages(_pages(document, language), _foot(document, language), f"SHA-256 {document.digest()}")
    return paper.finish([_source(document, language), *attachments])


def source_name(document: AgreementDocument) -> str:
    """Give the name under which the canonical text is attached."""
    return f"{document.reference}-v{document.version}.json"


def _source(document: AgreementDocument, language: Language) -> archive.Attachment:
    words = Text("Aftalen som data: kontrolsummen er SHA-256 af denne fil",
                 "The agreement as data: the digest is the SHA-256 of this file")  # fmt: skip
    content = document.canonical().encode()
    return archive.Attachment(source_name(document), content, "application/json", words[language], "Source")


def _about(document: AgreementDocument, language: Language) -> archive.About:
    return archive.About(
        title=f"{document.title[language]} {document.reference}",
        author=document.association.name,
        subject=f"{document.authority.name}: {_of(document)[language]}",
        language=language,
        dated_on=document.annex.on,
    )


def _of(document: AgreementDocument) -> Text:
    """Say what it is on."""
    return (
        same(document.subject.product) if document.subject.product else Text("Medlemskab af OS2", "Membership of OS2")
    )


def _foot(document: AgreementDocument, language: Language) -> str:
    version = f"version {document.version}"
    return " · ".join((document.reference, version, document.title[language], document.authority.name))


# --- pages -----------------------------------------------------------------------------------------------------------


def _pages(document: AgreementDocument, language: Language) -> list[list[Block]]:
    """Give text, annex and signatures; each begins on a page of its own."""
    banner = list(_banner(document, language))
    running = [*banner, _running_head(document, language)]
    first = [*banner, _masthead(document, language), _key_facts(document, language)]
    return [
        *_spread(first, running, _text(document, language)),
        *_spread(running, running, _annex(document.annex, language)),
        *_spread(running, running, _signatures(document, language)),
    ]


def _spread(opening: Sequence[Block], running: Sequence[Block], units: Iterable[Unit]) -> list[list[Block]]:
    """Put units below each other; one that does not fit any more opens the next page."""
    pages = [list(opening)]
    for unit in units:
        if letterhead.height(pages[-1]) + letterhead.height(unit) > _PAGE:
            pages.append(list(running))
        pages[-1] += unit
    return pages


def _banner(document: AgreementDocument, language: Language) -> Iterator[Block]:
    """What the reader must know before anything else, on every page."""
    told = [*document.notices, *([document.draft] if document.draft else []), *([_HELP] if language == "en" else [])]
    style = letterhead.ON_ACCENT
    lines = [line for notice in told for line in wrap(notice[language], style, WIDTH - 28)]
    high = len(lines) * style.leading + 14

    def draw(paper: Paper, top: float) -> None:
        paper.panel(LEFT, top, WIDTH, high, letterhead.ACCENT)
        with paper.tag("P"):
            paper.lines(LEFT + 14, top + 7, lines, style)

    if lines:
        yield Block(high + 18, draw)


def _masthead(document: AgreementDocument, language: Language) -> Block:
    name = wrap(document.association.name, letterhead.HEADING, _NAME_ROOM)
    rest = [line for part in _address(document.association) for line in wrap(part, letterhead.LABEL, _NAME_ROOM)]
    high = len(name) * letterhead.HEADING.leading + len(rest) * letterhead.LABEL.leading
    room = WIDTH - _NAME_ROOM - 20

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("P"):
            below = paper.lines(LEFT, top, name, letterhead.HEADING)
            paper.lines(LEFT, below + 2, rest, letterhead.LABEL)
        with paper.tag("H1"):
            paper.right(RIGHT, top - 4, document.title[language], letterhead.TITLE, room)
            paper.right(RIGHT, top + 27, document.reference, letterhead.HEADING, room)

    return Block(max(high, 42) + 24, draw)


def _address(party: Party) -> list[str]:
    numbers = " · ".join(f"{kind}\u00a0{it}" for kind, it in (("CVR", party.cvr), ("GLN", party.gln)) if it)
    return [line for line in (party.address, f"{party.postcode} {party.city}".strip(), numbers) if line]


def _running_head(document: AgreementDocument, language: Language) -> Block:
    """What stands on top of the pages after the first."""
    title = f"{document.title[language]} {document.reference}"
    room = WIDTH - letterhead.width(title, letterhead.STRONG) - 24
    authority = letterhead.shortened(document.authority.name, letterhead.LABEL, room)

    def draw(paper: Paper, top: float) -> None:
        paper.text(LEFT, top, title, letterhead.STRONG)
        paper.right(RIGHT, top, authority, letterhead.LABEL, room)

    return Block(30, draw, artifact="Header")


# --- the text --------------------------------------------------------------------------------------------------------


def _key_facts(document: AgreementDocument, language: Language) -> Block:
    """The agreement at a glance, in a box."""
    template, subject = document.template, document.subject
    rows = [
        (Text("Myndighed", "Authority"), ", ".join((document.authority.name, *_address(document.authority))), _SUM),
        (Text("Aftale om", "Agreement on"), _of(document)[language], _SUM),
        (Text("Beskrivelse", "Description"), subject.description[language], _BODY),
        (Text("Tilslutning", "Connection"), composing.KINDS[document.kind][language] if subject.product else "", _BODY),
        (Text("I kraft fra", "In force from"), day(document.effective_on)[language], _BODY),
        (Text("Opsigelse", "Notice"), clauses.notice_words(document.notice)[language], _BODY),
        (Text("Version", "Version"), str(document.version), _BODY),
        (
            Text("Skabelon, version", "Template, version"),
            f"{template.version}, SHA-256 {template.digest}",
            letterhead.SMALL,
        ),
        (Text("Kontrolsum", "Digest"), f"SHA-256 {document.digest()}", _DIGEST),
    ]
    return _box(_facts(rows, language, RIGHT - _PADDING - _VALUE))


def _facts(rows: Iterable[tuple[Text, str, Style]], language: Language, room: float) -> list[Fact]:
    return [letterhead.fact(label[language], value, room, style) for label, value, style in rows if value.strip()]


def _box(facts: list[Fact], title: str = "") -> Block:
    """Facts on a ground, with a title where there is one; never split."""
    above = letterhead.HEADING.leading + 4 if title else 0.0
    high = letterhead.height(facts) + 2 * _PADDING - 4 + above

    def draw(paper: Paper, top: float) -> None:
        paper.panel(LEFT, top, WIDTH, high)
        paper.panel(LEFT, top, 3, high, letterhead.ACCENT)
        if title:
            with paper.tag("H3"):
                paper.text(LEFT + _PADDING, top + _PADDING - 2, title, letterhead.HEADING)
        paper.facts(LEFT + _PADDING, _VALUE, top + _PADDING - 1 + above, facts)

    return Block(high + 14, draw)


def _text(document: AgreementDocument, language: Language) -> Iterator[Unit]:
    for number, section in enumerate(document.sections, start=1):
        yield from _section(number, section, language)
    yield [_heading(Text("Fakturering", "Invoicing")[language]), _box(_billing(document, language))]
    yield from _headed(Text("Personoplysninger", "Personal data"), [("", document.personal_data[language])], language)


def _section(number: int, section: Section, language: Language) -> Iterator[Unit]:
    clauses = [(f"{number}.{nth}", clause.text[language]) for nth, clause in enumerate(section.clauses, start=1)]
    yield from _headed(same(f"{number}. ") + section.heading, clauses, language)


def _headed(heading: Text, clauses: Sequence[tuple[str, str]], language: Language) -> Iterator[Unit]:
    """Give paragraphs under a heading, which stays with the first lines below it."""
    above = [_heading(heading[language])]
    for label, words in clauses:
        first, *rest = _paragraph(label, words)
        yield [*above, first]
        yield from ([piece] for piece in rest)
        above = []
    yield [_gap(6)]


def _heading(words: str, role: Role = "H2") -> Block:
    style = letterhead.HEADING if role == "H2" else _SUM
    lines = wrap(words, style, WIDTH)

    def draw(paper: Paper, top: float) -> None:
        with paper.tag(role):
            paper.lines(LEFT, top + 4, lines, style)

    return Block(len(lines) * style.leading + 8, draw)


def _paragraph(label: str, words: str, style: Style = _BODY) -> list[Block]:
    """Give a paragraph as pieces of a few lines each, in one element; no line of it stands alone on a page."""
    start = _CLAUSE if label else LEFT
    lines = wrap(words, style, RIGHT - start)
    pieces, group = _pieces(lines), Group("P")
    return [
        _piece(piece, start, label if nth == 0 else "", style, group, is_last=nth == len(pieces) - 1)
        for nth, piece in enumerate(pieces)
    ]


def _pieces(lines: Sequence[str]) -> list[Sequence[str]]:
    if len(lines) < 5:
        return [lines]
    return [lines[:2], *([line] for line in lines[2:-2]), lines[-2:]]


def _piece(lines: Sequence[str], start: float, label: str, style: Style, group: Group, *, is_last: bool) -> Block:
    def draw(paper: Paper, top: float) -> None:
        if label:
            paper.text(LEFT, top, label, Style(style.font, style.size, style.leading, letterhead.GREY))
        paper.lines(start, top, lines, style)

    return Block(len(lines) * style.leading + (5 if is_last else 0), draw, within=group)


def _gap(high: float) -> Block:
    return Block(high, lambda paper, top: None)


def _billing(document: AgreementDocument, language: Language) -> list[Fact]:
    given = document.billing
    contact = ", ".join(filter(None, (given.contact_name, given.contact_mail)))
    xml = {"oioubl": "OIOUBL 2.1", "peppol": "Peppol BIS Billing 3.0"}[given.format]
    rows = [
        (Text("EAN-/GLN-nummer", "EAN/GLN number"), given.gln if given.endpoint == "gln" else "", _BODY),
        (
            Text("Sendes til CVR-nr.", "Sent to CVR no."),
            document.authority.cvr if given.endpoint == "cvr" else "",
            _BODY,
        ),
        (Text("Format", "Format"), xml, _BODY),
        (Text("Personreference", "Person reference"), given.person_reference, _BODY),
        (Text("Ordre-/rekvisitionsnr.", "Order number"), given.order_reference, _BODY),
        (Text("Kontostreng", "Account string"), given.accounting_cost, _BODY),
        (Text("Kontakt", "Contact"), contact, _BODY),
    ]
    return _facts(rows, language, RIGHT - _PADDING - _VALUE)


# --- the annex -------------------------------------------------------------------------------------------------------


def _annex(annex: FeeAnnex, language: Language) -> Iterator[Unit]:
    heading = _heading((_ANNEX + same(str(annex.year)))[language])
    yield [heading, *_paragraph("", _basis(annex)[language])]
    yield from _amounts(annex.lines, annex.total_ore, language)
    yield from (_paragraph("", _sentence(words[language])) for words in (*annex.vat, *annex.notes))
    yield [_gap(6)]
    if annex.later:
        yield from _headed(_LATER, [("", _WHEN_ACTIVE[language])], language)
        yield from _amounts(annex.later, sum(line.amount_ore for line in annex.later), language)
    yield from _explanations(annex, language)
    for sheet in annex.sheets:
        yield from _sheet(sheet, language)


_LATER = Text("Når tilslutningen bliver aktiv", "When the connection becomes active")
_WHEN_ACTIVE = Text(
    "Nu forfalder ingen tilslutningsafgift. Bliver tilslutningen aktiv, forfalder den med dette beløb.",
    "No joining fee falls due now. When the connection becomes active, it falls due with this amount.",
)


def _basis(annex: FeeAnnex) -> Text:
    """Say what the figures rest on: the day, the size, the membership."""
    on, year = day(annex.on), annex.year
    worked_out = Text(
        f"Beløbene er for {year}, aftalens første år, uden moms, som om den er underskrevet {on.da}. De er regnet ud "
        "efter fakturaernes regler.",
        f"The amounts are for {year}, the first year, without VAT, as if it is signed on {on.en}. They are worked out "
        "by the invoices' rules.",
    )
    member = Text("som medlem", "as a member") if annex.member else Text("ikke som medlem", "not as a member")
    counts = Text(
        f"Myndigheden regnes {member.da} af OS2 i {year}.", f"The authority counts {member.en} of OS2 in {year}."
    )
    size = [] if annex.band is None else [_size(annex)]
    return joined([worked_out, *size, counts], by=" ")


def _size(annex: FeeAnnex) -> Text:
    assert annex.band is not None
    band = Text(f"Myndigheden er {annex.band.da.lower()}", f"The authority is {annex.band.en.lower()}")
    if annex.inhabitants is None or annex.counted_on is None:
        return band + Text(" efter indplacering.", " by placement.")
    count, counted = whole_number(annex.inhabitants), day(annex.counted_on)
    return band + Text(f": {count.da} indbyggere {counted.da}.", f": {count.en} inhabitants on {counted.en}.")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")


def _amounts(lines: Sequence[FeeLine], total_ore: int, language: Language) -> Iterator[Unit]:
    """The lines and their sum as one table, which stays on one page where it can."""
    table = Group("Table")
    head = _row_of([Text("Beløb", "Amount")[language], Text("Kr. uden moms", "DKK without VAT")[language]], table)
    rows = [_fee_row(line, table, language) for line in lines]
    yield from _whole([head, *rows, _total_row(total_ore, table, language), _gap(8)])


def _row_of(cells: Sequence[str], table: Group, ends: Sequence[float] = (RIGHT,)) -> Block:
    """The head of a table: the first column begins at the left, the others end where figures end."""
    style = letterhead.SMALL_STRONG

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"):
            with paper.tag("TH", tagged.COLUMN_HEAD):
                paper.text(LEFT, top, cells[0], style)
            for words, end in zip(cells[1:], ends, strict=True):
                with paper.tag("TH", tagged.COLUMN_HEAD):
                    paper.right(end, top, words, style, _AMOUNT_ROOM)
        paper.rule(top + 13, colour=letterhead.ACCENT)

    return Block(19, draw, within=table)


def _fee_row(line: FeeLine, table: Group, language: Language) -> Block:
    words = wrap(line.text[language], _BODY, WIDTH - _AMOUNT_ROOM)
    why = wrap(line.reason[language], letterhead.SMALL, WIDTH - _AMOUNT_ROOM)
    high = len(words) * _BODY.leading + len(why) * letterhead.SMALL.leading + 5

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"):
            with paper.tag("TD"):
                with paper.tag("P"):
                    below = paper.lines(LEFT, top, words, _BODY)
                with paper.tag("P"):
                    paper.lines(LEFT, below, why, letterhead.SMALL)
            with paper.tag("TD"):
                paper.right(RIGHT, top, amount(Money(line.amount_ore), language), _BODY, _AMOUNT_ROOM)
        paper.rule(top + high)

    return Block(high + 4, draw, within=table)


def _total_row(total_ore: int, table: Group, language: Language) -> Block:
    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"):
            with paper.tag("TH", tagged.ROW_HEAD):
                paper.text(LEFT, top + 2, Text("I alt uden moms", "Total without VAT")[language], _SUM)
            with paper.tag("TD"):
                paper.right(RIGHT, top + 2, amount(Money(total_ore), language), _SUM, _AMOUNT_ROOM)

    return Block(_SUM.leading + 8, draw, within=table)


def _explanations(annex: FeeAnnex, language: Language) -> Iterator[Unit]:
    """Every amount followed from the price sheet to the øre."""
    told = [line for line in (*annex.lines, *annex.later) if line.told]
    if not told:
        return
    above = [_heading(Text("Sådan er beløbene regnet ud", "How the amounts are worked out")[language])]
    for line in told:
        title, sum_ = line.text[language], kroner(Money(line.amount_ore))[language]
        words = " ".join(sentence[language] for sentence in line.told)
        first, *rest = _paragraph("", words)
        yield [*above, _heading(f"{title}: {sum_}", "H3"), first]
        yield from ([piece] for piece in rest)
        above = []
    yield [_gap(6)]


# --- price sheets ----------------------------------------------------------------------------------------------------


#: The columns of amounts in a price sheet: what they are called, and which amount of a row stands there.
_COLUMNS: tuple[tuple[Text, Callable[[PriceRow], int | None]], ...] = (
    (Text("Pr. år, kr.", "A year, DKK"), lambda row: row.annual_ore),
    (Text("Tilslutning, kr.", "Joining, DKK"), lambda row: row.joining_ore),
)


def _sheet(sheet: PriceSheet, language: Language) -> Iterator[Unit]:
    blocks = [_heading((Text("Takstblad: ", "Price sheet: ") + same(sheet.name))[language])]
    blocks += [block for words in _decided(sheet) for block in _paragraph("", words[language])]
    with_amount = [row for row in sheet.rows if (row.annual_ore, row.joining_ore) != (None, None)]
    blocks += _price_table(with_amount, language)
    if without := [row.band for row in sheet.rows if row not in with_amount]:
        blocks += _paragraph("", _sentence(joined(without, by=". ")[language]))
    yield from _whole([*blocks, _gap(8)])


def _price_table(rows: Sequence[PriceRow], language: Language) -> Iterator[Block]:
    """The amounts as a table, with the columns that have any."""
    if not rows:
        return
    table = Group("Table")
    columns = [column for column in _COLUMNS if any(column[1](row) is not None for row in rows)]
    ends = _ENDS[-len(columns) :]
    heads = [Text("Hvem", "Who"), *(title for title, _ in columns)]
    yield _row_of([head[language] for head in heads], table, ends)
    for row in rows:
        figures = ["–" if (ore := of(row)) is None else amount(Money(ore), language) for _, of in columns]
        yield _price_row(row.band[language], list(zip(ends, figures, strict=True)), table)


def _decided(sheet: PriceSheet) -> list[Text]:
    since, decided = day(sheet.valid_from), day(sheet.decided_on)
    told = [
        Text(
            f"Gælder fra {since.da}, vedtaget {decided.da} af {sheet.decided_by}. Beløbene er uden moms. SHA-256 af "
            f"teksten: {sheet.digest}.",
            f"In force from {since.en}, decided on {decided.en} by {sheet.decided_by}. The amounts are without VAT. "
            f"SHA-256 of its text: {sheet.digest}.",
        )
    ]
    if sheet.made_up:
        told.append(Text("Taksterne er opdigtet til demonstration.", "The prices are made up for demonstration."))
    return told


def _price_row(whom: str, figures: Sequence[tuple[float, str]], table: Group) -> Block:
    words = wrap(whom, _BODY, _ROW_ROOM)
    high = max(len(words), 1) * _BODY.leading + 3

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"):
            with paper.tag("TH", tagged.ROW_HEAD):
                paper.lines(LEFT, top, words, _BODY)
            for end, figure in figures:
                with paper.tag("TD"):
                    paper.right(end, top, figure, _BODY, _AMOUNT_ROOM)
        paper.rule(top + high)

    return Block(high + 3, draw, within=table)


def _whole(blocks: Sequence[Block]) -> Iterator[Unit]:
    """Keep blocks on one page where they take no more than half of one."""
    if letterhead.height(blocks) <= _PAGE / 2:
        yield blocks
    else:
        yield from ([block] for block in blocks)


# --- signatures ------------------------------------------------------------------------------------------------------


def _signatures(document: AgreementDocument, language: Language) -> Iterator[Unit]:
    """Who is to sign. Who has signed, and when, stands in the evidence, for this paper is what they sign."""
    heading = _heading(Text("Underskrifter", "Signatures")[language])
    yield [heading, *_paragraph("", _what_is_signed(document)[language])]
    if document.in_order and len(document.signatories) > 1:
        yield _paragraph("", _IN_ORDER[language])
    yield from ([_signatory(document.authority, one, language)] for one in document.signatories)
    yield [_signatory(document.association, document.countersignatory, language)]


_IN_ORDER = Text("Der underskrives i den rækkefølge, de står her.", "They sign in the order in which they stand here.")


def _what_is_signed(document: AgreementDocument) -> Text:
    named = same(f"{document.reference}, version {document.version}")
    return Text(
        f"Underskrifterne gælder hele aftalen {named.da}, med bilag: den tekst, hvis kontrolsum er SHA-256 "
        f"{document.digest()}. Der underskrives elektronisk. Hvem der har underskrevet, hvornår og hvordan, står i det "
        "bevis, der hører til den forseglede aftale.",
        f"The signatures are on the whole agreement {named.en}, with its annex: the text whose digest is SHA-256 "
        f"{document.digest()}. It is signed electronically. Who has signed, when and how, stands in the evidence that "
        "belongs to the sealed agreement.",
    )


def _signatory(party: Party, one: Signatory, language: Language) -> Block:
    rows = [
        (same("CVR"), party.cvr, _BODY),
        (Text("Navn", "Name"), one.name, _SUM),
        (Text("Titel", "Title"), one.title, _BODY),
        (Text("Mail", "Mail"), one.mail, _BODY),
    ]
    title = letterhead.shortened(f"For {party.name}", letterhead.HEADING, WIDTH - 2 * _PADDING)
    return _box(_facts(rows, language, RIGHT - _PADDING - _VALUE), title)
