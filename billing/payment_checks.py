"""What must hold of vouchers and payments, recomputed from the database; `verification` runs it with its own checks.

Every voucher balances; what stands on the clearing account is what waits; every match fits its voucher, its payment
and its invoice; and what the ledger says is owed is what the facts come to, for each authority.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from billing import balances, bank_checks, ledger, payments, reminder_charges, settlements
from billing.balances import MATCHES, REFUNDS, REVERSALS, TRANSACTIONS, WRITE_OFFS
from billing.payments import EVER
from billing.reminder_charges import WAIVERS
from billing.vouchers import POSTINGS, VOUCHERS, Entry
from foundation.audit import Broken
from foundation.language import Text
from foundation.money import Money
from foundation.proposals import DECISIONS, PROPOSALS, is_same_person

Check = Callable[[Session, Counter[str]], Iterator[Broken]]

_AT_A_TIME = 500
_HALF = 2**32

#: What moves a receivable beside invoices and credit notes, and is told by a match or a write-off.
_SETTLING = ("match", "unmatch", "credit_used", "write_off", "write_off_back")


def _broken(check: str, subject: str, da: str, en: str) -> Broken:
    return Broken(check, subject, Text(da, en))


def vouchers_balance(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Every voucher has postings, and they sum to zero."""
    checked["vouchers"] += session.execute(select(func.count()).select_from(VOUCHERS)).scalar() or 0
    sums = (
        select(VOUCHERS.c.id, VOUCHERS.c.kind, VOUCHERS.c.subject, func.count(POSTINGS.c.id).label("rows"),
               *_sum(POSTINGS.c.amount_ore))
        .outerjoin(POSTINGS, POSTINGS.c.voucher_id == VOUCHERS.c.id)
        .group_by(VOUCHERS.c.id, VOUCHERS.c.kind, VOUCHERS.c.subject)
        .order_by(VOUCHERS.c.id)
    )  # fmt: skip
    for row in session.execute(sums.execution_options(yield_per=_AT_A_TIME)):
        if not row.rows or _summed(row):
            subject = f"{row.kind} {row.subject}"
            yield _broken("vouchers", subject, "bilaget går ikke op", "the voucher does not balance")


