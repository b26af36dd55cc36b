"""What a payment was for, rule by rule: what is certain, and what a person must look at."""

from __future__ import annotations

from datetime import date

import pytest

from billing import matching
from billing.balances import Owed
from billing.matching import Finding, Known, Outcome, Paid, RefundDue
from foundation.money import ZERO, Money
from tests.paying import fik_of

AARHUS, VEJLE = 1, 2
ISSUED, DUE, PAID_ON = date(2027, 1, 15), date(2027, 2, 14), date(2027, 2, 10)
FIRST, SECOND, THIRD = "2027-0001", "2027-0002", "2027-0105"


def owed(id_: int, number: str, ore: int, authority: int = AARHUS, outstanding: int | None = None) -> Owed:
    """An invoice, all of it open unless something else is said."""
    left = ore if outstanding is None else outstanding
    return Owed(id_, number, authority, ISSUED, DUE, Money(ore), ZERO, Money(ore - left), ZERO, Money(left), None)


def known(*invoices: Owed, **other: object) -> Known:
    """Aarhus and Vejle, with these invoices."""
    titles = {AARHUS: "Aarhus Kommune", VEJLE: "Vejle Kommune"}
    names = {matching.folded(title): id_ for id_, title in titles.items()}
    accounts = other.pop("accounts", {})
    return Known({each.invoice_id: each for each in invoices}, names, accounts, titles, **other)  # type: ignore[arg-type]


def paid(ore: int, **told: str) -> Paid:
    """A payment of February that says this."""
    texts = dict.fromkeys(("fik_id", "creditor_reference", "message", "payer", "payer_account"), "") | told
    return Paid(1, "DK", PAID_ON, Money(ore), Money(ore), **texts)


def rf(reference: str) -> str:
    """A creditor reference (ISO 11649) with its check digits."""
    return f"RF{98 - int(f'{reference}271500') % 97:02d}{reference}"


def certain(found: Finding) -> tuple[Outcome, bool]:
    """What was found, and whether it needs no hands."""
    return found.outcome, found.is_certain


TWO = (owed(1, FIRST, 6_000), owed(2, SECOND, 4_000), owed(3, THIRD, 6_000, VEJLE))


@pytest.mark.parametrize(
    ("payment", "expected"),
    [
        (paid(6_000, fik_id=fik_of(FIRST)), (Outcome.EXACT, True)),
        (paid(6_000, message=f"+71<{fik_of(FIRST)}+80000000<"), (Outcome.EXACT, True)),
        (paid(5_000, fik_id=fik_of(FIRST)), (Outcome.PARTIAL, True)),
        (paid(7_000, fik_id=fik_of(FIRST)), (Outcome.EXCESS, True)),
        (paid(4_000, fik_id=fik_of(FIRST)), (Outcome.PARTIAL, False)),  # just what another owes: perhaps mistyped
        (paid(6_000, fik_id=fik_of("2027-0077")), (Outcome.OTHER_BILL, False)),
        (paid(6_000, creditor_reference=rf(fik_of(FIRST))), (Outcome.EXACT, True)),
        (paid(6_000, creditor_reference="RF00" + fik_of(FIRST)), (Outcome.UNKNOWN, False)),  # wrong check digits
        (paid(4_000, message=f"Faktura {SECOND}"), (Outcome.EXACT, True)),  # nobody else owes that amount
        (paid(6_000, message=f"Faktura {FIRST}"), (Outcome.EXACT, False)),  # Vejle owes the same: which one is meant?
        (paid(6_000, message=f"Faktura {FIRST}", payer="AARHUS KOMMUNE"), (Outcome.EXACT, True)),
        (paid(6_000, message=f"Faktura {FIRST}", payer="Århus Kommune, Økonomi"), (Outcome.EXACT, True)),
        (paid(6_000, message=f"Faktura {FIRST}", payer="Vejle Kommune"), (Outcome.EXACT, False)),
        (paid(3_000, message=f"Faktura {SECOND}", payer="Aarhus Kommune"), (Outcome.PARTIAL, False)),
        (paid(10_000, message=f"{FIRST}, {SECOND}", payer="Aarhus Kommune"), (Outcome.EXACT, True)),
        (paid(10_000, message=f"{FIRST} {THIRD}"), (Outcome.PARTIAL, False)),  # of two authorities
        (paid(6_000, message="betalt 20270105", payer="Vejle Kommune"), (Outcome.EXACT, False)),  # perhaps a date
        (paid(4_000, payer="Aarhus Kommune"), (Outcome.EXACT, True)),
        (paid(10_000, payer="Aarhus Kommune"), (Outcome.EXACT, True)),  # all that it owes
        (paid(9_000, payer="Aarhus Kommune"), (Outcome.PARTIAL, False)),
        (paid(11_000, payer="Aarhus Kommune"), (Outcome.EXCESS, False)),
        (paid(4_000, payer="Aarhus Kommune, Økonomi"), (Outcome.UNKNOWN, False)),  # a name within another is no proof
        (paid(4_000), (Outcome.UNKNOWN, False)),
        (paid(-4_000), (Outcome.OUTGOING, False)),
    ],
)
def test_a_payment_is_certain_only_where_nothing_else_can_be_meant(
    payment: Paid, expected: tuple[Outcome, bool]
) -> None:
    assert certain(matching.find(payment, known(*TWO))) == expected


