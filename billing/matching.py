"""What a payment was for: the rules in their order, from the most certain. Plain functions; nothing is read or written.

FIK id, RF reference, invoice numbers in the text with the amount, the amount with a known payer. What is certain says
so and can be matched without hands; everything else is a suggestion, with its explanation, for a person to take. A
wrong match is worse than none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal, NamedTuple

from stdnum import iso11649

from billing import ledger, payment_id
from billing.balances import Owed
from foundation.language import Text, joined, kroner
from foundation.money import ZERO, Money, total

Rule = Literal["fik", "rf", "number", "payer", "refund", "hand", "credit", "overpaid", "undone"]

_MOST_SUGGESTIONS = 3
_REAL_INVOICE = "11"  # what a FIK id of a real invoice begins with, see `payment_id`
_FIK_LENGTH = 15


class Outcome(StrEnum):
    """What was found about a payment."""

    EXACT = "exact"
    PARTIAL = "partial"
    EXCESS = "excess"
    ALREADY_PAID = "already_paid"
    WRITTEN_OFF = "written_off"
    DUPLICATE = "duplicate"
    OTHER_BILL = "other_bill"  # it names a bill that is none of ours
    NOTHING_OPEN = "nothing_open"  # the payer is known, and owes nothing
    OUTGOING = "outgoing"
    UNKNOWN = "unknown"


OUTCOMES: Mapping[Outcome, Text] = {
    Outcome.EXACT: Text("Passer præcis", "Exact"),
    Outcome.PARTIAL: Text("Delvis betaling", "Partial"),
    Outcome.EXCESS: Text("Betalt for meget", "Excess"),
    Outcome.ALREADY_PAID: Text("Allerede betalt", "Already paid"),
    Outcome.WRITTEN_OFF: Text("Afskrevet før", "Written off before"),
    Outcome.DUPLICATE: Text("Betalt to gange", "Duplicate"),
    Outcome.OTHER_BILL: Text("En anden regning", "Another bill"),
    Outcome.NOTHING_OPEN: Text("Betaleren skylder intet", "The payer owes nothing"),
    Outcome.OUTGOING: Text("Udbetaling", "Outgoing"),
    Outcome.UNKNOWN: Text("Ukendt betaler", "Unknown payer"),
}

#: What to do about each.
NEXT_STEPS: Mapping[Outcome, Text] = {
    Outcome.EXACT: Text("Tag forslaget, hvis det passer", "Take the suggestion if it fits"),
    Outcome.PARTIAL: Text(
        "Placér beløbet på fakturaen; resten står stadig som skyldig",
        "Place the amount on the invoice; the rest is still owed",
    ),
    Outcome.EXCESS: Text(
        "Placér fakturaens beløb; resten står til myndighedens gode og kan bruges eller betales tilbage",
        "Place what the invoice owes; the rest stands to the authority's credit, to be used or paid back",
    ),
    Outcome.ALREADY_PAID: Text(
        "Sæt beløbet til myndighedens gode; forbered derefter en tilbagebetaling, eller brug det på en anden faktura",
        "Put the amount to the authority's credit; then prepare a refund, or use it on another invoice",
    ),
    Outcome.WRITTEN_OFF: Text(
        "Placér beløbet på fakturaen; afskrivningen føres tilbage med det, der kom",
        "Place the amount on the invoice; the write-off goes back by what came",
    ),
    Outcome.DUPLICATE: Text(
        "Sæt beløbet til myndighedens gode, og forbered en tilbagebetaling",
        "Put the amount to the authority's credit, and prepare a refund",
    ),
    Outcome.OTHER_BILL: Text(
        "Spørg betaleren, hvad beløbet er for; placér det med håndkraft",
        "Ask the payer what the money is for; place it by hand",
    ),
    Outcome.NOTHING_OPEN: Text(
        "Sæt beløbet til myndighedens gode, eller spørg betaleren, hvad det er for",
        "Put the amount to the authority's credit, or ask the payer what it is for",
    ),
    Outcome.OUTGOING: Text(
        "Placér beløbet på en besluttet tilbagebetaling eller på en konto",
        "Place the amount on a decided refund, or on an account",
    ),
    Outcome.UNKNOWN: Text(
        "Find betaleren på bankens bilag; placér beløbet med håndkraft",
        "Find the payer on the bank's voucher; place the amount by hand",
    ),
}


#: What is found without a rule that says whose it is; its suggestions are guesses.
_GUESSED = (Outcome.OTHER_BILL, Outcome.UNKNOWN)
_TAKE_OR = Text("Tag forslaget, hvis det passer. Ellers: ", "Take the suggestion if it fits. Otherwise: ")


class Paid(NamedTuple):
    """A bank transaction with what of it has not found its place."""

    id: int
    account: str
    booked_on: date
    amount: Money
    left: Money
    fik_id: str
    creditor_reference: str
    message: str
    payer: str
    payer_account: str


class Part(NamedTuple):
    """Where some of a payment goes: an invoice, a refund, an account, or else an authority's credit.

    With an invoice and the account of charges: what the reminders of that invoice charge. With a product: a single
    contribution to its fund, and the authority is who gave it, where it was one.
    """

    amount: Money
    authority_id: int | None = None
    invoice_id: int | None = None
    refund_id: int | None = None
    account: str | None = None
    product: str | None = None

    @property
    def is_charge(self) -> bool:
        """Tell whether it pays what reminders charge."""
        return self.invoice_id is not None and self.account == ledger.CHARGES_OWED


_NOTHING = Text("", "")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Where a payment may belong, by which rule, and why that is thought."""

    rule: Rule
    parts: tuple[Part, ...]
    why: Text


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about a payment; `is_certain` where its first suggestion needs no hands."""

    outcome: Outcome
    suggestions: tuple[Suggestion, ...] = ()
    is_certain: bool = False
    why: Text = _NOTHING

    @property
    def next_step(self) -> Text:
        """Say what to do about it."""
        if self.suggestions and self.outcome in _GUESSED:
            return _TAKE_OR + NEXT_STEPS[self.outcome]
        return NEXT_STEPS[self.outcome]


class RefundDue(NamedTuple):
    """A refund that is decided and not yet paid out."""

    id: int
    authority_id: int
    amount: Money


@dataclass
class Known:
    """What payments are held against. It changes as matches are made: `settle` takes off what was paid."""

    owed: dict[int, Owed]  # all that owe something, and those settled that the payments name
    names: Mapping[str, int | None]  # folded names of authorities; None where two have the same
    accounts: Mapping[str, int | None]  # accounts that authorities have paid from; None where several have
    titles: Mapping[int, str] = field(default_factory=dict)  # names of authorities
    paid_amounts: dict[int, set[int]] = field(default_factory=dict)  # øre paid so far, by invoice
    refunds: list[RefundDue] = field(default_factory=list)
    charges: dict[int, Money] = field(default_factory=dict)  # what reminders charge and is not paid, by invoice
    numbers: dict[str, int] = field(init=False)
    by_authority: dict[int, set[int]] = field(init=False)
    by_amount: dict[int, set[int]] = field(init=False)
    stems: dict[str, int | None] = field(init=False)

    def __post_init__(self) -> None:
        self.stems = {}
        for id_, title in self.titles.items():
            stem = _stem(title)
            self.stems[stem] = None if stem in self.stems else id_
        self.numbers, self.by_authority, self.by_amount = {}, defaultdict(set), defaultdict(set)
        for owed in self.owed.values():
            self.numbers[owed.number] = owed.invoice_id
            self._enter(owed)

    def _enter(self, owed: Owed) -> None:
        if owed.outstanding.ore > 0:
            self.by_authority[owed.authority_id].add(owed.invoice_id)
            self.by_amount[owed.outstanding.ore].add(owed.invoice_id)

    def settle(self, invoice_id: int, amount: Money) -> None:
        """Take a payment off what an invoice owes, for the payments that come after it."""
        owed = self.owed[invoice_id]
        self.by_amount[owed.outstanding.ore].discard(invoice_id)
        self.by_authority[owed.authority_id].discard(invoice_id)
        owed = owed._replace(paid=owed.paid + amount, outstanding=owed.outstanding - amount)
        self.owed[invoice_id] = owed
        self.paid_amounts.setdefault(invoice_id, set()).add(amount.ore)
        self._enter(owed)

    def charge_of(self, invoice_id: int) -> Money:
        """Give what is still owed of what an invoice's reminders charge."""
        return self.charges.get(invoice_id, ZERO)

    def charged_to(self, authority_id: int) -> list[Owed]:
        """Give the invoices of an authority whose reminders charge what is not paid."""
        return [self.owed[id_] for id_, charge in self.charges.items()
                if charge.ore > 0 and self.owed[id_].authority_id == authority_id]  # fmt: skip

    def open_of(self, authority_id: int) -> list[Owed]:
        """Give what an authority owes, the oldest first."""
        found = [self.owed[id_] for id_ in self.by_authority.get(authority_id, ())]
        return sorted(found, key=lambda owed: (owed.due_on, owed.invoice_id))

    def payer(self, paid: Paid) -> tuple[int | None, bool]:
        """Give who paid, where the account or the whole name says so, and whether the two contradict each other."""
        by_account = self.accounts.get(paid.payer_account) if paid.payer_account else None
        by_name = self.names.get(folded(paid.payer)) if paid.payer else None
        if by_account is not None and by_name is not None and by_account != by_name:
            return None, True
        return (by_account if by_account is not None else by_name), False

    def mentioned(self, paid: Paid) -> int | None:
        """Give the one authority whose name, or its place, stands within the payer's; None for none or several."""
        words = folded(paid.payer).split()
        spans = {" ".join(words[at : at + count]) for count in range(1, _LONGEST_NAME + 1) for at in range(len(words))}
        found = {id_ for span in spans if (id_ := self.stems.get(span, self.names.get(span))) is not None}
        return found.pop() if len(found) == 1 else None


