"""Spoiled bank files through the real command: refused by name, place and reason, or taken in whole; nothing between.

Many files share a process, which may take no more memory than a file of 40 MB and only so much time a file.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import bank_statements, fuzzed_imports, mutations
from tests.app.adapters.test_bank_files import CSV, MAPPING
from tests.bank_files import NORDEA, paid, statement
from tests.command_line import CommandLine
from tests.conftest import FULL, SEED
from tests.fuzzed_imports import Sent, Tried

#: The reading does not depend on the kind of database, and a file of SQLite is quickly put back.
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)

FILES = 24
BATCHES = 40 if FULL else 1

#: Where in the file, or of which statement, or the whole of it.
_PLACE = re.compile(r"(linje|række) \d+|kontoudtog|filen|CSV-fil|kolonneopsætning: ")


def assert_whole_or_refused(file: Sent, tried: Tried) -> None:
    """A refusal leaves nothing; what is taken is all there, adds up and is booked."""
    why = (file.made, file.content[:300], tried)
    assert tried.broken == [], why
    assert "Traceback" not in tried.out + tried.err, why
    if tried.code == 0:
        new = [int(count) for count in re.findall(r"(\d+) nye posteringer", tried.out)]
        assert tried.err == "" and len(new) == 1, why
        assert tried.kept.get("bank_transaction", 0) == tried.kept.get("voucher", 0) == new[0], why
        assert tried.kept.get("voucher_posting", 0) == 2 * new[0], why
        assert tried.kept.get("bank_file", 0) == 1, why
        assert tried.moved == tried.told or tried.kept["bank_statement"] > 1, why
        return
    assert (tried.code, tried.out, tried.kept) == (1, "", {}), why
    assert re.match(r"Fejl: (\d+\.(xml|toml)|kolonneopsætning): ", tried.err), why
    assert _PLACE.search(tried.err), why
    assert len(tried.err) < 2_000, why


def _right_files() -> list[bytes]:
    invoices = bank_statements.municipalities()[:12]
    generated = [content for content, _ in bank_statements.generate(invoices, seed=3)][:2]
    plain = statement("1", 0, [paid(0, 100, "A"), paid(0, 100, "B"), paid(2, -50, "C")], 0, 6)
    return [plain, *generated, *([NORDEA.read_bytes()] if NORDEA.exists() else [])]


def _xml(spoil: Callable[[random.Random, bytes], mutations.Spoiled]) -> Callable[[random.Random], Sent]:
    return lambda chance: Sent(*spoil(chance, chance.choice(_right_files())))


def _csv(spoil: Callable[[random.Random, bytes], mutations.Spoiled]) -> Callable[[random.Random], Sent]:
    return lambda chance: Sent(*spoil(chance, CSV.encode()), MAPPING)


def _mapping(chance: random.Random) -> Sent:
    spoiled, how = mutations.of_bytes(chance, MAPPING.encode())
    return Sent(CSV.encode(), how, spoiled.decode("utf-8", "replace"))


KINDS: dict[str, Callable[[random.Random], Sent]] = {
    "bytes of camt": _xml(mutations.of_bytes), "structure of camt": _xml(mutations.of_xml),
    "bytes of csv": _csv(mutations.of_bytes), "rows of csv": _csv(mutations.of_rows), "mapping": _mapping,
}  # fmt: skip


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_spoiled_file_is_refused_with_its_place_or_taken_in_whole(empty: CommandLine, batch: int) -> None:
    chance = random.Random(f"{SEED} {batch}")
    sent = [KINDS[name](chance) for name in [*KINDS] * (FILES // len(KINDS) + 1)]

    tried = fuzzed_imports.run(empty, sent)

    for file, each in zip(sent, tried, strict=True):
        assert_whole_or_refused(file, each)
    assert max(each.seconds for each in tried) < fuzzed_imports.PATIENCE / 2


def test_the_right_files_are_taken_in_whole_so_that_spoiling_them_tells_something(empty: CommandLine) -> None:
    sent = [*(Sent(content, "right") for content in _right_files()), Sent(CSV.encode(), "right", MAPPING)]

    tried = fuzzed_imports.run(empty, sent)

    assert Counter(each.code for each in tried) == Counter({0: len(sent)}), tried
    for file, each in zip(sent, tried, strict=True):
        assert_whole_or_refused(file, each)


# --- files made from nothing but the words of the format


_SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
_WORDS = st.sampled_from([*mutations.HOSTILE[:30], "1.00", "2027-03-01", "DK1800000000000000", "DKK"])
_TAGS = st.sampled_from([
    "Stmt", "Ntry", "NtryDtls", "TxDtls", "Bal", "Tp", "CdOrPrtry", "Cd", "Amt", "CdtDbtInd", "Dt", "BookgDt", "Acct",
    "Id", "IBAN", "Othr", "Sts", "Refs", "AcctSvcrRef", "RmtInf", "Ustrd", "Strd", "CdtrRefInf", "Ref", "Btch",
])  # fmt: skip
_ELEMENTS = st.recursive(
    st.builds(lambda tag, words: f'<{tag} Ccy="DKK">{_escaped(words)}</{tag}>', _TAGS, _WORDS),
    lambda inner: st.builds(lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", _TAGS, st.lists(inner, max_size=5)),
    max_leaves=25,
)


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;")


def _document(parts: Sequence[str]) -> Sent:
    inner = f"<BkToCstmrStmt>{''.join(parts)}</BkToCstmrStmt>"
    return Sent(f'<Document xmlns="{_SPACE}">{inner}</Document>'.encode(), "words of the format")


def _with_rows(rows: str) -> Sent:
    return Sent(f"{CSV}{rows}".encode("utf-8", "replace"), "rows", MAPPING)


@st.composite
def _counted_statements(draw: st.DrawFn) -> Sent:
    """A statement of some payments; where one of them is pending, its balances are wrong."""
    days = draw(st.lists(st.integers(0, 6), max_size=6))
    amounts = [draw(st.integers(-(10**6), 10**6).filter(bool)) for _ in days]
    moved = [paid(day, ore, f"R{nth % 3}", f"{nth % 2}") for nth, (day, ore) in enumerate(zip(days, amounts))]  # noqa: B905
    content = statement("h", draw(st.integers(-5, 5)), moved, 0, 6)
    if draw(st.booleans()):
        content = content.replace(b"<Ntry>", draw(st.sampled_from([b"<Ntry><Sts>PDNG</Sts>", b"<Ntry x='1'>"])), 1)
    return Sent(content, "counted")


_SENT = st.one_of(
    st.binary(min_size=1, max_size=300).map(lambda content: Sent(content, "binary")),
    st.lists(_ELEMENTS, max_size=4).map(_document),
    _counted_statements(),
    st.text(min_size=1, max_size=200).map(_with_rows),
)


def test_whatever_is_made_of_the_formats_own_words_is_refused_or_taken_in_whole(empty: CommandLine) -> None:
    @settings(
        max_examples=60 if FULL else 2, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(_SENT, min_size=12, max_size=FILES))
    def sent(files: list[Sent]) -> None:
        for file, each in zip(files, fuzzed_imports.run(empty, files), strict=True):
            assert_whole_or_refused(file, each)

    sent()
