"""Hostile files at every door: each is refused with nothing stored, in bounded time and memory, or taken correctly.

What a single cell or line is refused for stands in the tests of the readers; here whole commands are shown what people
with bad tools, bad luck or bad intentions bring, and the whole database is compared before and after.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Sequence
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from billing import invoice_pdf
from billing.document import Party
from billing.einvoice import peppol
from foundation import wording
from tests import bounded
from tests.billing import documents
from tests.command_line import CommandLine, Result
from tests.conftest import FULL, SEED
from tests.scenarios import database, files
from tests.scenarios.files import Row

#: What these tests look at does not depend on the kind of database.
ON_ONE = pytest.mark.parametrize("kind", ["sqlite"])

KNOWN = files.starter()[0]

#: Every register: its columns and a right row.
REGISTERS: dict[str, tuple[Sequence[str], Row]] = {
    "authorities": (files.AUTHORITIES, files.authority(files.cvrs(1)[0])),
    "population": (files.POPULATION, files.inhabitants("0101", 2027, 700_000)),
    "placements": (files.PLACEMENTS, files.placement(files.by_name("Region Nordjylland").cvr)),
    "products": (files.PRODUCTS, {"product": "OS2nyt", "account": "XG-1"}),
    "members": (files.MEMBERS, files.member(KNOWN.cvr)),
    "agreements": (files.AGREEMENTS, files.agreement(KNOWN.cvr)),
}
#: Every command that takes a file, and a right file for it; what comes behind the command comes in front of the file.
CSV: dict[tuple[str, ...], str] = {
    (register, "import"): files.text(header, [row]) for register, (header, row) in REGISTERS.items()
}
TOML: dict[tuple[str, ...], str] = {
    ("settings", "import"): files.SELLER,
    ("fee-tables", "check"): files.fee_table("OS2nyt", "annual_fee = 30000"),
    ("fee-tables", "adopt"): files.fee_table("OS2nyt", "annual_fee = 30000"),
}
COMMANDS: dict[tuple[str, ...], str] = {**CSV, **TOML, ("db", "restore"): ""}

SAFE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def send(line: CommandLine, command: tuple[str, ...], content: str | bytes) -> Result:
    """Give a command a file of this content."""
    file = line.folder / "sent"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return line.run(*command, file)


def assert_refused(result: Result | bounded.Taken, why: object = "") -> None:
    """A refusal, in words: no trace, nothing on standard output, never more than can be read."""
    assert (result.code, result.out) == (1, ""), (why, result)
    assert result.err.startswith("Fejl: ") and "Traceback" not in result.err, (why, result)
    assert len(result.err) < 300_000, why


# --- the form of a file


def unreadable(right: str) -> dict[str, bytes]:
    """A right file in the shapes that no reader takes."""
    text = "# Ærø\n" + right
    return {
        "latin-1": text.encode("latin-1", "replace"),
        "UTF-16": text.encode("utf-16"),
        "UTF-16, big end first": b"\xfe\xff" + text.encode("utf-16-be"),
        "UTF-16 without a BOM": text.encode("utf-16-le"),
        "UTF-32": text.encode("utf-32"),
        "UTF-8 that is cut": (right + "æ").encode()[:-1],
        "UTF-8 of a surrogate": right.encode() + b"\xed\xa0\x80",
        "NUL": right.encode() + b"\0",
        "nothing but NUL": b"\0" * 1_000,
        "a program": Path("/proc/self/exe").read_bytes()[:50_000],
        "packed": b"\x1f\x8b\x08\x00" + b"\0" * 100,
        "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "empty": b"",
        "only a BOM": b"\xef\xbb\xbf",
    }


@pytest.mark.parametrize("command", COMMANDS, ids="-".join)
def test_what_is_no_text_is_refused_and_nothing_is_stored(command: tuple[str, ...], starter: CommandLine) -> None:
    line = starter
    before = database.dump(line)

    for name, content in unreadable(COMMANDS[command]).items():
        assert_refused(send(line, command, content), name)
    assert database.dump(line) == before


@ON_ONE
@pytest.mark.parametrize("command", COMMANDS, ids="-".join)
def test_what_is_no_ordinary_file_is_refused_and_not_waited_for(command: tuple[str, ...], empty: CommandLine) -> None:
    pipe = empty.folder / "pipe"
    os.mkfifo(pipe)
    sparse = empty.folder / "sparse"
    sparse.touch()
    os.truncate(sparse, 10**12)

    for place in (pipe, Path("/dev/zero"), sparse):
        assert_refused(empty.run(*command, place), place)
    for place in (empty.folder, empty.folder / "missing", Path("/dev/null/a")):
        result = empty.run(*command, place)
        assert (result.code, result.out) == (2, ""), (place, result)


@ON_ONE
@pytest.mark.parametrize("command", [*CSV, *TOML], ids="-".join)
def test_a_files_own_name_can_do_no_harm(command: tuple[str, ...], starter: CommandLine) -> None:
    """The name stands in the audit trail, and in the register where inhabitants have no other source."""
    content = COMMANDS[command].replace("opdigtet", "")
    for name in ("\udcff.csv", "\x1b[2J.csv", "\u202evsc.slat", "a\nb", "=cmd|A0", "-x", "å" * 120):
        folder = starter.folder / "sent"
        folder.mkdir(exist_ok=True)
        file = folder / name
        file.write_text(content, encoding="utf-8")

        result = starter.run(*command, file)

        assert result.code == 0, (name, result)
        assert not {"\x1b", "\u202e", "\udcff"} & set(result.out + result.err), name
    starter.done("verify")


@ON_ONE
def test_a_backup_never_replaces_what_is_no_ordinary_file(empty: CommandLine) -> None:
    pipe = empty.folder / "pipe"
    os.mkfifo(pipe)

    result = empty.run("db", "backup", pipe)

    assert_refused(result)
    assert pipe.is_fifo() and not list(empty.folder.glob("*.part"))


# --- bombs: bounded time and memory


def large(register: str, count: int) -> str:
    """A right file of so many rows, made to be hard on comparisons between rows."""
    first = date(1900, 1, 1)
    days = [str(first + timedelta(days=nth)) for nth in range(count + 1)]
    cvrs = files.cvrs(count) if register == "authorities" else ()
    rows: dict[str, list[Row]] = {
        "authorities": [files.authority(cvr, address="") for cvr in cvrs],
        "population": [
            files.inhabitants(files.starter()[nth % 98].code, 1900 + nth // 98, nth) for nth in range(count)
        ],
        "placements": [files.placement(KNOWN.cvr, valid_from=day) for day in days[:-1]],
        "products": [{"product": f"OS2p{nth}", "account": f"XG-{nth}"} for nth in range(count)],
        "members": [files.member(KNOWN.cvr, joined_on=days[nth], left_on=days[nth + 1]) for nth in range(count)],
        "agreements": [
            files.agreement(KNOWN.cvr, signed_on=day, countersigned_on="", in_force_from="", order_reference=day)
            for day in days[:-1]
        ],
    }  # fmt: skip
    return files.text(REGISTERS[register][0], rows[register])


def hostile_rows(count: int) -> dict[str, tuple[str, str]]:
    """Files whose every row is wrong because of the others: register and content."""
    cvrs = files.cvrs(count)
    chain = [
        files.authority(cvr, valid_to="2026-12-31", succeeded_by_cvr=after)
        for cvr, after in zip(cvrs, (*cvrs[1:], cvrs[0]), strict=True)
    ]
    one_code = [files.municipality(cvr, "9999") for cvr in cvrs]
    overlapping = [
        files.member(KNOWN.cvr, joined_on=str(date(1900, 1, 1) + timedelta(days=nth)), left_on="")
        for nth in range(count)
    ]
    return {
        "successors in one circle": ("authorities", files.text(files.AUTHORITIES, chain)),
        "one code for all": ("authorities", files.text(files.AUTHORITIES, one_code)),
        "memberships that all overlap": ("members", files.text(files.MEMBERS, overlapping)),
        "one key again and again": ("products", "product,account,level\n" + "OS2nyt,,\n" * count),
        "every cell wrong": ("agreements", ",".join(files.AGREEMENTS) + "\n" + (",".join("x" * 15) + "\n") * count),
    }


HEADER = b"cvr,joined_on,left_on\n"

# Idle, the program holds some 90 MB; 100.000 rows of the widest register some 250.
MOST_MB = 400
#: What a huge file begins with, and what comes again and again so many times.
HUGE: dict[str, tuple[bytes, bytes, int]] = {
    "a 50 MB file": (HEADER, b"55133018,2012-01-01,\n", 2_400_000),
    "one line of 31 MB": (b"", b"c", 31_000_000),
    "one line of 31 MB behind a header": (HEADER, b"\xc3\xa6", 15_500_000),
    "ten million columns": (b"", b",", 10_000_000),
    "a quote of 31 MB": (HEADER + b'"', b"55133018,2012-01-01,\n", 1_400_000),
    "one row of millions of cells on lines of their own": (HEADER + b'"', b'\n","', 7_000_000),
    "thirty million quotes": (b"", b'"', 31_000_000),
    "a million wrong rows": (HEADER, b"x\n", 999_000),
}


@ON_ONE
def test_a_huge_file_is_refused_in_bounded_memory(starter: CommandLine) -> None:
    before = database.dump(starter)
    idle = bounded.run(starter, "products", "import", starter.write("small.csv", "product\n")).peak

    for name in HUGE if FULL else random.Random(SEED).sample(list(HUGE), 3):
        head, piece, times = HUGE[name]
        file = starter.folder / "huge.csv"
        file.write_bytes(head + piece * times)
        taken = bounded.run(starter, "members", "import", file)

        assert_refused(taken, name)
        assert "række" in taken.err or "32.000.000 byte" in taken.err, name
        assert taken.peak < idle + 100, (name, taken.peak, idle)
    assert database.dump(starter) == before


@ON_ONE
def test_a_million_lines_may_be_empty_and_no_more(starter: CommandLine) -> None:
    row = b"55133018,2012-01-01,\n"
    file = starter.folder / "empty.csv"
    file.write_bytes(HEADER + b"\n" * 30_000_000 + row)
    refused = bounded.run(starter, "members", "import", file)
    file.write_bytes(HEADER + b"\n" * 999_998 + row)

    taken = bounded.run(starter, "members", "import", file)

    assert_refused(refused)
    assert "række 1000001: filen har over 1.000.000 linjer" in refused.err
    assert taken.code == 0 and "1 nye" in taken.out, taken
    assert max(taken.peak, refused.peak) < MOST_MB // 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"] if FULL else ["sqlite"])
@pytest.mark.parametrize("register", REGISTERS if FULL else random.Random(SEED).sample(list(REGISTERS), 2))
def test_a_hundred_thousand_rows_are_taken_in_bounded_memory(register: str, starter: CommandLine) -> None:
    """`make test` takes a twentieth, on SQLite only, and asserts half of the memory."""
    count = 100_000 if FULL else 5_000
    file = starter.write(f"{register}.csv", large(register, count))
    rows = file.read_text(encoding="utf-8").count("\n") - 1

    first = bounded.run(starter, register, "import", file)
    second = bounded.run(starter, register, "import", file)

    assert (first.code, second.code) == (0, 0), (first, second)
    added, changed, unchanged = map(int, re.findall(r"(\d+) (?:nye|ændret|uændret)", first.out))
    assert (added + changed, unchanged) == (rows, 0) and f"0 nye, 0 ændret, {rows} uændret" in second.out
    assert max(first.peak, second.peak) < (MOST_MB if FULL else MOST_MB // 2)
    starter.done("verify")


@ON_ONE
def test_rows_that_are_wrong_because_of_each_other_are_refused_in_bounded_time_and_memory(starter: CommandLine) -> None:
    """Compared each with each, a file of so many rows would take hours."""
    before = database.dump(starter)
    count = 100_000 if FULL else 5_000

    listed = hostile_rows(count)
    for name in listed if FULL else random.Random(SEED).sample(list(listed), 3):
        register, content = listed[name]
        taken = bounded.run(starter, register, "import", starter.write("hostile.csv", content))

        assert_refused(taken, name)
        assert re.search(r"… og \d+ mere", taken.err), name
        assert taken.peak < MOST_MB, (name, taken.peak)
    assert database.dump(starter) == before


@ON_ONE
def test_a_hundred_thousand_and_one_rows_are_refused(starter: CommandLine) -> None:
    content = "product,account,level\n" + "".join(f"P{nth},,\n" for nth in range(100_001))

    taken = bounded.run(starter, "products", "import", starter.write("many.csv", content))

    assert_refused(taken)
    assert "række 100002: filen har over 100.000 rækker" in taken.err


def toml_bombs() -> dict[str, str]:
    """Texts that would keep a reader busy: deep, long, many."""
    head = files.fee_table("OS2nyt", "annual_fee = 30000")
    return {
        "deep arrays": head + "x = " + "[\n" * 6_000,
        "deep arrays that are closed": head + "x = " + "[\n" * 3_000 + "]\n" * 3_000,
        "arrays just deep enough": head + "joining_fee = " + "[\n" * 300 + "]\n" * 300,
        "deep tables": head + "annual_fee.x = " + "{a=" * 300,
        "dotted keys": head + "".join(f"a{nth}" + ".a" * 480 + " = 1\n" for nth in range(19)),
        "dotted headers": head + "".join(f"[{'a.' * 480}a{nth}]\n" for nth in range(19)),
        "many keys": head + "".join(f"k{nth} = 1\n" for nth in range(1_800)),
        "many tables": head + "".join(f"[[k{nth}]]\n" for nth in range(1_500)),
        "many steps": head + "joining_fee = [\n" + "{},\n" * 4_000 + "]\n",
        "many bands": files.fee_table("x", "").replace("product", "size_key") + "bands = [\n" + "{},\n" * 4_000 + "]\n",
        "spaces": head + (" " * 990 + "\n") * 18 + "".join(f"u{nth} = 1\n" for nth in range(50)),
        "brackets": head + "".join(f"u{nth} = 1\n" for nth in range(50)) + ("[" * 990 + "\n") * 18,
        "a long key": head + "k" * 990 + " = 1\n",
        "a long key on its own": head + "k" * 19_000 + " = 1\n",
        "a long string": head + 'x = """\n' + ("å" * 900 + "\n") * 20 + '"""\n',
        "an open string": head + 'x = """\n' + "å\n" * 9_000,
        "an endless number": head + "joining_fee = " + "9" * 900 + "\n",
        "an endless hexadecimal number": head + "joining_fee = 0x" + "f" * 900 + "\n",
        "an endless float": head + "joining_fee = 1." + "0" * 900 + "\n",
        "a million keys": "".join(f"k{nth} = 1\n" for nth in range(1_000_000)),
        "control characters": head + "\"\\u001b[2J\" = 1\n'\\u202e' = 1\n",
        "a key twice by dots": head + "annual_fee.x = 1\n",
        "a table over a value": head + "[annual_fee]\nsmall = 1\n",
        "a table over a list": head + "joining_fee = []\n[[joining_fee]]\nfee = 1\n",
    }


