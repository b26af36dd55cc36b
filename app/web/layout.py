"""What every page shares: language, navigation, forms that are ours, headers that keep a browser safe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from flask import Flask, Response, abort, current_app, flash, g, request, session
from flask_wtf import CSRFProtect
from sqlalchemy.orm import Session

from app import access, clock, database, errors, recording
from app.access import Principal
from app.config import Config
from foundation import language, periods
from foundation.audit import Trail
from foundation.language import LANGUAGES, Language, Text
from foundation.periods import BUSINESS_ZONE

csrf = CSRFProtect()
View = TypeVar("View", bound=Callable[..., Any])

# A form leads nowhere but here: one that needs a fresh sign-in is answered by a page with a link (app/errors.py).
# htmx and the design system bring no inline script or style; pictures may be data: for the icons in the style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
#: Bytes and fields of a form without a file: the longest decision, every letter of it escaped, and some more.
LARGEST_FORM, MOST_FIELDS = 256 * 1024, 1_000

_TWO_YEARS = 63_072_000  # seconds


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation, shown to whom it is for; those of a group stand together under its name."""

    endpoint: str
    address: str
    title: Text
    permission: str
    group: Text | None = None
    also: tuple[str, ...] = ()  # modules whose pages belong to it, though their addresses lie elsewhere


_MONEY = Text("Penge", "Money")
_FEW = 3

PLACES = (
    Place("start.page", "/", Text("Overblik", "Overview"), "account.use"),
    Place("authorities.page", "/authorities", Text("Myndigheder", "Authorities"), "authority.read"),
    Place("agreements.page", "/agreements", Text("Aftaler", "Agreements"), "agreement.read"),
    Place("road.page", "/road", Text("På vej", "On the way"), "journey.read", also=("questions", "showings")),
    Place("fee_tables.page", "/fee-tables", Text("Takster", "Fee tables"), "tables.read", also=("products",)),
    Place("year.page", "/year", Text("Året", "The year"), "run.read"),
    Place("invoices.page", "/invoices", Text("Fakturaer", "Invoices"), "invoice.read", _MONEY),
    Place("deliveries.page", "/deliveries", Text("Afleveringer", "Deliveries"), "delivery.read", _MONEY),
    Place("bank.page", "/bank", Text("Bank", "Bank"), "bank.read", _MONEY),
    Place("payments.page", "/payments", Text("Betalinger", "Payments"), "payment.read", _MONEY),
    Place("reminders.page", "/reminders", Text("Rykkere", "Reminders"), "reminders.read", _MONEY),
    Place("costs.page", "/costs", Text("Omkostninger", "Costs"), "cost.read", _MONEY),
    Place("budgets.page", "/budgets", Text("Budgetter", "Budgets"), "cost.read", _MONEY),
    Place("accounts.page", "/accounts", Text("Bogføring", "Bookkeeping"), "accounts.read", _MONEY),
    Place("funds.page", "/funds", Text("Fonde", "Funds"), "funding.read", _MONEY),
    Place("forecasts.page", "/forecast", Text("Prognose", "Forecast"), "funding.read", _MONEY, also=("pipeline",)),
    Place("funds.shares", "/funds/shares", Text("Jeres andel", "Your share"), "funding.share", _MONEY),
    Place("letters.page", "/letters", Text("Breve", "Letters"), "letter.read"),
    Place("imports.page", "/imports", Text("Indlæsning", "Imports"), "authority.change"),
    Place("audit.page", "/audit", Text("Revisionsspor", "Audit log"), "audit.read"),
    Place("users.page", "/users", Text("Brugere", "Users"), "users.read"),
    Place("settings.page", "/settings", Text("Indstillinger", "Settings"), "settings.read"),
)


def tokenless(view: View) -> View:
    """Take a form without our token: only for what harms nobody, or proves itself in another way."""
    csrf.exempt(view)
    return view


def takes(most: int) -> Callable[[View], View]:
    """Let a view take a file that makes a request of so many bytes; all others take 16 MB."""

    def mark(view: View) -> View:
        view.__takes__ = most  # type: ignore[attr-defined]
        return view

    return mark


