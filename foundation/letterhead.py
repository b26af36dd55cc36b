"""Paper: how every document of ours looks on A4, and the few strokes it is drawn with.

A document lays its content out as blocks, `on_pages` spreads them over pages, and a `Paper` draws them. It draws fast,
because an annual run prints hundreds, and always the same bytes: neither the clock, the environment nor what
was drawn before has a say. Whatever is written belongs to an element of the document's structure (`foundation.tagged`);
grounds and rules are decoration, and a block that is drawn again on a later page is not read twice. Lengths are points
(1/72 inch), measured from the upper left corner of the page.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import md5
from pathlib import Path
from threading import RLock
from typing import Any

from reportlab import rl_config
from reportlab.lib.rl_accel import escapePDF, fp_str
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFDocument, PDFName, PDFObject
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from foundation import archive, tagged
from foundation.archive import About, Attachment
from foundation.errors import NotNow
from foundation.language import Text
from foundation.tagged import Artifact, Group, Role, Tags

FONTS = Path(__file__).resolve().parent / "fonts"
REGULAR, SEMIBOLD = "letterhead-regular", "letterhead-semibold"
_FILES = {REGULAR: "IBMPlexSans-Regular.ttf", SEMIBOLD: "IBMPlexSans-SemiBold.ttf"}

PAGE_WIDTH, PAGE_HEIGHT = 595.276, 841.890
LEFT, RIGHT = 56.0, PAGE_WIDTH - 56.0
TOP, BOTTOM = 52.0, PAGE_HEIGHT - 66.0
WIDTH = RIGHT - LEFT
FOOTER = PAGE_HEIGHT - 44.0

#: Red, green and blue, from 0 to 1.
Colour = tuple[float, float, float]
INK: Colour = (0.11, 0.13, 0.14)
GREY: Colour = (0.35, 0.38, 0.42)
HAIR: Colour = (0.80, 0.82, 0.85)
TINT: Colour = (0.95, 0.96, 0.97)
ACCENT: Colour = (0.09, 0.21, 0.36)
WHITE: Colour = (1.0, 1.0, 1.0)

#: Letters every document carries, so that most documents share one cut-out of each typeface, made once per process.
HOUSE_LETTERS = "æøåÆØÅéÉèáóäöüÄÖÜ»«§–—…·’“”×½€"

_WIDTH_UNIT = 1000.0
_HAIRLINE = 0.5
_ELLIPSIS = " …"
_one_at_a_time = RLock()

# Settings of reportlab that a user's file or environment might change, and which reach the bytes.
# ASCII85 would make every page a quarter larger for printers of the nineties.
rl_config.useA85 = 0
rl_config.pdfMultiLine = 0
rl_config.pdfComments = 0


class FontsMissing(NotNow):
    """The typefaces are not where letterheads look for them."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            Text(
                f"skrifttypen {file.name} mangler i {file.parent}; kør `make setup`, som henter den",
                f"the typeface {file.name} is missing in {file.parent}; run `make setup`, which brings it",
            )
        )


@dataclass(frozen=True, slots=True)
class Style:
    """How a piece of text looks: typeface, size and distance between lines in points, colour."""

    font: str
    size: float
    leading: float
    colour: Colour

    @property
    def drop(self) -> float:
        """The distance from the top of a line to the feet of its letters."""
        return self.leading / 2 + 0.28 * self.size


