"""The recorded orders are those of torch 2.13 on a CPU: manual_seed(seed); randperm(n)."""

import zlib
from pathlib import Path

import numpy as np
import pytest

from engine.benchmark.datasets import Category, DatasetError
from engine.benchmark.protocol import pick_references, reference_indices

WHOLE = {
    (1, 42): [0],
    (2, 42): [0, 1],
    (2, 0): [0, 1],
    (2, 1234): [1, 0],
    (13, 42): [5, 12, 11, 7, 4, 1, 2, 9, 8, 10, 6, 3, 0],
    (13, 0): [3, 4, 0, 2, 11, 8, 12, 5, 10, 6, 9, 1, 7],
    (13, 1234): [1, 4, 2, 8, 12, 9, 0, 10, 3, 7, 5, 6, 11],
    (16, 42): [6, 3, 0, 7, 10, 15, 2, 12, 14, 9, 8, 5, 4, 13, 11, 1],
    (16, 0): [12, 10, 9, 6, 11, 8, 13, 5, 2, 14, 15, 0, 4, 3, 7, 1],
    (16, 1234): [15, 7, 2, 0, 12, 8, 5, 13, 3, 11, 1, 4, 14, 9, 6, 10],
    (20, 42): [2, 14, 18, 15, 1, 10, 0, 4, 6, 11, 8, 3, 7, 17, 13, 12, 19, 5, 16, 9],
    (20, 0): [4, 5, 13, 19, 7, 14, 3, 6, 9, 17, 11, 2, 16, 18, 10, 12, 15, 8, 1, 0],
    (20, 1234): [15, 16, 14, 17, 1, 9, 12, 0, 7, 6, 13, 5, 2, 18, 3, 11, 4, 8, 10, 19],
}

FIRST_EIGHT = {
    (335, 42): [37, 140, 252, 125, 63, 70, 60, 75],
    (335, 0): [334, 242, 58, 55, 322, 74, 131, 246],
    (335, 1234): [55, 140, 86, 152, 273, 129, 159, 320],
    (351, 42): [330, 318, 140, 169, 283, 180, 211, 51],
    (351, 0): [107, 340, 160, 231, 294, 284, 28, 166],
    (351, 1234): [222, 0, 137, 212, 99, 187, 288, 16],
    (360, 42): [222, 27, 96, 253, 274, 35, 160, 172],
    (360, 0): [44, 173, 113, 138, 235, 214, 19, 7],
    (360, 1234): [15, 149, 228, 323, 288, 144, 84, 269],
    (372, 42): [174, 24, 178, 52, 158, 56, 184, 356],
    (372, 0): [80, 298, 95, 135, 247, 1, 193, 275],
    (372, 1234): [27, 194, 308, 140, 64, 106, 132, 62],
    (20, 2**32 + 7): [15, 17, 9, 12, 7, 1, 19, 3],
    (20, 2**63 - 1): [11, 7, 10, 0, 8, 15, 16, 13],
    (20, -3): [11, 9, 7, 1, 15, 4, 10, 0],
    (351, 2**40 + 1): [58, 340, 296, 155, 262, 154, 257, 188],
}

# CRC-32 of the whole order as little-endian 32-bit integers.
CHECKSUMS = {(351, 42): 1338459826, (20_000, 0): 1147683569, (100_000, 1234): 3908361190}


@pytest.mark.parametrize(("n", "seed"), WHOLE)
def test_every_prefix_is_the_recorded_order(n, seed):
    for k in range(n + 1):
        assert reference_indices(n, k, seed) == tuple(WHOLE[n, seed][:k])


@pytest.mark.parametrize(("n", "seed"), FIRST_EIGHT)
def test_the_first_eight_are_the_recorded_ones(n, seed):
    assert reference_indices(n, 8, seed) == tuple(FIRST_EIGHT[n, seed])


@pytest.mark.parametrize(("n", "seed"), CHECKSUMS)
def test_long_orders_have_the_recorded_checksum(n, seed):
    order = np.array(reference_indices(n, n, seed), dtype="<i4")
    assert zlib.crc32(order.tobytes()) == CHECKSUMS[n, seed]


def test_no_image_gives_no_reference():
    assert reference_indices(0, 0, 42) == ()


@pytest.mark.parametrize(("n", "k"), [(3, 4), (3, -1), (0, 1)])
def test_k_outside_the_range_is_refused(n, k):
    with pytest.raises(ValueError, match=rf"k must lie in 0 … n = {n}, got {k}"):
        reference_indices(n, k, 42)


def test_lengths_that_torch_permutes_otherwise_are_refused():
    assert len(reference_indices(2**32 // 20 - 1, 8, 42)) == 8
    with pytest.raises(ValueError, match="n must be below 214748364, got 214748364"):
        reference_indices(2**32 // 20, 8, 42)


def test_references_are_picked_from_the_sorted_training_images():
    train = tuple(Path(f"/set/train/good/{index:03}.png") for index in range(13))
    category = Category("set", Path("/set"), train, validation=(), test=())
    picked = pick_references(category, shots=4, seed=42)
    assert [path.name for path in picked] == ["005.png", "012.png", "011.png", "007.png"]


def test_more_shots_than_training_images_are_refused():
    category = Category("set", Path("/set"), (Path("/set/a.png"),), validation=(), test=())
    with pytest.raises(DatasetError, match=r"category 'set' has 1 training images, fewer than the"):
        pick_references(category, shots=2, seed=42)
