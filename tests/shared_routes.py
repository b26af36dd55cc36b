"""Routes compiled once for each process: a test makes an application of its own, and Werkzeug reads each of its
hundreds of routes and compiles two functions for it.

What is compiled depends on the rule's own text alone and is bound to the rule afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.routing import Rule


@dataclass(frozen=True)
class _Compiled:
    """What Werkzeug makes of a rule."""

    values: dict[str, Any]
    arguments: frozenset[str]
    builders: dict[str, Any]


_VALUES, _BUILDERS = ("_parts", "_trace", "_converters"), ("_build", "_build_unknown")


def share() -> None:
    """Let all applications of this process share what was compiled."""
    compile_anew = Rule.compile
    known: dict[tuple[Any, ...], _Compiled] = {}

    def compile_once(rule: Rule) -> None:
        if rule.defaults:  # they are folded into the code
            compile_anew(rule)
            return
        what = rule.rule, rule.subdomain, rule.host, rule.merge_slashes, rule.is_leaf
        if what not in known:
            compile_anew(rule)
            known[what] = _compiled(rule)
            return
        _give(rule, known[what])

    Rule.compile = compile_once  # type: ignore[method-assign,assignment]


def _compiled(rule: Rule) -> _Compiled:
    return _Compiled(
        {name: getattr(rule, name) for name in _VALUES},
        frozenset(rule.arguments),
        {name: getattr(rule, name).__func__ for name in _BUILDERS},
    )


def _give(rule: Rule, compiled: _Compiled) -> None:
    rule.arguments = set(compiled.arguments)
    for name, value in compiled.values.items():
        setattr(rule, name, value)
    for name, builder in compiled.builders.items():
        setattr(rule, name, builder.__get__(rule, None))
