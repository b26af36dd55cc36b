"""Credit notes: what is taken back is exactly what was charged, once, by two people above the limit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.command_line import CommandLine, Result
from tests.conftest import FULL, Prepared
from tests.places import with_starter
from tests.scenarios import database, files, programs, stories
from tests.scenarios.test_documents import CAC, CBC, contents, danish, ore, paper

FIRST = files.starter()[0]
TWO = ("--by", "En Forbereder", "--approved-by", "En Godkender")
BANDS = "{ small = 22000, medium = 32000, large = 42000, very_large = 52000 }"
NEW = {
    "signed_on": "2026-12-01", "countersigned_on": "2026-12-15", "in_force_from": "2027-01-01",
    "rebate_dkk": "1000.50", "rebate_reason": "medfinansiering",
}  # fmt: skip
SEEDS = range(1000) if FULL else range(6)


def sold(line: CommandLine, *settings: str) -> None:
    """Bring the seller's settings in, with these further lines."""
    line.done("settings", "import", line.write("seller.toml", files.SELLER + "\n".join(settings) + "\n"))


def _issued(line: CommandLine) -> None:
    files.adopt(line, files.fee_table("Ny", f"annual_fee = {BANDS}", f"joining_fee = {BANDS}"))
    files.take_members(line, files.member(FIRST.cvr, gln=""))
    files.take_agreements(line, files.agreement(FIRST.cvr, "Ny", **NEW))
    sold(line)
    line.issue(2027)


@pytest.fixture
def issued(prepared: Prepared) -> CommandLine:
    """One invoice: dues, an annual fee, and a joining fee with its rebate."""
    return prepared(with_starter, _issued)


def position(line: CommandLine, kind: str, number: str = "2027-0001") -> int:
    """Give where the line of a kind stands."""
    found = "SELECT l.position FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id"
    (at,) = database.column(line, f"{found} WHERE i.number = '{number}' AND l.kind = '{kind}'")
    return int(at)


def credit(line: CommandLine, *more: object, number: str = "2027-0001") -> Result:
    """Credit an invoice; two people stand behind it."""
    return line.run("billing", "credit", number, "--reason", "Forkert størrelse", *TWO, *more)


def numbers(line: CommandLine) -> list[Any]:
    """Give all numbers in the order of their issue."""
    return database.column(line, "SELECT number FROM invoice ORDER BY id")


def balances(line: CommandLine) -> set[int]:
    """Give what stands on the accounts, account by account and fund by fund."""
    return {int(ore) for ore in database.column(line, "SELECT sum(amount_ore) FROM posting GROUP BY account, product")}


def refused(line: CommandLine, result: Result, *words: str) -> None:
    """The command was refused with these words."""
    assert result.code == 1, result
    for word in words:
        assert word in result.err, result.err


# --- exactly


def test_a_whole_invoice_is_taken_back_and_every_account_is_back_at_zero(issued: CommandLine) -> None:
    """PV-079: all zero after a full credit."""
    told = credit(issued)

    assert told.code == 0, told
    assert "K-2027-0001" in told.out
    assert numbers(issued) == ["2027-0001", "K-2027-0001"]
    assert database.column(issued, "SELECT sum(gross_ore) FROM invoice") == [0]
    assert database.column(issued, "SELECT sum(vat_ore) FROM invoice_line") == [0]
    assert balances(issued) == {0}
    assert database.count(issued, "outbox_message") == 2 and database.count(issued, "rendering") == 6
    assert issued.json("verify")["checked"]["credits"] == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_crediting_in_any_pieces_ends_at_exactly_the_invoice_with_its_vat(seed: int, starter: CommandLine) -> None:
    chance = random.Random(seed)
    names = [f"P{nth}" for nth in range(chance.randint(3, 6))]
    fees = [f"{chance.randint(0, 400)}.{chance.randint(1, 99):02d}" for _ in names]
    files.adopt(
        starter, *(files.fee_table(name, f'annual_fee = "{fee}"') for name, fee in zip(names, fees, strict=True))
    )
    files.take_agreements(starter, *(files.agreement(FIRST.cvr, name) for name in names))
    sold(starter, "credit_limit = 100000")
    starter.issue(2027)
    left = list(range(1, len(names) + 1))
    chance.shuffle(left)

    while left:
        some, left = left[: (size := chance.randint(1, len(left)))], left[size:]
        chosen = [word for at in some for word in ("--line", at)] if left else []
        starter.done("billing", "credit", "2027-0001", "--reason", f"frø {seed}", *chosen)
        assert database.column(starter, "SELECT min(s) FROM (SELECT sum(gross_ore) AS s FROM invoice) AS x")[0] >= 0

    assert database.column(starter, "SELECT sum(net_ore) FROM invoice") == [0]
    assert database.column(starter, "SELECT sum(vat_ore) FROM invoice") == [0]
    assert balances(starter) == {0}
    starter.done("verify")


