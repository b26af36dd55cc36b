"""Bank files: a bank's own example right in every field, and whatever else comes refused by place and reason."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import bank_demonstration
from app.adapters import bank_csv, bank_files, camt, payment_references
from app.bank_demonstration import Moved
from billing.bank import BankFileRefused, Movement, Statement
from foundation.money import Money
from tests import bank_statements
from tests.bank_files import NORDEA, day, paid, statement
from tests.conftest import SEED

RIGHT = statement("1", 0, [paid(0, 100, "A"), Moved(day(1), 250, "B", fik_id="123456789012347")], 0, 6)

MAPPING = """
account = "1234 0000567890"
date = "DD-MM-YYYY"
order = "newest first"
[columns]
booked_on = "Dato"
amount = "Beløb"
balance = "Saldo"
message = ["Tekst", "Besked"]
payer = "Afsender"
"""
CSV = (
    "Dato;Tekst;Besked;Beløb;Saldo;Afsender\n"
    "05-03-2027;Overførsel;Faktura 2027-0002;1.250,50;2.350,50;Vejle Kommune\n"
    "04-03-2027;Gebyr;;-100,00;1.100,00;\n"
    "01-03-2027;+71<123456789012347+80000000<;;200;1.200,00;\n"
)


def read(content: bytes | str, mapping: str | None = None) -> list[tuple[Statement, list[Movement]]]:
    """Read a file through."""
    file = bank_files.taken("fil", content if isinstance(content, bytes) else content.encode(), mapping)
    return [(statement, list(statement.movements)) for statement in file.statements()]


def refused(content: bytes | str, mapping: str | None = None) -> str:
    """Give why a file is refused, in Danish."""
    with pytest.raises(BankFileRefused) as found:
        read(content, mapping)
    return found.value.text.da


@pytest.mark.parametrize("content", [CSV, "\ufeff" + CSV, "  \n%PDF-1.7", "{}", "\0"])
def test_what_is_no_xml_is_told_what_it_lacks(content: str) -> None:
    assert "kolonneopsætning (mapping)" in refused(content)


def changed(old: str, new: str) -> bytes:
    """Give the right statement with something else in it."""
    assert old in RIGHT.decode()
    return RIGHT.replace(old.encode(), new.encode(), 1)


# --- camt.053


@pytest.mark.parametrize("piece", [1, 2, 3, 1_000])
def test_a_file_is_looked_through_alike_in_whatever_pieces_it_comes(
    monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    wrong = [
        changed("<Stmt>", "<Stmt>\n<!-- ok -->\n<!DOCTYPE a>"), changed("<Stmt>", f"<Stmt>\n<Id>{'x' * 10_300}</Id>"),
        changed("<Stmt>", "<Stmt>\n<Id>Å</Id>").replace("Å".encode(), b"\xc3"), RIGHT + b"\xc3",
    ]  # fmt: skip
    moved, told = read(RIGHT)[0][1], [refused(each) for each in wrong]

    monkeypatch.setattr(camt, "_PIECE", piece)

    assert read(RIGHT)[0][1] == moved
    assert [refused(each) for each in wrong] == told
    begins, last = (RIGHT.count(b"\n", 0, end) + 1 for end in (RIGHT.index(b"<Stmt>"), len(RIGHT)))
    assert told == [
        f"fil: linje {begins + 2}: dokumenttype, entiteter og CDATA tages ikke ind",
        f"fil: linje {begins + 1}: en tekst er over 10.240 byte",
        f"fil: linje {begins + 1}: er ikke UTF-8",
        f"fil: linje {last}: er ikke UTF-8",
    ]


@pytest.mark.skipif(not NORDEA.exists(), reason="the bank's example is not here: ../shared")
def test_a_bank_s_own_example_has_every_transaction_and_reference_right() -> None:
    ((told, moved),) = read(NORDEA.read_bytes())

    assert (told.account, told.opening, told.closing) == ("DK0320009876543210", Money(8_025_913), Money(4_258_321))
    assert {each.booked_on for each in moved} == {each.value_on for each in moved} == {date(2020, 9, 24)}
    assert [
        (each.amount.ore, each.fik_id, each.creditor_reference, each.payer, each.bank_reference, each.end_to_end_id)
        for each in moved
    ] == [
        (10_000, "", "", "PAYERS NAME AND ADDRESS 1", "6110273894", ""),
        (20_000, "000000020211041", "", "", "2149202009236109891174", ""),
        (30_000, "", "RF12510007547061", "PAYERS NAME AND ADDRESS 1", "2110197550", "DK_DOM_DK_to_DK-12_3"),
        (15_000, "000000003097920", "", "", "2149202009244110197552", ""),
        (25_000, "123456789012347", "", "", "2149202009243110197551", ""),
        (-4_017_750, "", "", "CREDITOR NAME", "6127256724", "1004916-5637222635-00"),
        (-2_678_500, "", "", "CREDITOR NAME", "5127256723", "1004915-5637222634-00"),
        (2_828_658, "", "", "PAYERS NAME", "8D39484700000021", ""),
    ]
    assert moved[0].message.split("\n") == [f"REMITTANCE INFO LINE {nth:02d}" for nth in range(1, 11)]
    assert moved[7].message.endswith("089214 0051012402")
    assert moved[5].payer_account == "21490810494433"
    assert moved[0].raw in NORDEA.read_text(encoding="utf-8")
    assert "71/123456789012347" in moved[4].raw and "71/000000003097920" not in moved[4].raw


def test_a_newer_version_says_the_same_in_other_places() -> None:
    newer = RIGHT.replace(b"camt.053.001.02", b"camt.053.001.08")
    newer = newer.replace(b"<Sts>BOOK</Sts>", b"<Sts><Cd>BOOK</Cd></Sts>")
    newer = newer.replace(b"<Dbtr><PstlAdr>", b"<Dbtr><Pty><Nm>Vejle Kommune</Nm></Pty><PstlAdr>")

    assert [m.amount.ore for _, moved in read(newer) for m in moved] == [100, 250]
    assert read(newer)[0][1][0].payer == "Vejle Kommune"


def test_what_is_not_booked_yet_is_left_out() -> None:
    pending = changed("<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>")

    assert [m.amount.ore for _, moved in read(pending) for m in moved] == [250]


def test_a_charge_that_the_bank_took_is_a_transaction_of_its_own() -> None:
    charged = changed(
        '<Ntry><Amt Ccy="DKK">1.00</Amt>',
        '<Ntry><Amt Ccy="DKK">0.90</Amt><Chrgs><Amt Ccy="DKK">0.10</Amt><CdtDbtInd>DBIT</CdtDbtInd></Chrgs>',
    )

    assert [m.amount.ore for _, moved in read(charged) for m in moved] == [100, -10, 250]


def test_a_foreign_payment_counts_as_what_moved_on_the_account() -> None:
    foreign = changed('<TxAmt><Amt Ccy="DKK">1.00</Amt>', '<TxAmt><Amt Ccy="EUR">0.13</Amt>')

    assert read(foreign)[0][1][0].amount == Money(100)


@pytest.mark.parametrize(
    ("words", "fik_id", "reference"),
    [
        ("+71<123456789012347+80000000<", "123456789012347", ""),
        ("71/000000020211041", "000000020211041", ""),
        ("FI +71<123456789012340+8", "123456789012340", ""),  # mistyped, as it stood
        ("171<123456789012347", "", ""),
        ("71/1234567890123478", "", ""),
        ("betaling RF12510007547061 tak", "", "RF12510007547061"),
        ("XRF12510007547061", "", ""),
    ],
)
def test_ids_are_found_in_a_bank_s_words(words: str, fik_id: str, reference: str) -> None:
    assert payment_references.fik_id(words) == fik_id
    assert payment_references.creditor_reference(words) == reference


BOMB = '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (lambda: changed("<Document", f"{BOMB}<Document"), "linje 2: dokumenttype, entiteter"),
    "external entity": (
        lambda: changed("<Document", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document'), "dokumenttype",
    ),
    "unknown entity": (lambda: changed("Faktura", "&navn;"), "er ikke hel XML"),
    "cdata": (lambda: changed("Faktura", "<![CDATA[<Ntry>]]>"), "CDATA"),
    "deep": (lambda: changed("Faktura", "<a>" * 5_000 + "</a>" * 5_000), ""),
    "wide": (lambda: changed("Faktura", "<a/>" * 5_000), "har over 2000 elementer"),
    "attributes": (lambda: changed("<Ustrd>", "<Ustrd " + " ".join(f'a{n}=""' for n in range(50)) + ">"), "attribut"),
    "huge text": (lambda: changed("Faktura", "x" * 20_000), "en tekst er over 10.240 byte"),
    "latin-1": (lambda: RIGHT.replace(b"Vejle", b"K\xf8ge"), "er ikke UTF-8"),
    "utf-16": (lambda: RIGHT.decode().encode("utf-16"), "er ikke UTF-8"),
    "declared latin-1": (lambda: changed("UTF-8", "ISO-8859-1"), "linje 1: er ikke UTF-8"),
    "truncated": (lambda: RIGHT[:-60], "er ikke hel XML"),
    "behind the end": (lambda: RIGHT + b"<Document/>", "er ikke hel XML"),
    "another message": (lambda: changed("camt.053.001.02", "camt.054.001.02"), "er ikke camt.053"),
    "brace in the namespace": (lambda: changed('xmlns="urn:', 'xmlns="urn}'), "er ikke camt.053"),
    "brace in a namespace within": (lambda: changed("<GrpHdr>", '<Ntry xmlns="a}b"/><GrpHdr>'), ""),
    "no xml": (lambda: b"Dato;Tekst\n", "er ikke camt.053 (XML)"),
    "empty": (lambda: b"  \n", "filen er tom"),
    "no opening": (lambda: changed("OPBD", "XXXX"), "saldoen OPBD/PRCD mangler"),
    "no closing": (lambda: changed("CLBD", "CLAV"), "saldoen CLBD mangler"),
    "no account": (lambda: changed("<IBAN>DK1800000000000000</IBAN>", ""), "kontoens nummer mangler"),
    "in euro": (lambda: RIGHT.replace(b"DKK", b"EUR"), "kun konti i danske kroner"),
    "third decimal": (lambda: changed(">1.00<", ">1.001<"), "'1.001' er ikke et beløb i hele øre"),
    "comma": (lambda: changed(">1.00<", ">1,00<"), "er ikke et beløb"),
    "below zero": (lambda: changed(">1.00<", ">-1.00<"), "er ikke et beløb"),
    "exponent": (lambda: changed(">1.00<", ">1e2<"), "er ikke et beløb"),
    "other digits": (lambda: changed(">1.00<", ">١.٠٠<"), "er ikke et beløb"),
    "enormous": (lambda: changed(">1.00<", f">{'9' * 18}.00<"), "er ikke et beløb"),
    "no side": (lambda: changed("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<Sts>"), "hverken CRDT eller DBIT"),
    "no such day": (lambda: changed("<BookgDt><Dt>2027-03-01", "<BookgDt><Dt>2027-02-30"), "er ikke en dag"),
    "no day": (lambda: changed("<BookgDt><Dt>2027-03-01</Dt></BookgDt>", ""), "dagen BookgDt mangler"),
    "no status": (lambda: changed("<Sts>BOOK</Sts>", ""), "hverken bogført eller afventende"),
    "entry elsewhere": (lambda: changed("<GrpHdr>", "<Ntry></Ntry><GrpHdr>"), "står ikke, hvor det hører til"),
    "entry within": (lambda: changed("<Sts>BOOK</Sts>", "<Sts>BOOK</Sts><Ntry/>"), "står ikke, hvor det hører til"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_no_bank_writes_is_refused_with_its_reason(name: str) -> None:
    make, reason = HOSTILE[name]

    assert reason in refused(make()).replace("\u00a0", " ")


@pytest.mark.parametrize(("written", "ore"), [("1", 100), ("1.", None), ("1.5", 150), ("1.50000", 150), ("+1.00", 100)])
def test_an_amount_is_whole_ore_however_it_is_written(written: str, ore: int | None) -> None:
    content = RIGHT.replace(b">1.00<", f">{written}<".encode())

    if ore is None:
        assert "er ikke et beløb" in refused(content)
    else:
        assert read(content)[0][1][0].amount == Money(ore)


def test_transactions_that_do_not_come_to_their_entry_are_refused() -> None:
    batch = statement("1", 0, [Moved(day(0), 100, n, fik_id="123456789012347") for n in ("A", "B")], 0, 6)

    assert "transaktionerne giver ikke postens beløb" in refused(batch.replace(b">1.00<", b">1.10<", 1))


# --- CSV


def test_a_mapped_csv_is_read_oldest_first_with_its_balances() -> None:
    ((told, moved),) = read(CSV, MAPPING)

    assert (told.account, told.opening, told.closing) == ("12340000567890", Money(100_000), Money(235_050))
    assert [(m.booked_on.day, m.amount.ore) for m in moved] == [(1, 20_000), (4, -10_000), (5, 125_050)]
    assert moved[0].fik_id == "123456789012347"
    assert (moved[2].message, moved[2].payer) == ("Overførsel\nFaktura 2027-0002", "Vejle Kommune")
    assert moved[2].raw == CSV.split("\n")[1]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("2.350,50", "2.350,51", "række 2, kolonne Saldo: saldoen er 2.350,51 kr., men skulle være 2.350,50 kr."),
        ("1.250,50", "1250.50", "række 2, kolonne Beløb: '1250.50' er ikke et beløb"),
        ("1.250,50", "1.250,505", "række 2, kolonne Beløb"),
        ("1.250,50", "=1+1", "række 2, kolonne Beløb"),
        ("05-03-2027", "2027-03-05", "række 2, kolonne Dato: '2027-03-05' er ikke en dag som DD-MM-YYYY"),
        ("05-03-2027", "31-02-2027", "række 2, kolonne Dato"),
        (";Saldo", ";Balance", "kolonne Saldo: mangler"),
        (";Gebyr;", ";Gebyr", "række 3: har 5 celler, overskriften 6"),
        ("Gebyr", '"Gebyr', "rækken er ikke CSV"),
        ("Gebyr", "Ge\0byr", "NUL"),
        ("Gebyr", "x" * 20_000, "rækken er ikke CSV"),
    ],
)
def test_a_wrong_csv_is_refused_by_row_and_column(old: str, new: str, reason: str) -> None:
    told = refused(CSV.replace(old, new, 1), MAPPING)

    assert reason in told.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("account =", "konto =", "ukendt"),
        ('"DD-MM-YYYY"', '"DD-MM"', "date skal være som"),
        ('balance = "Saldo"\n', "", "kolonnen balance"),
        ('"newest first"', '"random"', "order"),
        ('amount = "Beløb"', "amount = 7", "columns.amount"),
        ('amount = "Beløb"', "", "columns skal have booked_on og amount"),
        ("[columns]", "[columns", "ikke gyldig TOML"),
        ("[columns]", 'encoding = "utf-7"\n[columns]', "encoding"),
        ('"1234 0000567890"', '""', "account skal være"),
    ],
)
def test_a_wrong_mapping_is_refused_by_its_key(old: str, new: str, reason: str) -> None:
    with pytest.raises(bank_csv.MappingRefused) as found:
        read(CSV, MAPPING.replace(old, new, 1))

    assert reason in found.value.text.da


def test_a_csv_in_another_encoding_than_its_mapping_says_is_refused() -> None:
    assert "encoding" in refused(CSV.encode("cp1252"), MAPPING)
    windows = MAPPING.replace("[columns]", 'encoding = "windows-1252"\n[columns]')
    assert read(CSV.encode("cp1252"), windows) != []


# --- anything at all


def _whole_or_refused(content: bytes, mapping: str | None) -> None:
    """A file is read to its end, or refused in words."""
    try:
        read(content, mapping)
    except BankFileRefused as told:
        assert told.text.da and told.text.en


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    _whole_or_refused(content, None)
    _whole_or_refused(content, MAPPING)


@given(st.lists(st.lists(st.text(max_size=20), max_size=8), max_size=8))
def test_any_table_is_read_or_refused(cells: list[list[str]]) -> None:
    heading = "Dato;Tekst;Besked;Beløb;Saldo;Afsender\n"
    table = heading + "\n".join(";".join(row) for row in cells)
    _whole_or_refused(table.encode("utf-8", "replace"), MAPPING)


_SHUFFLES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    lambda content, chance: content[: chance.randrange(len(content))],
    lambda content, chance: _at(content, chance, bytes([chance.randrange(256)]), 1),
    lambda content, chance: _at(content, chance, b"", chance.randrange(1, 60)),
    lambda content, chance: _at(content, chance, content[(at := chance.randrange(len(content))) : at + 80], 0),
    lambda content, chance: _at(
        content, chance, chance.choice((b"<", b">", b"&", b"</Ntry>", b"<Ntry>", b"\0", b";")), 0
    ),
)


def _at(content: bytes, chance: random.Random, new: bytes, removed: int) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + new + content[place + removed :]


@pytest.mark.parametrize("nth", range(4))
def test_right_files_with_anything_changed_are_read_or_refused(nth: int) -> None:
    chance = random.Random(f"{SEED} {nth}")
    weeks = bank_statements.generate(bank_statements.municipalities(each=1)[:12], seed=SEED)
    files = [(RIGHT, None), (weeks[0][0], None), (CSV.encode(), MAPPING)]
    files += [(NORDEA.read_bytes(), None)] if NORDEA.exists() else []

    for _ in range(150):
        content, mapping = chance.choice(files)
        for _ in range(chance.randint(1, 4)):
            content = chance.choice(_SHUFFLES)(content, chance) or b"<"
        _whole_or_refused(content, mapping)


def test_the_bank_s_days_and_amounts_come_back_as_they_were_written() -> None:
    moved = [Moved(day(0), 1, "A"), Moved(day(0), 99, "B", creditor_reference="RF18539007547034")]
    content = bank_demonstration.statement("æ & <ø>", -5, moved, day(0), day(6))

    ((told, found),) = read(content)

    assert (told.bank_id, told.opening, told.closing) == ("æ & <ø>", Money(-5), Money(95))
    assert [(each.amount.ore, each.creditor_reference) for each in found] == [(1, ""), (99, "RF18539007547034")]
