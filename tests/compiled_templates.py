"""Templates compiled once for each process: a test makes an application of its own, and compiling takes longest in it.

Jinja asks for what was compiled by the source's own checksum, so a changed template is another one, and so is the same
one in another language (app/web/speaking.py).
"""

from __future__ import annotations

from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class _Memory(BytecodeCache):
    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get(_what(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._known[_what(bucket)] = bucket.code


def _what(bucket: Bucket) -> tuple[object, ...]:
    asked = bucket.environment
    return bucket.key, bucket.checksum, asked.trim_blocks, asked.lstrip_blocks, getattr(asked, "spoken", None)


def share() -> None:
    """Let all applications of this process share what was compiled."""
    options: dict[str, Any] = {**Flask.jinja_options, "bytecode_cache": _Memory()}
    Flask.jinja_options = options
