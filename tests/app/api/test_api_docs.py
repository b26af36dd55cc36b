"""docs/api.md tells the truth: its examples are asked of the demonstration's year, its codes are those there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.access import Role
from app.adapters import background
from app.errors import code_of
from foundation.errors import DomainError
from tests.app.api.programs import Program

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
_EXAMPLE = re.compile(r"```http\n(.*?)\n```\n\nanswers ([0-9]+)(?:: `([^`]+)`|:\n\n```json\n(.*?)\n```)", re.DOTALL)
_ANYTHING = "…"


def _ask(program: Program, token: str, request: str) -> Any:
    """Send a request as it stands in the page."""
    head, _, body = request.partition("\n\n")
    line, *headers = head.split("\n")
    method, path = line.split(" ")
    named = dict(header.split(": ", 1) for header in headers) | {"Authorization": f"Bearer {token}"}
    if body:
        named.setdefault("Content-Type", "application/json")
    return program.app.test_client().open(path, method=method, headers=named, data=body or None)


def _again(program: Program, token: str, request: str, first: Any) -> Any:
    """Send what went well once more, with its tag or its key; None where it cannot be."""
    if first.status_code >= 400 or "/me/tokens/1/end" in request:  # whose token is ended is not answered
        return None
    if not request.startswith("GET"):
        return _ask(program, token, request)
    assert first.headers["ETag"], request
    tagged = request + f"\nIf-None-Match: {first.headers['ETag']}"
    return _ask(program, token, tagged)


def _differences(expected: Any, found: Any, at: str = "") -> Iterator[str]:
    """Give where an answer is not as told; what is left out in the page may be anything."""
    if expected == _ANYTHING:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        named = expected.keys() - {_ANYTHING}
        if named != found.keys() and not (_ANYTHING in expected and named <= found.keys()):
            yield f"{at}: {sorted(named ^ found.keys())}"
        for name in named & found.keys():
            yield from _differences(expected[name], found[name], f"{at}.{name}")
    elif isinstance(expected, list) and isinstance(found, list):
        more = expected[-1:] == [_ANYTHING] and len(expected) > 1
        told = expected[:-1] if more else expected
        if len(told) != len(found) and not (more and len(told) < len(found)):
            yield f"{at}: {len(found)} items"
        for number, (one, other) in enumerate(zip(told, found, strict=False)):
            yield from _differences(one, other, f"{at}.{number}")
    elif expected != found:
        yield f"{at}: {found!r}"


def test_every_example_is_answered_as_told(demonstration: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    token = demonstration.token(Role.FINANCE, Role.APPROVER, Role.AUDITOR)
    monkeypatch.setattr(background, "launch", lambda config, run_id: None)
    monkeypatch.setattr(background, "launch_delivering", lambda config, year: None)
    examples = _EXAMPLE.findall(PAGE)

    for request, status, kind, told in examples:
        answer = _ask(demonstration, token, request)
        again = _again(demonstration, token, request, answer)

        assert answer.status_code == int(status), f"{request}\n{answer.text[:2_000]}"
        wrong = list(_differences(json.loads(told), answer.json)) if told else []
        assert not wrong, f"{request}\n{wrong}"
        assert not kind or answer.content_type == kind
        assert again is None or again.status_code == 304 or again.data == answer.data, request
    assert len(examples) == PAGE.count("```http\n")


def test_every_operation_has_an_example_but_for_registers_that_are_taken_in_alike(demonstration: Program) -> None:
    document: Any = demonstration.get("/openapi.json").json
    asked = [line.split("?")[0] for line in re.findall(r"^((?:GET|POST) \S+)$", PAGE, re.MULTILINE)]

    untold = [
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods.keys() & {"get", "post"}
        if not any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", f"{method.upper()} {path}"), line) for line in asked)
    ]

    alike = [f"POST /api/v1/{register}/imports" for register in ("agreements", "authorities", "products")]
    assert sorted(untold) == ["GET /api/v1/openapi.json", *alike]


def _refusals(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _refusals(each)


def test_every_code_is_listed() -> None:
    listed = set(re.findall(r"^\| `([a-z_0-9]+)` \|", PAGE, re.MULTILINE))

    codes = {
        code_of(kind)
        for kind in _refusals()
        if not kind.__module__.startswith(("app.cli", "app.web", "app.observing", "tests"))
    }

    assert codes <= listed
    assert {"fault", "http_404", "http_405", "http_412", "http_413", "http_415"} <= listed
