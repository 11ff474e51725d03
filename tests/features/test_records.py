"""Records from JSON and rows, held against their annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from features.records import check_record, record_from


@dataclass(frozen=True)
class Inner:
    name: str
    score: float | None = None


@dataclass(frozen=True)
class Outer:
    kind: Literal["a", "b"]
    number: int
    is_on: bool
    inner: Inner
    others: tuple[Inner, ...] = ()
    values: dict[str, float] = field(default_factory=dict)
    places: Mapping[str, Path] = field(default_factory=dict)
    listed: list[int] = field(default_factory=list)
    pair: tuple[int, int] = (0, 0)
    anything: Any = None


SOUND: dict[str, Any] = {"kind": "a", "number": 1, "is_on": True, "inner": {"name": "x"}}


def test_what_is_left_out_has_its_default() -> None:
    assert record_from(Outer, SOUND) == Outer("a", 1, True, Inner("x"))


def test_everything_becomes_what_its_annotation_says() -> None:
    more = {
        "others": [{"name": "y", "score": 1}, {"name": "z", "score": None}],
        "values": {"a": 1},
        "places": {"here": "a/b"},
        "listed": [1, 2],
        "pair": [3, 4],
        "anything": [None, {"a": 1}],
    }
    made = record_from(Outer, SOUND | more)
    assert made.others == (Inner("y", 1.0), Inner("z"))
    assert made.values == {"a": 1.0}
    assert made.places == {"here": Path("a/b")}
    assert (made.listed, made.pair, made.anything) == ([1, 2], (3, 4), [None, {"a": 1}])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "c"}, r'^kind must be "a" or "b", got "c"$'),
        ({"number": True}, "^number must be an integer, got true$"),
        ({"number": 1.0}, "^number must be an integer, got 1.0$"),
        ({"is_on": 1}, "^is_on must be true or false, got 1$"),
        ({"inner": []}, r"^inner must be a table, got \[\]$"),
        ({"inner": {}}, r"^inner\.name is missing$"),
        ({"inner": {"name": "x", "more": 1}}, r"^inner\.more is unknown$"),
        ({"others": [{"name": "x"}, {"name": 5}]}, r"^others\[1\]\.name must be a string, got 5$"),
        ({"others": {}}, "^others must be a list, each item a table"),
        ({"values": {"a": "1"}}, r'^values\.a must be a finite number, got "1"$'),
        ({"values": []}, r"^values must be a table, got \[\]$"),
        ({"places": {"a": 1}}, r"^places\.a must be a path, got 1$"),
        ({"listed": [1, "2"]}, r'^listed\[1\] must be an integer, got "2"$'),
        ({"listed": 1}, "^listed must be a list, each item an integer, got 1$"),
        ({"pair": [1, 2, 3]}, "^pair must be a list of 2"),
        ({"extra": 1}, "^extra is unknown$"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        record_from(Outer, SOUND | changes)


@pytest.mark.parametrize("values", [None, [], "x", 1])
def test_what_is_no_table_is_no_record(values: Any) -> None:
    with pytest.raises(TypeError, match=r"^it must be a table, got"):
        record_from(Outer, values)


@dataclass(frozen=True)
class Row:
    id: int
    name: str
    path: Path
    at: datetime
    total: float | None = None
    state: Literal["done", "failed"] = "done"
    size: tuple[int, int] | None = None
    classes: tuple[str, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)
    is_on: bool = False


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_rows_of_the_right_kinds_pass() -> None:
    check_record(Row(1, "a", Path("b"), NOW))
    check_record(Row(1, "a", Path("b"), NOW, 1, "failed", (1, 2), ("a", "b"), {"a": 1}, True))
    check_record(3.0)  # what is no record has no annotations


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "1"},
        {"id": True},
        {"id": None},
        {"name": b"a"},
        {"name": None},
        {"path": "b"},
        {"at": 5.0},
        {"total": "1"},
        {"total": False},
        {"state": "gone"},
        {"state": None},
        {"size": (1, None)},
        {"size": (1, 2, 3)},
        {"classes": ("a", 1)},
        {"classes": ["a"]},
        {"spec": []},
        {"is_on": 1},
    ],
)
def test_rows_of_other_kinds_are_refused(changes: dict[str, Any]) -> None:
    values = {"id": 1, "name": "a", "path": Path("b"), "at": NOW} | changes
    (name,) = changes
    with pytest.raises(TypeError, match=f"^{name} must be of another kind than "):
        check_record(Row(**values))