@ON_ONE
def test_a_toml_bomb_is_refused_at_every_door(starter: CommandLine) -> None:
    before = database.dump(starter)

    for name, content in toml_bombs().items():
        for command in TOML:
            result = send(starter, command, content)

            assert_refused(result, (name, command))
            assert "\x1b" not in result.err and len(result.err) < 20_000, (name, command)
    assert database.dump(starter) == before


@ON_ONE
def test_a_toml_bomb_takes_neither_time_nor_memory(starter: CommandLine) -> None:
    names = []
    for nth, content in enumerate(toml_bombs().values()):
        names.append(starter.write(f"bomb{nth}.toml", content))
        if len(content) > 100_000:
            names.pop()
    idle = bounded.run(starter, "fee-tables", "check", starter.write("a.toml", TOML["fee-tables", "check"])).peak

    taken = bounded.run(starter, "fee-tables", "check", *names)

    assert_refused(taken)
    assert taken.peak < idle + 100, (taken.peak, idle)


VALUES = [
    "-1", "nan", "inf", "-inf", "1e3", "1.005", "10_000_000_000", "1000000000000000000", "true", "''", "'1,5'", "'1e3'",
    "'-1'", "'0x10'", "'١٢٣'", "[]", "{}", "[[]]", "{a=1}", "2027-01-01", "2027-01-01T00:00:00", "07:32:00", "'1/0'",
    "'-9 %'", "'900 %'", "'٩ %'", "'9 ٪'", "'½'", '"\\u0000"', "'2027-01-01'", "0001-01-01", "9999-12-31", "'<b>'",
    "0.0",
]  # fmt: skip
DOCUMENTS: dict[tuple[str, ...], str] = {
    ("settings", "import"): files.SELLER,
    ("fee-tables", "check"): files.association(
        'index = { old = "1", new = "1" }', 'vat = "25 %"', valid_from="2030-01-01"
    ),
    ("fee-tables", "adopt"): files.fee_table(
        "OS2nyt", "annual_fee = 1", "joining_fee = 1", 'passive_share = "1/3"', 'first_year = "full"', 'vat = "25 %"',
        "contribution = true", "made_up = false",
    ),
}  # fmt: skip


