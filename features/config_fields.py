"""Kinds and ranges of the fields of a config record.

A config is a frozen dataclass, and its annotations are the schema: a field is an integer, a number,
true or false, a string, one of a few literals, a tuple of such, one of these or None, or a record
again. Numbers may have a range: ``Annotated[float, Range(0, 100)]``. ``problems_of`` holds a record
against its schema. What no annotation can say, a relation between fields, is told by a method
``problems()`` of the record itself; each of its texts begins with the name of a field.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Protocol,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)


@runtime_checkable
class Record(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True)
class Range:
    """The numbers between two ends, None for an end that is not there; NaN is in no range."""

    low: float | None = None
    high: float | None = None
    ends: Literal["[]", "(]", "[)", "()"] = "[]"
    """Which ends belong to the range: a square one does, a round one does not."""
    multiple_of: int | None = None

    def __contains__(self, number: float) -> bool:
        low, high = self.low, self.high
        is_over = low is None or number > low or (number == low and self.ends[0] == "[")
        is_under = high is None or number < high or (number == high and self.ends[1] == "]")
        is_step = self.multiple_of is None or number % self.multiple_of == 0
        return bool(is_over and is_under and is_step)

    def __str__(self) -> str:
        """Say what a number of the range does, after the word "must"."""
        said = []
        if self.low is not None and self.high is not None:
            said.append(f"lie in {self.low} … {self.high}{self._excluded()}")
        elif self.low is not None:
            said.append(f"be {'at least' if self.ends[0] == '[' else 'more than'} {self.low}")
        elif self.high is not None:
            said.append(f"be {'at most' if self.ends[1] == ']' else 'less than'} {self.high}")
        if self.multiple_of is not None:
            said.append(f"be a multiple of {self.multiple_of}")
        return " and ".join(said)

    def _excluded(self) -> str:
        ends = zip(self.ends, (self.low, self.high), strict=True)
        out = [str(end) for sign, end in ends if sign in "()"]
        return f" without {' and '.join(out)}" if out else ""


Share = Annotated[float, Range(0, 1)]


def problems_of(record: Record, section: str = "") -> list[str]:
    """Name everything that is wrong with a record, and with the records in it.

    Args:
        record: The settings.
        section: Dotted name under which they stand in a config; each text begins with it.
    """
    prefix = f"{section}." if section else ""
    kinds = list(_kind_problems(record))
    found = kinds + range_problems(record)
    if not kinds and hasattr(record, "problems"):  # relations hold between values of the right kind
        found += record.problems()
    found = [f"{prefix}{problem}" for problem in found]
    for name in kinds_of(type(record)):
        value = getattr(record, name)
        if is_dataclass(value) and not isinstance(value, type):
            found += problems_of(value, f"{prefix}{name}")
    return found


def range_problems(record: Record) -> list[str]:
    """Name the record's own numbers that are out of their range; texts begin with the field."""
    return [
        f"{name} must {each}, got {getattr(record, name)}"
        for name, each in _ranges_of(type(record)).items()
        if _is_outside(getattr(record, name), each)
    ]


@cache
def kinds_of(record: type) -> Mapping[str, Any]:
    """Return the type of each field, without its range."""
    return get_type_hints(record)


def fit(kind: Any, value: Any) -> Any:
    """Return the value as the type wants it.

    Raises:
        TypeError: It is of another kind.
    """
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        for option in options:
            try:
                return fit(option, value)
            except TypeError:
                continue
    elif origin is tuple and isinstance(value, list | tuple):
        kinds = options[:1] * len(value) if options[1:] == (...,) else options
        if len(kinds) == len(value):
            return tuple(fit(each, item) for each, item in zip(kinds, value, strict=True))
    elif origin is Literal:
        if any(value == option and type(value) is type(option) for option in options):
            return value
    elif kind is float:
        if _is_number(value) and abs(value) <= sys.float_info.max:
            return float(value)
    elif type(value) is kind:  # no isinstance: true and false are no integers
        return value
    raise TypeError


def kind_problem(kind: Any, value: Any) -> str:
    """Say what a value of another kind must be."""
    return f"must be {_in_words(kind)}, got {shown(value)}"


def shown(value: Any) -> str:
    """Write a value as TOML does, cut short."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:  # dates and times
        text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind_problems(record: Record) -> Iterator[str]:
    """Name values of a wrong kind, but for numbers that are out of a range anyway."""
    ranges = _ranges_of(type(record))
    for name, kind in kinds_of(type(record)).items():
        value = getattr(record, name)
        if is_dataclass(kind) and isinstance(kind, type):
            if not isinstance(value, kind):
                yield f"{name} must be a table, got {shown(value)}"
        elif name not in ranges or not _is_outside(value, ranges[name]):
            try:
                fit(kind, value)
            except TypeError:
                yield f"{name} {kind_problem(kind, value)}"


@cache
def _ranges_of(record: type) -> Mapping[str, Range]:
    hints = get_type_hints(record, include_extras=True)
    return {name: each for name, hint in hints.items() if (each := _range_in(hint)) is not None}


def _range_in(hint: Any) -> Range | None:
    """Find the range that an annotation holds, be it of an option or of the items of a tuple."""
    for part in get_args(hint):
        found = part if isinstance(part, Range) else _range_in(part)
        if found is not None:
            return found
    return None


def _is_outside(value: Any, range_: Range) -> bool:
    """Tell whether a number, or one of several, is out of the range; what is no number is not."""
    numbers = value if isinstance(value, list | tuple) else [value]
    return any(_is_number(number) and number not in range_ for number in numbers)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_NAMES = {int: "an integer", float: "a finite number", bool: "true or false", str: "a string"}


def _in_words(kind: Any) -> str:
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_in_words(option) for option in options if option is not NoneType)
    if origin is tuple and options[1:] == (...,):
        return f"a list, each item {_in_words(options[0])}"
    if origin is tuple:
        return f"a list of {len(options)}: {', '.join(_in_words(option) for option in options)}"
    if origin is Literal:
        return " or ".join(shown(option) for option in options)
    return _NAMES[kind]
