"""What people and programs send, read by one schema an act: forms and the API share them. Unknown members are refused.

Texts are composed and checked as everything that paper and XML must show; numbers and truths are exactly that. Every
fault is told in Danish and in English at its field: `faults` gives them, for a form and for problem JSON alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Self

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from agreements import billing_details
from agreements.road import guide, implementation
from app.access import Role
from app.identity import tokens, users
from billing.deliveries import CHANNELS
from billing.funding import comments, disclosures, remarks
from billing.interest import MOST_RATES
from foundation import wording
from foundation.language import LANGUAGES, Text, same

#: The years a fee is for, and the days an invoice can bear.
FIRST_YEAR, LAST_YEAR = 2000, 2199
#: The longest decision or settings, in characters, as they are kept.
LONGEST_DECISION = 20_000

_WHOLE = re.compile(r"-?[0-9]{1,9}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST_ADDRESS = 2_000

_EMPTY = Text("må ikke være tomt", "must not be empty")
_MISSING = Text("skal angives", "must be given")
_UNKNOWN = Text("kendes ikke her", "is not known here")


class Shared(Schema):
    """A schema that is what its class says, and never changed: whoever copies what is documented by it may share it.

    flask-smorest copies all that is known of an operation with each thing more that is said of it. Copying schemas
    was most of a server's start.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Give itself."""
        return self


class Strict(Shared):
    """A schema that refuses what it does not know, so that nothing is set that was not meant to be."""

    class Meta:
        unknown = RAISE

    error_messages: dict[str, Any] = {  # noqa: RUF012 - as marshmallow declares it
        "unknown": _UNKNOWN,
        "type": Text("skal være et objekt", "must be an object"),
    }


def faults(messages: Any, path: str = "") -> Iterator[tuple[str, Text]]:
    """Give every fault of a refusal by its place, such as `lines.0`."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            here = "" if name == "_schema" else str(name)[:80]
            yield from faults(inner, ".".join(filter(None, (path, here))))
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield path, message if isinstance(message, Text) else same(str(message))


def refusal(text: Text) -> ValidationError:
    """Give the refusal of one field, in both languages."""
    return ValidationError([text])


# --- what a field may hold


def _messages(names: Iterable[str], text: Text) -> dict[str, Any]:
    return dict.fromkeys(names, text)  # marshmallow passes them on as they are


class _Told(fields.Field[Any]):
    """A field that says what is wrong in both languages; `said` has better words where a form needs them."""

    default_error_messages = (
        _messages(("required",), _MISSING)
        | _messages(("null",), Text("må ikke være null", "must not be null"))
        | _messages(("invalid", "validator_failed"), Text("kan ikke bruges", "cannot be used"))
    )

    def __init__(self, *given: Any, said: Text | None = None, **other: Any) -> None:
        better: Any = dict.fromkeys(("required", "invalid"), said) if said else None
        super().__init__(*given, error_messages=better, **other)
        self.said = said

    def _or(self, text: Text) -> ValidationError:
        return refusal(self.said or text)


class _String(_Told, fields.String):
    default_error_messages = _messages(("invalid", "invalid_utf8"), Text("skal være en tekst", "must be a text"))


#: More than any amount here: a thousand million kroner.
_MOST_ORE = 100_000_000_000


class Words(_String):
    """A text that paper and XML can show."""

    def __init__(self, longest: int = wording.LONGEST_TEXT, *, may_be_empty: bool = False, **other: Any) -> None:
        self._longest = longest
        self._may_be_empty = may_be_empty
        least = {} if may_be_empty else {"minLength": 1}
        super().__init__(metadata={"maxLength": longest, **least, **other.pop("metadata", {})}, **other)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> str:
        words = wording.composed(super()._deserialize(value, attr, data, **other)).strip()
        if fault := wording.fault(words, self._longest):
            raise refusal(fault)
        if not words and not self._may_be_empty:
            raise self._or(_EMPTY)
        return words


class Typed(_String):
    """A text as it was typed, for whom it is for to judge: bounded in length, its lines ended in one way."""

    def __init__(self, longest: int, *, may_be_empty: bool = True, **other: Any) -> None:
        self._longest = longest
        self._may_be_empty = may_be_empty
        least = {} if may_be_empty else {"minLength": 1}
        super().__init__(metadata={"maxLength": longest, **least, **other.pop("metadata", {})}, **other)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> str:
        words: str = super()._deserialize(value, attr, data, **other)
        words = words.replace("\r\n", "\n").replace("\r", "\n")
        if len(words) > self._longest:
            raise refusal(Text(f"har over {self._longest} tegn", f"has more than {self._longest} characters"))
        if not words and not self._may_be_empty:
            raise self._or(_EMPTY)
        return words


class Formed(_String):
    """A text of a form, from its first to its last character."""

    def __init__(self, form: str, *, metadata: Mapping[str, Any] | None = None, **other: Any) -> None:
        self._form = re.compile(form)
        super().__init__(metadata={"pattern": f"^{form}$", **(metadata or {})}, **other)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> str:
        words: str = super()._deserialize(value, attr, data, **other)
        if not self._form.fullmatch(words):
            raise self._or(
                Text("har ikke den form, dokumentationen nævner", "is not of the form the documentation names")
            )
        return words


class Chosen(_String):
    """One of the words there are."""

    def __init__(self, choices: Iterable[str], **other: Any) -> None:
        self.choices = tuple(choices)
        super().__init__(metadata={"enum": list(self.choices), **other.pop("metadata", {})}, **other)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> str:
        words: str = super()._deserialize(value, attr, data, **other)
        if words not in self.choices:
            listed = ", ".join(self.choices)
            raise self._or(Text(f"skal være en af: {listed}", f"must be one of: {listed}"))
        return words


class Between(validate.Range):
    """A bound that says so in both languages."""

    def __call__(self, value: Any) -> Any:
        """Give the value. Raises ValidationError where it is beyond the bounds."""
        if not self.min <= value <= self.max:
            raise refusal(Text(f"skal være {self.min} til {self.max}", f"must be {self.min} to {self.max}"))
        return value


class Whole(_Told, fields.Integer):
    """A whole number: a JSON number without a fraction, or in a form and an address its digits."""

    default_error_messages = _messages(
        ("invalid", "too_large"), Text("skal være et helt tal", "must be a whole number")
    )

    def __init__(self, least: int, most: int, **other: Any) -> None:
        super().__init__(validate=Between(least, most), **other)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and _WHOLE.fullmatch(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **other)


class Truth(_Told, fields.Boolean):
    """True or false, and nothing that looks like it; a ticked box of a form is "on"."""

    default_error_messages = _messages(("invalid",), Text("skal være true eller false", "must be true or false"))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> bool:
        if value is True or value == "on":
            return True
        if value is False:
            return False
        raise self.make_error("invalid", input=value)


class Day(_Told, fields.Date):
    """A day as YYYY-MM-DD, of the years there are."""

    default_error_messages = _messages(
        ("invalid", "invalid_awareness", "format"),
        Text("skal være en dag som 2027-01-31", "must be a day such as 2027-01-31"),
    )

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> date:
        if isinstance(value, str) and _DAY.fullmatch(value) and FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise self.make_error("invalid")


class AtMost(validate.Length):
    """So many members of a list, said in both languages."""

    def __call__(self, value: Any) -> Any:
        """Give the value. Raises ValidationError where there are more."""
        if self.max is not None and len(value) > self.max:
            raise refusal(Text(f"højst {self.max}", f"at most {self.max}"))
        return value


class DayOrNone(Day):
    """A day that a form always has a field for, empty where there is none."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> Any:
        return None if value == "" else super()._deserialize(value, attr, data, **other)


