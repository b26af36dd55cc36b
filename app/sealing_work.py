"""The process that seals what is countersigned, so that nobody's page waits for it.

usage: python -m app.sealing_work        started by `app/adapters/background.py`; what it leaves, the next one takes
"""

from __future__ import annotations

import logging
import sys

from app import config, create_app, seals
from app.annual_work import InNameOf
from foundation.errors import NotNow

ACTOR = "forseglingen"

_log = logging.getLogger("os2tilslut.sealing")


def main() -> int:
    """Seal all that waits; give the exit code. What could not be sealed is noted, and shown on the start page."""
    settings = config.read()
    with create_app(settings).app_context():
        try:
            done = seals.seal_waiting(InNameOf(settings, ACTOR))
        except NotNow as refused:
            _log.warning("nothing sealed: %s", refused.text.en)
            return 1
    return 1 if done.failed else 0


if __name__ == "__main__":
    sys.exit(main())