def _sum(ore: ColumnElement[int]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Sum in two halves: SQLite gives up where a sum leaves 64 bits, as a forged amount may."""
    return func.sum(ore // _HALF).label("high"), func.sum(ore % _HALF).label("low")


def _summed(row: Row[Any]) -> int:
    return int(row.high or 0) * _HALF + int(row.low or 0)


# --- the clearing account


def clearing(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """What stands on the clearing account is, øre for øre, what of the bank's transactions has not found its place."""
    checked["clearing"] += session.execute(select(func.count()).select_from(TRANSACTIONS)).scalar() or 0
    stands = _total(session, _booked(ledger.CLEARING))
    came = _total(session, _over(TRANSACTIONS.c.amount_ore))
    placed = _total(session, _over(MATCHES.c.amount_ore).where(MATCHES.c.transaction_id.is_not(None)))
    if stands != placed - came:
        yield _broken(
            "clearing", ledger.CLEARING, f"på kontoen står {-stands} øre, men {came - placed} øre venter",
            f"{-stands} øre stand on the account, but {came - placed} øre wait",
        )  # fmt: skip


def _booked(account: str) -> Select[Any]:
    of_vouchers = _over(POSTINGS.c.amount_ore).join(VOUCHERS, POSTINGS.c.voucher_id == VOUCHERS.c.id)
    return of_vouchers.where(POSTINGS.c.account == account, VOUCHERS.c.book == "real")


def _over(ore: ColumnElement[int]) -> Select[Any]:
    return cast(Select[Any], select(*_sum(ore)))


def _total(session: Session, found: Select[Any]) -> int:
    return _summed(session.execute(found).one())


# --- matches


def matches(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Every match fits its voucher; none uses more than its payment has; one that undoes is another's opposite."""
    yield from _vouchers_of_matches(session, checked)
    yield from _undone(session)
    yield from _overspent(session)
    yield from _without_match(session)


def _vouchers_of_matches(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    after = 0
    while rows := session.execute(
        payments.with_products()
        .add_columns(VOUCHERS.c.kind, VOUCHERS.c.subject, VOUCHERS.c.posted_on, VOUCHERS.c.book)
        .outerjoin(VOUCHERS, MATCHES.c.voucher_id == VOUCHERS.c.id)
        .where(MATCHES.c.id > after).order_by(MATCHES.c.id).limit(_AT_A_TIME)
    ).all():  # fmt: skip
        after = rows[-1].id
        booked = _postings(session, [row.voucher_id for row in rows])
        for row in rows:
            checked["matches"] += 1
            if not _fits(row, booked.get(row.voucher_id, [])):
                yield _broken(
                    "matches", f"match {row.id}", "bilaget passer ikke til den", "its voucher does not fit it"
                )


def _fits(row: Row[Any], booked: list[Entry]) -> bool:
    kind = "unmatch" if row.undoes else "credit_used" if row.transaction_id is None else "match"
    said = (row.kind, row.subject, row.posted_on, row.book)
    should = payments.entries_of(row._asdict())
    return said == (kind, f"match {row.id}", row.matched_on, "real") and booked == list(should)


def _postings(session: Session, ids: list[int]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {}
    listed = select(POSTINGS).where(POSTINGS.c.voucher_id.in_(ids)).order_by(POSTINGS.c.voucher_id, POSTINGS.c.position)
    for row in session.execute(listed):
        entry = Entry(row.account, Money(row.amount_ore), row.product, row.authority_id, row.invoice_id)
        found.setdefault(row.voucher_id, []).append(entry)
    return found


_SAME = ("transaction_id", "authority_id", "invoice_id", "refund_id", "account")


def _undone(session: Session) -> Iterator[Broken]:
    was = MATCHES.alias("was")
    rows = session.execute(
        select(MATCHES, was.c.undoes.label("was_undoes"), was.c.amount_ore.label("was_ore"),
               *(was.c[name].label(f"was_{name}") for name in _SAME))
        .join(was, MATCHES.c.undoes == was.c.id)
        .execution_options(yield_per=_AT_A_TIME)
    )  # fmt: skip
    for row in rows:
        is_same = all(getattr(row, name) == getattr(row, f"was_{name}") for name in _SAME)
        if not is_same or row.was_ore != -row.amount_ore or row.was_undoes is not None or row.undoes >= row.id:
            yield _broken(
                "matches", f"match {row.id}", "ophæver ikke netop den, den peger på", "does not undo what it points to"
            )


def _overspent(session: Session) -> Iterator[Broken]:
    matched = (
        select(MATCHES.c.transaction_id, func.sum(MATCHES.c.amount_ore).label("ore"))
        .where(MATCHES.c.transaction_id.is_not(None))
        .group_by(MATCHES.c.transaction_id)
        .subquery("matched")
    )
    has = TRANSACTIONS.c.amount_ore
    wrong = ((has > 0) & ((matched.c.ore > has) | (matched.c.ore < 0))) | (
        (has <= 0) & ((matched.c.ore < has) | (matched.c.ore > 0))
    )
    rows = session.execute(
        select(TRANSACTIONS.c.id).join(matched, matched.c.transaction_id == TRANSACTIONS.c.id).where(wrong)
    )
    for row in rows.all():
        yield _broken(
            "matches", f"transaction {row.id}", "er brugt til mere, end der kom", "is used for more than there is"
        )


def _without_match(session: Session) -> Iterator[Broken]:
    """A voucher that says a payment was matched, or undone, has its match."""
    kinds = ("match", "unmatch", "credit_used")
    known = select(MATCHES.c.voucher_id)
    rows = session.execute(select(VOUCHERS).where(VOUCHERS.c.kind.in_(kinds), VOUCHERS.c.id.not_in(known)))
    for row in rows.all():
        yield _broken("matches", f"{row.kind} {row.subject}", "bilaget har ingen match", "the voucher has no match")


# --- refunds and write-offs


def settled(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Two people stand behind every refund and write-off, and each is booked as it was decided."""
    for row in session.execute(_decided(REFUNDS)).all():
        checked["settlements"] += 1
        entries = (
            Entry(ledger.CREDIT, Money(row.amount_ore), authority_id=row.authority_id),
            Entry(ledger.REFUNDS_DUE, Money(-row.amount_ore), authority_id=row.authority_id),
        )
        yield from _one_settled(session, row, "refund", entries)
    owed = balances.outstanding(session, EVER)
    for row in session.execute(_decided(WRITE_OFFS)).all():
        checked["settlements"] += 1
        one = owed.get(row.invoice_id)
        amount, vat = Money(row.amount_ore), Money(row.vat_ore)
        entries_ = settlements.write_off_entries(one, amount, vat) if one else ()
        yield from _one_settled(session, row, "write_off", entries_)
    for row in session.execute(_decided(WAIVERS)).all():
        checked["settlements"] += 1
        authority_id = owed[row.invoice_id].authority_id if row.invoice_id in owed else None
        waived = settlements.waiver_entries(authority_id, row.invoice_id, Money(row.amount_ore))
        yield from _one_settled(session, row, "charge_waiver", waived)
    yield from _reversed(session, checked)


def _reversed(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """What came of a write-off is at most what was given up, and is booked against it, by a match of its invoice."""
    lost, back = WRITE_OFFS.c, REVERSALS.c
    rows = session.execute(
        select(REVERSALS, lost.amount_ore.label("lost_ore"), lost.vat_ore.label("lost_vat_ore"), lost.decided_on,
               lost.invoice_id, MATCHES.c.invoice_id.label("came_for"), MATCHES.c.amount_ore.label("came_ore"),
               MATCHES.c.authority_id, MATCHES.c.matched_on)
        .outerjoin(WRITE_OFFS, back.write_off_id == lost.id)
        .outerjoin(MATCHES, back.match_id == MATCHES.c.id)
        .order_by(back.id)
    ).all()  # fmt: skip
    so_far: dict[int, tuple[Money, Money]] = {}
    for row in rows:
        checked["settlements"] += 1
        amount, vat = Money(row.amount_ore), Money(row.vat_ore)
        was = so_far.get(row.write_off_id, (Money(0), Money(0)))
        so_far[row.write_off_id] = now = (was[0] + amount, was[1] + vat)
        if not _came_back(row, now):
            yield _broken("settlements", f"write_off_reversal {row.id}", "passer ikke til det, der er afskrevet og kom",
                          "does not fit what was written off and came")  # fmt: skip
            continue
        entries = payments.reversal_entries(row.authority_id, row.invoice_id, amount, vat)
        if _postings(session, [row.voucher_id]).get(row.voucher_id, []) != list(entries):
            yield _broken("settlements", f"write_off_reversal {row.id}", "er ikke bogført, som det kom",
                          "is not booked as it came")  # fmt: skip


def _came_back(row: Row[Any], so_far: tuple[Money, Money]) -> bool:
    """Tell whether a reversal fits its write-off and its match; `so_far` is what came of the write-off, with it."""
    if row.lost_ore is None or row.came_ore is None or row.came_for != row.invoice_id or row.lost_ore <= 0:
        return False
    is_within = 0 < row.amount_ore <= row.came_ore and so_far[0].ore <= row.lost_ore
    vat = Money(row.lost_vat_ore).scaled(Fraction(so_far[0].ore, row.lost_ore))
    return is_within and so_far[1] == vat and row.reversed_on == max(row.matched_on, row.decided_on)


def _decided(table: Any) -> Select[Any]:
    return (
        select(table, PROPOSALS.c.kind, PROPOSALS.c.proposed_by, DECISIONS.c.outcome, DECISIONS.c.decided_by)
        .outerjoin(PROPOSALS, table.c.proposal_id == PROPOSALS.c.id)
        .outerjoin(DECISIONS, DECISIONS.c.proposal_id == PROPOSALS.c.id)
        .order_by(table.c.id)
    )


def _one_settled(session: Session, row: Row[Any], kind: str, entries: tuple[Entry, ...]) -> Iterator[Broken]:
    subject = f"{kind} {row.id}"
    is_decided = (row.kind, row.outcome) == (kind, "approved") and not is_same_person(row.proposed_by, row.decided_by)
    if not is_decided:
        yield _broken("settlements", subject, "er ikke godkendt af en anden", "was not approved by another person")
    if _postings(session, [row.voucher_id]).get(row.voucher_id, []) != list(entries):
        yield _broken("settlements", subject, "er ikke bogført, som det blev besluttet", "is not booked as decided")


# --- what is owed


def owed(session: Session, checked: Counter[str]) -> Iterator[Broken]:
    """Invoiced − credited − matched + refunded = outstanding, for each authority, in the facts and in the ledger."""
    facts: Counter[int] = Counter()
    for each in balances.outstanding(session, EVER).values():
        checked["owed"] += 1
        facts[each.authority_id] += each.outstanding.ore
        if each.outstanding.ore < 0:
            yield _broken("owed", each.number, "er betalt med mere, end den skylder", "is paid more than it owes")
    ledger_says = _receivable(session)
    for authority_id in sorted({*facts, *ledger_says}):
        if facts[authority_id] != ledger_says[authority_id]:
            told = f"{ledger_says[authority_id]} øre, {facts[authority_id]} øre"
            yield _broken(
                "owed", f"authority {authority_id}", f"regnskabet og kendsgerningerne er uenige: {told}",
                f"the ledger and the facts do not agree: {told}",
            )  # fmt: skip
    yield from _charges(session)
    for authority_id, credit in sorted(balances.credits_of(session, EVER).items()):
        if credit.ore < 0:
            yield _broken(
                "owed", f"authority {authority_id}", "har brugt mere, end den har til gode", "used more than its credit"
            )


def _charges(session: Session) -> Iterator[Broken]:
    """What reminders charge less what was paid of it is what stands on its account, for each invoice."""
    facts: Counter[int] = Counter()
    for each in reminder_charges.charged(session, EVER).values():
        facts[each.invoice_id] = each.outstanding.ore
        if each.outstanding.ore < 0:
            yield _broken("owed", each.number, "har fået betalt mere i gebyr og rente, end rykkerne kræver",
                          "is paid more in fee and interest than its reminders charge")  # fmt: skip
    rows = session.execute(
        select(POSTINGS.c.invoice_id, *_sum(POSTINGS.c.amount_ore))
        .join(VOUCHERS, POSTINGS.c.voucher_id == VOUCHERS.c.id)
        .where(POSTINGS.c.account == ledger.CHARGES_OWED, VOUCHERS.c.book == "real", POSTINGS.c.invoice_id.is_not(None))
        .group_by(POSTINGS.c.invoice_id)
    )
    booked: Counter[int] = Counter({row.invoice_id: _summed(row) for row in rows})
    for invoice_id in sorted({*facts, *booked}):
        if facts[invoice_id] != booked[invoice_id]:
            told = f"{booked[invoice_id]} øre, {facts[invoice_id]} øre"
            yield _broken(
                "owed", f"invoice {invoice_id}", f"regnskabet og rykkernes gebyr og rente er uenige: {told}",
                f"the ledger and the reminders' fee and interest do not agree: {told}",
            )  # fmt: skip


def _receivable(session: Session) -> Counter[int]:
    """Sum the receivables of the ledger by authority; what reminders and interest add stands apart."""
    sums: Counter[int] = Counter()
    of_invoices = (
        select(ledger.ENTRIES.c.authority_id, *_sum(ledger.POSTINGS.c.amount_ore))
        .join(ledger.POSTINGS, ledger.POSTINGS.c.entry_id == ledger.ENTRIES.c.id)
        .where(ledger.POSTINGS.c.account == ledger.RECEIVABLES, ledger.ENTRIES.c.book == "real")
        .group_by(ledger.ENTRIES.c.authority_id)
    )
    of_vouchers = (
        select(POSTINGS.c.authority_id, *_sum(POSTINGS.c.amount_ore))
        .join(VOUCHERS, POSTINGS.c.voucher_id == VOUCHERS.c.id)
        .where(POSTINGS.c.account == ledger.RECEIVABLES, VOUCHERS.c.book == "real", VOUCHERS.c.kind.in_(_SETTLING))
        .group_by(POSTINGS.c.authority_id)
    )
    for found in (of_invoices, of_vouchers):
        for row in session.execute(found):
            sums[row.authority_id or 0] += _summed(row)
    return sums


def bounded(name: str, check: Check) -> Check:
    """Name sums that leave 64 bits, as forged amounts may, where SQLite would give up."""

    def within(session: Session, checked: Counter[str]) -> Iterator[Broken]:
        try:
            yield from list(check(session, checked))
        except OperationalError as error:
            if "overflow" not in str(error.orig):
                raise
            yield _broken(name, "sum", "beløbene er for store", "the amounts are too large")

    return within


CHECKS: dict[str, Check] = {
    name: bounded(name, check)
    for name, check in {
        "vouchers": vouchers_balance,
        "bank_transactions": bank_checks.transactions,
        "bank_statements": bank_checks.statements,
        "clearing": clearing,
        "matches": matches,
        "settlements": settled,
        "owed": owed,
    }.items()
}
