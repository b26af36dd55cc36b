"""The funding report on paper: what a steering group has before it at its meeting, in Danish or English.

Made from the same value as the page and the spreadsheet, as an archive PDF, tagged for those who cannot see it. Each
picture stands with its table, has an alternative text, and is told apart without colour: filled, striped, framed.
Lengths are points, measured from the upper left corner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from billing.funding import naming, summary
from billing.funding.report import Change, FundingReport, Membership
from foundation import archive, letterhead, periods, tagged
from foundation.language import Language, Text, amount, day, same, whole_number
from foundation.letterhead import LEFT, RIGHT, WIDTH, Block, Colour, Paper, Style, width, wrap
from foundation.money import Money
from foundation.tagged import Group

_PAGE = letterhead.BOTTOM - letterhead.TOP
_TITLE = Text("Økonomirapport", "Funding report")
_SUM = Style(letterhead.SEMIBOLD, 8.5, 12, letterhead.INK)
_CELL = Style(letterhead.REGULAR, 8.5, 12, letterhead.INK)
_KEY = Style(letterhead.SEMIBOLD, 13, 17, letterhead.ACCENT)
_NONE = "–"

# The pictures: bars lie, columns stand; labels to the left of bars, amounts to the right.
_LABELS, _AMOUNTS = 158.0, 78.0
_BAR, _BAR_ROOM = 9.0, WIDTH - _LABELS - _AMOUNTS - 12
_STRIPE, _FRAME = 3.0, 0.8
_COLUMNS_HIGH = 84.0
_WIDEST_COLUMN = 44.0
_LEGEND = 17.0


@dataclass(frozen=True, slots=True)
class Imprint:
    """Who publishes a report, when, and as which version; version 0 is a draft, dated by its period's last day."""

    publisher: str = "OS2"
    dated_on: date | None = None
    version: int = 0
    notices: tuple[Text, ...] = ()


DRAFT = Imprint()


def render(report: FundingReport, language: Language = "da", imprint: Imprint = DRAFT) -> bytes:
    """Give a report as PDF; the same input always gives the same bytes.

    Raises letterhead.FontsMissing where set-up has not brought the typefaces.
    """
    paper = Paper(_about(report, language, imprint))
    foot = " · ".join((summary.title(report)[language], _version(imprint)[language], imprint.publisher))
    paper.pages(_pages(report, language, imprint), foot)
    return paper.finish()


def _about(report: FundingReport, language: Language, imprint: Imprint) -> archive.About:
    dated = imprint.dated_on or report.period.last_day or report.period.start
    return archive.About(
        title=summary.title(report)[language], author=imprint.publisher, subject=_version(imprint)[language],
        language=language, dated_on=dated,
    )  # fmt: skip


def _version(imprint: Imprint) -> Text:
    return same(f"Version {imprint.version}") if imprint.version else Text("Kladde", "Draft")


# --- pages -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Unit:
    """Blocks that stand together; `again` is what heads them where they open a page."""

    blocks: Sequence[Block]
    again: Sequence[Block] = ()


def _pages(report: FundingReport, language: Language, imprint: Imprint) -> list[list[Block]]:
    """Put the parts below each other; what does not fit any more opens the next page, under its table's heads."""
    banner = list(_banner(imprint, language))
    running = [*banner, _running_head(report, imprint, language)]
    pages = [[*banner, _masthead(report, language, imprint)]]
    for unit in _parts(report, language):
        if letterhead.height(pages[-1]) + letterhead.height(unit.blocks) > _PAGE:
            pages.append([*running, *unit.again])
        pages[-1] += unit.blocks
    return pages


def _parts(report: FundingReport, language: Language) -> Iterator[_Unit]:
    yield _Unit([_key_figures(report, language), _paragraph(summary.paragraph(report)[language]), _gap(10)])
    yield from _whole_remark(report, language)
    yield from _section(_INCOME_AND_COSTS, language, _accounts_picture(report, language),
                        summary.accounts_in_short(report))  # fmt: skip
    yield from _table(_income(report, language), language)
    yield from _section(_AGAINST_BUDGET, language, _budget_picture(report, language), summary.budget_in_short(report))
    yield from _table(_costs(report, language), language)
    yield from _section(_OVER_TIME, language, _connected_picture(report, language), summary.connected_in_short(report))
    yield from _table(_connected(report, language), language)
    for table in (_members(report, language), _bands(report, language), _changes(report, language),
                  _payers(report, language)):  # fmt: skip
        yield from _table(table, language)