def test_a_product_whose_account_number_came_later_is_taken_back_where_it_was_posted(issued: CommandLine) -> None:
    files.take(issued, "products", files.PRODUCTS, [{"product": "Ny", "account": "XG-9212045299"}])

    credit(issued)

    assert balances(issued) == {0}
    issued.done("verify")


def test_the_paper_the_xml_and_the_ledger_of_a_credit_note_say_the_same(issued: CommandLine) -> None:
    credit(issued, "--line", position(issued, "annual_fee"))

    issued.done("billing", "export", 2027, issued.folder / "out", "--format", "peppol")

    (gross,) = database.column(issued, "SELECT gross_ore FROM invoice WHERE number = 'K-2027-0001'")
    xml = etree.parse(issued.folder / "out" / "K-2027-0001.xml").getroot()
    words = paper(issued.folder / "out" / "K-2027-0001.pdf")
    assert xml.tag.endswith("}CreditNote") and xml.findtext(f"{CBC}CreditNoteTypeCode") == "381"
    assert xml.findtext(f"{CAC}BillingReference/{CAC}InvoiceDocumentReference/{CBC}ID") == "2027-0001"
    assert ore(xml, f"{CAC}LegalMonetaryTotal/{CBC}PayableAmount") == -gross > 0
    for word in ("KREDITNOTA", "K-2027-0001", "2027-0001", "Forkert størrelse", danish(-gross)):
        assert word in words
    assert "+71<" not in words and "Betales senest" not in words


def test_every_credit_note_passes_the_official_rules(kind: str, starter: CommandLine, rules_directory: Path) -> None:
    if kind == "postgresql":
        pytest.skip("the XML is the same bytes on both databases, and the rules take seconds to compile")
    stories.everything(starter)
    sold(starter)
    starter.issue(2027)
    for number in numbers(starter):
        assert credit(starter, number=number).code == 0
    ruled = starter.with_environ(OS2TILSLUT_RULES_DIR=str(rules_directory))

    result = ruled.done("billing", "export", 2027, starter.folder / "out")

    assert "9 fakturaer og 9 kreditnotaer" in result.out
    assert "18 XML består de officielle regler" in result.out, result.err
    assert balances(starter) == {0}


def test_a_credit_note_goes_where_its_invoice_went_whatever_the_address_is_now(starter: CommandLine) -> None:
    """PV-091."""
    number = files.cvrs(1)[0]
    files.take_authorities(starter, files.authority(number))
    files.take_agreements(starter, files.agreement(number, "OS2kitos"))
    starter.issue(2027)
    starter.done("billing", "export", 2027, starter.folder / "before")
    files.take_authorities(starter, files.authority(number, address="Ny vej 99", name="Nyt navn"))

    starter.done("billing", "credit", "2027-0001", "--reason", "fortrudt")

    starter.done("billing", "export", 2027, starter.folder / "after")
    before, after = contents(starter.folder / "before"), contents(starter.folder / "after")
    assert {name: after[name] for name in before} == before
    assert "Prøvevej 1" in paper(starter.folder / "after" / "K-2027-0001.pdf")


