"""Costs of funds: entered by one person, approved by another, then booked; paid out, spread over months, taken back.

What is approved together is one proposal for one fund. A cost is booked as debt to its supplier; one that is spread
stands as prepaid until its months have come. Hours of the secretariat cost a product what they bring the association,
so that the sum of the funds does not move. A wrong cost is taken back by another that points at it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, Table, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from agreements import products
from billing import closed_periods, ledger, payments, vouchers
from billing.balances import MATCHES
from billing.funding.models import Cost, CostPayment
from billing.matching import Part
from billing.payments import Placing
from billing.vouchers import Entry, Order
from foundation import append_only, money, periods, proposals, wording
from foundation.audit import Trail, canonical
from foundation.errors import Conflict, FieldsRefused, NotFound, Refused
from foundation.language import Text, kroner
from foundation.money import ZERO, Money
from foundation.periods import Period
from foundation.proposals import DECISIONS, Proposal

COSTS: Table = Cost.__table__  # type: ignore[assignment]
PAYMENTS: Table = CostPayment.__table__  # type: ignore[assignment]

ENTERED_ACTION, PAID_ACTION = "cost.entered", "cost.paid"
_KIND: proposals.Kind = "cost"

#: So many costs of one fund are proposed together.
AT_MOST = 2_000
_LONGEST_SPREAD = 60  # months
_LARGEST = Money(100_000_000_00)
_REFERENCES_AT_A_TIME = 500
_HOURS_SUFFIX = "00007"  # Administration (stabstimer)
ASSOCIATION = "OS2"

_BY_PRODUCT = "xxx-"


class CostRefused(FieldsRefused):
    """A cost that cannot be entered; each field that is wrong says why."""


class NoSuchCost(NotFound):
    """No cost has that number."""


class NotReversible(Conflict):
    """The cost is not booked, or was taken back before."""


class NotPayable(Conflict):
    """The cost owes its supplier nothing, or the payment is none that goes out."""


class TooManyCosts(Refused):
    """More costs of one fund than are proposed together."""


class State(StrEnum):
    """How a cost stands."""

    PROPOSED = "proposed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    BOOKED = "booked"
    PAID = "paid"
    REVERSED = "reversed"


STATES: Mapping[State, Text] = {
    State.PROPOSED: Text("Venter på godkendelse", "Waits for approval"),
    State.REJECTED: Text("Afvist", "Rejected"),
    State.WITHDRAWN: Text("Trukket tilbage", "Withdrawn"),
    State.BOOKED: Text("Bogført", "Booked"),
    State.PAID: Text("Betalt", "Paid"),
    State.REVERSED: Text("Tilbageført", "Reversed"),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A cost to be: whose fund, on which account, what, when and how much; spread over the months of a period."""

    product: str | None
    account: str
    supplier: str
    reference: str
    incurred_on: date
    text: str
    amount: Money
    spread: Period | None = None
    file_id: int | None = None
    minutes: int | None = None
    rate_id: int | None = None
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """The cost accounts there are: each fund's, by number, with its name."""

    by_fund: Mapping[str | None, Mapping[str, str]]

    def named(self, product: str | None, given: str) -> str | None:
        """Give the number of a fund's account for its number or its last five digits; None where it has none."""
        accounts = self.by_fund.get(product, {})
        if given in accounts:
            return given
        return next((number for number in accounts if number.rpartition("-")[2] == given), None)


# --- questions


def chart(session: Session) -> Chart:
    """Give the cost accounts of the association and of each product, in two queries."""
    rows = session.execute(
        select(ledger.ACCOUNTS.c.number, ledger.ACCOUNTS.c.name_da)
        .where(ledger.ACCOUNTS.c.kind == "udgift")
        .order_by(ledger.ACCOUNTS.c.number)
    ).all()
    of_products = {row.number.rpartition("-")[2]: row.name_da for row in rows if _BY_PRODUCT in row.number}
    by_fund: dict[str | None, dict[str, str]] = {
        None: {row.number: row.name_da for row in rows if _BY_PRODUCT not in row.number}
    }
    for name, account in products.accounts_by_name(session).items():
        by_fund[name] = {f"{account or name}-{suffix}": told for suffix, told in of_products.items()}
    return Chart(by_fund)


def hours_account(found: Chart, product: str) -> str | None:
    """Give the account of a product that hours of the secretariat are booked on."""
    return found.named(product, _HOURS_SUFFIX)


