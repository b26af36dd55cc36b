"""The road's text: steps, themes and tasks in both languages, written as TOML, in versions that stay.

A journey walks by the version that was newest when it began, so its tasks do not change under it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from sqlalchemy import Row, Table, func, insert, select
from sqlalchemy.orm import Session

from agreements.road.models import Guide as GuideRow
from foundation import toml_text, wording
from foundation.audit import Trail, sha256
from foundation.errors import FieldsRefused, NotFound
from foundation.language import Text, joined

GUIDES: Table = GuideRow.__table__  # type: ignore[assignment]

#: The five steps of OS2's public guide, in their order; a text may say them otherwise, but neither more nor fewer.
STEPS = ("mobilisation", "test", "contact", "implementation", "connection")

LARGEST = 60_000  # characters
_LONGEST = 500
_MOST = 200  # tasks of all steps
_KEY = re.compile(r"[a-z][a-z0-9-]{0,39}")
_KEPT = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """A task of the guide. `key` is step/theme/key, which nothing else is called."""

    key: str
    title: Text
    guidance: Text


@dataclass(frozen=True, slots=True)
class Theme:
    """Tasks that belong together."""

    key: str
    title: Text
    tasks: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One of the five steps."""

    key: str
    title: Text
    told: Text
    themes: tuple[Theme, ...]


@dataclass(frozen=True, slots=True)
class Guide:
    """A version of the road's text."""

    version: int
    steps: tuple[Step, ...]


class GuideRefused(FieldsRefused):
    """The text was refused; every fault is told."""

    def __init__(self, faults: Text) -> None:
        super().__init__({"text": faults})


class NoGuide(NotFound):
    """No text of the road is published yet, or none of that version."""


# --- versions ------------------------------------------------------------------------------------------------------


def newest(session: Session) -> Guide:
    """Give the newest version. Raises NoGuide."""
    row = session.execute(select(GUIDES).order_by(GUIDES.c.version.desc()).limit(1)).first()
    if row is None:
        raise NoGuide(Text("vejens tekst er ikke udgivet endnu", "the text of the road is not published yet"))
    return _read(row.version, row.text)


def of_version(session: Session, version: int) -> Guide:
    """Give one version. Raises NoGuide."""
    known = select(GUIDES).where(GUIDES.c.version == version)
    row = session.execute(known).first() if 0 < version < 2**63 else None
    if row is None:
        raise NoGuide(Text("den version findes ikke", "there is no such version"))
    return _read(row.version, row.text)


def versions(session: Session) -> Sequence[Row[Any]]:
    """Give all versions, newest first."""
    return session.execute(select(GUIDES).order_by(GUIDES.c.version.desc())).all()


def publish(session: Session, words: str, trail: Trail) -> int:
    """Publish a text as the newest version and give its number; the newest word for word changes nothing.

    Needs the writer's lock. Raises GuideRefused.
    """
    parse(words)
    last = session.execute(select(GUIDES).order_by(GUIDES.c.version.desc()).limit(1)).first()
    if last is not None and last.text == words:
        return int(last.version)
    number = int(session.execute(select(func.coalesce(func.max(GUIDES.c.version), 0))).scalar_one()) + 1
    session.execute(
        insert(GUIDES).values(
            version=number, text=words, digest=sha256(words), published_by=trail.actor, published_at=trail.at
        )
    )
    trail.record("road.guide_published", f"version {number}", {"digest": sha256(words)})
    return number


def shipped() -> str:
    """Give the text that comes with the service."""
    return (resources.files("agreements") / "data" / "road_v1.toml").read_text(encoding="utf-8")


@lru_cache(_KEPT)
def _read(version: int, words: str) -> Guide:
    return Guide(version, parse(words))


# --- reading -------------------------------------------------------------------------------------------------------