# --- once, and never more


def test_what_was_taken_back_is_not_taken_back_again(issued: CommandLine) -> None:
    at = position(issued, "annual_fee")
    credit(issued, "--line", at)
    before = database.dump(issued)

    again = credit(issued, "--line", at)
    unchanged = database.dump(issued)
    rest = credit(issued)
    none_left = credit(issued)

    refused(issued, again, f"linje {at} ved K-2027-0001")
    assert unchanged == before
    assert rest.code == 0, rest
    refused(issued, none_left, "krediteret i forvejen", "K-2027-0002")
    assert numbers(issued) == ["2027-0001", "K-2027-0001", "K-2027-0002"]
    assert balances(issued) == {0}


def test_a_joining_fee_is_not_taken_back_without_what_was_taken_off_it(issued: CommandLine) -> None:
    """Alone it would be more than was paid."""
    fee, rebate = position(issued, "joining_fee"), position(issued, "rebate")

    alone = credit(issued, "--line", fee)
    only_the_rebate = credit(issued, "--line", rebate)
    together = credit(issued, "--line", fee, "--line", rebate)

    refused(issued, alone, f"tilføj --line {rebate}")
    refused(issued, only_the_rebate, f"tilføj --line {fee}")
    assert together.code == 0, together
    assert database.column(issued, "SELECT net_ore FROM invoice WHERE series = 'K-2027'") == [-(5_200_000 - 100_050)]


def few_ore(line: CommandLine, *fees: str) -> None:
    """Issue an invoice of such fees; one person may credit it."""
    names = [f"P{nth}" for nth in range(len(fees))]
    files.adopt(line, *(files.fee_table(name, f'annual_fee = "{fee}"') for name, fee in zip(names, fees, strict=True)))
    files.take_agreements(line, *(files.agreement(FIRST.cvr, name) for name in names))
    sold(line, "credit_limit = 100000")
    line.issue(2027)


def test_a_few_ore_are_not_credited_without_the_line_that_carries_their_vat(starter: CommandLine) -> None:
    """Three fees of 3 øre with their contribution: the VAT of 9 øre is 2 øre, which the first two carry."""
    few_ore(starter, "0.02", "0.02", "0.02")
    before = database.dump(starter)

    alone = credit(starter, "--line", 3)
    leaving_it = credit(starter, "--line", 1, "--line", 2)
    unchanged = database.dump(starter)
    with_one_that_has = credit(starter, "--line", 3, "--line", 1)
    the_rest = credit(starter)

    refused(starter, alone, "tilføj --line 1")
    refused(starter, leaving_it, "tilføj --line 3")
    assert unchanged == before
    assert (with_one_that_has.code, the_rest.code) == (0, 0)
    assert balances(starter) == {0}


@pytest.mark.parametrize("chosen", [(1,), (3,), (3, 4), (1, 2), (1, 2, 4)])
def test_whatever_few_ore_are_credited_the_rules_accept_them(
    chosen: tuple[int, ...], kind: str, starter: CommandLine, rules_directory: Path
) -> None:
    if kind == "postgresql":
        pytest.skip("the XML is the same bytes on both databases, and the rules take seconds to compile")
    ruled = starter.with_environ(OS2TILSLUT_RULES_DIR=str(rules_directory))
    few_ore(starter, "0.02", "0.02", "0.02", "0.02")
    words = [word for position in chosen for word in ("--line", str(position))]

    while (result := credit(ruled, *words)).code:
        words += result.err.partition("tilføj ")[2].split()
    credit(ruled)

    ruled.done("einvoice", "validate", 2027)
    assert database.column(starter, "SELECT count(*) FROM verdict WHERE outcome = 'invalid'") == [0]
    assert database.column(starter, "SELECT count(*) FROM verdict") == [2 * len(numbers(starter))]
    assert balances(starter) == {0}


