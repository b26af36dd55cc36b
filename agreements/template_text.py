"""Agreement templates as text: reading our own small TOML format, filling fields in, telling two versions apart.

A template holds sections of clauses in both languages. The only thing that is filled in are the fields of `FIELDS`,
each by one value and once: what a value says is never read as a field again, and there is no template language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Literal, get_args

import orjson

from agreements.clauses import Clause, NoticeTerms, Section, TemplateName, notice_words
from foundation import plain, toml_text, wording
from foundation.audit import canonical, sha256
from foundation.errors import Refused
from foundation.language import Language, Text, joined, same

NAMES: tuple[TemplateName, ...] = get_args(TemplateName)

_FOR_ALL = ("authority", "authority_cvr", "association", "association_cvr", "reference", "version", "signed_by",
            "effective_date", "notice", "fee_year", "price_sheet")  # fmt: skip
#: What may stand in braces, and in which templates.
FIELDS: Mapping[TemplateName, frozenset[str]] = {
    "connection": frozenset((*_FOR_ALL, "product", "description", "kind", "grants")),
    "membership": frozenset(_FOR_ALL),
}

_FIELD = re.compile(r"\{([^{}]*)\}")
_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LARGEST = 40_000  # characters; a template has both languages
_LONGEST_CLAUSE = 3_000
_MOST_MONTHS = 60
_FAULTS_KEPT = 50
_ENDS = ("year", "month", "day")


@dataclass(frozen=True, slots=True)
class Template:
    """A template. `draft` says what still stands in the way of it, and is shown wherever it is; None where nothing."""

    name: TemplateName
    title: Text
    draft: Text | None
    notice: NoticeTerms
    personal_data: Text
    sections: tuple[Section, ...]

    def canonical(self) -> str:
        """Give its one JSON text."""
        return canonical(plain.written(self))

    def digest(self) -> str:
        """Give the SHA-256 of its canonical text."""
        return sha256(self.canonical())


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """One thing wrong in a template's text, with its line (1 is the first)."""

    line: int
    reason: Text


class TemplateRefused(Refused):
    """A template's text was refused; every fault stands with its line."""

    def __init__(self, faults: list[TemplateFault]) -> None:
        self.faults = tuple(faults)
        lines = [Text(f"linje {each.line}: ", f"line {each.line}: ") + each.reason for each in faults]
        super().__init__(joined(lines, by="\n"))


def from_canonical(text: str) -> Template:
    """Read a template back from its canonical text. Raises ValueError where it is not one, letter for letter."""
    template = plain.read(Template, orjson.loads(text))
    if template.canonical() != text:
        raise ValueError("the text is not the canonical one")
    return template


# --- reading ---------------------------------------------------------------------------------------------------------


def parse(text: str) -> Template:
    """Read a template's TOML. Raises TemplateRefused with every fault and its line."""
    reader = _Reader(text)
    template = reader.template() if not reader.faults else None
    if template is None or reader.faults:
        raise TemplateRefused(sorted(reader.faults, key=lambda fault: fault.line))
    return template


_TOP = {"name", "title_da", "title_en", "draft_da", "draft_en", "notice", "personal_data_da", "personal_data_en",
        "section"}  # fmt: skip
