"""What was refused, as a page or as problem JSON (RFC 9457). Views let refusals pass; here they get their status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from flask import Flask, Response, g, jsonify, redirect, render_template, request, url_for
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from agreements import signing
from app import access, database, observing
from app.access import NotAllowed, NotFresh, NotSignedIn
from foundation.errors import Conflict, DomainError, Gone, NotFound, NotNow, Refused, RowsRefused
from foundation.language import Text

_STATUSES: tuple[tuple[type[DomainError], int], ...] = (
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (NotFresh, 403),
    (signing.NotYet, 403),
    (signing.NotTheSigner, 403),
    (signing.NotFresh, 403),
    (Gone, 410),
    (NotFound, 404),
    (Conflict, 409),
    (Refused, 422),
    (NotNow, 503),
)

#: The one page under the API's address that is for people.
API_DOCS = "/api/v1/docs"

_log = structlog.get_logger("os2tilslut")


class TooMany(Refused):
    """So many attempts came that the door is closed for a while. `seconds` tells how long."""

    def __init__(self, text: Text, seconds: int) -> None:
        super().__init__(text)
        self.seconds = seconds


class Malformed(Refused):
    """A program sent members or parameters that are not of the documented form; `faults` names each by its place."""

    def __init__(self, text: Text, faults: Sequence[tuple[str, Text]] = ()) -> None:
        super().__init__(text)
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal, ready to be told."""

    status: int
    code: str  # stable: programs rely on it
    text: Text
    more: Mapping[str, object] = field(default_factory=dict)  # further members for programs

    @property
    def title(self) -> Text:
        """Give the heading of the page."""
        return _TITLES_OF_CODES.get(self.code) or _TITLES.get(self.status, Text("Det gik ikke", "That did not work"))


_TITLES = {
    400: Text("Forespørgslen kan ikke læses", "The request cannot be read"),
    401: Text("Log ind", "Sign in"),
    403: Text("Ingen adgang", "No access"),
    404: Text("Siden findes ikke", "Page not found"),
    405: Text("Det kan man ikke her", "That is not done here"),
    409: Text("Noget er ændret imens", "Something changed meanwhile"),
    410: Text("Siden er trukket tilbage", "The page was withdrawn"),
    412: Text("Noget er ændret imens", "Something changed meanwhile"),
    413: Text("Det er for stort", "That is too large"),
    415: Text("Det kan vi ikke læse", "That cannot be read here"),
    422: Text("Det blev ikke gemt", "Nothing was stored"),
    429: Text("Vent lidt", "Wait a little"),
    500: Text("Der er sket en fejl hos os", "Something went wrong on our side"),
    503: Text("Det kan ikke lade sig gøre lige nu", "That cannot be done right now"),
}

_TITLES_OF_CODES = {
    "not_fresh": Text("Log ind igen", "Sign in again"),
    "not_yet": Text("Et trin mangler først", "A step comes first"),
    "not_the_signer": Text("Du kan ikke underskrive her", "You cannot sign here"),
}

_WORDS = {
    400: Text("Gå tilbage, hent siden igen, og prøv en gang til", "Go back, load the page again and retry"),
    404: Text(
        "Adressen er forkert, eller du har ikke adgang til det, den viser",
        "The address is wrong, or what it shows is not for you",
    ),
    405: Text("Adressen kan ikke bruges på den måde", "The address cannot be used that way"),
    412: Text("If-Match passer ikke til det, der er. Læs det igen", "If-Match does not fit what stands. Read it again"),
    415: Text(
        "Send indholdet som den slags, dokumentationen nævner", "Send the content as the kind the documentation names"
    ),
    413: Text(
        "Send højst 16 MB i en fil, 40 MB i et kontoudtog fra banken, og 256 KB i en formular",
        "Send at most 16 MB in a file, 40 MB in a bank's statement, and 256 KB in a form",
    ),
    500: Text(
        "Fejlen er noteret. Intet er gemt halvt. Prøv igen om lidt",
        "The fault is noted. Nothing was half stored. Try again soon",
    ),
}


#: Where a refusal is mended, where that is a page of its own.
_MENDED_AT = {
    "settings_missing": ("/settings", Text("Til indstillingerne", "To the settings")),
}


def install(app: Flask) -> None:
    """Let every refusal and fault be answered in words."""
    app.register_error_handler(DomainError, _refused)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(Exception, _fault)


def code_of(kind: type[BaseException]) -> str:
    """Give the stable code of a refusal: its class in snake case."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("_")


def problem_of(error: DomainError) -> Problem:
    """Give the status and words of a refusal."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 422)
    status = 429 if isinstance(error, TooMany) else status
    text = error.head if isinstance(error, RowsRefused) and is_api() else error.text  # a program reads the rows
    return Problem(status, code_of(type(error)), text, _more(error))


