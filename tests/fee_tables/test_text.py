"""Reading tables from TOML: every form of fee is accepted, and whatever is wrong is named with line and reason."""

from __future__ import annotations

import time
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fee_tables import text
from fee_tables.reader import TableFault, TableRefused
from fee_tables.size_key import SizeKey
from fee_tables.table import (
    AssociationTable,
    BandFee,
    DatedFee,
    FeeTable,
    FlatFee,
    Index,
    SharedCost,
    Vat,
)
from foundation import toml_text
from foundation.audit import sha256
from foundation.money import Money, kroner
from tests import builders

DECIDED = 'valid_from = 2023-01-01\ndecided_on = 2022-11-01\ndecided_by = "styregruppen"\nsource = "https://os2.eu"\n'
PRODUCT = 'product = "OS2x"\n' + DECIDED  # five lines
ASSOCIATION = 'association = "OS2"\n' + DECIDED
SIZE_KEY = 'size_key = "nøgle"\n' + DECIDED
DUES = 'dues = 25000\ncontribution = { member = "9 %", non_member = "35 %" }\n'


def faults(words: str) -> list[TableFault]:
    """What is wrong with a text."""
    with pytest.raises(TableRefused) as refusal:
        text.read(words)
    return list(refusal.value.faults[""])


def only_fault(words: str) -> tuple[int, str, str]:
    """The one thing wrong with a text: line, Danish and English."""
    found = faults(words)
    assert len(found) == 1, found
    return found[0].line, found[0].reason.da, found[0].reason.en


def fee_table(more: str, head: str = PRODUCT) -> FeeTable:
    """Read a fee table."""
    read = text.read(head + more)
    assert isinstance(read, FeeTable)
    return read


def association(more: str) -> AssociationTable:
    """Read an association's table."""
    read = text.read(ASSOCIATION + more)
    assert isinstance(read, AssociationTable)
    return read


def bands(*rows: str) -> str:
    """A size key of these bands, the first on line 7."""
    listed = "".join(f"    {{ {row} }},\n" for row in rows)
    return f"{SIZE_KEY}bands = [\n{listed}]\n"


# --- what is accepted


def test_a_table_is_known_by_the_digest_of_its_text() -> None:
    table = fee_table("annual_fee = 30000\n")

    assert table.reference.digest == sha256(PRODUCT + "annual_fee = 30000\n")
    assert table.reference.valid_from == date(2023, 1, 1)
    assert table.reference.decided_on == date(2022, 11, 1)
    assert table.reference.decided_by == "styregruppen"
    assert not table.reference.made_up


def test_what_is_not_said_has_its_default() -> None:
    table = fee_table("annual_fee = 30000\n")

    assert table.contribution
    assert table.first_year == "full"
    assert table.passive_share is None
    assert table.joining_fee is None
    assert table.vat == Vat(Fraction(1, 4))


def test_a_fee_by_band_is_accepted() -> None:
    table = fee_table('annual_fee = { small = 1, medium = "2.5", large = "3.05", very_large = 0 }\n')

    assert table.annual_fee == BandFee(
        {"small": kroner(1), "medium": Money(250), "large": Money(305), "very_large": Money(0)}
    )


def test_a_fee_by_band_may_be_a_table_of_its_own() -> None:
    table = fee_table("[annual_fee]\nsmall = 1\nmedium = 2\nlarge = 3\nvery_large = 4\n")

    assert isinstance(table.annual_fee, BandFee)


@pytest.mark.parametrize(("written", "ore"), [("30000", 3_000_000), ('"22000.50"', 2_200_050), ('"0.5"', 50), ("0", 0)])
def test_one_fee_for_everyone_is_accepted(written: str, ore: int) -> None:
    table = fee_table(f"annual_fee = {written}\njoining_fee = {written}\n")

    assert table.annual_fee == FlatFee(Money(ore))
    assert table.joining_fee == FlatFee(Money(ore))


def test_a_shared_cost_is_accepted() -> None:
    table = fee_table("annual_fee = { shared_cost = 300000 }\n")

    assert table.annual_fee == SharedCost(kroner(300_000))


