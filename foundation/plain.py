"""Frozen dataclasses as plain JSON values and back, by their declared types: one reader for every document of ours.

Known are texts, whole numbers, truth values, days, choices (`Literal`), dataclasses, tuples of one kind, and each of
them or None. Whatever does not fit its type is refused, so that what is read back is what was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def written(value: Any) -> Any:
    """Give a value as plain values: dataclasses by their fields, tuples as lists; days are for `audit.canonical`."""
    if is_dataclass(value):
        return {field.name: written(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [written(inner) for inner in value]
    return value


def read(kind: type[T], found: object) -> T:
    """Read a dataclass back from plain values. Raises ValueError naming the place that does not fit."""
    value: T = _read(kind, found, kind.__name__)
    return value


def _read(kind: Any, found: object, place: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _optional(kind, found, place)
    if origin is Literal:
        return _fitting(found, found in get_args(kind) and isinstance(found, str), place)
    if origin is tuple:
        return _tuple(get_args(kind)[0], found, place)
    if kind is date:
        return _day(found, place)
    if is_dataclass(kind):
        return _dataclass(kind, found, place)
    return _fitting(found, type(found) is kind, place)


def _optional(kind: Any, found: object, place: str) -> Any:
    (inner,) = (each for each in get_args(kind) if each is not NoneType)
    return None if found is None else _read(inner, found, place)


def _tuple(kind: Any, found: object, place: str) -> tuple[Any, ...]:
    if not isinstance(found, list):
        raise _misfit(place)
    return tuple(_read(kind, each, f"{place}[{at}]") for at, each in enumerate(found))


def _day(found: object, place: str) -> date:
    try:
        return date.fromisoformat(found)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise _misfit(place) from error


def _dataclass(kind: Any, found: object, place: str) -> Any:
    kinds = _kinds(kind)
    if not isinstance(found, Mapping) or set(found) != set(kinds):
        raise _misfit(place)
    return kind(**{name: _read(inner, found[name], f"{place}.{name}") for name, inner in kinds.items()})


@cache
def _kinds(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _fitting(found: object, fits: bool, place: str) -> object:
    if not fits:
        raise _misfit(place)
    return found


def _misfit(place: str) -> ValueError:
    return ValueError(f"{place} is not what it should be")
