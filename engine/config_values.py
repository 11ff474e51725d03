"""How does a tree of plain values, as TOML and JSON hold it, change a typed record?

Records are frozen dataclasses; their annotations are the schema. A field is an integer, a number,
true or false, a string, one of a few literals, a tuple of such, one of these or None, or a record
again. Whatever does not fit is collected as a problem in words, and the field keeps its value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import (
    Any,
    ClassVar,
    Literal,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)


@runtime_checkable
class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Record = TypeVar("Record", bound=_Dataclass)

_NAMES = {int: "an integer", float: "a finite number", bool: "true or false", str: "a string"}


def changed(base: Record, values: Mapping[str, Any], problems: list[str]) -> Record:
    """Return the record with the given values; what is wrong with them is added to problems."""
    return _changed(base, values, problems, path="", known=list(_paths(base)))


def as_values(record: _Dataclass) -> dict[str, Any]:
    """Return the whole record as JSON holds it: dicts, lists, numbers, strings, None."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(record), default=repr))
    return values


def problems_of(record: _Dataclass) -> list[str]:
    """Ask the record and all records in it for values out of range, each problem once."""
    found = list(record.problems()) if hasattr(record, "problems") else []
    for field in fields(record):
        value = getattr(record, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            found += problems_of(value)
    return list(dict.fromkeys(found))


def _changed(
    base: Record, values: Mapping[str, Any], problems: list[str], *, path: str, known: list[str]
) -> Record:
    hints = get_type_hints(type(base))
    taken: dict[str, Any] = {}
    for name, value in values.items():
        where = f"{path}{name}"
        if name not in hints:
            problems.append(f"unknown key {where}{_hint_at(where, known)}")
        elif not is_dataclass(hints[name]):
            try:
                taken[name] = _fit(hints[name], value)
            except TypeError:
                problems.append(f"{where} must be {_in_words(hints[name])}, got {_shown(value)}")
        elif isinstance(value, Mapping):
            nested = getattr(base, name)
            taken[name] = _changed(nested, value, problems, path=f"{where}.", known=known)
        else:
            problems.append(f"{where} must be a table, got {_shown(value)}")
    return replace(base, **taken)


def _fit(hint: Any, value: Any) -> Any:
    """Return the value as the type wants it; TypeError if it is of another kind."""
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        for option in options:
            try:
                return _fit(option, value)
            except TypeError:
                continue
    elif origin is tuple and isinstance(value, list | tuple):
        kinds = options[:1] * len(value) if options[1:] == (...,) else options
        if len(kinds) == len(value):
            return tuple(_fit(kind, item) for kind, item in zip(kinds, value, strict=True))
    elif origin is Literal:
        if any(value == option and type(value) is type(option) for option in options):
            return value
    elif hint is float:
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
    elif type(value) is hint:  # no isinstance: true and false are no integers
        return value
    raise TypeError


def _in_words(hint: Any) -> str:
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_in_words(option) for option in options if option is not NoneType)
    if origin is tuple and options[1:] == (...,):
        return f"a list, each item {_in_words(options[0])}"
    if origin is tuple:
        return f"a list of {len(options)}: {', '.join(_in_words(option) for option in options)}"
    if origin is Literal:
        return " or ".join(_shown(option) for option in options)
    return _NAMES[hint]


def _shown(value: Any) -> str:
    """Write a value as TOML does, cut short."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:  # dates and times
        text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _paths(record: _Dataclass, path: str = "") -> Iterator[str]:
    """Give the dotted names of all fields, records and their fields alike."""
    for field in fields(record):
        value = getattr(record, field.name)
        yield f"{path}{field.name}"
        if is_dataclass(value) and not isinstance(value, type):
            yield from _paths(value, f"{path}{field.name}.")


def _hint_at(where: str, known: list[str]) -> str:
    """Guess what was meant: a similar name in this table, or else in any."""
    table, _, name = where.rpartition(".")
    siblings = [path for path in known if path.rpartition(".")[0] == table]
    for paths in (siblings, known):
        names = [path.rpartition(".")[2] for path in paths]
        for close in get_close_matches(name, names, n=1, cutoff=0.7):
            meant = [path for path in paths if path.rpartition(".")[2] == close]
            return f" (did you mean {' or '.join(meant)}?)"
    return ""
