"""Bank statements in camt.053, versions 02 to 08: read entry by entry, in memory that does not grow with the file.

Nothing is taken that could mean more than it says: no document type, no entities, no encoding but UTF-8, which ISO
20022 prescribes. No element is so large, so deep or so rich that reading costs more than a right file of that length.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import IO, Any, NoReturn

from lxml import etree

from app.adapters import payment_references
from billing.bank import Movement, Statement, refusal
from billing.einvoice.reading import split_name
from foundation import wording
from foundation.language import Text, whole_number
from foundation.money import ZERO, Money, total

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.0[2-8]")
_AMOUNT = re.compile(r"\+?([0-9]{1,13})(?:\.([0-9]{1,2})0{0,8})?")
_DAY = re.compile(r"(20[0-9]{2}|21[0-9]{2})-([0-9]{2})-([0-9]{2})")
_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_DECLARATION = re.compile(rb"<!(?!--|-?\Z)")  # at the end of a piece it is seen with the next
_LARGEST_TEXT = 10_240  # bytes from one tag to the next
_TOO_LONG = re.compile(rb"<[^<]{%d}" % _LARGEST_TEXT)
_MOST_ELEMENTS = 2_000  # of an entry without its transactions, of one transaction, of a statement's head
_MOST_ATTRIBUTES = 20
_MOST_IN_ENTRY = 20_000  # transactions
_LARGEST_RAW = 100_000  # characters
_PIECE = 1024 * 1024
_CURRENCY = "DKK"

# What the bank says is not booked yet; it is in no balance.
_NOT_BOOKED = {"PDNG", "INFO", "FUTR"}
_BEGINS, _ENDS = ("OPBD", "PRCD"), ("CLBD",)

# What is let go when it is read, and where it must stand.
_PLACES = {
    "Stmt": ("BkToCstmrStmt", "Document"), "Ntry": ("Stmt", "BkToCstmrStmt"), "TxDtls": ("NtryDtls", "Ntry", "Stmt"),
}  # fmt: skip


def statements(name: str, file: IO[bytes]) -> Iterator[Statement]:
    """Read the statements of a file one by one; the movements of each must be read before the next.

    The file can be read from its beginning again. Raises BankFileRefused, naming line and reason.
    """
    _look_through(name, file)
    file.seek(0)
    return _Reading(name, file).statements()


def _look_through(name: str, file: IO[bytes]) -> None:
    """Refuse what no bank writes before it is parsed, piece by piece, each with the end of the one before."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    before, line = b"", 1  # the line on which `before` begins
    while piece := file.read(_PIECE):
        seen = before + piece
        try:
            decoder.decode(piece)
        except UnicodeDecodeError as error:
            _refuse(name, line + seen.count(b"\n", 0, len(before) + error.start), _NOT_UTF_8)
        if not before:
            _refuse_encoding(name, seen)
        _refuse_words(name, seen, line)
        before = seen[-_LARGEST_TEXT:]
        line += seen.count(b"\n", 0, len(seen) - len(before))
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        _refuse(name, line + before.count(b"\n"), _NOT_UTF_8)


def _refuse_encoding(name: str, beginning: bytes) -> None:
    declared = _ENCODING.match(beginning)
    if declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        _refuse(name, 1, _NOT_UTF_8)


def _refuse_words(name: str, seen: bytes, line: int) -> None:
    if found := _DECLARATION.search(seen):
        _refuse(name, line + seen.count(b"\n", 0, found.start()), _NO_DECLARATION)
    if found := _TOO_LONG.search(seen):
        most = whole_number(_LARGEST_TEXT)
        _refuse(name, line + seen.count(b"\n", 0, found.start()),
                Text(f"en tekst er over {most.da} byte", f"a text has more than {most.en} bytes"))  # fmt: skip


def _refuse(name: str, line: int, reason: Text) -> NoReturn:
    raise refusal(name, Text(f"linje {line}: ", f"line {line}: ") + reason)