def _more(error: DomainError) -> dict[str, object]:
    """Give what a program can mend by: every wrong row of what it sent, every wrong member."""
    if isinstance(error, RowsRefused):
        rows = [
            {"row": fault.row, "column": fault.column or None, "reason_da": fault.reason.da,
             "reason_en": fault.reason.en}
            for fault in error.faults
        ]  # fmt: skip
        return {"rows": rows, "untold_rows": error.untold}
    if isinstance(error, Malformed):
        return {"errors": [{"at": at, "reason_da": why.da, "reason_en": why.en} for at, why in error.faults]}
    return {}


def is_api() -> bool:
    """Tell whether a program asks, not a person."""
    return request.path.startswith("/api/") and request.path != API_DOCS


def _refused(error: DomainError) -> ResponseReturnValue:
    if not is_api() and isinstance(error, NotSignedIn | NotFresh):
        return _ask_to_sign_in(error)
    problem = problem_of(error)
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooMany) else {}
    return answer(problem, headers)


def _ask_to_sign_in(error: NotSignedIn | NotFresh) -> ResponseReturnValue:
    """Send a browser to sign in and back; where a form was sent, by a link on a page.

    A browser holds the whole way of a form, redirects and all, to what the policy lets forms go to, which is only this
    host; and what was sent cannot be sent again, so the person comes back to the page the form stood on.
    """
    is_form = request.method not in ("GET", "HEAD")
    if request.headers.get("HX-Request") == "true":
        return answer(problem_of(error), {"HX-Refresh": "true"})  # the page itself is asked for anew, and redirected
    back = _page_of_form() if is_form else request.full_path.rstrip("?")
    asked = {"next": back} | ({"fresh": "1"} if isinstance(error, NotFresh) else {})
    address = f"{url_for('signin.sign_in')}?{urlencode(asked)}"
    if not is_form:
        return redirect(address, HTTPStatus.SEE_OTHER)
    problem = problem_of(error)
    return render_template("problem.html", problem=problem, sign_in=address), problem.status


def _page_of_form() -> str:
    return request.path.rpartition("/")[0] or "/"


def _database(error: DBAPIError) -> ResponseReturnValue:
    _log.warning("database", reason=type(error).__name__)
    return answer(Problem(503, "not_now", database.explained(error).text))


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status in (301, 302, 303, 307, 308):
        return error.get_response()
    words = _WORDS.get(status, Text(HTTPStatus(status).phrase, HTTPStatus(status).phrase))
    headers = {"Allow": error.get_response().headers["Allow"]} if status == 405 else {}
    return answer(Problem(status, f"http_{status}", words), headers)


def _forged(error: CSRFError) -> ResponseReturnValue:
    words = Text(
        "Formularen er for gammel eller kommer fra en anden side. Hent siden igen, og send den derfra",
        "The form is too old or comes from another site. Load the page again and send it from there",
    )
    return answer(Problem(400, "form_not_ours", words))


def _fault(error: Exception) -> ResponseReturnValue:
    _log.error("fault", path=observing.path(), method=request.method, exc_info=error)
    return answer(Problem(500, "fault", _WORDS[500]))


def answer(problem: Problem, headers: dict[str, str] | None = None) -> ResponseReturnValue:
    """Tell a problem to whoever asked, in its form."""
    extra = {"Cache-Control": "no-store"} | (headers or {})
    if is_api():
        response = jsonify(as_json(problem))
        response.content_type = "application/problem+json"
        if problem.status == 401:
            extra["WWW-Authenticate"] = 'Bearer realm="os2tilslut"'
        return response, problem.status, extra
    if request_ctx.url_adapter is None:  # the host is not ours: no page of ours is made for it
        return Response(problem.text.da, problem.status, extra, mimetype="text/plain")
    if problem.status >= 500 and "principal" not in g:
        g.principal = access.ANONYMOUS  # who it is could not be read; the page must not fail on it again
    where = {"back": _way_back(), "mended": _MENDED_AT.get(problem.code)}
    return render_template("problem.html", problem=problem, **where), problem.status, extra


def _way_back() -> str | None:
    """Give the page on which a form stood, where there is one."""
    if request.method in ("GET", "HEAD") or request_ctx.url_adapter is None:
        return None
    page = _page_of_form()
    return page if request_ctx.url_adapter.test(page, method="GET") else None


def as_json(problem: Problem) -> dict[str, object]:
    """Give a problem as RFC 9457 has it, in the caller's language, with both beside."""
    # Who asks is not looked up here: the fault may be that it cannot be.
    spoken = g.get("principal", access.ANONYMOUS).language
    return {
        "type": "about:blank",
        "title": problem.title[spoken],
        "status": problem.status,
        "code": problem.code,
        "detail": problem.text[spoken],
        "detail_da": problem.text.da,
        "detail_en": problem.text.en,
        **problem.more,
    }
