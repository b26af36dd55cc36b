"""Handing documents over: what is to be sent where, what came of every try, and what the receiver's side told.

Invoices, credit notes and reminders go the same way; `papers` says in which tables each stands.

The outbox row that was written with a document's number is the order. `make` writes down what is sent, and where,
before anything is; `claim` gives what is due to one process; `note` and `receive` keep what came of it. Only an XML
that an installed pack of rules accepts is handed over, and nothing that says of itself that it is none (a rehearsal, a
demonstration). A try whose note was lost is made again with the same name, bytes and message id: the id is worked out
from what is sent and where, so that even a restored backup sends duplicates that can be recognised.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, Row, Select, Table, and_, func, insert, or_, select, true, update
from sqlalchemy.orm import Session

from billing.gathering import INVOICES
from billing.papers import BY_HAND, INVOICE, PAPERS, REMINDER, Kind, Papers
from billing.reasons import NoSuchInvoice
from billing.verdicts import VALID, Rules
from foundation import append_only, identifiers, wording
from foundation.audit import Trail
from foundation.errors import Conflict, Refused
from foundation.language import Text, same

Channel = Literal["nemhandel", "peppol"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

#: Which XML goes which way.
FORMAT_OF: Mapping[str, str] = {"nemhandel": "oioubl", "peppol": "peppol"}
CHANNEL_OF: Mapping[str, str] = {format_: channel for channel, format_ in FORMAT_OF.items()}

Tried = Literal["handed_over", "deferred", "failed"]
Told = Literal["acknowledged", "rejected"]

#: How long to wait after the first try that came to nothing; then twice as long each time, and at most so long.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)

_NAMESPACE = UUID("6f1c0a6e-6c5e-5d0b-9c39-0f0f2b1d7a52")  # chosen once; another would rename what was sent
_LONGEST_RAW = 10_000


class NotDeliverable(Refused):
    """It may not be handed over, or not to that place."""


class UnderWay(Conflict):
    """It is being handed over right now."""


@dataclass(frozen=True, slots=True)
class Consignment:
    """What is to be handed over, where: plain values, so that nothing of the database is needed meanwhile."""

    kind: Kind
    id: int
    number: str
    channel: str
    address: str
    rendering_id: int
    sha256: str
    file_name: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try came to, and why."""

    tried: Tried
    reason: Text


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver's side told of a message."""

    message_id: str
    outcome: Told
    told: str
    raw: str


def address_of(document: Mapping[str, Any]) -> str:
    """Give a receiver's address as ISO 6523 writes it, from a stored document's billing details."""
    references = document["references"]
    if references["endpoint"] == "gln":
        return f"0088:{references['gln']}"
    return f"0184:DK{document['buyer']['cvr']}"


def read_address(words: str) -> str:
    """Read an address as people write it: a GLN or a CVR number. Raises NotDeliverable."""
    given = "".join(words.split()).upper().removeprefix("0088:").removeprefix("0184:").removeprefix("DK")
    if len(given) == identifiers.CVR_DIGITS:
        fault, address = identifiers.cvr_fault(given), f"0184:DK{given}"
    else:
        fault, address = identifiers.gln_fault(given), f"0088:{given}"
    if fault:
        raise NotDeliverable(fault)
    return address


def message_id(number: str, position: int, place: tuple[str, str], digest: str) -> str:
    """Give the id under which the same is always sent: of a document, a place (channel, address) and its bytes."""
    return str(uuid5(_NAMESPACE, "|".join((number, str(position), *place, digest))))


def wait(tries: int) -> timedelta:
    """Tell how long to wait after so many tries that came to nothing."""
    doubled: timedelta = FIRST_WAIT * 2 ** min(max(tries - 1, 0), 20)
    return min(doubled, LONGEST_WAIT)


# --- what is to be sent


def years(session: Session) -> list[int]:
    """Give the years with invoices and credit notes that were never handed over."""
    return list(session.scalars(_orders(select(INVOICES.c.year), INVOICE).distinct().order_by(INVOICES.c.year)))


