"""Tags: what on a page is a heading, a paragraph, a cell, and in which order it is read.

Who cannot see the page, or has it read by a program, goes by the structure tree of the document and not by where things
stand (ISO 32000-1, 14.7 and 14.8; ISO 14289-1). `Tags` grows that tree while a document is drawn, gives the operators
that tie the strokes of a page to it, and writes it at the end. It knows PDF, but neither the paper nor what is on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Literal

#: The kinds of elements we use, all of the standard structure types.
Role = Literal["Document", "Sect", "H1", "H2", "H3", "P", "Note", "L", "LI", "Lbl", "LBody", "Table", "TR", "TH", "TD",
               "Figure"]  # fmt: skip

#: What repeats on every page, or stands there for the eye alone.
Artifact = Literal["Header", "Footer", "Layout"]

_ARTIFACTS: dict[Artifact, str] = {
    "Header": "/Artifact <</Type/Pagination/Subtype/Header>>BDC",
    "Footer": "/Artifact <</Type/Pagination/Subtype/Footer>>BDC",
    "Layout": "/Artifact <</Type/Layout>>BDC",
}
#: Opens a sequence of decoration, wherever it stands; `END` closes any sequence.
DECORATION = _ARTIFACTS["Layout"]
END = "EMC"
_NEVER = -1


class Group:
    """An element that several blocks belong to, such as a table with a block for each row, also on the next page."""

    __slots__ = ("role",)

    def __init__(self, role: Role) -> None:
        self.role: Role = role


class Element:
    """One node of the tree.

    `kids` are in order: elements by index, marks on the first mark's page by ~number, those of other pages as
    (page, number).
    """

    __slots__ = ("attributes", "kids", "page", "parent", "role")

    def __init__(self, role: Role, parent: int, attributes: str = "") -> None:
        self.role = role
        self.parent = parent
        self.attributes = attributes
        self.page = _NEVER  # the page of its first mark
        self.kids: list[int | tuple[int, int]] = []


class Tags:
    """The structure of one document that is being drawn: a tree of elements, and which of them each mark belongs to.

    `state` is what the next stroke belongs to: the innermost open element, by its index, or a kind of artifact.
    """

    def __init__(self) -> None:
        self.elements = [Element("Document", _NEVER)]
        self.pages: list[list[int]] = [[]]  # for each page, the element of every mark
        self.state: int | Artifact = 0
        self._open = [0]
        self._artifacts: list[Artifact] = []
        self._ending = _Ending(self)

    # --- what is being drawn

    def begin(self, role: Role, attributes: str = "") -> _Ending:
        """Open an element inside the innermost, for a `with` or until `end`. In an artifact it does not count."""
        if not self._artifacts:
            elements, parent = self.elements, self._open[-1]
            self.state = index = len(elements)
            elements.append(Element(role, parent, attributes))
            elements[parent].kids.append(index)
            self._open.append(index)
        return self._ending

    def end(self) -> None:
        """Close the innermost element."""
        if not self._artifacts:
            self._open.pop()
            self.state = self._open[-1]

    def begin_artifact(self, kind: Artifact) -> None:
        """Begin what is no content; all elements in it are left out."""
        self._artifacts.append(kind)
        self.state = kind

    def end_artifact(self) -> None:
        """Come back to what was before."""
        self._artifacts.pop()
        self.state = self._artifacts[-1] if self._artifacts else self._open[-1]

    def mark(self) -> str:
        """Give the operator that opens a marked sequence for what is being drawn; `END` closes it."""
        if self._artifacts:
            return _ARTIFACTS[self._artifacts[-1]]
        index, page, marks = self._open[-1], len(self.pages) - 1, self.pages[-1]
        element, mark = self.elements[index], len(marks)
        marks.append(index)
        if element.page == _NEVER:
            element.page = page
        element.kids.append(~mark if element.page == page else (page, mark))
        return f"/{element.role}<</MCID {mark}>>BDC"

    def turn(self) -> None:
        """Go on with the next page."""
        self.pages.append([])

    # --- what was drawn

    def objects(self, first: int, pages: Sequence[int]) -> list[str]:
        """Write the tree as PDF objects numbered from `first`: root, parent tree, elements.

        `pages` are the object numbers of the pages.
        """
        base = first + 2
        root = f"<</Type/StructTreeRoot/K[{base} 0 R]/ParentTree {first + 1} 0 R/ParentTreeNextKey {len(pages)}>>"
        return [root, self._parent_tree(base, len(pages)), *self._written(first, base, pages)]

    def _parent_tree(self, base: int, count: int) -> str:
        rows = (
            f"{page}[{' '.join(f'{base + index} 0 R' for index in marks)}]"
            for page, marks in enumerate(self.pages[:count])
        )
        return f"<</Nums[{' '.join(rows)}]>>"

    def _written(self, root: int, base: int, pages: Sequence[int]) -> Iterator[str]:
        on_page = [*(f"/Pg {number} 0 R" for number in pages), ""]  # the last is that of _NEVER
        for element in self.elements:
            kids = element.kids
            if len(kids) == 1:
                listed = f"/K {_kid(kids[0], base, pages)}"
            else:
                listed = f"/K[{' '.join([_kid(kid, base, pages) for kid in kids])}]" if kids else ""
            parent = root if element.parent == _NEVER else base + element.parent
            yield f"<</S/{element.role}/P {parent} 0 R{element.attributes}{on_page[element.page]}{listed}>>"


def _kid(kid: int | tuple[int, int], base: int, pages: Sequence[int]) -> str:
    if isinstance(kid, int):
        return f"{base + kid} 0 R" if kid >= 0 else f"{~kid}"
    page, number = kid
    return f"<</Type/MCR/Pg {pages[page]} 0 R/MCID {number}>>"


class _Ending:
    """Closes the innermost element at the end of a `with`; one serves a whole document."""

    __slots__ = ("_tags",)

    def __init__(self, tags: Tags) -> None:
        self._tags = tags

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._tags.end()


# --- attributes ------------------------------------------------------------------------------------------------------

#: Cells that head a column, or a row (ISO 32000-1, table 349).
COLUMN_HEAD = "/A<</O/Table/Scope/Column>>"
ROW_HEAD = "/A<</O/Table/Scope/Row>>"


def across(columns: int) -> str:
    """Say that a cell stands across so many columns."""
    return f"/A<</O/Table/ColSpan {columns}>>"


def figure(alternative: str, box: tuple[float, float, float, float]) -> str:
    """Say what a figure shows, for those who cannot see it, and where on the page it is."""
    bounds = " ".join(f"{side:.2f}" for side in box)
    return f"/Alt {literal(alternative)}/A<</O/Layout/BBox[{bounds}]/Placement/Block>>"


def literal(words: str) -> str:
    """Write a text string."""
    return f"<{(chr(0xFEFF) + words).encode('utf-16-be').hex()}>"