TITLE = Style(SEMIBOLD, 25, 30, ACCENT)
HEADING = Style(SEMIBOLD, 11, 14.5, ACCENT)
STRONG = Style(SEMIBOLD, 9, 13, INK)
BODY = Style(REGULAR, 9, 13, INK)
LABEL = Style(REGULAR, 9, 13, GREY)
SMALL = Style(REGULAR, 7.5, 10.5, GREY)
NAME = Style(SEMIBOLD, 11, 14.5, INK)
SMALL_STRONG = Style(SEMIBOLD, 7.5, 10.5, ACCENT)
ON_ACCENT = Style(SEMIBOLD, 9, 13, WHITE)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page that is never split: its height, and how it is drawn when its top is known.

    Blocks of one group that follow each other are inside one element, such as a table, also over several pages.
    An artifact is for the eye alone.
    """

    height: float
    draw: Callable[[Paper, float], None]
    within: Group | None = None
    artifact: Artifact | None = None


# --- typefaces -------------------------------------------------------------------------------------------------------


class _Typeface(TTFont):
    """An embedded typeface that is cut out and compressed once for each set of letters, not once for each document.

    That makes an invoice about twice as fast. Every document begins with the letters of the house, so that
    their codes are the same in all of them.
    """

    def __init__(self, name: str, file: Path) -> None:
        super().__init__(name, str(file), asciiReadable=1, shapable=False)
        face: Any = self.face
        face.makeSubset = _made_once(face.makeSubset)
        first = PDFDocument(invariant=1)
        super().splitString(HOUSE_LETTERS, first)
        given: Any = self.state[first]
        house_codes = {**given.assignments, ord("\u00a0"): ord(" ")}
        self._strings = lru_cache(maxsize=16384)(lambda words: _house_string(words.translate(house_codes)))

    def begin(self, doc: PDFDocument) -> None:
        """Let a document begin with the letters of the house, which are then its first subset."""
        super().splitString(HOUSE_LETTERS, doc)

    def strings(self, words: str, doc: PDFDocument) -> Iterable[tuple[int, str]]:
        """Give a text as strings of a document's page, each with the subset of this typeface it is written in."""
        if (of_the_house := self._strings(words)) is not None:
            return ((0, of_the_house),)
        return [(subset, f"({escapePDF(codes)})") for subset, codes in super().splitString(words, doc)]

    def addObjects(self, doc: PDFDocument) -> None:
        """Add the subsets to a document that is being finished."""
        parts: dict[str, Any] = doc.idToObject
        before = set(parts)
        super().addObjects(doc)
        for name in parts.keys() - before:
            part = parts[name]
            if name.startswith("toUnicodeCMap:"):
                part.content = _without_gaps(part.content)
            if name.startswith(("fontFile:", "toUnicodeCMap:")):
                part.content = _compressed(part.content)
                part.dictionary["Filter"] = PDFName("FlateDecode")
            elif hasattr(part, "Widths"):
                part.Widths = _Widths(part.Widths.sequence)


def _house_string(codes: str) -> str | None:
    return f"({escapePDF(codes)})" if codes.isascii() else None  # None: it has other letters than those of the house


_CODES = re.compile(r"\d+ beginbfchar\n(.*)\nendbfchar", re.DOTALL)
_CODES_AT_A_TIME = 100


@lru_cache(maxsize=128)
def _without_gaps(cmap: str) -> str:
    """Leave out codes of no letter, which PDF/A forbids to stand for U+0000, and list at most a hundred at a time."""
    found = _CODES.search(cmap)
    if found is None:
        raise ValueError("the codes of a typeface are not listed as they were")
    codes = [code for code in found[1].split("\n") if not code.endswith("<0000>")]
    parts = (codes[at : at + _CODES_AT_A_TIME] for at in range(0, len(codes), _CODES_AT_A_TIME))
    listed = (f"{len(part)} beginbfchar\n{chr(10).join(part)}\nendbfchar" for part in parts)
    return cmap[: found.start()] + "\n".join(listed) + cmap[found.end() :]


def _made_once(make: Callable[[list[int]], bytes]) -> Callable[[list[int]], bytes]:
    kept = lru_cache(maxsize=32)(lambda letters: make(list(letters)))

    def made(letters: list[int]) -> bytes:
        with _one_at_a_time:  # the face reads its file from one shared position
            return kept(tuple(letters))

    return made


class _Widths(PDFObject):
    """How wide the letters of a subset are, written once for all documents that share it."""

    def __init__(self, widths: Iterable[float]) -> None:
        self._widths = tuple(widths)

    def format(self, document: PDFDocument) -> bytes:
        """Write them as an array."""
        return _listed(self._widths)


@lru_cache(maxsize=128)
def _listed(numbers: tuple[float, ...]) -> bytes:
    return f"[{fp_str(numbers)}]".encode("ascii")