_BACK = COSTS.alias("back")
_BACK_DECISION = DECISIONS.alias("back_decision")


def is_booked() -> ColumnElement[bool]:
    """Tell of a row of `listed` whether it is booked: it was approved, or comes of what was."""
    return or_(COSTS.c.recurring_id.is_not(None), DECISIONS.c.outcome == "approved")


def paid() -> Any:
    """Give what went out to a row's supplier and stands, in øre."""
    undone = select(MATCHES.c.undoes).where(MATCHES.c.undoes.is_not(None))
    return (
        select(func.coalesce(-func.sum(MATCHES.c.amount_ore), 0))
        .select_from(PAYMENTS)
        .join(MATCHES, PAYMENTS.c.match_id == MATCHES.c.id)
        .where(PAYMENTS.c.cost_id == COSTS.c.id, MATCHES.c.id.not_in(undone))
        .correlate(COSTS)
        .scalar_subquery()
    )


def _is_reversed() -> ColumnElement[bool]:
    """Tell whether an approved cost points back at this one."""
    return exists(
        select(_BACK.c.id)
        .join(_BACK_DECISION, _BACK_DECISION.c.proposal_id == _BACK.c.proposal_id)
        .where(_BACK.c.reverses == COSTS.c.id, _BACK_DECISION.c.outcome == "approved")
        .correlate(COSTS)
    )


def state() -> ColumnElement[str]:
    """Give how a row of `listed` stands."""
    return case(
        (_is_reversed(), State.REVERSED.value),
        (and_(is_booked(), COSTS.c.amount_ore > 0, COSTS.c.minutes.is_(None), paid() >= COSTS.c.amount_ore),
         State.PAID.value),
        (is_booked(), State.BOOKED.value),
        (DECISIONS.c.outcome == "rejected", State.REJECTED.value),
        (DECISIONS.c.outcome == "withdrawn", State.WITHDRAWN.value),
        else_=State.PROPOSED.value,
    )  # fmt: skip


def listed() -> Select[Any]:
    """Ask for costs with how each stands and what is paid of it."""
    return (
        select(COSTS, state().label("state"), paid().label("paid_ore"), DECISIONS.c.decided_by, DECISIONS.c.decided_at)
        .select_from(COSTS)
        .outerjoin(DECISIONS, DECISIONS.c.proposal_id == COSTS.c.proposal_id)
    )


def get(session: Session, id_: int) -> Row[Any]:
    """Give a cost as it stands, in one query. Raises NoSuchCost."""
    row = session.execute(listed().where(COSTS.c.id == id_)).first() if 0 < id_ < 2**63 else None
    if row is None:
        raise NoSuchCost(Text(f"ingen omkostning har nummer {id_}", f"no cost has the number {id_}"))
    return row


def of_proposal(session: Session, proposal_id: int) -> list[Row[Any]]:
    """Give the costs that were proposed together, in order, in one query."""
    return list(session.execute(listed().where(COSTS.c.proposal_id == proposal_id).order_by(COSTS.c.id)))


def months_of(first: date, last: date) -> list[date]:
    """Give the first day of each month from one day to another."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + at) // 12, (first.month - 1 + at) % 12 + 1, 1) for at in range(count)]


def spread(amount: Money, months: int) -> list[Money]:
    """Divide an amount over months; what takes another back is its exact opposite, month by month."""
    parts = money.split(Money(abs(amount.ore)), [1] * months)
    return [-part if amount.ore < 0 else part for part in parts]


# --- what is wrong with a draft


def faults(found: Chart, draft: Draft, on: date) -> dict[str, Text]:
    """Tell what is wrong with a draft by field, apart from what was entered before."""
    wrong: dict[str, Text] = {}
    if draft.product not in found.by_fund:
        wrong["product"] = Text("produktet findes ikke; skriv navnet, som det står i registret",
                                "there is no such product; write its name as the register has it")  # fmt: skip
    elif draft.account not in found.by_fund[draft.product]:
        wrong["account"] = Text("kontoen er ingen omkostningskonto her; brug kontoplanens nummer, fx 00005",
                                "no cost account here has that number; use the chart's, such as 00005")  # fmt: skip
    if draft.incurred_on > on:
        wrong["date"] = Text("dagen ligger i fremtiden", "the day lies in the future")
    if not ZERO < draft.amount <= _LARGEST:
        wrong["amount"] = Text("beløbet skal være over nul og højst 100 mio. kr.; før en rettelse som tilbageførsel",
                               "the amount is above zero and at most 100 million; correct by taking back")  # fmt: skip
    if (period := draft.spread) is not None:
        last = period.last_day
        if last is None or last < period.start or len(months_of(period.start, last)) > _LONGEST_SPREAD:
            wrong["to"] = Text("perioden skal ende efter sin begyndelse og være højst 60 måneder",
                               "the months must end after they begin, and be 60 at most")  # fmt: skip
    for name in ("supplier", "reference", "text"):
        if not getattr(draft, name).strip():
            wrong[name] = Text("må ikke være tomt", "must not be empty")
    return wrong


class Known(NamedTuple):
    """A cost that stands with a supplier's reference."""

    id: int
    draft: tuple[Any, ...]