class Several(_Told, fields.List[Any]):
    """A bounded list; in a form, a field that is sent several times."""

    default_error_messages = _messages(("invalid",), Text("skal være en liste", "must be a list"))

    def __init__(self, of: fields.Field[Any], most: int, **other: Any) -> None:
        self._most = most
        super().__init__(of, validate=AtMost(max=most), **other)


class Part(_Told, fields.Nested):
    """A member of what is sent that has members itself."""

    default_error_messages = _messages(("type",), Text("skal være et objekt", "must be an object"))


class File(_Told, fields.Raw):
    """A file of a form; an empty field of a form sends one without a name."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> Any:
        name = getattr(value, "filename", None)
        if name:
            return value
        if self.required or name is None:
            raise self.make_error("required")
        return None


def book() -> Chosen:
    """Give a field for the book: real, or a rehearsal that binds nobody."""
    described = {"description": "`real`, or `rehearsal`, which binds nobody"}
    return Chosen(("real", "rehearsal"), load_default="real", metadata=described)


def _reason(words: Text) -> Words:
    return Words(required=True, said=words)


# --- the year


class HandOver(Strict):
    """A plan handed over for another person's approval, or approved, by its digest."""

    digest = Formed("[0-9a-f]{64}", required=True, metadata={"description": "of the plan that was read"})
    book = book()


class PlanReturned(Strict):
    """A plan sent back to who handed it over."""

    reason = _reason(Text("skriv, hvad der skal rettes", "write what is to be mended"))
    book = book()


class OfBook(Strict):
    """An act on a year of one book."""

    book = book()


class Issuing(Strict):
    """Issuing what another person approved."""

    book = book()
    dated = Day(
        allow_none=True, metadata={"description": "today without it"},
        said=Text("Skriv fakturadatoen som 2027-01-15", "Write the day of the invoices like 2027-01-15"),
    )  # fmt: skip


# --- credit notes, and what another person decides


class CreditOrder(Strict):
    """Taking an invoice, or lines of it, back."""

    number = Words(40, required=True, metadata={"description": "of the invoice"})
    lines = Several(Whole(1, 10_000), 1_000, metadata={"description": "positions; all that is left without them"})
    reason = Words(
        required=True, metadata={"description": "stands on the credit note"},
        said=Text("Skriv en grund: den kommer til at stå på kreditnotaen",
                  "Give a reason: it will stand on the note"),
    )  # fmt: skip
    then_reissue = Truth(load_default=False, metadata={"description": "whether the next plan proposes the lines again"})


class TakenSuggestion(Strict):
    """Taking a suggestion: exactly the one that was shown."""

    parts = Words(8_000, required=True)


class Placement(Strict):
    """Placing a payment by hand: on invoices, what reminders charge, a credit, an account, a refund, or in a fund."""

    number = Several(Words(40, may_be_empty=True), 200, load_default=list)
    amount = Several(Words(40, may_be_empty=True), 200, load_default=list)
    charged = Several(Words(40, may_be_empty=True), 200, load_default=list)
    charge = Several(Words(40, may_be_empty=True), 200, load_default=list)
    credit_to = Words(8)
    credit_amount = Words(40)
    account = Words(40)
    account_amount = Words(40)
    fund = Words(200)
    fund_amount = Words(40)
    giver = Words(8)
    refund = Whole(1, 999_999_999)
    why = Words(required=True, said=Text("Skriv, hvorfor beløbet hører til dér", "Write why the money belongs there"))


class Undoing(Strict):
    """Undoing what was wrong."""

    reason = _reason(Text("skriv, hvorfor det ophæves", "write why it is undone"))


class AskedBack(Strict):
    """Preparing a refund of what stands to an authority's credit."""

    amount = Words(40, required=True, said=Text("Skriv et beløb i kroner", "Write an amount in kroner"))
    reason = Words(required=True, said=Text("Skriv en grund", "Give a reason"))


