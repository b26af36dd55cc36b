"""What the environment says, read once and checked; production refuses what is unsafe.

The variables are named in docs/reference.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from agreements.road.terms import Terms
from foundation import letters, wording
from foundation.errors import Refused
from foundation.language import LANGUAGES, Language, Text
from foundation.letters import Sender

Environment = Literal["development", "demo", "production"]

_LARGEST_REQUEST = 16 * 1024 * 1024  # bytes

#: The local provider of demonstration and development, where no other is named.
LOCAL_PROVIDER_PORT = 8001
LOCAL_CLIENT = "os2tilslut-local"
NO_SECRET = "not a secret"  # stands where none is given
STRONG_HERE = "urn:os2tilslut:strong"  # the acr of a strong sign-in at the local provider


#: Time stamps made up on this machine, and none at all.
LOCAL_TIMESTAMPS, NO_TIMESTAMPS = "local", "none"

#: The ways documents go out, and what is said where nothing shall go that way.
NO_CARRIER = "none"
_CARRIER_SETTINGS = {"nemhandel": "OS2TILSLUT_CARRIER_NEMHANDEL", "peppol": "OS2TILSLUT_CARRIER_PEPPOL"}


class Unsafe(Refused):
    """A setting is missing, malformed or unsafe."""


class NotInProduction(Refused):
    """Something that only development and demo may do."""


@dataclass(frozen=True, slots=True)
class Oidc:
    """The provider of identities, and how to read what it tells."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: tuple[str, ...]
    claim_name: str
    claim_cvr: str
    claim_assurance: str
    strong_acr: frozenset[str]
    strong_amr: frozenset[str]
    strong_assurance: frozenset[str]
    signing_floor: frozenset[str]  # values of acr, amr or the assurance claim that suffice to sign an agreement

    @property
    def is_local(self) -> bool:
        """Tell whether it is the provider that `serve` starts, with made-up people."""
        return self.client_id == LOCAL_CLIENT


@dataclass(frozen=True, slots=True)
class Signing:
    """The key that seals agreements, and who stamps the time on them."""

    key: str  # a file, or the PKCS#11 name of a key in a device; empty: none
    password: str  # of the file, or the device's PIN
    chain: Path | None  # certificates that vouch for the key's, and for the time stamps'
    timestamps: str  # the address of a service by RFC 3161; `local`; empty: none
    folder: Path  # where made-up keys lie
    is_local: bool  # whether made-up keys stand in

    @property
    def local_time(self) -> Path:
        """Where the made-up key of the local time stamps lies."""
        return self.folder / "made-up-time.pem"