def _orders(wanted: Select[Any], of: Papers) -> Select[Any]:
    """Narrow a question on what was issued to what waits for its first delivery; a rehearsal never does."""
    made = select(of.deliveries.c[of.of])
    joined = of.joined(of.orders.join(of.issued, of.orders.c[of.of] == of.issued.c.id))
    return wanted.select_from(joined).where(of.orders.c.kind == "deliver", of.goes(), of.issued.c.id.not_in(made))


def make(session: Session, known: Rules, trail: Trail, *, year: int | None, at_most: int, made_up: bool = False) -> int:
    """Write down what is to be sent of what may be, at most so many of each kind; tell how many.

    Needs the writer's lock. `made_up`: also documents with a notice that they are none, where no carrier leaves the
    machine.
    """
    count = 0
    for of in PAPERS:
        ready = _ready(of, known, year=year, made_up=made_up).order_by(of.issued.c.id).limit(at_most)
        rows = session.execute(ready).all()
        new = append_only.next_id(session, of.deliveries)
        _keep(session, of.deliveries, [_first(of, new + at, row, trail) for at, row in enumerate(rows)], trail,
              "delivery.made")  # fmt: skip
        count += len(rows)
    return count


def count_ready(session: Session, known: Rules, *, year: int | None, made_up: bool = False) -> int:
    """Count what `make` would write down."""
    asked = (_ready(of, known, year=year, made_up=made_up) for of in PAPERS)
    counted = (one.with_only_columns(func.count(), maintain_column_froms=True) for one in asked)
    return sum(session.execute(one).scalar() or 0 for one in counted)


def _ready(of: Papers, known: Rules, *, year: int | None, made_up: bool) -> Select[Any]:
    accepted = of.accepted_by([pack.sha256 for pack in known.packs.values()])
    issued, made = of.issued.c, of.renderings.c
    columns = (issued.id, issued.number, issued.document, made.id.label("rendering_id"), made.format, made.sha256)
    rendered = and_(made[of.of] == issued.id, made.format == of.receivers_format())
    ready = _orders(select(*columns), of).join(of.renderings, rendered).where(made.id.in_(accepted))
    ready = ready if year is None else ready.where(INVOICES.c.year == year)
    return ready if made_up else ready.where(of.is_real())


def _first(of: Papers, id_: int, row: Row[Any], trail: Trail) -> dict[str, Any]:
    place = CHANNEL_OF[row.format], address_of(json.loads(row.document))
    return _row(of, id_, (row.id, row.number, 1), place, (row.rendering_id, row.sha256), None, trail)


def _row(
    of: Papers,
    id_: int,
    issued: tuple[int, str, int],
    place: tuple[str, str],
    what: tuple[int, str],
    again_of: int | None,
    trail: Trail,
) -> dict[str, Any]:
    issued_id, number, position = issued
    rendering_id, digest = what
    message = message_id(number, position, place, digest)
    return {
        "id": id_, of.of: issued_id, "position": position, "channel": place[0], "address": place[1],
        "rendering_id": rendering_id, "sha256": digest, "file_name": f"{number}-{message}.xml", "message_id": message,
        "again_of": again_of, "made_at": trail.at, "made_by": trail.actor,
    }  # fmt: skip


def _keep(session: Session, table: Table, rows: Sequence[dict[str, Any]], trail: Trail, action: str) -> None:
    append_only.add(session, table, rows)
    if rows:
        trail.record(action, f"{len(rows)}", rows=[(table, row) for row in rows])


# --- who sends it, and what came of it


