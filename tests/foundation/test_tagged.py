"""What is read of a document by who cannot see it: its elements in order, and nothing that is for the eye alone."""

from __future__ import annotations

from datetime import date

import pytest

from foundation import tagged
from foundation.archive import About
from foundation.letterhead import BODY, HEADING, LEFT, SMALL, TITLE, Block, Layout, Paper, on_pages
from foundation.tagged import Group
from tests import pdf_structure

ABOUT = About("Årsrapport", "OS2", "Prøve", "da", date(2027, 1, 15))


def paper() -> Paper:
    return Paper(ABOUT)


def finished(drawn: Paper) -> pdf_structure.Node:
    drawn.turn()
    return pdf_structure.tree(pdf_structure.opened(drawn.finish()))


def line(words: str) -> Block:
    def draw(paper: Paper, top: float) -> None:
        with paper.tag("TR"), paper.tag("TD"):
            paper.text(LEFT, top, words, BODY)

    return Block(20, draw)


def test_headings_paragraphs_and_lists_are_read_as_such_in_their_order() -> None:
    drawn = paper()
    with drawn.tag("H1"):
        drawn.text(LEFT, 60, "Tilslutningsaftale", TITLE)
    with drawn.tag("Sect"):
        with drawn.tag("H2"):
            drawn.text(LEFT, 100, "Parterne", HEADING)
        with drawn.tag("P"):
            drawn.lines(LEFT, 120, ("Aarhus Kommune", "og OS2"), BODY)

    read = finished(drawn)

    assert [(node.role, node.words) for node in read.walk()] == [
        ("Document", ""),
        ("H1", "Tilslutningsaftale"),
        ("Sect", ""),
        ("H2", "Parterne"),
        ("P", "Aarhus Kommune og OS2"),
    ]


def test_an_element_goes_on_after_what_stands_inside_it() -> None:
    drawn = paper()
    with drawn.tag("P"):
        drawn.text(LEFT, 60, "Se", BODY)
        with drawn.tag("Note"):
            drawn.text(LEFT, 80, "fodnote", SMALL)
        drawn.text(LEFT, 100, "ovenfor", BODY)

    (paragraph,) = finished(drawn).all("P")

    assert paragraph.words == "Se ovenfor"
    assert [note.words for note in paragraph.kids] == ["fodnote"]


def test_what_nobody_tagged_is_a_paragraph() -> None:
    drawn = paper()
    drawn.text(LEFT, 60, "Uden videre", BODY)

    assert [(node.role, node.words) for node in finished(drawn).kids] == [("P", "Uden videre")]


def test_an_element_may_go_on_over_the_page() -> None:
    drawn = paper()
    with drawn.tag("P"):
        drawn.text(LEFT, 60, "begyndt", BODY)
        drawn.turn()
        drawn.text(LEFT, 60, "fortsat", BODY)

    (paragraph,) = finished(drawn).all("P")

    assert paragraph.words == "begyndt fortsat"


def test_grounds_and_rules_and_feet_are_not_read() -> None:
    drawn = paper()
    drawn.panel(LEFT, 50, 100, 20)
    drawn.rule(90)
    drawn.text(LEFT, 52, "Indhold", BODY)
    drawn.footer("Foden", 1, 1)
    drawn.turn()

    pdf = pdf_structure.opened(drawn.finish())

    assert pdf_structure.tree(pdf).read() == "Indhold"
    artifacts = {(stroke.artifact, stroke.words) for stroke in pdf_structure.strokes(pdf) if stroke.mark is None}
    assert artifacts == {("Layout", ""), ("Footer", "Foden"), ("Footer", "Side 1 af 1")}


def test_a_figure_says_what_it_shows_and_where_it_is() -> None:
    drawn = paper()
    with drawn.tag("P"):
        drawn.text(LEFT, 50, "Før", BODY)
    with drawn.figure("Søjler: 2026 er 10, 2027 er 20", LEFT, 100, 200, 80):
        drawn.panel(LEFT, 140, 40, 40)
        drawn.panel(LEFT + 50, 100, 40, 80)
        drawn.text(LEFT, 165, "2026", SMALL)
    drawn.panel(LEFT, 300, 100, 20)

    (figure,) = finished(drawn).all("Figure")

    assert figure.alternative == "Søjler: 2026 er 10, 2027 er 20"
    assert figure.words.split() == ["2026"]
    assert [float(side) for side in figure.attributes["/BBox"]] == [56.0, 661.89, 256.0, 741.89]


def test_a_table_over_two_pages_is_one_and_its_repeated_head_is_read_once() -> None:
    group = Group("Table")

    def head(paper: Paper, top: float) -> None:
        with paper.tag("TR"), paper.tag("TH", tagged.COLUMN_HEAD):
            paper.text(LEFT, top, "Hoved", BODY)

    def within(block: Block) -> Block:
        return Block(block.height, block.draw, within=group)

    rows = [within(line(f"række {at}")) for at in range(60)]
    drawn = paper()
    drawn.pages(on_pages(Layout([], [], [within(Block(20, head))], rows, [])), foot="Foden")

    pdf = pdf_structure.opened(drawn.finish())
    read = pdf_structure.tree(pdf)

    assert len(pdf.pages) == 2
    (table,) = read.all("Table")
    assert table.read().split(" række ") == ["Hoved", *map(str, range(60))]
    assert [stroke.words for stroke in pdf_structure.strokes(pdf)].count("Hoved") == 2
    assert str(table.all("TH")[0].attributes["/Scope"]) == "/Column"


def test_blocks_of_another_group_are_another_table() -> None:
    first, second = Group("Table"), Group("Table")
    blocks = [Block(20, line(words).draw, within=group) for words, group in (("a", first), ("b", first), ("c", second))]
    drawn = paper()

    drawn.pages([blocks], foot="Foden")

    tables = pdf_structure.tree(pdf_structure.opened(drawn.finish())).all("Table")
    assert [table.read() for table in tables] == ["a b", "c"]


def test_the_reader_of_these_tests_sees_what_is_in_no_element() -> None:
    drawn = paper()
    drawn.text(LEFT, 60, "Indhold", BODY)
    drawn._canvas.rect(10, 10, 10, 10, stroke=0, fill=1)
    drawn.turn()

    pdf = pdf_structure.opened(drawn.finish())

    with pytest.raises(pdf_structure.Unmarked):
        pdf_structure.strokes(pdf)
