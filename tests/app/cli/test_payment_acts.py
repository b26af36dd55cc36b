"""`payments`: placing by hand, undoing, giving back and up by two people; what is refused leaves nothing behind."""

from __future__ import annotations

from datetime import date

import pytest

from tests import reminding, spending
from tests.app.test_config import production
from tests.command_line import CommandLine
from tests.conftest import Prepared
from tests.paying import fik_of, payment, pays
from tests.places import with_starter
from tests.scenarios import database, files

ONE, TWO = files.starter()[:2]
FIRST, SECOND = "2027-0001", "2027-0002"
INCOME = "XG-9212045210-00015"
DAY = date(2027, 2, 10)
PREPARER, APPROVER = ("--by", "En Forbereder"), ("--by", "En Godkender")
WHY = ("--why", "Aftalt med kommunen", *PREPARER)


def _issued(line: CommandLine) -> None:
    """Two invoices, and a reminder of each with a fee of 100 kr."""
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_members(line, files.member(ONE.cvr), files.member(TWO.cvr))
    line.issue(2027)
    late = line.at("2027-04-01")
    reminding.decide(late, fee=100)
    reminding.bank(late, date(2027, 4, 1))
    reminding.approved(late)


@pytest.fixture
def line(prepared: Prepared) -> CommandLine:
    """Number 2 of the payments is 10.000 kr. that say nothing; 3 went out; 4 is 700 kr. too much for the first."""
    made = prepared(with_starter, _issued).at("2027-04-02")
    owes = made.json("accounts", "statement", ONE.cvr)["invoices"][0]["outstanding_ore"]
    coming = payment(owes + 70_000, DAY, fik_id=fik_of(FIRST))
    pays(made, payment(1_000_000, DAY), payment(-5_000, DAY, payer="En Leverandør"), coming)
    return made


def placed(line: CommandLine, transaction: int) -> list[tuple[str | None, int]]:
    """Where a payment went."""
    told = line.json("payments", "show", transaction)
    return [(each["number"] or each["account"], each["amount_ore"]) for each in told["matches"]]


def proposed(line: CommandLine) -> list[tuple[int, str]]:
    """What waits for an approver: the numbers and the digests."""
    return [(each["id"], each["digest"]) for each in line.json("payments", "proposals")["proposals"]]


# --- by hand


def test_a_payment_is_placed_over_several_invoices_charges_a_credit_and_an_account(line: CommandLine) -> None:
    over = ("--invoice", FIRST, "1000", "--invoice", SECOND, "2000.50", "--charges", FIRST, "100")
    told = line.done("payments", "place", 2, *over, "--credit", TWO.cvr, "30", "--account", INCOME, "9.50", *WHY)

    assert "betaling 2: 3.140,00\u00a0kr. er placeret, 6.860,00\u00a0kr. venter" in told.out
    assert placed(line, 2) == [
        (FIRST, 100_000),
        (SECOND, 200_050),
        (FIRST, 10_000),
        (None, 3_000),
        (INCOME, 950),
    ]
    shown = line.done("payments", "show", 2).out
    assert "Aftalt med kommunen" in shown and "til gode" in shown and f"konto {INCOME}" in shown
    line.done("verify")


def test_what_somebody_gives_a_product_is_placed_in_its_fund(line: CommandLine) -> None:
    given, other = ("--contribution", "OS2kitos", "6000"), ("--invoice", FIRST, "1")
    for words, code, told in (
        ((*given, "--giver", "1"), 1, "ingen myndighed har CVR"),
        (("--contribution", "OS2x", "1"), 1, "intet produkt hedder OS2x"),
        ((*other, "--giver", TWO.cvr), 2, "--giver CVR"),
    ):
        refused = line.run("payments", "place", 2, *words, *WHY)
        assert (refused.code, told in refused.err) == (code, True)

    line.done("payments", "place", 2, *given, "--giver", TWO.cvr, *WHY)

    assert "bidrag til OS2kitos" in line.done("payments", "show", 2).out
    (told,) = line.json("payments", "show", 2)["matches"]
    assert (told["product"], told["account"].rpartition("-")[2], told["amount_ore"]) == ("OS2kitos", "00003", 600_000)
    line.done("payments", "undo", told["id"], "--reason", "Til et andet produkt", *PREPARER)
    line.done("verify")


def test_money_that_went_out_is_placed_on_the_cost_it_paid(line: CommandLine) -> None:
    with line.session() as session:
        (cost,) = spending.spend(session, spending.draft(session, 40_00))

    told = line.done("payments", "place", 3, "--cost", cost, *PREPARER)

    assert "-40,00\u00a0kr. er placeret, -10,00\u00a0kr. venter" in told.out
    assert line.run("payments", "place", 3, "--cost", cost, *PREPARER).code == 1, "it owes nothing any more"
    line.done("verify")


