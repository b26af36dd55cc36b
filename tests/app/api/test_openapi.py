"""The OpenAPI document is right, and every answer to whatever schemathesis thinks of is as it says: no 5xx, no
undocumented answer, no authentication passed by, for tokens of several roles on the demonstration's year.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from app.access import Role
from app.adapters import background
from app.api import authentication
from app.identity.users import SeatOf
from tests.app.api.programs import Program
from tests.command_line import CommandLine
from tests.conftest import FULL, SEED

AARHUS = SeatOf(cvr="55133018")

ASKING = {
    "finance": ((Role.FINANCE,), ()),
    "signatory": ((Role.SIGNATORY,), (AARHUS,)),
    "coordination": ((Role.COORDINATION,), (SeatOf(product="OS2valghalla"),)),
    "approver and administrator": ((Role.APPROVER, Role.ADMINISTRATOR), ()),
}
#: How many requests are thought of for an operation and a token; in `make test` two of the tokens ask each operation.
EXAMPLES = 100 if FULL else 2

load_all_checks()
NAMES = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "ignored_auth", "unsupported_method", "negative_data_rejection",
)  # fmt: skip


@pytest.fixture(scope="module")
def year(demonstration_year: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program on one copy of the demonstration's year, for all requests."""
    folder = tmp_path_factory.mktemp("openapi")
    shutil.copy(demonstration_year, folder / "os2tilslut.sqlite")
    made = Program(CommandLine(f"sqlite:///{folder / 'os2tilslut.sqlite'}", folder))
    yield made
    made.close()


def test_the_document_is_valid_and_says_of_each_operation_what_may_come(year: Program) -> None:
    document: Any = year.get("/openapi.json").json

    validate(document)
    operations = [(path, name, operation) for path, methods in document["paths"].items()
                  for name, operation in methods.items() if name in ("get", "post")]  # fmt: skip
    assert len(operations) > 25
    for path, name, operation in operations:
        assert operation["summary"].endswith((".", ";")) or operation.get("description"), path
        is_public = operation.get("security") == []
        assert is_public or {"401", "403", "404", "422", "429", "503"} <= set(operation["responses"]), path
        writes = name == "post" and not path.endswith("/checks")
        named = {parameter["name"] for parameter in operation["parameters"]}
        assert ("Idempotency-Key" in named) == writes, path


@pytest.mark.parametrize("who", ASKING)
def test_every_answer_is_as_documented(year: Program, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    roles, seats = ASKING[who]
    monkeypatch.setattr(background, "launch", lambda config, run_id: None)
    monkeypatch.setattr(background, "launch_delivering", lambda config, year: None)
    monkeypatch.setattr(authentication, "WRONG_TOKEN", replace(authentication.WRONG_TOKEN, tries=10**6))
    document: Any = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", year.app)
    checks = CHECKS.get_by_names(list(NAMES))

    found = [operation for nth, operation in enumerate(each.ok() for each in document.get_all_operations())
             if FULL or (nth + list(ASKING).index(who) + SEED) % 2]  # fmt: skip
    for operation in found:
        _ask(operation.as_strategy(), year.token(*roles, seats=seats), checks)  # each its own: one operation ends them
    wrong = [operation for operation in found if operation.query or operation.body]  # else nothing can be wrong
    for operation in wrong:
        thought_of = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        _ask(thought_of, year.token(*roles, seats=seats), checks)

    assert len(wrong) > len(found) / 2


def _ask(thought_of: Any, token: str, checks: list[Any]) -> None:
    """Send requests thought of for an operation, and hold each answer against the document."""

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=thought_of)
    def asked(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=checks)

    asked()
