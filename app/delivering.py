"""The work of handing documents over, the same for commands, pages and the rounds of work.

Each round writes down what is to be sent, takes what is due, and asks the carriers without holding any lock; then it
keeps what came of it and what the receivers' side told. It goes on from the facts, so it can be killed anywhere and run
by several at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app import annual_work, clock, courtesy_copies, reminder_letters, reminder_work
from app.adapters import carriers, lanes
from app.adapters.carriers import Carrier, Found, NoCarrier, Parcel
from app.annual_work import Begin, NotRendered, Surroundings, unheard
from app.config import Config
from billing import deliveries
from billing.deliveries import CHANNELS, Consignment, Outcome
from billing.papers import Kind
from foundation.audit import sha256
from foundation.errors import NotNow
from foundation.language import Text

if TYPE_CHECKING:
    from billing.verdicts import Rules

#: Deliveries that are written down in one transaction; that are taken of each channel at a time.
_MADE_AT_A_TIME, _TAKEN_AT_A_TIME = 500, 40

#: Answers are kept together for so long, in seconds, or so many: each transaction waits for the disk.
_KEPT_TOGETHER, _MOST_TOGETHER = 0.2, 40

_CHANGED = Text(
    "de gemte bytes er ikke dem, der skulle sendes: efterregn alt",
    "the kept bytes are not those that were to be sent: verify all",
)


@dataclass(slots=True)
class Done:
    """What a call came to. `silent` are channels nobody carries, or whose carrier did not answer, and why."""

    made: int = 0
    handed_over: int = 0
    deferred: dict[str, Text] = field(default_factory=dict)  # by number
    failed: dict[str, Text] = field(default_factory=dict)
    receipts: int = 0
    refused: list[str] = field(default_factory=list)  # names of what came back and is no receipt of ours
    silent: dict[str, Text] = field(default_factory=dict)
    held: int = 0  # due, but for a carrier
    reminders: list[str] = field(default_factory=list)  # of which a letter was written

    @property
    def is_well(self) -> bool:
        """Tell whether nothing needs a person."""
        return not (self.failed or self.refused)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a call would do: to be written down, and due, by channel."""

    to_make: int
    due: Mapping[str, int]
    silent: Mapping[str, Text]


def rules(config: Config) -> Rules:
    """Find the installed packs of official rules."""
    from billing import verdicts  # late: a command that delivers nothing does not wait for lxml

    return verdicts.rules(config.rules_dir)


def waiting(session: Session, config: Config, known: Rules, year: int | None = None) -> Waiting:
    """Tell how many documents a call would take now; nothing is written, nobody asked."""
    due = deliveries.count_due(session, at=clock.now(config), now=clock.machine(), year=year)
    ready = deliveries.count_ready(session, known, year=year, made_up=may_be_made_up(config))
    return Waiting(ready, due, silent(config))


def silent(config: Config) -> dict[str, Text]:
    """Tell which channels nobody carries, and why."""
    return _carriers(config)[1]


def deliver(surroundings: Surroundings, year: int | None = None, begin: Begin = unheard) -> Done:
    """Hand over all that may be and is due, and take receipts in."""
    done = Done()
    known = _judged(surroundings, year, begin)
    reminder_work.render_all(surroundings)
    reminder_work.judge_all(surroundings)
    while made := _make(surroundings, known, year):
        done.made += made
    open_, done.silent = _carriers(surroundings.config)
    _send_all(surroundings, open_, year, done, begin)
    take_receipts(surroundings, done)
    done.reminders = reminder_letters.write_due(surroundings, known, year)
    return done


def _judged(surroundings: Surroundings, year: int | None, begin: Begin) -> Rules:
    """Make and judge what the documents to be sent lack; give the rules that are installed."""
    with surroundings.reading() as session:
        years = deliveries.years(session)
    for each in years if year is None else {year} & set(years):
        with suppress(NotRendered):  # the others are made; what is not waits, and says so
            annual_work.render_all(surroundings, each, "real", begin)
        annual_work.judge_all(surroundings, each, "real", begin)
    return rules(surroundings.config)