def test_a_joining_fee_by_signing_day_is_accepted() -> None:
    table = fee_table("joining_fee = [ { until = 2020-02-01, fee = 60000 }, { fee = 240000 } ]\n")

    assert table.annual_fee is None
    assert table.joining_fee == DatedFee(((date(2020, 2, 1), kroner(60000)), (None, kroner(240000))))


@pytest.mark.parametrize(
    ("written", "share"),
    [
        ("9 %", "9/100"),
        ("9%", "9/100"),
        ("12,5 %", "1/8"),
        ("12.5 %", "1/8"),
        ("1/3", "1/3"),
        ("100 %", "1"),
        ("0 %", "0"),
    ],
)
def test_a_share_is_read_exactly(written: str, share: str) -> None:
    table = fee_table(f'annual_fee = 1\npassive_share = "{written}"\n')

    assert table.passive_share == Fraction(share)


@pytest.mark.parametrize("first_year", ["full", "months", "days"])
def test_each_way_of_a_first_year_is_accepted(first_year: str) -> None:
    assert fee_table(f'annual_fee = 1\nfirst_year = "{first_year}"\n').first_year == first_year


def test_an_exempt_table_says_why() -> None:
    table = fee_table('annual_fee = 1\nvat = "exempt"\nvat_exemption = "VATEX-EU-132-1L forening"\n')

    assert table.vat == Vat(Fraction(0), "VATEX-EU-132-1L forening")


def test_a_made_up_table_says_so() -> None:
    assert fee_table("annual_fee = 1\nmade_up = true\n").reference.made_up


def test_the_association_has_dues_contribution_and_index() -> None:
    table = association(
        DUES + 'dues_half_when_joining_after = "07-01"\nindex = { old = "124.0", new = "128.4", round_to = "0.01" }\n'
    )

    assert table.dues == kroner(25000)
    assert table.half_after == (7, 1)
    assert table.index == Index(Fraction(124), Fraction("128.4"), 1)
    assert table.contribution_share(member=True) == Fraction(9, 100)
    assert table.contribution_share(member=False) == Fraction(35, 100)


def test_an_index_rounds_to_whole_kroner_where_nothing_else_is_said() -> None:
    table = association(DUES + 'index = { old = "124.0", new = "128.4" }\n')

    assert table.index == Index(Fraction(124), Fraction("128.4"), 100)


def test_bands_may_name_where_they_begin() -> None:
    key = text.read(bands('band = "small", below = 100', 'band = "large", from = 100'))

    assert isinstance(key, SizeKey)
    assert [(band.name, band.least, band.most) for band in key.bands] == [("small", 0, 99), ("large", 100, None)]


def test_bands_may_stand_as_tables_of_their_own() -> None:
    key = text.read(SIZE_KEY + '[[bands]]\nband = "small"\nup_to = 10\n[[bands]]\nband = "large"\n')

    assert isinstance(key, SizeKey)
    assert [(band.least, band.most) for band in key.bands] == [(0, 10), (11, None)]


@given(st.integers(0, 99_999_999), st.integers(0, 99))
def test_an_amount_written_as_text_is_read_to_the_ore(whole: int, ore: int) -> None:
    table = fee_table(f'annual_fee = "{whole}.{ore:02d}"\n')

    assert table.annual_fee == FlatFee(Money(whole * 100 + ore))


def test_crlf_and_comments_change_nothing_but_the_digest() -> None:
    words = "# a comment\n" + PRODUCT + "annual_fee = 30000\n"

    plain, windows = text.read(words), text.read(words.replace("\n", "\r\n"))

    assert isinstance(plain, FeeTable)
    assert isinstance(windows, FeeTable)
    assert plain.annual_fee == windows.annual_fee
    assert plain.reference.digest != windows.reference.digest


# --- what is refused, with its line


