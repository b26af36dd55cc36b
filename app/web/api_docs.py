"""The API told to people: every operation of the OpenAPI document as a page, with nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from app import access, errors
from app.web import api_words
from app.web.tokens import TITLES
from foundation.language import Text

blueprint = Blueprint("api_docs", __name__)

_METHODS = ("get", "post")
_NOBODY = Text("alle, uden nøgle", "anybody, without a token")
_EVERY = Text("enhver nøgle", "any token")


@dataclass(frozen=True, slots=True)
class Member:
    """A parameter, or a member of a body; `place` is path, query, header or body."""

    name: str
    place: str
    is_required: bool
    kind: str
    words: Text


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    method: str
    path: str
    summary: Text
    permission: Text
    members: tuple[Member, ...]
    answers: tuple[tuple[str, Text], ...]


@blueprint.get(errors.API_DOCS)
@access.public
def page() -> ResponseReturnValue:
    """Show every operation of the API, by what it is about."""
    document = current_app.extensions["os2tilslut_openapi"]()
    rooms = [
        (Text(api_words.ROOMS[tag["name"]], tag["description"]), list(_operations(document, tag["name"])))
        for tag in document["tags"]
    ]
    return render_template("api_docs.html", rooms=rooms, stands=api_words.PLACES)


def _operations(document: Mapping[str, Any], tag: str) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if tag in methods.get(method, {}).get("tags", ()):
                yield _operation(document, path, method, methods[method])


def _operation(document: Mapping[str, Any], path: str, method: str, found: Mapping[str, Any]) -> Operation:
    shared = document["paths"][path].get("parameters", ())  # of the path, for all of its methods
    members = [_parameter(each) for each in (*shared, *found["parameters"])]
    answers = [(status, api_words.answer(told["description"])) for status, told in sorted(found["responses"].items())]
    summary = Text(api_words.OPERATIONS[f"{method.upper()} {path}"], found["summary"])
    return Operation(method.upper(), path, summary, _permission(found), (*members, *_body(document, found)),
                     tuple(answers))  # fmt: skip


def _permission(found: Mapping[str, Any]) -> Text:
    asked = found.get("x-permission")
    return TITLES.get(asked, _EVERY) if asked else _NOBODY


def _parameter(found: Mapping[str, Any]) -> Member:
    return Member(found["name"], found["in"], found.get("required", False), _kind(found["schema"]),
                  api_words.member(found.get("description", "")))  # fmt: skip


def _body(document: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Member]:
    """Give the members of a JSON body; of a register's rows, the columns."""
    if "requestBody" not in found:
        return
    content = found["requestBody"]["content"]
    if "application/json" not in content:
        file = content["text/csv"]["schema"]
        yield Member("text/csv", "body", True, _kind(file), api_words.member(file["description"]))
        return
    schema = content["application/json"]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if rows := schema["properties"].get("rows"):
        schema = rows["items"]
    for name, told in schema["properties"].items():
        yield Member(name, "rows" if rows else "body", name in schema.get("required", ()), _kind(told),
                     api_words.member(told.get("description", "")))  # fmt: skip


def _kind(schema: Mapping[str, Any]) -> str:
    """Write a type and its bounds in the words of JSON Schema."""
    kinds = schema.get("type", "")
    words = [kinds if isinstance(kinds, str) else " | ".join(kinds)]
    words += [f"{name} {schema[name]}" for name in ("format", "pattern", "minimum", "maximum") if name in schema]
    if "enum" in schema:
        words.append(" | ".join(map(str, filter(None, schema["enum"]))))
    return ", ".join(words)