def test_a_payment_that_came_before_its_invoice_was_issued_is_never_certain() -> None:
    early = paid(6_000, fik_id=fik_of(FIRST))._replace(booked_on=date(2027, 1, 14))

    assert certain(matching.find(early, known(*TWO))) == (Outcome.EXACT, False)


def test_a_payment_that_was_placed_in_part_is_finished_by_a_person() -> None:
    half = paid(6_000, fik_id=fik_of(FIRST))._replace(left=Money(3_000))

    assert certain(matching.find(half, known(*TWO))) == (Outcome.PARTIAL, False)


def test_a_settled_invoice_paid_again_is_a_duplicate_where_the_amount_is_the_same_and_else_already_paid() -> None:
    settled = known(owed(1, FIRST, 6_000, outstanding=0), paid_amounts={1: {6_000}})

    same, other = (matching.find(paid(ore, fik_id=fik_of(FIRST)), settled) for ore in (6_000, 5_000))

    assert (same.outcome, other.outcome) == (Outcome.DUPLICATE, Outcome.ALREADY_PAID)
    assert not same.is_certain
    assert same.suggestions[0].parts[0].authority_id == AARHUS
    assert same.suggestions[0].parts[0].invoice_id is None


def test_two_invoices_of_the_same_amount_are_both_suggested_and_none_is_taken() -> None:
    twice = known(owed(1, FIRST, 6_000), owed(2, SECOND, 6_000))

    found = matching.find(paid(6_000, payer="Aarhus Kommune"), twice)

    assert certain(found) == (Outcome.EXACT, False)
    assert [made.parts[0].invoice_id for made in found.suggestions] == [1, 2]


def test_an_account_that_one_authority_paid_from_says_who_pays_and_a_name_of_another_contradicts_it() -> None:
    from_account = known(*TWO, accounts={"DK1": AARHUS, "DK2": None})

    assert certain(matching.find(paid(4_000, payer_account="DK1", payer="Kassen"), from_account)) == (
        Outcome.EXACT, True,
    )  # fmt: skip
    assert certain(matching.find(paid(4_000, payer_account="DK2", payer="Kassen"), from_account))[1] is False
    assert certain(matching.find(paid(4_000, payer_account="DK1", payer="Vejle Kommune"), from_account))[1] is False


def test_no_invoice_that_was_issued_after_the_payment_is_guessed_at_while_an_earlier_one_fits() -> None:
    later = owed(9, "2028-0001", 6_000)._replace(issued_on=date(2028, 1, 15), due_on=date(2028, 2, 14))

    both = matching.find(paid(6_000, payer="AARHUS"), known(TWO[0], later))
    alone = matching.find(paid(6_000, payer="AARHUS"), known(later))
    spread = matching.find(paid(1, payer="AARHUS"), known(TWO[0], later))

    assert [[part.invoice_id for part in each.parts] for each in both.suggestions] == [[1]]
    assert [[part.invoice_id for part in each.parts] for each in alone.suggestions] == [[9]]
    assert [part.invoice_id for part in spread.suggestions[0].parts] == [1]


def test_where_something_is_guessed_the_next_step_is_to_look_at_it_first() -> None:
    guessed = matching.find(paid(6_000, payer="AARHUS"), known(TWO[0]))
    stranger = matching.find(paid(77), known(*TWO))

    assert guessed.next_step.en.startswith("Take the suggestion if it fits. Otherwise: Find the payer")
    assert (stranger.suggestions, stranger.next_step) == ((), matching.NEXT_STEPS[Outcome.UNKNOWN])


def test_a_mistyped_payment_id_is_explained_and_left_to_a_person() -> None:
    right = fik_of(SECOND)
    wrong = right[:9] + str((int(right[9]) + 1) % 10) + right[10:]

    found = matching.find(paid(4_000, fik_id=wrong), known(*TWO))

    assert certain(found) == (Outcome.UNKNOWN, False)
    assert found.suggestions[0].parts[0].invoice_id == 2
    assert "tastet forkert" in found.suggestions[0].why.da


def test_a_decided_refund_of_the_same_amount_is_suggested_for_what_went_out() -> None:
    due = known(refunds=[RefundDue(7, AARHUS, Money(500)), RefundDue(8, VEJLE, Money(501))])

    found = matching.find(paid(-500), due)

    assert [made.parts[0].refund_id for made in found.suggestions] == [7]


def test_hostile_texts_of_a_payment_find_nothing_and_break_nothing() -> None:
    for words in ("2027-0001" * 5_000, "9" * 100_000, "٢٠٢٧-٠٠٠١", "\x00\ud800", "RF" * 1_000, "' OR 1=1 --"):
        hostile = paid(
            123, message=words, payer=words, fik_id=words[:15], creditor_reference=words, payer_account=words
        )

        assert not matching.find(hostile, known(*TWO)).is_certain