@pytest.mark.parametrize(
    ("more", "line", "danish", "english"),
    [
        ("annual_fee = 22000.50", 6, "kommatal er ikke tilladt", "floats are not allowed"),
        ("annual_fee = 1e3", 6, "kommatal er ikke tilladt", "floats are not allowed"),
        ("annual_fee = nan", 6, "kommatal er ikke tilladt", "floats are not allowed"),
        ("annual_fee = -1", 6, "negativt", "negative"),
        ('annual_fee = "-1"', 6, "hele kroner", "whole kroner"),
        ('annual_fee = "22.000"', 6, "hele kroner", "whole kroner"),
        ('annual_fee = "22000,50"', 6, "hele kroner", "whole kroner"),
        ("annual_fee = true", 6, "hele kroner", "whole kroner"),
        ("annual_fee = 10_000_000_000", 6, "hele kroner", "whole kroner"),
        ("annual_fee = [ 1 ]", 6, "hele kroner", "whole kroner"),
        ("annual_fee = { shared_cost = 1.5 }", 6, "kommatal", "floats"),
        ("annual_fee = { shared_cost = 1, small = 2 }", 6, "ukendt nøgle 'small'", "unknown key 'small'"),
        ("joining_fee = 1\n\nannual_fee = 1.5", 8, "kommatal", "floats"),
        ("annual_fee = 1000000000000000000", 6, "højst 1.000.000.000", "1,000,000,000 at most"),
        ("annual_fee = 1_000_000_001", 6, "højst 1.000.000.000", "1,000,000,000 at most"),
        ('annual_fee = "1e3"', 6, "hele kroner", "whole kroner"),
        ('annual_fee = "0x10"', 6, "hele kroner", "whole kroner"),
        ('annual_fee = "١٢٣"', 6, "hele kroner", "whole kroner"),
        ('annual_fee = "1.005"', 6, "hele kroner", "whole kroner"),
        ("annual_fee = inf", 6, "kommatal er ikke tilladt", "floats are not allowed"),
        ('annual_fee = 1\npassive_share = "900 %"', 7, "højst det hele", "at most the whole"),
        ('annual_fee = 1\npassive_share = "٩ %"', 7, "andelen", "the share"),
        ("joining_fee = [ { until = 9999-12-31, fee = 1 }, { fee = 2 } ]", 6, "stigende dage", "rising days"),
        ("annual_fee = 1\npassive_share = 0.5", 7, "andelen skal være en tekst", "the share must be a text"),
        ('annual_fee = 1\npassive_share = "101 %"', 7, "højst det hele", "at most the whole"),
        ('annual_fee = 1\npassive_share = "3/2"', 7, "højst det hele", "at most the whole"),
        ('annual_fee = 1\npassive_share = "1/0"', 7, "andelen", "the share"),
        ('annual_fee = 1\npassive_share = "-9 %"', 7, "andelen", "the share"),
        ('annual_fee = 1\npassive_share = "9"', 7, "andelen", "the share"),
        ('annual_fee = 1\nfirst_year = "quarters"', 7, '"months"', '"months"'),
        ("annual_fee = 1\nfirst_year = 12", 7, '"months"', '"months"'),
        ('annual_fee = 1\ncontribution = "yes"', 7, "true eller false", "true or false"),
        ("annual_fee = 1\nmade_up = 1", 7, "true eller false", "true or false"),
        ("annual_fee = 1\nvat = 25", 7, "andelen", "the share"),
        ('annual_fee = 1\nvat = "exempt"', 7, "vat_exemption mangler", "vat_exemption is missing"),
        ('annual_fee = 1\nvat_exemption = "why"', 7, "hører til", "belongs to"),
        ('annual_fee = 1\nprice = "cheap"', 7, "ukendt nøgle 'price'", "unknown key 'price'"),
        ("annual_fee = 1\ndues = 25000", 7, "ukendt nøgle 'dues'", "unknown key 'dues'"),
        ("joining_fee = []", 6, "listen er tom", "the list is empty"),
        ("joining_fee = [ 1, { fee = 2 } ]", 6, "{ until, fee }", "{ until, fee }"),
    ],
)  # fmt: skip
def test_a_fee_table_is_refused_with_line_and_reason(more: str, line: int, danish: str, english: str) -> None:
    found_line, da, en = only_fault(PRODUCT + more + "\n")

    assert found_line == line
    assert danish in da
    assert english in en