class PlacementOf(Strict):
    """Placing some of a payment at one place: an invoice, its reminders' charges, a credit, an account, a fund …"""

    transaction = Whole(1, 999_999_999, required=True, metadata={"description": "the payment's `id`"})
    amount_ore = Whole(
        -_MOST_ORE, _MOST_ORE, required=True, metadata={"description": "below zero where money went out"}
    )
    number = Words(40, metadata={"description": "of the invoice"})
    charges = Truth(load_default=False, metadata={"description": "what the invoice's reminders charge, not itself"})
    cvr = Formed("[0-9]{8}", metadata={"description": "to this authority's credit"})
    account = Words(40)
    product = Words(200, metadata={"description": "as a single contribution to this product's fund"})
    giver = Formed("[0-9]{8}", metadata={"description": "the authority that gave a contribution, where one did"})
    refund = Whole(1, 999_999_999)
    why = Words(required=True)


class UndoingOf(Undoing):
    """The same, of a match by its number."""

    match = Whole(1, 999_999_999, required=True, metadata={"description": "its `id` in the payment's matches"})


class RefundOf(Strict):
    """Preparing a refund of what stands to an authority's credit."""

    cvr = Formed("[0-9]{8}", required=True)
    amount_ore = Whole(1, _MOST_ORE, required=True)
    reason = Words(required=True)


class WaiverOf(Strict):
    """Preparing to let go of what the reminders of an invoice charge."""

    number = Words(40, required=True, metadata={"description": "of the invoice"})
    amount_ore = Whole(1, _MOST_ORE, required=True)
    reason = Words(required=True)


class WriteOffOf(WaiverOf):
    """Preparing to write off what an invoice owes."""

    with_vat = Truth(load_default=False, metadata={"description": "the loss is certain, so that VAT is regained"})


class CreditUse(Strict):
    """Using what stands to an authority's credit on an invoice of its own."""

    number = Words(40, required=True, said=Text("Skriv fakturaens nummer", "Write the invoice's number"))
    amount = Words(40, required=True, said=Text("Skriv et beløb i kroner", "Write an amount in kroner"))


class GivenUp(AskedBack):
    """Preparing to write off what an invoice owes."""

    with_vat = Truth(load_default=False)


class DeliveryAgain(Strict):
    """Sending a document again: by the same way to the same place where nothing else is said."""

    channel = Chosen(CHANNELS, metadata={"description": "the same as before without it"})
    address = Words(40, metadata={"description": "a GLN or a CVR number; the same as before without it"})


class DeliveryAgainOf(DeliveryAgain):
    """The same, of a document by its number."""

    number = Words(40, required=True, metadata={"description": "of the invoice, credit note or reminder"})


class DeliveryByHand(Strict):
    """Noting that people have handed a document over outside the service."""

    reason = Words(may_be_empty=True, load_default="", metadata={"description": "how it was handed over, and why"})


class DeliveryByHandOf(DeliveryByHand):
    """The same, of a document by its number."""

    number = Words(40, required=True, metadata={"description": "of the invoice, credit note or reminder"})


class DeliveryRound(Strict):
    """A round of handing over."""

    year = Whole(FIRST_YEAR, LAST_YEAR, metadata={"description": "only what is of that year"})


class Approval(Strict):
    """Approving what is proposed: exactly the content with that digest, where it is said."""

    digest = Formed("[0-9a-f]{64}")


class Rejection(Strict):
    """Rejecting what is proposed."""

    reason = _reason(Text("skriv, hvorfor det afvises", "write why it is rejected"))


# --- reminders


class ReminderHandOver(Strict):
    """The plan of reminders handed over for another person's approval, by its digest."""

    digest = Formed("[0-9a-f]{64}", required=True, metadata={"description": "of the plan that was read"})


class HoldEntry(Strict):
    """An invoice that is disputed, or whose payment is promised by a day."""

    kind = Chosen(("disputed", "promised"), required=True)
    until = Day(said=Text("Skriv den lovede dag som 2027-01-31", "Give the promised day as 2027-01-31"))
    reason = _reason(Text("Skriv, hvad der er sagt, og af hvem", "Write what was said, and by whom"))


class HoldEnd(Strict):
    """The end of a dispute or a promise."""

    reason = _reason(Text("Skriv, hvorfor det ikke gælder mere", "Write why it counts no more"))


class WithdrawalOrder(Strict):
    """A member in arrears proposed as withdrawn."""

    cvr = Formed("[0-9]{8}", required=True)
    left_on = Day(required=True, said=Text("Skriv udmeldelsesdagen som 2028-01-01", "Give the day as 2028-01-01"))
    reason = _reason(Text("Skriv, hvorfor medlemmet foreslås udmeldt", "Write why it is proposed"))


class ReminderTermsText(Strict):
    """The terms of reminding, as TOML."""

    text = Typed(LONGEST_DECISION, required=True, may_be_empty=False)


class RateEntry(Strict):
    """The reference rate of a half-year, and where it was read."""

    valid_from = Day(required=True, said=Text("Skriv dagen som 2027-01-01", "Give the day as 2027-01-01"))
    percent = Typed(10, required=True, may_be_empty=False)
    source = _reason(Text("Skriv, hvor satsen er læst", "Write where the rate was read"))


class RatesOrder(Strict):
    """Reference rates of half-years, as a program proposes them."""

    rates = Several(
        Part(RateEntry), MOST_RATES, required=True,
        metadata={"description": "each `valid_from` (1 January or 1 July), `percent` such as 1.60, `source`"},
    )  # fmt: skip


class Nothing(Strict):
    """An act that needs no more than its address."""


# --- what things cost, and the association's settings


class TableText(Strict):
    """The TOML text of one fee table, size key or association's table."""

    text = Typed(LONGEST_DECISION, may_be_empty=False, required=True)


