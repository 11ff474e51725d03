from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.scores
from alignment.comparison import Comparison, ComparisonConfig
from alignment.sample import Sample
from engine.scores import SCORES, SEVEN, ScoresConfig, score_all, score_of_map
from engine.scores.class_agnostic_patch import ClassAgnosticPatchConfig
from engine.scores.class_color import ClassColorConfig
from engine.scores.class_embedding import ClassEmbeddingConfig
from engine.scores.class_histogram import ClassHistogramConfig
from engine.scores.class_location import ClassLocationConfig
from features.config_fields import problems_of
from features.dense import DenseMap

Beside = Callable[..., list[Comparison]]
NAMES = [each.name for each in SCORES]
PARTS = [(1, (8, 8, 24, 24)), (2, (8, 40, 24, 56)), (2, (32, 40, 48, 56))]

PUBLISHED = ScoresConfig(
    class_agnostic_patch=ClassAgnosticPatchConfig(share=0.02),
    class_embedding=ClassEmbeddingConfig("scalar"),
    class_histogram=ClassHistogramConfig(distance="l2"),
    class_color=ClassColorConfig("ratio"),
    class_location=ClassLocationConfig("corner"),
)
OTHER = ScoresConfig(
    class_embedding=ClassEmbeddingConfig("cosine"),
    class_histogram=ClassHistogramConfig("count", "cosine"),
    class_color=ClassColorConfig("hue_chroma"),
    class_location=ClassLocationConfig("centroid"),
)


def lacking(sample: Sample, class_id: int) -> Sample:
    """Let the parts of a class resemble no class."""
    kept = sample.aligned.class_of_part
    aligned = replace(sample.aligned, class_of_part=np.where(kept == class_id, -1, kept))
    return replace(sample, aligned=aligned)


def flat(sample: Sample) -> Sample:
    """Make all tokens zero and the image black."""
    dense = DenseMap(np.zeros_like(sample.dense.tokens), sample.dense.is_valid)
    return replace(sample, dense=dense, image=np.zeros_like(sample.image))


def all_background(sample: Sample) -> Sample:
    aligned = sample.aligned
    return replace(
        sample,
        aligned=replace(aligned, is_background_class=np.ones_like(aligned.is_background_class)),
    )


CHANGES: dict[str, Callable[[Sample], Sample]] = {
    "none": lambda sample: sample,
    "class 0 missing": lambda sample: lacking(sample, 0),
    "class 1 missing": lambda sample: lacking(sample, 1),
    "flat": flat,
}


class TestRegistry:
    def test_names_are_those_of_the_configuration(self) -> None:
        assert [field.name for field in fields(ScoresConfig)] == NAMES
        assert NAMES[:7] == list(SEVEN)
        assert len(NAMES) == 13

    def test_each_name_is_its_module(self) -> None:
        for each in SCORES:
            assert each.read.__module__ == f"engine.scores.{each.name}"
            assert isinstance(getattr(ScoresConfig(), each.name), each.config)

    def test_maps_and_deviations_are_of_one_score_each(self) -> None:
        maps = [each.cell_map for each in SCORES if each.cell_map]
        assert sorted(maps) == ["detail", "missing_here", "unlike", "unseen", "unseen_here"]
        assert [score_of_map(kind).cell_map for kind in maps] == maps
        kinds = [kind for each in SCORES for kind in each.explains]
        assert len(set(kinds)) == len(kinds)

    def test_every_score_asks_another_question(self) -> None:
        questions = {each.question for each in SCORES}
        assert len(questions) == len(SCORES)
        assert all(each.endswith("?") for each in questions)

    def test_what_is_exported_is_there(self) -> None:
        assert all(hasattr(engine.scores, name) for name in engine.scores.__all__)

    @pytest.mark.parametrize("config", [ScoresConfig(), PUBLISHED, OTHER])
    def test_configurations_are_in_range(self, config: ScoresConfig) -> None:
        for field in fields(config):
            assert problems_of(getattr(config, field.name)) == []


