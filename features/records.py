"""Records from plain values: what JSON or a row of a database holds, by annotations.

A record is a dataclass, and its annotations are the schema, as in ``features.config_fields``, with
tables, lists, paths and times beside numbers and strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from features.config_fields import fit, kind_problem, kinds_of, shown


def record_from(kind: Any, value: Any, where: str = "") -> Any:
    """Make what the annotation says of values as JSON holds them: records, dicts, tuples, paths.

    A record must be given all of its fields that have no default, and no others.

    Raises:
        TypeError: Something is missing, unknown or of another kind; says what, and where.
    """
    origin, options = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind) and isinstance(kind, type):
        return _record_of(kind, value, where)
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: record_from(options[1], each, f"{where}.{key}") for key, each in value.items()}
    if (origin is list or options[1:] == (...,)) and isinstance(value, list):
        items = enumerate(value)
        return origin(record_from(options[0], each, f"{where}[{index}]") for index, each in items)
    if origin in (Union, UnionType) and NoneType in options:
        if value is None:
            return None
        others = [option for option in options if option is not NoneType]
        return record_from(Union[tuple(others)], value, where)  # noqa: UP007
    try:
        return Path(fit(str, value)) if kind is Path else fit(kind, value)
    except TypeError:
        raise TypeError(f"{where.lstrip('.')} {kind_problem(kind, value)}") from None


def check_record(record: Any) -> None:
    """Hold a record that was made of a row of a database against its annotations.

    Raises:
        TypeError: A value is of another kind; says which.
    """
    cls: type = type(record)
    if not is_dataclass(cls):
        return
    for name, kind, types in _checks(cls):
        value = getattr(record, name)
        if type(value) not in types and not _is_of(kind, value):
            got = "bytes" if isinstance(value, bytes) else shown(value)
            raise TypeError(f"{name} must be of another kind than {got}")


def _record_of(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise TypeError(f"{where.lstrip('.') or 'it'} must be a table, got {shown(value)}")
    hints, given = kinds_of(kind), {}
    for name, each in value.items():
        if name not in hints:
            raise TypeError(f"{f'{where}.{name}'.lstrip('.')} is unknown")
        given[name] = record_from(hints[name], each, f"{where}.{name}")
    for each in fields(kind):
        if each.name not in given and each.default is MISSING and each.default_factory is MISSING:
            raise TypeError(f"{f'{where}.{each.name}'.lstrip('.')} is missing")
    return kind(**given)


@cache
def _checks(record: type) -> tuple[tuple[str, Any, frozenset[type]], ...]:
    """Give name and kind of each field, and the types whose every value is of that kind."""
    return tuple((name, kind, _types_of(kind)) for name, kind in kinds_of(record).items())


def _types_of(kind: Any) -> frozenset[type]:
    if get_origin(kind) in (Union, UnionType):
        return frozenset().union(*map(_types_of, get_args(kind)))
    if kind is Path:
        return frozenset({type(Path())})
    if kind is float:
        return frozenset({int, float})
    return frozenset({kind} if kind in (int, bool, str, NoneType, datetime) else ())


def _is_of(kind: Any, value: Any) -> bool:
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_is_of(option, value) for option in options)
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in options)
    if origin is tuple and isinstance(value, tuple):
        kinds = options[:1] * len(value) if options[1:] == (...,) else options
        return len(kinds) == len(value) and all(map(_is_of, kinds, value))
    if kind in (int, float, bool, str, NoneType, datetime):
        number = (int, float) if kind is float else kind
        return isinstance(value, number) and (kind is bool) == (type(value) is bool)
    return isinstance(value, origin or kind) if isinstance(origin or kind, type) else True
