"""The documentation tells what is there, from commands to decisions, and its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from app import access
from app.cli import cli
from billing import verification
from billing.charges import Code
from tests import access_walk

HOUSE = Path(__file__).resolve().parent.parent
ROOMS = ("app", "billing", "agreements", "authorities", "fee_tables", "foundation")
REFERENCE = (HOUSE / "docs/reference.md").read_text(encoding="utf-8")
PAGES = sorted(
    file.relative_to(HOUSE).as_posix()
    for pattern in ("*.md", "docs/**/*.md", *(f"{room}/**/*.md" for room in ROOMS))
    for file in HOUSE.glob(pattern)
)
VECTORS = HOUSE.parent / "shared" / "test-vectors.json"


def page(name: str) -> str:
    """Give a page's text."""
    return (HOUSE / name).read_text(encoding="utf-8")


# --- commands


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
            if command.invoke_without_command:
                yield " ".join((*path, name)), command
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(_commands(cli))


def _section(command: str) -> str:
    found = re.search(rf"^### `os2tilslut {command}(?! [a-z]).*?(?=^##)", REFERENCE, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_options_stand_in_the_reference(command: str) -> None:
    section = _section(command)
    options = [option for parameter in COMMANDS[command].params for option in parameter.opts if option[0] == "-"]

    assert section, f"docs/reference.md has no section on os2tilslut {command}"
    assert [option for option in options if option not in section] == []


def test_the_reference_has_no_command_that_is_gone() -> None:
    told = re.findall(r"^### `os2tilslut ([a-z-]+(?: [a-z-]+){0,2})", REFERENCE, re.MULTILINE)

    assert sorted(told) == sorted(COMMANDS)


def test_the_global_options_stand_in_the_reference() -> None:
    options = [option for parameter in cli.params for option in parameter.opts if option.startswith("--")]

    assert [option for option in options if f"`{option}" not in REFERENCE] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_command_line_in_the_documentation_can_be_typed(name: str) -> None:
    wrong = []
    for words in _typed(page(name)):
        command = next((known for known in COMMANDS if f"{words} ".startswith(f"{known} ")), None)
        options = {option for parameter in COMMANDS[command].params for option in parameter.opts} if command else set()
        if command is None or set(re.findall(r"(?<= )--[a-z-]+", words)) - options:
            wrong.append(words)

    assert wrong == []


def _typed(text: str) -> Iterator[str]:
    """Give what stands as a command: behind the program's name, or as code of two words or more."""
    first = "|".join(sorted({name.partition(" ")[0] for name in COMMANDS}))
    yield from re.findall(rf"os2tilslut(?: --language (?:da|en))? ((?:{first})\b[^`#|\n]*)", text)
    yield from re.findall(rf"`((?:{first}) [^`\n]+)`", text)


# --- settings, codes, checks


def test_every_setting_stands_in_the_reference() -> None:
    places = [*(file for room in ROOMS for file in (HOUSE / room).rglob("*.py")), HOUSE / "Makefile"]
    used = {name for file in places for name in re.findall(r"OS2TILSLUT_[A-Z_]*[A-Z]", file.read_text("utf-8"))}

    assert {name for name in used if f"`{name}`" not in REFERENCE} == set()


def test_every_problem_and_note_stands_in_the_reference() -> None:
    assert [code for code in Code if f"| `{code}` |" not in REFERENCE] == []


def test_every_check_stands_in_the_reference() -> None:
    assert [check for check in verification._CHECKS if f"| `{check}` |" not in REFERENCE] == []


# --- modules, decisions, links


def test_every_module_has_its_line_in_the_architecture() -> None:
    told = page("docs/architecture.md")
    modules = [file.relative_to(HOUSE).as_posix() for room in ROOMS for file in (HOUSE / room).rglob("*.py")]
    empty = {f"{room}/__init__.py" for room in ROOMS[1:]} | {"billing/einvoice/__init__.py", "app/adapters/__init__.py"}

    assert [module for module in modules if module not in empty and f"`{module}`" not in told] == []
    assert [told for told in re.findall(r"^\| `([a-z_/]+\.py)`", told, re.MULTILINE) if told not in modules] == []


def test_every_decision_is_listed() -> None:
    listed = page("docs/decisions/README.md")
    pages = [file.name for file in (HOUSE / "docs/decisions").glob("0*.md")]

    assert [name for name in pages if f"]({name})" not in listed] == []
    assert sorted(name[:4] for name in pages) == [f"{nth:04}" for nth in range(1, len(pages) + 1)]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    here = HOUSE / name
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page(name)):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        file = (here.parent / path).resolve() if path else here
        if not file.exists() or (heading and heading not in _anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)

    assert broken == []


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- what must not stand in the repository


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=HOUSE,
        capture_output=True,
        check=True,
    )
    return [file for name in listed.stdout.decode().split("\0") if name and (file := HOUSE / name).is_file()]


