"""How statements of one account tie to each other: each begins where another ended, or tells again what is known.

An account's transactions are one chain from its first known balance to its last. A statement is taken where it lies
behind the chain, before it, or over it so that all balances agree; then what it brings beyond the chain is new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from foundation import language
from foundation.language import Text
from foundation.money import Money


@dataclass
class Survey:
    """What is in a statement, in øre; `prints` counts its transactions by fingerprint, `new` those nobody knows yet."""

    name: str
    account: str
    bank_id: str
    opening_on: date
    opening: int
    closing_on: date
    closing: int
    prints: Counter[bytes]
    days: Mapping[bytes, date]
    ore: Mapping[bytes, int]
    new: Counter[bytes] = field(default_factory=Counter)
    brings_something: bool = False

    @property
    def transactions(self) -> int:
        """Tell how many transactions it has."""
        return self.prints.total()

    @cached_property
    def first(self) -> date:
        """Give the first day on which it has a transaction; its last day where it has none."""
        return min(self.days.values(), default=self.closing_on)

    @property
    def last(self) -> date:
        """Give its last day."""
        return self.closing_on

    def on(self, day: date) -> int:
        """Give what moved on a day."""
        return self._sums.get(day, 0)

    @cached_property
    def _sums(self) -> Mapping[date, int]:
        sums: Counter[date] = Counter()
        for print_, count in self.prints.items():
            sums[self.days[print_]] += count * self.ore[print_]
        return sums


@dataclass(frozen=True, slots=True)
class _Ends:
    """Between which balances the chain lies."""

    opening: int
    closing: int


class Chain:
    """What is known of an account: its statements as (first day, opening, last day, closing), and what moved a day."""

    def __init__(self, statements: Sequence[tuple[date, int, date, int]], sums: dict[date, int]) -> None:
        self._statements = list(statements)
        self._sums = sums
        self._known: Counter[bytes] = Counter()
        self._days: dict[bytes, date] = {}

    def know(self, print_: bytes, day: date, count: int) -> None:
        """Note transactions of the days that the statements to come tell of."""
        self._known[print_] += count
        self._days[print_] = day

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is known: then the first statement is taken."""
        return not self._statements

    @property
    def _first(self) -> date:
        return min(first for first, *_ in self._statements)

    @property
    def _last(self) -> date:
        return max(last for _, _, last, _ in self._statements)

    def _ends(self) -> Iterator[_Ends]:
        """Give the balances between which the chain may lie: more than one where a day has several statements."""
        moved = sum(self._sums.values())
        openings = {opening for first, opening, _, _ in self._statements if first == self._first}
        closings = {closing for _, _, last, closing in self._statements if last == self._last}
        for opening in sorted(openings):
            if opening + moved in closings:
                yield _Ends(opening, opening + moved)

    def openings(self) -> list[int]:
        """Give the balances that the chain may begin with; none where its statements do not tie together."""
        return [ends.opening for ends in self._ends()]

    def tie(self, survey: Survey) -> bool:
        """Take a statement where it ties, and say in it what is new; False where it does not tie."""
        new = self._new_in(survey)
        if new is None:
            return False
        survey.new = new
        survey.brings_something = bool(new) or self.is_empty or survey.last > self._last
        if survey.brings_something:
            self._take(survey)
        return True

    def _take(self, survey: Survey) -> None:
        self._statements.append((min(survey.opening_on, survey.first), survey.opening, survey.last, survey.closing))
        for print_, count in survey.new.items():
            day = survey.days[print_]
            self._sums[day] = self._sums.get(day, 0) + count * survey.ore[print_]
            self.know(print_, day, count)

    def _new_in(self, survey: Survey) -> Counter[bytes] | None:
        if self.is_empty:
            return Counter(survey.prints)
        ways: tuple[Callable[[Survey, _Ends], Counter[bytes] | None], ...] = (
            self._nothing_new, self._behind, self._before, self._over,
        )  # fmt: skip
        for way in ways:
            for ends in self._ends():
                new = way(survey, ends)
                if new is not None:
                    return new
        return None

    def _nothing_new(self, survey: Survey, ends: _Ends) -> Counter[bytes] | None:
        if not self._first <= survey.last <= self._last or not survey.prints <= self._known:
            return None
        return Counter() if self._agrees(survey, ends.opening, self._sums) else None

    def _behind(self, survey: Survey, ends: _Ends) -> Counter[bytes] | None:
        return Counter(survey.prints) if survey.first >= self._last and survey.opening == ends.closing else None

    def _before(self, survey: Survey, ends: _Ends) -> Counter[bytes] | None:
        return Counter(survey.prints) if survey.last <= self._first and survey.closing == ends.opening else None

    def _over(self, survey: Survey, ends: _Ends) -> Counter[bytes] | None:
        """Lay a statement over the chain: it may bring more on the chain's outermost days and beyond, not within."""
        new = survey.prints - self._known
        if any(self._first < survey.days[print_] < self._last for print_ in new) or self._lacks(survey):
            return None
        sums = dict(self._sums)
        for print_, count in new.items():
            sums[survey.days[print_]] = sums.get(survey.days[print_], 0) + count * survey.ore[print_]
        openings = {ends.opening, *([survey.opening] if survey.first <= self._first else [])}
        closings = {ends.closing, *([survey.closing] if survey.last >= self._last else [])}
        moved = sum(sums.values())
        for opening in sorted(openings):
            if opening + moved in closings and self._agrees(survey, opening, sums):
                return new
        return None

    def _lacks(self, survey: Survey) -> bool:
        """Tell whether something known is missing in the statement, on a day it covers from morning to evening."""
        within = (p for p, day in self._days.items() if survey.first < day < survey.last)
        return any(self._known[print_] > survey.prints[print_] for print_ in within)

    def _agrees(self, survey: Survey, opening: int, sums: Mapping[date, int]) -> bool:
        """Tell whether a statement's balances are those of the chain; its outermost days may be told in part."""
        first, last = survey.first, survey.last
        before = opening + sum(ore for day, ore in sums.items() if day < first)
        through = opening + sum(ore for day, ore in sums.items() if day <= last)
        untold_first, untold_last = sums.get(first, 0) - survey.on(first), sums.get(last, 0) - survey.on(last)
        begins = survey.opening in (before, before + untold_first)
        ends = survey.closing in (through, through - untold_last)
        return (begins and ends) or self._stands(survey)

    def _stands(self, survey: Survey) -> bool:
        """Tell whether a statement between these balances stands already, such as the second of three of one day."""
        return any(
            (opening, last, closing) == (survey.opening, survey.last, survey.closing)
            for _, opening, last, closing in self._statements
        )

    def explained(self, survey: Survey) -> Text:
        """Say why a statement does not tie, with days and amounts."""
        named = Text(f"kontoudtog {survey.bank_id}, konto {survey.account}: ",
                     f"statement {survey.bank_id}, account {survey.account}: ")  # fmt: skip
        ends = next(self._ends(), None)
        if ends is None:
            return named + Text("de kendte kontoudtog hænger ikke sammen; efterregn alt",
                                "the known statements do not tie together; verify all")  # fmt: skip
        if survey.first >= self._last:
            return named + _gap(survey.first, survey.opening, self._last, ends.closing)
        if survey.last <= self._first:
            return named + _gap_before(survey.last, survey.closing, self._first, ends.opening)
        return named + self._difference(survey, ends)

    def _difference(self, survey: Survey, ends: _Ends) -> Text:
        days = {*survey.days.values(), *(day for day in self._days.values() if survey.first <= day <= survey.last)}
        for day in sorted(days):
            told, known = survey.on(day), self._sums.get(day, 0)
            if told != known and self._first < day < self._last:
                da, en = _written(told, known)
                return Text(
                    f"overlapper det, der er taget ind, men {day} bevægede der sig {da[0]} efter filen og {da[1]} "
                    "efter det kendte",
                    f"overlaps what was taken in, but on {day} {en[0]} moved by the file and {en[1]} by what is known",
                )
        before = ends.opening + sum(ore for day, ore in self._sums.items() if day < survey.first)
        da, en = _written(survey.opening, before)
        return Text(
            f"overlapper det, der er taget ind, men begynder {survey.first} med {da[0]}, hvor saldoen var {da[1]}, "
            "eller har andre posteringer samme dag",
            f"overlaps what was taken in, but begins on {survey.first} with {en[0]}, where the balance was {en[1]}, "
            "or has other transactions that day",
        )