class SettingsText(Strict):
    """The TOML text of the association's settings."""

    text = Typed(LONGEST_DECISION, may_be_empty=False, required=True)


class MappingText(Strict):
    """The TOML text of a mapping of accounts."""

    text = Typed(LONGEST_DECISION, may_be_empty=False, required=True)


class ClosingOrder(Strict):
    """A period to be closed."""

    period = Words(
        30, required=True, metadata={"description": "2027, 2027-H1, 2027-Q1, 2027-03 or 2027-01-15..2027-03-31"}
    )


# --- reports of what funds have


class Question(Strict):
    """A question on a report, or an answer to one."""

    text = Typed(comments.LONGEST, required=True, may_be_empty=False,
                 said=Text("Skriv, hvad du vil sige", "Write what you have to say"))  # fmt: skip


class Remarks(Strict):
    """The remarks on a report, account by account; the whole has none. `seen` is the newest that stood there."""

    seen = Whole(0, 999_999_999, required=True)
    accounts = Several(Formed(r"[^\x00-\x1f]{0,40}"), 200, required=True)
    texts = Several(Typed(20_000), 200, required=True)


class RemarkOrder(Strict):
    """A remark on a report as a program writes it."""

    product = Words(wording.LONGEST_PRODUCT, required=True, metadata={"description": "or `OS2` for the association"})
    period = Words(
        30, required=True, metadata={"description": "2027, 2027-H1, 2027-Q1, 2027-03 or 2027-01-15..2027-03-31"}
    )
    account = Words(40, may_be_empty=True, load_default="",
                    metadata={"description": "its number, or its last five digits; the whole without it"})  # fmt: skip
    text = Typed(remarks.LONGEST_OF_WHOLE, required=True, metadata={"description": "empty takes back what stood"})


class GroupDecision(Strict):
    """What a steering group decided of a report, on which day, and where that stands."""

    text = Typed(comments.LONGEST, required=True, may_be_empty=False,
                 said=Text("Skriv, hvad der er besluttet", "Write what was decided"))  # fmt: skip
    decided_on = Day(required=True, said=Text("Skriv dagen som 2027-05-31", "Give the day as 2027-05-31"))
    reference = Words(wording.LONGEST_NAME, required=True,
                      said=Text("Skriv, hvor beslutningen står", "Write where the decision stands"))  # fmt: skip


class Openness(Strict):
    """What becomes public of a report, each from the list of what may be."""

    figures = Several(Chosen(disclosures.FIGURES), len(disclosures.FIGURES), load_default=list)
    charts = Several(Chosen(disclosures.CHARTS), len(disclosures.CHARTS), load_default=list)
    columns = Several(Chosen(disclosures.COLUMNS), len(disclosures.COLUMNS), load_default=list)


class OpennessEnd(Strict):
    """That a report is public no more."""

    reason = _reason(Text("Skriv, hvorfor rapporten trækkes tilbage", "Write why the report is withdrawn"))


def draft_of(names: Sequence[str]) -> Schema:
    """Give the schema of a draft: one line for each field there is."""
    return Strict.from_dict({name: Typed(wording.LONGEST_TEXT * 2, load_default="") for name in names})()


# --- where invoices go


def _fact(choices: Sequence[str] = (), *, required: bool = True) -> Typed:
    return Typed(
        wording.LONGEST_TEXT, required=required,
        said=Text("mangler i formularen: hent siden igen", "is not in the form: load the page again"),
        metadata={"enum": ["", *choices]} if choices else {},
    )  # fmt: skip


class BillingDetails(Strict):
    """Where invoices go: every fact, empty where there is none, for what is not sent is not empty."""

    endpoint = _fact(billing_details.ENDPOINTS, required=False)  # a membership has none to choose
    gln = _fact()
    person_reference = _fact()
    order_reference = _fact()
    accounting_cost = _fact()
    format = _fact(billing_details.FORMATS)
    contact_mail = _fact()


class Intake(Strict):
    """A register's file, taken in or only tried."""

    file = File(required=True, said=Text("Vælg en CSV-fil, og send igen", "Choose a CSV file, and send again"))
    trial = Chosen(("yes",))


class BankIntake(Strict):
    """A bank file, taken in or only tried, or the one whose preview was shown; a CSV comes with its mapping."""

    file = File()
    mapping = File()
    kept = Typed(64)
    trial = Chosen(("yes",))


# --- costs of funds


def _kroner() -> Words:
    return Words(40, required=True, said=Text("Skriv et beløb i kroner", "Write an amount in kroner"))


def _fund_of_program() -> Words:
    return Words(wording.LONGEST_PRODUCT, required=True, metadata={"description": "or `OS2` for the association"})


class CostEntry(Strict):
    """A cost of a fund, with the supplier's file where there is one."""

    product = Words(wording.LONGEST_PRODUCT, required=True, said=Text("Vælg fonden", "Choose the fund"))
    account = Words(40, required=True, said=Text("Vælg kontoen", "Choose the account"))
    date = Day(required=True, said=Text("Skriv dagen som 2027-01-31", "Give the day as 2027-01-31"))
    supplier = Words(wording.LONGEST_NAME, required=True, said=Text("Skriv leverandøren", "Write the supplier"))
    reference = Words(40, required=True, said=Text("Skriv leverandørens fakturanummer",
                                                   "Write the supplier's invoice number"))  # fmt: skip
    text = Words(required=True, said=Text("Skriv, hvad pengene gik til", "Write what the money was for"))
    amount = _kroner()
    first = Day(said=Text("Skriv dagen som 2027-01-01", "Give the day as 2027-01-01"))
    last = Day(said=Text("Skriv dagen som 2027-12-31", "Give the day as 2027-12-31"))
    file = File()