@dataclass(frozen=True, slots=True)
class Carrying:
    """Who carries documents one way: a folder that other software empties, or an access point's address."""

    place: str  # a folder, an address, `none`; empty where nothing is said
    receipts: str  # the address that tells what became of them; empty: none
    token: str  # by which an access point knows us
    setting: str  # that says so

    @property
    def is_web(self) -> bool:
        """Tell whether it is an address on the web."""
        return self.place.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Mail:
    """Who letters come from, and the server that takes them; without one they are laid in a folder."""

    server: str  # smtp://, starttls:// or smtps://; empty: the folder
    sender: Sender
    folder: Path
    timeout: int  # seconds that the server may take for one answer


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
    oidc: Oidc
    signing: Signing
    carriers: Mapping[str, Carrying]  # by channel
    carrier_patience: timedelta  # how long one carrier may take over one document
    mail: Mail
    session_idle: timedelta  # a browser not seen so long is signed out
    session_limit: timedelta  # and one that signed in so long ago
    invitation_valid: timedelta  # how long a link from the command line may be taken up
    proxies: int  # web servers in front whose word on the caller's address counts
    metrics_token: str  # who has it may read /metrics from elsewhere
    threads: int  # of one worker, each with a connection to the database
    bank_account: str  # of the ledger, on which bank statements are booked
    road: Terms  # how long the road keeps what was written on it
    batch: int | None  # what is issued, and rendered, in one transaction; None: as the commands choose

    @property
    def is_production(self) -> bool:
        """Tell whether real people rely on this process."""
        return self.environment == "production"

    @property
    def is_https(self) -> bool:
        """Tell whether browsers come by TLS, so that cookies may be held to it."""
        return self.base_url.startswith("https://")

    @property
    def session_cookie(self) -> str:
        """Name the cookie by which a browser is known; browsers hold `__Host-` to TLS, this host and no domain."""
        return "__Host-os2tilslut" if self.is_https else "os2tilslut"

    def flask(self) -> dict[str, object]:
        """Give the settings as Flask wants them."""
        return {
            "DEBUG": False,  # whatever the environment says to Flask: a debugger runs what it is told
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "SQLALCHEMY_ENGINE_OPTIONS": self._pool(),
            "TRUSTED_HOSTS": list(self.trusted_hosts) or None,
            "MAX_CONTENT_LENGTH": _LARGEST_REQUEST,
            "SESSION_COOKIE_NAME": self.session_cookie,
            "SESSION_COOKIE_PATH": "/",
            "SESSION_COOKIE_SECURE": self.is_https,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
        }

    def _pool(self) -> dict[str, object]:
        """Give every thread a connection, and one beside it for what is noted meanwhile; a memory has but one."""
        in_memory = self.database_url.startswith("sqlite") and make_url(self.database_url).database in (
            None,
            "",
            ":memory:",
        )
        pool: dict[str, object] = {"hide_parameters": self.is_production}  # or faults in the log would tell them
        return pool if in_memory else pool | {"pool_size": self.threads, "max_overflow": self.threads}

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
            "OS2TILSLUT_BANK_ACCOUNT": self.bank_account,
            "OS2TILSLUT_BATCH": str(self.batch or ""),
            "OS2TILSLUT_ROAD_KEPT_MONTHS": str(self.road.kept_months),
            "OS2TILSLUT_ROAD_QUIET_MONTHS": str(self.road.quiet_months),
            "OS2TILSLUT_SIGNING_KEY": self.signing.key,
            "OS2TILSLUT_SIGNING_PASSWORD": self.signing.password,
            "OS2TILSLUT_SIGNING_CHAIN": str(self.signing.chain or ""),
            "OS2TILSLUT_SIGNING_TIMESTAMPS": self.signing.timestamps or NO_TIMESTAMPS,
            "OS2TILSLUT_CARRIER_TIMEOUT": str(int(self.carrier_patience.total_seconds())),
            "OS2TILSLUT_SMTP_URL": self.mail.server,
            "OS2TILSLUT_SMTP_SECONDS": str(self.mail.timeout),
            "OS2TILSLUT_MAIL_FROM": f"{self.mail.sender.name} <{self.mail.sender.mail}>",
        }
        for carrying in self.carriers.values():
            name = carrying.setting
            variables |= {
                name: carrying.place, f"{name}_RECEIPTS": carrying.receipts, f"{name}_TOKEN": carrying.token
            }  # fmt: skip
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
        secret_key=environ.get("OS2TILSLUT_SECRET_KEY", "") or ("" if environment == "production" else NO_SECRET),
        base_url=environ.get("OS2TILSLUT_BASE_URL", ""),
        trusted_hosts=tuple(host for host in environ.get("OS2TILSLUT_TRUSTED_HOSTS", "").split(",") if host),
        rules_dir=Path(environ.get("OS2TILSLUT_RULES_DIR") or data_dir / "rules"),
        language=_language(environ),
        clock=_clock(environ),
        oidc=_oidc(environ, environment == "production"),
        signing=_signing(environ, data_dir, environment == "production"),
        carriers={channel: _carrying(environ, channel, data_dir, environment) for channel in _CARRIER_SETTINGS},
        carrier_patience=timedelta(seconds=_count(environ, "OS2TILSLUT_CARRIER_TIMEOUT", 30, most=600)),
        mail=_mail(environ, data_dir),
        session_idle=timedelta(minutes=_count(environ, "OS2TILSLUT_SESSION_IDLE_MINUTES", 60, most=24 * 60)),
        session_limit=timedelta(hours=_count(environ, "OS2TILSLUT_SESSION_HOURS", 10, most=7 * 24)),
        invitation_valid=timedelta(hours=_count(environ, "OS2TILSLUT_INVITATION_HOURS", 24, most=14 * 24)),
        proxies=_count(environ, "OS2TILSLUT_PROXIES", 0, least=0, most=9),
        metrics_token=environ.get("OS2TILSLUT_METRICS_TOKEN", ""),
        threads=_count(environ, "OS2TILSLUT_THREADS", 4, most=64),
        bank_account=_account(environ, "OS2TILSLUT_BANK_ACCOUNT", "6470"),
        road=Terms(
            _count(environ, "OS2TILSLUT_ROAD_KEPT_MONTHS", 24, most=120),
            _count(environ, "OS2TILSLUT_ROAD_QUIET_MONTHS", 12, most=120),
        ),
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
    return _count(environ, "OS2TILSLUT_BATCH", 0, most=9999) or None