@lru_cache(maxsize=128)
def _compressed(content: str | bytes) -> bytes:
    """Compress what many documents share."""
    return zlib.compress(content.encode() if isinstance(content, str) else content)


@cache
def _filled(colour: Colour) -> str:
    return f"{fp_str(colour)} rg"


def _typeface(name: str) -> _Typeface:
    with _one_at_a_time:
        return _loaded(name, FONTS / _FILES[name])


@cache
def _loaded(name: str, file: Path) -> _Typeface:
    if not file.is_file():
        raise FontsMissing(file)
    # Not by registerFont, which gives a face to whoever asked for it first under any name, and with it other bytes.
    registered: dict[str, Any] = vars(pdfmetrics)["_fonts"]
    registered[name] = typeface = _Typeface(name, file)
    return typeface


# --- text ------------------------------------------------------------------------------------------------------------


class _Letters(dict[int, str]):
    """What is printed for each character: itself, the nearest letter the typeface has, or a question mark."""

    def __init__(self) -> None:
        super().__init__()
        self.known = frozenset(_typeface(REGULAR).face.charToGlyph) & frozenset(_typeface(SEMIBOLD).face.charToGlyph)

    def __missing__(self, code: int) -> str:
        self[code] = printed = self._nearest(chr(code))
        return printed

    def _nearest(self, letter: str) -> str:
        kind = unicodedata.category(letter)
        if kind in {"Cf", "Mn"}:  # soft hyphens, marks of direction, accents that no letter here can carry
            return ""
        if kind in {"Cc", "Zl", "Zp"}:
            return " "
        if ord(letter) in self.known:
            return letter
        if kind == "Pd":
            return "-"
        return "".join(part for part in _parts(letter) if self._is_letter(part)) or "?"

    def _is_letter(self, part: str) -> bool:
        return ord(part) in self.known and not unicodedata.combining(part)


def _parts(letter: str) -> str:
    if (parts := unicodedata.normalize("NFKD", letter)) != letter:
        return parts
    plain, _, _ = unicodedata.name(letter, "").partition(" WITH ")
    try:
        return unicodedata.lookup(plain)
    except KeyError:
        return ""


@cache
def _letters() -> _Letters:
    return _Letters()


@lru_cache(maxsize=8192)
def printable(words: str) -> str:
    """Give a text as it can be printed: accents joined to their letters, no control characters, nothing invisible."""
    return unicodedata.normalize("NFC", words).translate(_letters())


@lru_cache(maxsize=16384)
def _units(words: str, font: str) -> float:
    return float(_typeface(font).stringWidth(words, _WIDTH_UNIT))


def width(words: str, style: Style) -> float:
    """Measure a text in points."""
    return _units(printable(words), style.font) * style.size / _WIDTH_UNIT


def wrap(words: str, style: Style, room: float) -> tuple[str, ...]:
    """Break a text into lines no wider than `room` points; a word that is wider is broken. No text gives no lines."""
    return _wrapped(printable(words), style.font, room * _WIDTH_UNIT / style.size)


@lru_cache(maxsize=4096)
def _wrapped(words: str, font: str, room: float) -> tuple[str, ...]:
    lines: list[str] = []
    space, used = _units(" ", font), room
    for word in _pieces(words, font, room):
        wide = _units(word, font)
        if used + space + wide > room:
            lines.append(word)
            used = wide
        else:
            lines[-1] += " " + word
            used += space + wide
    return tuple(lines)


def _pieces(words: str, font: str, room: float) -> Iterable[str]:
    for word in filter(None, words.split(" ")):  # only at plain spaces: others are there in order not to break
        rest = word
        while _units(rest, font) > room and len(rest) > 1:
            fits = _longest_start(rest, font, room)
            yield rest[:fits]
            rest = rest[fits:]
        yield rest


def _longest_start(word: str, font: str, room: float) -> int:
    used = 0.0
    for at, letter in enumerate(word):
        used += _units(letter, font)
        if used > room:
            return max(at, 1)
    return len(word)


