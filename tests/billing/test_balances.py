"""What is owed, how old it is, and until when it can be pursued."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from billing import balances
from billing.balances import Owed, State
from foundation.money import ZERO, Money, kroner, total

DUE = date(2027, 2, 14)


def owed(outstanding: int = 0, due_on: date = DUE, **came_off: Money) -> Owed:
    """An invoice of 240 kroner, of which so much is left."""
    facts = {"credited": ZERO, "paid": ZERO, "written_off": ZERO} | came_off
    return Owed(1, "2027-0001", 1, date(2027, 1, 15), due_on, kroner(240), facts["credited"], facts["paid"],
                facts["written_off"], kroner(outstanding), None)  # fmt: skip


@pytest.mark.parametrize(
    ("invoice", "on", "state"),
    [
        (owed(240), DUE, State.OPEN),
        (owed(240), date(2027, 2, 15), State.OVERDUE),
        (owed(100, paid=kroner(140)), DUE, State.PARTLY_PAID),
        (owed(100, paid=kroner(140)), date(2027, 2, 15), State.OVERDUE),
        (owed(0, paid=kroner(240)), date(2027, 2, 15), State.SETTLED),
        (owed(0, credited=kroner(240)), DUE, State.CREDITED),
        (owed(0, credited=kroner(40), paid=kroner(200)), DUE, State.SETTLED),
        (owed(0, paid=kroner(239), written_off=kroner(1)), DUE, State.WRITTEN_OFF),
    ],
)
def test_an_invoice_stands_as_its_facts_say(invoice: Owed, on: date, state: State) -> None:
    assert balances.state(invoice, on) is state


@pytest.mark.parametrize(
    ("invoice", "words"),
    [
        (owed(100, paid=kroner(140)), "Delvist betalt"),
        (owed(200, credited=kroner(40)), "Delvist krediteret"),
        (owed(239, written_off=kroner(1)), "Delvist afskrevet"),
        (owed(100, paid=kroner(100), credited=kroner(40)), "Delvist betalt"),
    ],
)
def test_what_only_a_credit_note_or_a_write_off_made_smaller_is_not_called_paid(invoice: Owed, words: str) -> None:
    assert balances.stands(invoice, DUE).da == words


@pytest.mark.parametrize("days", [30, 40, 50])
def test_pv_103_an_invoice_overdue_for_any_number_of_days_is_cleared_at_once_when_paid(days: int) -> None:
    """PV-103: what of it belongs to payments; the levels are the reminders'."""
    on = date.fromordinal(DUE.toordinal() + days)

    assert balances.state(owed(240), on) is State.OVERDUE
    assert balances.state(owed(0, paid=kroner(240)), on) is State.SETTLED


def barred(on: date, paid: int = 0) -> tuple[int, int]:
    """20 kroner a month since May 2007, the oldest paid first: what is owed on a day, and what of it is barred."""
    left, found = kroner(paid), []
    for month in range((on.year - 2007) * 12 + on.month - 4):
        due = date(2007 + (month + 4) // 12, (month + 4) % 12 + 1, 1)
        taken = min(left, kroner(20))
        left -= taken
        found.append(owed(0, due)._replace(outstanding=kroner(20) - taken))
    lost = total(each.outstanding for each in found if balances.is_barred(each.due_on, on))
    return total(each.outstanding for each in found).ore // 100, lost.ore // 100


def test_pv_098_claims_are_barred_three_years_after_each_due_day_and_payments_take_the_oldest() -> None:
    """PV-098: its figures, but for the first, where Danish law differs (decision 0028)."""
    new_year = date(2011, 1, 1)

    assert barred(date(2010, 12, 31)) == (880, 160)  # by the due day, not by the end of the year: decision 0028
    assert barred(new_year) == (900, 160)
    assert [barred(new_year, paid) for paid in (12, 12 + 13, 12 + 13 + 136)] == [(888, 148), (875, 135), (739, 0)]


def test_a_claim_can_be_pursued_on_the_last_of_its_three_years_and_not_the_day_after() -> None:
    assert not balances.is_barred(DUE, date(2030, 2, 14))
    assert balances.is_barred(DUE, date(2030, 2, 15))
    assert balances.limitation_day(date(2028, 2, 29)) == date(2031, 2, 28)


def test_debts_are_summed_by_age_and_nothing_is_lost_between_the_bands() -> None:
    on = date(2031, 1, 1)
    days = [date(2031, 2, 1), *(date.fromordinal(on.toordinal() - age) for age in (0, 1, 30, 31, 61, 91, 366, 1200))]
    listed = [owed(240, due) for due in days]

    bands = balances.by_age(listed, on)

    assert [amount.ore // 24_000 for _, amount in bands] == [2, 2, 1, 1, 1, 1, 1]
    assert all(one[0] != other[0] for one, other in pairwise(bands))