def _hosts_of_this_machine() -> set[str]:
    """Give the hosts this machine downloads packages from, which are nobody else's business."""
    asked = [[sys.executable, "-m", "pip", "config", "list"]]
    if shutil.which("npm"):
        asked.append(["npm", "config", "get", "registry"])
    told = " ".join(subprocess.run(ask, capture_output=True, text=True, check=False).stdout for ask in asked)
    told += " ".join(value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "NPM_")))
    hosts = set(re.findall(r"https?://(?:[^@/\s'\"]*@)?([^/:\s'\"]+)", told))
    public = {"registry." + "npmjs.org", "pypi." + "org", "files." + "pythonhosted.org"}
    return (hosts | public) - {"localhost", "127.0.0.1"}


def test_no_file_names_a_path_of_this_machine_or_a_registry() -> None:
    home = Path.home()
    paths = [f"{HOUSE}", *([f"{home}/"] if home != Path(home.anchor) else [])]
    own = re.compile("|".join(rf"(?<![\w.]){re.escape(path)}" for path in paths))
    hosts = _hosts_of_this_machine()
    found = []
    for file in _files():
        text = file.read_bytes().decode("utf-8", errors="ignore")
        if own.search(text) or any(host in text for host in hosts):
            found.append(file.relative_to(HOUSE).as_posix())

    assert found == []


# --- the walk of the README, and the worked cases


def test_the_walk_in_the_readme_works(tmp_path: Path) -> None:
    block = re.search(r"```sh\n(.*?)```", page("README.md"), re.DOTALL)
    assert block is not None
    script = block[1].replace("make setup\n", "").replace("var/try", str(tmp_path))
    script = script.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OS2TILSLUT_")}

    walked = subprocess.run(
        ["sh", "-euc", script], cwd=HOUSE, env=environ, capture_output=True, text=True, timeout=300, check=False
    )

    assert walked.returncode == 0, walked.stdout + walked.stderr
    assert "2 invoices issued, 2027-0001 – 2027-0002" in walked.stdout
    assert "DKK\u00a056,680.00" in walked.stdout and "DKK\u00a0350,000.00" in walked.stdout
    assert "Problems (1)" in walked.stdout and "not_countersigned" in walked.stdout
    assert walked.stdout.rstrip().endswith("Nothing is broken.")
    written = {file.name for file in (tmp_path / "documents").iterdir()}
    assert written == {f"2027-000{nth}.{kind}" for nth in (1, 2) for kind in ("pdf", "xml")}


# --- pages


def page_rule(rule: str) -> str:
    """Give a page's address as people write it: `<int:year>` is `<year>`."""
    return re.sub(r"<(?:[^:>]*:)?(\w+)>", r"<\1>", rule)


def page_readers() -> dict[str, str]:
    """Give every page with who may see it, by the access table; `!` asks for a fresh sign-in."""
    found: dict[str, str] = {}
    for line in access_walk.read():
        if line.is_page and line.whose in ("", "own", "known"):
            asked = access.POLICY.get(line.asks.rstrip("!"), {})
            roles = [role for role in access_walk.PEOPLE if role in asked]
            found[line.rule] = "everybody" if line.asks == "-" else ", ".join(roles)
            found[line.rule] += ", after a fresh sign-in" if line.asks.endswith("!") else ""
    return found


def test_every_page_is_told_with_who_may_see_it_and_what_it_does() -> None:
    told = re.findall(r"^\| `(/[^`]*)` \| ([^|]+) \| [^|]{10,} \|$", REFERENCE, re.MULTILINE)

    expected = [(page_rule(rule), who) for rule, who in page_readers().items()]

    assert [line for line in expected if line not in told] == []
    section = REFERENCE.partition("## Pages\n")[2].partition("\n## ")[0]
    assert section.count("\n| `/") == len(expected)


@pytest.mark.skipif(not VECTORS.exists(), reason="the worked cases lie in a sibling folder that is not here")
def test_every_worked_case_is_tested_or_set_aside_with_a_reason() -> None:
    cases: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))
    due = {case["id"] for case in cases if case["theme"][0] in "ABCDEF"}
    tests = [file.read_text(encoding="utf-8") for file in (HOUSE / "tests").rglob("*.py")]
    named = {f"PV-{number}" for number in re.findall(r"(?:PV-|pv_)(\d{3})", " ".join(tests))}
    decision = page("docs/decisions/0007-test-vectors-that-do-not-apply.md")
    set_aside = set(re.findall(r"^\| (PV-\d{3}) \|", decision, re.MULTILINE))

    assert sorted(due - named - set_aside) == []
