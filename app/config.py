"""What the environment says, read once and checked; production refuses what is unsafe.

The variables are named in docs/reference.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from foundation.errors import Refused
from foundation.language import LANGUAGES, Language, Text

Environment = Literal["development", "demo", "production"]

_LARGEST_REQUEST = 16 * 1024 * 1024  # bytes


class Unsafe(Refused):
    """A setting is missing, malformed or unsafe."""


class NotInProduction(Refused):
    """Something that only development and demo may do."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one process."""

    environment: Environment
    data_dir: Path
    database_url: str
    secret_key: str
    base_url: str
    trusted_hosts: tuple[str, ...]
    rules_dir: Path
    language: Language
    clock: datetime | None  # None: the real one
    batch: int | None  # what is issued, and rendered, in one transaction; None: as the commands choose

    @property
    def is_production(self) -> bool:
        """Tell whether real people rely on this process."""
        return self.environment == "production"

    def flask(self) -> dict[str, object]:
        """Give the settings as Flask wants them."""
        return {
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "TRUSTED_HOSTS": list(self.trusted_hosts) or None,
            "MAX_CONTENT_LENGTH": _LARGEST_REQUEST,
            "SESSION_COOKIE_SECURE": self.is_production,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
        }

    def environ(self) -> dict[str, str]:
        """Give the variables that let another process read the same settings."""
        variables = {
            "OS2TILSLUT_ENV": self.environment,
            "OS2TILSLUT_DATA_DIR": str(self.data_dir),
            "OS2TILSLUT_DATABASE_URL": self.database_url,
            "OS2TILSLUT_SECRET_KEY": self.secret_key,
            "OS2TILSLUT_BASE_URL": self.base_url,
            "OS2TILSLUT_TRUSTED_HOSTS": ",".join(self.trusted_hosts),
            "OS2TILSLUT_RULES_DIR": str(self.rules_dir),
            "OS2TILSLUT_LANGUAGE": self.language,
            "OS2TILSLUT_CLOCK": self.clock.isoformat() if self.clock else "",
            "OS2TILSLUT_BATCH": str(self.batch or ""),
        }
        return {name: value for name, value in variables.items() if value}


def read(environ: Mapping[str, str] = os.environ) -> Config:
    """Read the settings. Raises Unsafe naming the variable and how to mend it."""
    environment = environ.get("OS2TILSLUT_ENV", "development")
    if environment not in get_args(Environment):
        raise _wrong("OS2TILSLUT_ENV", "development, demo, production")
    data_dir = Path(environ.get("OS2TILSLUT_DATA_DIR") or "var").absolute()
    config = Config(
        environment=environment,  # type: ignore[arg-type]
        data_dir=data_dir,
        database_url=_database_url(environ.get("OS2TILSLUT_DATABASE_URL"), data_dir),
        secret_key=environ.get("OS2TILSLUT_SECRET_KEY", "") or ("" if environment == "production" else "not a secret"),
        base_url=environ.get("OS2TILSLUT_BASE_URL", ""),
        trusted_hosts=tuple(host for host in environ.get("OS2TILSLUT_TRUSTED_HOSTS", "").split(",") if host),
        rules_dir=Path(environ.get("OS2TILSLUT_RULES_DIR") or data_dir / "rules"),
        language=_language(environ),
        clock=_clock(environ),
        batch=_batch(environ),
    )
    _refuse_unsafe(config)
    return config


def _database_url(given: str | None, data_dir: Path) -> str:
    if not given:
        return f"sqlite:///{data_dir / 'os2tilslut.sqlite'}"
    try:
        url = make_url(given)
        if url.drivername in ("sqlite", "postgresql", "postgresql+psycopg"):
            driver = "sqlite" if url.drivername == "sqlite" else "postgresql+psycopg"
            return url.set(drivername=driver).render_as_string(hide_password=False)
    except (ArgumentError, ValueError):
        pass
    raise _wrong("OS2TILSLUT_DATABASE_URL", "sqlite:////folder/file.sqlite, postgresql+psycopg://user@host/name")


def _language(environ: Mapping[str, str]) -> Language:
    given = environ.get("OS2TILSLUT_LANGUAGE") or "da"
    for language in LANGUAGES:
        if given == language:
            return language
    raise _wrong("OS2TILSLUT_LANGUAGE", "da, en")


def _clock(environ: Mapping[str, str]) -> datetime | None:
    given = environ.get("OS2TILSLUT_CLOCK")
    if not given:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise _wrong("OS2TILSLUT_CLOCK", "2027-01-15T10:00:00Z") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _batch(environ: Mapping[str, str]) -> int | None:
    given = environ.get("OS2TILSLUT_BATCH")
    if not given:
        return None
    if re.fullmatch(r"[1-9][0-9]{0,3}", given):
        return int(given)
    raise _wrong("OS2TILSLUT_BATCH", "1 … 9999")


def _wrong(variable: str, expected: str) -> Unsafe:
    return Unsafe(Text(f"{variable} skal være som: {expected}", f"{variable} must be like: {expected}"))


def _refuse_unsafe(config: Config) -> None:
    if not config.is_production:
        return
    missing = [
        name
        for name, value in (
            ("OS2TILSLUT_SECRET_KEY", config.secret_key),
            ("OS2TILSLUT_BASE_URL", config.base_url),
            ("OS2TILSLUT_TRUSTED_HOSTS", config.trusted_hosts),
        )
        if not value
    ]
    if missing:
        listed = ", ".join(missing)
        raise Unsafe(Text(f"produktion kræver {listed}", f"production needs {listed}"))
    if config.clock is not None:
        raise Unsafe(
            Text("OS2TILSLUT_CLOCK er ikke tilladt i produktion", "OS2TILSLUT_CLOCK is not allowed in production")
        )
    if len(config.secret_key) < 32:
        raise Unsafe(
            Text(
                "OS2TILSLUT_SECRET_KEY skal have mindst 32 tegn",
                "OS2TILSLUT_SECRET_KEY must have at least 32 characters",
            )
        )
    if not config.base_url.startswith("https://"):
        raise Unsafe(
            Text("OS2TILSLUT_BASE_URL skal begynde med https://", "OS2TILSLUT_BASE_URL must begin with https://")
        )
