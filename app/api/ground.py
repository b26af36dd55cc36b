"""What every operation of the API shares: strict reading, who may, ETags, and that each answer is documented.

`reads` and `writes` declare an operation in one line; a view then loads, makes one call below and answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from itertools import islice
from typing import IO, Any, NoReturn

import orjson
from flask import Response, make_response, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from app import access, schemas
from app.api import answers
from app.errors import Malformed
from app.schemas import Nothing
from foundation.language import Text, same

View = Callable[..., Any]

PROBLEM = "application/problem+json"

_BINARY = {"type": "string", "format": "binary"}
_BYTES = {"application/json": {"type": "object"}}

_FAULTS_TOLD = 100  # of one request

#: Bytes of a body that is no register.
LARGEST_BODY = 256 * 1024

_READING = {401: "Nobody stands behind the token", 403: "The token or its owner may not", 404: "Nothing there for you",
            422: "A parameter that is not as documented", 429: "Too many wrong tokens", 503: "Not now"}  # fmt: skip
_WRITING = _READING | {
    409: "What was asked no longer fits what stands", 412: "If-Match does not fit what stands",
    413: "The body is too large", 415: "The body is of another kind", 422: "Refused; nothing was stored",
}  # fmt: skip

_KEY = {
    "in": "header", "name": "Idempotency-Key", "required": True,
    "description": "Chosen by you, new for every act; the same request with the same key is done once and answered "
    "alike for 30 days",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9._:-]+$"},
}  # fmt: skip
_IF_NONE_MATCH = {
    "in": "header", "name": "If-None-Match", "required": False, "schema": {"type": "string"},
    "description": "An ETag from before; 304 without a body where nothing changed",
}  # fmt: skip

MALFORMED = Text(
    "Forespørgslen er ikke, som dokumentationen siger; se errors", "The request is not as documented; see errors"
)
_TWICE = Text("er givet flere gange", "is given more than once")


# --- reading what was sent


class _Parser(FlaskParser):
    """Reads strictly: one value a parameter, nothing unknown, JSON that says it is."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE}  # noqa: RUF012 - as webargs declares it

    def load_querystring(self, req: Any, schema: Schema) -> Any:
        """Give the parameters of the address. Raises Malformed where one is given twice."""
        if twice := [name for name in req.args if len(req.args.getlist(name)) > 1]:
            raise Malformed(MALFORMED, [(name, _TWICE) for name in twice])
        return super().load_querystring(req, schema)

    def load_json(self, req: Any, schema: Schema) -> Any:
        """Give the body. Raises Malformed, or 415 and 413 for what is no JSON or too large."""
        if req.mimetype != "application/json":
            raise UnsupportedMediaType
        return json_body()

    def handle_error(
        self, error: ValidationError, req: Any, schema: Schema, *, error_status_code: Any, error_headers: Any
    ) -> NoReturn:
        """Refuse, and name every member that is wrong."""
        told: Any = error.messages
        found = (fault for of_place in told.values() for fault in schemas.faults(of_place))
        raise Malformed(MALFORMED, list(islice(found, _FAULTS_TOLD)))


def json_body(largest: int = LARGEST_BODY) -> Any:
    """Read the body as JSON: UTF-8, bounded in size and depth, no NaN. Raises Malformed, or 413."""
    request.max_content_length = largest
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise Malformed(MALFORMED, [("", Text("er ikke JSON: ", "is not JSON: ") + same(error.msg))]) from None


def large_body(most: int) -> IO[bytes]:
    """Give a body of at most so many bytes as it comes, never whole in memory. Raises 413."""
    request.max_content_length = most
    return request.stream


# --- declaring operations


class Room(Blueprint):  # type: ignore[misc]
    """The operations on one kind of resource."""

    ARGUMENTS_PARSER = _Parser()


def room(name: str, description: str) -> Room:
    """Begin the operations on a kind of resource."""
    return Room(f"api_{name.replace('-', '_')}", __name__, url_prefix="/api/v1", description=description)