def test_a_missing_band_is_named() -> None:
    line, da, en = only_fault(PRODUCT + "annual_fee = { small = 1, medium = 2, very_large = 3 }\n")

    assert (line, da, en) == (6, "båndet large mangler", "the band large is missing")


def test_a_band_that_the_key_does_not_have_is_named() -> None:
    line, _, en = only_fault(
        PRODUCT + "annual_fee = {small=1, medium=2, large=3, very_large=4}\n"
        "joining_fee = {small=1, medium=2, large=3, very_large=4, huge=5}\n"
    )

    assert (line, en) == (7, "unknown key 'huge'")


def test_a_wrong_amount_of_a_band_is_named_with_its_own_line() -> None:
    line, _, en = only_fault(PRODUCT + "[annual_fee]\nsmall = 1\nmedium = 2\nlarge = 3.5\nvery_large = 4\n")

    assert line == 9
    assert "3.5" in en


def test_a_table_with_neither_fee_is_refused() -> None:
    _, da, en = only_fault(PRODUCT)

    assert "hverken annual_fee eller joining_fee" in da
    assert "neither annual_fee nor joining_fee" in en


@pytest.mark.parametrize("key", ["valid_from", "decided_on", "decided_by"])
def test_a_missing_key_is_named(key: str) -> None:
    words = "".join(line + "\n" for line in PRODUCT.splitlines() if not line.startswith(key))

    _, da, en = only_fault(words + "annual_fee = 1\n")

    assert da == f"nøglen {key} mangler"
    assert en == f"the key {key} is missing"


@pytest.mark.parametrize(
    "written",
    [
        "9999-12-31",
        "0001-01-01",
        "1899-12-31",
        "3000-01-01",
        "2023-01-01T00:00:00",
        "2023-01-01T00:00:00Z",
        "2023-01-01 00:00:00",
        '"2023-01-01"',
        "2023",
        "07:32:00",
    ],
)
def test_a_day_that_is_not_a_day_is_refused(written: str) -> None:
    words = PRODUCT.replace("2023-01-01", written) + "annual_fee = 1\n"

    line, da, en = only_fault(words)

    assert line == 2
    assert "skal være en dag" in da
    assert "must be a day" in en


@pytest.mark.parametrize(
    ("steps", "line", "english"),
    [
        (["until = 2020-02-01, fee = 1", "until = 2020-12-31, fee = 2"], 8, "exactly the last step"),
        (["fee = 1", "fee = 2"], 7, "exactly the last step"),
        (["until = 2020-12-31, fee = 1", "until = 2020-02-01, fee = 2", "fee = 3"], 8, "rising days"),
        (["until = 2020-12-31, fee = 1", "until = 2020-12-31, fee = 2", "fee = 3"], 8, "rising days"),
        (["until = 2020-12-31T00:00:00, fee = 1", "fee = 3"], 7, "rising days"),
        (['until = "2020-12-31", fee = 1', "fee = 3"], 7, "rising days"),
        (["until = 2020-12-31, fee = 1.5", "fee = 3"], 7, "floats"),
        (["until = 2020-12-31, fee = 1", "fee = 2.5"], 8, "floats"),
        (["until = 2020-12-31, fee = 1, rebate = 4", "fee = 3"], 7, "unknown key 'rebate'"),
    ],
)
def test_a_dated_joining_fee_is_refused_with_the_line_of_its_step(steps: list[str], line: int, english: str) -> None:
    listed = "".join(f"    {{ {step} }},\n" for step in steps)

    found_line, _, en = only_fault(f"{PRODUCT}joining_fee = [\n{listed}]\n")

    assert found_line == line
    assert english in en