def _account(environ: Mapping[str, str], variable: str, otherwise: str) -> str:
    given = environ.get(variable) or otherwise
    if re.fullmatch(r"6[0-9]{3}", given):  # the standard chart's accounts of what is owned
        return given
    raise _wrong(variable, "6470, 6480")


def _count(environ: Mapping[str, str], variable: str, otherwise: int, *, least: int = 1, most: int) -> int:
    given = environ.get(variable)
    if not given:
        return otherwise
    if re.fullmatch(r"0|[1-9][0-9]{0,4}", given) and least <= int(given) <= most:
        return int(given)
    raise _wrong(variable, f"{least} … {most}")


def _oidc(environ: Mapping[str, str], is_production: bool) -> Oidc:
    """Read who the provider is; in demonstration and development the local one stands in."""

    def given(name: str, local: str = "", otherwise: str = "") -> str:
        return environ.get(name) or (local if is_local else otherwise)

    port = _count(environ, "OS2TILSLUT_PROVIDER_PORT", LOCAL_PROVIDER_PORT, most=65535)
    is_local = not is_production and not environ.get("OS2TILSLUT_OIDC_ISSUER")
    strong_acr = _listed(given("OS2TILSLUT_OIDC_STRONG_ACR", STRONG_HERE))
    strong_amr = _listed(given("OS2TILSLUT_OIDC_STRONG_AMR"))
    strong_assurance = _listed(given("OS2TILSLUT_OIDC_STRONG_ASSURANCE"))
    return Oidc(
        issuer=given("OS2TILSLUT_OIDC_ISSUER", f"http://127.0.0.1:{port}"),
        client_id=given("OS2TILSLUT_OIDC_CLIENT_ID", LOCAL_CLIENT),
        client_secret=given("OS2TILSLUT_OIDC_CLIENT_SECRET", NO_SECRET),
        scopes=tuple(given("OS2TILSLUT_OIDC_SCOPES", "openid profile", "openid profile").split()),
        claim_name=given("OS2TILSLUT_OIDC_CLAIM_NAME", "name", "name"),
        claim_cvr=given("OS2TILSLUT_OIDC_CLAIM_CVR", "cvr", "cvr"),
        claim_assurance=given("OS2TILSLUT_OIDC_CLAIM_ASSURANCE"),
        strong_acr=strong_acr,
        strong_amr=strong_amr,
        strong_assurance=strong_assurance,
        signing_floor=_listed(given("OS2TILSLUT_SIGNING_ASSURANCE")) or strong_acr | strong_amr | strong_assurance,
    )


