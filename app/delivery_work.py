"""The process that goes one round of handing documents over, so that no program waits for carriers.

usage: python -m app.delivery_work [YEAR]        started by `app/adapters/background.py`; what it leaves, the next takes
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from app import config, create_ground, delivering
from app.annual_work import InNameOf
from foundation.errors import DomainError

ACTOR = "afleveringen"

_log = logging.getLogger("os2tilslut.deliveries")


def main(arguments: Sequence[str]) -> int:
    """Hand over what is due, of one year where it is named; give the exit code. What went wrong stands on its list."""
    settings = config.read()
    year = int(arguments[0]) if arguments else None
    with create_ground(settings).app_context():
        try:
            done = delivering.deliver(InNameOf(settings, ACTOR), year)
        except DomainError as refused:
            _log.warning("nothing handed over: %s", refused.text.en)
            return 1
    return 0 if done.is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