class CostOrder(Strict):
    """A cost of a fund, as a program enters it."""

    product = _fund_of_program()
    account = Words(40, required=True, metadata={"description": "its last five digits, or the whole number"})
    date = Day(required=True)
    supplier = Words(wording.LONGEST_NAME, required=True)
    reference = Words(40, required=True, metadata={"description": "the supplier's number of it, once"})
    text = Words(required=True)
    amount_ore = Whole(1, 999_999_999, required=True)
    from_ = Day(data_key="from", metadata={"description": "of a cost that is spread over months; with `to`"})
    to = Day(metadata={"description": "the last day of those months"})


class ReversalOrder(Strict):
    """Taking a cost back, as a program asks for it."""

    reason = Words(required=True)


class BudgetLineOrder(Strict):
    """What an account is given: in the year, divided evenly, or month by month."""

    account = Words(40, required=True, metadata={"description": "its last five digits, or the whole number"})
    amount_ore = Whole(0, 99_999_999_999, metadata={"description": "of the year; without `months_ore`"})
    months_ore = Several(Whole(0, 9_999_999_999), 12, metadata={"description": "twelve; without `amount_ore`"})


class BudgetOrder(Strict):
    """A version of a budget, as a program sends it."""

    product = _fund_of_program()
    year = Whole(2000, 2199, required=True)
    basis = Words(required=True, metadata={"description": "what it rests on"})
    lines = Several(
        Part(BudgetLineOrder), 100, required=True,
        metadata={"description": "each an `account` with the year's `amount_ore` or twelve `months_ore`"},
    )  # fmt: skip


class HoursOrder(Strict):
    """Hours of the secretariat, as a program enters them."""

    product = Words(wording.LONGEST_PRODUCT, required=True)
    date = Day(required=True)
    minutes = Whole(1, 120_000, required=True)
    text = Words(required=True)


class HourRateOrder(Strict):
    """What an hour costs from a day on, as a program proposes it."""

    from_ = Day(required=True, data_key="from")
    amount_ore = Whole(1, 999_999_999, required=True)


class RecurringOrder(Strict):
    """A cost that comes every month or quarter, as a program proposes it."""

    product = _fund_of_program()
    account = Words(40, required=True, metadata={"description": "its last five digits, or the whole number"})
    supplier = Words(wording.LONGEST_NAME, required=True)
    text = Words(required=True)
    amount_ore = Whole(1, 999_999_999, required=True)
    every = Chosen(("month", "quarter"), required=True)
    first = Day(required=True)
    last = Day(required=True)


class FundMoveOrder(Strict):
    """What a fund opens with, or what goes from one to another, as a program proposes it."""

    kind = Chosen(("opening", "transfer"), required=True)
    from_ = Words(wording.LONGEST_PRODUCT, data_key="from", metadata={"description": "of a transfer: whose fund"})
    to = _fund_of_program()
    amount_ore = Whole(
        -99_999_999_999, 99_999_999_999, required=True, metadata={"description": "only an opening is below zero"}
    )
    date = Day(required=True)
    reason = Words(required=True, metadata={"description": "what was decided, and by whom"})


class CostFileIntake(Strict):
    """A file of costs."""

    file = File(required=True, said=Text("Vælg filen", "Choose the file"))


class CostVoucherIntake(Strict):
    """The supplier's file of a cost that has none."""

    file = File(required=True, said=Text("Vælg bilaget", "Choose the voucher"))


class CostPayment(Strict):
    """The bank's payment that a cost was paid by."""

    transaction = Whole(1, 999_999_999, required=True, said=Text("Vælg udbetalingen", "Choose the payment"))


class CostReversal(Strict):
    """Taking a cost back."""

    reason = _reason(Text("Skriv, hvorfor den føres tilbage", "Write why it is taken back"))


class CostApprovals(Strict):
    """The proposals of costs that are approved in one act, each as it was read."""

    chosen = Several(Formed("[0-9]{1,12}:[0-9a-f]{64}"), 200, required=True,
                     said=Text("Vælg mindst ét forslag", "Choose one proposal at least"))  # fmt: skip


class BudgetCopy(Strict):
    """A budget that is last year's times an index."""

    product = Words(wording.LONGEST_PRODUCT, required=True, said=Text("Vælg fonden", "Choose the fund"))
    year = Whole(2000, 2199, required=True, said=Text("Skriv året som 2027", "Write the year as 2027"))
    index = Words(20, required=True, said=Text("Skriv indekset som 103,5", "Write the index as 103.5"))
    rounding = Words(20, required=True, said=Text("Vælg en afrunding", "Choose a rounding"))


_IN_KRONER = Text("Skriv beløb i kroner", "Write amounts in kroner")


def _amount_as_typed() -> Formed:
    return Formed(r"[^\x00-\x1f]{0,40}", said=_IN_KRONER)


class BudgetEntry(Strict):
    """A version of a budget: the year of each of the fund's accounts, in their order, and twelve months of each."""

    amounts = Several(_amount_as_typed(), 100, required=True, said=_IN_KRONER)
    months = Several(_amount_as_typed(), 1_200, load_default=list)
    basis = Words(required=True, said=Text("Skriv, hvad budgettet bygger på", "Write what the budget rests on"))


class BudgetFile(Strict):
    """A file of budgets, taken in or only shown, or the one whose rows were shown."""

    file = File()
    kept = Typed(64)
    trial = Chosen(("yes",))


class RecurringEntry(Strict):
    """A cost that comes every month or quarter."""

    product = Words(wording.LONGEST_PRODUCT, required=True, said=Text("Vælg fonden", "Choose the fund"))
    account = Words(40, required=True, said=Text("Vælg kontoen", "Choose the account"))
    supplier = Words(wording.LONGEST_NAME, required=True, said=Text("Skriv leverandøren", "Write the supplier"))
    text = Words(required=True, said=Text("Skriv, hvad pengene går til", "Write what the money is for"))
    amount = _kroner()
    every = Chosen(("1", "3"), required=True)
    first = Day(required=True, said=Text("Skriv dagen som 2027-01-01", "Give the day as 2027-01-01"))
    last = Day(required=True, said=Text("Skriv dagen som 2027-12-31", "Give the day as 2027-12-31"))


