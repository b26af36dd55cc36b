"""Taking files into the registers: what is taken, what is refused with row, column and reason, and all or nothing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from tests.command_line import CommandLine, Result
from tests.conftest import Prepared
from tests.places import with_starter
from tests.scenarios import database, files
from tests.scenarios.files import Row

KNOWN = files.starter()[0]
OTHER = files.starter()[1]
REGION = files.by_name("Region Nordjylland")

#: Every register with its columns, a right row, and what another value of a free column is.
REGISTERS: dict[str, tuple[Sequence[str], Row, Row]] = {
    "authorities": (files.AUTHORITIES, files.authority(files.cvrs(1)[0]), {"address": "Ny vej 2"}),
    "population": (files.POPULATION, files.inhabitants("0101", 2027, 700_000), {"population": "700001"}),
    "placements": (files.PLACEMENTS, files.placement(REGION.cvr), {"band": "small"}),
    "products": (files.PRODUCTS, {"product": "OS2nyt", "account": "XG-1"}, {"level": "2"}),
    "members": (files.MEMBERS, files.member(KNOWN.cvr), {"left_on": "2026-06-01"}),
    "agreements": (files.AGREEMENTS, files.agreement(KNOWN.cvr), {"order_reference": "O-1"}),
}
EVERY = pytest.mark.parametrize("register", REGISTERS)


def send(line: CommandLine, register: str, content: str | bytes) -> Result:
    """Import a file with this content, whatever comes of it."""
    file = line.folder / "sent.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return line.run(register, "import", file)


def refused(line: CommandLine, register: str, content: str | bytes) -> str:
    """Import a file that must be refused with nothing stored; give the message."""
    before = database.dump(line)
    result = send(line, register, content)
    assert result.code == 1, result
    assert result.out == ""
    assert database.dump(line) == before
    return result.err


def refused_rows(line: CommandLine, register: str, *rows: Row) -> str:
    """Import rows that must be refused; give the message."""
    return refused(line, register, files.text(REGISTERS[register][0], rows))


# --- the form of a file


@EVERY
def test_a_file_is_taken_and_the_same_file_again_changes_nothing(register: str, starter: CommandLine) -> None:
    header, row, _ = REGISTERS[register]
    content = files.text(header, [row])

    first = send(starter, register, content)
    stored = database.dump(starter)
    second = send(starter, register, content)

    assert (first.code, second.code) == (0, 0), (first, second)
    assert "1 nye, 0 ændret, 0 uændret" in first.out
    assert "0 nye, 0 ændret, 1 uændret" in second.out
    assert database.dump(starter) == stored
    starter.done("verify")


@EVERY
def test_a_known_key_updates_what_may_change(register: str, starter: CommandLine) -> None:
    header, row, change = REGISTERS[register]
    send(starter, register, files.text(header, [row]))

    result = send(starter, register, files.text(header, [{**row, **change}]))

    assert "0 nye, 1 ændret, 0 uændret" in result.out, result
    again = send(starter, register, files.text(header, [{**row, **change}]))
    assert "1 uændret" in again.out


def test_a_file_may_have_any_of_the_tolerated_forms(starter: CommandLine) -> None:
    for register, (header, row, _) in REGISTERS.items():
        forms = {
            "plain": files.text(header, [row]),
            "bom": "\ufeff" + files.text(header, [row]),
            "semicolon": files.text(header, [row], delimiter=";"),
            "crlf": files.text(header, [row]).replace("\n", "\r\n"),
            "further column": files.text([*header, "bemærkning"], [{**row, "bemærkning": "☃ alt muligt"}]),
            "other order": files.text(list(reversed(header)), [row]),
            "empty lines": files.text(header, [row]) + "\n" + "," * (len(header) - 1) + "\n\n",
        }

        results = {form: send(starter, register, content) for form, content in forms.items()}

        assert {form: result.code for form, result in results.items()} == dict.fromkeys(forms, 0), results
        told = {form: result.out for form, result in results.items()}
        assert "1 nye" in told.pop("plain")
        # Each of the others says the same in other clothes.
        assert all("0 nye, 0 ændret, 1 uændret" in words for words in told.values()), told


def test_a_missing_column_is_named(starter: CommandLine) -> None:
    for register, (header, row, _) in REGISTERS.items():
        for column in [
            name for name in header if name in ("cvr", "kommunekode", "year", "product", "joined_on", "level")
        ]:
            rest = [name for name in header if name != column]

            message = refused(starter, register, files.text(rest, [{name: row.get(name, "") for name in rest}]))

            assert f"række 1, kolonne {column}: kolonnen mangler" in message


def test_a_doubled_column_is_named(starter: CommandLine) -> None:
    for register, (header, row, _) in REGISTERS.items():
        lines = files.text(header, [row]).splitlines()

        message = refused(starter, register, "\n".join(f"{line},{line.split(',')[0]}" for line in lines))

        assert f"række 1, kolonne {header[0]}: kolonnen står to gange" in message


def test_a_key_that_stands_twice_is_refused(starter: CommandLine) -> None:
    for register, (_, row, _) in REGISTERS.items():
        message = refused_rows(starter, register, row, row)

        assert "række 3" in message and "samme nøgle som række 2" in message


def test_what_is_no_csv_in_utf8_is_refused(starter: CommandLine) -> None:
    for register in REGISTERS:
        wrong = {
            b"": "kolonnen mangler",
            b"\x00\x01\x02": "NUL",
            "æøå".encode("latin-1"): "UTF-8",
            "æøå".encode("utf-16"): "UTF-8",
        }

        messages = {content: refused(starter, register, content) for content in wrong}

        for content, reason in wrong.items():
            assert reason in messages[content], content


def test_a_row_with_too_few_or_too_many_cells_is_named(starter: CommandLine) -> None:
    for register, (header, row, _) in REGISTERS.items():
        good = files.text(header, [row])

        few = refused(starter, register, good + "a\n")
        many = refused(starter, register, good + "," * len(header) + "x\n")

        assert f"række 3: har 1 celler, men der er {len(header)} kolonner" in few
        assert "række 3" in many


#: A column of free text in each register.
FREE_TEXT = {
    "authorities": "name", "population": "source", "placements": "reason", "products": "level",
    "members": "person_reference", "agreements": "accounting_cost",
}  # fmt: skip


@EVERY
def test_a_hostile_cell_is_refused(register: str, starter: CommandLine) -> None:
    """Promise 17: NUL, control and direction marks, what no typeface here draws, and names of 10.000 characters."""
    header, row, _ = REGISTERS[register]
    before = database.dump(starter)

    for evil in ("\0", "\7", "\x1b[31m", "\u202egnp", "\u200b", "\ud7ff", "名", "x" * 10_000, "x" * 20_000):
        content = files.text(header, [{**row, FREE_TEXT[register]: f"Kommune {evil}"}])
        result = send(starter, register, content)

        assert result.code == 1, repr(evil[:9])
        assert "række 2" in result.err and evil not in result.err, repr(evil[:9])
    assert database.dump(starter) == before


def test_a_cell_that_a_spreadsheet_would_compute_is_kept_as_plain_text(starter: CommandLine) -> None:
    for register, (header, row, _) in REGISTERS.items():
        formula = '=cmd|"/c calc"!A0'

        result = send(starter, register, files.text(header, [{**row, FREE_TEXT[register]: formula}]))

        assert result.code == 0, result
        table = {"authorities": "authority"}.get(register, register.removesuffix("s"))
        table = {"member": "membership"}.get(table, table)
        assert any(formula in stored for stored in database.dump(starter)[table])


def test_a_file_that_is_not_there_is_a_wrong_argument(starter: CommandLine) -> None:
    for register in REGISTERS:
        result = starter.run(register, "import", starter.folder / "missing.csv")

        assert result.code == 2
        assert "missing.csv" in result.err


def test_of_a_hundred_rows_all_three_wrong_ones_are_listed_and_the_corrected_file_is_taken(
    starter: CommandLine,
) -> None:
    """PV-071."""
    right = [files.agreement(known.cvr) for known in files.starter()] + [
        files.agreement(known.cvr, "OS2kitos") for known in files.starter()[:2]
    ]
    wrong = [dict(row) for row in right]
    wrong[9]["gln"] = "5790000000001"
    wrong[49]["signed_on"] = "2027-02-30"
    wrong[98]["product"] = "OS2findesikke"

    message = refused(starter, "agreements", files.text(files.AGREEMENTS, wrong))
    result = send(starter, "agreements", files.text(files.AGREEMENTS, right))

    assert len(right) == 100
    assert "3 fejl, intet er gemt" in message
    assert "række 11, kolonne gln: " in message
    assert "række 51, kolonne signed_on: 2027-02-30 findes ikke" in message
    assert "række 100, kolonne product: " in message
    assert "100 nye" in result.out
    starter.done("verify")


# --- single cells


WRONG_CELLS = [
    ("authorities", {"cvr": "12345678"}, "cvr"),
    ("authorities", {"cvr": "1234567"}, "cvr"),
    ("authorities", {"cvr": "DK41849983"}, "cvr"),
    ("authorities", {"cvr": ""}, "cvr"),
    ("authorities", {"name": ""}, "name"),
    ("authorities", {"postcode": "80000"}, "postcode"),
    ("authorities", {"valid_to": "31-12-2026"}, "valid_to"),
    ("authorities", {"succeeded_by_cvr": files.cvrs(2)[1], "valid_to": "2026-12-31"}, "succeeded_by_cvr"),
    ("authorities", {"succeeded_by_cvr": KNOWN.cvr}, "valid_to"),
    ("population", {"population": "-1"}, "population"),
    ("population", {"population": "60.000"}, "population"),
    ("population", {"population": ""}, "population"),
    ("population", {"year": "27"}, "year"),
    ("population", {"kommunekode": "9999"}, "kommunekode"),
    ("population", {"kommunekode": "081"}, "kommunekode"),
    ("placements", {"band": "enormous"}, "band"),
    ("placements", {"cvr": files.cvrs(1)[0]}, "cvr"),
    ("placements", {"decided_by": ""}, "decided_by"),
    ("placements", {"reason": ""}, "reason"),
    ("placements", {"valid_from": "2027-13-01"}, "valid_from"),
    ("products", {"product": ""}, "product"),
    ("products", {"account": "XG-9212045230"}, "account"),
    ("members", {"cvr": files.cvrs(1)[0]}, "cvr"),
    ("members", {"joined_on": "2027-02-29"}, "joined_on"),
    ("members", {"left_on": "2019-12-31"}, "left_on"),
    ("members", {"gln": "5790000000001"}, "gln"),
    ("agreements", {"cvr": files.cvrs(1)[0]}, "cvr"),
    ("agreements", {"product": "OS2findesikke"}, "product"),
    ("agreements", {"kind": "aktiv"}, "kind"),
    ("agreements", {"signed_on": ""}, "signed_on"),
    ("agreements", {"countersigned_on": "2022-11-14"}, "countersigned_on"),
    ("agreements", {"terminated_to": "2022-12-31"}, "terminated_to"),
    ("agreements", {"gln": "579000000000"}, "gln"),
    ("agreements", {"rebate_dkk": "-1", "rebate_reason": "x"}, "rebate_dkk"),
    ("agreements", {"rebate_dkk": "30.000,00", "rebate_reason": "x"}, "rebate_dkk"),
    ("agreements", {"rebate_dkk": "30000"}, "rebate_reason"),
    ("agreements", {"endpoint": "ean"}, "endpoint"),
    ("agreements", {"joining_fee_invoiced_on": "x"}, "joining_fee_invoiced_on"),
]


@EVERY
def test_a_wrong_cell_is_refused_with_row_column_and_reason(register: str, starter: CommandLine) -> None:
    header, row, _ = REGISTERS[register]
    before = database.dump(starter)

    for change, column in [(change, column) for of, change, column in WRONG_CELLS if of == register]:
        result = send(starter, register, files.text(header, [{**row, **change}]))

        assert result.code == 1, change
        assert f"række 2, kolonne {column}: " in result.err, change
        assert "1 fejl, intet er gemt" in result.err, change
    assert database.dump(starter) == before


def test_a_cvr_number_failing_modulus_11_is_taken_with_a_reason(starter: CommandLine) -> None:
    content = files.text(files.AUTHORITIES, [files.authority("12345678")])
    message = refused(starter, "authorities", content)
    file = starter.write("forced.csv", content)

    forced = starter.done("authorities", "import", file, "--force-cvr", "12345678", "bekræftet af Erhvervsstyrelsen")
    again = starter.done("authorities", "import", file)

    assert "--force-cvr 12345678" in message
    assert "1 nye" in forced.out and "1 uændret" in again.out
    reasons = database.column(starter, "SELECT cvr_forced_reason FROM authority WHERE cvr = '12345678'")
    assert reasons == ["bekræftet af Erhvervsstyrelsen"]


def test_forcing_a_cvr_number_needs_a_reason(starter: CommandLine) -> None:
    file = starter.write("forced.csv", files.text(files.AUTHORITIES, [files.authority("12345678")]))

    result = starter.run("authorities", "import", file, "--force-cvr", "12345678", " ")

    assert result.code == 1


def test_a_reason_that_cannot_be_read_forces_no_cvr_number(starter: CommandLine) -> None:
    file = starter.write("forced.csv", files.text(files.AUTHORITIES, [files.authority("12345678")]))
    before = database.dump(starter)

    for reason in ("\udcff", "\x1b[2J", "\u202e", "x" * 501):
        result = starter.run("authorities", "import", file, "--force-cvr", "12345678", reason)

        assert (result.code, result.out) == (1, ""), (reason, result)
    assert database.dump(starter) == before


def test_successors_in_a_circle_or_without_end_are_refused(starter: CommandLine) -> None:
    cvrs = files.cvrs(22)
    ended = [
        files.authority(cvr, valid_to="2026-12-31", succeeded_by_cvr=after) for cvr, after in itertools.pairwise(cvrs)
    ]
    last = files.authority(cvrs[-1])

    circle = refused_rows(starter, "authorities", *ended[:2], {**ended[2], "succeeded_by_cvr": cvrs[0]})
    long = refused_rows(starter, "authorities", *ended, last)
    taken = send(starter, "authorities", files.text(files.AUTHORITIES, [*ended[1:], last]))

    assert circle.count("efterfølgerne går i ring") == 3
    assert long.count("efterfølgerne går i ring") == 1 and "række 2, kolonne succeeded_by_cvr" in long
    assert taken.code == 0, taken


def test_a_code_that_another_holds_is_refused_with_its_owner(starter: CommandLine) -> None:
    one, two, three = files.cvrs(3)

    known = refused_rows(starter, "authorities", files.municipality(one, "0101"))
    together = refused_rows(starter, "authorities", *(files.municipality(cvr, "9999") for cvr in (one, two, three)))
    ended = [files.municipality(one, "9999", valid_to="2026-12-31"), files.municipality(two, "9999")]

    assert f"række 2, kolonne code: koden hører til {KNOWN.cvr}" in known
    assert f"række 2, kolonne code: koden hører til {two}" in together
    assert f"række 4, kolonne code: koden hører til {one}" in together
    assert send(starter, "authorities", files.text(files.AUTHORITIES, ended)).code == 0


def test_a_missing_address_is_a_warning(starter: CommandLine) -> None:
    row = files.authority(files.cvrs(1)[0], address="", postcode="", city="")

    result = send(starter, "authorities", files.text(files.AUTHORITIES, [row]))

    assert result.code == 0
    assert "ingen adresse" in result.err and "1 nye" in result.out


def test_an_absent_optional_column_leaves_what_stands(starter: CommandLine) -> None:
    number = files.cvrs(1)[0]
    send(starter, "authorities", files.text(files.AUTHORITIES, [files.authority(number)]))
    short = [name for name in files.AUTHORITIES if name not in ("address", "postcode", "city", "succeeded_by_cvr")]
    row = {name: value for name, value in files.authority(number, name="Nyt navn").items() if name in short}

    result = send(starter, "authorities", files.text(short, [row]))

    assert "1 ændret" in result.out, result
    addresses = database.column(starter, f"SELECT name || address FROM authority WHERE cvr = '{number}'")
    assert addresses == ["Nyt navnPrøvevej 1"]


# --- what an issued line rests on


def _issued(line: CommandLine) -> None:
    signed = {"signed_on": "2023-11-01", "countersigned_on": "2023-11-02", "in_force_from": "2027-01-01"}
    files.take_placements(line, files.placement(REGION.cvr))
    files.take_members(line, files.member(KNOWN.cvr))
    files.take_agreements(
        line,
        files.agreement(KNOWN.cvr, **signed, rebate_dkk="1000", rebate_reason="medfinansiering"),
        files.agreement(REGION.cvr),
    )
    line.issue(2027)


@pytest.fixture
def issued(prepared: Prepared) -> CommandLine:
    """2027 is issued: dues, annual fee and joining fee by inhabitants, and an annual fee by placement."""
    return prepared(with_starter, _issued)


FEE_ROW = files.agreement(
    KNOWN.cvr, signed_on="2023-11-01", countersigned_on="2023-11-02", in_force_from="2027-01-01", rebate_dkk="1000",
    rebate_reason="medfinansiering",
)  # fmt: skip


RESTED_ON: list[tuple[str, Row, str]] = [
    ("population", files.inhabitants("0101", 2026, 1), "population"),
    ("population", files.inhabitants("0101", 2022, 1), "population"),
    ("placements", files.placement(REGION.cvr, "small"), "band"),
    ("members", files.member(KNOWN.cvr, left_on="2027-01-01"), "left_on"),
    ("agreements", {**FEE_ROW, "countersigned_on": "2023-11-03"}, "countersigned_on"),
    ("agreements", {**FEE_ROW, "countersigned_on": ""}, "countersigned_on"),
    ("agreements", {**FEE_ROW, "in_force_from": "2028-01-01"}, "in_force_from"),
    ("agreements", {**FEE_ROW, "in_force_from": "2026-01-01", "terminated_to": "2026-12-31"}, "terminated_to"),
    ("agreements", {**FEE_ROW, "rebate_dkk": "2000"}, "rebate_dkk"),
    ("agreements", {**FEE_ROW, "joining_fee_exempt_reason": "fortrudt"}, "joining_fee_exempt_reason"),
    ("agreements", {**FEE_ROW, "joining_fee_invoiced_on": "2026-01-01"}, "joining_fee_invoiced_on"),
    ("agreements", {**FEE_ROW, "kind": "passive"}, "kind"),
    (
        "authorities",
        {"type": "kommune", "code": "0101", "name": "K", "short_name": "K", "cvr": KNOWN.cvr,
         "valid_to": "2026-12-31"},
        "valid_to",
    ),
    ("products", {"product": "OS2valghalla", "account": "XG-2"}, "account"),
    ("products", {"product": "OS2valghalla", "account": ""}, "account"),
]  # fmt: skip


def test_a_fact_that_an_issued_line_rests_on_is_kept(issued: CommandLine) -> None:
    before = database.dump(issued)

    for register, row, column in RESTED_ON:
        result = send(issued, register, files.text(REGISTERS[register][0], [row]))

        assert result.code == 1, (register, row)
        assert f"kolonne {column}: kan ikke ændres: faktura 2027-000" in result.err, (register, row)
    assert database.dump(issued) == before
    issued.done("verify")


STILL_FREE: list[tuple[str, Row]] = [
    ("population", files.inhabitants("0101", 2025, 700_000)),
    ("placements", files.placement(REGION.cvr, "small", valid_from="2028-01-01")),
    ("members", files.member(KNOWN.cvr, left_on="2027-01-02", gln=files.gln(1))),
    ("agreements", {**FEE_ROW, "gln": files.gln(1), "terminated_to": "2027-12-31"}),
    ("agreements", {**FEE_ROW, "terminated_to": "2027-01-01"}),
    ("products", {"product": "OS2valghalla", "level": "3"}),
    ("authorities", {**files.authority(KNOWN.cvr, type="kommune", code="0101"), "valid_to": "2027-01-01"}),
]


def test_what_no_issued_line_rests_on_may_still_change(issued: CommandLine) -> None:
    (account,) = database.column(issued, "SELECT account FROM product WHERE name = 'OS2valghalla'")
    invoices = database.dump(issued)["invoice"]

    for register, row in STILL_FREE:
        kept = {**row, "account": account} if register == "products" else row
        result = send(issued, register, files.text(REGISTERS[register][0], [kept]))

        assert result.code == 0, (result, row)
        plan = issued.json("billing", "plan", 2027)
        assert (plan["invoices"], plan["unchanged"], plan["problems"]) == ([], 5, []), row
    assert database.dump(issued)["invoice"] == invoices
    issued.done("verify")


def test_a_file_with_a_refused_change_stores_nothing_of_the_rest(issued: CommandLine) -> None:
    message = refused_rows(
        issued, "population", files.inhabitants("0147", 2027, 100_000), files.inhabitants("0101", 2026, 1)
    )

    assert "række 3, kolonne population" in message


# --- the seller


def test_the_settings_of_the_seller_are_taken_and_twice_is_no_change(empty: CommandLine) -> None:
    file = empty.write("seller.toml", files.SELLER)

    first, second = empty.done("settings", "import", file), empty.done("settings", "import", file)

    assert "indlæst" in first.out and "uændret" in second.out
    assert database.count(empty, "seller_settings") == 1


WRONG_SETTINGS = [
    ('cvr = "41849983"', 'cvr = "41849984"', "cvr"),
    ('gln = "5790002750595"', 'gln = "5790002750596"', "gln"),
    ("payment_days = 30", "payment_days = 31", "payment_days"),
    ('fik_creditor = "80000000"', 'fik_creditor = "8000"', "fik_creditor"),
    ("vat_registered = true", "", "vat_registered"),
    ('city = "Aarhus C"', "", "city"),
    ("payment_days = 30", "payment_days = 30\nspeling = 1", "speling"),
    ("payment_days = 30", "payment_days = ", "TOML"),
    ('number = "0001234567"', 'number = "0001234567", iban = "DK5000400440116244"', "iban"),
]


def test_wrong_settings_are_refused_and_named(empty: CommandLine) -> None:
    for old, new, named in WRONG_SETTINGS:
        file = empty.write("seller.toml", files.SELLER.replace(old, new))

        result = empty.run("settings", "import", file)

        assert result.code == 1, new
        assert named in result.err, new
    assert database.count(empty, "seller_settings") == 0