def known(session: Session, references: Iterable[str]) -> dict[tuple[str, str], Known]:
    """Give the costs that stand, by supplier and reference: those rejected, withdrawn or taken back are left out."""
    listed_, found = sorted(set(references)), dict[tuple[str, str], Known]()
    for at in range(0, len(listed_), _REFERENCES_AT_A_TIME):
        some = listed_[at : at + _REFERENCES_AT_A_TIME]
        rows = session.execute(
            listed().where(COSTS.c.reference.in_(some), COSTS.c.reverses.is_(None)).order_by(COSTS.c.id)
        )
        for row in rows:
            if row.state not in (State.REJECTED, State.WITHDRAWN, State.REVERSED):
                found[_key(row.supplier, row.reference)] = Known(row.id, _told_of(row))
    return found


def _key(supplier: str, reference: str) -> tuple[str, str]:
    return wording.folded(supplier), reference


def _told_of(row: Row[Any]) -> tuple[Any, ...]:
    return row.product, row.account, row.incurred_on, row.text, row.amount_ore, row.from_on, row.to_on


def same_as(draft: Draft, standing: Mapping[tuple[str, str], Known]) -> Known | None:
    """Give the cost that stands with a draft's supplier and reference."""
    return standing.get(_key(draft.supplier, draft.reference))


def is_alike(draft: Draft, one: Known) -> bool:
    """Tell whether a cost that stands is the draft, field by field."""
    first, last = _days(draft)
    return one.draft == (draft.product, draft.account, draft.incurred_on, draft.text, draft.amount.ore, first, last)


def _days(draft: Draft) -> tuple[date | None, date | None]:
    return (draft.spread.start, draft.spread.last_day) if draft.spread else (None, None)


def entered_before(one: Known) -> Text:
    """Tell that a supplier's reference stands already, and how it is mended."""
    amount = kroner(Money(one.draft[4]))
    return Text(
        f"er indtastet før som omkostning {one.id} på {amount.da}; ret nummeret, eller før {one.id} tilbage først",
        f"was entered before as cost {one.id} of {amount.en}; correct the number, or take {one.id} back first",
    )


# --- entering


def propose(session: Session, drafts: Sequence[Draft], trail: Trail, *, on: date) -> list[Proposal]:
    """Enter costs, one proposal for each fund; another person approves each. The caller commits.

    Needs the writer's lock. Raises CostRefused for the first that is wrong, or was entered before.
    """
    found, standing = chart(session), known(session, (draft.reference for draft in drafts))
    for draft in drafts:
        wrong = faults(found, draft, on)
        if (one := same_as(draft, standing)) is not None:
            wrong.setdefault("reference", entered_before(one))
        if wrong:
            raise CostRefused(wrong)
    return enter(session, drafts, trail)


