from __future__ import annotations

import numpy as np
import pytest
from segment_anything.utils.amg import build_all_layer_point_grids, generate_crop_boxes

from features.sam import SamConfig
from features.sam.point_grid import crops, lattice, lattices


@pytest.mark.parametrize(("n", "layers", "factor"), [(32, 0, 1), (32, 2, 2), (7, 1, 3), (1, 1, 1)])
def test_lattices_are_those_of_the_reference(n: int, layers: int, factor: int) -> None:
    config = SamConfig(
        points_per_side=n, crop_n_layers=layers, crop_n_points_downscale_factor=factor
    )
    theirs = build_all_layer_point_grids(n, layers, factor)
    ours = lattices(config)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-15)


@pytest.mark.parametrize("size", [(800, 1200), (381, 550), (64, 64), (17, 900)])
@pytest.mark.parametrize("n_layers", [0, 1, 3])
@pytest.mark.parametrize("overlap_ratio", [0.0, 512 / 1500, 0.99])
def test_crops_are_those_of_the_reference(
    size: tuple[int, int], n_layers: int, overlap_ratio: float
) -> None:
    boxes, layers = generate_crop_boxes(size, n_layers, overlap_ratio)
    found = crops(size, n_layers, overlap_ratio)
    assert [list(crop.box_xyxy) for crop in found] == boxes
    assert [crop.layer for crop in found] == layers


def test_points_lie_inside_evenly() -> None:
    np.testing.assert_allclose(lattice(2), [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