def shortened(words: str, style: Style, room: float) -> str:
    """Give as much of a text as one line holds, for headings that repeat what stands in full elsewhere."""
    if width(words, style) <= room:
        return words
    first, *_ = wrap(words, style, room - width(_ELLIPSIS, style))
    return first + _ELLIPSIS


@dataclass(frozen=True, slots=True)
class Fact:
    """A label, and beside it what it labels, in lines."""

    label: str
    value: tuple[str, ...]
    style: Style

    @property
    def height(self) -> float:
        """In points, with the gap to the next."""
        return len(self.value) * self.style.leading + 2


def fact(label: str, value: str, room: float, style: Style) -> Fact:
    """Wrap a value to stand beside its label."""
    return Fact(label, wrap(value, style, room), style)


# --- pages -----------------------------------------------------------------------------------------------------------


def height(parts: Iterable[Block | Fact]) -> float:
    """Add up heights, in points."""
    return sum(part.height for part in parts)


@dataclass(frozen=True, slots=True)
class Layout:
    """A document as blocks: what opens it, what heads its later pages and its rows, the rows, and what closes it."""

    opening: Sequence[Block]
    running: Sequence[Block]
    columns: Sequence[Block]
    rows: Sequence[Block]
    closing: Sequence[Block]


def on_pages(layout: Layout) -> list[list[Block]]:
    """Spread a document over pages. Rows are headed on every page, and the closing stays in one piece.

    Where the closing needs a page of its own, the last rows go with it, so that a sum never stands without
    what it sums.
    """
    pages = [list(layout.opening)]
    rows_here: list[Block] = []
    for row in layout.rows:
        heads = [] if rows_here else layout.columns
        if not _fits(pages[-1], [*heads, row]) and (rows_here or len(pages) == 1):
            pages.append(list(layout.running))
            rows_here, heads = [], layout.columns
        pages[-1] += [*heads, row]
        rows_here.append(row)
    return _closed(layout, pages, rows_here)


def _closed(layout: Layout, pages: list[list[Block]], rows_here: list[Block]) -> list[list[Block]]:
    if _fits(pages[-1], layout.closing):
        pages[-1] += layout.closing
        return pages
    for carried in range(min(2, len(rows_here) - 1), -1, -1):
        moved = rows_here[len(rows_here) - carried :]
        fresh = [*layout.running, *(layout.columns if moved else ()), *moved]
        if _fits(fresh, layout.closing):
            return [*pages[:-1], pages[-1][: len(pages[-1]) - carried], [*fresh, *layout.closing]]
    return _closed_in_pieces(layout, pages)


def _closed_in_pieces(layout: Layout, pages: list[list[Block]]) -> list[list[Block]]:
    for block in layout.closing:
        if not _fits(pages[-1], [block]):
            pages.append(list(layout.running))
        pages[-1].append(block)
    return pages


def _fits(page: Sequence[Block], more: Sequence[Block]) -> bool:
    return height(page) + height(more) <= BOTTOM - TOP


def page_number(number: int, of: int) -> Text:
    """Write which page this is."""
    return Text(f"Side {number} af {of}", f"Page {number} of {of}")