def _make(surroundings: Surroundings, known: Rules, year: int | None) -> int:
    made_up = may_be_made_up(surroundings.config)
    with surroundings.reading() as session:
        if not deliveries.count_ready(session, known, year=year, made_up=made_up):
            return 0
    with surroundings.writing() as (session, trail):
        return deliveries.make(session, known, trail, year=year, at_most=_MADE_AT_A_TIME, made_up=made_up)


def may_be_made_up(config: Config) -> bool:
    """Tell whether documents that say of themselves that they are none may be carried: only where none leaves."""
    return config.environment == "demo"  # whose carriers are folders of its own, see `config`


def _carriers(config: Config) -> tuple[dict[str, Carrier], dict[str, Text]]:
    """Give the carriers by channel, and why there is none."""
    found: dict[str, Carrier] = {}
    silent: dict[str, Text] = {}
    for channel in CHANNELS:
        try:
            found[channel] = carriers.of(config.carriers[channel], channel, config.carrier_patience.total_seconds())
        except NoCarrier as refused:
            silent[channel] = refused.text
    return found, silent


# --- sending


def _send_all(
    surroundings: Surroundings, open_: dict[str, Carrier], year: int | None, done: Done, begin: Begin
) -> None:
    """Send batch after batch, each channel in its own time; one whose carrier stays silent is left out then."""
    config = surroundings.config
    with surroundings.reading() as session:
        due = deliveries.count_due(session, at=clock.now(config), now=clock.machine(), year=year)
    whole = sum(count for channel, count in due.items() if channel in open_)
    done.held = sum(due.values()) - whole
    if not whole:
        return
    step = begin(Text("Afleverer dokumenter", "Handing documents over"), whole)
    while open_ and (batch := _claim(surroundings, open_, year)):
        left: dict[tuple[Kind, int], Consignment] = {}
        for outcomes in _together(_sent(surroundings, batch, open_, year, left)):
            _note(surroundings, outcomes, done)
            step(len(outcomes))
            for one, _ in outcomes:
                del left[one.kind, one.id]
        _leave(surroundings, left, open_, done)


def _claim(surroundings: Surroundings, channels: Iterable[str], year: int | None) -> list[Consignment]:
    now = clock.machine()
    until = now + _lease(surroundings.config)
    with surroundings.writing() as (session, trail):
        return deliveries.claim(
            session, at=trail.at, now=now, until=until, at_most=_TAKEN_AT_A_TIME, channels=list(channels), year=year
        )


