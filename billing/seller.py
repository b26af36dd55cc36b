"""The association as seller: who it is, and where it is paid. Kept as the text that was imported; the newest counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session
from stdnum import iban

from billing.document import Party
from billing.models import SellerSettings
from foundation import append_only, identifiers, money, proposals, toml_text, wording
from foundation.audit import Trail, sha256
from foundation.errors import Refused
from foundation.language import Text, joined, same
from foundation.money import Money
from foundation.proposals import Proposal
from foundation.toml_text import NotToml

SETTINGS: Table = SellerSettings.__table__  # type: ignore[assignment]

#: What the settings are named by where they are proposed.
SUBJECT = "OS2"

#: A public debtor may be given at most this many days (interest act, § 3 a; einvoicing: 30).
LONGEST_TERM_DAYS = 30

#: Highest limit, in whole kroner, that the settings may give.
HIGHEST_CREDIT_LIMIT = 10**9

_UNKNOWN_TOLD = 50

_MADE_UP = Path(__file__).parent / "data" / "seller_made_up.toml"

#: Settings to begin from where there are none.
EXAMPLE = _MADE_UP.read_text(encoding="utf-8")
_KEYS = {
    "seller", "address", "postcode", "city", "cvr", "vat_registered", "gln", "account", "fik_creditor", "payment_days",
    "credit_limit", "made_up",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SettingsFault:
    """What is wrong with one key of the settings."""

    key: str
    reason: Text

    @property
    def text(self) -> Text:
        """The fault as a line to read."""
        return same(f"{self.key}: ") + self.reason


class SettingsRefused(Refused):
    """The settings' text is not right; every fault is named, and in `faults` by its key where it has one."""

    def __init__(self, text: Text, faults: Sequence[SettingsFault] = ()) -> None:
        super().__init__(text)
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Seller:
    """The association as it stands on its invoices; `payment_days` from issue to due.

    A credit note up to `credit_limit` needs one person. It is zero where the settings give none, so that two people
    stand behind every krone that is given back until the association decides otherwise.
    """

    party: Party
    vat_registered: bool
    registration: str
    account: str
    iban: str
    fik_creditor: str
    payment_days: int
    credit_limit: Money
    made_up: bool
    digest: str


def current(session: Session) -> Seller | None:
    """Give the newest imported settings; None where there are none yet."""
    text = session.execute(select(SETTINGS.c.text).order_by(SETTINGS.c.id.desc()).limit(1)).scalar()
    return None if text is None else read(text)


def credit_limits(session: Session) -> dict[str, Money]:
    """Give how much one person alone might give back by all settings there ever were, by their digest.

    Settings that somebody made unreadable give none.
    """
    limits = {made_up().digest: made_up().credit_limit}
    for text in session.execute(select(SETTINGS.c.text)).scalars():
        with suppress(SettingsRefused):
            settings = read(text)
            limits[settings.digest] = settings.credit_limit
    return limits


def made_up() -> Seller:
    """Give the seller with made-up accounts, for development and demo only."""
    return read(EXAMPLE)


def store(session: Session, text: str, trail: Trail) -> bool:
    """Keep new settings; tell whether they differ from the newest. Raises SettingsRefused."""
    seller = read(text)
    known = current(session)
    if known is not None and known.digest == seller.digest:
        return False
    row: dict[str, Any] = {
        "id": append_only.next_id(session, SETTINGS),
        "text": text,
        "digest": seller.digest,
        "imported_at": trail.at,
        "imported_by": trail.actor,
    }
    append_only.add(session, SETTINGS, [row])
    trail.record("settings.imported", seller.party.name, {"digest": seller.digest}, rows=[(SETTINGS, row)])
    return True


def propose(session: Session, text: str, trail: Trail, *, allow_made_up: bool) -> Proposal:
    """Propose new settings; they take the place of those proposed before. Raises SettingsRefused with every fault."""
    wanted, known = read(text), current(session)
    _refuse_made_up(wanted, allow_made_up)
    if known is not None and replace(wanted, digest=known.digest) == known:
        raise SettingsRefused(Text("det er de indstillinger, der gælder", "these are the settings in force"))
    return proposals.propose_newest(session, "settings", SUBJECT, text, trail)


def approve(session: Session, id_: int, trail: Trail, *, allow_made_up: bool) -> Proposal:
    """Approve proposed settings and put them in force, another person than who proposed them.

    Raises what `proposals.decide` raises, and SettingsRefused where the rules have become stricter since.
    """
    proposal = proposals.approve(session, id_, "settings", trail)
    _refuse_made_up(read(proposal.content), allow_made_up)
    store(session, proposal.content, trail)
    return proposal


def _refuse_made_up(seller: Seller, allowed: bool) -> None:
    if seller.made_up and not allowed:
        raise SettingsRefused(
            Text(
                "opdigtede indstillinger er ikke tilladt i produktion", "made-up settings are not allowed in production"
            )
        )


