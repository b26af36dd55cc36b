"""Handing documents over: what is to be sent where, what came of every try, and what the receiver's side told.

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

from sqlalchemy import ColumnElement, Row, Select, Table, and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from billing import invoice_register
from billing.delivery_models import Delivery, DeliveryAttempt, DeliveryClaim, DeliveryReceipt
from billing.gathering import INVOICES
from billing.invoices import OUTBOX
from billing.reasons import NoSuchInvoice
from billing.renderings import RENDERINGS
from billing.verdicts import VALID, VERDICTS, Rules
from foundation import append_only, identifiers, wording
from foundation.audit import Trail
from foundation.errors import Conflict, Refused
from foundation.language import Text

DELIVERIES: Table = Delivery.__table__  # type: ignore[assignment]
ATTEMPTS: Table = DeliveryAttempt.__table__  # type: ignore[assignment]
RECEIPTS: Table = DeliveryReceipt.__table__  # type: ignore[assignment]
CLAIMS: Table = DeliveryClaim.__table__  # type: ignore[assignment]

Channel = Literal["nemhandel", "peppol"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
BY_HAND = "hand"

#: Which XML goes which way.
FORMAT_OF: Mapping[str, str] = {"nemhandel": "oioubl", "peppol": "peppol"}
CHANNEL_OF: Mapping[str, str] = {format_: channel for channel, format_ in FORMAT_OF.items()}

Tried = Literal["handed_over", "deferred", "failed"]
Told = Literal["acknowledged", "rejected"]

#: How long to wait after the first try that came to nothing; then twice as long each time, and at most so long.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)

_NAMESPACE = UUID("6f1c0a6e-6c5e-5d0b-9c39-0f0f2b1d7a52")  # chosen once; another would rename what was sent
_LONGEST_RAW = 10_000
# In canonical JSON a quote inside a word is escaped, so no word can look like this key and its value.
_WITHOUT_NOTICES = '"notices":[]'


class NotDeliverable(Refused):
    """It may not be handed over, or not to that place."""


class UnderWay(Conflict):
    """It is being handed over right now."""


@dataclass(frozen=True, slots=True)
class Consignment:
    """What is to be handed over, where: plain values, so that nothing of the database is needed meanwhile."""

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
    """Give the years with documents that were never handed over."""
    return list(session.scalars(_orders(select(INVOICES.c.year)).distinct().order_by(INVOICES.c.year)))


def _orders(wanted: Select[Any]) -> Select[Any]:
    """Narrow a question on invoices to those whose outbox row nobody has worked yet; a rehearsal's never is."""
    made = select(DELIVERIES.c.invoice_id)
    return (
        wanted.select_from(OUTBOX.join(INVOICES, OUTBOX.c.invoice_id == INVOICES.c.id))
        .where(OUTBOX.c.kind == "deliver", INVOICES.c.book == "real", INVOICES.c.id.not_in(made))
    )  # fmt: skip


def make(session: Session, known: Rules, trail: Trail, *, year: int | None, at_most: int, made_up: bool = False) -> int:
    """Write down what is to be sent of what may be; tell how many. Needs the writer's lock.

    `made_up`: also documents with a notice that they are none, where no carrier leaves the machine.
    """
    rows = session.execute(_ready(known, year=year, made_up=made_up).order_by(INVOICES.c.id).limit(at_most)).all()
    new = append_only.next_id(session, DELIVERIES)
    deliveries = [_first(new + at, row, trail) for at, row in enumerate(rows)]
    _keep(session, DELIVERIES, deliveries, trail, "delivery.made")
    return len(deliveries)


def count_ready(session: Session, known: Rules, *, year: int | None, made_up: bool = False) -> int:
    """Count what `make` would write down."""
    ready = _ready(known, year=year, made_up=made_up).with_only_columns(func.count(), maintain_column_froms=True)
    return session.execute(ready).scalar() or 0


def _ready(known: Rules, *, year: int | None, made_up: bool) -> Select[Any]:
    accepted = select(VERDICTS.c.rendering_id).where(
        VERDICTS.c.pack_sha256.in_([pack.sha256 for pack in known.packs.values()]), VERDICTS.c.outcome == VALID
    )
    columns = (INVOICES.c.id, INVOICES.c.number, INVOICES.c.document, RENDERINGS.c.id.label("rendering_id"),
               RENDERINGS.c.format, RENDERINGS.c.sha256)  # fmt: skip
    rendered = and_(
        RENDERINGS.c.invoice_id == INVOICES.c.id, RENDERINGS.c.format == invoice_register.receivers_format()
    )
    ready = _orders(select(*columns)).join(RENDERINGS, rendered).where(RENDERINGS.c.id.in_(accepted))
    ready = ready if year is None else ready.where(INVOICES.c.year == year)
    return ready if made_up else ready.where(is_real())


