from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from segment_anything.utils.amg import mask_to_rle_pytorch

from features.sam.masks import as_output, compressed, mask_of, run_lengths

masks = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1)).map(
    lambda each: np.random.default_rng(each[2]).random(each[:2]) < 0.5
)


@given(masks)
def test_run_lengths_are_those_of_the_reference(mask: np.ndarray) -> None:
    (theirs,) = mask_to_rle_pytorch(torch.from_numpy(mask)[None])
    assert as_output(mask, "uncompressed_rle") == theirs


@given(masks)
def test_a_mask_comes_back(mask: np.ndarray) -> None:
    height, width = mask.shape
    np.testing.assert_array_equal(mask_of(run_lengths(mask), (height, width)), mask)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([12], "<"),
        ([0, 12], "0<"),
        ([4, 2, 6], "426"),
        ([0, 1, 2, 3, 4, 2], "01222O"),
        ([100000, 7, 3, 40000, 1, 59, 20, 50, 9860], "PeQ373iQW1NkohNc0G`c9"),
        ([31, 1, 32, 1, 33, 1, 15, 16, 17, 3], "o01P1010^O?2C"),
    ],
)
def test_compressed_counts_are_those_of_pycocotools(counts: list[int], text: str) -> None:
    """Texts are what ``frPyObjects`` of pycocotools 2.0 makes of these counts."""
    assert compressed(counts) == text


def test_coco_records_are_plain_values() -> None:
    mask = np.zeros((3, 4), dtype=bool)
    mask[1:, 1] = True
    assert as_output(mask, "coco_rle") == {"size": [3, 4], "counts": compressed([4, 2, 6])}
    assert as_output(mask, "binary_mask") is mask