def _signing(environ: Mapping[str, str], data_dir: Path, is_production: bool) -> Signing:
    """Read what seals; in demonstration and development a made-up key and the local time stamps stand in."""
    folder, chain = data_dir / "signing", environ.get("OS2TILSLUT_SIGNING_CHAIN")
    made_up = folder / "made-up-seal.pem"
    key = environ.get("OS2TILSLUT_SIGNING_KEY") or ("" if is_production else str(made_up))
    is_local = key == str(made_up)
    timestamps = environ.get("OS2TILSLUT_SIGNING_TIMESTAMPS") or (LOCAL_TIMESTAMPS if is_local else NO_TIMESTAMPS)
    if timestamps not in (LOCAL_TIMESTAMPS, NO_TIMESTAMPS) and urlsplit(timestamps).scheme not in ("http", "https"):
        raise _wrong("OS2TILSLUT_SIGNING_TIMESTAMPS", "https://tid.example.dk/, none")
    return Signing(
        key=key,
        password=environ.get("OS2TILSLUT_SIGNING_PASSWORD", ""),
        chain=Path(chain) if chain else None,
        timestamps="" if timestamps == NO_TIMESTAMPS else timestamps,
        folder=folder,
        is_local=is_local,
    )


def _carrying(environ: Mapping[str, str], channel: str, data_dir: Path, environment: str) -> Carrying:
    """Read who carries documents one way; outside production a folder here stands in."""
    name = _CARRIER_SETTINGS[channel]
    here = data_dir / "carriers" / channel
    place = environ.get(name) or ("" if environment == "production" else str(here))
    found = Carrying(place, environ.get(f"{name}_RECEIPTS", ""), environ.get(f"{name}_TOKEN", ""), name)
    if environment == "demo" and (place not in (str(here), NO_CARRIER) or found.receipts):
        raise Unsafe(
            Text(
                f"{name}: en demonstration afleverer kun til {here}", f"{name}: a demonstration delivers to {here} only"
            )
        )
    if not found.is_web and place not in ("", NO_CARRIER) and not Path(place).is_absolute():
        raise _wrong(name, "/folder, https://ap.example.dk/messages, none")
    for address in filter(None, (place if found.is_web else "", found.receipts)):
        _refuse_open_road(name, address)
    if found.token and not found.token.isascii():
        raise _wrong(f"{name}_TOKEN", "openssl rand -hex 32")
    return found


def _refuse_open_road(name: str, address: str) -> None:
    """Refuse an address at which documents and token would travel unprotected; on this machine they do not travel."""
    try:
        found = urlsplit(address)
        if found.hostname and (found.scheme == "https" or (found.scheme == "http" and _is_loopback(found.hostname))):
            return
    except ValueError:
        pass
    raise _wrong(name, "https://ap.example.dk/messages, http://127.0.0.1:8080/messages")


def _mail(environ: Mapping[str, str], data_dir: Path) -> Mail:
    """Read how letters leave. Raises Unsafe."""
    server = environ.get("OS2TILSLUT_SMTP_URL", "")
    if server and not _is_mail_server(server):
        raise _wrong("OS2TILSLUT_SMTP_URL", "starttls://user:password@mail.example.dk:587, smtps://…, smtp://…")
    host = urlsplit(environ.get("OS2TILSLUT_BASE_URL", "")).hostname or ""
    otherwise = f"OS2 <tilslut@{host}>" if "." in host and not _is_loopback(host) else "OS2 <tilslut@example.org>"
    named = _SENDER.fullmatch(environ.get("OS2TILSLUT_MAIL_FROM") or otherwise)
    if named is None or letters.address_fault(named[2]) or wording.fault(named[1], wording.LONGEST_NAME):
        raise _wrong("OS2TILSLUT_MAIL_FROM", "OS2 <tilslut@example.dk>")
    seconds = _count(environ, "OS2TILSLUT_SMTP_SECONDS", 30, most=600)
    return Mail(server, Sender(named[1], named[2]), data_dir / "mail", seconds)


_SENDER = re.compile(r"([^<>@\r\n]*[^<>@\s])\s*<([^<>\s]+)>")

_MAIL_SCHEMES = ("smtp", "starttls", "smtps")


def _is_mail_server(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in _MAIL_SCHEMES and bool(parts.hostname) and parts.port != 0 and parts.path in ("", "/")
    except ValueError:
        return False


def _listed(given: str) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, given.split(","))))


