"""The catalogue: the newest decision on or before a day, each fee looked up on its own, and adopting once."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from fee_tables import catalogue as catalogues
from fee_tables import text
from fee_tables.catalogue import ADOPTED, Catalogue, catalogue
from fee_tables.reader import TableRefused
from fee_tables.table import FlatFee
from foundation.audit import Trail, sha256
from foundation.money import kroner
from tests import builders
from tests.command_line import CommandLine

DECIDED = 'decided_on = 2022-11-01\ndecided_by = "styregruppen"\n'
ANNUAL = FlatFee(kroner(1000))
JOINING = FlatFee(kroner(9000))


def words(product: str = "OS2x", valid_from: str = "2023-01-01", more: str = "annual_fee = 30000\n") -> str:
    """A fee table's text."""
    return f'product = "{product}"\nvalid_from = {valid_from}\n{DECIDED}{more}'


def key_words(*names: str, valid_from: str = "2023-01-01") -> str:
    """A size key's text, of bands of ten inhabitants each."""
    limited = [f'{{ band = "{name}", below = {10 * nth} }}' for nth, name in enumerate(names[:-1], start=1)]
    rows = ", ".join([*limited, f'{{ band = "{names[-1]}" }}'])
    return f'size_key = "nøgle"\nvalid_from = {valid_from}\n{DECIDED}bands = [ {rows} ]\n'


def refused(texts: dict[str, str], adopted: dict[str, str] | None = None) -> dict[str, list[tuple[int, str]]]:
    """What is wrong with a set of texts, by file; `adopted` stand adopted."""
    standing = {}
    for old in (adopted or {}).values():
        decision = text.read(old, bands_on=None)
        standing[catalogues.line_of(decision), catalogues.first_day_of(decision)] = sha256(old)
    with pytest.raises(TableRefused) as refusal:
        catalogues.check(texts, standing, Catalogue())
    return {name: [(f.line, f.reason.en) for f in faults] for name, faults in refusal.value.faults.items()}


# --- looking up


def test_the_newest_table_on_or_before_the_day_counts() -> None:
    tables = [builders.flat("OS2x", 1, valid_from=date(year, 7, 1)) for year in (2022, 2023, 2025)]

    for order in itertools.permutations(tables):
        found = catalogue(order)

        assert found.annual_table("OS2x", date(2022, 6, 30)) is None
        assert found.annual_table("OS2x", date(2022, 7, 1)) == tables[0]
        assert found.annual_table("OS2x", date(2023, 6, 30)) == tables[0]
        assert found.annual_table("OS2x", date(2024, 12, 31)) == tables[1]
        assert found.annual_table("OS2x", date(2030, 1, 1)) == tables[2]


def test_annual_and_joining_fee_are_looked_up_separately() -> None:
    both = builders.fee_table("OS2x", valid_from=date(2020, 1, 1), annual_fee=ANNUAL, joining_fee=JOINING)
    only_annual = builders.fee_table("OS2x", valid_from=date(2022, 1, 1), annual_fee=ANNUAL)
    only_joining = builders.fee_table("OS2x", valid_from=date(2024, 1, 1), annual_fee=None, joining_fee=JOINING)
    found = catalogue([both, only_annual, only_joining])

    assert found.annual_table("OS2x", date(2025, 1, 1)) == only_annual
    assert found.joining_table("OS2x", date(2023, 1, 1)) == both
    assert found.joining_table("OS2x", date(2025, 1, 1)) == only_joining
    assert found.first_day("OS2x", "annual_fee") == date(2020, 1, 1)


def test_pv_024_the_first_day_of_a_fee_is_known_where_a_year_lies_before_it() -> None:
    found = builders.shipped_catalogue()

    assert found.annual_table("OS2valghalla", date(2022, 12, 31)) is None
    assert found.first_day("OS2valghalla", "annual_fee") == date(2023, 1, 1)
    assert found.first_day("OS2mo", "annual_fee") is None
    assert found.first_day("OS2mo", "joining_fee") == date(2019, 11, 5)
    assert found.first_day("OS2unknown", "annual_fee") is None


def test_a_product_has_only_its_own_tables() -> None:
    found = catalogue([builders.flat("OS2x", 1)])

    assert found.annual_table("OS2y", date(2027, 1, 1)) is None
    assert found.annual_table("os2x", date(2027, 1, 1)) is None


def test_size_key_and_association_count_from_their_day() -> None:
    keys = [builders.size_key(valid_from=date(year, 1, 1)) for year in (2022, 2026)]
    tables = [builders.association(valid_from=date(year, 1, 1)) for year in (2023, 2026)]
    found = catalogue([keys[1], tables[1], keys[0], tables[0]])

    assert found.size_key(date(2021, 12, 31)) is None
    assert found.size_key(date(2025, 12, 31)) == keys[0]
    assert found.size_key(date(2026, 1, 1)) == keys[1]
    assert found.association_table(date(2022, 12, 31)) is None
    assert found.association_table(date(2027, 1, 1)) == tables[1]