def enter(session: Session, drafts: Sequence[Draft], trail: Trail) -> list[Proposal]:
    """Write costs that were checked, with one proposal for each fund."""
    funds: dict[str | None, list[Draft]] = defaultdict(list)
    for draft in drafts:
        funds[draft.product].append(draft)
    first, made, rows = append_only.next_id(session, COSTS), list[Proposal](), list[dict[str, Any]]()
    for product, some in funds.items():
        if len(some) > AT_MOST:
            raise TooManyCosts(Text(f"højst {AT_MOST} omkostninger ad gangen", f"{AT_MOST} costs at most at a time"))
        new = [_row(draft, first + len(rows) + at, trail) for at, draft in enumerate(some)]
        ids, whole = [row["id"] for row in new], sum(row["amount_ore"] for row in new)
        content = canonical({"costs": [ids[0], ids[-1]], "amount_ore": whole, "product": product})
        proposal = proposals.propose(session, _KIND, f"{product or ASSOCIATION} {ids[0]}-{ids[-1]}", content, trail)
        rows += [{**row, "proposal_id": proposal.id} for row in new]
        made.append(proposal)
    append_only.add(session, COSTS, rows)
    told = {"costs": len(rows), "ore": sum(row["amount_ore"] for row in rows)}
    trail.record(ENTERED_ACTION, ", ".join(each.subject for each in made), told, rows=[(COSTS, row) for row in rows])
    return made


def _row(draft: Draft, id_: int, trail: Trail) -> dict[str, Any]:
    first, last = _days(draft)
    return {
        "id": id_, "product": draft.product, "account": draft.account, "supplier": draft.supplier,
        "reference": draft.reference, "incurred_on": draft.incurred_on, "text": draft.text,
        "amount_ore": draft.amount.ore, "minutes": draft.minutes, "rate_id": draft.rate_id, "from_on": first,
        "to_on": last, "file_id": draft.file_id, "reverses": draft.reverses, "recurring_id": None,
        "proposal_id": None, "entered_by": trail.actor, "entered_at": trail.at,
    }  # fmt: skip


def propose_reversal(session: Session, id_: int, reason: str, trail: Trail, *, on: date) -> Proposal:
    """Propose to take a booked cost back by its exact opposite. Raises NoSuchCost, NotReversible or CostRefused."""
    row = get(session, id_)
    told = wording.composed(reason).strip()
    if not told:
        raise CostRefused({"reason": Text("giv en grund", "give a reason")})
    if fault := wording.fault(told, wording.LONGEST_TEXT):
        raise CostRefused({"reason": fault})
    if row.state not in (State.BOOKED, State.PAID) or row.reverses is not None or _waits_back(session, id_):
        raise NotReversible(
            Text(f"omkostning {id_} er ikke bogført, eller den er eller bliver ført tilbage",
                 f"cost {id_} is not booked, or it was or is being taken back")
        )  # fmt: skip
    draft = Draft(
        row.product, row.account, row.supplier, f"{row.reference} -{id_}", max(on, row.incurred_on), told,
        Money(-row.amount_ore), periods.through(row.from_on, row.to_on) if row.from_on else None, None,
        row.minutes, row.rate_id, id_,
    )  # fmt: skip
    return enter(session, [draft], trail)[0]


def _waits_back(session: Session, id_: int) -> bool:
    found = (
        select(COSTS.c.id)
        .outerjoin(DECISIONS, DECISIONS.c.proposal_id == COSTS.c.proposal_id)
        .where(COSTS.c.reverses == id_, DECISIONS.c.id.is_(None))
    )
    return session.execute(found).first() is not None


# --- approving and booking


def approve(session: Session, proposal_ids: Sequence[int], trail: Trail, *, on: date) -> list[int]:
    """Approve what others proposed, all in one act, and book it; give the costs' ids. The caller commits.

    Raises what `proposals.decide` raises; nothing is booked then.
    """
    for id_ in dict.fromkeys(proposal_ids):
        proposals.approve(session, id_, _KIND, trail)
    rows = session.execute(select(COSTS).where(COSTS.c.proposal_id.in_(proposal_ids)).order_by(COSTS.c.id)).all()
    book(session, rows, trail)
    accrue(session, on, trail)
    return [row.id for row in rows]


def book(session: Session, rows: Sequence[Any], trail: Trail) -> None:
    """Book costs on their days, or on the first open day where theirs is closed."""
    opens = closed_periods.first_open(session)
    vouchers.book(session, [order(row, max(row.incurred_on, opens)) for row in rows], trail)


def order(row: Any, on: date) -> Order:
    """Give what a cost books on a day."""
    words = " ".join(f"{row.supplier} {row.reference}: {row.text}".split())
    return Order("cost", f"cost {row.id}", on, words[:200], entries_of(row))


def entries_of(row: Any) -> tuple[Entry, Entry]:
    """Give what a cost books: on its account, or as prepaid; owed to its supplier, or earned by the association."""
    amount = Money(row.amount_ore)
    spent = Entry(ledger.PREPAID, amount) if row.from_on else Entry(row.account, amount, product=row.product)
    return spent, Entry(ledger.SUPPLIERS if row.minutes is None else ledger.OTHER_INCOME, -amount)


