"""The one place where the time is asked. Everything below receives `on=` or `at=`."""

from __future__ import annotations

from datetime import UTC, date, datetime

from app.config import Config
from foundation.periods import BUSINESS_ZONE


def now(config: Config) -> datetime:
    """Give the instant, aware and in UTC; the one that is set in development and demo."""
    return config.clock or datetime.now(UTC)


def machine() -> datetime:
    """Give the machine's own instant, whatever day is set: for signs of life, never for what is owed."""
    return datetime.now(UTC)


def today(config: Config) -> date:
    """Give the day in Copenhagen, which is what days mean here."""
    return now(config).astimezone(BUSINESS_ZONE).date()
