"""Small samples made of coloured boxes, and random ones, for the tests of comparison and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from alignment.aligned import AlignedParts
from alignment.comparison import Comparison, ComparisonConfig
from alignment.sample import Sample
from features.dense import DenseMap
from features.parts import Parts

Box = tuple[int, int, int, int]

CELL_PX = 8
SIZE = (48, 64)
# one look per class 0 … 3, and the last for parts of no class
COLORS = np.array([[120, 120, 120], [200, 40, 40], [40, 160, 60], [50, 70, 200], [220, 200, 40]])
CODES = 3 * np.random.default_rng(5).normal(size=(5, 6))


def paint_sample(
    parts: Sequence[tuple[int, Box]],
    *,
    seed: int = 0,
    noise: float = 0.1,
    n_classes: int = 4,
    looks: Mapping[int, int] | None = None,
) -> Sample:
    """Paint (class, (top, left, bottom, right)) boxes over a background of class 0.

    Each class has a look of its own, unless ``looks`` gives it that of another; the looks are also
    the words of the composition.
    """
    rng = np.random.default_rng(seed)
    labels = np.zeros(SIZE, dtype=np.int64)
    for part, (_, (top, left, bottom, right)) in enumerate(parts, 1):
        labels[top:bottom, left:right] = part
    class_of_part = np.array([0, *(class_id for class_id, _ in parts)])
    aligned = AlignedParts(
        Parts(labels, np.arange(len(class_of_part)) == 0),
        class_of_part,
        np.zeros(len(class_of_part)),
        np.arange(n_classes) == 0,
    )
    look = np.arange(-1, n_classes)
    for class_id, other in (looks or {}).items():
        look[class_id + 1] = other
    look_map = look[aligned.class_map + 1]
    image = COLORS[look_map] + 10 * noise * rng.normal(size=(*SIZE, 3))
    centers = look_map[CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX]
    tokens = CODES[centers] + noise * rng.normal(size=(*centers.shape, CODES.shape[1]))
    return Sample(
        image.clip(0, 255).astype(np.uint8),
        np.ones(SIZE, dtype=bool),
        DenseMap(tokens.astype(np.float32), np.ones(centers.shape, dtype=bool)),
        aligned,
        np.bincount(look_map.ravel() + 1, minlength=len(COLORS))[None] / look_map.size,
    )


def draw_random(
    seed: int, *, n_classes: int = 3, n_parts: int = 5, valid: float = 0.9, dim: int = 4
) -> Sample:
    """Scatter parts, classes, tokens and validity anyhow over a grid of 5 × 7 cells."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(-1, n_parts, size=(10, 14))
    is_valid = rng.random((5, 7)) < valid
    aligned = AlignedParts(
        Parts(np.kron(blocks, np.ones((4, 4), dtype=np.int64)), rng.random(n_parts) < 0.3),
        rng.permutation(np.arange(n_parts) % (n_classes + 1) - 1),
        rng.random(n_parts),
        np.arange(n_classes) == 0,
    )
    return Sample(
        rng.integers(0, 256, (40, 56, 3), dtype=np.uint8),
        np.kron(is_valid, np.ones((8, 8), dtype=bool)),
        DenseMap(rng.normal(size=(5, 7, dim)).astype(np.float32), is_valid),
        aligned,
        rng.dirichlet(np.ones(6), size=2),
    )


def compare(
    test: Sample, *references: Sample, config: ComparisonConfig | None = None
) -> list[Comparison]:
    """Put a test sample compare_all each reference."""
    return [Comparison(test, each, config or ComparisonConfig()) for each in references]


def hide(sample: Sample, box: Box) -> Sample:
    """Make a box of pixels, and the cells it touches, not valid."""
    top, left, bottom, right = box
    is_pixel, is_cell = sample.is_valid.copy(), sample.dense.is_valid.copy()
    is_pixel[top:bottom, left:right] = False
    is_cell[top // CELL_PX : -(-bottom // CELL_PX), left // CELL_PX : -(-right // CELL_PX)] = 0
    dense = DenseMap(sample.dense.tokens, is_cell)
    return replace(sample, is_valid=is_pixel, dense=dense)