#: Keys that take any text, and what of the values above is right under the others.
FREE_TEXT = {"seller", "address", "postcode", "city", "product", "association", "decided_by", "source"}
RIGHT = {
    "vat_registered": {"true"}, "made_up": {"true"}, "contribution": {"true"},
    "valid_from": {"2027-01-01"}, "decided_on": {"2027-01-01"},
    "gln": {"''"}, "fik_creditor": {"''"}, "account": {"{}"},
}  # fmt: skip


def with_value(text: str, key: str, value: str) -> str:
    """Give a key of a text another value."""
    return "".join(f"{key} = {value}\n" if line.startswith(f"{key} = ") else line for line in text.splitlines(True))


@ON_ONE
@pytest.mark.parametrize("seed", [20_270_115])
def test_a_value_of_any_wrong_kind_under_any_key_is_refused_or_right(seed: int, starter: CommandLine) -> None:
    """Whatever is taken can be planned, verified and read again."""
    taken = []
    cases = [
        (command, right, key, value)
        for command, right in DOCUMENTS.items()
        for key in re.findall(r"^(\w+) =", right, re.MULTILINE)
        for value in VALUES
    ]
    for command, right, key, value in cases if FULL else random.Random(seed).sample(cases, 120):
        before = database.dump(starter)

        result = send(starter, command, with_value(right, key, value))

        if result.code:
            assert_refused(result, (key, value))
            assert database.dump(starter) == before, (key, value)
        else:
            taken.append((key, value))
    strange = [(key, value) for key, value in taken if value not in RIGHT.get(key, ()) and key not in FREE_TEXT]
    assert strange == []
    starter.done("billing", "plan", 2027)
    starter.done("verify")