def test_two_at_the_same_moment_give_one_credit_note(issued: CommandLine) -> None:
    words = ("billing", "credit", "2027-0001", "--reason", "samtidig", *TWO)

    processes = [programs.start(issued, *words) for _ in range(2)]
    ends = [programs.end(process) for process in processes]

    assert sorted(end.code for end in ends) == [0, 1], ends
    assert any("krediteret i forvejen" in end.err for end in ends), ends
    assert numbers(issued) == ["2027-0001", "K-2027-0001"]
    assert balances(issued) == {0}


@pytest.mark.tampers
def test_the_database_itself_refuses_a_second_credit_of_a_line(issued: CommandLine) -> None:
    credit(issued, "--line", position(issued, "annual_fee"))
    doubled = {
        "credited_line": "SELECT 99, credit_note_id, line_id, credit_line_id + 1 FROM credited_line",
        "invoice_line": "SELECT 99, invoice_id, 99, book, key, kind, year, authority_id, agreement_id, membership_id, "
        "product, net_ore, product_ore, association_ore, vat_ore, reason FROM invoice_line WHERE key LIKE 'credit|%'",
    }

    for table, rows in doubled.items():
        standing = database._take_triggers_off
        with pytest.raises(IntegrityError), issued.session() as session:
            standing(session, table)
            session.execute(text(f"INSERT INTO {table} {rows}"))

    issued.done("verify")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("2027-0001", "--line", 9), "ingen linje 9"),
        (("2027-0099",), "ingen faktura har nummer '2027-0099'"),
        (("K-2027-0001",), "er en kreditnota"),
    ],
)
def test_what_is_not_there_is_refused_by_name(issued: CommandLine, words: tuple[object, ...], told: str) -> None:
    credit(issued, "--line", position(issued, "annual_fee"))
    before = database.dump(issued)

    result = issued.run("billing", "credit", *words, "--reason", "x", *TWO)

    refused(issued, result, told)
    assert database.dump(issued) == before


def test_a_reason_is_asked_for_and_must_be_readable(issued: CommandLine) -> None:
    without = issued.run("billing", "credit", "2027-0001", *TWO)
    blank = issued.run("billing", "credit", "2027-0001", "--reason", "  ", *TWO)
    hostile = issued.run("billing", "credit", "2027-0001", "--reason", "a\u202eb", *TWO)

    assert without.code == 2
    refused(issued, blank, "giv en grund")
    refused(issued, hostile, "U+202E")


def test_a_credit_note_is_not_dated_before_its_invoice_or_its_predecessor(issued: CommandLine) -> None:
    at = position(issued, "annual_fee")
    before_the_invoice = credit(issued.at("2027-01-14"), "--line", at)
    credit(issued.at("2027-03-01"), "--line", at)
    before_the_last = credit(issued.at("2027-02-01"))

    refused(issued, before_the_invoice, "kan ikke dateres før")
    refused(issued, before_the_last, "K-2027")
    assert numbers(issued) == ["2027-0001", "K-2027-0001"]


# --- by whom


def test_one_person_alone_is_refused_where_the_settings_give_no_limit(issued: CommandLine) -> None:
    """Promise 16."""
    alone = issued.run("billing", "credit", "2027-0001", "--reason", "x", "--by", "En Forbereder")
    the_same = issued.run(
        "billing", "credit", "2027-0001", "--reason", "x", "--by", "En Forbereder", "--approved-by", "EN  forbereder"
    )

    refused(issued, alone, "--approved-by")
    refused(issued, the_same, "kan ikke selv godkende")
    assert numbers(issued) == ["2027-0001"]


def test_below_the_limit_one_person_is_enough_and_pieces_are_counted_together(issued: CommandLine) -> None:
    sold(issued, "credit_limit = 71000")  # the annual fee is 70.850 with VAT
    one = ("billing", "credit", "2027-0001", "--reason", "x", "--by", "En Forbereder")

    first = issued.run(*one, "--line", position(issued, "annual_fee"))
    second = issued.run(*one, "--line", position(issued, "membership_dues"))

    assert first.code == 0, first
    refused(issued, second, "over grænsen på 71.000,00")