_LONGEST_NAME = 6  # words of an authority's name
_KINDS_OF_AUTHORITY = re.compile(r"\b(kommune|region|kommunes)\b")


def _stem(name: str) -> str:
    """Give the place in an authority's name."""
    return " ".join(_KINDS_OF_AUTHORITY.sub(" ", folded(name)).split())


_NOT_LETTERS = re.compile(r"[^0-9a-zæøå]+")


def folded(name: str) -> str:
    """Write a name as names are compared: letters and digits, small, aa as å."""
    return " ".join(_NOT_LETTERS.sub(" ", name.casefold()).split()).replace("aa", "å")


# --- what a payment names

_FIK_IN_TEXT = re.compile(r"(?<!\d)\d{15}(?!\d)")
_NUMBER = re.compile(r"(?<![\d-])(\d{4}-\d{4,8})(?![\d-])")
_LOOSE_NUMBER = re.compile(r"(?<![\d-])((?:19|20)\d{2})[ /.]?(\d{4,8})(?![\d-])")


def numbers_named(paid: Paid) -> set[str]:
    """Give every invoice number that a payment may name, sure or not, so that all can be read at once."""
    named = {number for _, number in _references(paid)}
    return named | set(_NUMBER.findall(paid.message)) | set(_loose(paid.message))