def claim(
    session: Session, *, at: datetime, now: datetime, until: datetime, at_most: int, channels: Collection[str],
    year: int | None = None,
) -> list[Consignment]:  # fmt: skip
    """Take what is due at an instant, of each channel at most so many, and note until when it is ours.

    Needs the writer's lock, which no one holds while the network is asked. `now` and `until` are of the machine's own
    clock: what another process took and has not given back is its own until then.
    """
    found: list[Consignment] = []
    for of in PAPERS:
        taken = [_consignment(of, row) for channel in channels
                 for row in _due(session, of, channel, year, at=at, now=now)[:at_most]]  # fmt: skip
        _mark(session, of, [one.id for one in taken], until)
        found += taken
    return found


def _mark(session: Session, of: Papers, ids: Sequence[int], until: datetime) -> None:
    of_claims = of.claims.c.delivery_id
    known = set(session.scalars(select(of_claims).where(of_claims.in_(ids))))
    if known:
        session.execute(update(of.claims).where(of_claims.in_(known)).values(until=until))
    if new := [{"delivery_id": id_, "until": until} for id_ in ids if id_ not in known]:
        session.execute(insert(of.claims), new)


def count_due(session: Session, *, at: datetime, now: datetime, year: int | None = None) -> dict[str, int]:
    """Count what could be taken at an instant, by channel."""
    return {
        channel: sum(len(_due(session, of, channel, year, at=at, now=now)) for of in PAPERS) for channel in CHANNELS
    }


def _due(
    session: Session, of: Papers, channel: str, year: int | None, *, at: datetime, now: datetime
) -> list[Row[Any]]:
    tries, claims, made = of.attempts.c, of.claims.c, of.deliveries.c
    tried = (
        select(tries.delivery_id, func.count().label("tries"), func.max(tries.at).label("last"))
        .group_by(tries.delivery_id)
        .subquery()
    )
    joined = of.joined(of.deliveries.join(of.issued, made[of.of] == of.issued.c.id))
    question = (
        select(of.deliveries, of.issued.c.number, tried.c.tries, tried.c.last)
        .select_from(joined)
        .outerjoin(tried, tried.c.delivery_id == made.id)
        .outerjoin(of.claims, claims.delivery_id == made.id)
        .where(made.channel == channel, _is_open(of), or_(claims.until.is_(None), claims.until <= now))
        .order_by(made.id)
    )
    if year is not None:
        question = question.where(INVOICES.c.year == year)
    return [row for row in session.execute(question) if not row.tries or row.last + wait(row.tries) <= at]


def _is_open(of: Papers) -> ColumnElement[bool]:
    """Tell whether a delivery is the newest of its document, and was neither handed over nor given up."""
    later, made = of.deliveries.alias("later"), of.deliveries.c
    ended = select(of.attempts.c.delivery_id).where(of.attempts.c.outcome.in_(("handed_over", "failed")))
    follows = select(later.c.id).where(later.c[of.of] == made[of.of], later.c.id > made.id)
    return and_(made.id.not_in(ended), ~follows.exists())


def _consignment(of: Papers, row: Row[Any]) -> Consignment:
    return Consignment(
        of.kind, row.id, row.number, row.channel, row.address, row.rendering_id, row.sha256, row.file_name,
        row.message_id,
    )  # fmt: skip


def contents(session: Session, taken: Collection[Consignment]) -> dict[tuple[Kind, int], bytes]:
    """Give the kept bytes of what was taken, by kind and rendering."""
    found: dict[tuple[Kind, int], bytes] = {}
    for of in PAPERS:
        kept, ids = of.renderings.c, [one.rendering_id for one in taken if one.kind == of.kind]
        for row in session.execute(select(kept.id, kept.content).where(kept.id.in_(ids))) if ids else ():
            found[of.kind, row.id] = row.content
    return found


Tries = Sequence[tuple[Kind, int, Outcome]]


def note(session: Session, outcomes: Tries, trail: Trail, *, now: datetime) -> None:
    """Keep what tries came to, by kind and delivery, and give the deliveries back. Needs the writer's lock."""
    for of in PAPERS:
        own = [(id_, outcome) for kind, id_, outcome in outcomes if kind == of.kind]
        first = append_only.next_id(session, of.attempts) if own else 0
        rows = [
            {"id": first + at, "delivery_id": id_, "outcome": outcome.tried, "reason_da": outcome.reason.da,
             "reason_en": outcome.reason.en, "at": trail.at}
            for at, (id_, outcome) in enumerate(own)
        ]  # fmt: skip
        _keep(session, of.attempts, rows, trail, "delivery.tried")
    give_back(session, [(kind, id_) for kind, id_, _ in outcomes], now=now)