_INCOME_AND_COSTS = Text("Indtægter og omkostninger", "Income and costs")
_AGAINST_BUDGET = Text("Omkostninger mod budget", "Costs against budget")
_OVER_TIME = Text("Tilsluttede myndigheder", "Connected authorities")


def _section(title: Text, language: Language, picture: Block | None, short: Text | None) -> Iterator[_Unit]:
    """A heading with what the picture shows in short, and the picture; without one, the table's heading suffices."""
    if picture is not None:
        said = [_paragraph(short[language]), _gap(6)] if short is not None else []
        yield _Unit([_heading(title[language]), *said, picture, _gap(8)])


def _whole_remark(report: FundingReport, language: Language) -> Iterator[_Unit]:
    """What is remarked on the report as a whole, line by line as it was written."""
    lines = [line for line in report.remark.split("\n") if line]
    for at, line in enumerate(lines):
        yield _Unit([*([_heading(summary.REMARKS[language])] if at == 0 else []), _paragraph(line), _gap(4)])
    if lines:
        yield _Unit([_gap(6)])


def _gap(high: float) -> Block:
    return Block(high, lambda paper, top: None)


def _heading(words: str) -> Block:
    def draw(paper: Paper, top: float) -> None:
        with paper.tag("H2"):
            paper.text(LEFT, top + 8, words, letterhead.HEADING)

    return Block(28, draw)


def _paragraph(words: str) -> Block:
    lines = wrap(words, letterhead.BODY, WIDTH)

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("P"):
            paper.lines(LEFT, top, lines, letterhead.BODY)

    return Block(len(lines) * letterhead.BODY.leading, draw)


# --- the head --------------------------------------------------------------------------------------------------------


def _banner(imprint: Imprint, language: Language) -> Iterator[Block]:
    """What the reader must know before anything else, on every page."""
    style = letterhead.ON_ACCENT
    told = [] if imprint.version else [_DRAFT]
    lines = [line for notice in (*imprint.notices, *told) for line in wrap(notice[language], style, WIDTH - 28)]
    high = len(lines) * style.leading + 14

    def draw(paper: Paper, top: float) -> None:
        paper.panel(LEFT, top, WIDTH, high, letterhead.ACCENT)
        with paper.tag("P"):
            paper.lines(LEFT + 14, top + 7, lines, style)

    if lines:
        yield Block(high + 18, draw)


_DRAFT = Text("Kladde: rapporten er ikke offentliggjort, og tallene kan ændre sig",
              "Draft: the report is not published, and its figures may change")  # fmt: skip


def _masthead(report: FundingReport, language: Language, imprint: Imprint) -> Block:
    title = f"{naming.told(report.product)[language]}, {periods.told(report.period)[language]}"
    named = wrap(title, letterhead.TITLE, WIDTH)
    facts = [imprint.publisher, _version(imprint)[language]]
    if imprint.dated_on is not None:
        facts.append((Text("offentliggjort ", "published ") + day(imprint.dated_on))[language])
    if report.budget:
        facts.append(f"budget {report.budget}")
    facts.append(Text("beløb i kroner", "amounts in DKK")[language])
    below = wrap(" · ".join(facts), letterhead.LABEL, WIDTH)

    def draw(paper: Paper, top: float) -> None:
        paper.text(LEFT, top, _TITLE[language].upper(), letterhead.SMALL_STRONG)
        with paper.tag("H1"):
            after = paper.lines(LEFT, top + 12, named, letterhead.TITLE)
        with paper.tag("P"):
            paper.lines(LEFT, after + 3, below, letterhead.LABEL)

    return Block(12 + len(named) * 30 + 3 + len(below) * 13 + 14, draw)


