"""Sending the letters that are due: each is handed over outside any transaction, and how it went is noted at once.

Killed between the two, a letter is handed over again with the same bytes and Message-ID: at least once, never lost.
"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
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
#: After so many letters in a row for which the server was down, the rest waits for the next round.
_PATIENCE = 3


@dataclass(slots=True)
class Sent:
    """What a round of sending came to."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    is_down: bool = False  # the server could not be reached, so the rest waits


def send_due(surroundings: Surroundings, carrier: Carrier | None = None) -> Sent:
    """Send all letters that are due. Where another process on this machine is sending, it is left to that one."""
    done, down = Sent(), 0
    carrier = carrier or mail_carrier.of(surroundings.config.mail)
    with _alone(surroundings.config.mail.folder) as is_ours:
        while is_ours and not done.is_down:
            with surroundings.reading() as session:
                due = letters.due(session, clock.now(surroundings.config), _AT_A_TIME)
            if not due:
                break
            for letter in due:
                handed = _handed(carrier, letter, surroundings.config)
                with surroundings.writing() as (session, trail):
                    letters.note(session, [handed.tried], trail)
                done.outcomes[handed.tried.outcome] += 1
                down = down + 1 if handed.is_down else 0
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