def give_back(session: Session, taken: Collection[tuple[Kind, int]], *, now: datetime) -> None:
    """Let others take what was taken and not sent."""
    for of in PAPERS:
        if ids := [id_ for kind, id_ in taken if kind == of.kind]:
            session.execute(update(of.claims).where(of.claims.c.delivery_id.in_(ids)).values(until=now))


def receive(session: Session, receipts: Sequence[Receipt], trail: Trail) -> list[Receipt]:
    """Keep receipts, each once; give those of messages that were never sent. Needs the writer's lock."""
    strange = list(receipts)
    for of in PAPERS:
        strange = _receive(session, of, strange, trail)
    return strange


def _receive(session: Session, of: Papers, receipts: Sequence[Receipt], trail: Trail) -> list[Receipt]:
    """Keep the receipts of one kind's messages; give the others."""
    asked = select(of.deliveries.c.message_id, of.deliveries.c.id)
    rows = session.execute(asked.where(of.deliveries.c.message_id.in_({one.message_id for one in receipts})))
    ids = {row.message_id: row.id for row in rows}
    told_of = of.receipts.c
    stood = select(told_of.delivery_id, told_of.outcome, told_of.told).where(told_of.delivery_id.in_(ids.values()))
    known = {tuple(row) for row in session.execute(stood)}
    first = append_only.next_id(session, of.receipts)
    new: list[dict[str, Any]] = []
    for one in receipts:
        told = wording.legible(one.told)
        key = (ids.get(one.message_id), one.outcome, told)
        if key[0] is not None and key not in known:
            known.add(key)
            raw = one.raw.replace("\0", "\ufffd")[:_LONGEST_RAW]
            new.append({"id": first + len(new), "delivery_id": key[0], "outcome": one.outcome, "told": told,
                        "raw": raw, "at": trail.at})  # fmt: skip
    _keep(session, of.receipts, new, trail, "delivery.receipt")
    return [one for one in receipts if one.message_id not in ids]


# --- what people do


def send_again(
    session: Session, number: str, trail: Trail, *, now: datetime, channel: str = "", address: str = ""
) -> str:
    """Write down that a document is sent again, where it went or elsewhere; give the message id.

    What was before stays. Needs the writer's lock. Raises NoSuchInvoice, NotDeliverable or UnderWay.
    """
    of, row = _newest(session, number)
    if not row.goes:
        raise NotDeliverable(_NOT_SENT if of is INVOICE else _BY_LETTER)
    if row.delivery_id is None or (row.channel == BY_HAND and not channel):
        raise NotDeliverable(_NOTHING_SENT)
    way = channel or row.channel
    if way not in CHANNELS:
        raise NotDeliverable(Text(f"vælg en vej: {', '.join(CHANNELS)}", f"choose a channel: {', '.join(CHANNELS)}"))
    if of is REMINDER and way == "peppol":
        raise NotDeliverable(_NO_REMINDERS)
    _refuse_under_way(session, of, row, now)
    where = read_address(address) if address.strip() else row.address or address_of(json.loads(row.document))
    what = _accepted(session, of, row.id, FORMAT_OF[way])
    return _add(session, of, row, (way, where), what, trail)["message_id"]  # type: ignore[no-any-return]