@pytest.mark.parametrize(
    ("more", "line", "english"),
    [
        (DUES.replace("25000", "25000.0"), 6, "floats"),
        (DUES.replace("25000", "-25000"), 6, "negative"),
        (DUES.replace('"9 %"', "0.09"), 7, "the share"),
        (DUES.replace(', non_member = "35 %"', ""), 7, "the share"),
        (DUES.replace("member =", "members =", 1), 7, "the share"),
        (DUES + 'dues_half_when_joining_after = "13-01"', 8, "month and day"),
        (DUES + 'dues_half_when_joining_after = "02-30"', 8, "month and day"),
        (DUES + "dues_half_when_joining_after = 2023-07-01", 8, "month and day"),
        (DUES + "index = 1.03", 8, "must be a table"),
        (DUES + 'index = { old = 124.0, new = "128.4" }', 8, "old must be a text"),
        (DUES + 'index = { old = "0", new = "128.4" }', 8, "old must be a text"),
        (DUES + 'index = { old = "124.0" }', 8, "new must be a text"),
        (DUES + 'index = { old = "124.0", new = "-1" }', 8, "new must be a text"),
        (DUES + 'index = { old = "124.0", new = "128.4", round_to = "10" }', 8, "round_to must be"),
        (DUES + 'index = { old = "124.0", new = "128.4", round_to = 1 }', 8, "round_to must be"),
        (DUES + 'index = { old = "124.0", new = "128.4", year = "2026" }', 8, "unknown key 'year'"),
        (DUES + 'index = { old = "0.000001", new = "999999999" }', 8, "more than 100 times old"),
        (DUES + "annual_fee = 1", 8, "unknown key 'annual_fee'"),
    ],
)
def test_the_association_table_is_refused_with_line_and_reason(more: str, line: int, english: str) -> None:
    found = faults(ASSOCIATION + more + "\n")

    assert line in {fault.line for fault in found}
    assert any(english in fault.reason.en for fault in found if fault.line == line)
    assert all(fault.reason.da and fault.reason.da != fault.reason.en for fault in found)


def test_the_association_without_dues_is_refused() -> None:
    _, da, en = only_fault(ASSOCIATION + 'contribution = { member = "9 %", non_member = "35 %" }\n')

    assert da == "beløbet mangler"
    assert en == "the amount is missing"


# --- the size key


def test_pv_003_a_key_that_leaves_exactly_25000_uncovered_is_refused() -> None:
    line, da, en = only_fault(
        bands('band = "small", below = 25000', 'band = "medium", from = 25001, up_to = 60000', 'band = "large"')
    )

    assert line == 8
    assert da == "hul: 25000 indbyggere har intet bånd før medium"
    assert en == "gap: 25000 inhabitants have no band before medium"


def test_pv_019_overlapping_bands_are_refused() -> None:
    found = faults(bands('band = "a", up_to = 5', 'band = "b", from = 4, up_to = 99'))

    assert (8, "overlap: b begins at 4, but the band before ends at 5") in [(f.line, f.reason.en) for f in found]
    assert any(fault.reason.da.startswith("overlap: b begynder ved 4") for fault in found)


def test_pv_020_a_top_that_is_never_reached_is_refused() -> None:
    line, da, en = only_fault(bands('band = "a", up_to = 3', 'band = "b", from = 4, up_to = 10'))

    assert line == 8
    assert da.startswith("hul foroven: ingen bånd over 10 indbyggere")
    assert en.startswith("gap at the top: no band above 10 inhabitants")


