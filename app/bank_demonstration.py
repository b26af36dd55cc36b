"""Statements as a Danish bank writes them (camt.053), for the demonstration: who paid what is made up, and says so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from xml.sax.saxutils import escape

from sqlalchemy import select
from sqlalchemy.orm import Session

from authorities.models import Authority
from billing import payment_id
from billing.models import Invoice

#: The account, made up: it is at no bank, and its check digits are right.
ACCOUNT = "DK1800000000000000"
MADE_UP = "OPDIGTET KONTOUDTOG"
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"


@dataclass(frozen=True, slots=True)
class Moved:
    """Money as it moves on the account: in above zero, out below; in øre."""

    on: date
    ore: int
    bank_reference: str
    fik_id: str = ""
    creditor_reference: str = ""
    message: tuple[str, ...] = ()
    payer: str = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice that somebody will pay."""

    number: str
    fik_id: str
    ore: int
    payer: str
    issued_on: date
    due_on: date


def owed(session: Session, year: int) -> list[Owed]:
    """Give the real invoices of a year, in one query."""
    columns = Invoice.__table__.c
    rows = session.execute(
        select(
            columns.number, columns.year, columns.sequence, columns.gross_ore, columns.issued_on, columns.due_on,
            Authority.name,
        )
        .join(Authority, Authority.id == columns.authority_id)
        .where(columns.year == year, columns.book == "real", columns.gross_ore > 0)
        .order_by(columns.id)
    )  # fmt: skip
    return [
        Owed(
            row.number, payment_id.for_invoice(row.year, row.sequence, rehearsal=False), row.gross_ore, row.name,
            row.issued_on, row.due_on,
        )
        for row in rows
    ]  # fmt: skip


def statement(name: str, opening_ore: int, moved: Sequence[Moved], first: date, last: date) -> bytes:
    """Write a statement of the days from `first` to `last`; payments by form on one day come as one entry."""
    closing_ore = opening_ore + sum(each.ore for each in moved)
    entries = "".join(_entries(sorted(moved, key=lambda each: (each.on, not each.fik_id))))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_NAMESPACE}"><BkToCstmrStmt>\n'
        f"<GrpHdr><MsgId>{escape(name)}</MsgId><CreDtTm>{last}T23:00:00Z</CreDtTm>"
        f"<AddtlInf>{MADE_UP}</AddtlInf></GrpHdr>\n"
        f"<Stmt><Id>{escape(name)}</Id><CreDtTm>{last}T23:00:00Z</CreDtTm>"
        f"<FrToDt><FrDtTm>{first}T00:00:00</FrDtTm><ToDtTm>{last}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>{ACCOUNT}</IBAN></Id><Ccy>DKK</Ccy></Acct>\n"
        f"{_balance('OPBD', opening_ore, first)}\n{_balance('CLBD', closing_ore, last)}\n{entries}"
        "</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _balance(kind: str, ore: int, on: date) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(ore)}{_side(ore)}<Dt><Dt>{on}</Dt></Dt></Bal>"


def _amount(ore: int) -> str:
    return f'<Amt Ccy="DKK">{abs(ore) // 100}.{abs(ore) % 100:02d}</Amt>'


def _side(ore: int) -> str:
    return f"<CdtDbtInd>{'DBIT' if ore < 0 else 'CRDT'}</CdtDbtInd>"


def _entries(moved: Sequence[Moved]) -> Iterator[str]:
    for (on, is_form), together in groupby(moved, key=lambda each: (each.on, bool(each.fik_id))):
        listed = list(together)
        for batch in [listed] if is_form else [[each] for each in listed]:
            yield _entry(on, batch)


def _entry(on: date, batch: Sequence[Moved]) -> str:
    ore = sum(each.ore for each in batch)
    count = f"<Btch><NbOfTxs>{len(batch)}</NbOfTxs></Btch>" if len(batch) > 1 else ""
    return (
        f"<Ntry>{_amount(ore)}{_side(ore)}<Sts>BOOK</Sts><BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt>"
        f"<NtryDtls>{count}{''.join(map(_details, batch))}</NtryDtls></Ntry>\n"
    )


def _details(moved: Moved) -> str:
    who = (
        f"<RltdPties><Dbtr><PstlAdr><AdrLine>{escape(moved.payer)}</AdrLine></PstlAdr></Dbtr></RltdPties>"
        if moved.payer
        else ""
    )
    reference = f"71/{moved.fik_id}" if moved.fik_id else moved.creditor_reference
    lines = "".join(f"<Ustrd>{escape(line)}</Ustrd>" for line in moved.message)
    if reference:
        lines += (
            f"<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>{reference}</Ref></CdtrRefInf></Strd>"
        )
    return (
        f"<TxDtls><Refs><AcctSvcrRef>{escape(moved.bank_reference)}</AcctSvcrRef></Refs>"
        f"<AmtDtls><TxAmt>{_amount(moved.ore)}</TxAmt></AmtDtls>{who}<RmtInf>{lines}</RmtInf></TxDtls>"
    )


def given(on: date, ore: int, payer: str) -> Moved:
    """Give what somebody gives once, beside fees; for which fund, is for a person to tell."""
    return Moved(on, ore, f"{MADE_UP} BIDRAG", message=("OPDIGTET bidrag til udvikling",), payer=payer)


def made_up(invoices: Sequence[Owed], until: date, more: Sequence[Moved] = ()) -> bytes | None:
    """Write what came in up to a day.

    Most pay by the form some days before it is due, some name the invoice in words, a few say nothing. `more` came too.

    None where nobody paid yet.
    """
    paid = [each for each in map(_paid, invoices) if each is not None]
    moved = [each for each in (*paid, *more) if each.on <= until]
    if not moved:
        return None
    first = min(each.on for each in moved)
    return statement(f"{MADE_UP}-{until}", 10_000_000, moved, first, until)


def _paid(invoice: Owed) -> Moved | None:
    draw = int(hashlib.sha256(invoice.number.encode()).hexdigest(), 16)
    if draw % 10 == 0:  # one in ten has not paid
        return None
    on = invoice.issued_on + timedelta(days=3 + draw // 10 % 25)
    reference = f"{MADE_UP} {invoice.number}"
    if draw // 5000 % 15 == 0:  # a payer that says nothing; what it was for is for a person to tell
        return Moved(on, invoice.ore, reference, message=("OS2",), payer=invoice.payer.split()[0].upper())
    if draw // 1000 % 5 == 0:
        return Moved(on, invoice.ore, reference, message=(f"Faktura {invoice.number}",), payer=invoice.payer)
    return Moved(on, invoice.ore, reference, fik_id=invoice.fik_id)