def _wrong(variable: str, expected: str) -> Unsafe:
    return Unsafe(Text(f"{variable} skal være som: {expected}", f"{variable} must be like: {expected}"))


def _refuse_unsafe(config: Config) -> None:
    if not config.is_production:
        return
    if missing := _missing(config):
        listed = ", ".join(missing)
        raise Unsafe(Text(f"produktion kræver {listed}", f"production needs {listed}"))
    if config.clock is not None:
        raise Unsafe(
            Text("OS2TILSLUT_CLOCK er ikke tilladt i produktion", "OS2TILSLUT_CLOCK is not allowed in production")
        )
    if len(config.secret_key) < 32 or NO_SECRET in config.secret_key:
        raise Unsafe(
            Text(
                "OS2TILSLUT_SECRET_KEY skal have mindst 32 tegn, som er jeres egne",
                "OS2TILSLUT_SECRET_KEY must have at least 32 characters of your own",
            )
        )
    if config.metrics_token and len(config.metrics_token) < 32:
        raise _wrong("OS2TILSLUT_METRICS_TOKEN", "openssl rand -hex 32")
    if config.signing.timestamps == LOCAL_TIMESTAMPS:
        raise _wrong("OS2TILSLUT_SIGNING_TIMESTAMPS", "https://tid.example.dk/, none")
    _refuse_open_mail(config.mail)
    if not config.is_https:
        raise Unsafe(
            Text("OS2TILSLUT_BASE_URL skal begynde med https://", "OS2TILSLUT_BASE_URL must begin with https://")
        )
    _refuse_unsafe_provider(config.oidc)


def _refuse_open_mail(mail: Mail) -> None:
    """Refuse letters that whoever listens on the way could read: they hold invitations, and maybe a password."""
    parts = urlsplit(mail.server)
    if parts.scheme == "smtp" and not _is_loopback(parts.hostname or ""):
        raise Unsafe(
            Text(
                "OS2TILSLUT_SMTP_URL skal begynde med starttls:// eller smtps://, når serveren er en anden maskine",
                "OS2TILSLUT_SMTP_URL must begin with starttls:// or smtps:// where the server is another machine",
            )
        )


def _missing(config: Config) -> list[str]:
    oidc = config.oidc
    needed = {
        "OS2TILSLUT_SECRET_KEY": config.secret_key,
        "OS2TILSLUT_BASE_URL": config.base_url,
        "OS2TILSLUT_TRUSTED_HOSTS": config.trusted_hosts,
        "OS2TILSLUT_OIDC_ISSUER": oidc.issuer,
        "OS2TILSLUT_OIDC_CLIENT_ID": oidc.client_id,
        "OS2TILSLUT_OIDC_CLIENT_SECRET": oidc.client_secret,
        "OS2TILSLUT_OIDC_STRONG_ACR": oidc.strong_acr or oidc.strong_amr or oidc.strong_assurance,
    }
    return [name for name, value in needed.items() if not value]


def _refuse_unsafe_provider(oidc: Oidc) -> None:
    """Refuse a provider that anybody on the way, or on this machine, could play."""
    if not oidc.issuer.startswith("https://") or _is_loopback(urlsplit(oidc.issuer).hostname or ""):
        raise Unsafe(
            Text(
                "OS2TILSLUT_OIDC_ISSUER skal begynde med https:// og må ikke være denne maskine",
                "OS2TILSLUT_OIDC_ISSUER must begin with https:// and may not be this machine",
            )
        )
    if oidc.client_id == LOCAL_CLIENT or STRONG_HERE in oidc.strong_acr or oidc.client_secret == NO_SECRET:
        raise Unsafe(
            Text(
                "OS2TILSLUT_OIDC_CLIENT_ID, _CLIENT_SECRET eller _STRONG_ACR er demonstrationens",
                "OS2TILSLUT_OIDC_CLIENT_ID, _CLIENT_SECRET or _STRONG_ACR is the demonstration's",
            )
        )


def _is_loopback(host: str) -> bool:
    name = host.rstrip(".").lower()
    if not name or name.isdigit() or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified or address.is_link_local