class Paper:
    """A document being drawn, page by page. All lengths are points from the upper left corner.

    What is written inside `with paper.tag(…):` is the content of that element; what is written outside of any is a
    paragraph. `with paper.artifact(…):` takes out what is no content.
    """

    def __init__(self, about: About) -> None:
        """Begin the first page. Raises FontsMissing where set-up has not brought the typefaces."""
        self._typefaces = {name: _typeface(name) for name in (REGULAR, SEMIBOLD)}
        self._about = about
        self._canvas: Any = Canvas(
            "",
            pagesize=(PAGE_WIDTH, PAGE_HEIGHT),
            pageCompression=1,
            invariant=True,
            pdfVersion=(1, 7),
            initialFontName=REGULAR,  # type: ignore[arg-type]  # the stubs take it for a number
            lang=archive.LOCALES[about.language],
        )
        self._prepare(about)
        self._tags = Tags()
        self._drawing = False  # whether grounds belong to a figure
        self._begin_page()

    def _prepare(self, about: About) -> None:
        canvas = self._canvas
        for typeface in self._typefaces.values():
            typeface.begin(canvas._doc)
        canvas.setTitle(about.title)
        canvas.setAuthor(about.author)
        canvas.setSubject(about.subject)
        canvas.setCreator(archive.CREATOR)
        canvas.setProducer(archive.CREATOR)
        canvas.setViewerPreference("DisplayDocTitle", "true")
        canvas.setDateFormatter(lambda *_: f"D:{about.dated_on:%Y%m%d}000000Z")
        # The file's identity starts from a time stamp, which SOURCE_DATE_EPOCH would change.
        canvas._doc.signature = md5(archive.CREATOR.encode(), usedforsecurity=False)

    def _begin_page(self) -> None:
        self._code: list[str] = ["BT"]  # the operators that write
        self._colour: Colour | None = None
        self._letters: tuple[str, float, int] | None = None  # typeface, size and subset of the last stroke
        # What the marked sequence open in each layer belongs to; None where none is open.
        self._penned: int | Artifact | None = None
        self._grounded: int | Artifact | None = None

    # --- structure

    def tag(self, role: Role, attributes: str = "") -> AbstractContextManager[None]:
        """Open an element; what is written until the end of the `with` is its content."""
        return self._tags.begin(role, attributes)

    @contextmanager
    def artifact(self, kind: Artifact) -> Iterator[None]:
        """Draw what repeats, or is for the eye alone: it is not read."""
        self._tags.begin_artifact(kind)
        yield
        self._tags.end_artifact()

    @contextmanager
    def figure(self, alternative: str, x: float, top: float, wide: float, high: float) -> Iterator[None]:
        """Draw a figure: grounds and texts until the end of the `with` are one picture, told by its alternative."""
        box = (x, PAGE_HEIGHT - top - high, x + wide, PAGE_HEIGHT - top)
        with self._tags.begin("Figure", tagged.figure(alternative, box)):
            self._drawing = True
            yield
            self._drawing = False

    # --- strokes

    def text(self, x: float, top: float, words: str, style: Style) -> None:
        """Write one line."""
        self._write(x, top, printable(words), style)

    def right(self, x: float, top: float, words: str, style: Style, room: float) -> None:
        """Write one line that ends at `x`; where it is wider than `room` it is written smaller."""
        wide = width(words, style)
        if wide > room:
            style = Style(style.font, style.size * room / wide, style.leading, style.colour)
            wide = room
        self._write(x - wide, top, printable(words), style)

    def lines(self, x: float, top: float, lines: Iterable[str], style: Style) -> float:
        """Write lines that `wrap` gave below each other; gives the top of what may follow."""
        for line in lines:
            self._write(x, top, line, style)
            top += style.leading
        return top

    def facts(self, x: float, value_x: float, top: float, facts: Iterable[Fact]) -> None:
        """Write facts below each other as a list, the labels from `x` and the values from `value_x`."""
        with self.tag("L"):
            for each in facts:
                with self.tag("LI"):
                    with self.tag("Lbl"):
                        self.text(x, top, each.label, LABEL)
                    with self.tag("LBody"):
                        self.lines(value_x, top, each.value, each.style)
                top += each.height

    def rule(self, y: float, start: float = LEFT, end: float = RIGHT, *, colour: Colour = HAIR) -> None:
        """Draw a thin line across."""
        self.panel(start, y, end - start, _HAIRLINE, colour)

    def panel(self, x: float, top: float, wide: float, high: float, colour: Colour = TINT) -> None:
        """Lay a coloured ground; texts of the page stand above it."""
        self._mark_ground()
        self._canvas.setFillColor(colour)
        self._canvas.rect(x, PAGE_HEIGHT - top - high, wide, high, stroke=0, fill=1)

    def footer(self, words: str, number: int, of: int, below: str = "") -> None:
        """Write the foot of a page: a line that says what the document is, and which page this is; one `below` it."""
        pages = page_number(number, of)[self._about.language]
        with self.artifact("Footer"):
            self.rule(FOOTER - 6)
            self.text(LEFT, FOOTER, shortened(words, SMALL, WIDTH - width(pages, SMALL) - 24), SMALL)
            self.right(RIGHT, FOOTER, pages, SMALL, WIDTH)
            if below:
                self.text(LEFT, FOOTER + SMALL.leading, below, SMALL)

    # --- pages

    def pages(self, pages: Sequence[Sequence[Block]], foot: str, below: str = "") -> None:
        """Draw pages of blocks from the top down, each with its foot. What was drawn before is an artifact."""
        drawn: set[int] = set()
        group: Group | None = None
        for number, blocks in enumerate(pages, start=1):
            top = TOP
            for block in blocks:
                repeated: Artifact | None = "Header" if id(block) in drawn else block.artifact
                if repeated is None:
                    group = self._entered(group, block.within)
                self._draw(block, top, repeated)
                drawn.add(id(block))
                top += block.height
            self.footer(foot, number, len(pages), below)
            self.turn()
        self._entered(group, None)

    def _entered(self, group: Group | None, within: Group | None) -> Group | None:
        """Leave one group for another, if it is another."""
        if within is not group:
            if group:
                self._tags.end()
            if within:
                self._tags.begin(within.role)
        return within

    def _draw(self, block: Block, top: float, artifact: Artifact | None) -> None:
        if artifact is None:
            block.draw(self, top)
            return
        with self.artifact(artifact):
            block.draw(self, top)

    def turn(self) -> None:
        """End the page; the next stroke is on a new one."""
        if self._penned is not None:
            self._code.append(tagged.END)
        if self._grounded is not None:
            self._canvas._code.append(tagged.END)
        self._canvas._code.append(" ".join([*self._code, "ET"]))
        self._canvas.showPage()
        self._tags.turn()
        self._begin_page()

    def finish(self, attachments: Sequence[Attachment] = ()) -> bytes:
        """Give the document in its archive form, after its last page was turned."""
        from foundation import archive_form  # late: only who finishes documents waits for pikepdf

        for number, page in enumerate(self._canvas._doc.Pages.pages):
            page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]  # reportlab knows neither
            page.StructParents, page.Tabs = number, PDFName("S")
        drawn = self.drawn()
        numbers = self._canvas._doc.idToObjectNumberAndVersion
        pages = [numbers[f"Page{page}"][0] for page in range(1, self._canvas.getPageNumber())]
        return archive_form.finished(drawn, self._about, self._tags, pages, attachments)

    def drawn(self) -> bytes:
        """Give the document as it was drawn, without structure and archive form."""
        return bytes(self._canvas.getpdfdata())

    def _write(self, x: float, top: float, words: str, style: Style) -> None:
        if self._tags.state != self._penned:
            self._mark_pen()
        code, document = self._code, self._canvas._doc
        if style.colour is not self._colour:
            code.append(_filled(style.colour))
            self._colour = style.colour
        code.append(f"1 0 0 1 {fp_str(x, PAGE_HEIGHT - top - style.drop)} Tm")
        typeface = self._typefaces[style.font]
        for subset, string in typeface.strings(words, document):
            letters = style.font, style.size, subset
            if letters != self._letters:
                code.append(f"{typeface.getSubsetInternalName(subset, document)} {fp_str(style.size)} Tf")
                self._letters = letters
            code.append(f"{string} Tj")
        code.append("T*")  # the next line: plain extraction parts words by it

    def _mark_pen(self) -> None:
        """Begin a marked sequence for what is written next. Text in no element becomes a paragraph."""
        tags = self._tags
        if tags.state == 0:
            with tags.begin("P"):
                mark = tags.mark()
        else:
            mark = tags.mark()
        self._code.append(mark if self._penned is None else f"{tagged.END} {mark}")
        self._penned = tags.state

    def _mark_ground(self) -> None:
        """Begin a marked sequence for the grounds drawn next: of a figure, or decoration."""
        owner: int | Artifact = self._tags.state if self._drawing else "Layout"
        if owner == self._grounded:
            return
        code = self._canvas._code
        if self._grounded is not None:
            code.append(tagged.END)
        code.append(self._tags.mark() if self._drawing else tagged.DECORATION)
        self._grounded = owner