@given(
    st.lists(st.dates(date(2015, 1, 1), date(2030, 1, 1)), unique=True, max_size=8),
    st.dates(date(2014, 1, 1), date(2031, 1, 1)),
)
def test_a_lookup_gives_the_latest_day_that_is_not_later(first_days: list[date], on: date) -> None:
    found = catalogue(builders.flat("OS2x", 1, valid_from=day) for day in first_days)

    table = found.annual_table("OS2x", on)

    expected = max((day for day in first_days if day <= on), default=None)
    assert (table.reference.valid_from if table else None) == expected


# --- checking


def test_two_tables_for_one_day_are_refused_with_the_line_of_the_day() -> None:
    found = refused({"a.toml": words(), "b.toml": "# other\n" + words()})

    assert list(found) == ["b.toml"]
    assert found["b.toml"][0][0] == 3
    assert "two tables for one day: a.toml is valid from 2023-01-01 already" in found["b.toml"][0][1]


def test_a_second_table_for_an_adopted_day_is_refused() -> None:
    found = refused({"b.toml": words(more="annual_fee = 1\n")}, {"a.toml": words()})

    assert found["b.toml"][0][0] == 2
    assert "two tables for one day: an adopted table" in found["b.toml"][0][1]


def test_what_stands_adopted_word_for_word_is_nothing_new() -> None:
    place = (("fee_table", "OS2x"), date(2023, 1, 1))

    assert catalogues.check({"a.toml": words()}, {place: sha256(words())}, Catalogue()) == {}


def test_tables_of_other_products_kinds_and_days_do_not_get_in_each_others_way() -> None:
    texts = {
        "a": words(),
        "b": words("OS2y"),
        "c": words(valid_from="2024-01-01"),
        "d": key_words("small", "large"),
    }

    assert list(catalogues.check(texts, {}, Catalogue())) == ["a", "b", "c", "d"]


def test_the_faults_of_every_file_are_told_together() -> None:
    found = refused({"a": words(more="annual_fee = 1.5\n"), "b": words("OS2y"), "c": words("OS2z", more="")})

    assert list(found) == ["a", "c"]


def test_a_table_is_checked_against_the_key_adopted_with_it() -> None:
    texts = {"key": key_words("tiny", "huge"), "table": words(more="annual_fee = { tiny = 1, huge = 2 }\n")}

    assert list(catalogues.check(texts, {}, Catalogue())) == ["key", "table"]


def test_a_table_is_checked_against_the_key_in_force_on_its_first_day() -> None:
    later = key_words("tiny", "huge", valid_from="2026-01-01")
    bands = "annual_fee = { small = 1, medium = 2, large = 3, very_large = 4 }\n"

    found = refused({"key": later, "old": words(more=bands), "new": words(valid_from="2026-01-01", more=bands)})

    assert list(found) == ["new"]
    assert any("the band tiny is missing" in reason for _, reason in found["new"])


# --- adopting


def adopt(line: CommandLine, texts: dict[str, str]) -> list[str]:
    """Adopt texts as one person on one day; give the files newly adopted."""
    with line.session() as session:
        trail = Trail(session, "En Person", datetime(2027, 1, 15, 10, tzinfo=UTC))
        adopted = catalogues.adopt(session, texts, trail)
        trail.write()
    return list(adopted)


def test_adopting_keeps_the_text_with_its_digest_and_does_nothing_the_second_time(empty: CommandLine) -> None:
    texts = {"a": words() + "# øre\n", "b": words("OS2y")}

    first, second = adopt(empty, texts), adopt(empty, texts)

    with empty.session() as session:
        rows = session.execute(select(ADOPTED).order_by(ADOPTED.c.id)).all()
        read = catalogues.read(session)
    assert (first, second) == (["a", "b"], [])
    assert [(row.text, row.digest) for row in rows] == [(kept, sha256(kept)) for kept in texts.values()]
    assert [(row.kind, row.product, row.adopted_by) for row in rows] == [
        ("fee_table", "OS2x", "En Person"),
        ("fee_table", "OS2y", "En Person"),
    ]
    assert read.annual_table("OS2x", date(2027, 1, 1)) == text.read(texts["a"])


def test_one_wrong_text_keeps_all_of_them_back(empty: CommandLine) -> None:
    with pytest.raises(TableRefused):
        adopt(empty, {"a": words(), "b": words("OS2y", more="annual_fee = -1\n")})

    with empty.session() as session:
        assert session.execute(select(ADOPTED)).all() == []


def test_a_table_that_came_after_another_key_is_read_as_it_was_adopted(empty: CommandLine) -> None:
    bands = "annual_fee = { small = 1, medium = 2, large = 3, very_large = 4 }\n"
    adopt(empty, {"table": words(more=bands)})

    adopt(empty, {"key": key_words("tiny", "huge", valid_from="2020-01-01")})

    with empty.session() as session:
        assert catalogues.read(session).annual_table("OS2x", date(2027, 1, 1)) is not None