def _lease(config: Config) -> timedelta:
    """Give how long a batch may take at most: as if every carrier were as slow as it may be, and a minute."""
    turns = -(-_TAKEN_AT_A_TIME // lanes.AT_ONCE)
    return _patience(config) * turns + timedelta(minutes=1)


def _patience(config: Config) -> timedelta:
    """Give how long one try may take in all: a carrier that drips its answer is left when it should have ended."""
    return config.carrier_patience * 1.5


_Tried = tuple[Consignment, Outcome]


def _sent(
    surroundings: Surroundings, batch: Sequence[Consignment], open_: Mapping[str, Carrier], year: int | None,
    left: dict[tuple[Kind, int], Consignment],
) -> Iterator[list[_Tried]]:  # fmt: skip
    """Ask the carriers for a batch, and give what came of it as it comes; no transaction is open meanwhile.

    Each channel takes its next batch by itself, so that a slow carrier keeps no other waiting. `left` gets what is
    taken.
    """
    content: dict[str, Mapping[tuple[Kind, int], bytes]] = {}

    def taken(channel: str, own: Sequence[Consignment]) -> Sequence[Consignment]:
        with surroundings.reading() as session:
            content[channel] = deliveries.contents(session, own)
        left.update({(one.kind, one.id): one for one in own})
        return own

    def hand_over(one: Consignment) -> Outcome:
        kept = content[one.channel].get((one.kind, one.rendering_id), b"")
        if sha256(kept) != one.sha256:
            return Outcome("failed", _CHANGED)
        return open_[one.channel].hand_over(_parcel(one, kept))

    jobs = {channel: taken(channel, [one for one in batch if one.channel == channel]) for channel in open_}
    seconds = _patience(surroundings.config).total_seconds()
    silent = Outcome("deferred", Text(f"intet svar i {seconds:g} sekunder", f"no answer within {seconds:g} seconds"))
    for answers in lanes.ask(
        {channel: own for channel, own in jobs.items() if own}, hand_over, _is_good, patience=seconds,
        more=lambda channel: taken(channel, _claim(surroundings, [channel], year)),
    ):  # fmt: skip
        yield [(one, answer or silent) for one, answer in answers]


def _parcel(one: Consignment, content: bytes) -> Parcel:
    return Parcel(one.number, one.channel, one.address, one.file_name, one.message_id, one.sha256, content)


def _is_good(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.tried == "handed_over"


def _together(answers: Iterator[list[_Tried]]) -> Iterator[list[_Tried]]:
    """Give answers that come soon after one another as one list."""
    gathered: list[_Tried] = []
    began = time.monotonic()
    for found in answers:
        gathered += found
        is_time = len(gathered) >= _MOST_TOGETHER or time.monotonic() - began >= _KEPT_TOGETHER
        if gathered and is_time:
            yield gathered
            gathered, began = [], time.monotonic()
    if gathered:
        yield gathered


def _note(surroundings: Surroundings, outcomes: Sequence[_Tried], done: Done) -> None:
    with surroundings.writing() as (session, trail):
        deliveries.note(session, [(one.kind, one.id, outcome) for one, outcome in outcomes], trail, now=clock.machine())
        sent = [one.number for one, outcome in outcomes if _is_good(outcome)]
        courtesy_copies.write(session, sent, trail, surroundings.config)
    for one, outcome in outcomes:
        if outcome.tried == "handed_over":
            done.handed_over += 1
        else:
            told = done.deferred if outcome.tried == "deferred" else done.failed
            told[one.number] = outcome.reason


def _leave(
    surroundings: Surroundings, left: Mapping[tuple[Kind, int], Consignment], open_: dict[str, Carrier], done: Done
) -> None:
    """Leave what a silent carrier was not asked any more for another time."""
    if not left:
        return
    with surroundings.writing() as (session, _):
        deliveries.give_back(session, list(left), now=clock.machine())
    done.held += len(left)
    for channel in {one.channel for one in left.values()}:
        del open_[channel]
        done.silent[channel] = Text("flere i træk lykkedes ikke; resten sendes næste gang",
                                    "several in a row came to nothing; the rest is sent next time")  # fmt: skip


# --- receipts


def take_receipts(surroundings: Surroundings, done: Done) -> None:
    """Take in what the receivers' side told, each once; what is no receipt of ours is set aside."""
    open_, _ = _carriers(surroundings.config)
    seconds = _patience(surroundings.config).total_seconds()
    for answers in lanes.ask({name: [name] for name in open_}, lambda name: _come_back(open_[name]), bool,
                             patience=seconds):  # fmt: skip
        for channel, found in answers:
            if isinstance(found, list):
                _keep(surroundings, found, done)
            else:
                done.silent.setdefault(channel, found or Text("svarer ikke", "does not answer"))


def _come_back(carrier: Carrier) -> list[Found] | Text:
    try:
        return list(carrier.receipts())
    except NotNow as refused:
        return refused.text


def _keep(surroundings: Surroundings, found: Sequence[Found], done: Done) -> None:
    receipts = [one.receipt for one in found if one.receipt is not None]
    strange = []
    if receipts:
        with surroundings.writing() as (session, trail):
            strange = deliveries.receive(session, receipts, trail)
        done.receipts += len(receipts) - len(strange)
    unknown = {id(one) for one in strange}
    for one in found:
        is_kept = one.receipt is not None and id(one.receipt) not in unknown
        if not is_kept:
            done.refused.append(one.name)
        with suppress(OSError):  # another process put it away, or it is read again the next time
            one.settle(is_kept)