def by_hand(session: Session, number: str, trail: Trail, *, now: datetime, why: str = "") -> None:
    """Note that people have handed a document over outside the service, and how or why, so that it is not sent.

    Also a reminder that is a letter alone. Needs the writer's lock. Raises NoSuchInvoice, NotDeliverable or UnderWay.
    """
    told = _reason(why)
    of, row = _newest(session, number)
    if of is INVOICE and not row.goes:
        raise NotDeliverable(_NOT_SENT)
    if row.delivery_id is not None:
        _refuse_under_way(session, of, row, now)
    kept = of.renderings.c
    wanted = select(kept.id, kept.sha256).where(kept[of.of] == row.id, kept.format == row.format)
    what = session.execute(wanted).first()
    if what is None:
        raise NotDeliverable(_NOT_MADE)
    made = _add(session, of, row, (BY_HAND, ""), (what.id, what.sha256), trail)
    by = Text(f"afleveret af {trail.actor} uden om tjenesten", f"handed over by {trail.actor} outside the service")
    note(session, [(of.kind, made["id"], Outcome("handed_over", by + told))], trail, now=now)


def _reason(why: str) -> Text:
    words = wording.composed(why).strip()
    if fault := wording.fault(words, wording.LONGEST_TEXT):
        raise NotDeliverable(Text("grunden ", "the reason ") + fault)
    return same(f": {words}" if words else "")


def never_sent(session: Session, year: int) -> list[str]:
    """Give the numbers of a year's documents for which nothing was ever written down to be sent."""
    found: list[str] = []
    for of in PAPERS:
        asked = _orders(select(of.issued.c.number), of).where(INVOICES.c.year == year).order_by(of.issued.c.id)
        found += session.scalars(asked)
    return found


_NOTHING_SENT = Text(
    "den er ikke forsøgt afleveret endnu: os2tilslut deliver sender den, når den er valideret",
    "nothing was tried with it yet: os2tilslut deliver sends it once it is validated",
)
_NO_REMINDERS = Text("Peppol har ingen rykkere: vælg NemHandel", "Peppol has no reminders: choose NemHandel")
_NOT_MADE = Text("dokumentet er ikke dannet endnu", "the document is not made yet")


def _newest(session: Session, number: str) -> tuple[Papers, Row[Any]]:
    """Give a document with its newest delivery, where there is one. Raises NoSuchInvoice."""
    for of in PAPERS:
        made, issued = of.deliveries.c, of.issued.c
        row = session.execute(
            select(issued.id, issued.number, issued.document, of.goes().label("goes"),
                   of.kept_format().label("format"), made.id.label("delivery_id"), made.position, made.channel,
                   made.address)
            .outerjoin(of.deliveries, made[of.of] == issued.id)
            .where(issued.number == number)
            .order_by(made.position.desc())
            .limit(1)
        ).first()  # fmt: skip
        if row is not None:
            return of, row
    shown = wording.quoted(number)
    raise NoSuchInvoice(Text(f"ingen faktura har nummer {shown}", f"no invoice is {shown}"))


_NOT_SENT = Text("en prøvekørsel sendes ikke", "a rehearsal is not sent")
_BY_LETTER = Text("rykkeren sendes som brev", "the reminder is sent as a letter")


def _refuse_under_way(session: Session, of: Papers, row: Row[Any], now: datetime) -> None:
    claims = of.claims.c
    taken = select(claims.delivery_id).where(claims.delivery_id == row.delivery_id, claims.until > now)
    if session.execute(taken).first():
        raise UnderWay(
            Text(f"{row.number} er ved at blive sendt: prøv igen om lidt",
                 f"{row.number} is being sent right now: try again in a moment")
        )  # fmt: skip


def _accepted(session: Session, of: Papers, issued_id: int, format_: str) -> tuple[int, str]:
    """Give the XML of a format, where the newest verdict on it is that it may be sent. Raises NotDeliverable."""
    kept, judged = of.renderings.c, of.verdicts.c
    found = (
        select(kept.id, kept.sha256, judged.outcome)
        .outerjoin(of.verdicts, judged.rendering_id == kept.id)
        .where(kept[of.of] == issued_id, kept.format == format_)
        .order_by(judged.id.desc())
    )
    row = session.execute(found).first()
    if row is None:
        raise NotDeliverable(_NOT_MADE)
    if row.outcome != VALID:
        raise NotDeliverable(
            Text(f"dokumentet som {format_} er ikke godkendt af de officielle regler",
                 f"the document as {format_} was not accepted by the official rules")
        )  # fmt: skip
    return row.id, row.sha256


