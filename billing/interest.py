"""Interest on late payment: reference rates by half-year, entered by two people, and what they come to day by day.

The interest act (renteloven § 5): the reference rate of 1 January and of 1 July, and eight points. A half-year whose
rate nobody has entered is named, never guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from billing.reminder_models import InterestRate
from billing.reminder_terms import DayCount
from foundation import append_only, proposals, wording
from foundation.audit import Trail, canonical
from foundation.errors import Refused
from foundation.language import Text, day, joined
from foundation.money import Money
from foundation.proposals import Proposal

RATES: Table = InterestRate.__table__  # type: ignore[assignment]

SUBJECT = "referencesatser"

#: What is added to the reference rate, in hundredths of a per cent.
SURCHARGE = 800

LOWEST, HIGHEST = -500, 3_000  # hundredths of a per cent: what a reference rate has ever been lies well within

MOST_RATES = 100  # of one proposal: half a century

_PERCENT = re.compile(r"(-?)([0-9]{1,2})(?:[.,]([0-9]{1,2}))?")


class RateRefused(Refused):
    """A reference rate is not right; every fault is named."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The reference rate of a half-year, and where it was read."""

    valid_from: date
    hundredths: int
    source: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Days of one half-year at one rate. `first` and `last` are inside."""

    first: date
    last: date
    days: int
    year_days: int
    hundredths: int  # with the surcharge


@dataclass(frozen=True, slots=True)
class Interest:
    """What a delay came to, or which half-years' rates are missing."""

    amount: Money
    pieces: tuple[Piece, ...]
    missing: tuple[date, ...] = ()


# --- rates


def percent(words: str) -> int:
    """Read a percentage with at most two decimals, as hundredths. Raises RateRefused."""
    found = _PERCENT.fullmatch(words.strip().removesuffix("%").strip())
    if found:
        value = int(found[2]) * 100 + int((found[3] or "").ljust(2, "0"))
        hundredths = -value if found[1] else value
        if LOWEST <= hundredths <= HIGHEST:
            return hundredths
    shown = wording.quoted(words)
    raise RateRefused(
        Text(f"{shown} er ikke en sats som 1,60 (fra -5 til 30 procent)",
             f"{shown} is not a rate such as 1.60 (from -5 to 30 per cent)")
    )  # fmt: skip


def in_words(hundredths: int) -> Text:
    """Write hundredths of a per cent."""
    sign, whole, rest = "-" if hundredths < 0 else "", abs(hundredths) // 100, abs(hundredths) % 100
    return Text(f"{sign}{whole},{rest:02d} %", f"{sign}{whole}.{rest:02d} %")


def known(session: Session) -> dict[date, Rate]:
    """Give the reference rates by their first day, in one query; of one entered again, the last."""
    rows = session.execute(select(RATES).order_by(RATES.c.valid_from, RATES.c.id))
    return {row.valid_from: Rate(row.valid_from, row.hundredths, row.source) for row in rows}


def propose(session: Session, rates: Sequence[Rate], trail: Trail) -> Proposal:
    """Propose reference rates; they take the place of those proposed before. Raises RateRefused with every fault."""
    _refuse_wrong(rates)
    standing = known(session)
    new = [rate for rate in rates if standing.get(rate.valid_from) != rate]
    if not new:
        raise RateRefused(Text("satserne står der i forvejen", "the rates stand there already"))
    content = canonical(
        [{"valid_from": rate.valid_from, "hundredths": rate.hundredths, "source": rate.source} for rate in new]
    )
    return proposals.propose_newest(session, "interest_rates", SUBJECT, content, trail)


def approve(session: Session, id_: int, trail: Trail) -> Proposal:
    """Enter proposed rates, another person than who proposed them. Raises what `proposals.decide` raises."""
    proposal = proposals.approve(session, id_, "interest_rates", trail)
    first = append_only.next_id(session, RATES)
    rows: list[dict[str, Any]] = [
        {"id": first + at, "valid_from": rate.valid_from, "hundredths": rate.hundredths, "source": rate.source,
         "proposal_id": id_}
        for at, rate in enumerate(of_proposal(proposal))
    ]  # fmt: skip
    append_only.add(session, RATES, rows)
    trail.record("interest.entered", SUBJECT, {"proposal": id_}, rows=[(RATES, row) for row in rows])
    return proposal


def of_proposal(proposal: Proposal) -> list[Rate]:
    """Read the rates of a proposal."""
    return [
        Rate(date.fromisoformat(found["valid_from"]), found["hundredths"], found["source"])
        for found in json.loads(proposal.content)
    ]


def _refuse_wrong(rates: Sequence[Rate]) -> None:
    faults: list[Text] = []
    if not 1 <= len(rates) <= MOST_RATES:
        faults.append(Text(f"giv 1 til {MOST_RATES} satser", f"give 1 to {MOST_RATES} rates"))
    for rate in rates:
        if (rate.valid_from.month, rate.valid_from.day) not in ((1, 1), (7, 1)):
            on = day(rate.valid_from)
            faults.append(Text(f"{on.da}: en referencesats gælder fra 1. januar eller 1. juli",
                               f"{on.en}: a reference rate counts from 1 January or 1 July"))  # fmt: skip
        if not rate.source.strip() or wording.fault(rate.source, wording.LONGEST_TEXT):
            faults.append(Text("skriv, hvor satsen er læst (kilde)", "say where the rate was read (source)"))
    if len({rate.valid_from for rate in rates}) < len(rates):
        faults.append(Text("samme dag står der to gange", "the same day stands there twice"))
    if faults:
        raise RateRefused(joined(faults, by="\n"))


# --- what it comes to


def half_year(on: date) -> date:
    """Give the first day of the half-year a day lies in."""
    return date(on.year, 7 if on.month > 6 else 1, 1)


def between(owed: Money, after: date, to: date, rates: Mapping[date, Rate], count: DayCount) -> Interest:
    """Give the interest on an amount from the day after a day up to and including another, rounded once."""
    pieces: list[Piece] = []
    missing: list[date] = []
    for first, last in _half_years(after + timedelta(days=1), to):
        rate = rates.get(half_year(first))
        if rate is None:
            missing.append(half_year(first))
            continue
        days, year_days = _days(first, last, count)
        pieces.append(Piece(first, last, days, year_days, rate.hundredths + SURCHARGE))
    return Interest(amount(owed, pieces), tuple(pieces), tuple(missing))


def amount(owed: Money, pieces: Iterable[Piece]) -> Money:
    """Give what pieces come to, rounded once; a rate below zero earns nobody anything."""
    exact = sum((Fraction(max(piece.hundredths, 0) * piece.days, 10_000 * piece.year_days) for piece in pieces),
                Fraction(0))  # fmt: skip
    return owed.scaled(exact)


def _half_years(first: date, last: date) -> Iterable[tuple[date, date]]:
    while first <= last:
        begins = half_year(first)
        following = date(begins.year, 7, 1) if begins.month == 1 else date(begins.year + 1, 1, 1)
        yield first, min(last, following - timedelta(days=1))
        first = following


def _days(first: date, last: date, count: DayCount) -> tuple[int, int]:
    """Count the days of a piece, both ends inside, and those of its year."""
    end = last + timedelta(days=1)
    if count == "actual":
        return (end - first).days, (date(first.year + 1, 1, 1) - date(first.year, 1, 1)).days
    months = (end.year - first.year) * 12 + end.month - first.month
    return months * 30 + min(end.day, 30) - min(first.day, 30), 360
