"""An offer as it is read: what it says, who is to sign it, what was done to it, and where it stands by that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Row, Select, Table, exists, func, select
from sqlalchemy.orm import Session

from agreements import document, steps
from agreements.document import AgreementDocument
from agreements.models import OfferSignatory
from agreements.steps import OFFERS, STEPS, Stand, Step, Taken
from foundation import periods
from foundation.errors import NotFound
from foundation.language import Text

SIGNATORIES: Table = OfferSignatory.__table__  # type: ignore[assignment]

_AT_A_TIME = 500


class NoSuchOffer(NotFound):
    """No offer has that number or reference, or it is another authority's."""


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who is to sign, in which place; `right_id` is the right that was looked up when it was drafted."""

    position: int
    name: str
    title: str
    mail: str
    right_id: int | None = None


@dataclass(frozen=True)
class Offer:
    """One version of an offer with its signatories and all steps so far."""

    id: int
    reference: str
    version: int
    replaces_id: int | None
    authority_id: int
    product_id: int | None
    template_id: int
    kind: str
    text: str  # the document's canonical JSON
    digest: str
    in_order: bool
    valid_days: int
    drafted_by: str
    drafted_at: datetime
    signatories: tuple[Signatory, ...] = ()
    steps: tuple[Taken, ...] = ()

    @cached_property
    def document(self) -> AgreementDocument:
        """What it says."""
        return document.from_canonical(self.text)

    @cached_property
    def stand(self) -> Stand:
        """Where it stands."""
        return steps.stand(self.steps, len(self.signatories))

    @property
    def name(self) -> str:
        """What people call it: reference and version."""
        return f"{self.reference} v{self.version}"

    @property
    def offered_at(self) -> datetime | None:
        """When it was offered; None while it is a draft."""
        return next((each.at for each in self.steps if each.step is Step.OFFERED), None)

    @property
    def expires_on(self) -> date | None:
        """The last day on which it can be signed; None while it is a draft."""
        offered_at = self.offered_at
        return None if offered_at is None else local_day(offered_at) + timedelta(days=self.valid_days)

    @property
    def signed(self) -> Mapping[int, Taken]:
        """Who has signed, by position."""
        return {each.position: each for each in self.steps if each.step is Step.SIGNED and each.position is not None}

    @property
    def waiting(self) -> tuple[Signatory, ...]:
        """Who has not signed yet and may now: the next one where they sign in order, else all."""
        left = tuple(each for each in self.signatories if each.position not in self.signed)
        return left[:1] if self.in_order else left

    def has_run_out(self, on: date) -> bool:
        """Tell whether its last day lies before a day."""
        return self.expires_on is not None and self.expires_on < on

    def stand_on(self, on: date) -> Stand:
        """Tell where it stands on a day: run out once its last day has passed, whether or not that is recorded yet."""
        return Stand.EXPIRED if self.stand in steps.OPEN and self.has_run_out(on) else self.stand


def local_day(at: datetime) -> date:
    """Give the day in Copenhagen."""
    return at.astimezone(periods.BUSINESS_ZONE).date()


# --- questions


def get(session: Session, offer_id: int, authority_ids: Iterable[int] | None = None) -> Offer:
    """Give an offer with its steps, in three queries; of one of these authorities, where they are given.

    Raises NoSuchOffer.
    """
    found = many(session, [offer_id])
    if not found or (authority_ids is not None and found[0].authority_id not in set(authority_ids)):
        raise no_such(f"{offer_id}")
    return found[0]


def newest(session: Session, reference: str) -> Offer:
    """Give the newest version of a reference. Raises NoSuchOffer."""
    found = newest_by_reference(session, [reference]).get(reference)
    if found is None:
        raise no_such(reference)
    return found


def newest_by_reference(session: Session, references: Iterable[str]) -> dict[str, Offer]:
    """Give the newest version of each reference, in four queries for every 500; unknown ones are left out."""
    wanted, found = sorted(set(references)), dict[str, Offer]()
    for start in range(0, len(wanted), _AT_A_TIME):
        last = select(func.max(OFFERS.c.id)).where(OFFERS.c.reference.in_(wanted[start : start + _AT_A_TIME]))
        offers = many(session, session.execute(last.group_by(OFFERS.c.reference)).scalars())
        found |= {each.reference: each for each in offers}
    return found


def many(session: Session, offer_ids: Iterable[int]) -> list[Offer]:
    """Give offers in the order of their ids, in three queries for every 500; unknown ones are left out."""
    wanted, found = sorted(set(offer_ids)), list[Offer]()
    for start in range(0, len(wanted), _AT_A_TIME):
        found += _many(session, wanted[start : start + _AT_A_TIME])
    return found


def _many(session: Session, ids: Sequence[int]) -> Iterator[Offer]:
    taken, signatories = steps.taken(session, ids), _signatories(session, ids)
    for row in session.execute(select(OFFERS).where(OFFERS.c.id.in_(ids)).order_by(OFFERS.c.id)):
        yield _offer(row, signatories[row.id], taken[row.id])


def _offer(row: Row[Any], signatories: Sequence[Signatory], taken: tuple[Taken, ...]) -> Offer:
    return Offer(
        row.id, row.reference, row.version, row.replaces_id, row.authority_id, row.product_id, row.template_id,
        row.kind, row.document, row.digest, bool(row.signatories_in_order), row.valid_days, row.drafted_by,
        row.drafted_at, tuple(signatories), taken,
    )  # fmt: skip


def _signatories(session: Session, ids: Sequence[int]) -> dict[int, list[Signatory]]:
    found: dict[int, list[Signatory]] = defaultdict(list)
    columns = SIGNATORIES.c
    for row in session.execute(
        select(SIGNATORIES).where(columns.offer_id.in_(ids)).order_by(columns.offer_id, columns.position)
    ):
        found[row.offer_id].append(Signatory(row.position, row.name, row.title, row.mail, row.right_id))
    return found


def listing(session: Session, authority_ids: Iterable[int] | None = None) -> list[Offer]:
    """Give the newest version of every offer, newest first; of some authorities, where they are given."""
    last = select(func.max(OFFERS.c.id)).group_by(OFFERS.c.reference)
    if authority_ids is not None:
        last = last.where(OFFERS.c.authority_id.in_(sorted(authority_ids)))
    return many(session, session.execute(last).scalars())[::-1]


def standing_at(session: Session, *last: Step, not_after: Sequence[Step] = ()) -> list[Offer]:
    """Give the offers that took one of these steps and none of those, in four queries."""
    return many(session, session.execute(having(last, not_after)).scalars())


def having(last: Sequence[Step], not_after: Sequence[Step]) -> Select[Any]:
    took = exists().where(STEPS.c.offer_id == OFFERS.c.id, STEPS.c.step.in_(list(last)))
    took_not = ~exists().where(STEPS.c.offer_id == OFFERS.c.id, STEPS.c.step.in_(list(not_after)))
    return select(OFFERS.c.id).where(took, took_not)


def open_ones(session: Session) -> list[Offer]:
    """Give the offers that can still be signed or wait for their next signatory."""
    return [each for each in standing_at(session, Step.OFFERED, not_after=_ENDINGS) if each.stand in steps.OPEN]


_ENDINGS = (
    Step.DECLINED, Step.WITHDRAWN, Step.EXPIRED, Step.REPLACED, Step.RECORDED, Step.COUNTERSIGNED,
)  # fmt: skip


def to_countersign(session: Session) -> list[Offer]:
    """Give the offers all signatories have signed and the association has not."""
    return [each for each in standing_at(session, Step.SIGNED, not_after=_ENDINGS) if each.stand is Stand.SIGNED]


def no_such(about: str) -> NoSuchOffer:
    return NoSuchOffer(Text(f"intet tilbud hedder {about}", f"no offer is called {about}"))