def accruals(row: Any) -> Iterator[Order]:
    """Give what each month of a spread cost books; nothing where it lacks its days."""
    if row.from_on is None or row.to_on is None:
        return
    months = months_of(row.from_on, row.to_on)
    for month, part in zip(months, spread(Money(row.amount_ore), len(months)), strict=True):
        if part:
            entries = (Entry(row.account, part, product=row.product), Entry(ledger.PREPAID, -part))
            words = f"{row.supplier} {row.reference}: {month:%Y-%m}"
            yield Order("accrual", f"cost {row.id} {month:%Y-%m}", month, words[:200], entries)


def accrue(session: Session, on: date, trail: Trail) -> int:
    """Book the months of spread costs that have come and are not booked; give how many. Needs the writer's lock."""
    due = accruals_due(session, on)
    opens = closed_periods.first_open(session)
    vouchers.book(session, [replace(each, on=max(each.on, opens)) for each in due], trail)
    return len(due)


def accruals_due(session: Session, on: date) -> list[Order]:
    """Give the months of spread costs that have come and are not booked, in two queries."""
    rows = session.execute(
        listed().where(is_booked(), COSTS.c.from_on.is_not(None), COSTS.c.from_on <= on).order_by(COSTS.c.id)
    ).all()
    if not rows:
        return []
    columns = vouchers.VOUCHERS.c
    booked = set(session.execute(select(columns.subject).where(columns.kind == "accrual")).scalars())
    return [each for row in rows for each in accruals(row) if each.on <= on and each.subject not in booked]


# --- paying out


def unpaid(session: Session) -> list[Row[Any]]:
    """Give the costs that owe their supplier something, the oldest first, in one query."""
    owing = and_(is_booked(), COSTS.c.amount_ore > 0, COSTS.c.minutes.is_(None), paid() < COSTS.c.amount_ore)
    found = listed().where(owing, ~_is_reversed()).order_by(COSTS.c.incurred_on, COSTS.c.id)
    return list(session.execute(found))


def pay(session: Session, id_: int, transaction_id: int, trail: Trail, *, on: date) -> Money:
    """Place money that went out on a cost; give how much. The caller commits.

    Raises NoSuchCost, NoSuchPayment, or NotPayable; undoing the match makes the cost unpaid again.
    """
    row, given = get(session, id_), payments.transaction(session, transaction_id)
    owes = Money(row.amount_ore - int(row.paid_ore))
    if row.state != State.BOOKED or row.minutes is not None or owes <= ZERO or given.left >= ZERO:
        raise NotPayable(
            Text("omkostningen skylder intet, eller betalingen er ingen udbetaling, der venter",
                 "the cost owes nothing, or the payment is none that went out and waits")
        )  # fmt: skip
    amount = min(owes, -given.left)
    why = Text(f"betaling af omkostning {id_}: {row.supplier} {row.reference}",
               f"payment of cost {id_}: {row.supplier} {row.reference}")  # fmt: skip
    part = Part(-amount, None, account=ledger.SUPPLIERS)
    (match_id,) = payments.place(session, [Placing(transaction_id, (part,), "hand", why)], on, trail, of_costs=True)
    made = {"id": append_only.next_id(session, PAYMENTS), "cost_id": id_, "match_id": match_id}
    append_only.add(session, PAYMENTS, [made])
    trail.record(PAID_ACTION, f"cost {id_}", {"match": match_id, "ore": amount.ore}, rows=[(PAYMENTS, made)])
    return amount


def said(proposal: Proposal) -> Mapping[str, Any]:
    """Read what a proposal of costs says: first and last of them, and their sum."""
    found: Mapping[str, Any] = json.loads(proposal.content)
    return found


def proposal_of(session: Session, id_: int) -> Proposal:
    """Give a proposal of costs. Raises NoSuchProposal."""
    found = proposals.get(session, id_)
    if found.kind != _KIND:
        raise proposals.NoSuchProposal(Text("det er et andet slags forslag", "that is another kind of proposal"))
    return found


def waiting(session: Session) -> list[Proposal]:
    """Give the proposals of costs that are open, newest first, in one query."""
    return proposals.open(session, _KIND)
