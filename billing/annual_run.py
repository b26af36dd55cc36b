"""The annual run, as data from one end to the other: gather → price → draft → reconcile; then approve, then issue.

    gather      year → billables                      reads the database, a batch of payers at a time
    price       billable → charges or problems        touches nothing
    draft       charges → invoices to be              touches nothing
    reconcile   drafts, what is invoiced → plan       touches nothing

The plan has a digest over everything that decides it. Making it twice gives the same digest, and writes nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from agreements import products
from billing import gathering, pricing
from billing.case import Ground, Priced
from billing.charges import (
    Billable,
    Charge,
    Code,
    Draft,
    InvoicedLine,
    Payer,
    Problem,
    content_digest,
    content_text,
    drafted,
)
from billing.document import References
from billing.gathering import Book, Run
from billing.seller import Seller
from fee_tables.calculation import Kind
from foundation.audit import canonical
from foundation.language import Text, joined, kroner, same
from foundation.money import ZERO, Money


@dataclass(frozen=True, slots=True)
class NothingToInvoice:
    """A payer whose lines sum to zero, and why; `draft` is the invoice it will not get."""

    payer: Payer
    reason: Text
    draft: Draft


@dataclass(frozen=True, slots=True)
class Proposal:
    """One invoice of a plan: its draft, the digest of its content as one text, and that text where it is at hand."""

    draft: Draft
    digest: str
    text: str | None = None

    @property
    def content(self) -> str:
        """The content as one text, which the digest is over."""
        return content_text(self.draft) if self.text is None else self.text


@dataclass
class PayerPlan:
    """What reconciling came to for one payer."""

    billable: Billable
    proposals: list[Proposal] = field(default_factory=list)
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    nothing: list[NothingToInvoice] = field(default_factory=list)


@dataclass
class Totals:
    """Sums over new invoices; by product, net of rebates and exemptions."""

    invoices: int = 0
    lines: int = 0
    net: Money = ZERO
    vat: Money = ZERO
    annual_fees: Counter[str] = field(default_factory=Counter)  # øre, the products' part
    joining_fees: Counter[str] = field(default_factory=Counter)  # øre
    dues: Money = ZERO
    contribution: Money = ZERO

    def add(self, draft: Draft) -> None:
        """Count an invoice in."""
        self.invoices += 1
        self.lines += len(draft.lines)
        self.net += draft.net
        self.vat += draft.vat
        for line in draft.lines:
            self._add_charge(line.charge)

    def _add_charge(self, charge: Charge) -> None:
        if charge.kind is Kind.MEMBERSHIP_DUES:
            self.dues += charge.parts.association
            return
        fees = self.annual_fees if charge.kind is Kind.ANNUAL_FEE else self.joining_fees
        fees[charge.product or ""] += charge.parts.product.ore
        self.contribution += charge.parts.association


@dataclass
class Plan:
    """What would be invoiced for a year, summed up, and what stands in the way.

    The invoices themselves are not in it: they are told one by one while it is made, so that none is kept.
    """

    year: int
    book: Book
    digest: str = ""
    totals: Totals = field(default_factory=Totals)
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    nothing: list[NothingToInvoice] = field(default_factory=list)


class Digest:
    """The digest of a plan, taken invoice by invoice."""

    def __init__(self, year: int, book: Book, seller: Seller) -> None:
        self._hash = hashlib.sha256(canonical([year, book, seller.digest]).encode())

    def add(self, invoice_digest: str) -> None:
        """Take the next invoice in."""
        self._hash.update(invoice_digest.encode())

    def hexdigest(self) -> str:
        """Give the digest over all invoices so far."""
        return self._hash.hexdigest()


def plan(
    session: Session,
    year: int,
    seller: Seller,
    *,
    book: Book = "real",
    each: Callable[[Proposal], object] = lambda proposal: None,
    known: Known | None = None,
) -> Plan:
    """Make the plan of a year; `each` hears every invoice in turn, and memory holds one batch of payers.

    Writes nothing; the same facts give the same plan and digest, whether or not `known` spares some of the work.
    """
    made = Plan(year, book)
    digest = Digest(year, book, seller)
    accounts = products.accounts_by_name(session)
    unaccounted = {name for name, account in accounts.items() if account is None}
    for payer in payer_plans(session, gathering.begin(session, year, book), seller, known):
        for proposal in payer.proposals:
            digest.add(proposal.digest)
            made.totals.add(proposal.draft)
            made.notes += _account_notes(proposal.draft, unaccounted)
            each(proposal)
        made.unchanged += payer.unchanged
        made.problems += payer.problems
        made.notes += payer.notes
        made.nothing += payer.nothing
    made.digest = digest.hexdigest()
    return made


def payer_plans(session: Session, run: Run, seller: Seller, known: Known | None = None) -> Iterator[PayerPlan]:
    """Plan payer by payer; only one batch is in memory, beside what is known."""
    planned = plan_payer if known is None else known.plan_payer
    for billable in gathering.gather(session, run, run.groups):
        yield planned(run, billable, seller)


class Known:
    """What payers came to when the plan was made before: taken over where all that decides it is the same."""

    def __init__(self, before: Known | None = None) -> None:
        self._ground: tuple[int, Ground, bool] | None = before._ground if before else None
        self._before: dict[int, PayerPlan] = before._made if before else {}
        self._made: dict[int, PayerPlan] = {}

    def plan_payer(self, run: Run, billable: Billable, seller: Seller) -> PayerPlan:
        """Plan one payer as `plan_payer` does, and keep it, without the texts of its invoices."""
        if (ground := (run.year, run.ground, seller.vat_registered)) != self._ground:
            self._ground, self._before = ground, {}
        before = self._before.get(billable.named.id)
        if before is None or before.billable != billable:
            before = plan_payer(run, billable, seller)
            before.proposals = [replace(proposal, text=None) for proposal in before.proposals]
        self._made[billable.named.id] = before
        return before

    def forget_before(self) -> None:
        """Let go of what was known before: the plan is made."""
        self._before = {}


def plan_payer(run: Run, billable: Billable, seller: Seller) -> PayerPlan:
    """Price, draft and reconcile one payer."""
    return reconcile(run, billable, pricing.price(run.ground, billable), seller)


def reconcile(run: Run, billable: Billable, priced: Priced, seller: Seller) -> PayerPlan:
    """Compare what should be with what is invoiced: new lines are drafted, invoiced ones never again."""
    planned = PayerPlan(billable, problems=priced.problems, notes=priced.notes)
    again = billable.again
    new = [
        charge._replace(key=again[charge.key]) if charge.key in again else charge
        for charge in priced.charges
        if charge.key not in billable.invoiced
    ]
    for charge in priced.charges:
        if (line := billable.invoiced.get(charge.key)) is not None:
            planned.unchanged += 1
            if line.parts != charge.parts:
                planned.problems.append(_differs(billable, line, charge))
    planned.problems += _withdrawn(run, billable, priced)
    new = _without_double_billing(billable, new, planned)
    for draft in draft_invoices(billable, new, seller):
        if draft.gross:
            content = content_text(draft)
            planned.proposals.append(Proposal(draft, content_digest(content), content))
        else:
            planned.nothing.append(NothingToInvoice(draft.payer, _why_nothing(draft), draft))
    return planned


def draft_invoices(billable: Billable, charges: Iterable[Charge], seller: Seller) -> list[Draft]:
    """Group one payer's charges by equal billing details, each group one invoice."""
    groups: dict[References, list[Charge]] = defaultdict(list)
    for charge in charges:
        groups[charge.details].append(charge)
    if billable.payer is None:
        return []
    payer = billable.payer
    drafts = [drafted(payer, details, of, vat_registered=seller.vat_registered) for details, of in groups.items()]
    return sorted(drafts, key=lambda draft: _details_order(draft.details))