def install(app: Flask) -> None:
    """Give an application its pages' common ground."""
    app.before_request(_bound_form)  # before whoever looks for a token reads the form
    csrf.init_app(app)
    app.before_request(_refuse_nul)
    app.after_request(_secured)
    app.jinja_env.globals.update(
        share=language.share,
        who=access.current,
        places=places,
        asset=asset,
        notices=_notices,
        period_name=periods.name,
        period_told=periods.told,
        environment=app.extensions["os2tilslut"].environment,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def config() -> Config:
    """Give the settings of the process."""
    found: Config = current_app.extensions["os2tilslut"]
    return found


def today() -> date:
    """Give the day in Copenhagen."""
    return clock.today(config())


# --- language


def spoken() -> Language:
    """Give the language of the running request: what was chosen in this browser, else the person's own."""
    if "language" not in g:
        chosen = session.get("language")
        g.language = chosen if chosen in LANGUAGES else access.current().language
    found: Language = g.language
    return found


def t(danish: str, english: str) -> str:
    """Choose between the two languages a template writes side by side."""
    return danish if spoken() == "da" else english


def say(text: Text) -> str:
    """Write a text in the language of the request."""
    return text[spoken()]


def moment(value: datetime) -> str:
    """Write an instant as the clock on the wall in Copenhagen showed it."""
    local = value.astimezone(BUSINESS_ZONE)
    return f"{say(language.day(local.date()))} {t('kl.', 'at')} {local:%H.%M}"


# --- the page around


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the navigation; `inside` are those of its group."""

    address: str
    title: Text
    is_here: bool
    inside: tuple[Entry, ...] = ()


def places() -> list[Entry]:
    """Give the navigation of who is signed in. A group stands where its first place does, and leads there."""
    person = access.current()
    shown = [place for place in PLACES if person.user_id is not None and person.may(place.permission)]
    return [entry for place in shown if (entry := _entry(place, shown)) is not None]


def _entry(place: Place, shown: list[Place]) -> Entry | None:
    """Give a place's entry, or that of the group it is first of; None for the group's others. A few need no group."""
    together = [each for each in shown if place.group is not None and each.group == place.group]
    if len(together) <= _FEW:
        return Entry(place.address, place.title, _is_here(place))
    if place.group is None or together[0] is not place:
        return None
    inside = tuple(Entry(each.address, each.title, _is_here(each)) for each in together)
    return Entry(place.address, place.group, any(each.is_here for each in inside), inside)


def _is_here(place: Place) -> bool:
    """Tell whether the page asked for belongs to a place: by its module, or because it lies below it."""
    module = (request.endpoint or "").partition(".")[0]
    if module in (place.endpoint.partition(".")[0], *place.also):
        return True
    return place.endpoint != "start.page" and request.path.startswith(f"{place.address}/")


def asset(name: str) -> str:
    """Give the address of a file that is served as it is; it changes when the file does."""
    root = str(current_app.static_folder)
    stamps: dict[str, str] = current_app.extensions.setdefault("os2tilslut_assets", {})
    if name not in stamps:
        stamps[name] = _stamp(root, name)
    return f"/static/{name}?v={stamps[name]}"


def _stamp(root: str, name: str) -> str:
    from pathlib import Path

    file = Path(root) / name
    return format(file.stat().st_mtime_ns, "x")[-10:] if file.is_file() else "0"


def done(text: Text) -> None:
    """Tell on the next page what was done."""
    flash({"da": text.da, "en": text.en}, "success")  # type: ignore[arg-type]


def warn(text: Text) -> None:
    """Tell on the next page what to mind."""
    flash({"da": text.da, "en": text.en}, "warning")  # type: ignore[arg-type]


def _notices() -> Sequence[tuple[str, str]]:
    if "_flashes" not in session:
        return ()
    from flask import get_flashed_messages

    told: Any = get_flashed_messages(with_categories=True)
    return [(category, words[spoken()]) for category, words in told]


# --- acting


@contextmanager
def acting() -> Iterator[tuple[Session, Trail]]:
    """Open a writing transaction in the name of who is signed in; commit with its trail at the end."""
    person: Principal = access.current()
    with database.writing() as opened, recording.recorded(opened, person.actor, config()) as trail:
        yield opened, trail


# --- headers


def _bound_form() -> None:
    """Refuse a form without a file that is larger than any right one, before reading it costs. Raises 413."""
    if request.mimetype != "application/x-www-form-urlencoded":
        _widen()  # what comes in parts is bounded by its reader, and what is no form is not read as one
        return
    request.max_content_length = LARGEST_FORM
    if request.get_data().count(b"&") >= MOST_FIELDS:
        abort(413)


def _widen() -> None:
    """Let a larger file come from those who may use the view that takes it; nobody else gets it stored."""
    endpoint = request.endpoint or ""
    most: int | None = getattr(current_app.view_functions.get(endpoint), "__takes__", None)
    asked = access.requirement(current_app, endpoint, request.method) if most is not None else None
    if asked is not None and asked.permission is not None and access.current().may(asked.permission):
        request.max_content_length = most


def _refuse_nul() -> None:
    """Refuse a request with the character that no database keeps in a text, before it comes to one."""
    if errors.is_api():
        return  # the API names what is wrong with each of its values
    given = (request.path, *request.args.keys(), *(value for _, value in request.args.items(multi=True)),
             *(value for _, value in request.form.items(multi=True)))  # fmt: skip
    if any("\0" in value for value in given):
        abort(400)


def _secured(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if config().base_url.startswith("https://"):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_TWO_YEARS}; includeSubDomains")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def is_fragment() -> bool:
    """Tell whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def address(**changes: object) -> str:
    """Give the address of this page with some of its query changed; None takes a part out."""
    from urllib.parse import urlencode

    merged = {**request.args.to_dict(flat=False), **changes}
    listed = [(key, one) for key, value in merged.items() if value not in (None, "", [])
              for one in (value if isinstance(value, list) else [value])]  # fmt: skip
    return f"{request.path}?{urlencode(listed)}" if listed else request.path


def own_path(given: str) -> str:
    """Give a path of this service to go to; the start page for anything that leads elsewhere."""
    is_ours = given.startswith("/") and not given.startswith(("//", "/\\")) and given.isprintable()
    return given if is_ours and "\\" not in given else "/"