def test_in_production_names_alone_give_nothing_back(issued: CommandLine) -> None:
    secret = {
        "OS2TILSLUT_ENV": "production", "OS2TILSLUT_SECRET_KEY": "x" * 64, "OS2TILSLUT_BASE_URL": "https://os2.example",
        "OS2TILSLUT_TRUSTED_HOSTS": "os2.example", "OS2TILSLUT_CLOCK": "",
        "OS2TILSLUT_OIDC_ISSUER": "https://login.example", "OS2TILSLUT_OIDC_CLIENT_ID": "os2",
        "OS2TILSLUT_OIDC_CLIENT_SECRET": "hemmelig", "OS2TILSLUT_OIDC_STRONG_ACR": "strong",
    }  # fmt: skip

    result = credit(issued.with_environ(**secret))

    refused(issued, result, "registreret godkender / økonomi")


def test_a_credit_note_bears_the_day_it_is_given(issued: CommandLine) -> None:
    before = credit(issued, "--line", 1, "--on", "2027-01-14")
    never = credit(issued, "--line", 1, "--on", "1999-12-31")
    given = credit(issued, "--line", 1, "--on", "2027-02-01")
    earlier = credit(issued, "--on", "2027-01-31")

    assert [result.code for result in (before, never, given, earlier)] == [1, 2, 0, 1]
    assert "kan ikke dateres før den" in before.err
    assert "kreditnotaen dateres 1. februar 2027, som ligger i fremtiden" in given.err
    days = database.column(issued, "SELECT issued_on FROM invoice ORDER BY id")
    assert [str(day) for day in days] == ["2027-01-15", "2027-02-01"]


def test_a_reason_that_is_too_long_is_told_by_its_beginning(issued: CommandLine) -> None:
    result = issued.run("billing", "credit", "2027-0001", "--reason", "langt " * 1_000, *TWO)

    assert (result.code, numbers(issued)) == (1, ["2027-0001"])
    assert "har over 500 tegn" in result.err
    assert len(result.err) < 200


# --- afterwards


def test_without_reissue_nothing_is_proposed_again(issued: CommandLine) -> None:
    credit(issued)

    plan = issued.json("billing", "plan", 2027)

    assert (plan["invoices"], plan["problems"]) == ([], [])
    assert plan["unchanged"] == 4


def test_a_corrected_invoice_follows_only_what_was_credited_for_it_and_only_once(issued: CommandLine) -> None:
    """PV-087."""
    at = position(issued, "annual_fee")
    not_credited = issued.json("billing", "plan", 2027)["invoices"]
    credit(issued, "--line", at, "--then-reissue")
    files.take_placements(issued, files.placement(FIRST.cvr, "small", valid_from="2026-01-01"))

    (proposed,) = issued.json("billing", "plan", 2027)["invoices"]
    issued.issue(2027)
    twice = credit(issued, "--line", at, "--then-reissue")

    assert not_credited == []
    assert [line["kind"] for line in proposed["lines"]] == ["annual_fee"]
    refused(issued, twice, "K-2027-0001")
    assert numbers(issued) == ["2027-0001", "K-2027-0001", "2027-0002"]
    assert issued.json("billing", "plan", 2027)["invoices"] == []
    keys = database.column(issued, "SELECT key FROM invoice_line WHERE kind = 'annual_fee' ORDER BY id")
    assert keys == [keys[0], f"credit|{keys[0]}", f"{keys[0]}~2"]
    issued.done("verify")


def test_a_corrected_invoice_may_be_corrected_again(issued: CommandLine) -> None:
    credit(issued, "--line", position(issued, "annual_fee"), "--then-reissue")
    issued.issue(2027)

    credit(issued, "--then-reissue", number="2027-0002")
    issued.issue(2027)

    assert numbers(issued) == ["2027-0001", "K-2027-0001", "2027-0002", "K-2027-0002", "2027-0003"]
    last = database.column(issued, "SELECT key FROM invoice_line ORDER BY id DESC LIMIT 1")[0]
    assert last.endswith("~3")
    issued.done("verify")