class HoursEntry(Strict):
    """Hours that the secretariat worked for a product."""

    product = Words(wording.LONGEST_PRODUCT, required=True, said=Text("Vælg produktet", "Choose the product"))
    date = Day(required=True, said=Text("Skriv dagen som 2027-01-31", "Give the day as 2027-01-31"))
    hours = Words(10, required=True, said=Text("Skriv timerne, fx 7,5", "Write the hours, such as 7.5"))
    text = Words(required=True, said=Text("Skriv, hvad der blev arbejdet med", "Write what was worked on"))


class HourRateEntry(Strict):
    """What an hour costs from a day on."""

    start = Day(required=True, said=Text("Skriv dagen som 2027-01-01", "Give the day as 2027-01-01"))
    amount = _kroner()


class FundMoveEntry(Strict):
    """What a fund opens with, or what goes from one to another."""

    kind = Chosen(("opening", "transfer"), required=True)
    source = Words(wording.LONGEST_PRODUCT)
    target = Words(wording.LONGEST_PRODUCT, required=True, said=Text("Vælg fonden", "Choose the fund"))
    amount = _kroner()
    date = Day(required=True, said=Text("Skriv dagen som 2027-01-01", "Give the day as 2027-01-01"))
    reason = _reason(Text("Skriv, hvad der er besluttet, og af hvem", "Write what was decided, and by whom"))


# --- agreements


def _seen() -> Typed:
    """Give a field for the digest that was shown; another than stands is refused by the act itself, as a conflict."""
    return Typed(64, load_default="")


def _kind() -> Chosen:
    words = Text("vælg aktiv eller passiv", "choose active or passive")
    return Chosen(("active", "passive"), required=True, said=words)


def _day() -> Day:
    return Day(required=True, said=Text("skriv en dag", "give a day"))


class Offering(Strict):
    """Offering a draft as it was shown."""

    digest = _seen()


class Reasoned(Strict):
    """Declining, withdrawing, or taking a notice back: with a reason."""

    reason = _reason(Text("giv en grund", "give a reason"))


class NoticeGiven(Reasoned):
    """Giving notice; the association's people say for whom."""

    by = Chosen(("association", "authority"), load_default="association")


class Activation(Strict):
    """Making a passive connection active."""

    active_from = _day()


class Replacement(Reasoned):
    """Letting an agreement take the place of others after a merger."""

    old = Several(Whole(1, 999_999_999), 100, required=True, said=Text("vælg mindst én", "choose one at least"))


class Reading(Strict):
    """The first step of signing: the agreement with this digest was read."""

    digest = _seen()
    read = Truth(
        required=True, said=Text("sæt kryds, når du har læst aftalen", "tick when you have read the agreement")
    )


class Signing(Strict):
    """The second step: the words agreed to, the tick, and who signs. What lacks is told by signing itself."""

    digest = _seen()
    words = Typed(2_000, load_default="")
    consent = Truth(load_default=False)
    name = Typed(wording.LONGEST_TEXT, load_default="")
    title = Typed(wording.LONGEST_TEXT, load_default="")


class _OfBilling(Strict):
    """Billing details of an agreement: every one, empty where there is none."""

    endpoint = Chosen(("gln", "cvr"), required=True)
    gln = _fact()
    format = Chosen(("oioubl", "peppol"), required=True)
    person_reference = _fact()
    order_reference = _fact()
    accounting_cost = _fact()
    contact_name = _fact()
    contact_mail = _fact()


class _OfBeginning(Strict):
    """How an agreement begins; its fields come first in forms, and so do their faults."""

    effective_on = _day()
    kind = _kind()


class Choices(_OfBilling, _OfBeginning):
    """What an authority may choose before anybody has signed."""

    digest = _seen()


class PassingOn(Strict):
    """Letting another who may sign take a place."""

    digest = _seen()
    position = Whole(1, 100, required=True)
    right = Whole(1, 999_999_999, required=True)


class _OfSubject(Strict):
    """To whom something is offered, on what, and from when."""

    replaces = Typed(40, load_default="")
    cvr = _fact()
    product = _fact()
    kind = _kind()
    effective_on = _day()
    valid_days = Whole(0, 9_999, required=True, said=Text("skriv et antal dage", "give a number of days"))
    in_order = Truth(load_default=False)


class DraftOrder(_OfBilling, _OfSubject):
    """A draft of an agreement; the amounts are judged in the language they are written in."""

    rebate = _fact()
    rebate_reason = _fact()
    exempt_reason = _fact()


def draft_order(places: int) -> Schema:
    """Give the schema of a draft with room for so many signatories."""
    names = (f"{part}_{at}" for at in range(1, places + 1) for part in ("name", "title", "mail"))
    return DraftOrder.from_dict({name: Typed(wording.LONGEST_TEXT, load_default="") for name in names})()


class ChosenList(Strict):
    """The agreements somebody wants to sign for the association."""

    offer = Several(Whole(1, 999_999_999), 1_000, load_default=list)


class Countersigning(ChosenList):
    """Signing the list that was shown."""

    digest = _seen()
    consent = Truth(load_default=False)


class PaperFacts(Strict):
    """What an agreement from paper says, with its file: every fact, empty where there is none."""

    cvr = _fact()
    product = _fact()
    kind = _kind()
    route = Chosen(("paper", "elsewhere"), required=True)
    reference = _fact()
    file = File(required=True, said=Text("vælg en PDF", "choose a PDF"))
    signed_on = _day()
    countersigned_on = DayOrNone(required=True)
    in_force_from = _day()
    notice_given_on = DayOrNone(required=True)
    terminated_to = DayOrNone(required=True)
    endpoint = _fact()
    format = _fact()
    gln = _fact()
    person_reference = _fact()
    order_reference = _fact()
    accounting_cost = _fact()
    contact_mail = _fact()
    note = _fact()