def is_real() -> ColumnElement[bool]:
    """Tell whether an invoice bears no notice that it is none, or that its payment details are made up."""
    return INVOICES.c.document.contains(_WITHOUT_NOTICES, autoescape=True)


def _first(id_: int, row: Row[Any], trail: Trail) -> dict[str, Any]:
    place = CHANNEL_OF[row.format], address_of(json.loads(row.document))
    return _row(id_, (row.id, row.number, 1), place, (row.rendering_id, row.sha256), None, trail)


def _row(
    id_: int,
    of: tuple[int, str, int],
    place: tuple[str, str],
    what: tuple[int, str],
    again_of: int | None,
    trail: Trail,
) -> dict[str, Any]:
    invoice_id, number, position = of
    rendering_id, digest = what
    message = message_id(number, position, place, digest)
    return {
        "id": id_, "invoice_id": invoice_id, "position": position, "channel": place[0], "address": place[1],
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
    for channel in channels:
        found += [_consignment(row) for row in _due(session, channel, year, at=at, now=now)[:at_most]]
    known = set(
        session.scalars(select(CLAIMS.c.delivery_id).where(CLAIMS.c.delivery_id.in_([one.id for one in found])))
    )
    if known:
        session.execute(update(CLAIMS).where(CLAIMS.c.delivery_id.in_(known)).values(until=until))
    if new := [{"delivery_id": one.id, "until": until} for one in found if one.id not in known]:
        session.execute(insert(CLAIMS), new)
    return found


def count_due(session: Session, *, at: datetime, now: datetime, year: int | None = None) -> dict[str, int]:
    """Count what could be taken at an instant, by channel."""
    return {channel: len(_due(session, channel, year, at=at, now=now)) for channel in CHANNELS}


def _due(session: Session, channel: str, year: int | None, *, at: datetime, now: datetime) -> list[Row[Any]]:
    tried = (
        select(ATTEMPTS.c.delivery_id, func.count().label("tries"), func.max(ATTEMPTS.c.at).label("last"))
        .group_by(ATTEMPTS.c.delivery_id)
        .subquery()
    )
    question = (
        select(DELIVERIES, INVOICES.c.number, tried.c.tries, tried.c.last)
        .join(INVOICES, DELIVERIES.c.invoice_id == INVOICES.c.id)
        .outerjoin(tried, tried.c.delivery_id == DELIVERIES.c.id)
        .outerjoin(CLAIMS, CLAIMS.c.delivery_id == DELIVERIES.c.id)
        .where(DELIVERIES.c.channel == channel, _is_open(), or_(CLAIMS.c.until.is_(None), CLAIMS.c.until <= now))
        .order_by(DELIVERIES.c.id)
    )
    if year is not None:
        question = question.where(INVOICES.c.year == year)
    return [row for row in session.execute(question) if not row.tries or row.last + wait(row.tries) <= at]


def _is_open() -> ColumnElement[bool]:
    """Tell whether a delivery is the newest of its document, and was neither handed over nor given up."""
    later = DELIVERIES.alias("later")
    ended = select(ATTEMPTS.c.delivery_id).where(ATTEMPTS.c.outcome.in_(("handed_over", "failed")))
    follows = select(later.c.id).where(later.c.invoice_id == DELIVERIES.c.invoice_id, later.c.id > DELIVERIES.c.id)
    return and_(DELIVERIES.c.id.not_in(ended), ~follows.exists())


def _consignment(row: Row[Any]) -> Consignment:
    return Consignment(
        row.id, row.number, row.channel, row.address, row.rendering_id, row.sha256, row.file_name, row.message_id
    )


def note(session: Session, outcomes: Sequence[tuple[int, Outcome]], trail: Trail, *, now: datetime) -> None:
    """Keep what tries came to, and give the deliveries back. Needs the writer's lock."""
    first = append_only.next_id(session, ATTEMPTS)
    rows = [
        {"id": first + at, "delivery_id": id_, "outcome": outcome.tried, "reason_da": outcome.reason.da,
         "reason_en": outcome.reason.en, "at": trail.at}
        for at, (id_, outcome) in enumerate(outcomes)
    ]  # fmt: skip
    _keep(session, ATTEMPTS, rows, trail, "delivery.tried")
    give_back(session, [id_ for id_, _ in outcomes], now=now)


def give_back(session: Session, ids: Collection[int], *, now: datetime) -> None:
    """Let others take what was taken and not sent."""
    session.execute(update(CLAIMS).where(CLAIMS.c.delivery_id.in_(ids)).values(until=now))


def receive(session: Session, receipts: Sequence[Receipt], trail: Trail) -> list[Receipt]:
    """Keep receipts, each once; give those of messages that were never sent. Needs the writer's lock."""
    asked = select(DELIVERIES.c.message_id, DELIVERIES.c.id)
    rows = session.execute(asked.where(DELIVERIES.c.message_id.in_({one.message_id for one in receipts})))
    ids = {row.message_id: row.id for row in rows}
    stood = select(RECEIPTS.c.delivery_id, RECEIPTS.c.outcome, RECEIPTS.c.told)
    known = {tuple(row) for row in session.execute(stood.where(RECEIPTS.c.delivery_id.in_(ids.values())))}
    first = append_only.next_id(session, RECEIPTS)
    new: list[dict[str, Any]] = []
    for one in receipts:
        told = wording.legible(one.told)
        key = (ids.get(one.message_id), one.outcome, told)
        if key[0] is not None and key not in known:
            known.add(key)
            raw = one.raw.replace("\0", "\ufffd")[:_LONGEST_RAW]
            new.append({"id": first + len(new), "delivery_id": key[0], "outcome": one.outcome, "told": told,
                        "raw": raw, "at": trail.at})  # fmt: skip
    _keep(session, RECEIPTS, new, trail, "delivery.receipt")
    return [one for one in receipts if one.message_id not in ids]


# --- what people do


def send_again(
    session: Session, number: str, trail: Trail, *, now: datetime, channel: str = "", address: str = ""
) -> str:
    """Write down that a document is sent again, where it went or elsewhere; give the message id.

    What was before stays. Needs the writer's lock. Raises NoSuchInvoice, NotDeliverable or UnderWay.
    """
    row = _newest(session, number)
    if row.delivery_id is None or (row.channel == BY_HAND and not channel):
        raise NotDeliverable(_NOTHING_SENT)
    way = channel or row.channel
    if way not in CHANNELS:
        raise NotDeliverable(Text(f"vælg en vej: {', '.join(CHANNELS)}", f"choose a channel: {', '.join(CHANNELS)}"))
    _refuse_under_way(session, row, now)
    where = read_address(address) if address.strip() else row.address or address_of(json.loads(row.document))
    what = _accepted(session, row.id, FORMAT_OF[way])
    return _add(session, row, (way, where), what, trail)["message_id"]  # type: ignore[no-any-return]


def by_hand(session: Session, number: str, trail: Trail, *, now: datetime) -> None:
    """Note that people have handed a document over outside the service, so that it is not sent.

    Needs the writer's lock. Raises NoSuchInvoice, NotDeliverable or UnderWay.
    """
    row = _newest(session, number)
    if row.delivery_id is not None:
        _refuse_under_way(session, row, now)
    found = select(RENDERINGS.c.id, RENDERINGS.c.sha256)
    wanted = found.where(RENDERINGS.c.invoice_id == row.id, RENDERINGS.c.format == row.format)
    what = session.execute(wanted).first()
    if what is None:
        raise NotDeliverable(_NOT_MADE)
    made = _add(session, row, (BY_HAND, ""), (what.id, what.sha256), trail)
    by = Text(f"afleveret af {trail.actor} uden om tjenesten", f"handed over by {trail.actor} outside the service")
    note(session, [(made["id"], Outcome("handed_over", by))], trail, now=now)


def never_sent(session: Session, year: int) -> list[str]:
    """Give the numbers of a year's documents for which nothing was ever written down to be sent."""
    return list(session.scalars(_orders(select(INVOICES.c.number)).where(INVOICES.c.year == year)
                                .order_by(INVOICES.c.id)))  # fmt: skip


_NOTHING_SENT = Text(
    "den er ikke forsøgt afleveret endnu: os2tilslut deliver sender den, når den er valideret",
    "nothing was tried with it yet: os2tilslut deliver sends it once it is validated",
)
_NOT_MADE = Text("dokumentet er ikke dannet endnu", "the document is not made yet")


def _newest(session: Session, number: str) -> Row[Any]:
    columns = (DELIVERIES.c.id.label("delivery_id"), DELIVERIES.c.position, DELIVERIES.c.channel, DELIVERIES.c.address)
    row = session.execute(
        select(INVOICES.c.id, INVOICES.c.number, INVOICES.c.document, INVOICES.c.book,
               invoice_register.receivers_format().label("format"), *columns)
        .outerjoin(DELIVERIES, DELIVERIES.c.invoice_id == INVOICES.c.id)
        .where(INVOICES.c.number == number)
        .order_by(DELIVERIES.c.position.desc())
        .limit(1)
    ).first()  # fmt: skip
    if row is None:
        shown = wording.quoted(number)
        raise NoSuchInvoice(Text(f"ingen faktura har nummer {shown}", f"no invoice is {shown}"))
    if row.book != "real":
        raise NotDeliverable(Text("en prøvekørsel sendes ikke", "a rehearsal is not sent"))
    return row


def _refuse_under_way(session: Session, row: Row[Any], now: datetime) -> None:
    taken = select(CLAIMS.c.delivery_id).where(CLAIMS.c.delivery_id == row.delivery_id, CLAIMS.c.until > now)
    if session.execute(taken).first():
        raise UnderWay(
            Text(f"{row.number} er ved at blive sendt: prøv igen om lidt",
                 f"{row.number} is being sent right now: try again in a moment")
        )  # fmt: skip


def _accepted(session: Session, invoice_id: int, format_: str) -> tuple[int, str]:
    """Give the XML of a format, where the newest verdict on it is that it may be sent. Raises NotDeliverable."""
    found = (
        select(RENDERINGS.c.id, RENDERINGS.c.sha256, VERDICTS.c.outcome)
        .outerjoin(VERDICTS, VERDICTS.c.rendering_id == RENDERINGS.c.id)
        .where(RENDERINGS.c.invoice_id == invoice_id, RENDERINGS.c.format == format_)
        .order_by(VERDICTS.c.id.desc())
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
    session: Session, row: Row[Any], place: tuple[str, str], what: tuple[int, str], trail: Trail
) -> dict[str, Any]:
    new = append_only.next_id(session, DELIVERIES)
    made = _row(new, (row.id, row.number, (row.position or 0) + 1), place, what, row.delivery_id, trail)
    append_only.add(session, DELIVERIES, [made])
    action = "delivery.by_hand" if place[0] == BY_HAND else "delivery.again"
    trail.record(action, row.number, {"channel": place[0], "address": place[1]}, rows=[(DELIVERIES, made)])
    return made


# --- whether it all holds


def faults(session: Session) -> Iterator[tuple[str, Text]]:
    """Give what does not hold of deliveries: bytes that are not those that are kept, another id, a gap, a stranger."""
    rows = session.execute(
        select(DELIVERIES, INVOICES.c.number, INVOICES.c.book, RENDERINGS.c.invoice_id.label("of_invoice"),
               RENDERINGS.c.sha256.label("kept_sha256"), RENDERINGS.c.format)
        .outerjoin(INVOICES, DELIVERIES.c.invoice_id == INVOICES.c.id)
        .outerjoin(RENDERINGS, DELIVERIES.c.rendering_id == RENDERINGS.c.id)
        .order_by(DELIVERIES.c.invoice_id, DELIVERIES.c.position)
        .execution_options(yield_per=500)
    )  # fmt: skip
    previous: Row[Any] | None = None
    for row in rows:
        before = previous if previous is not None and previous.invoice_id == row.invoice_id else None
        for fault in _faults_of(row, before):
            yield f"{row.number}, delivery {row.id}", fault
        previous = row
    yield from _strangers(session)


def _faults_of(row: Row[Any], before: Row[Any] | None) -> Iterator[Text]:
    if row.book != "real":
        yield Text("en prøvekørsel er sendt", "a rehearsal was sent")
    if (row.invoice_id, row.sha256) != (row.of_invoice, row.kept_sha256):
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


def _strangers(session: Session) -> Iterator[tuple[str, Text]]:
    for table, outcomes in ((ATTEMPTS, get_args(Tried)), (RECEIPTS, get_args(Told))):
        known = select(DELIVERIES.c.id)
        wrong = or_(table.c.outcome.not_in(outcomes), table.c.delivery_id.not_in(known))
        for id_ in session.scalars(select(table.c.id).where(wrong).order_by(table.c.id)):
            yield f"{table.name} {id_}", Text("hører ikke til en aflevering", "belongs to no delivery")


def count(session: Session) -> int:
    """Count all deliveries."""
    return session.execute(select(func.count()).select_from(DELIVERIES)).scalar() or 0
