from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import product
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from engine.config import Config
from features.config_fields import Range, problems_of, range_problems


@dataclass(frozen=True)
class Lens:
    focus: Annotated[float, Range(0, 100, "(]")] = 1.0
    n_glasses: Annotated[int, Range(1)] = 3
    coating: Annotated[Literal["none", "blue"], "where light is reflected"] = "none"

    def problems(self) -> list[str]:
        if self.n_glasses <= self.focus:
            return []
        return [f"n_glasses must not exceed focus ({self.focus}), got {self.n_glasses}"]


@dataclass(frozen=True)
class Camera:
    gain: Annotated[float, "unit: dB", Range(0, 40)] = 1.0
    width: Annotated[int, Range(16, 4096, multiple_of=16)] = 640
    limit: Annotated[float, Range(high=5)] | None = None
    rows: tuple[Annotated[int, Range(-2, 2)], ...] = (0,)
    is_on: bool = True
    name: str = "left"
    lens: Lens = field(default_factory=lambda: Lens(focus=9.0))


NUMBERS = [-math.inf, -3, -1, -0.5, 0, 0.5, 1, 2, 3, 10**400, math.inf, math.nan, np.float64(0.5)]


class TestRange:
    @pytest.mark.parametrize(("low", "high"), [(0, 2), (-1, 0.5), (None, 1), (1, None)])
    def test_holds_what_a_naive_comparison_says(self, low: Any, high: Any) -> None:
        over = {"[": lambda number: number >= low, "(": lambda number: number > low}
        under = {"]": lambda number: number <= high, ")": lambda number: number < high}
        for left, right in product("[(", "])"):
            for number in NUMBERS:
                expected = low is None or over[left](number)
                expected = expected and (high is None or under[right](number))
                assert (number in Range(low, high, left + right)) == expected  # type: ignore[arg-type]

    def test_ends_are_closed_unless_said_otherwise(self) -> None:
        assert 0 in Range(0, 1)
        assert 1 in Range(0, 1)
        assert 0 not in Range(0, 1, "(]")
        assert 1 not in Range(0, 1, "[)")

    def test_steps(self) -> None:
        found = [number for number in range(-20, 20) if number in Range(-9, multiple_of=8)]
        assert found == [-8, 0, 8, 16]

    @pytest.mark.parametrize(
        ("range_", "text"),
        [
            (Range(0, 100), "lie in 0 … 100"),
            (Range(0, 100, "(]"), "lie in 0 … 100 without 0"),
            (Range(1e-6, 0.5), "lie in 1e-06 … 0.5"),
            (Range(0, 2**32 - 1), "lie in 0 … 4294967295"),
            (Range(1), "be at least 1"),
            (Range(1, ends="(]"), "be more than 1"),
            (Range(high=1), "be at most 1"),
            (Range(high=1, ends="[)"), "be less than 1"),
            (Range(8, 64, multiple_of=8), "lie in 8 … 64 and be a multiple of 8"),
            (Range(multiple_of=8), "be a multiple of 8"),
        ],
    )
    def test_is_told_in_words(self, range_: Range, text: str) -> None:
        assert str(range_) == text


class TestProblems:
    def test_a_sound_record_has_none(self) -> None:
        assert problems_of(Camera(), "camera") == []
        assert problems_of(Camera(limit=-7, rows=(), gain=np.float64(3))) == []

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"gain": 41}, "gain must lie in 0 … 40, got 41"),
            ({"gain": math.nan}, "gain must lie in 0 … 40, got nan"),
            ({"gain": True}, "gain must be a finite number, got true"),
            ({"gain": "1"}, 'gain must be a finite number, got "1"'),
            ({"gain": None}, "gain must be a finite number, got null"),
            ({"width": 641}, "width must lie in 16 … 4096 and be a multiple of 16, got 641"),
            ({"width": 640.0}, "width must be an integer, got 640.0"),
            ({"width": False}, "width must be an integer, got false"),
            ({"limit": 6}, "limit must be at most 5, got 6"),
            ({"limit": -math.inf}, "limit must be a finite number, got -Infinity"),
            ({"limit": -(10**400)}, "limit must be a finite number, got -1000"),
            ({"rows": (0, 3)}, "rows must lie in -2 … 2, got (0, 3)"),
            ({"rows": (0, True)}, "rows must be a list, each item an integer, got [0, true]"),
            ({"rows": 1}, "rows must be a list, each item an integer, got 1"),
            ({"is_on": 1}, "is_on must be true or false, got 1"),
            ({"name": 3}, "name must be a string, got 3"),
            ({"lens": 3}, "lens must be a table, got 3"),
            (
                {"lens": Lens(focus=0, n_glasses=0)},
                "lens.focus must lie in 0 … 100 without 0, got 0",
            ),
            ({"lens": Lens(9, coating="red")}, 'lens.coating must be "none" or "blue", got "red"'),  # type: ignore[arg-type]
            ({"lens": Lens(2)}, "lens.n_glasses must not exceed focus (2), got 3"),
        ],
    )
    def test_each_is_named_after_its_section(self, changes: dict[str, Any], problem: str) -> None:
        found = problems_of(Camera(**changes), "room.camera")[0]
        assert found.startswith(f"room.camera.{problem}")
        assert problems_of(Camera(**changes))[0].startswith(problem)

    def test_all_are_named_at_once(self) -> None:
        config = Camera(gain=-1, name=3, lens=Lens(focus=-1, n_glasses=0))  # type: ignore[arg-type]
        assert problems_of(config, "camera") == [
            "camera.name must be a string, got 3",
            "camera.gain must lie in 0 … 40, got -1",
            "camera.lens.focus must lie in 0 … 100 without 0, got -1",
            "camera.lens.n_glasses must be at least 1, got 0",
            "camera.lens.n_glasses must not exceed focus (-1), got 0",
        ]

    def test_relations_are_not_asked_of_values_of_a_wrong_kind(self) -> None:
        assert problems_of(Lens(focus="far")) == [  # type: ignore[arg-type]
            'focus must be a finite number, got "far"'
        ]

    def test_ranges_alone(self) -> None:
        config = Lens(focus=-1, coating="red")  # type: ignore[arg-type]
        assert range_problems(config) == ["focus must lie in 0 … 100 without 0, got -1"]

    def test_unknown_metadata_say_nothing(self) -> None:
        assert range_problems(Lens(9, coating="red")) == []  # type: ignore[arg-type]
        assert problems_of(Lens(9, coating="blue")) == []


def test_every_number_of_the_config_has_a_range() -> None:
    def misplaced(record: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
        for each in fields(record):
            value, name = getattr(record, each.name), f"{prefix}{each.name}"
            if is_dataclass(value):
                yield from misplaced(value, f"{name}.")
            elif type(value) in (int, float):
                yield name, problems_of(replace(record, **{each.name: -(10**9)}), prefix[:-1])

    for name, found in misplaced(Config()):
        assert found, name
        assert found[0].startswith(f"{name} must "), name