def _references(paid: Paid) -> Iterator[tuple[Rule, str]]:
    """Give the invoice numbers behind FIK ids and RF references whose check digits are right."""
    given = paid.fik_id or next(iter(_FIK_IN_TEXT.findall(paid.message)), "")
    if payment_id.is_valid(given):
        yield "fik", number_of(given)
    reference = paid.creditor_reference
    if reference and iso11649.is_valid(reference):
        inner = str(iso11649.compact(reference))[4:].lstrip("0")
        if payment_id.is_valid(inner):
            yield "rf", number_of(inner)
        elif inner.isdigit() and len(inner) >= 8:
            yield "rf", f"{inner[:4]}-{inner[4:]}"


def number_of(fik_id: str) -> str:
    """Give the number of the invoice that a FIK id was made for; an id of another kind gives none that exists."""
    if not fik_id.startswith(_REAL_INVOICE):
        return f"FIK {fik_id}"
    return f"{fik_id[2:6]}-{int(fik_id[6:14]):04d}"


def _loose(text: str) -> list[str]:
    return [f"{year}-{sequence}" for year, sequence in _LOOSE_NUMBER.findall(text)]


# --- the rules, in their order


def find(paid: Paid, known: Known) -> Finding:
    """Tell what a payment was for: the first rule that finds something says it."""
    if paid.amount.ore < 0:
        return _outgoing(paid, known)
    for rule in (_by_reference, _by_number, _by_payer):
        if (found := rule(paid, known)) is not None:
            return found
    return Finding(Outcome.UNKNOWN, tuple(_guesses(paid, known)))