def test_credited_dues_are_invoiced_again_where_that_is_asked_for(issued: CommandLine) -> None:
    """PV-090: what is owed follows from the lines, not from a payment of the credit note."""
    credit(issued, "--line", position(issued, "membership_dues"), "--then-reissue")
    after_credit = issued.json("billing", "plan", 2027)

    issued.issue(2027)

    assert [line["kind"] for line in after_credit["invoices"][0]["lines"]] == ["membership_dues"]
    assert issued.json("billing", "plan", 2027)["unchanged"] == 4
    dues = "SELECT sum(net_ore) FROM invoice_line WHERE kind = 'membership_dues'"
    assert database.column(issued, dues) == [2_500_000]
    issued.done("verify")


def test_what_a_credited_line_rested_on_may_be_mended(issued: CommandLine) -> None:
    changed = {**NEW, "rebate_dkk": "2000"}
    file = issued.write("agreements.csv", files.text(files.AGREEMENTS, [files.agreement(FIRST.cvr, "Ny", **changed)]))
    before = issued.run("agreements", "import", file)

    credit(issued, "--then-reissue")
    after = issued.run("agreements", "import", file)

    refused(issued, before, "2027-0001")
    assert after.code == 0, after
    lines = issued.json("billing", "plan", 2027)["invoices"][0]["lines"]
    assert [line["net_ore"] for line in lines if line["kind"] == "rebate"] == [-200_000]
    issued.issue(2027)
    issued.done("verify")


def test_an_approved_plan_is_held_against_a_credit_that_came_after_it(issued: CommandLine) -> None:
    files.take_agreements(issued, files.agreement(FIRST.cvr, "OS2kitos"))
    issued.approve(2027)
    credit(issued, "--line", position(issued, "annual_fee"), "--then-reissue")

    refused(issued, issued.run("billing", "issue", 2027), "Læs planen igen")


# --- told


def test_a_credit_note_and_its_invoice_explain_each_other(issued: CommandLine) -> None:
    at = position(issued, "annual_fee")
    credit(issued, "--line", at, "--then-reissue")

    note, invoice = issued.json("explain", "K-2027-0001"), issued.json("explain", "2027-0001")
    words = issued.done("explain", "K-2027-0001").out

    told = {
        "number": "K-2027-0001", "credits": "2027-0001", "lines": [at], "reason": "Forkert størrelse",
        "prepared_by": "En Forbereder", "approved_by": "En Godkender", "then_reissue": True,
    }  # fmt: skip
    assert (note["kind"], note["credits"], invoice["kind"], invoice["credits"]) == (
        "credit_note", [told], "invoice", [told]
    )  # fmt: skip
    assert note["lines"] == [line for line in invoice["lines"] if line["kind"] == "annual_fee"]
    assert "Kreditnota K-2027-0001" in words and "godkendt af En Godkender" in words


def test_a_corrected_invoice_and_what_it_corrects_name_each_other(issued: CommandLine) -> None:
    credit(issued, "--line", position(issued, "annual_fee"), "--then-reissue")
    issued.issue(2027)
    credit(issued, "--then-reissue", number="2027-0002")
    issued.issue(2027)
    credit(issued)  # what is left of the first, for good

    told = {number: issued.json("explain", number) for number in numbers(issued)}
    corrects = {number: one["corrects"] for number, one in told.items() if "corrects" in one}
    corrected_by = {number: one["corrected_by"] for number, one in told.items() if "corrected_by" in one}

    assert corrects == {"2027-0002": ["2027-0001"], "2027-0003": ["2027-0002"]}
    assert corrected_by == {
        "2027-0001": ["2027-0002"], "K-2027-0001": ["2027-0002"],
        "2027-0002": ["2027-0003"], "K-2027-0002": ["2027-0003"],
    }  # fmt: skip
    assert "Retter 2027-0001: " in issued.done("explain", "2027-0002").out
    assert "Rettet ved 2027-0002" in issued.done("explain", "2027-0001").out


