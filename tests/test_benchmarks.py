"""The benchmarks' page has a place for each part, and renewing one leaves the others."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks


def test_the_page_has_a_place_for_every_part_and_for_nothing_else() -> None:
    page = benchmarks.PAGE.read_text(encoding="utf-8")

    places = re.findall(r"<!-- (.+) -->", page)

    assert places == [mark for name in benchmarks.PARTS for mark in (name, f"end of {name}")]


def test_renewing_a_part_leaves_the_others_word_for_word() -> None:
    page = benchmarks.PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition("<!-- seals -->")
    _, _, after = rest.partition("<!-- end of seals -->")

    renewed = benchmarks.renewed(page, "seals", "anew")

    assert renewed == f"{before}<!-- seals -->\n\nanew\n\n<!-- end of seals -->{after}"
    assert benchmarks.renewed(renewed, "seals", "anew") == renewed


def test_a_part_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for seals"):
        benchmarks.renewed("# Benchmarks", "seals", "anew")


def test_only_the_named_parts_are_measured_and_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = benchmarks.PAGE.read_text(encoding="utf-8")
    copy = tmp_path / "benchmarks.md"
    copy.write_text(page, encoding="utf-8")
    monkeypatch.setattr(benchmarks, "PAGE", copy)
    monkeypatch.setattr(benchmarks, "PARTS", {name: lambda _, name=name: [f"of {name}"] for name in benchmarks.PARTS})
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "pages", "calculator", "--write"])

    benchmarks.main()

    told = copy.read_text(encoding="utf-8")
    assert ("of pages" in told, "of calculator" in told, "of seals\n" in told) == (True, True, False)
    assert "of matching" not in capsys.readouterr().out


def test_an_unknown_part_is_refused_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "everything"])

    with pytest.raises(SystemExit) as stopped:
        benchmarks.main()

    assert stopped.value.code == 2
    assert "calculator" in capsys.readouterr().err
