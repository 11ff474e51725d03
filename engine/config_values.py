"""Config records from trees of plain values, as TOML and JSON hold them, and back.

The annotations of a record are the schema (``features.config_fields``). Whatever does not fit is
collected as a problem in words, and the field keeps its value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from features import config_fields
from features.config_fields import fit, kind_problem, kinds_of, shown

Record = TypeVar("Record", bound=config_fields.Record)


def changed(base: Record, values: Mapping[str, Any], problems: list[str]) -> Record:
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
            problems.append(f"{new} is given twice, also by its old name {old}; drop the old one")
        else:
            table[name] = value
        met.append(old)
    return moved, met


def as_values(record: config_fields.Record) -> dict[str, Any]:
    """Return the whole record as JSON holds it: dicts, lists, numbers, strings, None."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(record), default=repr))
    return values


def _changed(
    base: Record, values: Mapping[str, Any], problems: list[str], *, path: str, known: list[str]
) -> Record:
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


def _paths(record: config_fields.Record, path: str = "") -> Iterator[str]:
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