def test_a_rehearsal_has_credit_notes_of_its_own(issued: CommandLine) -> None:
    issued.done("billing", "issue", 2027, "--rehearsal")

    result = credit(issued, number="R-2027-0001")

    assert result.code == 0 and "R-K-2027-0001" in result.out
    issued.done("billing", "export", 2027, issued.folder / "out", "--rehearsal")
    assert "R-K-2027-0001.xml" in contents(issued.folder / "out")
    issued.done("verify")


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("table", "statement", "told"),
    [
        ("credited_line", "DELETE FROM credited_line WHERE id = 1", "credits: K-2027-0001/"),
        ("credit_note", "UPDATE credit_note SET reason = 'en anden'", "credits: K-2027-0001"),
        ("credit_note", "UPDATE credit_note SET approved_by = prepared_by", "credits: K-2027-0001"),
        ("credit_note", "UPDATE credit_note SET afterwards = 'nothing'", "credits: 2027-0002/"),
        ("invoice_line", "UPDATE invoice_line SET vat_ore = vat_ore + 1 WHERE key LIKE 'credit|%'", "credits: K-2027-"),
    ],
)
def test_a_credit_that_was_changed_is_named(issued: CommandLine, table: str, statement: str, told: str) -> None:
    credit(issued, "--line", position(issued, "annual_fee"), "--then-reissue")
    issued.issue(2027)

    database.tamper(issued, table, statement)

    broken = issued.run("verify", "--json").json()["violations"]
    assert any(f"{each['check']}: {each['subject']}".startswith(told) for each in broken), broken


@pytest.mark.tampers
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credit_note SET approved_by = NULL WHERE id = 2",
        "UPDATE credit_note SET approved_by = 'en  FORBEREDER' WHERE id = 2",
        "UPDATE credit_note SET approved_by = 'En Tredje' WHERE id = 2",
    ],
)
def test_a_credit_above_the_limit_of_its_day_without_its_second_person_is_named(
    issued: CommandLine, statement: str
) -> None:
    sold(issued, "credit_limit = 71000")  # the annual fee alone is 70.850 with VAT
    alone = ("billing", "credit", "2027-0001", "--reason", "x", "--by", "En Forbereder")
    issued.done(*alone, "--line", position(issued, "annual_fee"))
    issued.done(*alone, "--line", position(issued, "membership_dues"), "--approved-by", "En Godkender")
    sold(issued, "credit_limit = 9000000")  # what is allowed today does not excuse what was not
    issued.done("verify")

    database.tamper(issued, "credit_note", statement)

    broken = issued.run("verify", "--json").json()["violations"]
    assert "K-2027-0002" in {each["subject"] for each in broken if each["check"] == "credits"}, broken
    assert "K-2027-0001" not in {each["subject"] for each in broken}


@pytest.mark.tampers
def test_a_killed_credit_leaves_documents_that_the_next_command_makes(issued: CommandLine) -> None:
    (issued_before,) = numbers(issued)
    credit(issued)
    database.tamper(issued, "rendering", "DELETE FROM rendering WHERE invoice_id = 2")

    issued.done("billing", "issue", 2027)

    assert database.column(issued, "SELECT count(*) FROM rendering WHERE invoice_id = 2") == [3]
    assert issued_before == "2027-0001"


def test_a_folder_holds_the_credit_notes_beside_the_invoices(issued: CommandLine, tmp_path: Path) -> None:
    credit(issued)

    told = issued.done("billing", "export", 2027, tmp_path / "out", "--english")

    assert "1 fakturaer og 1 kreditnotaer" in told.out
    kinds = ("en.pdf", "pdf", "xml")
    assert sorted(contents(tmp_path / "out")) == sorted(f"{p}2027-0001.{kind}" for p in ("", "K-") for kind in kinds)
    assert "CREDIT NOTE" in paper(tmp_path / "out" / "K-2027-0001.en.pdf")