@dataclass(slots=True)
class _Detail:
    """A transaction inside an entry; `ore` is None where it does not say its amount in kroner."""

    movement: Movement
    ore: int | None
    charges: Money
    raw: bytes


class _Reading:
    """One pass over a file; what was read of the tree is let go at once."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self._name = name
        self._events = self._parsed(file)
        self._space = ""
        self._paths: dict[str, str] = {}
        self._statement: Any = None
        self._above: dict[str, tuple[str, ...]] = {}
        self._details: list[_Detail] = []
        self._elements = 0  # of the tree, as far as it is still held
        self._before: dict[str, int] = {}  # how many it had before what can be dropped began

    # --- walking

    def _parsed(self, file: IO[bytes]) -> Iterator[Any]:
        found = etree.iterparse(
            file, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
            dtd_validation=False, huge_tree=False, remove_comments=True, remove_pis=True, encoding="utf-8",
        )  # fmt: skip
        try:
            for event, element in found:
                if event == "start":
                    self._count(element)
                elif element.tag in self._above:
                    yield element
        except etree.XMLSyntaxError as error:
            reason = wording.legible(str(error.msg or "").split("\n")[0])
            _refuse(self._name, (error.position or (1, 0))[0],
                    Text(f"er ikke hel XML: {reason}", f"is not whole XML: {reason}"))  # fmt: skip

    def _count(self, element: Any) -> None:
        """Look at an element when it begins, before what is in it costs anything."""
        if not self._space:
            self._begin(element)
        tag = element.tag
        if tag in self._above:
            self._at(element, *self._above[tag])
            self._before[tag] = self._elements
            if tag.endswith("}Stmt"):
                self._statement = element
        self._elements += 1
        if self._elements > _MOST_ELEMENTS:
            self._refuse(element, Text(f"har over {_MOST_ELEMENTS} elementer", f"has over {_MOST_ELEMENTS} elements"))
        if len(element.attrib) > _MOST_ATTRIBUTES:
            self._refuse(element, Text("har for mange attributter", "has too many attributes"))

    def _begin(self, root: Any) -> None:
        space, name = split_name(root)
        if name != "Document" or not _NAMESPACE.fullmatch(space):
            self._refuse(root, _NOT_CAMT)
        self._space = space
        self._above = {self._tag(what): above for what, above in _PLACES.items()}

    def _tag(self, name: str) -> str:
        return f"{{{self._space}}}{name}"

    def _at(self, element: Any, *above: str) -> None:
        """Refuse an element that does not stand where it belongs."""
        place = element.getparent()
        for name in above:
            if place is None or place.tag != self._tag(name):
                self._refuse(element, Text("står ikke, hvor det hører til", "does not stand where it belongs"))
            place = place.getparent()

    def _refuse(self, element: Any, reason: Text) -> NoReturn:
        name = wording.legible(split_name(element)[1])[:40]
        _refuse(self._name, element.sourceline or 1, Text(f"{name}: ", f"{name}: ") + reason)

    def statements(self) -> Iterator[Statement]:
        """Give the statements, each when its head is read."""
        for element in self._events:
            name = split_name(element)[1]
            if name == "Ntry":
                yield self._head(element, self._entries(element))
            elif name == "TxDtls":
                self._take_detail(element)
            else:
                yield self._head(element, iter(()))
                self._drop(element)

    def _entries(self, entry: Any) -> Iterator[Movement]:
        """Give the movements of a statement from its first entry to its end."""
        yield from self._movements(entry)
        for element in self._events:
            name = split_name(element)[1]
            if name == "Ntry":
                yield from self._movements(element)
            elif name == "TxDtls":
                self._take_detail(element)
            else:
                self._drop(element)
                return

    def _drop(self, element: Any) -> None:
        parent, tag = element.getparent(), element.tag
        element.clear()
        if parent is not None:
            parent.remove(element)
        self._elements = self._before[tag]

    # --- the head of a statement

    def _head(self, element: Any, movements: Iterator[Movement]) -> Statement:
        statement = self._statement if element.tag != self._tag("Stmt") else element
        if statement is None:
            self._refuse(element, Text("står ikke i et kontoudtog", "does not stand in a statement"))
        opening, closing = self._balance(statement, _BEGINS), self._balance(statement, _ENDS)
        return Statement(
            account=self._account(statement), bank_id=self._text(statement, "Id"),
            opening_on=self._first_day(statement, opening), opening=self._signed(opening),
            closing_on=self._day_of(closing, "Dt"), closing=self._signed(closing), movements=movements,
        )  # fmt: skip

    def _account(self, statement: Any) -> str:
        account = self._text(statement, "Acct/Id/IBAN") or self._text(statement, "Acct/Id/Othr/Id")
        account = "".join(account.split())
        if not account or len(account) > 40:
            self._refuse(statement, Text("kontoens nummer mangler", "the account's number is missing"))
        return account

    def _balance(self, statement: Any, codes: Sequence[str]) -> Any:
        for code in codes:
            for balance in statement.iterfind(self._path("Bal")):
                if self._text(balance, "Tp/CdOrPrtry/Cd") == code:
                    return balance
        listed = "/".join(codes)
        return self._refuse(statement, Text(f"saldoen {listed} mangler", f"the balance {listed} is missing"))

    def _first_day(self, statement: Any, opening: Any) -> date | None:
        told = self._text(statement, "FrToDt/FrDtTm") or self._text(statement, "FrToDt/FrDt")
        return self._day(statement, told[:10]) if told else self._day_of(opening, "Dt")

    # --- an entry

    def _take_detail(self, element: Any) -> None:
        if len(self._details) == _MOST_IN_ENTRY:
            most = whole_number(_MOST_IN_ENTRY)
            self._refuse(element, Text(f"er efter de første {most.da} i én post",
                                       f"comes after the first {most.en} of one entry"))  # fmt: skip
        side = element.find(self._path("CdtDbtInd"))
        is_out = self._is_out(element if side is not None else element.getparent().getparent())
        amount = self._in_kroner(element)
        ore = None if amount is None else (-amount.ore if is_out else amount.ore)
        charges = self._charges(element)
        movement = self._told(element, is_out=is_out)
        self._details.append(_Detail(movement, ore, charges, self._raw(element).encode()))
        self._drop(element)

    def _movements(self, entry: Any) -> Iterator[Movement]:
        """Give what an entry moved: itself, or each of its transactions."""
        details, self._details = self._details, []
        status = self._text(entry, "Sts/Cd") or self._text(entry, "Sts")
        if status != "BOOK":
            if status not in _NOT_BOOKED:
                self._refuse(entry, Text("er hverken bogført eller afventende", "is neither booked nor pending"))
            self._drop(entry)
            return
        booked, valued = self._day_of(entry, "BookgDt"), self._day_or_none(entry, "ValDt")
        amount, raw = self._signed(entry), self._raw(entry)
        if not details:
            told = replace(self._told(entry, is_out=amount < ZERO), message=self._text(entry, "AddtlNtryInf"))
            details = [_Detail(told, amount.ore, ZERO, b"")]
        if len(details) > 1 and len(raw) > _LARGEST_TEXT:
            self._refuse(entry, Text("har for langt et hoved", "has too long a head"))
        if len(details) == 1 and not details[0].movement.bank_reference:
            details[0].movement = replace(details[0].movement, bank_reference=self._text(entry, "AcctSvcrRef"))
        parts = self._parts(entry, details, amount, raw)
        self._drop(entry)
        for movement in parts:
            yield replace(movement, booked_on=booked, value_on=valued)

    def _parts(self, entry: Any, details: Sequence[_Detail], amount: Money, raw: str) -> Iterator[Movement]:
        """Divide what an entry moved among its transactions; a charge the bank took from it is one of them."""
        told = [detail.ore for detail in details]
        charges = self._charges(entry) + total(detail.charges for detail in details)
        moved = sum(ore for ore in told if ore is not None)
        if None in told or moved not in (amount.ore, amount.ore - charges.ore):
            if len(details) > 1:
                self._refuse(entry, _NOT_THE_SUM)
            told, moved = [amount.ore], amount.ore  # what moved on the account is what the entry says
        rest = Money(amount.ore - moved)
        found = [(detail, Money(ore)) for detail, ore in zip(details, told, strict=True) if ore is not None]
        return self._divided(found, rest, raw)

    def _divided(self, found: Sequence[tuple[_Detail, Money]], charge: Money, raw: str) -> Iterator[Movement]:
        for detail, amount in found:
            yield replace(detail.movement, amount=amount, raw=_with_detail(raw, detail.raw.decode()))
        if charge:
            nobody = found[0][0].movement
            yield Movement(nobody.booked_on, None, charge, raw, message="Gebyr", bank_reference=nobody.bank_reference)

    def _charges(self, element: Any) -> Money:
        """Give the charges that the bank took, as what they moved."""
        found = ZERO
        for charge in element.iterfind(self._path("Chrgs")):
            for record in charge.findall(self._path("Rcrd")) or [charge]:
                if record.find(self._path("Amt")) is not None and self._currency(record.find(self._path("Amt"))):
                    amount = self._amount(record.find(self._path("Amt")))
                    is_credit = self._text(record, "CdtDbtInd") == "CRDT"
                    found += amount if is_credit else -amount
        return found

    def _in_kroner(self, detail: Any) -> Money | None:
        for place in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt"):
            found = detail.find(self._path(place))
            if found is not None and self._currency(found):
                return self._amount(found)
        return None

    def _told(self, element: Any, *, is_out: bool) -> Movement:
        """Give what is told of a transaction beside day and amount."""
        other = "Cdtr" if is_out else "Dbtr"
        message, references = self._message(element), self._references(element)
        words = "\n".join((*references, message))
        others = [
            each for each in references
            if not payment_references.fik_id(each) and not payment_references.creditor_reference(each)
        ]  # fmt: skip
        told = "\n".join((*others, message)).strip()
        return Movement(
            date.min, None, ZERO, "", fik_id=payment_references.fik_id(words),
            creditor_reference=payment_references.creditor_reference(words), message=told,
            payer=self._party(element, other), payer_account=self._party_account(element, other),
            bank_reference=self._text(element, "Refs/AcctSvcrRef") or self._text(element, "AcctSvcrRef"),
            end_to_end_id=self._text(element, "Refs/EndToEndId"),
        )  # fmt: skip

    def _references(self, element: Any) -> list[str]:
        found = element.iterfind(self._path("RmtInf/Strd/CdtrRefInf/Ref"))
        return [words if words.startswith("71") else "".join(words.split()) for words in map(_words, found) if words]

    def _message(self, element: Any) -> str:
        lines = [_words(each) for each in element.iterfind(self._path("RmtInf/Ustrd"))]
        lines += [_words(each) for each in element.iterfind(self._path("RmtInf/Strd/AddtlRmtInf"))]
        lines += [_words(each) for each in element.iterfind(self._path("RmtInf/Strd/RfrdDocInf/Nb"))]
        return "\n".join(filter(None, lines)) or self._text(element, "AddtlTxInf")

    def _party(self, element: Any, other: str) -> str:
        for place in (f"{other}/Nm", f"{other}/Pty/Nm", f"Ultmt{other}/Nm", f"Ultmt{other}/Pty/Nm",
                      f"{other}/PstlAdr/AdrLine", f"{other}/Pty/PstlAdr/AdrLine"):  # fmt: skip
            if found := self._text(element, f"RltdPties/{place}"):
                return found
        return ""

    def _party_account(self, element: Any, other: str) -> str:
        place = f"RltdPties/{other}Acct/Id"
        return "".join((self._text(element, f"{place}/IBAN") or self._text(element, f"{place}/Othr/Id")).split())

    def _raw(self, element: Any) -> str:
        text = etree.tostring(element, encoding="unicode", with_tail=False)
        for prefix, uri in element.nsmap.items():  # the fragment's own head says them, the file's entry did not
            text = text.replace(f' xmlns{f":{prefix}" if prefix else ""}="{uri}"', "", 1)
        if len(text) > _LARGEST_RAW:
            self._refuse(element, Text("er for stort", "is too large"))
        return str(text)

    # --- single values

    def _path(self, place: str) -> str:
        if place not in self._paths:
            self._paths[place] = "/".join(self._tag(name) for name in place.split("/"))
        return self._paths[place]

    def _text(self, element: Any, place: str) -> str:
        return _words(element.find(self._path(place)))

    def _is_out(self, element: Any) -> bool:
        side = self._text(element, "CdtDbtInd")
        if side not in ("CRDT", "DBIT"):
            self._refuse(element, Text("CdtDbtInd er hverken CRDT eller DBIT", "CdtDbtInd is neither CRDT nor DBIT"))
        return side == "DBIT"

    def _signed(self, element: Any) -> Money:
        found = element.find(self._path("Amt"))
        if found is None:
            self._refuse(element, Text("beløbet mangler", "the amount is missing"))
        if not self._currency(found):
            self._refuse(found, Text("kun konti i danske kroner kan tages ind", "only accounts in Danish kroner"))
        amount = self._amount(found)
        return -amount if self._is_out(element) else amount

    def _currency(self, amount: Any) -> bool:
        """Tell whether an amount is in kroner."""
        return bool(amount.get("Ccy") == _CURRENCY)

    def _amount(self, element: Any) -> Money:
        found = _AMOUNT.fullmatch(_words(element))
        if found is None:
            shown = wording.quoted(_words(element))
            self._refuse(
                element, Text(f"{shown} er ikke et beløb i hele øre", f"{shown} is not an amount in whole øre")
            )
        return Money(int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")))

    def _day_of(self, element: Any, place: str) -> date:
        found = self._day_or_none(element, place)
        if found is None:
            self._refuse(element, Text(f"dagen {place} mangler", f"the day {place} is missing"))
        return found

    def _day_or_none(self, element: Any, place: str) -> date | None:
        told = self._text(element, f"{place}/Dt") or self._text(element, f"{place}/DtTm")
        return self._day(element, told[:10]) if told else None

    def _day(self, element: Any, told: str) -> date:
        if found := _DAY.fullmatch(told):
            with suppress(ValueError):
                return date(int(found[1]), int(found[2]), int(found[3]))
        shown = wording.quoted(told)
        return self._refuse(element, Text(f"{shown} er ikke en dag", f"{shown} is not a day"))


def _words(element: Any) -> str:
    return "" if element is None else " ".join((element.text or "").split())


def _with_detail(raw: str, detail: str) -> str:
    """Give an entry's text with one of its transactions where it stood."""
    if not detail:
        return raw
    if "<NtryDtls/>" in raw:
        return raw.replace("<NtryDtls/>", f"<NtryDtls>{detail}</NtryDtls>", 1)
    head, end, rest = raw.rpartition("</NtryDtls>")
    return f"{head}{detail}{end}{rest}"


_NOT_UTF_8 = Text("er ikke UTF-8", "is not UTF-8")
_NO_DECLARATION = Text("dokumenttype, entiteter og CDATA tages ikke ind",
                       "a document type, entities and CDATA are not taken in")  # fmt: skip
_NOT_CAMT = Text("er ikke camt.053.001.02 til 08", "is not camt.053.001.02 to 08")
_NOT_THE_SUM = Text("transaktionerne giver ikke postens beløb", "the transactions do not come to the entry's amount")