# --- whatever the bytes: taken or refused, never half


def mutated(content: bytes, seed: int) -> bytes:
    """Change a right file in a few random places."""
    chance = random.Random(seed)
    pieces = [
        b"\0",
        b'"',
        b"\n",
        b"\r",
        b",",
        b";",
        b"\xff",
        "\u202e".encode(),
        b"=1+1",
        b"-1",
        b"1e9",
        b"9" * 40,
        b" ",
        b"\t",
    ]
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        until = min(len(content), at + chance.choice((0, 0, 1, 3, 20)))
        lines = content.splitlines(keepends=True) or [b""]
        piece = chance.choice([*pieces, chance.choice(lines), chance.randbytes(3), b""])
        content = content[:at] + piece + content[until:]
    return content


@SAFE
@given(st.sampled_from(list(COMMANDS)), st.integers(0, 2**32), st.booleans())
def test_random_changes_of_a_right_file_are_taken_or_refused_whole(
    starter: CommandLine, command: tuple[str, ...], seed: int, is_noise: bool
) -> None:
    right = COMMANDS[command].encode()
    content = random.Random(seed).randbytes(200) if is_noise else mutated(right, seed)
    before = database.dump(starter)

    result = send(starter, command, content)

    if result.code == 0:
        stored = database.dump(starter)
        again = send(starter, command, content)
        assert again.code == 0 and database.dump(starter) == stored, (command, content)
    else:
        assert_refused(result, (command, content))
        assert database.dump(starter) == before, (command, content)