_SECTION = {"heading_da", "heading_en", "clause"}
_CLAUSE = {"id", "da", "en"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a key stands: under the n-th of all headers of a kind; no header is the top."""

    header: str = ""
    nth: int = 0


_AT_TOP = _Place()


@dataclass
class _Reader:
    """Reads one template key by key and collects the faults."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[TemplateFault] = field(default_factory=list)
    allowed: frozenset[str] = frozenset()
    seen: set[str] = field(default_factory=set)
    clauses: int = 0

    def __post_init__(self) -> None:
        if len(self.text) > _LARGEST:
            self.fault(Text(f"teksten er over {_LARGEST} tegn", f"the text is over {_LARGEST} characters"), _AT_TOP)
            return
        try:
            self.values = toml_text.parse(self.text, largest=_LARGEST)
        except toml_text.NotToml as error:
            self.faults.append(TemplateFault(error.line, error.reason))

    def fault(self, reason: Text, place: _Place, key: str = "") -> None:
        if len(self.faults) < _FAULTS_KEPT:
            self.faults.append(TemplateFault(self.line(place, key), reason))

    def line(self, place: _Place, key: str) -> int:
        """Find the line of a key, or of the header it is missing under."""
        at, end = self._span(place)
        inner = re.compile(rf"^[ \t]*\"?{re.escape(key)}\"?[ \t]*=", re.MULTILINE).search(self.text, at, end)
        return self.text.count("\n", 0, inner.start() if inner and key else at) + 1

    def _span(self, place: _Place) -> tuple[int, int]:
        headers = re.compile(r"^[ \t]*\[\[[ \t]*(section(?:[ \t]*\.[ \t]*clause)?)[ \t]*\]\]", re.MULTILINE)
        found = [(each.start(), re.sub(r"\s", "", each[1])) for each in headers.finditer(self.text)]
        if not place.header:
            return 0, found[0][0] if found else len(self.text)
        own = [at for at, header in found if header == place.header]
        if place.nth >= len(own):
            return 0, len(self.text)
        start = own[place.nth]
        return start, min((at for at, _ in found if at > start), default=len(self.text))

    def template(self) -> Template:
        """Read the whole."""
        name = self.choice("name", NAMES, self.values, _AT_TOP)
        self.allowed = FIELDS[name]
        self.only(_TOP, self.values, _AT_TOP)
        return Template(
            name=name,
            title=self.both("title", self.values, _AT_TOP, filled=False),
            draft=self.draft(),
            notice=self.notice(),
            personal_data=self.both("personal_data", self.values, _AT_TOP),
            sections=tuple(
                self.section(found, nth) for nth, found in enumerate(self.tables("section", self.values, _AT_TOP))
            ),
        )

    def draft(self) -> Text | None:
        if not {"draft_da", "draft_en"} & set(self.values):
            return None
        return self.both("draft", self.values, _AT_TOP, filled=False)

    def notice(self) -> NoticeTerms:
        found = self.values.get("notice")
        if not isinstance(found, dict) or set(found) != {"months", "ends"}:
            example = 'notice = { months = 6, ends = "year" }'
            self.fault(Text(f"skriv opsigelsen som {example}", f"write the notice as {example}"), _AT_TOP, "notice")
            return NoticeTerms(0, "day")
        months = found["months"]
        if type(months) is not int or not 0 <= months <= _MOST_MONTHS:
            self.fault(Text("months skal være 0 til 60", "months must be 0 to 60"), _AT_TOP, "notice")
            months = 0
        return NoticeTerms(months, self.choice("ends", _ENDS, found, _AT_TOP, "notice"))

    def section(self, found: Mapping[str, Any], nth: int) -> Section:
        place = _Place("section", nth)
        self.only(_SECTION, found, place)
        heading = self.both("heading", found, place, filled=False)
        return Section(heading, tuple(self.clause(each) for each in self.tables("clause", found, place)))

    def clause(self, found: Mapping[str, Any]) -> Clause:
        place = _Place("section.clause", self.clauses)
        self.clauses += 1
        self.only(_CLAUSE, found, place)
        id_ = found.get("id")
        if not isinstance(id_, str) or not _ID.fullmatch(id_):
            self.fault(Text("id skal være små bogstaver, tal og bindestreger", "id is letters, digits and hyphens"),
                       place, "id")  # fmt: skip
        elif id_ in self.seen:
            self.fault(Text(f"id {id_} står to gange", f"the id {id_} stands twice"), place, "id")
        else:
            self.seen.add(id_)
        return Clause(str(id_)[:40], Text(self.words("da", found, place), self.words("en", found, place)))

    def both(self, key: str, found: Mapping[str, Any], place: _Place, *, filled: bool = True) -> Text:
        """Read a text in both languages; `filled` tells whether fields may stand in it."""
        danish, english = (self.words(f"{key}_{language}", found, place, filled=filled) for language in ("da", "en"))
        return Text(danish, english)

    def words(self, key: str, found: Mapping[str, Any], place: _Place, *, filled: bool = True) -> str:
        """Read one text, with single spaces for line breaks; every field in it must be known."""
        value = found.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fault(Text(f"{key} skal være en tekst", f"{key} must be a text"), place, key)
            return ""
        words = wording.composed(" ".join(value.split("\n"))).strip()
        if fault := wording.fault(words, _LONGEST_CLAUSE):
            self.fault(same(f"{key}: ") + fault, place, key)
        for reason in _field_faults(words, self.allowed if filled else frozenset()):
            self.fault(same(f"{key}: ") + reason, place, key)
        return words

    def choice(self, key: str, choices: tuple[Any, ...], found: Mapping[str, Any], place: _Place, at: str = "") -> Any:
        value = found.get(key)
        if isinstance(value, str) and value in choices:
            return value
        listed = " | ".join(choices)
        self.fault(Text(f"{key} skal være {listed}", f"{key} must be {listed}"), place, at or key)
        return choices[0]

    def tables(self, key: str, found: Mapping[str, Any], place: _Place) -> list[Mapping[str, Any]]:
        value = found.get(key)
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            return value
        self.fault(Text(f"der skal være mindst én [[{key}]]", f"there must be at least one [[{key}]]"), place, key)
        return []

    def only(self, allowed: set[str], found: Mapping[str, Any], place: _Place) -> None:
        for key in found:
            if key not in allowed:
                written = wording.quoted(key)
                self.fault(Text(f"ukendt nøgle {written}", f"unknown key {written}"), place, key)


def _field_faults(words: str, allowed: frozenset[str]) -> Iterator[Text]:
    """Tell which braces are no field that may stand here."""
    for found in _FIELD.finditer(words):
        if found[1] not in allowed:
            written, listed = wording.quoted(found[0]), ", ".join(sorted(allowed)) or "–"
            yield Text(
                f"ukendt felt {written}; her kan stå: {listed}", f"unknown field {written}; known here: {listed}"
            )
    if re.search(r"[{}]", _FIELD.sub("", words)):
        yield Text("en tuborgklamme står alene", "a brace stands alone")


# --- filling in ------------------------------------------------------------------------------------------------------


def filled(template: Template, values: Mapping[str, Text]) -> tuple[Section, ...]:
    """Give the sections with their fields filled in. Every field of the template's kind must have its value."""
    return tuple(
        Section(each.heading, tuple(Clause(one.id, filled_words(one.text, values)) for one in each.clauses))
        for each in template.sections
    )


def filled_words(words: Text, values: Mapping[str, Text]) -> Text:
    """Fill one text in, language by language; once, so that braces in a value stay braces."""

    def put(language: Language) -> str:
        return _FIELD.sub(lambda found: values[found[1]][language], words[language])

    return Text(put("da"), put("en"))


# --- two versions ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One place in which two versions differ; `was` or `now` is None where it stands in one of them only."""

    place: str  # a clause's id, or a fact of the template such as "title"
    what: Literal["added", "removed", "changed", "moved"]
    heading: Text
    was: Text | None
    now: Text | None


_HEAD = Text("Aftalen som helhed", "The agreement as a whole")


def difference(old: Template, new: Template) -> list[Change]:
    """Tell two versions apart: first the facts of the whole, then clause by clause in the order of the new one."""
    return [*_facts(old, new), *_clauses(old, new)]


def _facts(old: Template, new: Template) -> Iterator[Change]:
    before, after = _said(old), _said(new)
    for place in before:
        was, now = before[place], after[place]
        if was != now:
            what: Literal["added", "removed", "changed"] = "changed"
            if was is None or now is None:
                what = "added" if was is None else "removed"
            yield Change(place, what, _HEAD, was, now)


def _said(template: Template) -> dict[str, Text | None]:
    return {
        "title": template.title,
        "draft": template.draft,
        "notice": notice_words(template.notice),
        "personal_data": template.personal_data,
        "headings": joined((section.heading for section in template.sections), by=" · "),
    }


def _clauses(old: Template, new: Template) -> Iterator[Change]:
    before, after = _placed(old), _placed(new)
    moved = _moved(before, after)
    for id_, (heading, now) in after.items():
        was = before[id_][1] if id_ in before else None
        if was is None:
            yield Change(id_, "added", heading, None, now)
        elif was != now:
            yield Change(id_, "changed", heading, was, now)
        elif id_ in moved:
            yield Change(id_, "moved", heading, was, now)
    for id_, (heading, was) in before.items():
        if id_ not in after:
            yield Change(id_, "removed", heading, was, None)


def _placed(template: Template) -> dict[str, tuple[Text, Text]]:
    return {one.id: (section.heading, one.text) for section in template.sections for one in section.clauses}


def _moved(before: Mapping[str, tuple[Text, Text]], after: Mapping[str, tuple[Text, Text]]) -> set[str]:
    """Give the clauses of both that stand in another order, or under another heading that was there before."""
    common = set(before) & set(after)
    first, second = ([id_ for id_ in ids if id_ in common] for ids in (before, after))
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    out_of_order = common - {id_ for block in blocks for id_ in second[block.b : block.b + block.size]}
    headings = {heading for heading, _ in before.values()}
    return out_of_order | {id_ for id_ in common if after[id_][0] != before[id_][0] and after[id_][0] in headings}