@pytest.mark.parametrize(
    ("rows", "line", "english"),
    [
        (['band = "a", up_to = 3', 'band = "b", from = 7'], 8, "gap: 4-6 inhabitants"),
        (['band = "a", from = 5'], 7, "gap: 0-4 inhabitants"),
        (['band = "a", from = 0, up_to = 3', 'band = "b", up_to = 2', 'band = "c"'], 8, "the band b ends before"),
        (['band = "a"', 'band = "b"'], 7, "the band a lacks below or up_to"),
        (['band = "a", below = 5, up_to = 4', 'band = "b"'], 7, "both below and up_to"),
        (['band = "a", up_to = 5', 'band = "a"'], 8, "the band a stands twice"),
        (['band = "Stor", up_to = 5', 'band = "b"'], 7, "missing or invalid"),
        (["up_to = 5, band = 1", 'band = "b"'], 7, "missing or invalid"),
        (['band = "a", below = 0', 'band = "b"'], 7, "whole number above zero"),
        (['band = "a", below = -5', 'band = "b"'], 7, "whole number above zero"),
        (['band = "a", below = 1.5', 'band = "b"'], 7, "whole number above zero"),
        (['band = "a", below = true', 'band = "b"'], 7, "whole number above zero"),
        (['band = "a", below = "5"', 'band = "b"'], 7, "whole number above zero"),
        (['band = "a", up_to = 5', 'band = "b", from = 6.0'], 8, "from must be a whole number"),
        (['band = "a", up_to = 5, colour = 1', 'band = "b"'], 7, "unknown key 'colour'"),
    ],
)  # fmt: skip
def test_a_size_key_is_refused_with_the_line_of_its_band(rows: list[str], line: int, english: str) -> None:
    found = faults(bands(*rows))

    assert any(english in fault.reason.en and fault.line == line for fault in found), found


@pytest.mark.parametrize("written", ["", "bands = []\n", "bands = 4\n", "bands = [1, 2]\n"])
def test_a_size_key_without_bands_is_refused(written: str) -> None:
    _, da, en = only_fault(SIZE_KEY + written)

    assert "liste af bånd" in da
    assert "list of bands" in en


# --- the text itself


def test_broken_toml_is_refused_with_its_line() -> None:
    line, da, en = only_fault(PRODUCT + "annual_fee = = 1\n")

    assert line == 6
    assert "ikke gyldig TOML" in da
    assert "not valid TOML" in en


def test_a_key_that_stands_twice_is_refused() -> None:
    _, _, en = only_fault(PRODUCT + "annual_fee = 1\nannual_fee = 2\n")

    assert "not valid TOML" in en


@pytest.mark.parametrize("words", ["", "# nothing\n", DECIDED, 'product = "a"\nassociation = "b"\n' + DECIDED])
def test_a_text_that_is_not_exactly_one_decision_is_refused(words: str) -> None:
    _, da, en = only_fault(words)

    assert "netop én" in da
    assert "exactly one" in en


def test_a_huge_text_is_refused_at_once() -> None:
    started = time.monotonic()

    line, da, en = only_fault(PRODUCT + "#" * toml_text.LARGEST_TEXT)

    assert (line, da, en) == (1, "teksten er for lang til en tabel", "the text is too long for a table")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("line", ["a." * 5_000 + "a = 1", "annual_fee = " + "[" * 5_000])
def test_a_line_that_would_take_the_parser_long_is_refused_at_once(line: str) -> None:
    at, da, en = only_fault(PRODUCT + line)

    assert (at, da, en) == (PRODUCT.count("\n") + 1, "linjen er for lang", "the line is too long")


def test_the_line_of_a_fault_is_that_of_its_own_band() -> None:
    listed = '{ band="small", below=25000 },\n{ band="medium", from=25001, up_to=60000 },\n{ band="large" } ]\n'

    line, _, en = only_fault(SIZE_KEY + "bands = [\n" + listed)

    assert (line, en.split(":")[0]) == (SIZE_KEY.count("\n") + 3, "gap")