# --- names go through unharmed, or not at all


EVERY_LETTER = "".join(letter for letter in map(chr, range(0x20, 0x3000)) if wording.fault(letter) is None)
GOOD_NAMES = [
    "Ærø, Læsø & Årøsund Kommune", "Région “Ǿst” – afd. 1/2", "<b>Fed</b> & ]]> &amp; <!-- -->", "=cmd|'/c calc'!A0",
    "+45 12 34 56 78", "-1", "@SUM(1+1)", "'quoted'", '"quoted"', "a,b;c", "\\u202e \\n %s {0} ${x} {{7*7}}", "NULL",
    "None", "'; DROP TABLE invoice; --", "A\u030arhus", "Ệ" * 60, "W" * 200, "i" * 200, "å " * 99 + "å", "0",
    "OS2\u00a0navn", "/etc/passwd", "../../x", "CON", "Łódź Gdańsk Ñandú Þórshöfn", "¿¡§¶·¤¦©®±¼½¾×÷€™•…",
]  # fmt: skip
BAD_NAMES = [
    "\u202eenummoK", "שלום", "مرحبا", "a\u200bb", "a\u200db", "a\ufeffb", "a\u00adb", "Кommune", "Αarhus", "ﬁn",
    "q\u0303", "a\u0332", "x" * 201, "x" * 10_000, "å" * 201, "\U0001f600", "\u2028", "ƀ", "Ḃ", "ǀ", "\ue000", "a\x85b",
    "𝐊ommune", "ⅷ",
]  # fmt: skip