def _gap(first: date, opening: int, last: date, closing: int) -> Text:
    da, en = _written(opening, closing, opening - closing)
    return Text(
        f"begynder {first} med {da[0]}, men det forrige sluttede {last} med {da[1]}: der mangler {da[2]} imellem. "
        "Tag først kontoudtoget for dagene imellem ind",
        f"begins on {first} with {en[0]}, but the one before ended on {last} with {en[1]}: {en[2]} are missing "
        "between. Take in the statement of the days between first",
    )


def _gap_before(last: date, closing: int, first: date, opening: int) -> Text:
    da, en = _written(closing, opening, opening - closing)
    return Text(
        f"slutter {last} med {da[0]}, men det næste begynder {first} med {da[1]}: der mangler {da[2]} imellem. "
        "Tag først kontoudtoget for dagene imellem ind",
        f"ends on {last} with {en[0]}, but the next one begins on {first} with {en[1]}: {en[2]} are missing between. "
        "Take in the statement of the days between first",
    )


def _written(*ore: int) -> tuple[list[str], list[str]]:
    texts = [language.kroner(Money(each)) for each in ore]
    return [text.da for text in texts], [text.en for text in texts]


def join(chain: Chain, surveys: Sequence[Survey]) -> Survey | None:
    """Tie statements in whatever order they tie; give the first that does not, None where all do."""
    left = sorted(surveys, key=lambda survey: (survey.first, survey.last, survey.opening_on))
    while left:
        still = [survey for survey in left if not chain.tie(survey)]
        if len(still) == len(left):
            return still[0]
        left = still
    return None