def _by_reference(paid: Paid, known: Known) -> Finding | None:
    for rule, number in _references(paid):
        if (id_ := known.numbers.get(number)) is not None:
            return _named(paid, known, rule, known.owed[id_])
        why = Text(f"betalingen nævner {number}, som ikke er en af vores fakturaer",
                   f"the payment names {number}, which is none of our invoices")  # fmt: skip
        return Finding(Outcome.OTHER_BILL, tuple(_guesses(paid, known)), why=why)
    return None


_RULES: Mapping[str, Text] = {
    "fik": Text("betalings-id'et hører til", "the payment id is that of"),
    "rf": Text("RF-referencen hører til", "the RF reference is that of"),
    "number": Text("teksten nævner", "the text names"),
}


def _named(paid: Paid, known: Known, rule: Rule, owed: Owed) -> Finding:
    """Say what a payment that names one invoice comes to."""
    named = _RULES[rule] + Text(f" faktura {owed.number}", f" invoice {owed.number}")
    left, open_, charge = paid.left, owed.outstanding, known.charge_of(owed.invoice_id)
    if open_.ore <= 0 < owed.written_off.ore and charge.ore <= 0:
        return _written_off(left, rule, owed, named)
    if open_.ore <= 0 and (charge.ore <= 0 or left > charge):
        is_twin = paid.amount.ore in known.paid_amounts.get(owed.invoice_id, ())
        why = named + Text(", som er betalt eller krediteret før", ", which was paid or credited before")
        return Finding(
            Outcome.DUPLICATE if is_twin else Outcome.ALREADY_PAID,
            (Suggestion(rule, (Part(left, owed.authority_id),), why + _TO_CREDIT),), why=why,
        )  # fmt: skip
    parts = tuple(_shared(left, owed, charge))
    why = named + _compared(left, open_) + _with_charge(parts, charge)
    is_over = left > open_ + charge
    outcome = Outcome.EXCESS if is_over else Outcome.EXACT if left in (open_, open_ + charge) else Outcome.PARTIAL
    fits_another = outcome is not Outcome.EXACT and bool(known.by_amount.get(left.ore))
    if fits_another:
        why += Text("; men beløbet er præcis, hvad en anden faktura mangler", "; but it is just what another one owes")
    is_certain = rule in ("fik", "rf") and not fits_another and _is_whole(paid) and owed.issued_on <= paid.booked_on
    return Finding(outcome, (Suggestion(rule, parts, why),), is_certain, why)


def _written_off(left: Money, rule: Rule, owed: Owed, named: Text) -> Finding:
    """Say that money came of what was given up: a person takes it in."""
    came = min(left, owed.written_off)
    parts = (Part(came, owed.authority_id, owed.invoice_id), Part(left - came, owed.authority_id))
    why = named + Text(", som er afskrevet", ", which was written off")
    return Finding(Outcome.WRITTEN_OFF, (Suggestion(rule, tuple(part for part in parts if part.amount), why),), why=why)


def _shared(left: Money, owed: Owed, charge: Money) -> Iterator[Part]:
    """Share money out: the invoice first, then what its reminders charge; what is over stands to credit."""
    first = min(left, max(owed.outstanding, ZERO))
    second = min(left - first, charge)
    for part in (
        Part(first, owed.authority_id, owed.invoice_id),
        Part(second, owed.authority_id, owed.invoice_id, account=ledger.CHARGES_OWED),
        Part(left - first - second, owed.authority_id),
    ):
        if part.amount:
            yield part


def _with_charge(parts: Sequence[Part], charge: Money) -> Text:
    """Say what of the money pays what reminders charge."""
    paid = total(part.amount for part in parts if part.is_charge)
    if not paid:
        return _NOTHING
    goes, owed = kroner(paid), kroner(charge)
    return Text(f"; heraf {goes.da} til rykkernes gebyr og rente på {owed.da}",
                f"; of which {goes.en} for the reminders' fee and interest of {owed.en}")  # fmt: skip


_TO_CREDIT = Text(": sæt beløbet til myndighedens gode", ": put the amount to the authority's credit")