def squeezed(words: str) -> str:
    """A text without the blanks that paper breaks lines at."""
    return "".join(words.split())


def on_paper(content: bytes) -> str:
    return squeezed("".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(content)).pages))


def in_xml(content: bytes, path: str) -> str | None:
    return etree.fromstring(content).findtext(path, namespaces={
        "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
        "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
    })  # fmt: skip


BUYER = "cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName"


@settings(max_examples=300 if FULL else 40)
@given(st.one_of(st.text(EVERY_LETTER, min_size=1, max_size=wording.LONGEST_NAME), st.text(min_size=1, max_size=40)))
def test_a_name_that_is_let_in_stands_unharmed_on_paper_and_in_xml(given_name: str) -> None:
    name = wording.composed(given_name).strip(" \u00a0")
    assume(name and wording.fault(name, wording.LONGEST_NAME) is None)
    document = documents.invoice([documents.line()])
    buyer = Party(name, document.buyer.cvr, "Vej 1", "8000", "By", document.buyer.gln)
    named = type(document)(**{**{field: getattr(document, field) for field in document.__slots__}, "buyer": buyer})

    paper, xml = on_paper(invoice_pdf.render(named)), in_xml(peppol.render(named), BUYER)

    assert squeezed(name) in paper
    assert xml == name