class TestScoreAll:
    @pytest.fixture
    def pairs(self, paint: Callable[..., Sample], compare_all: Beside) -> list[Comparison]:
        return compare_all(paint(PARTS), *(paint(PARTS, seed=seed) for seed in (1, 2, 3)))

    def test_reads_all_in_order(self, pairs: list[Comparison]) -> None:
        readings = score_all(pairs, ScoresConfig())
        assert list(readings) == NAMES
        for each in SCORES:
            reading = readings[each.name]
            assert reading.value == each.read(pairs, getattr(ScoresConfig(), each.name)).value
            assert (reading.cells is not None) == each.name.endswith("_patch")

    def test_reads_only_what_is_named(self, pairs: list[Comparison]) -> None:
        readings = score_all(pairs, ScoresConfig(), ["missing_patch", "class_color"])
        assert list(readings) == ["class_color", "missing_patch"]
        assert score_all(pairs, ScoresConfig(), []) == {}

    def test_refuses_unknown_names(self, pairs: list[Comparison]) -> None:
        with pytest.raises(
            ValueError, match=r"names must be among class_agnostic_patch, .*, got x, y"
        ):
            score_all(pairs, ScoresConfig(), ["y", "class_color", "x"])

    def test_refuses_no_reference(self) -> None:
        with pytest.raises(
            ValueError, match="comparisons must hold at least one reference, got none"
        ):
            score_all([], ScoresConfig())

    def test_order_of_references_does_not_matter(self, pairs: list[Comparison]) -> None:
        forward, backward = (score_all(each, ScoresConfig()) for each in (pairs, pairs[::-1]))
        for name in NAMES:
            assert forward[name].value == pytest.approx(backward[name].value, rel=1e-9)

    @pytest.mark.parametrize("config", [ScoresConfig(), PUBLISHED, OTHER])
    def test_identical_images_are_at_zero(
        self, paint: Callable[..., Sample], compare_all: Beside, config: ScoresConfig
    ) -> None:
        sample = paint(PARTS)
        for name, reading in score_all(compare_all(sample, sample, sample), config).items():
            assert reading.value == pytest.approx(0.0, abs=1e-6), name

    def test_numbering_of_parts_does_not_matter(
        self, paint: Callable[..., Sample], compare_all: Beside
    ) -> None:
        reference = paint(PARTS, seed=1)
        there, back = (
            score_all(compare_all(paint(parts), reference), ScoresConfig())
            for parts in (PARTS, PARTS[::-1])
        )
        assert [r.value for r in there.values()] == [r.value for r in back.values()]


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    shape=st.fixed_dictionaries(
        {"n_classes": st.integers(0, 3), "n_parts": st.sampled_from([0, 1, 5])}
    ),
    valid=st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2),
    changes=st.tuples(*[st.sampled_from(sorted(CHANGES))] * 2),
    has_foreground=st.booleans(),
    n_references=st.integers(1, 3),
    config=st.sampled_from([ScoresConfig(), PUBLISHED, OTHER]),
    distance=st.sampled_from(["euclidean", "cosine"]),
)
def test_readings_are_finite_whatever_the_samples(
    random_sample: Callable[..., Sample],
    compare_all: Beside,
    seed: int,
    shape: dict[str, int],
    valid: tuple[float, float],
    changes: tuple[str, str],
    has_foreground: bool,
    n_references: int,
    config: ScoresConfig,
    distance: Any,
) -> None:
    test, *references = (
        random_sample(seed + i, valid=valid[min(i, 1)], **shape) for i in range(n_references + 1)
    )
    changed = [CHANGES[changes[0]](test), *map(CHANGES[changes[1]], references)]
    if not has_foreground:
        changed = [all_background(sample) for sample in changed]
    pairs = compare_all(*changed, config=ComparisonConfig(distance=distance))
    for name, reading in score_all(pairs, config).items():
        assert math.isfinite(reading.value), name
        assert reading.value >= 0, name
        if reading.cells is not None:
            assert reading.cells.shape == (5, 7)
            assert reading.cells.dtype == np.float32
            assert np.isfinite(reading.cells).all(), name