def _details_order(details: References) -> tuple[str, ...]:
    return (details.gln, details.person_reference, details.order_reference, details.accounting_cost, details.endpoint,
            details.format)  # fmt: skip


def _differs(billable: Billable, line: InvoicedLine, charge: Charge) -> Problem:
    was, now = kroner(line.parts.net), kroner(charge.parts.net)
    return Problem(
        billable.named,
        line.product,
        Code.INVOICED_DIFFERS,
        Text(
            f"faktureret {was.da} på {line.number}; efter de nuværende oplysninger ville det være {now.da}; "
            "det faktureres ikke igen",
            f"invoiced {was.en} on {line.number}; by the facts of today it would be {now.en}; it is not invoiced again",
        ),
    )


def _withdrawn(run: Run, billable: Billable, priced: Priced) -> Iterator[Problem]:
    """Name this year's invoiced lines that would not be due any more (those a problem withholds are not judged)."""
    due = {charge.key for charge in priced.charges} | priced.withheld
    for key, line in billable.invoiced.items():
        if line.year == run.year and key not in due and not line.is_credited:
            was = kroner(line.parts.net)
            yield Problem(
                billable.named,
                line.product,
                Code.INVOICED_DIFFERS,
                Text(
                    f"faktureret {was.da} på {line.number}; efter de nuværende oplysninger skyldes intet",
                    f"invoiced {was.en} on {line.number}; by the facts of today nothing is due",
                ),
            )


def _without_double_billing(billable: Billable, new: Sequence[Charge], planned: PayerPlan) -> list[Charge]:
    """Keep back an annual fee where the payer has one for the same product and year on an invoice already.

    One that was given back pays for nothing.
    """
    kept_back = (line for line in billable.invoiced.values() if line.kind is Kind.ANNUAL_FEE and not line.is_credited)
    paid = {line.product: line for line in kept_back}
    kept = []
    for charge in new:
        line = paid.get(charge.product) if charge.kind is Kind.ANNUAL_FEE else None
        if line is None:
            kept.append(charge)
            continue
        message = Text(
            f"{charge.product} er allerede faktureret for året på {line.number} under en anden aftale",
            f"{charge.product} is invoiced for the year on {line.number} already, under another agreement",
        )
        planned.problems.append(Problem(billable.named, charge.product, Code.DUPLICATE_AGREEMENT, message))
    return kept


def _why_nothing(draft: Draft) -> Text:
    reasons = [
        same(f"{line.charge.product}: {why}")
        for line in draft.lines
        if (why := line.charge.reason.exemption or line.charge.reason.rebate_reason)
    ]
    return joined(reasons, by="; ") if reasons else Text("linjerne giver nul", "the lines sum to zero")


def _account_notes(draft: Draft, unaccounted: set[str]) -> Iterator[Problem]:
    """Say, once for each, which products are posted under their name, since they have no account number yet."""
    if not unaccounted:
        return
    for product in sorted({line.charge.product for line in draft.lines if line.charge.product in unaccounted}):
        unaccounted.remove(product)
        message = Text(
            f"{product} har intet kontonummer og bogføres under sit navn",
            f"{product} has no account number and is posted under its name",
        )
        yield Problem(draft.payer, product, Code.NO_ACCOUNT, message)