@pytest.mark.parametrize("nested", ["[", "{a="])
def test_deep_nesting_is_refused_not_followed(nested: str) -> None:
    _, _, en = only_fault(PRODUCT + "annual_fee = " + nested * (900 // len(nested)))

    assert "not valid TOML" in en


@pytest.mark.parametrize(
    ("written", "english"),
    [("3", "must be a text"), ('""', "must be a text"), ('"  "', "must be a text"), ('"a\\nb"', "product")],
)
def test_a_name_that_is_no_line_of_text_is_refused(written: str, english: str) -> None:
    line, _, en = only_fault(PRODUCT.replace('"OS2x"', written) + "annual_fee = 1\n")

    assert line == 1
    assert english in en


def test_a_products_name_is_no_longer_than_a_register_takes() -> None:
    longest = text.read(PRODUCT.replace("OS2x", "å" * 80) + "annual_fee = 1\n")
    line, da, en = only_fault(PRODUCT.replace("OS2x", "å" * 81) + "annual_fee = 1\n")

    assert isinstance(longest, FeeTable)
    assert (line, da, en) == (1, "product: har over 80 tegn", "product: has more than 80 characters")


def test_a_foreign_key_or_number_is_shown_short_and_on_one_line() -> None:
    words = PRODUCT + f'annual_fee = 1.{"0" * 900}\n"\\u001b[2J{"k" * 900}" = 1\n'

    found = faults(words)

    assert all(len(fault.reason.da) < 120 and "\x1b" not in fault.reason.da for fault in found), found
    assert len(found) == 2


def test_every_fault_is_told_at_once_in_the_order_of_the_lines() -> None:
    found = faults(PRODUCT + 'annual_fee = 1.5\npassive_share = 0.5\ncolour = "red"\nvat = 25\n')

    assert [fault.line for fault in found] == [6, 7, 8, 9]


def test_the_refusal_can_be_read_in_both_languages() -> None:
    with pytest.raises(TableRefused) as refusal:
        text.read(PRODUCT + "annual_fee = -1\n")

    assert ", linje 6: beløbet er negativt" in refusal.value.text.da
    assert ", line 6: the amount is negative" in refusal.value.text.en


@given(st.text(max_size=200))
def test_whatever_the_text_it_is_read_or_refused(words: str) -> None:
    try:
        text.read(PRODUCT + words)
    except TableRefused as refusal:
        assert all(fault.line >= 1 and fault.reason.en for fault in refusal.faults[""])


def test_any_bands_are_taken_where_the_text_was_adopted_already() -> None:
    read = text.read(PRODUCT + "annual_fee = { tiny = 1 }\n", bands_on=None)

    assert isinstance(read, FeeTable)
    assert read.annual_fee == BandFee({"tiny": kroner(1)})


def test_bands_are_checked_against_the_key_of_the_tables_first_day() -> None:
    asked: list[date] = []

    def bands_on(day: date) -> list[str]:
        asked.append(day)
        return ["tiny"]

    text.read(PRODUCT + "annual_fee = { tiny = 1 }\n", bands_on=bands_on)

    assert asked == [date(2023, 1, 1)]


# --- the shipped tables


def test_every_shipped_table_is_read() -> None:
    files = sorted(builders.SHIPPED_TABLES.glob("*.toml"))

    names = {file.stem for file in files if builders.shipped(file.stem)}

    assert names >= {"size_key_2022", "association_2023", "os2valghalla_2023", "os2kitos_2017", "os2mo_2019"}


def test_the_shipped_figures_are_the_published_ones() -> None:
    valghalla, kitos, mo = (builders.shipped(name) for name in ("os2valghalla_2023", "os2kitos_2017", "os2mo_2019"))
    dues = builders.shipped("association_2023")

    assert isinstance(valghalla, FeeTable)
    assert (valghalla.annual_fee, valghalla.joining_fee) == (builders.ANNUAL_BANDS, builders.JOINING_BANDS)
    assert valghalla.contribution
    assert isinstance(kitos, FeeTable)
    assert kitos.annual_fee == FlatFee(kroner(30000))
    assert not kitos.contribution
    assert isinstance(mo, FeeTable)
    assert mo.annual_fee is None
    assert mo.passive_share == Fraction(1, 3)
    assert mo.joining_fee == DatedFee(
        (
            (date(2020, 2, 1), kroner(60000)),
            (date(2020, 12, 31), kroner(120000)),
            (None, kroner(240000)),
        )
    )
    assert isinstance(dues, AssociationTable)
    assert (dues.dues, dues.half_after, dues.index) == (kroner(25000), (7, 1), None)
    assert (dues.contribution_member, dues.contribution_non_member) == (Fraction(9, 100), Fraction(35, 100))
