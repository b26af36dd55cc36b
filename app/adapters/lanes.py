"""Asking several parties at once, so that one that is slow or hangs delays nobody else.

Each party has a lane with a bounded number of threads. Who has not answered in time counts as silent: its thread is
left behind, and what it answers later is not heard. A lane in which several in a row came to nothing is left alone for
this time.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")

#: So many of one lane are asked at once; so many in a row without success, and the rest is left for another time.
AT_ONCE, UNLUCKY = 4, 4

_NOW_AND_THEN = 0.2  # seconds

_log = logging.getLogger("os2tilslut.lanes")


@dataclass(slots=True)
class _Lane(Generic[Job]):
    waiting: deque[Job]
    running: dict[int, tuple[Job, float]] = field(default_factory=dict)  # by ticket: until when we listen
    unlucky: int = 0
    is_ended: bool = False  # there was no more

    @property
    def is_open(self) -> bool:
        return self.unlucky < UNLUCKY

    @property
    def wants_more(self) -> bool:
        return self.is_open and not (self.waiting or self.running or self.is_ended)

    @property
    def may_start(self) -> bool:
        return self.is_open and bool(self.waiting) and len(self.running) < AT_ONCE


def ask(
    jobs: Mapping[str, Sequence[Job]], what: Callable[[Job], Answer], is_good: Callable[[Answer | None], bool],
    *, patience: float, more: Callable[[str], Sequence[Job]] = lambda _: (),
) -> Iterator[list[tuple[Job, Answer | None]]]:  # fmt: skip
    """Ask for each lane's jobs, and give answers as they come, those that are there together.

    None is the answer of who was silent for `patience` seconds, or failed. What a lane was not asked any more is not
    given. Now and then there is nothing new, so that whoever gathers answers need not wait. `what` runs in threads.
    A lane that has asked for all of its jobs goes on by itself with what there is `more` of, until there is none.
    """
    lanes = {name: _Lane(deque(listed)) for name, listed in jobs.items()}
    heard: _Heard[Answer] = queue.SimpleQueue()
    tickets = 0
    while True:
        for name, lane in lanes.items():
            if lane.wants_more:
                lane.waiting.extend(more(name))
                lane.is_ended = not lane.waiting
            while lane.may_start:
                tickets += 1
                job = lane.waiting.popleft()
                lane.running[tickets] = (job, time.monotonic() + patience)
                threading.Thread(target=_asked, args=(what, job, tickets, heard), daemon=True).start()
        if not any(lane.running for lane in lanes.values()):
            return
        answers = dict(_heard(heard, _until(lanes.values())))
        yield [one for lane in lanes.values() for one in _answered(lane, answers, is_good)]


_Heard = queue.SimpleQueue[tuple[int, Answer | None]]


def _asked(what: Callable[[Job], Answer], job: Job, ticket: int, heard: _Heard[Answer]) -> None:
    answer: Answer | None = None
    try:
        answer = what(job)
    except Exception:
        _log.exception("a carrier failed")
    heard.put((ticket, answer))


def _until(lanes: Iterable[_Lane[Any]]) -> float:
    deadlines = [until for lane in lanes for _, until in lane.running.values()]
    return min(max(0.0, min(deadlines) - time.monotonic()), _NOW_AND_THEN)


def _heard(heard: _Heard[Answer], seconds: float) -> Iterator[tuple[int, Answer | None]]:
    """Wait for the first answer, and give it with all others that are there."""
    try:
        yield heard.get(timeout=seconds)
        while True:
            yield heard.get_nowait()
    except queue.Empty:
        return


def _answered(
    lane: _Lane[Job], answers: Mapping[int, Answer | None], is_good: Callable[[Answer | None], bool]
) -> Iterator[tuple[Job, Answer | None]]:
    now = time.monotonic()
    for ticket, (job, until) in list(lane.running.items()):
        if ticket not in answers and until > now:
            continue
        del lane.running[ticket]
        answer = answers.get(ticket)
        lane.unlucky = 0 if is_good(answer) else lane.unlucky + 1
        yield job, answer
