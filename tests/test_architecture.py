"""The rules of the house that a machine can see: directions of imports, and no floating-point number near money."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

HOUSE = Path(__file__).resolve().parent.parent
LOWER_ROOMS = ("billing", "agreements", "authorities", "fee_tables", "foundation")
ROOMS = ("app", *LOWER_ROOMS)

#: Only `app` may know these: web, command line, server.
OF_APP_ONLY = {"flask", "flask_sqlalchemy", "flask_migrate", "marshmallow", "click", "jinja2", "granian", "werkzeug"}

#: Lengths on paper are points and may be broken; amounts never are.
PAPER = {
    "agreements/document_pdf.py", "foundation/letterhead.py", "billing/invoice_pdf.py", "billing/reminder_pdf.py",
    "billing/funding/report_pdf.py",
}  # fmt: skip

#: Only here may the time be asked (progress and timings of commands apart, which decide nothing).
CLOCK = "app/clock.py"


def modules(*rooms: str) -> list[str]:
    """Give the modules of rooms, as paths from the house."""
    return sorted(file.relative_to(HOUSE).as_posix() for room in rooms for file in (HOUSE / room).rglob("*.py"))


def nodes(module: str) -> Iterator[ast.AST]:
    """Walk a module's syntax."""
    return ast.walk(ast.parse((HOUSE / module).read_text(encoding="utf-8"), module))


def imported(module: str) -> set[str]:
    """Give the top-level names a module imports, wherever in it."""
    found = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_imports_point_downward(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HOUSE)

    status = lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)

    assert status == 0, capsys.readouterr().out


@pytest.mark.parametrize("module", modules(*LOWER_ROOMS))
def test_only_app_knows_the_web_and_the_command_line(module: str) -> None:
    assert not imported(module) & OF_APP_ONLY


@pytest.mark.parametrize("module", [*modules(*ROOMS, "migrations", "benchmarks", "setup", "tests"), "wsgi.py"])
def test_a_module_opens_with_why_it_exists(module: str) -> None:
    text = (HOUSE / module).read_text(encoding="utf-8")

    assert not text.strip() or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("module", [module for module in modules(*LOWER_ROOMS) if module not in PAPER])
def test_no_float_comes_near_money(module: str) -> None:
    literals = [
        node.lineno for node in nodes(module) if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    calls = [
        node.lineno
        for node in nodes(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("float", "round")
    ]

    assert not literals + calls, f"floating-point numbers in lines {literals + calls}"


@pytest.mark.parametrize("module", [module for module in modules(*ROOMS) if module != CLOCK])
def test_only_the_clock_asks_the_time(module: str) -> None:
    asked = [
        node.lineno
        for node in nodes(module)
        if isinstance(node, ast.Attribute) and node.attr in ("now", "today", "utcnow") and _is_time(node.value)
    ]

    assert not asked, f"the time is asked in lines {asked}"


def _is_time(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("date", "datetime")
