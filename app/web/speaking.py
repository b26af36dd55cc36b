"""What templates speak with: every template is compiled once in each language, so that a page's words cost nothing.

What stands in a template in both languages, as `t("Dansk", "English")`, is chosen when it is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any

from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.visitor import NodeTransformer

from app.web import layout
from foundation import language
from foundation.language import LANGUAGES, Language, Text
from foundation.money import Money
from foundation.periods import BUSINESS_ZONE

Speaking = dict[str, Any]


def _speaking(spoken: Language) -> Speaking:
    """Give the words of one language by the names that templates use."""

    def say(text: Text) -> str:
        return text[spoken]

    def t(danish: str, english: str) -> str:
        return danish if spoken == "da" else english

    def kroner(value: Money | int) -> str:
        return language.kroner(_money(value))[spoken]

    def amount(value: Money | int) -> str:
        return language.amount(_money(value), spoken)

    def day(value: date) -> str:
        return language.day(value)[spoken]

    def count(value: int) -> str:
        return language.whole_number(value)[spoken]

    def moment(value: datetime) -> str:
        return _on_the_clock(value)[spoken]

    return {
        "say": say, "t": t, "kroner": kroner, "amount": amount, "day": day, "count": count,
        "moment": moment, "spoken": lambda: spoken,
    }  # fmt: skip


def _money(value: Money | int) -> Money:
    return value if isinstance(value, Money) else Money(value)


def _on_the_clock(value: datetime) -> Text:
    """Write an instant as the clock on the wall in Copenhagen showed it."""
    local = value.astimezone(BUSINESS_ZONE)
    day = language.day(local.date())
    return Text(f"{day.da} kl. {local:%H.%M}", f"{day.en} at {local:%H.%M}")


#: Made once: a page only chooses.
IN: Mapping[Language, Speaking] = {spoken: _speaking(spoken) for spoken in LANGUAGES}


class Templates(Environment):
    """The templates of an application: asked for one, it gives it in the language of the request."""

    spoken: Language | None = None  # None: not chosen yet

    def get_or_select_template(self, *asked: Any, **more: Any) -> Template:
        """Give a template, and with it all that it extends and imports, in the language of the request."""
        if self.spoken is None:
            return self._in_languages[layout.spoken()].get_or_select_template(*asked, **more)
        return super().get_or_select_template(*asked, **more)

    @cached_property
    def _in_languages(self) -> dict[Language, Templates]:
        """Make an environment for each language, at the first page: then this one has all its globals."""
        return {spoken: self._in(spoken) for spoken in LANGUAGES}

    def _in(self, spoken: Language) -> Templates:
        made = self.overlay()
        made.spoken = spoken
        made.globals = {**self.globals, **IN[spoken]}
        return made

    def _generate(self, source: nodes.Template, *more: Any, **options: Any) -> str:
        """Choose the words before a template becomes Python; Jinja offers this hook."""
        if self.spoken is not None:
            source = _Chosen(self.spoken).visit(source)
        return super()._generate(source, *more, **options)


class _Chosen(NodeTransformer):
    """Puts the words of one language in the place of `t("Dansk", "English")`."""

    def __init__(self, spoken: Language) -> None:
        self._at = LANGUAGES.index(spoken)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        is_t = isinstance(node.node, nodes.Name) and node.node.name == "t"
        if is_t and len(node.args) == len(LANGUAGES) and isinstance(chosen := node.args[self._at], nodes.Const):
            return nodes.Const(chosen.value, lineno=node.lineno)
        return node
