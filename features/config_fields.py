"""Config records: kinds and ranges of their fields, and how plain values become one.

A config is a frozen dataclass, and its annotations are the schema: a field is an integer, a number,
true or false, a string, one of a few literals, a tuple of such, one of these or None, or a record
again. Numbers may have a range: ``Annotated[float, Range(0, 100)]``. ``problems_of`` holds a record
against its schema. What no annotation can say, a relation between fields, is told by a method
``problems()`` of the record itself; each of its texts begins with the name of a field.

Plain values are trees as TOML and JSON hold them. Whatever does not fit is collected as a problem
in words, and the field keeps its value.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
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

AnyRecord = TypeVar("AnyRecord", bound=Record)


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
    except (TypeError, ValueError):  # dates and times; whole numbers of thousands of digits
        text = "a number too large to be shown" if isinstance(value, int) else str(value)
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


_NAMES = {
    int: "an integer",
    float: "a finite number",
    bool: "true or false",
    str: "a string",
    Path: "a path",
}


def _in_words(kind: Any) -> str:
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_in_words(option) for option in options if option is not NoneType)
    if origin is list or (origin is tuple and options[1:] == (...,)):
        return f"a list, each item {_in_words(options[0])}"
    if origin is tuple:
        return f"a list of {len(options)}: {', '.join(_in_words(option) for option in options)}"
    if origin is Literal:
        return " or ".join(shown(option) for option in options)
    if origin in (dict, Mapping):
        return "a table"
    return _NAMES.get(kind, "a table")


# Records from plain values, and back


def changed(base: AnyRecord, values: Mapping[str, Any], problems: list[str]) -> AnyRecord:
    """Return the record with the given values; what is wrong with them is added to problems."""
    return _changed(base, values, problems, path="", known=list(_paths(base)))


def renamed(
    values: Mapping[str, Any], new_names: Mapping[str, str], problems: list[str]
) -> tuple[dict[str, Any], list[str]]:
    """Move what is given under old names to the new ones.

    Args:
        values: A tree of values; it stays as it is.
        new_names: Old dotted names of tables and fields, and their new ones, applied in this order.
        problems: Is told of what is given under both names; there the new one holds.

    Returns:
        The values under new names, and the old names among them.
    """
    moved, met = _copied(values), []
    for old, new in new_names.items():
        *path, name = old.split(".")
        table = _table(moved, path)
        if table is None or name not in table:
            continue
        value = table.pop(name)
        *path, name = new.split(".")
        table = _table(moved, path, is_made=True)
        if table is None:  # what stands in the way of the table is a problem of its own
            continue
        if name in table:
            value = _joined(value, table[name], (old, new), problems)
        table[name] = value
        met.append(old)
    return moved, met


def _joined(value: Any, other: Any, names: tuple[str, str], problems: list[str]) -> Any:
    """Take what is given by an old name together with what is given by the new one."""
    old, new = names
    if isinstance(value, dict) and isinstance(other, dict):
        twice, joined = [f".{key}" for key in value if key in other], value | other
    else:
        twice, joined = [""], other
    problems += [
        f"{new}{key} is given twice, also by its old name {old}{key}; drop the old one"
        for key in twice
    ]
    return joined


def as_values(record: Record) -> dict[str, Any]:
    """Return the whole record as JSON holds it: dicts, lists, numbers, strings, None."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(record), default=repr))
    return values


def _changed(
    base: AnyRecord, values: Mapping[str, Any], problems: list[str], *, path: str, known: list[str]
) -> AnyRecord:
    hints = kinds_of(type(base))
    taken: dict[str, Any] = {}
    for name, value in values.items():
        where = f"{path}{name}"
        if name not in hints:
            problems.append(f"unknown key {where}{_hint_at(where, known)}")
        elif not is_dataclass(hints[name]):
            try:
                taken[name] = fit(hints[name], value)
            except TypeError:
                problems.append(f"{where} {kind_problem(hints[name], value)}")
        elif isinstance(value, Mapping):
            nested = getattr(base, name)
            taken[name] = _changed(nested, value, problems, path=f"{where}.", known=known)
        else:
            problems.append(f"{where} must be a table, got {shown(value)}")
    return replace(base, **taken)


def _copied(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _copied(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
    }


def _table(
    values: dict[str, Any], path: Sequence[str], *, is_made: bool = False
) -> dict[str, Any] | None:
    """Follow a path of tables; None where it ends, unless the rest is made."""
    for name in path:
        found = values.setdefault(name, {}) if is_made else values.get(name)
        if not isinstance(found, dict):
            return None
        values = found
    return values


def _paths(record: Record, path: str = "") -> Iterator[str]:
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
