"""Files spoiled by chance: bytes that were lost, doubled or changed, and structure that was moved, nested or emptied.

mutations.of_bytes(chance, content)           (content, how)
mutations.of_xml(chance, content)
mutations.of_rows(chance, content)
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any

from lxml import etree

#: What a cell, an element or an attribute may hold that its reader did not think of.
HOSTILE: Sequence[str] = (
    "", " ", "0", "-0", "-1.00", "+1", "1,00", "1e9", "NaN", "Infinity", "0x10", "1_000", "١٢٣", "9" * 13, "9" * 14,
    "9" * 400, "0.001", "0.10000000", "9999999999999.99", "2027-02-29", "2027-13-01", "0000-00-00", "9999-12-31",
    "2027-03-01T24:00:00", "DBIT", "CRDT", "BOOK", "PDNG", "EUR", "dkk", "OPBD", "CLBD", "true", "ÆØÅ", "\u202e\u2066",
    "=1+1", "'; DROP TABLE bank_file", "RF18539007547034", "71/123456789012347", "x" * 5_000, "x" * 20_000,
)  # fmt: skip
_PIECES: Sequence[bytes] = (
    b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"<", b">", b"&", b"&x;", b"&#0;", b"&#x1F600;", b"]]>",
    b"<![CDATA[x]]>", b"<!-- -->", b"<?x y?>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b'"', b"'", b";", b"\r", b"\n\n",
    b"<Ntry/>", b"</Ntry>", b"<Stmt>", b"</Stmt>", b"-", b"9" * 50,
)  # fmt: skip

Spoiled = tuple[bytes, str]


def of_bytes(chance: random.Random, content: bytes) -> Spoiled:
    """Spoil some bytes, one to three times."""
    return _times(chance, content, _BYTES)


def of_xml(chance: random.Random, content: bytes) -> Spoiled:
    """Spoil the structure of an XML file, one to three times."""
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    how = []
    for _ in range(chance.randint(1, 3)):
        act = chance.choice(_NODES)
        act(chance, root)
        how.append(act.__name__)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8"), " ".join(how)


def of_rows(chance: random.Random, content: bytes) -> Spoiled:
    """Spoil the rows and cells of a CSV file with semicolons, one to three times."""
    return _times(chance, content, _ROWS)


def _times(chance: random.Random, content: bytes, acts: Sequence[Callable[[random.Random, bytes], bytes]]) -> Spoiled:
    how = []
    for _ in range(chance.randint(1, 3)):
        act = chance.choice(acts)
        content = act(chance, content)
        how.append(act.__name__)
    return content, " ".join(how)


# --- bytes


def _slice(chance: random.Random, content: bytes) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + chance.choice((1, 2, 10, 100, 1_000)))


def _flip(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(max(1, len(content)))
    return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]


def _digit(chance: random.Random, content: bytes) -> bytes:
    places = [at for at, each in enumerate(content) if 48 <= each <= 57] or [0]
    at = chance.choice(places)
    return content[:at] + str(chance.randrange(10)).encode() + content[at + 1 :]


def _cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _lose(chance: random.Random, content: bytes) -> bytes:
    start, end = _slice(chance, content)
    return content[:start] + content[end:]


def _double(chance: random.Random, content: bytes) -> bytes:
    start, end = _slice(chance, content)
    return content[:end] + content[start:end] * chance.choice((1, 2, 50)) + content[end:]


def _put(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(_PIECES) + content[at:]


_BYTES = (_flip, _digit, _cut, _lose, _double, _put)


# --- elements


def _any(chance: random.Random, root: Any) -> Any:
    return chance.choice(list(root.iter(etree.Element)))


def _below(chance: random.Random, root: Any) -> Any:
    return chance.choice([each for each in root.iter(etree.Element) if each is not root] or [root])


def _drop(chance: random.Random, root: Any) -> None:
    found = _below(chance, root)
    if found is not root:
        found.getparent().remove(found)


def _again(chance: random.Random, root: Any) -> None:
    found = _below(chance, root)
    if found is not root:
        for _ in range(chance.choice((1, 1, 20))):
            found.addnext(copy.deepcopy(found))


def _move(chance: random.Random, root: Any) -> None:
    found, place = _below(chance, root), _any(chance, root)
    if place is not found and not any(each is found for each in place.iterancestors()):
        place.insert(0, found)


def _say(chance: random.Random, root: Any) -> None:
    leaves = [each for each in root.iter(etree.Element) if not len(each)]
    chance.choice(leaves or [root]).text = chance.choice(HOSTILE)


def _say_of_another(chance: random.Random, root: Any) -> None:
    leaves = [each for each in root.iter(etree.Element) if not len(each)]
    if leaves:
        chance.choice(leaves).text = chance.choice(leaves).text


def _name(chance: random.Random, root: Any) -> None:
    _any(chance, root).tag = chance.choice((_any(chance, root).tag, "x", "{urn:x}Ntry"))


def _mark(chance: random.Random, root: Any) -> None:
    _any(chance, root).set(chance.choice(("Ccy", "x", "{urn:x}y")), chance.choice(HOSTILE))


def _nest(chance: random.Random, root: Any) -> None:
    place = _any(chance, root)
    for _ in range(chance.choice((1, 30, 240))):
        place = etree.SubElement(place, place.tag)


def _shuffle(chance: random.Random, root: Any) -> None:
    found = _any(chance, root)
    children = list(found)
    chance.shuffle(children)
    found[:] = children


_NODES = (_drop, _again, _move, _say, _say_of_another, _name, _mark, _nest, _shuffle)


# --- rows and cells


def _of_lines(act: Callable[[random.Random, list[str]], None]) -> Callable[[random.Random, bytes], bytes]:
    def changed(chance: random.Random, content: bytes) -> bytes:
        lines = content.decode("utf-8", "replace").split("\n")
        act(chance, lines)
        return "\n".join(lines).encode()

    changed.__name__ = act.__name__
    return changed


@_of_lines
def _lose_row(chance: random.Random, lines: list[str]) -> None:
    if lines:
        del lines[chance.randrange(len(lines))]


@_of_lines
def _double_row(chance: random.Random, lines: list[str]) -> None:
    at = chance.randrange(len(lines)) if lines else 0
    lines[at:at] = lines[at : at + 1] * chance.choice((1, 2, 30))


@_of_lines
def _shuffle_rows(chance: random.Random, lines: list[str]) -> None:
    chance.shuffle(lines)


def _in_cells(chance: random.Random, lines: list[str], act: Callable[[list[str], int], None]) -> None:
    if not lines:
        return
    at = chance.randrange(len(lines))
    cells = lines[at].split(";")
    act(cells, chance.randrange(len(cells)))
    lines[at] = ";".join(cells)


@_of_lines
def _say_in_cell(chance: random.Random, lines: list[str]) -> None:
    _in_cells(chance, lines, lambda cells, at: cells.__setitem__(at, chance.choice(HOSTILE)))


@_of_lines
def _quote_cell(chance: random.Random, lines: list[str]) -> None:
    mark = chance.choice(('"', '""', '"\n', "'"))
    _in_cells(chance, lines, lambda cells, at: cells.__setitem__(at, mark + cells[at] + chance.choice((mark, ""))))


@_of_lines
def _lose_cell(chance: random.Random, lines: list[str]) -> None:
    _in_cells(chance, lines, lambda cells, at: cells.__delitem__(at))


@_of_lines
def _shuffle_cells(chance: random.Random, lines: list[str]) -> None:
    _in_cells(chance, lines, lambda cells, _: chance.shuffle(cells))


_ROWS = (_lose_row, _double_row, _shuffle_rows, _say_in_cell, _quote_cell, _lose_cell, _shuffle_cells)