@pytest.mark.parametrize("seed", [20_270_115])
def test_names_go_through_plan_issue_paper_and_xml_unharmed(seed: int, starter: CommandLine) -> None:
    """The names above, and every letter that is let in, among authorities, persons, orders and products."""
    chance = random.Random(seed)
    letters = list(EVERY_LETTER.replace(" ", "").replace("\u00a0", ""))
    chance.shuffle(letters)
    names = [*GOOD_NAMES, *("".join(letters[at : at + 60]) for at in range(0, len(letters), 60))]
    cvrs = files.cvrs(len(names))
    files.take_authorities(
        starter, *(files.authority(cvr, name=name, address=name[:200]) for cvr, name in zip(cvrs, names, strict=True))
    )
    files.take_agreements(starter, *(
        files.agreement(cvr, "OS2kitos", person_reference=name[:100].strip(), order_reference=name[:100].strip())
        for cvr, name in zip(cvrs, names, strict=True)
    ))  # fmt: skip
    starter.issue(2027)
    starter.done("billing", "export", 2027, starter.folder / "out")

    plan = starter.json("billing", "plan", 2027)
    pairs = "SELECT a.cvr || ' ' || i.number FROM invoice i JOIN authority a ON a.id = i.authority_id"
    number_of = dict(pair.split() for pair in database.column(starter, pairs))

    assert (plan["invoices"], plan["problems"]) == ([], [])
    for cvr, given_name in zip(cvrs, names, strict=True):
        name = wording.composed(given_name).strip(" \u00a0")
        paper = on_paper((starter.folder / "out" / f"{number_of[cvr]}.pdf").read_bytes())
        xml = (starter.folder / "out" / f"{number_of[cvr]}.xml").read_bytes()
        assert squeezed(name) in paper, name
        assert in_xml(xml, BUYER) == name
        assert in_xml(xml, "cac:OrderReference/cbc:ID") == name[:100].strip(" \u00a0")
    starter.done("verify")


@ON_ONE
def test_a_name_that_would_come_out_otherwise_is_refused_at_every_door(starter: CommandLine) -> None:
    before = database.dump(starter)

    for name in BAD_NAMES:
        told = send(starter, ("authorities", "import"), files.text(files.AUTHORITIES, [
            files.authority(files.cvrs(1)[0], name=name)
        ]))  # fmt: skip
        assert_refused(told, name)
        assert "række 2, kolonne name: " in told.err, name
        if len(name) > 40:
            continue
        for command, right in TOML.items():
            key = "seller" if command[0] == "settings" else "product"
            written = "".join(f"\\U{ord(letter):08x}" for letter in name)
            assert_refused(send(starter, command, with_value(right, key, f'"{written}"')), (command, name))
    assert database.dump(starter) == before


def test_a_product_that_looks_like_another_is_refused_at_both_doors(starter: CommandLine) -> None:
    """`os2kitos` beside `OS2kitos` would be a product without a price, and nobody would see why."""
    before = database.dump(starter)

    for name in ("os2kitos", "OS2 kitos", "OS2\u00a0kitos", "OS2KITOS"):
        by_file = send(starter, ("products", "import"), files.text(files.PRODUCTS, [{"product": name}]))
        by_table = send(starter, ("fee-tables", "adopt"), files.fee_table(name, "annual_fee = 1"))

        assert_refused(by_file, name)
        assert "række 2, kolonne product: navnet ligner OS2kitos" in by_file.err
        assert_refused(by_table, name)
        assert "navnet ligner OS2kitos" in by_table.err
    assert database.dump(starter) == before