class PaperArchive(Strict):
    """Many agreements from paper: a ZIP of a CSV and its PDFs."""

    file = File(required=True, said=Text("vælg en ZIP", "choose a ZIP"))


class ChosenPapers(Strict):
    """The recorded papers somebody wants to approve in one act."""

    proposal = Several(Whole(1, 999_999_999), 1_000, load_default=list)


class PapersApproval(ChosenPapers):
    """Approving the list that was shown."""

    digest = _seen()
    consent = Truth(load_default=False)


class SigningRight(Strict):
    """Giving the right to sign: to a user, or to a name that is tied to one later."""

    person = Whole(1, 999_999_999, said=Text("vælg en fra listen", "choose one of the list"))
    name = Typed(wording.LONGEST_TEXT, load_default="")
    mail = Typed(wording.LONGEST_TEXT, load_default="")
    title = Typed(wording.LONGEST_TEXT, load_default="")
    basis = Chosen(("position", "delegation"), load_default="position")
    document = File()
    from_on = Day(said=Text("skriv en dag", "give a day"))
    until_on = Day(said=Text("skriv en dag", "give a day"))


class TemplateWords(Strict):
    """The TOML text of an agreement text; its faults are told by their lines."""

    text = Typed(50_000, load_default="")


class Checking(Strict):
    """A PDF that anybody wants checked."""

    file = File(required=True, said=Text("Vælg en PDF på højst 15 MB", "Choose a PDF of at most 15 MB"))


# --- people


class _Mail(Words):
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> str:
        words = super()._deserialize(value, attr, data, **other)
        if fault := users.mail_fault(words):
            raise refusal(fault)
        return words


class Resending(Strict):
    """Sending a letter again: to whom, and why."""

    to = _Mail(users.LONGEST_MAIL, required=True, said=Text("skriv en mailadresse", "write a mail address"))
    reason = _reason(Text("skriv, hvorfor det sendes igen", "write why it is sent again"))


class LetterTerms(Strict):
    """Who is told at the secretariat, when signatories are reminded, how long an offer stands."""

    told = Words(2000)
    reminders = Words(100)
    valid_days = Whole(1, 365, required=True, said=Text("skriv 1 til 365", "write 1 to 365"))


class _Name(Words):
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **other: Any) -> str:
        words = super()._deserialize(value, attr, data, **other)
        if fault := users.name_fault(words):
            raise refusal(fault)
        return words


def _cvr(**other: Any) -> Formed:
    words = Text("skal være et CVR-nummer på otte cifre", "must be a CVR number of eight digits")
    return Formed("[0-9]{8}", said=words, **other)


def _role() -> Chosen:
    return Chosen((role.value for role in Role), required=True, said=Text("vælg en rolle", "choose a role"))


class Colleague(Strict):
    """Letting a colleague into one's own organisation."""

    name = _Name(users.LONGEST_NAME, required=True, said=Text("skriv et navn", "write a name"))
    mail = _Mail(users.LONGEST_MAIL, required=True, said=Text("skriv en mailadresse", "write a mail address"))
    cvr = _cvr(required=True)


class Invitation(Colleague):
    """Letting somebody in, with a role and perhaps a seat."""

    role = _role()
    cvr = _cvr()
    product = Words(wording.LONGEST_PRODUCT)


class RoleChange(Strict):
    """Giving or ending a role."""

    role = _role()
    act = Chosen(("grant", "end"), load_default="grant")


class SeatChange(Strict):
    """Giving or ending seats."""

    cvr = _cvr()
    product = Words(wording.LONGEST_PRODUCT)
    act = Chosen(("give", "end"), load_default="give")


class OfficeChange(Strict):
    """Giving or ending the chair's office; `from_on` is its first day, today without it, `until_on` its last."""

    title = Words(wording.LONGEST_NAME)
    from_on = Day()
    until_on = Day()
    act = Chosen(("give", "end"), load_default="give")


class TokenRequest(Strict):
    """A token somebody makes for a program of theirs."""

    name = Words(
        wording.LONGEST_NAME, required=True,
        said=Text("Giv nøglen et navn på højst 200 tegn", "Give the token a name of at most 200 characters"),
    )  # fmt: skip
    permissions = Several(Chosen(tokens.OFFERED), len(tokens.OFFERED), load_default=list)
    days = Whole(
        1, tokens.LONGEST_DAYS, load_default=90, said=Text("Skriv 1 til 366 dage", "Write 1 to 366 days")
    )  # fmt: skip


class LanguageChoice(Strict):
    """The language somebody wants, and where to go back to."""

    language = Chosen(LANGUAGES, required=True, said=Text("Vælg dansk eller engelsk", "Choose Danish or English"))
    next = Typed(_LONGEST_ADDRESS, load_default="/")


# --- the road to a connection


class JourneyOpening(Strict):
    """Beginning a journey of an authority to a product."""

    cvr = Words(20, required=True, said=Text("Vælg en myndighed", "Choose an authority"))
    product = Words(60, required=True, said=Text("Vælg et produkt", "Choose a product"))


class TaskChange(Strict):
    """How a task of a journey stands from now on."""

    task = Formed(r"[a-z0-9-]{1,40}(/[a-z0-9-]{1,40}){1,2}", required=True)
    status = Chosen(("not_started", "under_way", "done", "not_needed"), required=True)
    owner = Words(300)
    starts_on = Day()
    due_on = Day()
    note = Typed(4_000)
    stage = Whole(1, 1_000)