def _compared(left: Money, open_: Money) -> Text:
    if left == open_:
        return Text(", og beløbet er, hvad den mangler", ", and the amount is what it owes")
    owes = kroner(open_)
    return Text(f", som mangler {owes.da}", f", which owes {owes.en}")


def _is_whole(paid: Paid) -> bool:
    return paid.left == paid.amount


def _by_number(paid: Paid, known: Known) -> Finding | None:
    """Hold the numbers in the text against the amount: it must be just what all of them owe."""
    strict = [number for number in _NUMBER.findall(paid.message) if number in known.numbers]
    loose = [number for number in _loose(paid.message) if number in known.numbers]
    named = [known.owed[known.numbers[number]] for number in dict.fromkeys([*strict, *loose])]
    if not named:
        return None
    open_ = [owed for owed in named if owed.outstanding.ore > 0]
    is_one = not open_ or len(named) == 1
    found = _named(paid, known, "number", named[0]) if is_one else _several(paid, open_)
    is_certain = (
        found.outcome is Outcome.EXACT and not loose and _is_whole(paid) and _is_theirs(paid, known, open_)
        and all(owed.issued_on <= paid.booked_on for owed in open_)
    )  # fmt: skip
    return Finding(found.outcome, found.suggestions, is_certain, found.why)


def _several(paid: Paid, open_: Sequence[Owed]) -> Finding:
    """Say what a payment that names several invoices comes to: they are paid in the order of their due days."""
    ordered = sorted(open_, key=lambda owed: (owed.due_on, owed.invoice_id))
    owes = total(owed.outstanding for owed in ordered)
    listed = ", ".join(owed.number for owed in ordered)
    why = Text(f"teksten nævner {listed}", f"the text names {listed}") + _compared_all(paid.left, owes)
    outcome = Outcome.EXACT if paid.left == owes else Outcome.EXCESS if paid.left > owes else Outcome.PARTIAL
    return Finding(outcome, (Suggestion("number", tuple(_spread(paid.left, ordered)), why),), why=why)


def _compared_all(left: Money, owes: Money) -> Text:
    if left == owes:
        return Text(", og beløbet er, hvad de mangler tilsammen", ", and the amount is what they owe together")
    told = kroner(owes)
    return Text(f", som tilsammen mangler {told.da}", f", which owe {told.en} together")


def _spread(left: Money, ordered: Iterable[Owed]) -> Iterator[Part]:
    """Spread money over invoices in order; what is over goes to the credit of the last one's authority."""
    authority_id = None
    for owed in ordered:
        authority_id = owed.authority_id
        if not left:
            return
        part = min(left, owed.outstanding)
        yield Part(part, owed.authority_id, owed.invoice_id)
        left -= part
    if left:
        yield Part(left, authority_id)


def _is_theirs(paid: Paid, known: Known, open_: Sequence[Owed]) -> bool:
    """Tell whether the payer may be who owes these invoices.

    Where the payer is not known to be, the amount must be owed by no other invoice: a number can be mistyped.
    """
    authorities = {owed.authority_id for owed in open_}
    payer, contradicts = known.payer(paid)
    if contradicts or len(authorities) != 1:
        return False
    if payer is not None:
        return payer in authorities
    if known.mentioned(paid) in authorities:
        return True
    return len(open_) == 1 and known.by_amount.get(paid.left.ore) == {open_[0].invoice_id}