def _running_head(report: FundingReport, imprint: Imprint, language: Language) -> Block:
    """What stands on top of the second page and those after it."""
    title = f"{summary.title(report)[language]}, {Text('fortsat', 'continued')[language]}"
    version = _version(imprint)[language]
    room = WIDTH - width(version, letterhead.LABEL) - 24
    shown = letterhead.shortened(title, letterhead.STRONG, room)

    def draw(paper: Paper, top: float) -> None:
        paper.text(LEFT, top, shown, letterhead.STRONG)
        paper.right(RIGHT, top, version, letterhead.LABEL, 90)

    return Block(26, draw, artifact="Header")


def _key_figures(report: FundingReport, language: Language) -> Block:
    """The six figures that a meeting begins with, in two rows of a panel."""
    figures = [
        (Text("Primo", "Opening balance"), report.opening), (Text("Indtægter", "Income"), report.earned),
        (Text("Omkostninger", "Costs"), report.spent), (Text("Resultat", "Result"), report.result),
        (Text("Overførsler", "Transfers"), report.transfers), (Text("Ultimo", "Closing balance"), report.closing),
    ]  # fmt: skip
    wide = WIDTH / 3

    def draw(paper: Paper, top: float) -> None:
        paper.panel(LEFT, top, WIDTH, 88)
        with paper.tag("L"):
            for at, (label, value) in enumerate(figures):
                x, y = LEFT + 12 + (at % 3) * wide, top + 8 + (at // 3) * 40
                with paper.tag("LI"):
                    with paper.tag("Lbl"):
                        paper.text(x, y, label[language], letterhead.LABEL)
                    with paper.tag("LBody"):
                        paper.text(x, y + 13, amount(value, language), _fitting(value, language, wide - 20))

    return Block(100, draw)


def _fitting(value: Money, language: Language, room: float) -> Style:
    wide = width(amount(value, language), _KEY)
    return _KEY if wide <= room else Style(_KEY.font, _KEY.size * room / wide, _KEY.leading, _KEY.colour)


# --- tables ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its heading, its width, whether figures stand in it, and how far its words stand off the one before."""

    title: Text
    wide: float
    is_number: bool = False
    indent: float = 0


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with its heading; `last` sums it up."""

    title: Text
    columns: Sequence[_Column]
    rows: Sequence[Sequence[str]]
    last: Sequence[str] = ()


def _table(table: _Table, language: Language) -> Iterator[_Unit]:
    """Give a table row by row; its heads come again on every page. One without rows is left out."""
    if not table.rows:
        return
    group = Group("Table")
    heads = replace(_heads(table, language), within=group)
    rows = [replace(_row(table, cells, _CELL), within=group) for cells in table.rows]
    if table.last:
        rows.append(replace(_row(table, table.last, _SUM), within=group))
    yield _Unit([_heading(table.title[language]), heads, rows[0]])
    for row in rows[1:]:
        yield _Unit([row], again=[heads])
    yield _Unit([_gap(8)])


def _heads(table: _Table, language: Language) -> Block:
    style = letterhead.SMALL_STRONG
    lines = [wrap(column.title[language], style, column.wide - 6 - column.indent) for column in table.columns]
    high = max(map(len, lines)) * style.leading

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"):
            x = LEFT
            for column, words in zip(table.columns, lines, strict=True):
                with paper.tag("TH", tagged.COLUMN_HEAD):
                    _write(paper, (x, top + high - len(words) * style.leading), column, words, style)
                x += column.wide
        paper.rule(top + high + 4, colour=letterhead.ACCENT)

    return Block(high + 9, draw)


def _row(table: _Table, cells: Sequence[str], style: Style) -> Block:
    lines = [
        (cell,) if column.is_number else wrap(cell, style, column.wide - 8 - column.indent)
        for column, cell in zip(table.columns, cells, strict=True)
    ]
    high = max(1, *map(len, lines)) * style.leading

    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"):
            x = LEFT
            for at, (column, words) in enumerate(zip(table.columns, lines, strict=True)):
                with paper.tag("TD" if at else "TH", "" if at else tagged.ROW_HEAD):
                    _write(paper, (x, top), column, words, style)
                x += column.wide
        paper.rule(top + high + 2)

    return Block(high + 5, draw)


def _write(paper: Paper, place: tuple[float, float], column: _Column, words: Sequence[str], style: Style) -> None:
    x, top = place
    if not column.is_number:
        paper.lines(x + column.indent, top, words, style)
        return
    for line in words:
        paper.right(x + column.wide, top, line, style, column.wide - 4)
        top += style.leading


def _money(value: Money | None, language: Language) -> str:
    return _NONE if value is None else amount(value, language)


_WORDS = WIDTH - 3 * 92
_REMARK = Text("Bemærkning", "Remark")


def _income(report: FundingReport, language: Language) -> _Table:
    """Income by account; where nobody remarked on any, the words have the room."""
    remarked = any(each.remark for each in report.income)
    each_wide = 74 if remarked else 92
    words = (WIDTH - 3 * each_wide) / (2 if remarked else 1)
    titles = (Text("Faktureret", "Invoiced"), Text("Heraf betalt", "Of that paid"), Text("Budget", "Budget"))
    columns = [_Column(Text("Indtægtskonto", "Income account"), words)]
    columns += [_Column(title, each_wide, True) for title in titles]
    columns += [_Column(_REMARK, words, indent=14)] if remarked else []
    rows = [
        (f"{each.name[language]} ({each.account})", amount(each.invoiced, language), amount(each.paid, language),
         _money(each.budget, language), each.remark)[: len(columns)]
        for each in report.income
    ]  # fmt: skip
    last = (_IN_ALL[language], amount(report.earned, language), amount(report.paid, language), "", "")[: len(columns)]
    return _Table(Text("Indtægter efter konto", "Income by account"), columns, rows, last)


_IN_ALL = Text("I alt", "In all")


def _costs(report: FundingReport, language: Language) -> _Table:
    wide = (WIDTH - 3 * 74) / 2
    columns = (
        _Column(Text("Omkostningskonto", "Cost account"), wide), _Column(Text("Brugt", "Spent"), 74, True),
        _Column(Text("Budget", "Budget"), 74, True), _Column(Text("Afvigelse", "Deviation"), 74, True),
        _Column(_REMARK, wide, indent=14),
    )  # fmt: skip
    rows = [
        (f"{each.name[language]} ({each.account})", amount(each.spent, language), _money(each.budget, language),
         _money(each.deviation, language), each.remark)
        for each in report.costs
    ]  # fmt: skip
    last = (_IN_ALL[language], amount(report.spent, language), _money(report.given, language),
            _money(report.deviation, language), "")  # fmt: skip
    return _Table(Text("Omkostninger efter konto", "Costs by account"), columns, rows, last)


def _connected(report: FundingReport, language: Language) -> _Table:
    columns = (_Column(Text("Ved udgangen af", "At the end of"), 200),
               _Column(Text("Tilsluttede", "Connected"), 92, True))  # fmt: skip
    rows = [(day(each.on)[language], whole_number(each.authorities)[language]) for each in report.connected]
    return _Table(Text("Tilsluttede over tid", "Connected over time"), columns, rows)


def _counted(title: Text) -> tuple[_Column, ...]:
    return (_Column(title, _WORDS), _Column(Text("Myndigheder", "Authorities"), 92, True),
            _Column(Text("Faktureret", "Invoiced"), 92, True),
            _Column(Text("Heraf betalt", "Of that paid"), 92, True))  # fmt: skip


def _members(report: FundingReport, language: Language) -> _Table:
    def row(title: Text, of: Membership) -> tuple[str, ...]:
        return (title[language], whole_number(of.authorities)[language], amount(of.invoiced, language),
                amount(of.paid, language))  # fmt: skip

    rows = [row(Text("Medlemmer af OS2", "Members of OS2"), report.members),
            row(Text("Ikke medlemmer", "Not members"), report.others)]  # fmt: skip
    if report.passed_on:
        told = Text("Bidrag givet videre til foreningen", "Contribution passed on to the association")
        rows.append((told[language], "", amount(report.passed_on, language), ""))
    return _Table(Text("Medlemmer og andre", "Members and others"), _counted(Text("Gruppe", "Group")), rows)


def _bands(report: FundingReport, language: Language) -> _Table:
    rows = [
        (summary.band(each.band)[language], whole_number(each.authorities)[language], amount(each.invoiced, language),
         amount(each.paid, language))
        for each in report.bands
    ]  # fmt: skip
    return _Table(Text("Efter størrelse", "By size"), _counted(Text("Størrelse", "Size")), rows)


_CHANGES: tuple[tuple[str, Text], ...] = (
    ("joined", Text("Tilsluttet", "Joined")), ("left", Text("Udtrådt", "Left")),
    ("under_notice", Text("Opsagt", "Under notice")),
)  # fmt: skip


def _changes(report: FundingReport, language: Language) -> _Table:
    columns = (
        _Column(Text("Myndighed", "Authority"), WIDTH - 3 * 100), _Column(Text("Hændelse", "Change"), 100),
        _Column(Text("Dato", "Day"), 100), _Column(Text("Ophører", "Ends"), 100),
    )  # fmt: skip
    found: list[tuple[Text, Change]] = [
        (title, each) for name, title in _CHANGES for each in getattr(report, name)
    ]  # fmt: skip
    rows = [
        (each.name, title[language], day(each.on)[language],
         _NONE if each.ends_on is None else day(each.ends_on)[language])
        for title, each in found
    ]  # fmt: skip
    return _Table(Text("Tilslutninger og opsigelser", "Connections and notices"), columns, rows)


def _payers(report: FundingReport, language: Language) -> _Table:
    columns = (
        _Column(Text("Myndighed", "Authority"), WIDTH - 66 - 50 - 3 * 78), _Column(Text("Størrelse", "Size"), 66),
        _Column(Text("Medlem", "Member"), 50), _Column(Text("Faktureret", "Invoiced"), 78, True),
        _Column(Text("Heraf betalt", "Of that paid"), 78, True), _Column(Text("Udestående", "Outstanding"), 78, True),
    )  # fmt: skip
    yes, no = Text("ja", "yes")[language], Text("nej", "no")[language]
    rows = [
        (each.name, summary.band(each.band)[language] if each.band is not None else _NONE,
         yes if each.is_member else no, amount(each.invoiced, language), amount(each.paid, language),
         amount(each.outstanding, language))
        for each in report.payers
    ]  # fmt: skip
    return _Table(Text("Efter myndighed", "By authority"), columns, rows)


# --- pictures --------------------------------------------------------------------------------------------------------

#: Draws one bar or column: x, top, width, height.
_Draw = Callable[[Paper, float, float, float, float], None]


def _filled(paper: Paper, x: float, top: float, wide: float, high: float) -> None:
    paper.panel(x, top, max(wide, _FRAME), high, letterhead.ACCENT)


def _striped(paper: Paper, x: float, top: float, wide: float, high: float) -> None:
    """Stripes in a frame: what is spent."""
    _framed(paper, x, top, wide, high)
    at = x + _STRIPE
    while at < x + wide - _STRIPE / 2:
        paper.panel(at, top, _STRIPE / 2, high, letterhead.GREY)
        at += _STRIPE


def _framed(paper: Paper, x: float, top: float, wide: float, high: float) -> None:
    """A frame alone: what a budget gives."""
    colour: Colour = letterhead.INK
    wide = max(wide, 2 * _FRAME)
    for left, above, across, down in ((x, top, wide, _FRAME), (x, top + high - _FRAME, wide, _FRAME),
                                      (x, top, _FRAME, high), (x + wide - _FRAME, top, _FRAME, high)):  # fmt: skip
        paper.panel(left, above, across, down, colour)


@dataclass(frozen=True, slots=True)
class _Bar:
    """One bar: what it is called, how long it is, and how it is drawn. Without a label it belongs to the one above."""

    label: str
    value: Money
    draw: _Draw


def _accounts_picture(report: FundingReport, language: Language) -> Block | None:
    bars = [_Bar(each.name[language], each.invoiced, _filled) for each in report.income]
    bars += [_Bar(each.name[language], each.spent, _striped) for each in report.costs]
    legend = ((_filled, Text("Indtægter", "Income")), (_striped, Text("Omkostninger", "Costs")))
    return _bars([bar for bar in bars if bar.value], legend, summary.accounts(report), language)


def _budget_picture(report: FundingReport, language: Language) -> Block | None:
    if all(each.budget is None for each in report.costs):
        return None
    bars: list[_Bar] = []
    for each in report.costs:
        if each.spent or each.budget:
            bars.append(_Bar(each.name[language], each.spent, _striped))
            bars.append(_Bar("", each.budget or Money(0), _framed))
    legend = ((_striped, Text("Brugt", "Spent")), (_framed, Text("Budget", "Budget")))
    return _bars(bars, legend, summary.budget(report), language)


def _bars(bars: Sequence[_Bar], legend: Sequence[tuple[_Draw, Text]], told: Text, language: Language) -> Block | None:
    """Lie bars below each other, each with its label before and its amount behind; from zero to either side."""
    if not bars:
        return None
    least = min(0, *(bar.value.ore for bar in bars))
    span = max(1, *(bar.value.ore for bar in bars)) - least
    zero = LEFT + _LABELS - _BAR_ROOM * least / span
    step = [_BAR + (7 if bar.label else 2) for bar in bars]
    high = _LEGEND + sum(step) + 4

    def draw(paper: Paper, top: float) -> None:
        with paper.figure(told[language], LEFT, top, WIDTH, high):
            _draw_legend(paper, top, legend, language)
            below = top + _LEGEND
            for bar, room in zip(bars, step, strict=True):
                below += room - _BAR
                _draw_bar(paper, below, bar, (zero, span), language)
                below += _BAR
            if least:
                paper.panel(zero, top + _LEGEND, _FRAME, below - top - _LEGEND, letterhead.INK)

    return Block(high, draw)


def _draw_bar(paper: Paper, top: float, bar: _Bar, scale: tuple[float, int], language: Language) -> None:
    zero, span = scale
    label = letterhead.shortened(bar.label, letterhead.SMALL, _LABELS - 6)
    paper.text(LEFT, top - 0.5, label, letterhead.SMALL)
    wide = _BAR_ROOM * abs(bar.value.ore) / span
    if wide:
        bar.draw(paper, zero - wide if bar.value < Money(0) else zero, top, wide, _BAR)
    paper.right(RIGHT, top - 0.5, amount(bar.value, language), letterhead.SMALL, _AMOUNTS)


def _draw_legend(paper: Paper, top: float, legend: Sequence[tuple[_Draw, Text]], language: Language) -> None:
    x = LEFT + _LABELS
    for draw, title in legend:
        draw(paper, x, top + 1, 16, _BAR)
        paper.text(x + 21, top + 0.5, title[language], letterhead.SMALL)
        x += 33 + width(title[language], letterhead.SMALL)


def _connected_picture(report: FundingReport, language: Language) -> Block | None:
    """Columns, with how many above each and the day below."""
    points = report.connected
    if not any(each.authorities for each in points):
        return None
    most, step = max(each.authorities for each in points), WIDTH / len(points)
    wide, high = min(_WIDEST_COLUMN, step * 0.6), _COLUMNS_HIGH + 30
    told, labelled = summary.connected(report), _labelled(len(points), step)

    def draw(paper: Paper, top: float) -> None:
        with paper.figure(told[language], LEFT, top, WIDTH, high):
            foot = top + 13 + _COLUMNS_HIGH
            for at, each in enumerate(points):
                x, tall = LEFT + at * step + (step - wide) / 2, _COLUMNS_HIGH * each.authorities / most
                if tall:
                    _filled(paper, x, foot - tall, wide, tall)
                if at in labelled:
                    _centred(paper, LEFT + at * step + step / 2, foot - tall - 11, str(each.authorities))
                    _centred(paper, LEFT + at * step + step / 2, foot + 4, f"{each.on:%d.%m.%Y}")
            paper.rule(foot, colour=letterhead.GREY)

    return Block(high, draw)


def _labelled(count: int, step: float) -> set[int]:
    """Give which columns are labelled without touching each other: every so many, the last always."""
    every = max(1, -(-52 // int(max(step, 1))))
    return {at for at in range(count) if (count - 1 - at) % every == 0}


def _centred(paper: Paper, x: float, top: float, words: str) -> None:
    wide = width(words, letterhead.SMALL)
    paper.text(min(max(x - wide / 2, LEFT), RIGHT - wide), top, words, letterhead.SMALL)
