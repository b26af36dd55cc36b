"""Deliveries: how documents are handed over, what happened to one, sending it again, noting it, starting a round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app import access, clock, database, delivering, delivery_json, next_round
from app.adapters import background
from app.api import answers, ground, pages, reminders, writes
from app.api.ground import NUMBER, Write
from app.api.invoices import in_scope
from app.api.pages import PageQuery
from app.api.writes import Answer
from app.schemas import Chosen, DeliveryAgainOf, DeliveryByHandOf, DeliveryRound, Whole
from app.web import layout
from billing import deliveries, delivery_pending, delivery_register
from billing.delivery_register import LISTED, NOTABLE, STATES, Story
from billing.papers import INVOICE, REMINDER
from billing.reasons import NoSuchInvoice
from billing.reminders import NoSuchReminder
from foundation.audit import Trail
from foundation.language import Text

room = ground.room("deliveries", "How invoices, credit notes and reminders are handed over")


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    year = Whole(1900, 2999)
    state = Chosen(STATES)


@ground.reads(room, "/deliveries", "delivery.read", answers.page_of(answers.DeliveryStanding), DeliveryQuery)
def list_deliveries(query: Mapping[str, Any]) -> Any:
    """List how each real invoice, credit note and reminder is handed over."""
    statement = access.papers(delivery_register.listing(), LISTED.c.authority_id, "delivery.read")
    if query.get("year"):
        statement = statement.where(LISTED.c.year == query["year"])
    if query.get("state"):
        statement = statement.where(LISTED.c.state == query["state"])
    with database.reading() as session:
        return pages.read(session, statement, LISTED.c.id, query, _told)


def _told(row: Any) -> dict[str, Any]:
    return {
        "number": row.number, "kind": row.kind, "authority": {"cvr": row.cvr, "name": row.authority},
        "state": row.state,
        "reason": delivery_json.words(delivery_register.reason(row)), "channel": row.channel, "address": row.address,
        "message_id": row.message_id, "tries": row.tries, "next_at": delivery_register.next_at(row),
    }  # fmt: skip


@ground.reads(
    room, "/invoices/<number>/delivery", "invoice.read", answers.DeliveryStory, parameters={"number": NUMBER}
)  # fmt: skip
def one_delivery(query: object, number: str) -> Any:
    """Give how the delivery of an invoice or credit note stands and went; a rehearsal has none."""
    with database.reading() as session:
        story = delivery_register.story(session, INVOICE, in_scope(session, number).id)
    if story is None:
        raise _rehearsal()
    return _story(story)


@ground.reads(
    room, "/reminders/<number>/delivery", "reminders.read", answers.DeliveryStory, parameters={"number": NUMBER}
)  # fmt: skip
def one_reminders_delivery(query: object, number: str) -> Any:
    """Give how the delivery of a reminder stands and went; one that is a letter alone has none."""
    with database.reading() as session:
        story = delivery_register.story(session, REMINDER, reminders.in_scope(session, number).id)
    if story is None:
        raise NoSuchReminder(Text("rykkeren sendes som brev", "the reminder is sent as a letter"))
    return _story(story)


def _rehearsal() -> NoSuchInvoice:
    return NoSuchInvoice(Text("en prøvekørsel sendes ikke", "a rehearsal is not sent"))


def _story(story: Story) -> dict[str, Any]:
    sent = [
        {
            "channel": one.channel, "address": one.address, "message_id": one.message_id, "file_name": one.file_name,
            "sha256": one.sha256, "made_at": one.made_at, "made_by": one.made_by,
            "events": [{"at": event.at, "outcome": event.outcome, "reason": delivery_json.words(event.reason)}
                       for event in one.events],
        }
        for one in story.sent
    ]  # fmt: skip
    return {
        "state": story.state,
        "reason": delivery_json.words(story.reason),
        "next_at": story.next_at,
        "deliveries": sent,
    }


@ground.writes(room, "/deliveries", "delivery.send", DeliveryAgainOf, answers.SentAgain)
def send_again(query: object, sent: Mapping[str, Any]) -> Any:
    """Send a document again, to the same place or another, as a new message in the next round."""

    def act(session: Session, trail: Trail) -> Answer:
        number = _in_scope(session, sent["number"])
        message = deliveries.send_again(
            session, number, trail, now=clock.machine(), channel=sent.get("channel", ""),
            address=sent.get("address", ""),
        )  # fmt: skip
        return Answer({"number": number, "message_id": message})

    return writes.once(act)


@ground.writes(room, "/deliveries/by-hand", "delivery.send", DeliveryByHandOf, answers.NotedByHand)
def note_by_hand(query: object, sent: Mapping[str, Any]) -> Any:
    """Note that people have handed a document over outside the service, so that it is not sent."""

    def act(session: Session, trail: Trail) -> Answer:
        number = sent["number"]
        noted = access.papers(delivery_register.notable(number), NOTABLE.c.authority_id, "delivery.send")
        if session.execute(noted).first() is None:
            raise _no_such()
        deliveries.by_hand(session, number, trail, now=clock.machine(), why=sent["reason"])
        return Answer({"number": number})

    return writes.once(act)


class NextRoundQuery(PageQuery):
    """Of which documents."""

    year = Whole(1900, 2999)


@ground.reads(room, "/deliveries/next-round", "delivery.read", answers.NextRound, NextRoundQuery)
def dry_run(query: Mapping[str, Any]) -> Any:
    """Tell what the next round would do with each document that has not left; nothing is written, nobody asked."""
    config, year = layout.config(), query.get("year")
    listed = delivery_pending.pending().c
    statement = access.papers(next_round.pending(year), listed.authority_id, "delivery.read")
    stands = next_round.ground(config)
    with database.reading() as session:
        told = delivery_json.waiting(delivering.waiting(session, config, stands.known, year))
        return told | pages.read_together(
            session, statement, listed.id, query,
            lambda rows: [delivery_json.prospect(each) for each in next_round.of(session, rows, stands)],
        )  # fmt: skip


@ground.writes(room, "/deliveries/rounds", "delivery.send", DeliveryRound, answers.StartedDeliveries, Write(202))
def start_round(query: object, sent: Mapping[str, Any]) -> Any:
    """Start handing over all that is validated and due, and taking receipts in; the deliveries tell what came of it."""
    config, year = layout.config(), sent.get("year")

    def act(session: Session, trail: Trail) -> Answer:
        found = delivering.waiting(session, config, delivering.rules(config), year)
        trail.record("delivery.started", f"{year or ''}", {"ready": found.to_make, "due": found.due})
        return Answer(delivery_json.waiting(found), 202, afterwards=lambda: background.launch_delivering(config, year))

    return writes.once(act)


def _in_scope(session: Session, number: str) -> str:
    """Give the number of what may be sent again. Raises NoSuchInvoice, for others' as for unknown ones."""
    found = access.papers(delivery_register.listing(), LISTED.c.authority_id, "delivery.send")
    if session.execute(found.where(LISTED.c.number == number)).first() is None:
        raise _no_such()
    return number


def _no_such() -> NoSuchInvoice:
    return NoSuchInvoice(Text("intet dokument her har det nummer", "no document here has that number"))