def _add(
    session: Session, of: Papers, row: Row[Any], place: tuple[str, str], what: tuple[int, str], trail: Trail
) -> dict[str, Any]:
    new = append_only.next_id(session, of.deliveries)
    made = _row(of, new, (row.id, row.number, (row.position or 0) + 1), place, what, row.delivery_id, trail)
    append_only.add(session, of.deliveries, [made])
    action = "delivery.by_hand" if place[0] == BY_HAND else "delivery.again"
    trail.record(action, row.number, {"channel": place[0], "address": place[1]}, rows=[(of.deliveries, made)])
    return made


# --- whether it all holds


def faults(session: Session) -> Iterator[tuple[str, Text]]:
    """Give what does not hold of deliveries: bytes that are not those that are kept, another id, a gap, a stranger."""
    for of in PAPERS:
        yield from _faults(session, of)
        yield from _strangers(session, of)


def _faults(session: Session, of: Papers) -> Iterator[tuple[str, Text]]:
    made, kept = of.deliveries.c, of.renderings.c
    rows = session.execute(
        select(of.deliveries, made[of.of].label("issued_id"), of.issued.c.number, _may_go(of).label("may_go"),
               kept[of.of].label("of_issued"), kept.sha256.label("kept_sha256"), kept.format)
        .outerjoin(of.issued, made[of.of] == of.issued.c.id)
        .outerjoin(of.renderings, made.rendering_id == kept.id)
        .order_by(made[of.of], made.position)
        .execution_options(yield_per=500)
    )  # fmt: skip
    previous: Row[Any] | None = None
    for row in rows:
        before = previous if previous is not None and previous.issued_id == row.issued_id else None
        for fault in _faults_of(row, before):
            yield f"{row.number}, delivery {row.id}", fault
        previous = row


def _may_go(of: Papers) -> ColumnElement[bool]:
    return INVOICES.c.book == "real" if of is INVOICE else true()


def _faults_of(row: Row[Any], before: Row[Any] | None) -> Iterator[Text]:
    if not row.may_go:
        yield Text("en prøvekørsel er sendt", "a rehearsal was sent")
    if (row.issued_id, row.sha256) != (row.of_issued, row.kept_sha256):
        yield Text("er ikke de bytes, der er gemt", "is not the bytes that are kept")
    if row.channel != BY_HAND and FORMAT_OF.get(row.channel) != row.format:
        yield Text("er ikke i vejens format", "is not in its channel's format")
    if row.message_id != message_id(str(row.number), row.position, (row.channel, row.address), row.sha256):
        yield Text("har et andet id, end den er sendt med", "has another id than it was sent with")
    if row.file_name != f"{row.number}-{row.message_id}.xml":
        yield Text("har et andet filnavn", "has another file name")
    expected = (1, None) if before is None else (before.position + 1, before.id)
    if (row.position, row.again_of) != expected:
        yield Text("følger ikke den foregående", "does not follow the one before")


def _strangers(session: Session, of: Papers) -> Iterator[tuple[str, Text]]:
    for table, outcomes in ((of.attempts, get_args(Tried)), (of.receipts, get_args(Told))):
        known = select(of.deliveries.c.id)
        wrong = or_(table.c.outcome.not_in(outcomes), table.c.delivery_id.not_in(known))
        for id_ in session.scalars(select(table.c.id).where(wrong).order_by(table.c.id)):
            yield f"{table.name} {id_}", Text("hører ikke til en aflevering", "belongs to no delivery")


def count(session: Session) -> int:
    """Count all deliveries."""
    return sum(session.execute(select(func.count()).select_from(of.deliveries)).scalar() or 0 for of in PAPERS)