def reads(
    within: Room, path: str, permission: str | None, answer: type[Schema] | None, query: type[Schema] = Nothing,
    *, kinds: tuple[str, ...] = (), parameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[View], View]:  # fmt: skip
    """Declare a reading operation. `permission` None is for everybody; `kinds` are those of an answer in bytes."""

    def declare(view: View) -> View:
        declared = access.needs(permission)(view) if permission else access.public(view)
        if answer is not None:
            declared = within.response(200, answer)(declared)
        for kind in kinds:
            declared = within.alt_response(200, schema=_BYTES.get(kind, _BINARY), content_type=kind,
                                           success=True)(declared)  # fmt: skip
        declared = within.arguments(query, location="query")(declared)
        declared = within.alt_response(304, description="Nothing changed")(declared)
        refusals = _READING if permission else {422: _READING[422], 503: _READING[503]}
        declared = _documented(within, declared, refusals, [_IF_NONE_MATCH], permission)
        within.route(path, methods=["GET"], parameters=_of_path(parameters))(_conditional(declared))
        return view

    return declare


@dataclass(frozen=True, slots=True)
class Write:
    """How a writing operation differs from the usual one. Where `is_kept`, it stores something and needs a key."""

    status: int = 201
    is_kept: bool = True
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    headers: Sequence[Mapping[str, Any]] = ()
    body: Mapping[str, Any] | None = None  # documented so, where no schema reads it


_USUAL = Write()


def writes(
    within: Room, path: str, permission: str, body: type[Schema] | None, answer: type[Schema], like: Write = _USUAL
) -> Callable[[View], View]:
    """Declare an operation that sends a body."""

    def declare(view: View) -> View:
        declared = within.response(like.status, answer)(access.needs(permission)(view))
        if body is not None:
            declared = within.arguments(body)(declared)
        declared = within.arguments(Nothing, location="query")(declared)
        if like.body is not None:
            declared = within.doc(requestBody=dict(like.body))(declared)
        declared = _documented(
            within, declared, _WRITING, [*([_KEY] if like.is_kept else []), *like.headers], permission
        )
        within.route(path, methods=["POST"], parameters=_of_path(like.parameters))(declared)
        return view

    return declare


def _documented(
    within: Room, view: View, refusals: Mapping[int, str], headers: list[Any], permission: str | None
) -> View:
    for status, words in refusals.items():
        view = within.alt_response(status, schema=answers.Problem, content_type=PROBLEM, description=words)(view)
    more: dict[str, Any] = {"x-permission": permission} if permission else {"security": []}
    if headers:
        more["x-headers"] = headers
    documented: View = within.doc(**more)(view)
    return documented


def _of_path(parameters: Mapping[str, Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    return [
        {"in": "path", "name": name, "required": True, "schema": dict(schema)}
        for name, schema in (parameters or {}).items()
    ]


def _conditional(view: View) -> View:
    """Give what is read an ETag, and answer 304 to who has it already."""

    @wraps(view)
    def answered(*given: Any, **named: Any) -> Response:
        response: Response = make_response(view(*given, **named))
        if response.status_code == 200:
            if response.get_etag()[0] is None:
                response.add_etag()
            response.make_conditional(request)
        return response

    return answered


#: The schemas of what stands in an address.
CVR = {"type": "string", "pattern": "^[0-9]{8}$"}
YEAR = {"type": "integer", "minimum": 1900, "maximum": 2999}
NUMBER = {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[A-Za-z0-9-]+$"}
NAME = {"type": "string", "minLength": 1, "maxLength": 80}
ID = {"type": "integer", "minimum": 1, "maximum": 999_999_999}

#: How Flask takes them; anything else is no address of ours.
YEAR_IN_PATH = "<int(min=1900,max=2999):year>"
ID_IN_PATH = "<int(min=1,max=999999999):id_>"
