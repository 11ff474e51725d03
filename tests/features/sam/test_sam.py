from __future__ import annotations

import inspect

from segment_anything import SamAutomaticMaskGenerator

from features.config_fields import as_values, changed, problems_of
from features.sam import SamConfig


def test_generation_has_names_and_defaults_of_the_reference() -> None:
    parameters = inspect.signature(SamAutomaticMaskGenerator).parameters
    # what an object or an output needs is no setting
    names = set(parameters) - {"model", "point_grids", "output_mode"}
    assert {name: getattr(SamConfig(), name) for name in names} == {
        name: parameters[name].default for name in names
    }


def test_defaults_have_no_problem() -> None:
    assert problems_of(SamConfig(), "sam") == []


def test_problems_are_named_all_at_once() -> None:
    config = SamConfig(
        weights="",
        points_per_side=0,
        points_per_batch=0,
        pred_iou_thresh=1.5,
        stability_score_offset=-1,
        crop_n_layers=9,
        crop_overlap_ratio=1.0,
        min_part=0.5,
    )
    assert problems_of(config, "sam") == [
        "sam.points_per_side must lie in 1 … 256, got 0",
        "sam.points_per_batch must lie in 1 … 4096, got 0",
        "sam.pred_iou_thresh must lie in 0 … 1, got 1.5",
        "sam.stability_score_offset must lie in 0 … 100, got -1",
        "sam.crop_n_layers must lie in 0 … 4, got 9",
        "sam.crop_overlap_ratio must lie in 0 … 0.99, got 1.0",
        "sam.min_part must lie in 0 … 0.1, got 0.5",
        "sam.weights must name weights, got an empty text",
    ]


def test_every_layer_of_crops_needs_a_point() -> None:
    config = SamConfig(points_per_side=3, crop_n_layers=2, crop_n_points_downscale_factor=2)
    assert problems_of(config, "sam") == [
        "sam.points_per_side must be at least 4 to leave a point in crop layer 2, got 3"
    ]


def test_a_file_can_set_every_value() -> None:
    problems: list[str] = []
    config = SamConfig(mode="exact", points_per_side=8, background="two-edges", min_visible=0.2)
    assert changed(SamConfig(), as_values(config), problems) == config
    assert problems == []
