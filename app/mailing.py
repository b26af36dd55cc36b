"""Sending the letters that are due: each is handed over outside any transaction, and how it went is noted at once.

Killed between the two, a letter is handed over again with the same bytes and Message-ID: at least once, never lost.
A round of letters has its time: a server that is slow or hangs delays the other work by so much and no more.
"""

from __future__ import annotations

import fcntl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from app import clock, invitations
from app.adapters import mail_carrier
from app.adapters.mail_carrier import Carrier, Handed
from app.annual_work import Surroundings
from app.config import Config
from foundation import letters
from foundation.letters import Due, Outcome, Tried

_AT_A_TIME = 20
#: After so many letters in a row for which the server was down or fell silent, the rest waits for the next round.
_PATIENCE = 3
#: No letter is begun when a round of letters has lasted so long, in seconds; what is left waits for the next round.
BUDGET = 60.0


@dataclass(slots=True)
class Sent:
    """What a round of sending came to."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    is_down: bool = False  # the server could not be reached or fell silent, so the rest waits
    is_late: bool = False  # the time was up, so the rest waits

    @property
    def is_ended(self) -> bool:
        """Tell whether no further letter is begun."""
        return self.is_down or self.is_late


def send_due(
    surroundings: Surroundings, carrier: Carrier | None = None, *, tick: Callable[[], float] = time.monotonic
) -> Sent:
    """Send the letters that are due, as far as the time goes. Where another process here is sending, it is its work."""
    done, down, until = Sent(), 0, tick() + BUDGET
    carrier = carrier or mail_carrier.of(surroundings.config.mail)
    with _alone(surroundings.config.mail.folder) as is_ours:
        while is_ours and not done.is_ended:
            with surroundings.reading() as session:
                due = letters.due(session, clock.now(surroundings.config), _AT_A_TIME)
            if not due:
                break
            for letter in due:
                if tick() >= until:
                    done.is_late = True
                    break
                handed = _handed(carrier, letter, surroundings.config)
                with surroundings.writing() as (session, trail):
                    letters.note(session, [handed.tried], trail)
                done.outcomes[handed.tried.outcome] += 1
                down = down + 1 if handed.is_down or handed.broke_off else 0
                if down == _PATIENCE:
                    done.is_down = True
                    break
    return done


def _handed(carrier: Carrier, letter: Due, config: Config) -> Handed:
    """Hand a letter over with all that belongs into it; what cannot be put in is not tried again."""
    try:
        return carrier.hand_over(invitations.opened(letter, config))
    except invitations.CannotOpen as refused:
        return Handed(Tried(letter.id, "failed", refused.text))


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Tell whether nobody else on this machine sends; nobody begins meanwhile. A killed process lets go."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".sending").open("a") as held:
        with suppress(BlockingIOError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
            return
        yield False