def _by_payer(paid: Paid, known: Known) -> Finding | None:
    """Hold the amount against what a known payer owes: one invoice, or all of them."""
    payer, _ = known.payer(paid)
    if payer is None:
        return None
    open_ = _issued_before(paid, known.open_of(payer))
    who = Text(f"betaleren er {known.titles.get(payer, '')}", f"the payer is {known.titles.get(payer, '')}")
    if not open_ and (charged := known.charged_to(payer)):
        return _fits_charges(paid, charged, known, who)
    if not open_:
        why = who + Text(", som intet skylder", ", which owes nothing")
        return Finding(Outcome.NOTHING_OPEN, (Suggestion("payer", (Part(paid.left, payer),), why + _TO_CREDIT),),
                       why=why)  # fmt: skip
    fitting = [owed for owed in open_ if owed.outstanding == paid.left]
    if len(fitting) == 1:
        return _fits(paid, fitting, who + Text(f", og kun {fitting[0].number} mangler det beløb",
                                               f", and only {fitting[0].number} owes that amount"))  # fmt: skip
    with_charge = [owed for owed in open_ if owed.outstanding + known.charge_of(owed.invoice_id) == paid.left]
    if not fitting and len(with_charge) == 1:
        return _fits_with_charge(paid, with_charge[0], known, who)
    owes = total(owed.outstanding for owed in open_)
    if not fitting and owes == paid.left:
        return _fits(paid, open_, who + Text(", og beløbet er alt, hvad den skylder", ", and that is all it owes"))
    if fitting:
        several = who + Text(", og flere af dens fakturaer mangler det beløb", ", and several invoices owe that amount")
        made = [Suggestion("payer", (Part(paid.left, payer, owed.invoice_id),),
                           several + Text(f": {owed.number}", f": {owed.number}")) for owed in fitting]  # fmt: skip
        return Finding(Outcome.EXACT, tuple(made[:_MOST_SUGGESTIONS]), why=several)
    why = who + _owes_all(owes)
    outcome = Outcome.EXCESS if paid.left > owes else Outcome.PARTIAL
    spread = Suggestion(
        "payer", tuple(_spread(paid.left, open_)), why + Text("; den ældste først", "; the oldest first")
    )
    return Finding(outcome, (spread,), why=why)


def _fits_with_charge(paid: Paid, owed: Owed, known: Known, who: Text) -> Finding:
    """Match what a known payer owes on one invoice and its reminders to the øre."""
    charge = known.charge_of(owed.invoice_id)
    parts = tuple(_shared(paid.left, owed, charge))
    told = Text(f", og kun {owed.number} mangler det beløb med rykkernes gebyr og rente",
                f", and only {owed.number} owes that amount with its reminders' fee and interest")  # fmt: skip
    why = who + told + _with_charge(parts, charge)
    is_certain = _is_whole(paid) and owed.issued_on <= paid.booked_on
    return Finding(Outcome.EXACT, (Suggestion("payer", parts, why),), is_certain, why)


def _fits_charges(paid: Paid, charged: Sequence[Owed], known: Known, who: Text) -> Finding:
    """Match what a known payer owes of reminders' charges alone: to the øre it is certain."""
    left, parts = paid.left, list[Part]()
    for owed in charged:
        part = min(left, known.charge_of(owed.invoice_id))
        if part:
            parts.append(Part(part, owed.authority_id, owed.invoice_id, account=ledger.CHARGES_OWED))
        left -= part
    if left:
        parts.append(Part(left, charged[0].authority_id))
    all_ = total(known.charge_of(owed.invoice_id) for owed in charged)
    owes = kroner(all_)
    why = who + Text(f", som kun skylder gebyr og rente på rykkere, {owes.da}",
                     f", which owes the fee and interest of reminders alone, {owes.en}")  # fmt: skip
    outcome = Outcome.EXACT if paid.left == all_ else Outcome.EXCESS if left else Outcome.PARTIAL
    is_certain = outcome is Outcome.EXACT and _is_whole(paid)
    return Finding(outcome, (Suggestion("payer", tuple(parts), why),), is_certain, why)


def _issued_before(paid: Paid, open_: list[Owed]) -> list[Owed]:
    """Give those that were issued when it was paid; all of them where none was."""
    return [owed for owed in open_ if owed.issued_on <= paid.booked_on] or open_


def _owes_all(owes: Money) -> Text:
    told = kroner(owes)
    return Text(f", som skylder {told.da} i alt", f", which owes {told.en} in all")


def _fits(paid: Paid, open_: Sequence[Owed], why: Text) -> Finding:
    """Match what a known payer owes to the øre."""
    parts = tuple(Part(owed.outstanding, owed.authority_id, owed.invoice_id) for owed in open_)
    is_certain = _is_whole(paid) and all(owed.issued_on <= paid.booked_on for owed in open_)
    return Finding(Outcome.EXACT, (Suggestion("payer", parts, why),), is_certain, why)


def _outgoing(paid: Paid, known: Known) -> Finding:
    """Suggest the decided refunds of the same amount; a person takes one."""
    fitting = [due for due in known.refunds if due.amount == -paid.left]
    made = [
        Suggestion(
            "refund", (Part(paid.left, due.authority_id, refund_id=due.id),),
            Text(f"en besluttet tilbagebetaling til {known.titles.get(due.authority_id, '')} har samme beløb",
                 f"a decided refund to {known.titles.get(due.authority_id, '')} has the same amount"),
        )
        for due in fitting[:_MOST_SUGGESTIONS]
    ]  # fmt: skip
    return Finding(Outcome.OUTGOING, tuple(made))


