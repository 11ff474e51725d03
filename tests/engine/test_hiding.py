from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alignment.aligned import AlignedParts
from alignment.sample import Sample
from engine.hiding import MOSTLY, enlarged, without_hidden

Draw = Callable[..., Sample]


def aligned_at(draw: Draw, seed: int) -> tuple[AlignedParts, np.ndarray]:
    """Parts anyhow, and pixels to hide anyhow: here hardly any, there most."""
    sample = draw(seed)
    rng = np.random.default_rng(seed + 50)
    share = np.kron(rng.random((10, 14)), np.ones((4, 4)))
    return sample.aligned, rng.random(sample.is_valid.shape) < share**0.5


class TestWithoutHidden:
    def test_hiding_nothing_changes_nothing(self, random_sample: Draw) -> None:
        aligned, is_hidden = aligned_at(random_sample, 0)
        same = without_hidden(aligned, np.zeros_like(is_hidden))
        np.testing.assert_array_equal(same.parts.labels, aligned.parts.labels)
        np.testing.assert_array_equal(same.parts.is_background, aligned.parts.is_background)
        np.testing.assert_array_equal(same.class_of_part, aligned.class_of_part)
        np.testing.assert_array_equal(same.cost, aligned.cost)

    @pytest.mark.parametrize("seed", range(5))
    def test_parts_of_which_most_is_hidden_are_gone(self, random_sample: Draw, seed: int) -> None:
        aligned, is_hidden = aligned_at(random_sample, seed)
        left = without_hidden(aligned, is_hidden)
        kept = []
        for part in range(len(aligned.parts)):
            own = aligned.parts.labels == part
            if np.sum(own & ~is_hidden) > (1 - MOSTLY) * np.sum(own):
                kept.append(part)
        assert len(left.parts) == len(kept)
        for number, part in enumerate(kept):
            is_seen = (aligned.parts.labels == part) & ~is_hidden
            np.testing.assert_array_equal(left.parts.labels == number, is_seen)
            assert left.class_of_part[number] == aligned.class_of_part[part]
            assert left.cost[number] == aligned.cost[part]
            assert left.parts.is_background[number] == aligned.parts.is_background[part]

    @pytest.mark.parametrize("seed", range(5))
    def test_hidden_pixels_are_of_no_class(self, random_sample: Draw, seed: int) -> None:
        aligned, is_hidden = aligned_at(random_sample, seed)
        left = without_hidden(aligned, is_hidden)
        assert (left.class_map[is_hidden] == -1).all()
        is_seen = left.parts.labels >= 0
        np.testing.assert_array_equal(left.class_map[is_seen], aligned.class_map[is_seen])
        assert left.n_classes == aligned.n_classes

    def test_a_hidden_instance_is_not_counted(self, paint: Draw) -> None:
        sample = paint([(1, (4, 4, 12, 12)), (1, (4, 30, 12, 38)), (2, (30, 4, 40, 40))])
        is_hidden = np.zeros(sample.is_valid.shape, dtype=bool)
        is_hidden[2:14, 2:14] = True
        before, after = sample.aligned.counts, without_hidden(sample.aligned, is_hidden).counts
        assert (before - after).tolist() == [0, 1, 0, 0]

    def test_everything_can_be_hidden(self, random_sample: Draw) -> None:
        aligned, is_hidden = aligned_at(random_sample, 0)
        nothing = without_hidden(aligned, np.ones_like(is_hidden))
        assert len(nothing.parts) == 0
        assert (nothing.counts == 0).all()


class TestEnlarged:
    @pytest.mark.parametrize(
        "size", [(24, 32), (30, 41), (60, 80), (12, 16), (5, 7), (3, 4), (5, 32)]
    )
    def test_whatever_is_touched_counts(self, size: tuple[int, int]) -> None:
        """Every pixel whose centre a marked one touches, one by one."""
        for seed in range(4):
            mask = np.random.default_rng(seed).random((12, 16)) < 0.05
            mask[seed, seed] = True
            large = enlarged(mask, size)
            assert large.shape == size
            for row, column in np.argwhere(mask):
                top, bottom = (np.array([row, row + 1]) * size[0] / 12).tolist()
                left, right = (np.array([column, column + 1]) * size[1] / 16).tolist()
                touched = large[
                    int(top + 1e-9) : int(np.ceil(bottom - 1e-9)),
                    int(left + 1e-9) : int(np.ceil(right - 1e-9)),
                ]
                assert touched.any()
                if size[0] >= 12:
                    inner = large[round(top) : round(bottom), round(left) : round(right)]
                    assert inner.all()

    def test_nothing_far_away_counts(self) -> None:
        mask = np.zeros((12, 16), dtype=bool)
        mask[5, 5] = True
        large = enlarged(mask, (120, 160))
        y, x = np.nonzero(large)
        # within a pixel of the mask
        assert y.min() >= 40
        assert y.max() < 70
        assert x.min() >= 40
        assert x.max() < 70

    def test_the_same_size_is_the_same_mask(self) -> None:
        mask = np.random.default_rng(0).random((9, 7)) < 0.5
        np.testing.assert_array_equal(enlarged(mask, (9, 7)), mask)