def test_what_was_placed_wrongly_is_undone_once_and_waits_again(line: CommandLine) -> None:
    line.done("payments", "place", 2, "--invoice", FIRST, "1000", *WHY)
    match = line.json("payments", "show", 2)["matches"][0]["id"]

    line.done("payments", "undo", match, "--reason", "Forkert faktura", *PREPARER)

    again = line.run("payments", "undo", match, "--reason", "Forkert faktura", *PREPARER)
    assert (again.code, "er ophævet før (payments show NUMMER)" in again.err) == (1, True)
    told = line.json("payments", "show", 2)
    assert (told["left_ore"], [each["undoes"] for each in told["matches"]]) == (1_000_000, [None, match])
    assert "ophæver" in line.done("payments", "show", 2).out
    line.done("verify")


def test_what_falls_into_a_closed_period_is_booked_on_the_first_open_day(line: CommandLine) -> None:
    late = line.at("2027-05-10")
    digest = late.done("accounts", "close", "2027-Q1", *PREPARER).out.split()[-1]
    late.done("accounts", "close", "2027-Q1", "--digest", digest, *APPROVER)

    late.done("payments", "place", 2, "--invoice", FIRST, "1000", *WHY)
    late.done("payments", "undo", 1, "--reason", "Forkert faktura", *PREPARER)

    told = late.json("payments", "show", 2)["matches"]
    assert [each["on"] for each in told] == ["2027-04-01", "2027-05-10"]
    late.done("verify")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("place", 99, "--invoice", FIRST, "1", *WHY), 1, "ingen betaling har nummer 99 (payments list)"),
        (("place", 2, "--invoice", FIRST, "10000.01", *WHY), 1, "har 10.000,00\u00a0kr. tilbage at placere"),
        (("place", 2, "--invoice", FIRST, "1", "--charges", FIRST, "100.01", *WHY), 1, "så meget kan der højst"),
        (("place", 2, "--invoice", FIRST, "1", "--invoice", "2027-9999", "1", *WHY), 1, "2027-9999 er ikke en faktura"),
        (("place", 2, "--invoice", FIRST, "1", "--credit", "12345678", "1", *WHY), 1, "ingen myndighed har CVR"),
        (("place", 2, "--invoice", FIRST, "1", "--account", "6190", "1", *WHY), 1, "føres af sig selv"),
        (("place", 2, "--invoice", FIRST, "1", "--refund", "1", *WHY), 1, "findes ikke, eller er betalt"),
        (("place", 2, "--invoice", FIRST, "0", *WHY), 1, "et beløb er nul"),
        (("place", 2, "--invoice", FIRST, "-1", *WHY), 1, "tilbage at placere"),
        (("place", 2, "--invoice", FIRST, "1e3", *WHY), 1, "er ikke et beløb som"),
        (("place", 2, "--invoice", "\u202e", "1", *WHY), 2, "læsbar tekst"),
        (("place", 2, "--invoice", "\udcff", "1", *WHY), 2, "læsbar tekst"),
        (("place", 2, "--invoice", FIRST, "1", "--why", "\u202e", *PREPARER), 1, "grunden "),
        (("place", 2, "--invoice", FIRST, "1", *PREPARER), 2, "--why"),
        (("place", 2, *WHY), 1, "vælg, hvor beløbet hører til"),
        (("place", 2, "--cost", "1", *PREPARER), 1, "Fejl: "),
        (("place", 3, "--cost", "1", "--invoice", FIRST, "1", *PREPARER), 2, "--cost"),
        (("place", "9" * 30, "--invoice", FIRST, "1", *WHY), 2, ""),
        (("undo", 99, "--reason", "x", *PREPARER), 1, "ingen betaling har nummer 99"),
        (("undo", "9" * 30, "--reason", "x", *PREPARER), 2, ""),
        (("use-credit", ONE.cvr, SECOND, "1", *PREPARER), 1, "ingen sådan faktura"),
        (("use-credit", TWO.cvr, SECOND, "1", *PREPARER), 1, "0,00\u00a0kr. til gode"),
        (("refund", ONE.cvr, "1", "--reason", "x", *PREPARER), 1, "0,00\u00a0kr. til gode"),
        (("refund", "\udcff", "1", "--reason", "x", *PREPARER), 2, "læsbar tekst"),
        (("write-off", FIRST, "99999999", "--reason", "x", *PREPARER), 1, "afskrivningen skal være mellem"),
        (("write-off", "K-2027-0001", "1", "--reason", "x", *PREPARER), 1, "ingen faktura har nummer"),
        (("write-off", FIRST, "1", "--reason", " ", *PREPARER), 1, "giv en grund"),
        (("waive", FIRST, "100.01", "--reason", "x", *PREPARER), 1, "eftergivelsen skal være mellem"),
        (("waive", "ukendt", "1", "--reason", "x", *PREPARER), 1, "ingen rykker for ukendt koster noget"),
        (("waive", FIRST, "1", "--reason", "x", "--by", "\u202e"), 1, "læsbart navn"),
        (("approve", 99, "--digest", "0" * 64, *APPROVER), 1, "intet forslag har nummer 99"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_says_why_and_leaves_nothing_half_done(
    line: CommandLine, words: tuple[object, ...], code: int, said: str
) -> None:
    before = database.dump(line)

    refused = line.run("payments", *words)

    assert (refused.code, said in refused.err, refused.out) == (code, True, ""), refused.err
    assert database.dump(line) == before


# --- by two people


def test_a_refund_is_prepared_approved_by_another_and_paid_out(line: CommandLine) -> None:
    line.done("payments", "match")
    line.done("payments", "place", 2, "--credit", TWO.cvr, "50", *WHY)
    line.done("payments", "use-credit", TWO.cvr, SECOND, "50", *PREPARER)
    line.done("payments", "refund", ONE.cvr, "600", "--reason", "Betalt for meget", *PREPARER)
    ((number, digest),) = proposed(line)

    own = line.run("payments", "approve", number, "--digest", digest, *PREPARER)
    other = line.run("payments", "approve", number, "--digest", "0" * 64, *APPROVER)
    told = line.done("payments", "approve", number, "--digest", digest, *APPROVER)

    assert (own.code, "er dit eget; en anden skal afgøre det" in own.err) == (1, True)
    assert (other.code, "er ikke det, der blev læst" in other.err) == (1, True)
    assert "600,00\u00a0kr. er besluttet: betal den fra banken" in told.out
    waits = line.json("payments", "proposals")
    assert (waits["proposals"], waits["refunds_due"]) == ([], [{"id": 1, "cvr": ONE.cvr, "amount_ore": 60_000}])
    assert "skal betales fra banken" in line.done("payments", "proposals").out
    (out,) = pays(line, payment(-60_000, date(2027, 4, 2)))
    line.done("payments", "place", out, "--refund", 1, *WHY)
    assert "Intet venter." in line.done("payments", "proposals").out
    line.done("verify")


def test_a_write_off_and_a_waiver_are_approved_rejected_or_withdrawn(line: CommandLine) -> None:
    line.done("payments", "write-off", FIRST, "1000", "--with-vat", "--reason", "Forligt", *PREPARER)
    line.done("payments", "waive", SECOND, "100", "--reason", "Sendt forkert", *PREPARER)
    line.done("payments", "waive", FIRST, "50", "--reason", "Sendt forkert", *PREPARER)
    listed = line.done("payments", "proposals").out
    (second, kept), (first, _), (loss, digest) = sorted(proposed(line), reverse=True)

    line.done("payments", "approve", loss, "--digest", digest, *APPROVER)
    line.done("payments", "reject", first, "--reason", "Gebyret står ved magt", *APPROVER)
    line.done("payments", "withdraw", second, *PREPARER)

    assert f"afskrivning, {FIRST}, 1.000,00\u00a0kr.: Forligt (En Forbereder)" in listed
    assert f"eftergivelse, {SECOND}, 100,00\u00a0kr." in listed
    assert "er trukket tilbage af" in line.run("payments", "approve", second, "--digest", kept, *APPROVER).err
    assert database.column(line, "SELECT amount_ore FROM write_off") == [100_000]
    assert database.count(line, "charge_waiver") == 0
    line.done("verify")


def test_a_rejection_needs_a_reason_and_only_ones_own_is_withdrawn(line: CommandLine) -> None:
    line.done("payments", "waive", FIRST, "50", "--reason", "Sendt forkert", *PREPARER)
    ((number, _),) = proposed(line)
    before = database.dump(line)

    refused = [
        line.run("payments", "reject", number, "--reason", " ", *APPROVER),
        line.run("payments", "reject", number, "--reason", "Nej", *PREPARER),
        line.run("payments", "withdraw", number, *APPROVER),
    ]

    assert [each.code for each in refused] == [1, 1, 1]
    assert database.dump(line) == before


def test_in_production_nobody_but_registered_people_acts(line: CommandLine) -> None:
    line.done("payments", "waive", FIRST, "50", "--reason", "Sendt forkert", *PREPARER)
    ((number, digest),) = proposed(line)
    there, before = production(line), database.dump(line)

    refused = [
        there.run("payments", *words)
        for words in (
            ("place", 2, "--invoice", FIRST, "1", *WHY),
            ("undo", 1, "--reason", "Forkert", *PREPARER),
            ("use-credit", ONE.cvr, FIRST, "1", *PREPARER),
            ("refund", ONE.cvr, "1", "--reason", "x", *PREPARER),
            ("write-off", FIRST, "1", "--reason", "x", *PREPARER),
            ("waive", FIRST, "1", "--reason", "x", *PREPARER),
            ("approve", number, "--digest", digest, *APPROVER),
            ("reject", number, "--reason", "x", *APPROVER),
            ("withdraw", number, *PREPARER),
        )
    ]

    assert [each.code for each in refused] == [1] * 9
    assert all("users" in each.err or "registreret" in each.err for each in refused), [each.err for each in refused]
    assert database.dump(line) == before