# --- guesses, for a person to look at


def _guesses(paid: Paid, known: Known) -> Iterator[Suggestion]:
    """Give what the amount and what is nearly right in the reference or the name point to; never certain."""
    all_ = [known.owed[id_] for id_ in sorted(known.by_amount.get(paid.left.ore, ()))]
    fitting = [owed.invoice_id for owed in _issued_before(paid, all_)]
    near = [id_ for id_ in fitting if paid.fik_id and _is_near(paid.fik_id, known.owed[id_].number)]
    mentioned = known.mentioned(paid)
    theirs = [id_ for id_ in fitting if known.owed[id_].authority_id == mentioned]
    told = [(id_, _NEARLY) for id_ in near] + [(id_, _MENTIONED) for id_ in theirs if id_ not in near]
    if not told and len(fitting) == 1:
        told = [(fitting[0], _ONLY)]
    for id_, why in told[:_MOST_SUGGESTIONS]:
        owed = known.owed[id_]
        told_of = Text(f"{owed.number}: ", f"{owed.number}: ")
        yield Suggestion("hand", (Part(paid.left, owed.authority_id, id_),), told_of + why)
    if not told and mentioned is not None:
        yield from _spread_guess(paid, known, mentioned)


_NEARLY = Text("mangler netop det beløb, og betalings-id'et ligner dens, men er tastet forkert",
               "owes just that amount, and the payment id is like its own, but mistyped")  # fmt: skip
_MENTIONED = Text("mangler netop det beløb, og myndighedens navn står i betalerens navn",
                  "owes just that amount, and the authority's name stands in the payer's name")  # fmt: skip
_ONLY = Text("er den eneste faktura, der mangler netop det beløb", "is the only invoice that owes just that amount")


def _spread_guess(paid: Paid, known: Known, authority_id: int) -> Iterator[Suggestion]:
    open_ = _issued_before(paid, known.open_of(authority_id))
    if open_:
        name = known.titles.get(authority_id, "")
        why = Text(f"{name} står i betalerens navn; den ældste faktura først",
                   f"{name} stands in the payer's name; the oldest invoice first")  # fmt: skip
        yield Suggestion("hand", tuple(_spread(paid.left, open_)), why)


def _is_near(typed: str, number: str) -> bool:
    """Tell whether an id differs from an invoice's in one digit, or by two that changed places."""
    if not (typed.isdigit() and len(typed) == _FIK_LENGTH):
        return False
    year, _, sequence = number.partition("-")
    right = payment_id.for_invoice(int(year), int(sequence), rehearsal=False)
    differing = [at for at in range(_FIK_LENGTH) if typed[at] != right[at]]
    return len(differing) == 1 or (
        len(differing) == 2
        and typed[differing[0]] == right[differing[1]] and typed[differing[1]] == right[differing[0]]
    )  # fmt: skip


def told(parts: Sequence[Part], numbers: Mapping[int, str], titles: Mapping[int, str]) -> Text:
    """Say where money goes, in words."""
    return joined([_told(part, numbers, titles) for part in parts], by="; ")


def _told(part: Part, numbers: Mapping[int, str], titles: Mapping[int, str]) -> Text:
    amount = kroner(part.amount)
    if part.invoice_id is not None:
        number = numbers.get(part.invoice_id, "")
        if part.is_charge:
            return Text(f"{amount.da} til gebyr og rente på rykkere for {number}",
                        f"{amount.en} to the fee and interest of reminders of {number}")  # fmt: skip
        return Text(f"{amount.da} til {number}", f"{amount.en} to {number}")
    if part.account is not None:
        return Text(f"{amount.da} til konto {part.account}", f"{amount.en} to account {part.account}")
    name = titles.get(part.authority_id or 0, "")
    if part.refund_id is not None:
        return Text(f"{amount.da}, tilbagebetaling til {name}", f"{amount.en}, refund to {name}")
    return Text(f"{amount.da} til gode for {name}", f"{amount.en} to the credit of {name}")