class PlanManner(Strict):
    """Whether an implementation comes at once or in stages."""

    manner = Chosen(
        tuple(implementation.MANNERS), required=True, said=Text("Vælg, hvordan I gør det", "Choose how you do it")
    )


class StageWords(Strict):
    """A stage of an implementation."""

    stage = Whole(1, 1_000)
    title = Words(300, required=True, said=Text("Giv etapen et navn", "Give the stage a name"))
    starts_on = Day()
    due_on = Day()


class RiskWords(Strict):
    """A risk of an implementation."""

    risk = Whole(1, 1_000)
    words = Typed(4_000, required=True, may_be_empty=False)
    likelihood = Chosen(
        tuple(implementation.LIKELIHOODS), required=True,
        said=Text("Vælg, hvor sandsynligt det er", "Choose how likely it is"),
    )  # fmt: skip
    consequence = Chosen(
        tuple(implementation.GRADES), required=True,
        said=Text("Vælg, hvor alvorligt det er", "Choose how grave it is"),
    )  # fmt: skip
    measure = Typed(4_000)
    owner = Words(300)


class OwnTask(Strict):
    """A task that people add to a journey."""

    theme = Formed(r"[a-z0-9-]{1,40}", required=True)
    title = Words(300, required=True, said=Text("Skriv, hvad der skal gøres", "Write what is to be done"))


class OwnTaskOf(OwnTask):
    """A task that people add to a step of a journey."""

    step = Chosen(guide.STEPS, required=True)


class TrialWords(Strict):
    """A trial of a product: how, what it is to prove, and what came of it."""

    trial = Whole(1, 1_000)
    way = Words(20, required=True, said=Text("Vælg, hvordan I prøver", "Choose how you try it"))
    proves = Typed(4_000, required=True, may_be_empty=False)
    place = Words(300)
    result = Typed(4_000)
    seen_by = Words(300)
    verdict = Words(20)
    why = Typed(4_000)


class JourneyFileEntry(Strict):
    """A file to a task or a trial of a journey."""

    about = Formed(r"[a-z0-9-]{1,40}(/[a-z0-9-]{1,40}){1,2}", required=True)
    file = File(required=True, said=Text("Vælg en fil", "Choose a file"))


class JourneyEnd(Strict):
    """How a journey ends."""

    outcome = Chosen(("connected", "given_up"), required=True)
    reason = Words(1_000)


class ShowingWish(Strict):
    """Asking to see a product that somebody offers to show, on a journey to it."""

    journey = Whole(1, 999_999_999, required=True)


class RoadReminders(Strict):
    """Whether somebody wants to be reminded of what was promised on the road."""

    wanted = Chosen(("yes", "no"), required=True)


class ShowingEntry(Strict):
    """An offer to show a product."""

    cvr = Words(20, required=True, said=Text("Vælg en myndighed", "Choose an authority"))
    supplier = Words(200)
    product = Words(60, required=True, said=Text("Vælg et produkt", "Choose a product"))
    shows = Words(300, required=True, said=Text("Skriv, hvad der kan ses", "Write what can be seen"))
    contact = Words(300, required=True, said=Text("Skriv en funktion, der kan skrives til",
                                                  "Write a function that can be written to"))  # fmt: skip
    from_on = Day()
    until_on = Day()


class GuideWords(Strict):
    """The road's text, as TOML."""

    text = Typed(60_000, required=True, may_be_empty=False)


class Asking(Strict):
    """A question of an authority."""

    cvr = Words(20, required=True, said=Text("Vælg en myndighed", "Choose an authority"))
    product = Words(60)
    topic = Words(20, required=True, said=Text("Vælg et emne", "Choose a topic"))
    subject = Words(200, required=True, said=Text("Skriv, hvad det drejer sig om", "Write what it is about"))
    words = Typed(8_000, required=True, may_be_empty=False)


class ThreadWords(Strict):
    """What is written into a thread."""

    words = Typed(8_000, required=True, may_be_empty=False)


class Assigning(Strict):
    """Who is to answer, and by when."""

    assigned_to = Words(200, required=True, said=Text("Skriv, hvem der svarer", "Write who answers"))
    due_on = Day()


class CommonAnswerWords(Strict):
    """An answer that is used again."""

    topic = Words(20, required=True, said=Text("Vælg et emne", "Choose a topic"))
    title = Words(200, required=True, said=Text("Giv svaret et navn", "Give the answer a name"))
    words = Typed(8_000, required=True, may_be_empty=False)


class PipelineEntry(Strict):
    """A case of the pipeline as it is seen: who may join what, from when, and how likely that is."""

    cvr = Words(8, required=True, said=Text("Vælg myndigheden", "Choose the authority"))
    product = Words(wording.LONGEST_PRODUCT, required=True, said=Text("Vælg produktet", "Choose the product"))
    expected = Day(required=True, said=Text("Skriv dagen som 2027-01-31", "Give the day as 2027-01-31"))
    stage = Chosen(guide.STEPS, required=True, said=Text("Vælg trinet", "Choose the step"))
    source = Words(required=True, said=Text("Skriv, hvor det vides fra", "Write how it is known"))
    percent = Whole(0, 100)
    reason = Words()
    outcome = Chosen(("joined", "given_up"))


class JourneyJudging(Strict):
    """How a journey is judged: from when it is expected, how likely that is, and why."""

    expected = Day()
    percent = Whole(0, 100)
    reason = Words(required=True, said=Text("Skriv hvorfor", "Write why"))


class StageChanceEntry(Strict):
    """How likely cases of a step are."""

    stage = Chosen(guide.STEPS, required=True, said=Text("Vælg trinet", "Choose the step"))
    percent = Whole(0, 100, required=True, said=Text("Skriv procenten", "Write the per cent"))
    reason = Words(required=True, said=Text("Skriv hvorfor", "Write why"))