def read(text: str) -> Seller:
    """Read the settings. Raises SettingsRefused with every fault."""
    try:
        given = toml_text.parse(text)
    except NotToml as error:
        raise SettingsRefused(Text(f"linje {error.line}: ", f"line {error.line}: ") + error.reason) from None
    account = given.get("account", {})
    faults = [*_faults(given), *(_account_faults(account) if isinstance(account, dict) else [_wrong("account")])]
    if faults:
        raise SettingsRefused(joined([fault.text for fault in faults], by="\n"), faults)
    return Seller(
        party=Party(
            name=_words(given, "seller"),
            cvr=given["cvr"],
            address=_words(given, "address"),
            postcode=_words(given, "postcode"),
            city=_words(given, "city"),
            gln=given.get("gln", ""),
        ),
        vat_registered=given["vat_registered"],
        registration=account.get("registration", ""),
        account=account.get("number", ""),
        iban=iban.compact(account.get("iban", "")),
        fik_creditor=given.get("fik_creditor", ""),
        payment_days=given.get("payment_days", LONGEST_TERM_DAYS),
        credit_limit=money.kroner(given.get("credit_limit", 0)),
        made_up=given.get("made_up", False),
        digest=sha256(text),
    )


def _words(given: Mapping[str, Any], key: str) -> str:
    return wording.composed(given[key]).strip()


def _wrong(key: str, why: Text | None = None) -> SettingsFault:
    return SettingsFault(key, why or Text("mangler eller er ugyldig", "is missing or invalid"))


def _faults(given: Mapping[str, Any]) -> list[SettingsFault]:
    faults = _unknown(given, _KEYS, "") + _word_faults(given) + _number_faults(given)
    for key in ("vat_registered", "made_up"):
        if not isinstance(given.get(key, False if key == "made_up" else None), bool):
            faults.append(_wrong(key, Text("skal være true eller false", "must be true or false")))
    days = given.get("payment_days", LONGEST_TERM_DAYS)
    if type(days) is not int or not 1 <= days <= LONGEST_TERM_DAYS:
        faults.append(_wrong("payment_days", Text("skal være 1 til 30 dage", "must be 1 to 30 days")))
    limit = given.get("credit_limit", 0)
    if type(limit) is not int or not 0 <= limit <= HIGHEST_CREDIT_LIMIT:
        faults.append(_wrong("credit_limit", Text("skal være hele kroner fra 0", "must be whole kroner from 0")))
    account = given.get("account")
    ways = account if isinstance(account, dict) else {}
    if not (given.get("fik_creditor") or ways.get("iban") or (ways.get("registration") and ways.get("number"))):
        faults.append(_wrong("account", Text("ingen vej at betale", "no way to pay")))
    return faults


def _unknown(given: Mapping[str, Any], known: set[str], inside: str) -> list[SettingsFault]:
    strange = [key for key in given if key not in known][:_UNKNOWN_TOLD]
    return [_wrong(inside + wording.quoted(key), Text("ukendt nøgle", "unknown key")) for key in strange]


def _word_faults(given: Mapping[str, Any]) -> list[SettingsFault]:
    faults: list[SettingsFault] = []
    for key in ("seller", "address", "postcode", "city"):
        value = given.get(key)
        if not isinstance(value, str) or not value.strip():
            faults.append(_wrong(key))
        elif fault := wording.fault(wording.composed(value), wording.LONGEST_NAME):
            faults.append(_wrong(key, fault))
    return faults


def _number_faults(given: Mapping[str, Any]) -> list[SettingsFault]:
    faults: list[SettingsFault] = []
    cvr, gln = given.get("cvr"), given.get("gln", "")
    if fault := identifiers.cvr_fault(cvr if isinstance(cvr, str) else ""):
        faults.append(_wrong("cvr", fault))
    if gln != "" and (fault := identifiers.gln_fault(gln if isinstance(gln, str) else "")):
        faults.append(_wrong("gln", fault))
    if not _is_digits(given.get("fik_creditor", ""), 8, 8):
        faults.append(_wrong("fik_creditor", Text("skal være otte cifre", "must be eight digits")))
    return faults


def _account_faults(account: Mapping[str, Any]) -> list[SettingsFault]:
    faults = _unknown(account, {"registration", "number", "iban"}, "account.")
    if not _is_digits(account.get("registration", ""), 4, 4):
        faults.append(_wrong("account.registration", Text("skal være fire cifre", "must be four digits")))
    if not _is_digits(account.get("number", ""), 1, 10):
        faults.append(_wrong("account.number", Text("skal være højst ti cifre", "must be ten digits at most")))
    number = account.get("iban", "")
    if number != "" and not (isinstance(number, str) and iban.is_valid(number)):
        faults.append(_wrong("account.iban", Text("er ikke et gyldigt IBAN", "is no valid IBAN")))
    return faults


def _is_digits(value: object, least: int, most: int) -> bool:
    """Tell whether a value is a text of so many digits, or empty."""
    return isinstance(value, str) and (not value or re.fullmatch(f"[0-9]{{{least},{most}}}", value) is not None)
