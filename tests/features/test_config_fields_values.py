import json
from dataclasses import dataclass, field
from typing import Literal

import pytest

from features.config_fields import as_values, changed, problems_of, renamed


@dataclass(frozen=True)
class Inner:
    width: int = 3
    share: float = 0.5

    def problems(self):
        return [] if self.width > 0 else [f"width must be positive, got {self.width}"]


@dataclass(frozen=True)
class Outer:
    name: str = "a"
    is_on: bool = True
    count: int = 1
    share: float = 1.0
    mode: Literal["slow", "fast"] = "slow"
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[str, float] = ("x", 0.5)
    limit: float | None = None
    names: tuple[str, ...] | None = None
    inner: Inner = field(default_factory=lambda: Inner(width=7))


FULL = {
    "name": "b",
    "is_on": False,
    "count": 5,
    "share": 0.25,
    "mode": "fast",
    "sizes": [4],
    "pair": ["y", 2.0],
    "limit": 3.5,
    "names": ["p", "q"],
    "inner": {"width": 9, "share": 0.125},
}


def problems_with(values):
    problems = []
    record = changed(Outer(), values, problems)
    return record, problems


def test_every_kind_of_field_is_read_and_given_back():
    record, problems = problems_with(FULL)
    assert problems == []
    assert record == Outer(
        "b", False, 5, 0.25, "fast", (4,), ("y", 2.0), 3.5, ("p", "q"), Inner(9, 0.125)
    )
    assert as_values(record) == FULL


def test_values_survive_a_journey_through_json():
    values = json.loads(json.dumps(as_values(Outer())))
    assert values["limit"] is None
    assert problems_with(values) == (Outer(), [])


def test_what_is_not_mentioned_keeps_the_value_of_the_base_and_not_of_the_class():
    record, _ = problems_with({"inner": {"share": 0.1}})
    assert record.inner == Inner(width=7, share=0.1)


def test_an_integer_is_a_number_but_nothing_else_is_converted():
    record, problems = problems_with({"share": 2, "limit": 3})
    assert problems == []
    assert isinstance(record.share, float)
    assert isinstance(record.limit, float)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"name": 3}, "name must be a string, got 3"),
        ({"is_on": 1}, "is_on must be true or false, got 1"),
        ({"count": True}, "count must be an integer, got true"),
        ({"count": 2.0}, "count must be an integer, got 2.0"),
        ({"count": None}, "count must be an integer, got null"),
        ({"share": "1"}, 'share must be a finite number, got "1"'),
        ({"share": True}, "share must be a finite number, got true"),
        ({"share": float("nan")}, "share must be a finite number, got NaN"),
        ({"limit": float("inf")}, "limit must be a finite number, got Infinity"),
        ({"mode": "Fast"}, 'mode must be "slow" or "fast", got "Fast"'),
        ({"sizes": 4}, "sizes must be a list, each item an integer, got 4"),
        ({"sizes": [4, "x"]}, 'sizes must be a list, each item an integer, got [4, "x"]'),
        ({"names": "p"}, 'names must be a list, each item a string, got "p"'),
        ({"pair": ["y"]}, 'pair must be a list of 2: a string, a finite number, got ["y"]'),
        ({"inner": 3}, "inner must be a table, got 3"),
        ({"inner": {"width": "w"}}, 'inner.width must be an integer, got "w"'),
        ({"cuont": 3}, "unknown key cuont (did you mean count?)"),
        ({"width": 3}, "unknown key width (did you mean inner.width?)"),
        ({"inner": {"widht": 3}}, "unknown key inner.widht (did you mean inner.width?)"),
        ({"inner": {"share_": 3}}, "unknown key inner.share_ (did you mean inner.share?)"),
        ({"inner": {"is_on": True}}, "unknown key inner.is_on (did you mean is_on?)"),
        ({"qqq": 3}, "unknown key qqq"),
    ],
)
def test_each_problem_is_named_and_the_value_stays(values, problem):
    record, problems = problems_with(values)
    assert problems == [problem]
    assert record == Outer()


def test_all_problems_come_at_once_and_the_sound_values_are_taken():
    record, problems = problems_with({"count": "x", "inner": {"width": -1, "q": 1}, "name": "new"})
    assert problems == ['count must be an integer, got "x"', "unknown key inner.q"]
    assert record == Outer(name="new", inner=Inner(width=-1))
    assert problems_of(record) == ["inner.width must be positive, got -1"]


def test_long_values_are_cut_short():
    _, (problem,) = problems_with({"count": "x" * 500})
    assert len(problem) < 100


@pytest.mark.parametrize(
    ("names", "given", "values"),
    [
        ({}, {"old": 1}, {"old": 1}),
        ({"old": "new"}, {"new": 1}, {"new": 1}),
        ({"old": "new"}, {"old": {"a": 1}, "b": 2}, {"new": {"a": 1}, "b": 2}),
        ({"in.old": "in.new"}, {"in": {"old": 1, "a": 2}}, {"in": {"new": 1, "a": 2}}),
        ({"in.old": "in.new"}, {"in": 3, "old": 4}, {"in": 3, "old": 4}),
        ({"old": "in.new"}, {"old": 1}, {"in": {"new": 1}}),
        ({"old": "new", "new.a": "new.b"}, {"old": {"a": 1}}, {"new": {"b": 1}}),
        ({"old": "new", "new.a": "new.b"}, {"new": {"a": 1}}, {"new": {"b": 1}}),
    ],
)
def test_old_names_give_way_to_new_ones(names, given, values):
    problems = []
    before = json.dumps(given)
    moved, old = renamed(given, names, problems)
    assert (moved, problems) == (values, [])
    assert bool(old) == (given != values)
    assert set(old) <= set(names)
    assert json.dumps(given) == before


def test_a_setting_under_both_its_names_is_a_problem():
    problems = []
    moved, _ = renamed({"in": {"old": 1, "new": 2}}, {"in.old": "in.new"}, problems)
    assert moved == {"in": {"new": 2}}
    assert problems == ["in.new is given twice, also by its old name in.old; drop the old one"]
