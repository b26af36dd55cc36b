"""Reads a tagged PDF back, with nothing of ours: its tree with the words of each element, and its strokes in order."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pikepdf

_CODE = re.compile(rb"<([0-9A-F]{2})> <([0-9A-F]{4})>")


@dataclass(frozen=True)
class Node:
    """An element: `words` are those marked for itself, `alternative` what stands for a picture."""

    role: str
    words: str
    kids: tuple[Node, ...]
    attributes: dict[str, Any]
    alternative: str

    def all(self, role: str) -> list[Node]:
        """Give the elements of a role below this one, in reading order."""
        return [node for node in self.walk() if node.role == role]

    def walk(self) -> Iterator[Node]:
        """Give this element and all below it, in reading order."""
        yield self
        for kid in self.kids:
            yield from kid.walk()

    def read(self) -> str:
        """Give all words in reading order."""
        return " ".join(filter(None, (self.words, *(kid.read() for kid in self.kids))))


@dataclass(frozen=True)
class Stroke:
    """Something painted: which marked sequence it is in, and its words where it is text."""

    page: int
    mark: int | None  # None in an artifact
    artifact: str  # its kind, as Header; empty in content
    words: str


class Unmarked(AssertionError):
    """Something was painted outside of every marked sequence."""


def opened(content: bytes) -> pikepdf.Pdf:
    """Open a PDF, and see that qpdf finds nothing to mend."""
    pdf = pikepdf.Pdf.open(io.BytesIO(content))
    assert pdf.check_pdf_syntax() == []
    return pdf


def tree(pdf: pikepdf.Pdf) -> Node:
    """Give the document's element, with everything below it. Every mark must lead to its element and back."""
    root = pdf.Root.StructTreeRoot
    (document,) = [root.K] if not isinstance(root.K, pikepdf.Array) else root.K
    reader = _Reader(pdf)
    made = reader.node(document, root)
    assert reader.read == set(reader.words) == set(reader.owners)
    return made


Mark = tuple[int, int]  # page and number of a mark


class _Reader:
    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self.pages = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
        self.owners = dict(_owners(pdf))
        self.words: dict[Mark, str] = {}
        self.read: set[Mark] = set()
        for stroke in strokes(pdf):
            if stroke.mark is not None:
                key = (stroke.page, stroke.mark)
                self.words[key] = f"{self.words[key]} {stroke.words}" if key in self.words else stroke.words

    def node(self, element: Any, parent: Any) -> Node:
        assert element.P.objgen == parent.objgen
        own, kids = [], []
        for kid in _listed(element):
            if isinstance(kid, int):
                own.append(self._marked((self.pages[element.Pg.objgen], kid), element))
            elif kid.get("/Type") == "/MCR":
                own.append(self._marked((self.pages[kid.Pg.objgen], int(kid.MCID)), element))
            else:
                kids.append(self.node(kid, element))
        attributes = element.get("/A")
        said = {} if attributes is None else {str(name): value for name, value in attributes.items()}
        return Node(str(element.S)[1:], " ".join(own), tuple(kids), said, str(element.get("/Alt", "")))

    def _marked(self, mark: Mark, element: Any) -> str:
        assert self.owners[mark] == element.objgen
        assert mark not in self.read
        self.read.add(mark)
        return self.words[mark]


def _listed(element: Any) -> list[Any]:
    if "/K" not in element:
        return []
    return list(element.K) if isinstance(element.K, pikepdf.Array) else [element.K]


def _owners(pdf: pikepdf.Pdf) -> Iterator[tuple[Mark, tuple[int, int]]]:
    """Give the element of each mark, by the parent tree."""
    rows = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
    by_key = {int(rows[at]): rows[at + 1] for at in range(0, len(rows), 2)}
    for number, page in enumerate(pdf.pages):
        for mark, owner in enumerate(by_key[int(page.obj.StructParents)]):
            yield (number, mark), owner.objgen


def strokes(pdf: pikepdf.Pdf) -> list[Stroke]:
    """Give everything painted, in the order of painting. Raises Unmarked where something is in no marked sequence."""
    return [stroke for number, page in enumerate(pdf.pages) for stroke in _of_page(number, page)]


def _of_page(number: int, page: Any) -> Iterator[Stroke]:
    open_: list[tuple[int | None, str]] = []
    letters: dict[int, str] = {}
    for operands, operator in operations(page):
        name = str(operator)
        if name == "BDC":
            artifact = str(operands[1].get("/Subtype", operands[1].get("/Type", "")))[1:]
            open_.append((None, artifact) if operands[0] == "/Artifact" else (int(operands[1].MCID), ""))
        elif name == "EMC":
            open_.pop()
        elif name == "Tf":
            letters = _letters(page.Resources.Font[str(operands[0])])
        elif name in {"Tj", "f", "f*", "S", "B", "Do", "TJ", "sh"}:
            if len(open_) != 1:
                raise Unmarked(f"page {number + 1}: {name} {operands}")
            words = "".join(letters[code] for code in bytes(operands[0])) if name == "Tj" else ""
            yield Stroke(number, *open_[0], words)
    assert not open_


def operations(page: Any) -> Iterator[tuple[Any, Any]]:
    """Give what a page does, as operands and operator."""
    for each in pikepdf.parse_content_stream(page):
        assert isinstance(each, pikepdf.ContentStreamInstruction)  # no picture in line
        yield each.operands, each.operator


def meanings(font: Any) -> dict[int, int]:
    """Give the character each code of a typeface stands for."""
    return {int(code, 16): int(letter, 16) for code, letter in _CODE.findall(font.ToUnicode.read_bytes())}


def _letters(font: Any) -> dict[int, str]:
    return {code: chr(letter) for code, letter in meanings(font).items()}