def parse(words: str) -> tuple[Step, ...]:
    """Read a text. Raises GuideRefused with every fault."""
    if len(words) > LARGEST:
        raise GuideRefused(Text(f"teksten er over {LARGEST} tegn", f"the text is over {LARGEST} characters"))
    try:
        values = toml_text.parse(words, largest=LARGEST)
    except toml_text.NotToml as error:
        line = Text(f"linje {error.line}: ", f"line {error.line}: ")
        raise GuideRefused(line + error.reason) from None
    reader = _Reader()
    steps = tuple(reader.steps(values))
    if not reader.faults and tuple(step.key for step in steps) != STEPS:
        reader.faults.append(Text(f"trinene skal være {', '.join(STEPS)}", f"the steps must be {', '.join(STEPS)}"))
    tasks = sum(len(theme.tasks) for step in steps for theme in step.themes)
    if tasks > _MOST:
        reader.faults.append(Text(f"over {_MOST} opgaver", f"over {_MOST} tasks"))
    if reader.faults:
        raise GuideRefused(joined(reader.faults[:20], by="\n"))
    return steps


class _Reader:
    """Reads a text's values and collects what is wrong."""

    def __init__(self) -> None:
        self.faults: list[Text] = []

    def steps(self, values: Mapping[str, Any]) -> Iterator[Step]:
        for step in self._listed(values, "step", "", {"step"}):
            key, place = self._key(step, "step")
            themes = tuple(self._themes(step, place))
            yield Step(key, self._text(step, "", place), self._text(step, "told_", place), themes)

    def _themes(self, step: Mapping[str, Any], place: str) -> Iterator[Theme]:
        for theme in self._listed(step, "theme", place, {"key", "da", "en", "told_da", "told_en", "theme"}):
            key, within = self._key(theme, f"{place}/theme")
            yield Theme(key, self._text(theme, "", within), tuple(self._tasks(theme, f"{place}/{key}")))

    def _tasks(self, theme: Mapping[str, Any], place: str) -> Iterator[Asked]:
        for task in self._listed(theme, "task", place, {"key", "da", "en", "task"}):
            key, _ = self._key(task, place)
            within = f"{place}/{key}"
            self._strangers(task, within, {"key", "da", "en", "guidance_da", "guidance_en"})
            yield Asked(within, self._text(task, "", within), self._text(task, "guidance_", within))

    def _listed(self, of: Mapping[str, Any], name: str, place: str, known: set[str]) -> Iterator[Mapping[str, Any]]:
        """Give the tables of a list, each with a key of its own."""
        self._strangers(of, place or "filen", known)
        listed = of.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            self._fault(place, Text(f"[[{name}]] er ikke en liste", f"[[{name}]] is not a list"))
            return
        if not listed:
            self._fault(place, Text(f"[[{name}]] mangler", f"[[{name}]] is missing"))
        keys = [each.get("key") for each in listed]
        for twice in {str(key) for key in keys if keys.count(key) > 1}:
            self._fault(place, Text(f"{twice} står to gange", f"{twice} stands twice"))
        yield from listed

    def _strangers(self, of: Mapping[str, Any], place: str, known: set[str]) -> None:
        for name in sorted(of.keys() - known):
            shown = wording.legible(name)[:40]
            self._fault(place, Text(f"{shown} kendes ikke", f"{shown} is not known"))

    def _key(self, of: Mapping[str, Any], place: str) -> tuple[str, str]:
        key = of.get("key")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            self._fault(place, Text("key skal være små bogstaver", "key must be small letters"))
            return "", place
        return key, key

    def _text(self, of: Mapping[str, Any], before: str, place: str) -> Text:
        da, en = (self._words(of, f"{before}{language}", place) for language in ("da", "en"))
        return Text(da, en)

    def _words(self, of: Mapping[str, Any], name: str, place: str) -> str:
        words = of.get(name)
        if not isinstance(words, str) or not words.strip():
            self._fault(place, Text(f"{name} mangler", f"{name} is missing"))
            return ""
        if len(words) > _LONGEST:
            self._fault(place, Text(f"{name} er over {_LONGEST} tegn", f"{name} is over {_LONGEST} characters"))
        if reason := wording.fault(words):
            self._fault(place, Text(f"{name}: ", f"{name}: ") + reason)
        return " ".join(words.split())

    def _fault(self, place: str, reason: Text) -> None:
        shown = wording.legible(place)[:80]
        self.faults.append(Text(f"{shown}: ", f"{shown}: ") + reason if shown else reason)
