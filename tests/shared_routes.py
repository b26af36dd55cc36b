"""Routes' builders compiled once for each process: a test makes an application of its own, and Werkzeug compiles two
functions for each of its hundreds of routes.

What is compiled depends on the rule's own text alone and is bound to the rule afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]


def share() -> None:
    """Let all applications of this process share what was compiled."""
    compile_builder = Rule._compile_builder
    known: dict[tuple[Any, ...], _Builder] = {}

    def once(rule: Rule, append_unknown: bool = True) -> _Builder:
        if rule.defaults:  # they are folded into the code
            return compile_builder(rule, append_unknown)
        what = rule.rule, append_unknown, tuple(rule._trace)
        if what not in known:
            known[what] = compile_builder(rule, append_unknown)
        return known[what]

    Rule._compile_builder = once  # type: ignore[method-assign,assignment]
